//! From a certificate to a trust anchor (RFC 5280 §6): [`build`] finds candidate paths within a budget, [`validate`] judges
//! one with [`names`] and [`policy`], [`revocation`] asks for the status of each certificate below the anchor: [`crl`] with
//! [`crl_scope`] and [`crl_issuer`], and [`ocsp`]. [`past`] says as of when, where trusted time proves it.

pub mod anchor;
pub mod build;
pub mod crl;
pub mod crl_issuer;
pub mod crl_scope;
pub mod fault;
pub mod names;
pub mod ocsp;
pub mod past;
pub mod policy;
pub mod revocation;
pub mod validate;
pub mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crl_issuer::CrlIssuerSearches;

pub use build::{PathOutcome, RejectedPath, find_path};
pub use fault::{NameFault, PathFault, Position};
pub use past::{Past, Proofs};
pub use policy::InitialPolicies;
pub use validate::ValidatedPath;

use super::evidence::CrlSet;
use super::memory::Memory;
use super::policy::{MaximumAge, Purpose, RevocationMode};
use super::time::Time;
use super::x509::ocsp::OcspResponse;
use super::x509::{Certificate, TrustStore};

/// All that the judgement of a path depends on.
#[derive(Clone, Copy)]
pub struct PathRequest<'a> {
    pub target: &'a Arc<Certificate>,
    /// Untrusted links, beside the intermediates of the trust store.
    pub certificates: &'a [Arc<Certificate>],
    pub crls: &'a CrlSet,
    pub ocsp_responses: &'a [Arc<OcspResponse>],
    pub trust: &'a TrustStore,
    pub purpose: Purpose,
    /// The kind of document as verified signed octets state it; `None`: they do not.
    pub kind: Option<&'a str>,
    /// Extended key usages that fit [`Purpose::DocumentSigning`]; content octets.
    pub document_signing_usages: &'a [Vec<u8>],
    /// What is asked of certificate policies.
    pub policies: InitialPolicies<'a>,
    pub revocation: RevocationMode,
    pub maximum_age: MaximumAge,
    pub time: Time,
    /// When the target's key was used, if trusted time proves it: the path is then judged as of then (EN 319 102-1 §5.6.2.1), as far as
    /// that is proved too. `None`: at `time`.
    pub past: Option<Past<'a>>,
    /// Remembered computations: never changes an answer, but one that the allowance of work ended.
    pub memory: &'a Memory,
    /// What all that is asked about one document may cost together.
    pub work: &'a Work,
}

/// Signatures that may still be computed, issuers looked at and names compared: one allowance for everything that is asked about one
/// signature. Many in one message have parts of one, so that they cost little more than one, and none takes another's.
#[derive(Debug)]
pub struct Work {
    /// Its own.
    signatures: Cell<usize>,
    candidates: Cell<usize>,
    refused: Cell<bool>,
    crl_issuers: CrlIssuerSearches,
    name_comparisons: Cell<usize>,
    pool: Rc<Pool>,
}

/// What those who share have together, once what each has of its own is spent; and signatures that did not verify, which none of them
/// computes again.
#[derive(Debug, Default)]
pub struct Pool {
    signatures: Cell<usize>,
    failed: RefCell<HashSet<SignaturePair>>,
}

/// Fingerprints of who is said to have signed, and of what.
type SignaturePair = ([u8; 32], [u8; 32]);

impl Pool {
    pub fn new() -> Rc<Self> {
        Rc::new(Self { signatures: Cell::new(Work::SIGNATURES), failed: RefCell::default() })
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            signatures: Cell::new(Self::SIGNATURES),
            candidates: Cell::new(Self::CANDIDATES),
            refused: Cell::new(false),
            crl_issuers: CrlIssuerSearches::default(),
            name_comparisons: Cell::new(Self::NAME_COMPARISONS),
            pool: Rc::default(),
        }
    }
}

impl Work {
    /// Enough for as many signers as a message may have, each with a chain and its CRLs.
    const SIGNATURES: usize = 192;
    /// Enough for four searches among a thousand authorities of one name.
    const CANDIDATES: usize = 4096;
    /// Enough for a hundred certificates with ten names below a hundred constraints.
    const NAME_COMPARISONS: usize = 100_000;

    /// Enough for one path with its lists, however many share.
    const LEAST_SIGNATURES: usize = 8;
    const LEAST_CANDIDATES: usize = 64;
    const LEAST_NAME_COMPARISONS: usize = 10_000;

    /// The part of one among so many, which none can take from it, and what is in the pool.
    pub fn share(among: usize, pool: &Rc<Pool>) -> Self {
        let part = |whole: usize, least: usize| Cell::new((whole / among.max(1)).max(least));
        Self {
            signatures: part(Self::SIGNATURES, Self::LEAST_SIGNATURES),
            candidates: part(Self::CANDIDATES, Self::LEAST_CANDIDATES),
            name_comparisons: part(Self::NAME_COMPARISONS, Self::LEAST_NAME_COMPARISONS),
            pool: Rc::clone(pool),
            ..Self::default()
        }
    }

    /// This signature was computed, and does not verify.
    pub fn has_failed(&self, pair: &SignaturePair) -> bool {
        self.pool.failed.borrow().contains(pair)
    }

    pub fn remember_failed(&self, pair: SignaturePair) {
        self.pool.failed.borrow_mut().insert(pair);
    }

    /// Takes comparisons of names with constraints from the allowance; false if too few are left.
    pub fn spend_name_comparisons(&self, count: usize) -> bool {
        let left = self.name_comparisons.get().checked_sub(count);
        self.name_comparisons.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Takes one signature from the allowance; false if none is left.
    pub fn spend(&self) -> bool {
        for left in [&self.signatures, &self.pool.signatures] {
            if left.get() > 0 {
                left.set(left.get() - 1);
                return true;
            }
        }
        self.refused.set(true);
        false
    }

    /// Takes one candidate for an issuer from the allowance; false if none is left.
    pub fn spend_candidate(&self) -> bool {
        let left = self.candidates.get();
        self.candidates.set(left.saturating_sub(1));
        left > 0
    }

    /// Candidates that may still be looked at.
    pub const fn candidates_left(&self) -> usize {
        self.candidates.get()
    }

    /// Something at hand is not looked at for what it would cost.
    pub fn fall_short(&self) {
        self.refused.set(true);
    }

    /// A signature or a search was asked for that the allowance did not cover: something at hand was not looked at.
    pub fn is_short(&self) -> bool {
        self.refused.get() || self.crl_issuers.is_short()
    }

    pub(super) const fn crl_issuers(&self) -> &CrlIssuerSearches {
        &self.crl_issuers
    }
}
