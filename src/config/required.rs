//! What documents of certain issuers must have to be relied on: a standing, a place in an issuance log.

use serde::Deserialize;

use crate::core::log::{KeyKind, VerifierKey};
use crate::core::time::Time;

const CERTIFICATES: (&str, &str) = ("certificates", "name at least one certificate, by 64 hexadecimal digits each");

/// Whose documents are relied on only where their standing is known, and since when: an issuer that publishes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequiredStatus {
    /// SHA-256 of certificates, in hexadecimal digits: of signers, or of authorities or anchors above them.
    pub certificates: Vec<String>,
    /// These kinds alone, and documents of which nothing signed says the kind; none: all.
    pub kinds: Vec<String>,
    /// Documents that are not proved to have been signed before.
    pub from: Option<Time>,
}

/// Whose documents are relied on only where they are proved to be in an issuance log, and since when: an issuer that logs all that it
/// issues. The other fields are those of [`RequiredStatus`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequiredLog {
    /// The public key of the log, as `antin log key` writes it.
    pub key: String,
    pub certificates: Vec<String>,
    pub kinds: Vec<String>,
    pub from: Option<Time>,
}

/// Which documents a rule is for.
#[derive(Clone, Copy, Debug)]
pub struct Concerned<'a> {
    pub certificates: &'a [String],
    pub kinds: &'a [String],
    pub from: Option<Time>,
}

impl RequiredStatus {
    pub fn concerned(&self) -> Concerned<'_> {
        Concerned { certificates: &self.certificates, kinds: &self.kinds, from: self.from }
    }

    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        self.concerned().names_nobody().then_some(CERTIFICATES)
    }
}

impl RequiredLog {
    pub fn concerned(&self) -> Concerned<'_> {
        Concerned { certificates: &self.certificates, kinds: &self.kinds, from: self.from }
    }

    /// The key; `None`: that is none.
    pub fn verifier_key(&self) -> Option<VerifierKey> {
        VerifierKey::parse(&self.key).ok().filter(|key| key.kind() == KeyKind::Note)
    }

    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        if self.verifier_key().is_none() {
            return Some(("key", "be the public key of a log: the line that antin log key wrote"));
        }
        self.concerned().names_nobody().then_some(CERTIFICATES)
    }
}

impl Concerned<'_> {
    fn names_nobody(&self) -> bool {
        let is_digest = |text: &String| hex::decode(text).is_ok_and(|octets| octets.len() == 32);
        self.certificates.is_empty() || !self.certificates.iter().all(is_digest)
    }
}
