//! Trust anchors and the intermediate certificates held beside them.

use std::collections::HashMap;
use std::sync::Arc;

use super::certificate::Certificate;
use super::extension::KeyUsage;
use super::name::Name;
use crate::core::crypto;

/// A certificate whose subject and key are trusted because an operator said so (RFC 5280 §6.1.1 (d)).
#[derive(Clone, Debug)]
pub struct TrustAnchor {
    certificate: Arc<Certificate>,
}

impl TrustAnchor {
    /// Any certificate may be an anchor: a root, a subordinate, or a signer's own.
    pub const fn new(certificate: Arc<Certificate>) -> Self {
        Self { certificate }
    }

    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// May certificates be issued under it? Stricter than RFC 5280, which takes an anchor as a bare name and key: what the
    /// anchor's own certificate forbids is honoured (RFC 5937 §3.2), so that a trusted signer does not become a CA.
    pub fn may_issue(&self) -> bool {
        let extensions = &self.certificate.extensions;
        let is_ca = match extensions.basic_constraints {
            Some(constraints) => constraints.ca,
            None => self.certificate.version < 3,
        };
        is_ca && extensions.key_usage.is_none_or(|usage| usage.any_of(KeyUsage::KEY_CERT_SIGN))
    }
}

/// The anchors and the intermediates held; immutable, replaced as a whole.
#[derive(Debug)]
pub struct TrustStore {
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Arc<Certificate>>,
    anchors_by_subject: HashMap<Vec<u8>, Vec<usize>>,
    intermediates_by_subject: HashMap<Vec<u8>, Vec<usize>>,
    version: [u8; 32],
}

impl TrustStore {
    pub fn new(anchors: Vec<TrustAnchor>, intermediates: Vec<Arc<Certificate>>) -> Self {
        let mut anchors_by_subject: HashMap<_, Vec<_>> = HashMap::new();
        let mut intermediates_by_subject: HashMap<_, Vec<_>> = HashMap::new();
        let mut identity = Vec::with_capacity((anchors.len() + intermediates.len() + 1) * 32);
        for (index, anchor) in anchors.iter().enumerate() {
            identity.extend_from_slice(anchor.certificate.fingerprint());
            anchors_by_subject.entry(anchor.certificate.subject.comparable().to_vec()).or_default().push(index);
        }
        identity.extend_from_slice(&[0; 32]);
        for (index, certificate) in intermediates.iter().enumerate() {
            identity.extend_from_slice(certificate.fingerprint());
            intermediates_by_subject.entry(certificate.subject.comparable().to_vec()).or_default().push(index);
        }
        let version = crypto::sha256(&identity);
        Self { anchors, intermediates, anchors_by_subject, intermediates_by_subject, version }
    }

    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    pub fn intermediates(&self) -> &[Arc<Certificate>] {
        &self.intermediates
    }

    /// Names this very set of anchors and intermediates.
    pub const fn version(&self) -> &[u8; 32] {
        &self.version
    }

    /// The certificate itself is an anchor.
    pub fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.anchors_named(&certificate.subject).any(|anchor| *anchor.certificate == *certificate)
    }

    pub fn anchors_named<'a>(&'a self, subject: &Name) -> impl Iterator<Item = &'a TrustAnchor> {
        let found = self.anchors_by_subject.get(subject.comparable()).map_or(&[][..], Vec::as_slice);
        found.iter().map(|index| &self.anchors[*index])
    }

    pub fn intermediates_named<'a>(&'a self, subject: &Name) -> impl Iterator<Item = &'a Arc<Certificate>> {
        let found = self.intermediates_by_subject.get(subject.comparable()).map_or(&[][..], Vec::as_slice);
        found.iter().map(|index| &self.intermediates[*index])
    }
}
