//! Trust anchors and the intermediate certificates held beside them.

use std::collections::HashMap;
use std::sync::Arc;

use super::anchor_limits::AnchorLimits;
use super::certificate::Certificate;
use super::extension::KeyUsage;
use super::name::Name;
use crate::core::crypto;

/// A certificate whose subject and key are trusted because an operator said so (RFC 5280 §6.1.1 (d)).
#[derive(Clone, Debug)]
pub struct TrustAnchor {
    certificate: Arc<Certificate>,
    limits: AnchorLimits,
}

impl TrustAnchor {
    /// Any certificate may be an anchor: a root, a subordinate, or a signer's own.
    pub const fn new(certificate: Arc<Certificate>) -> Self {
        Self::limited(certificate, AnchorLimits::NONE)
    }

    /// An anchor for only what `limits` says.
    pub const fn limited(certificate: Arc<Certificate>, limits: AnchorLimits) -> Self {
        Self { certificate, limits }
    }

    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    pub const fn limits(&self) -> &AnchorLimits {
        &self.limits
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

/// Another spelling of an authority's name, as some certificates write it where they name who signs their CRLs. It holds for one
/// key, so that no other authority can take the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// SHA-256 of the authority's SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// As [`Name::text`] writes it.
    pub name: String,
}

impl Alias {
    /// Another name of the key that `certificate` certifies.
    pub fn of(certificate: &Certificate, name: &str) -> Self {
        Self { key: crypto::sha256(certificate.subject_public_key_info()), name: name.to_owned() }
    }
}

/// The anchors and the intermediates held; immutable, replaced as a whole.
#[derive(Debug)]
pub struct TrustStore {
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Arc<Certificate>>,
    aliases: Vec<Alias>,
    anchors_by_subject: HashMap<Vec<u8>, Vec<usize>>,
    intermediates_by_subject: HashMap<Vec<u8>, Vec<usize>>,
    version: [u8; 32],
}

impl TrustStore {
    pub fn new(anchors: Vec<TrustAnchor>, intermediates: Vec<Arc<Certificate>>) -> Self {
        Self::with_aliases(anchors, intermediates, Vec::new())
    }

    pub fn with_aliases(anchors: Vec<TrustAnchor>, intermediates: Vec<Arc<Certificate>>, aliases: Vec<Alias>) -> Self {
        let mut anchors_by_subject: HashMap<_, Vec<_>> = HashMap::new();
        let mut intermediates_by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for (index, anchor) in anchors.iter().enumerate() {
            anchors_by_subject.entry(anchor.certificate.subject.comparable().to_vec()).or_default().push(index);
        }
        for (index, certificate) in intermediates.iter().enumerate() {
            intermediates_by_subject.entry(certificate.subject.comparable().to_vec()).or_default().push(index);
        }
        let version = version(&anchors, &intermediates, &aliases);
        Self { anchors, intermediates, aliases, anchors_by_subject, intermediates_by_subject, version }
    }

    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    pub fn intermediates(&self) -> &[Arc<Certificate>] {
        &self.intermediates
    }

    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// Names this very set: certificates, limits and aliases. Whatever was concluded from another set has another name.
    pub const fn version(&self) -> &[u8; 32] {
        &self.version
    }

    /// Verdicts depend on the kind of document: some anchor is limited to kinds.
    pub fn limits_kinds(&self) -> bool {
        self.anchors.iter().any(|anchor| anchor.limits.kinds().is_some())
    }

    /// The anchor that the certificate itself is.
    pub fn anchor(&self, certificate: &Certificate) -> Option<&TrustAnchor> {
        self.anchors_named(&certificate.subject).find(|anchor| *anchor.certificate == *certificate)
    }

    /// The certificate itself is an anchor.
    pub fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.anchor(certificate).is_some()
    }

    /// Does `name` stand for the authority of this certificate: as its subject, or as an alias bound to its key?
    pub fn names_same_authority(&self, name: &Name, certificate: &Certificate) -> bool {
        if *name == certificate.subject {
            return true;
        }
        let mut bearing = self.aliases.iter().filter(|alias| alias.name == name.text()).peekable();
        if bearing.peek().is_none() {
            return false;
        }
        let key = crypto::sha256(certificate.subject_public_key_info());
        bearing.any(|alias| alias.key == key)
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

/// A digest over everything in the set, each part preceded by its length.
fn version(anchors: &[TrustAnchor], intermediates: &[Arc<Certificate>], aliases: &[Alias]) -> [u8; 32] {
    let mut identity = Vec::with_capacity((anchors.len() + intermediates.len() + 1) * 48);
    let mut part = |octets: &[u8]| {
        identity.extend_from_slice(&(octets.len() as u64).to_be_bytes());
        identity.extend_from_slice(octets);
    };
    part(&anchors.len().to_be_bytes());
    for anchor in anchors {
        part(anchor.certificate.fingerprint());
        part(&anchor.limits.identity());
    }
    part(&intermediates.len().to_be_bytes());
    for certificate in intermediates {
        part(certificate.fingerprint());
    }
    for alias in aliases {
        part(&alias.key);
        part(alias.name.as_bytes());
    }
    crypto::sha256(&identity)
}
