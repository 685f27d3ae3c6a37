//! High-water marks of status lists: when the newest token seen of each was issued, so that an older one never comes back, not even
//! after a restart with an empty memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::core::crypto::sha256;
use crate::core::time::Time;
use crate::revocation::durable::replace;
use crate::revocation::marks::MarksError;

const FORMAT: &str = "antin-status-list-marks-1";
/// Octets of the longest file.
const LIMIT: u64 = 4 << 20;
/// Lists that are remembered; beyond, that which was issued first is forgotten.
const MOST: usize = 4096;

/// The marks, and the file they are kept in.
pub(super) struct ListMarks {
    /// None: there are no sources.
    path: Option<PathBuf>,
    marks: BTreeMap<String, Time>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarksFile {
    format: String,
    /// Of the compact JSON of `marks`.
    sha256: String,
    marks: BTreeMap<String, Time>,
}

impl ListMarks {
    pub(super) const fn none() -> Self {
        Self { path: None, marks: BTreeMap::new() }
    }

    /// Reads the file; one that does not exist is made at once, so that a place that cannot be written is noticed.
    pub(super) fn open(path: &Path) -> Result<Self, MarksError> {
        let marks = read(path)?;
        let opened = Self { path: Some(path.to_owned()), marks: marks.unwrap_or_default() };
        opened.write()?;
        Ok(opened)
    }

    /// Raises the mark, durably; whether the token is no older than it. Marks that cannot be written hold in memory.
    pub(super) fn raise(&mut self, uri: &str, issued_at: Time) -> bool {
        match self.marks.get(uri) {
            Some(mark) if issued_at < *mark => return false,
            Some(mark) if issued_at == *mark => return true,
            _ => {}
        }
        self.marks.insert(uri.to_owned(), issued_at);
        if self.marks.len() > MOST
            && let Some(first) = self.marks.iter().min_by_key(|(_, mark)| **mark).map(|(uri, _)| uri.clone())
        {
            self.marks.remove(&first);
        }
        if let Err(error) = self.write() {
            metrics::counter!("antin_status_list_marks_failures_total").increment(1);
            tracing::error!(target: "antin::revocation", %error, "the marks of status lists cannot be written");
        }
        true
    }

    fn write(&self) -> Result<(), MarksError> {
        let Some(path) = &self.path else { return Ok(()) };
        Ok(replace(path, &encode(&self.marks))?)
    }
}

fn encode(marks: &BTreeMap<String, Time>) -> Vec<u8> {
    let digest = hex::encode(sha256(&serde_json::to_vec(marks).expect("texts")));
    let file = MarksFile { format: FORMAT.to_owned(), sha256: digest, marks: marks.clone() };
    serde_json::to_vec_pretty(&file).expect("texts")
}

fn read(path: &Path) -> Result<Option<BTreeMap<String, Time>>, MarksError> {
    let failed = |source| MarksError::File { action: "read", path: path.to_owned(), source };
    let content = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(data) if data.len() > LIMIT => return Err(MarksError::Damaged(path.to_owned())),
        Ok(_) => fs::read(path).map_err(failed)?,
    };
    let damaged = || MarksError::Damaged(path.to_owned());
    let file: MarksFile = serde_json::from_slice(&content).map_err(|_| damaged())?;
    let digest = hex::encode(sha256(&serde_json::to_vec(&file.marks).expect("texts")));
    if file.format == FORMAT && file.sha256 == digest { Ok(Some(file.marks)) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_only_rises_also_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let at = Time::from_unix;
        let mut marks = ListMarks::open(&path).unwrap();
        assert!(marks.raise("a", at(10)) && marks.raise("a", at(10)) && marks.raise("b", at(3)));
        assert!(!marks.raise("a", at(9)));
        let mut again = ListMarks::open(&path).unwrap();
        assert!(!again.raise("a", at(9)) && again.raise("a", at(11)) && !again.raise("b", at(2)));

        let whole = fs::read_to_string(&path).unwrap();
        for damage in
            [whole.replace("\"b\": \"1970", "\"b\": \"1969"), String::new(), whole.replace("marks-1", "marks-2")]
        {
            assert_ne!(damage, whole);
            fs::write(&path, damage).unwrap();
            assert!(matches!(ListMarks::open(&path), Err(MarksError::Damaged(_))));
        }
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let mut marks = ListMarks::none();
        for number in 0..=MOST {
            assert!(marks.raise(&number.to_string(), Time::from_unix(number as i64)));
        }
        assert_eq!(marks.marks.len(), MOST);
        assert!(!marks.marks.contains_key("0"));
    }
}
