//! Where the PIN of a token comes from. It is read for each login and kept nowhere.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use cryptoki::types::AuthPin;

use super::fault::TokenFault;
use crate::core::crypto;

/// Octets of the longest PIN.
const LONGEST: u64 = 256;

/// A file, or a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    File(PathBuf),
    Environment(String),
}

/// A PIN as it was read; without `Debug`, so that it is printed nowhere.
pub(super) struct Pin {
    pub(super) secret: AuthPin,
    /// SHA-256: tells a PIN that was refused from a new one.
    pub(super) digest: [u8; 32],
}

impl PinSource {
    /// The PIN without the line break at its end.
    pub(super) fn read(&self) -> Result<Pin, TokenFault> {
        let wrong = |reason: &str| TokenFault::Pin { place: self.name(), reason: reason.to_owned() };
        let text = match self {
            Self::Environment(name) => std::env::var(name).map_err(|_| wrong("it is not set, or not UTF-8"))?,
            Self::File(path) => {
                let mut text = String::new();
                let file = File::open(path).map_err(|error| wrong(&error.to_string()))?;
                // The error of a file that is not UTF-8 shows none of it.
                file.take(LONGEST + 3).read_to_string(&mut text).map_err(|error| wrong(&error.to_string()))?;
                text
            }
        };
        let pin = text.trim_end_matches(['\r', '\n']);
        match pin.len() as u64 {
            0 => Err(wrong("it is empty")),
            1..=LONGEST => Ok(Pin { digest: crypto::sha256(pin.as_bytes()), secret: AuthPin::from(pin.to_owned()) }),
            _ => Err(wrong("it is longer than a PIN")),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Environment(name) => format!("the environment variable {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_one_line_of_bounded_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        let source = PinSource::File(path.clone());
        assert!(matches!(source.read(), Err(TokenFault::Pin { .. })), "it is not there");
        for (content, is_pin) in [("1234\r\n", true), ("1234", true), ("\n", false), ("", false)] {
            std::fs::write(&path, content).expect("written");
            assert_eq!(source.read().is_ok(), is_pin, "{content:?}");
        }
        let digest = |content: &[u8]| {
            std::fs::write(&path, content).expect("written");
            source.read().map(|pin| pin.digest).map_err(|fault| fault.to_string())
        };
        assert_eq!(digest(b"1234\n"), digest(b"1234"));
        assert_ne!(digest(b"1234"), digest(b"1235"));
        for content in [vec![b'1'; 257], vec![b'1'; 1 << 20], vec![0xff; 4]] {
            let fault = digest(&content).expect_err("no PIN");
            assert!(fault.len() < 200 && !fault.contains("111"), "{fault}");
        }
    }
}
