//! Checkpoints: a tree's size and root, signed by its log (C2SP tlog-checkpoint).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::note::{Note, VerifierKey};
use super::{Hash, LogFault};

const OF: &str = "checkpoint";

/// What a log says of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// A number in decimal digits without leading zeros.
pub(super) fn parse_number(of: &'static str, text: &str) -> Result<u64, LogFault> {
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    // Trees have fewer entries, and sums of two sizes do not overflow.
    number
        .filter(|number| *number < 1 << 63)
        .ok_or(LogFault::Form { of, rule: "have numbers below 2^63 without leading zeros" })
}

/// A hash in Base64.
pub(super) fn parse_hash(of: &'static str, text: &str) -> Result<Hash, LogFault> {
    let octets = STANDARD.decode(text).ok().and_then(|octets| octets.try_into().ok());
    octets.ok_or(LogFault::Form { of, rule: "have hashes of 32 octets in Base64" })
}

impl Checkpoint {
    /// The text of a note. Extension lines are refused: nobody could check what they say.
    ///
    /// # Errors
    /// [`LogFault::Form`].
    pub fn parse(text: &str) -> Result<Self, LogFault> {
        let wrong = || LogFault::Form { of: OF, rule: "have three lines: origin, size, root" };
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or_else(wrong)?.split('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(wrong()) };
        if origin.is_empty() {
            return Err(wrong());
        }
        Ok(Self { origin: origin.to_owned(), size: parse_number(OF, size)?, root: parse_hash(OF, root)? })
    }

    /// A signed checkpoint of the log whose name the key has.
    ///
    /// # Errors
    /// As of [`Note::parse`], [`Note::verify`] and [`Self::parse`]; [`LogFault::Origin`].
    pub fn open(octets: &[u8], key: &VerifierKey) -> Result<(Self, Note), LogFault> {
        let note = Note::parse(octets)?;
        note.verify(key)?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != key.name() {
            return Err(LogFault::Origin { expected: key.name().to_owned(), found: checkpoint.origin });
        }
        Ok((checkpoint, note))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::KeyKind;
    use super::super::note::tests::signer;
    use super::*;

    /// The example of C2SP tlog-checkpoint.
    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let note = format!(
            "{text}\n\u{2014} example.com/behind-the-sofa \
             Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        let note = Note::parse(note.as_bytes()).expect("a note");
        let checkpoint = Checkpoint::parse(&note.text).expect("a checkpoint");
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.to_string(), text);
        assert_eq!(note.signatures[0].value.len(), 64);
    }

    #[test]
    fn a_checkpoint_has_one_form() {
        let root = STANDARD.encode([7; 32]);
        assert!(Checkpoint::parse(&format!("a\n0\n{root}\n")).is_ok());
        for wrong in [
            format!("a\n0\n{root}"),
            format!("\n0\n{root}\n"),
            format!("a\n00\n{root}\n"),
            format!("a\n+1\n{root}\n"),
            format!("a\n-1\n{root}\n"),
            format!("a\n9223372036854775808\n{root}\n"),
            format!("a\n1\n{root}\nextension\n"),
            format!("a\n1\n{}\n", STANDARD.encode([7; 31])),
            format!("a\n1\n {root}\n"),
            "a\n1\n".to_owned(),
            String::new(),
        ] {
            assert!(Checkpoint::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_log_signs_its_own_checkpoints_alone() {
        let (own, other) = (signer("example.com/log", KeyKind::Note), signer("example.com/other", KeyKind::Note));
        let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size: 3, root: [9; 32] };
        let octets = own.checkpoint(&checkpoint).expect("signed").to_string();
        assert_eq!(Checkpoint::open(octets.as_bytes(), own.verifier()).expect("its own").0, checkpoint);
        assert!(Checkpoint::open(octets.as_bytes(), other.verifier()).is_err());
        let octets = other.checkpoint(&checkpoint).expect("signed").to_string();
        let fault = LogFault::Origin { expected: "example.com/other".to_owned(), found: "example.com/log".to_owned() };
        assert_eq!(Checkpoint::open(octets.as_bytes(), other.verifier()), Err(fault));
    }
}
