//! Where a document must have a standing to be relied on.

use serde::Deserialize;

use crate::core::time::Time;

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

impl RequiredStatus {
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let is_digest = |text: &String| hex::decode(text).is_ok_and(|octets| octets.len() == 32);
        (self.certificates.is_empty() || !self.certificates.iter().all(is_digest))
            .then_some(("certificates", "name at least one certificate, by 64 hexadecimal digits each"))
    }
}
