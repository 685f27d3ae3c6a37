//! Signed receipts about what was verified.

use serde::Deserialize;

/// With which key receipts are signed, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Receipt {
    /// Name of a key that signs nothing else; without it there are no receipts.
    pub key: Option<String>,
    /// Receipts being signed at one time; others wait for their turn.
    pub concurrency: usize,
    /// Receipts for callers without a certificate, all of them together, in a minute.
    pub per_minute: u32,
}

impl Default for Receipt {
    fn default() -> Self {
        Self { key: None, concurrency: 4, per_minute: 600 }
    }
}
