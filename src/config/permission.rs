//! Who may have what signed, with which key.

use std::path::PathBuf;

use serde::Deserialize;

use crate::core::time::Time;

/// A key that signs documents.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SigningKey {
    pub name: String,
    /// Unencrypted PKCS#8 PEM; or `token`.
    pub file: Option<PathBuf>,
    /// The name of the [`Token`] in which it lies, under this label, this id, or both.
    pub token: Option<String>,
    pub label: Option<String>,
    /// CKA_ID, hex.
    pub id: Option<String>,
    /// A name that it shares with the keys before and after it.
    pub authority: Option<String>,
    /// It signs from then on.
    pub from: Option<Time>,
    /// It no longer signs then.
    pub until: Option<Time>,
    pub certificate: PathBuf,
    #[serde(default)]
    pub chain: Vec<PathBuf>,
    #[serde(default)]
    pub padding: Padding,
    /// PNG of the seal that signatures with this key show.
    pub seal_image: Option<PathBuf>,
}

/// How an RSA key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    #[default]
    Pss,
    Pkcs1,
}

/// A kind of document issued here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kind {
    pub name: String,
    /// Names of keys; the first signs unless another is asked for.
    pub keys: Vec<String>,
    #[serde(default)]
    pub digest_only: bool,
    /// A further signature may be added to one that names a document which was not issued here: its standing is then not kept here.
    #[serde(default)]
    pub foreign_references: bool,
    /// What documents of this kind serve for, as requests to verify name it.
    #[serde(default)]
    pub purposes: Vec<String>,
}

/// A TLS client certificate and what its holder may do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    pub name: String,
    /// Fingerprint, hex; or `subject` and `issuer`.
    pub sha256: Option<String>,
    pub subject: Option<String>,
    pub issuer: Option<String>,
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub keys: Vec<String>,
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
}

const fn default_concurrency() -> usize {
    64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Sign,
    Verify,
}
