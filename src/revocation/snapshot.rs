//! The lists that count now, as one immutable value that readers take without waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::candidate::{CrlScope, VerifiedCrl};
use crate::core::evidence::{CrlSet, Evidence};
use crate::core::time::Time;
use crate::core::x509::crl::CrlNumber;
use crate::core::x509::{Certificate, CertificateList};

/// The evidence that verdicts are reached with; load it once for each verdict.
pub type SharedEvidence = Arc<ArcSwap<Evidence>>;

/// Numbers every snapshot of the process, so that no remembered answer is taken for another's.
static SNAPSHOTS: AtomicU64 = AtomicU64::new(1);

/// How fresh one list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlFreshness {
    /// The name of the authority, safe to show.
    pub issuer: String,
    /// SHA-256 fingerprint of the held certificate whose key signed the list.
    pub issuer_fingerprint: [u8; 32],
    pub scope: CrlScope,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub crl_number: Option<CrlNumber>,
    /// Certificates listed.
    pub entries: usize,
}

/// The newest admitted list of each scope.
pub(super) type HeldLists = BTreeMap<CrlScope, VerifiedCrl>;

/// An immutable set of the lists under a name of its own, with those that only reveal, and the certificates that link to an anchor.
pub(super) fn evidence<'a>(
    held: &HeldLists,
    revealing: impl Iterator<Item = &'a Arc<CertificateList>>,
    links: &[Arc<Certificate>],
) -> Evidence {
    let mut crls = CrlSet::new(held.values().map(|list| Arc::clone(list.crl())));
    revealing.for_each(|list| crls.insert_revealing(Arc::clone(list)));
    let name = SNAPSHOTS.fetch_add(1, Ordering::Relaxed);
    Evidence { certificates: links.to_vec(), crls: crls.with_snapshot(name), ..Evidence::default() }
}

pub(super) fn freshness(held: &HeldLists) -> Vec<CrlFreshness> {
    let row = |list: &VerifiedCrl| CrlFreshness {
        issuer: crate::core::x509::name::inert(list.issuer().display_name()),
        issuer_fingerprint: *list.issuer().fingerprint(),
        scope: list.scope(),
        this_update: list.crl().this_update,
        next_update: list.crl().next_update,
        crl_number: list.number().cloned(),
        entries: list.crl().len(),
    };
    held.values().map(row).collect()
}
