//! A proof that holds offline: where an entry stands, the way to the root, and the checkpoint over it (C2SP tlog-proof).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::checkpoint::{parse_hash, parse_number};
use super::merkle::{MOST_HASHES, verify_inclusion};
use super::note::LONGEST_NOTE;
use super::{Checkpoint, Hash, LogFault, Opening, VerifierKey};

/// Octets of the longest proof: the checkpoint and 4 KiB of opening beside the hashes.
pub const LONGEST_PROOF: usize = LONGEST_NOTE + (12 << 10);
const FIRST: &str = "c2sp.org/tlog-proof@v1\n";
const OF: &str = "proof";

/// A proof, of which nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// The opening of the entry, as JSON.
    pub extra: Option<Vec<u8>>,
    pub index: u64,
    /// The sibling of the leaf first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, as its log published it.
    pub checkpoint: String,
}

/// What a proof proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub opening: Opening,
    pub index: u64,
    pub checkpoint: Checkpoint,
}

impl LogProof {
    /// # Errors
    /// [`LogFault::Form`], [`LogFault::TooLong`].
    pub fn parse(octets: &[u8]) -> Result<Self, LogFault> {
        if octets.len() > LONGEST_PROOF {
            return Err(LogFault::TooLong { of: OF, limit: LONGEST_PROOF });
        }
        let wrong = |rule| LogFault::Form { of: OF, rule };
        let text = std::str::from_utf8(octets).map_err(|_| wrong("be UTF-8"))?;
        let rest = text.strip_prefix(FIRST).ok_or_else(|| wrong("begin with c2sp.org/tlog-proof@v1"))?;
        let (head, checkpoint) =
            rest.split_once("\n\n").ok_or_else(|| wrong("have an empty line before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            None => None,
            Some(encoded) => {
                let extra = STANDARD.decode(encoded).map_err(|_| wrong("have its extra data in Base64"))?;
                lines.next();
                Some(extra)
            }
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = parse_number(OF, index.ok_or_else(|| wrong("say the index of the entry"))?)?;
        let path = lines.map(|line| parse_hash(OF, line)).collect::<Result<Vec<_>, _>>()?;
        if path.len() > MOST_HASHES {
            return Err(wrong("have at most 63 hashes"));
        }
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// The entry of the document that is opened stands in the tree of a checkpoint that the log signed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, key: &VerifierKey) -> Result<Logged, LogFault> {
        let (checkpoint, _) = Checkpoint::open(self.checkpoint.as_bytes(), key)?;
        let opening = Opening::from_json(self.extra.as_deref().unwrap_or_default())?;
        let leaf = opening.entry().leaf_hash();
        verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(Logged { opening, index: self.index, checkpoint })
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(FIRST)?;
        if let Some(extra) = &self.extra {
            writeln!(formatter, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(formatter, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::opening;
    use super::super::merkle::node_hash;
    use super::super::note::KeyKind;
    use super::super::note::tests::signer;
    use super::*;

    fn proof() -> (LogProof, VerifierKey) {
        let key = signer("example.com/log", KeyKind::Note);
        let (first, second) = (opening(1), opening(2));
        let (left, right) = (first.entry().leaf_hash(), second.entry().leaf_hash());
        let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size: 2, root: node_hash(&left, &right) };
        let checkpoint = key.checkpoint(&checkpoint).expect("signed").to_string();
        let proof = LogProof { extra: Some(second.to_json().into_bytes()), index: 1, path: vec![left], checkpoint };
        (proof, key.verifier().clone())
    }

    #[test]
    fn a_proof_is_text_and_holds() {
        let (proof, key) = proof();
        let text = proof.to_string();
        assert_eq!(LogProof::parse(text.as_bytes()), Ok(proof.clone()));
        let logged = proof.verify(&key).expect("it holds");
        assert_eq!((logged.index, logged.opening, logged.checkpoint.size), (1, opening(2), 2));
    }

    /// Each octet of a proof counts: changed in any of three ways, it holds no longer.
    #[test]
    fn no_octet_can_be_changed() {
        let (proof, key) = proof();
        let text = proof.to_string().into_bytes();
        let mut tried = 0;
        for at in 0..text.len() {
            for change in [0x01, 0x20, 0x80] {
                let mut other = text.clone();
                other[at] ^= change;
                let outcome = LogProof::parse(&other).and_then(|proof| proof.verify(&key));
                assert!(outcome.is_err(), "octet {at}");
                tried += 1;
            }
        }
        assert!(tried > 1500, "{tried}");
    }

    #[test]
    fn a_proof_has_one_form() {
        let (proof, _) = proof();
        let text = proof.to_string();
        for wrong in [
            text.replace("index 1", "index 01"),
            text.replace("index 1", "index -1"),
            text.replace("@v1", "@v2"),
            text.replace("index 1\n", ""),
            text.replace("extra ", "extra  "),
            text.replace("\n\n", "\n"),
            String::new(),
            text.replace("index 1\n", &format!("index 1\n{}", format!("{}\n", STANDARD.encode([0; 32])).repeat(64))),
        ] {
            assert!(LogProof::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(LogProof::parse(&vec![b'a'; LONGEST_PROOF + 1]).is_err());
    }
}
