//! From a certificate to a trust anchor (RFC 5280 §6): [`build`] finds candidate paths within a budget, [`validate`] judges
//! one, [`revocation`] asks for the status of each certificate below the anchor.

pub mod anchor;
pub mod build;
pub mod fault;
pub mod ocsp;
pub mod revocation;
pub mod validate;

use std::cell::Cell;
use std::sync::Arc;

pub use build::{PathOutcome, RejectedPath, find_path};
pub use fault::{PathFault, Position};
pub use validate::ValidatedPath;

use super::evidence::CrlSet;
use super::memory::Memory;
use super::policy::{Purpose, RevocationMode};
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
    pub revocation: RevocationMode,
    pub time: Time,
    /// Remembered computations; never changes an answer.
    pub memory: &'a Memory,
    /// What all that is asked about one document may cost together.
    pub work: &'a Work,
}

/// Signatures that may still be computed: one allowance for everything that belongs together, so that many signers with many
/// candidates each cost no more than one.
#[derive(Debug)]
pub struct Work {
    signatures: Cell<usize>,
    refused: Cell<bool>,
}

impl Default for Work {
    fn default() -> Self {
        Self { signatures: Cell::new(Self::SIGNATURES), refused: Cell::new(false) }
    }
}

impl Work {
    /// Enough for as many signers as a message may have, each with a chain and its CRLs.
    const SIGNATURES: usize = 192;

    /// Takes one signature from the allowance; false if none is left.
    pub fn spend(&self) -> bool {
        let left = self.signatures.get();
        self.signatures.set(left.saturating_sub(1));
        self.refused.set(self.refused.get() || left == 0);
        left > 0
    }

    /// A signature was asked for that the allowance did not cover: something at hand was not looked at.
    pub fn is_short(&self) -> bool {
        self.refused.get()
    }
}
