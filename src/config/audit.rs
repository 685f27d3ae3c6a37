//! `[audit]`: where decisions are written down.

use std::path::PathBuf;

use serde::Deserialize;

/// The audit log; both are given, or none: then there is no log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Audit {
    /// A folder of its own; made if it is missing.
    pub folder: Option<PathBuf>,
    /// The key of its heads, as `antin audit key` makes one.
    pub key: Option<PathBuf>,
}
