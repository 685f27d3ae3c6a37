//! Issuers' certificates that were fetched: links to an anchor, never anchors. One joins the evidence of the whole process, and may
//! sign CRLs, once it leads to a held anchor.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::core::evidence::CrlSet;
use crate::core::memory::Memory;
use crate::core::path::{self, InitialPolicies, PathOutcome, PathRequest, Work};
use crate::core::policy::{MaximumAge, Purpose, RevocationMode};
use crate::core::time::Time;
use crate::core::x509::{Certificate, TrustStore};

/// Certificates kept; the oldest goes first.
const LINKS: usize = 64;
/// Signatures computed to find which of the certificates fetched issued one.
const SIGNATURES: usize = 16;

/// What is kept, and the trust it was found to lead to.
#[derive(Default)]
pub(super) struct Links(ArcSwap<Kept>);

#[derive(Default)]
struct Kept {
    links: Vec<Arc<Certificate>>,
    /// Version of the trust store that they lead to.
    trust: [u8; 32],
    /// That trust store with the links as intermediates.
    authorities: Option<Arc<TrustStore>>,
}

impl Links {
    pub fn all(&self) -> Vec<Arc<Certificate>> {
        self.0.load().links.clone()
    }

    /// The trust store with the links beside its intermediates; alone, if the links were found to lead to another.
    pub fn authorities(&self, trust: &Arc<TrustStore>) -> Arc<TrustStore> {
        let kept = self.0.load();
        let fitting = kept.authorities.as_ref().filter(|_| kept.trust == *trust.version());
        Arc::clone(fitting.unwrap_or(trust))
    }

    /// Takes those that lead to an anchor: whether there was a new one. One caller at a time.
    pub fn offer(&self, offered: &[Arc<Certificate>], trust: &TrustStore, memory: &Memory, now: Time) -> bool {
        let mut candidates = self.all();
        let known = |certificate: &Arc<Certificate>| {
            trust.is_anchor(certificate)
                || trust.intermediates_named(&certificate.subject).any(|held| held == certificate)
        };
        let before = candidates.len();
        for certificate in offered.iter().filter(|certificate| certificate.is_ca() && !known(certificate)) {
            if !candidates.contains(certificate) {
                candidates.push(Arc::clone(certificate));
            }
        }
        candidates.len() > before && self.keep(&candidates, trust, memory, now)
    }

    /// Looks at all again after the trust store changed: whether something changed. One caller at a time.
    pub fn follow(&self, trust: &TrustStore, memory: &Memory, now: Time) -> bool {
        self.keep(&self.all(), trust, memory, now)
    }

    fn keep(&self, candidates: &[Arc<Certificate>], trust: &TrustStore, memory: &Memory, now: Time) -> bool {
        let leads = |certificate: &&Arc<Certificate>| leads_to_anchor(certificate, candidates, trust, memory, now);
        let mut links: Vec<Arc<Certificate>> = candidates.iter().filter(leads).cloned().collect();
        links.drain(..links.len().saturating_sub(LINKS));
        let changed = links != self.0.load().links;
        let intermediates = trust.intermediates().iter().chain(&links).cloned().collect();
        let authorities =
            Some(Arc::new(TrustStore::with_aliases(trust.anchors().to_vec(), intermediates, trust.aliases().to_vec())));
        self.0.store(Arc::new(Kept { links, trust: *trust.version(), authorities }));
        changed
    }
}

/// Whether it is revoked is asked where it is used.
fn leads_to_anchor(
    certificate: &Arc<Certificate>,
    candidates: &[Arc<Certificate>],
    trust: &TrustStore,
    memory: &Memory,
    now: Time,
) -> bool {
    let request = PathRequest {
        target: certificate,
        certificates: candidates,
        crls: &CrlSet::default(),
        ocsp_responses: &[],
        trust,
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation: RevocationMode::Off,
        maximum_age: MaximumAge::default(),
        time: now,
        past: None,
        memory,
        work: &Work::default(),
    };
    matches!(path::find_path(&request), PathOutcome::Valid(_))
}

/// Of the certificates fetched, those that issued `certificate`, and what issued them in turn: the rest was not asked for.
pub(super) fn issuers_of(certificate: &Arc<Certificate>, fetched: &[Arc<Certificate>]) -> Vec<Arc<Certificate>> {
    let mut found: Vec<Arc<Certificate>> = Vec::new();
    let mut below = vec![Arc::clone(certificate)];
    let mut signatures = SIGNATURES;
    while let Some(subject) = below.pop() {
        for issuer in fetched.iter().filter(|issuer| issuer.subject == subject.issuer) {
            if signatures == 0 {
                return found;
            }
            if found.contains(issuer) || issuer == certificate {
                continue;
            }
            signatures -= 1;
            if issued(issuer, &subject) {
                found.push(Arc::clone(issuer));
                below.push(Arc::clone(issuer));
            }
        }
    }
    found
}

fn issued(issuer: &Certificate, subject: &Certificate) -> bool {
    let (Ok(key), Ok(algorithm)) = (issuer.public_key(), &subject.signature_algorithm) else { return false };
    issuer.is_ca() && key.verify(*algorithm, subject.to_be_signed(), subject.signature()).is_ok()
}
