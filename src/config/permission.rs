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
    /// The name of the `[[token]]` in which it lies, under this label, this id, or both.
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
    /// With `kinds` and `keys` the first permission.
    #[serde(default)]
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub keys: Vec<String>,
    /// More of them: each gives its own kinds with its own keys, and no others.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
}

/// Each of these operations, on documents of each of these kinds, with each of these keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Permission {
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub keys: Vec<String>,
}

impl Client {
    /// They are told by the same certificate.
    pub(super) fn is_same_holder(&self, other: &Self) -> bool {
        let sha256 = |client: &Self| client.sha256.as_ref().map(|text| text.to_ascii_lowercase());
        (sha256(self), &self.subject, &self.issuer) == (sha256(other), &other.subject, &other.issuer)
    }

    /// A permission that says more than it holds: the rule.
    pub(super) fn broken_permission(&self) -> Option<&'static str> {
        self.permissions().find_map(|permission| {
            let Permission { operations, kinds, keys } = &permission;
            let signs = operations.contains(&Operation::Sign);
            if signs && (kinds.is_empty() || keys.is_empty()) {
                return Some("come with kinds and keys where they have sign: without both nothing can be signed");
            }
            if operations.contains(&Operation::SignHash) {
                let is_alone = operations.len() == 1 && kinds.is_empty() && !keys.is_empty();
                return (!is_alone).then_some("have sign-hash alone, with keys and without kinds: what is signed blindly is of no kind");
            }
            if operations.contains(&Operation::Use) && kinds.is_empty() {
                return Some("come with kinds where they have use");
            }
            let bound = signs || operations.contains(&Operation::Use);
            let is_vain = (!kinds.is_empty() && !bound) || (!keys.is_empty() && !signs);
            is_vain.then_some(
                "have sign, or use, where there are kinds, and sign where there are keys: verify and extend are bound to neither",
            )
        })
    }

    /// Everything that it may do; what none of them names it may not.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        let Self { operations, kinds, keys, permissions, .. } = self;
        let first = Permission { operations: operations.clone(), kinds: kinds.clone(), keys: keys.clone() };
        std::iter::once(first).chain(permissions.iter().cloned())
    }
}

const fn default_concurrency() -> usize {
    64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Sign,
    Verify,
    /// Raise the level of signatures that exist; who may sign may it too.
    Extend,
    /// Use up documents that are good for one office, when they are presented.
    Use,
    /// Sign digests of what nobody here sees, with keys of their own.
    SignHash,
}
