//! The highest sequence number of a trust list seen, in a small file of its own: what keeps an older list, in which an authority
//! is still trusted or not yet limited, from coming back.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{TrustError, read, replace};

const FORMAT: &str = "antin-trust-list-state-1";

/// A number that cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    Read(#[from] TrustError),
    #[error(
        "{} is damaged: restore it from a copy. If it is removed, trust lists older than those already seen would count again",
        .0.display()
    )]
    Damaged(PathBuf),
    #[error("{}: a list with a higher number was seen meanwhile", .0.display())]
    Overtaken(PathBuf),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The newest list seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    format: String,
    pub sequence: u64,
    /// SHA-256 of the list's content, hex.
    pub sha256: String,
}

impl Seen {
    pub fn new(sequence: u64, content: &[u8; 32]) -> Self {
        Self { format: FORMAT.to_owned(), sequence, sha256: hex::encode(content) }
    }

    /// `None` if there is no file.
    pub fn open(path: &Path) -> Result<Option<Self>, StateError> {
        let bytes = match read(path) {
            Err(TrustError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let seen: Option<Self> = serde_json::from_slice(&bytes).ok();
        let seen = seen
            .filter(|seen| seen.format == FORMAT && hex::decode(&seen.sha256).is_ok_and(|octets| octets.len() == 32));
        seen.map(Some).ok_or_else(|| StateError::Damaged(path.to_owned()))
    }

    /// Writes it again where the file has gone, or holds a lower number, while the list was in force. Was it so?
    pub fn restore(&self, path: &Path) -> Result<bool, StateError> {
        if Self::open(path)?.is_some_and(|kept| kept.sequence >= self.sequence) {
            return Ok(false);
        }
        self.keep(path)?;
        Ok(true)
    }

    /// Makes it durable, unless it is there; a higher number that was kept meanwhile is not lowered.
    pub fn keep(&self, path: &Path) -> Result<(), StateError> {
        match Self::open(path)? {
            Some(seen) if seen == *self => return Ok(()),
            Some(seen) if seen.sequence > self.sequence => return Err(StateError::Overtaken(path.to_owned())),
            _ => {}
        }
        let content = serde_json::to_vec(self).expect("strings and numbers have a JSON form");
        replace(path, &content).map_err(|source| StateError::Write { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_seen_again_and_damage_is_an_error() {
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("state.json");
        assert_eq!(Seen::open(&path).expect("none"), None);
        let seen = Seen::new(7, &[1; 32]);
        seen.keep(&path).expect("written");
        assert_eq!(Seen::open(&path).expect("there"), Some(seen.clone()));
        assert!(matches!(Seen::new(6, &[1; 32]).keep(&path), Err(StateError::Overtaken(_))));
        assert_eq!(Seen::open(&path).expect("there"), Some(seen.clone()));
        assert!(!seen.restore(&path).expect("there"));
        std::fs::remove_file(&path).expect("removed");
        assert!(seen.restore(&path).expect("written"));
        assert!(!Seen::new(6, &[1; 32]).restore(&path).expect("a higher one stays"));
        assert_eq!(Seen::open(&path).expect("there"), Some(seen.clone()));
        for damage in ["", "{}", "{\"format\":\"antin-trust-list-state-1\",\"sequence\":7,\"sha256\":\"01\"}"] {
            std::fs::write(&path, damage).expect("written");
            assert!(matches!(Seen::open(&path), Err(StateError::Damaged(_))), "{damage}");
            assert!(seen.keep(&path).is_err() && seen.restore(&path).is_err(), "{damage}");
        }
        assert!(matches!(seen.keep(&directory.path().join("none/state.json")), Err(StateError::Write { .. })));
    }
}
