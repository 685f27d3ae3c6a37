//! The log's word, given with the signature, that the entry will be in its tree.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::note::{KeyKind, VerifierKey};
use super::{Hash, LogFault};
use crate::core::time::Time;

/// What makes the signature one of a promise, and of nothing else: no note begins like this.
const PURPOSE: &str = "antin-log-promise-v1";

/// A signed promise. Whoever holds one whose entry is missing a minute later holds the proof that the log misbehaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    pub origin: String,
    pub leaf_hash: Hash,
    /// When the document was signed, and the promise given.
    pub time: Time,
    /// Ed25519 by the key of the log.
    pub signature: Vec<u8>,
}

/// What a log signs to promise it.
pub fn text(origin: &str, leaf_hash: &Hash, time: Time) -> String {
    format!("{PURPOSE}\n{origin}\n{}\n{}\n", STANDARD.encode(leaf_hash), time.unix())
}

impl Promise {
    /// # Errors
    /// [`LogFault::Origin`], [`LogFault::Signature`].
    pub fn verify(&self, key: &VerifierKey) -> Result<(), LogFault> {
        if self.origin != key.name() || key.kind() != KeyKind::Note {
            return Err(LogFault::Origin { expected: key.name().to_owned(), found: self.origin.clone() });
        }
        let text = text(&self.origin, &self.leaf_hash, self.time);
        if key.verifies(&self.signature, text.as_bytes()) {
            Ok(())
        } else {
            Err(LogFault::Signature { name: self.origin.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::tests::signer;
    use super::*;

    #[test]
    fn a_promise_is_about_one_entry_of_one_log() {
        let (own, other) = (signer("example.com/log", KeyKind::Note), signer("example.com/other", KeyKind::Note));
        let promise = own.promise([7; 32], Time::from_unix(1_700_000_000)).expect("signed");
        assert_eq!(promise.verify(own.verifier()), Ok(()));
        assert!(promise.verify(other.verifier()).is_err());
        let later = Promise { time: promise.time.plus_seconds(1), ..promise.clone() };
        let elsewhere = Promise { leaf_hash: [8; 32], ..promise.clone() };
        let renamed = Promise { origin: "example.com/other".to_owned(), ..promise.clone() };
        for wrong in [later, elsewhere, renamed] {
            assert!(wrong.verify(own.verifier()).is_err() && wrong.verify(other.verifier()).is_err());
        }
        assert_eq!(own.promise([7; 32], promise.time), Ok(promise));
    }
}
