//! What a log sends to a witness, and what the witness holds it against (C2SP tlog-witness).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::checkpoint::{parse_hash, parse_number};
use super::merkle::{MOST_HASHES, verify_consistency};
use super::note::LONGEST_NOTE;
use super::{Checkpoint, Hash, LogFault, Note, VerifierKey};

/// Octets of the longest request.
pub const LONGEST_REQUEST: usize = LONGEST_NOTE + (4 << 10);
const OF: &str = "add-checkpoint";

/// The body of `add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness saw last, as the log thinks.
    pub old: u64,
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why a witness does not cosign; each has a status of its own in C2SP tlog-witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessFault {
    /// 400: not the form, or an old size above that of the checkpoint.
    Request(LogFault),
    /// 404.
    UnknownLog,
    /// 403.
    NotSigned(LogFault),
    /// 409: the witness saw this size last.
    Conflict { size: u64 },
    /// 409: the log signed two trees of this size, of which the witness cosigned the other. Nobody but the log can show that.
    Fork { size: u64 },
    /// 422: not shown to go on from what was seen. Whoever sent it may have sent a wrong proof.
    Inconsistent(LogFault),
}

impl AddCheckpoint {
    /// # Errors
    /// [`LogFault::Form`], [`LogFault::TooLong`].
    pub fn parse(octets: &[u8]) -> Result<Self, LogFault> {
        if octets.len() > LONGEST_REQUEST {
            return Err(LogFault::TooLong { of: OF, limit: LONGEST_REQUEST });
        }
        let wrong = |rule| LogFault::Form { of: OF, rule };
        let text = std::str::from_utf8(octets).map_err(|_| wrong("be UTF-8"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or_else(|| wrong("have an empty line before its checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = parse_number(OF, old.ok_or_else(|| wrong("begin with the old size"))?)?;
        let path = lines.map(|line| parse_hash(OF, line)).collect::<Result<Vec<_>, _>>()?;
        if path.len() > MOST_HASHES {
            return Err(wrong("have at most 63 hashes"));
        }
        Ok(Self { old, path, checkpoint: checkpoint.to_owned() })
    }

    /// Whether a witness cosigns that knows these logs, and of each the tree that it cosigned last. Gives the checkpoint, to be recorded
    /// before the cosignature leaves, and its text.
    ///
    /// # Errors
    /// [`WitnessFault`].
    pub fn judge(
        &self,
        logs: &[VerifierKey],
        seen: impl FnOnce(&str) -> Option<(u64, Hash)>,
    ) -> Result<(Checkpoint, String), WitnessFault> {
        let note = Note::parse(self.checkpoint.as_bytes()).map_err(WitnessFault::Request)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(WitnessFault::Request)?;
        let keys: Vec<_> = logs.iter().filter(|key| key.name() == checkpoint.origin).collect();
        if keys.is_empty() {
            return Err(WitnessFault::UnknownLog);
        }
        let mut verified = Err(LogFault::NotSignedBy { name: checkpoint.origin.clone() });
        for key in keys {
            verified = verified.or_else(|_| note.verify(key));
        }
        verified.map_err(WitnessFault::NotSigned)?;
        if self.old > checkpoint.size {
            let rule = "have an old size that is not above that of the checkpoint";
            return Err(WitnessFault::Request(LogFault::Form { of: OF, rule }));
        }
        let (size, root) = seen(&checkpoint.origin).unwrap_or((0, super::merkle::empty_root()));
        if size == checkpoint.size && size > 0 && root != checkpoint.root {
            return Err(WitnessFault::Fork { size });
        }
        if self.old != size {
            return Err(WitnessFault::Conflict { size });
        }
        verify_consistency((size, &root), (checkpoint.size, &checkpoint.root), &self.path)
            .map_err(WitnessFault::Inconsistent)?;
        if checkpoint.size == 0 && checkpoint.root != super::merkle::empty_root() {
            return Err(WitnessFault::Inconsistent(LogFault::Root { size: 0 }));
        }
        Ok((checkpoint, note.text))
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.old)?;
        for hash in &self.path {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::{leaf_hash, node_hash};
    use super::super::note::KeyKind;
    use super::super::note::tests::signer;
    use super::*;

    #[test]
    fn a_witness_cosigns_what_goes_on_from_what_it_saw() {
        let (log, other) = (signer("example.com/log", KeyKind::Note), signer("example.com/other", KeyKind::Note));
        let (left, right) = (leaf_hash(b"1"), leaf_hash(b"2"));
        let of = |size, root| Checkpoint { origin: "example.com/log".to_owned(), size, root };
        let request = |old, path: &[Hash], checkpoint: &Checkpoint| {
            let signed = log.checkpoint(checkpoint).expect("signed").to_string();
            let request = AddCheckpoint { old, path: path.to_vec(), checkpoint: signed };
            let parsed = AddCheckpoint::parse(request.to_string().as_bytes()).expect("a request");
            assert_eq!(parsed, request);
            parsed
        };
        let (one, two) = (of(1, left), of(2, node_hash(&left, &right)));
        let known = [log.verifier().clone()];
        let judged = request(0, &[], &one).judge(&known, |_| None);
        assert_eq!(judged, Ok((one.clone(), one.to_string())));
        let after_one = |_: &str| Some((1, left));
        assert!(request(1, &[right], &two).judge(&known, after_one).is_ok());
        assert!(request(1, &[], &one).judge(&known, after_one).is_ok());
        let conflict = Err(WitnessFault::Conflict { size: 1 });
        assert_eq!(request(0, &[], &two).judge(&known, after_one), conflict);
        for old in [0, 1] {
            let fork = request(old, &[], &of(1, right)).judge(&known, after_one);
            assert_eq!(fork, Err(WitnessFault::Fork { size: 1 }), "whatever was sent with it");
        }
        let forked = request(1, &[right], &of(2, node_hash(&right, &right))).judge(&known, after_one);
        assert!(matches!(forked, Err(WitnessFault::Inconsistent(_))), "{forked:?}");
        assert_eq!(request(0, &[], &one).judge(&[other.verifier().clone()], |_| None), Err(WitnessFault::UnknownLog));
        assert!(matches!(request(2, &[], &one).judge(&known, |_| Some((2, right))), Err(WitnessFault::Request(_))));
        let mut unsigned = request(0, &[], &one);
        unsigned.checkpoint = other.checkpoint(&one).expect("signed").to_string();
        assert!(matches!(unsigned.judge(&known, |_| None), Err(WitnessFault::NotSigned(_))));
        assert!(matches!(request(0, &[], &of(0, left)).judge(&known, |_| None), Err(WitnessFault::Inconsistent(_))));
    }

    #[test]
    fn a_request_has_one_form() {
        for wrong in ["", "old 1", "old 01\n\nx", "old 1\nAAAA\n\nx", "new 1\n\nx", "old 1\n"] {
            assert!(AddCheckpoint::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        let many = format!("old 1\n{}\nx", format!("{}\n", STANDARD.encode([0; 32])).repeat(64));
        assert!(AddCheckpoint::parse(many.as_bytes()).is_err());
    }
}
