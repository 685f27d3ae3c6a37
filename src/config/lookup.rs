//! Asking for a document by five fields of it.

use std::path::PathBuf;

use serde::Deserialize;

/// The keys of the digests; without one nobody can ask, and nothing is recorded for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lookup {
    /// A file of 32 random octets, under which what is issued from now on is recorded.
    pub key: Option<PathBuf>,
    /// Those of before: what was recorded under them is found.
    pub older_keys: Vec<PathBuf>,
}

/// Each costs a question one digest.
const MOST_OLDER_KEYS: usize = 3;

impl Lookup {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let is_broken = self.older_keys.len() > MOST_OLDER_KEYS || (self.key.is_none() && !self.older_keys.is_empty());
        is_broken.then_some(("older-keys", "be at most 3 files, beside a key"))
    }
}
