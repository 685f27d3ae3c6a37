//! What the sources of the settings are to bring, and how fresh what is held of it is: what a node needs to do its work. Lists that
//! were found by what certificates name do not count among it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::admission::{Admission, Origin};
use super::candidate::{self, key_digest};
use super::refresh::Source;
use super::snapshot::CrlFreshness;
use crate::core::x509::{Certificate, TrustStore};

/// Looks at the authorities whose lists the sources are to bring.
#[derive(Clone)]
pub struct ConfiguredLists {
    admission: Arc<Admission>,
    /// Fingerprints of the authorities that sources are bound to.
    bound: BTreeSet<[u8; 32]>,
}

/// One authority, and what is held of it now, wherever it came from.
#[derive(Clone, Debug)]
pub struct ConfiguredAuthority {
    /// Of its key: one of those held.
    pub certificate: Arc<Certificate>,
    /// Its lists are about authorities alone, as far as can be told; else also about signers.
    pub is_above: bool,
    pub lists: Vec<CrlFreshness>,
}

impl ConfiguredLists {
    pub(super) fn new(admission: Arc<Admission>, sources: &[Source]) -> Self {
        let bound = sources.iter().filter_map(|source| match source.origin {
            Origin::Source(bound) => bound,
            Origin::DistributionPoint | Origin::Redis { .. } => None,
        });
        Self { admission, bound: bound.collect() }
    }

    /// Of each authority that is held: those that sources are bound to, and those whose lists a source has given. Which authority a
    /// source is for that is bound to none and never answered is not known.
    pub fn now(&self) -> Vec<ConfiguredAuthority> {
        let (trust, given, held) = (self.admission.authorities(), self.admission.given(), self.admission.freshness());
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for certificate in candidate::authorities(&trust) {
            let key = key_digest(certificate);
            let is_configured = given.contains(&key) || self.bound.contains(certificate.fingerprint());
            if is_configured && seen.insert(key) {
                found.push(ConfiguredAuthority {
                    certificate: Arc::clone(certificate),
                    is_above: is_above(certificate, &trust),
                    lists: held.iter().filter(|list| list.scope.issuer_key == key).cloned().collect(),
                });
            }
        }
        found
    }
}

/// Whether an authority's lists are about authorities, as far as can be told: it issued a CA that is held, or it is a root that may
/// have others below it. What issues signers alone says so by a path length of 0 (RFC 5280 §4.2.1.9).
pub fn is_above(authority: &Certificate, trust: &TrustStore) -> bool {
    let anchors = trust.anchors().iter().map(|anchor| anchor.certificate());
    let below = |held: &Arc<Certificate>| {
        !held.is_self_issued() && held.is_ca() && held.issuer == authority.subject && **held != *authority
    };
    if anchors.chain(trust.intermediates()).any(below) {
        return true;
    }
    let path_length = authority.extensions.basic_constraints.and_then(|constraints| constraints.path_length);
    authority.is_self_issued() && path_length != Some(0)
}
