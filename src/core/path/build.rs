//! Finding candidate paths: depth first from the target upwards, every step counted against a named budget.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::fault::{Budget, PathFault};
use super::validate::{self, ValidatedPath};
use super::{PathRequest, Position};
use crate::core::crypto;
use crate::core::memory::PathKey;
use crate::core::x509::{Certificate, TrustAnchor};

/// Signatures computed in one search.
const SIGNATURES: usize = 64;
/// Issuer candidates looked at in one search.
const CANDIDATES: usize = 1024;
/// Certificates in a path, the anchor not counted.
pub const DEPTH: usize = 12;

/// A candidate that was not valid: its certificates from the target upwards, the anchor if it led to one, and the first rule it
/// broke.
#[derive(Clone, Debug)]
pub struct RejectedPath {
    pub certificates: Vec<Arc<Certificate>>,
    pub anchor: Option<Arc<Certificate>>,
    pub fault: PathFault,
}

impl RejectedPath {
    /// Every certificate of the candidate, as [`PathFault::position`] counts them.
    pub fn with_anchor(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        let anchor = self.anchor.as_ref().filter(|anchor| !self.certificates.contains(anchor));
        self.certificates.iter().chain(anchor)
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub enum PathOutcome {
    Valid(Arc<ValidatedPath>),
    /// The fault that tells most about the target, and every candidate with its own.
    Invalid {
        fault: PathFault,
        rejected: Vec<RejectedPath>,
    },
}

impl PathOutcome {
    /// There may be a valid path that was not found for what it would have cost.
    pub fn is_short(&self) -> bool {
        match self {
            Self::Valid(_) => false,
            Self::Invalid { rejected, .. } => {
                rejected.iter().any(|rejected| matches!(rejected.fault, PathFault::BudgetSpent(_)))
            }
        }
    }
}

/// Searches for a valid path from the target to an anchor of the trust store.
pub fn find_path(request: &PathRequest<'_>) -> PathOutcome {
    let key = path_key(request);
    if let Some(key) = &key
        && let Some(path) = request.memory.path(key)
        && path.holds_at(request.time)
    {
        return PathOutcome::Valid(path);
    }
    let mut search = Search { request, signatures: 0, candidates: 0, rejected: Vec::new(), found: None };
    let _ = search.extend(&mut vec![Arc::clone(request.target)]);
    if let Some(path) = search.found {
        let path = Arc::new(path);
        if let Some(key) = key {
            request.memory.keep_path(key, &path);
        }
        return PathOutcome::Valid(path);
    }
    let worst = search.rejected.iter().map(|rejected| &rejected.fault).max_by_key(|fault| fault.weight());
    let fault = worst.cloned().unwrap_or(PathFault::IssuerNotFound(0));
    PathOutcome::Invalid { fault, rejected: search.rejected }
}

/// Answers are remembered only about revocation data that live as long as the memory.
fn path_key(request: &PathRequest<'_>) -> Option<PathKey> {
    let snapshot = request.crls.snapshot().filter(|_| request.ocsp_responses.is_empty() && request.past.is_none())?;
    let mut choices = DefaultHasher::new();
    (request.document_signing_usages, request.policies, request.maximum_age).hash(&mut choices);
    Some(PathKey {
        target: *request.target.fingerprint(),
        links: offered_links(request),
        trust: *request.trust.version(),
        snapshot,
        purpose: request.purpose,
        kind: request.kind.filter(|_| request.trust.limits_kinds()).map(|kind| crypto::sha256(kind.as_bytes())),
        revocation: request.revocation,
        choices: choices.finish(),
    })
}

/// What one message brought links no other, although the path through it would be as sound: the answer would depend on what was
/// asked before.
fn offered_links(request: &PathRequest<'_>) -> Option<[u8; 32]> {
    let links = request.certificates.iter();
    let links = links.filter(|link| *link != request.target && request.trust.anchor(link).is_none());
    let fingerprints: Vec<u8> = links.flat_map(|link| *link.fingerprint()).collect();
    (!fingerprints.is_empty()).then(|| crypto::sha256(&fingerprints))
}

struct Search<'a> {
    request: &'a PathRequest<'a>,
    signatures: usize,
    candidates: usize,
    rejected: Vec<RejectedPath>,
    found: Option<ValidatedPath>,
}

/// Whether the search goes on.
type Progress = std::ops::ControlFlow<()>;

impl Search<'_> {
    /// Extends `path`, whose last certificate wants an issuer. Breaks when a valid path is found or a budget is spent.
    fn extend(&mut self, path: &mut Vec<Arc<Certificate>>) -> Progress {
        let request = self.request;
        let Some(last) = path.last().map(Arc::clone) else { return Progress::Continue(()) };
        if let Some(anchor) = request.trust.anchor(&last) {
            self.judge(path, anchor)?;
            if anchor.limits().permits(request.purpose) {
                return Progress::Continue(());
            }
            // Held for something else, it may be a link to an anchor that is for this.
        }
        let position: Position = path.len() - 1;
        let mut any = false;
        for anchor in request.trust.anchors_named(&last.issuer) {
            self.candidate(path)?;
            if self.signed_by(&last, anchor.certificate(), path)? {
                any = true;
                self.judge(path, anchor)?;
            }
        }
        for issuer in self.issuers(&last) {
            self.candidate(path)?;
            let anchor = request.trust.anchor(&issuer);
            let is_judged = anchor.is_some_and(|anchor| anchor.limits().permits(request.purpose));
            if is_judged || path.iter().any(|earlier| same_subject_and_key(earlier, &issuer)) {
                continue;
            }
            if !self.signed_by(&last, &issuer, path)? {
                continue;
            }
            any = true;
            if path.len() == DEPTH {
                // Another way up may be shorter.
                self.reject(path, PathFault::BudgetSpent(Budget::Depth));
                continue;
            }
            path.push(issuer);
            self.extend(path)?;
            path.pop();
        }
        if !any {
            self.reject(path, PathFault::IssuerNotFound(position));
        }
        Progress::Continue(())
    }

    /// Untrusted certificates that bear the issuer's name; those whose key identifier fits come first (RFC 4158 §3.5.12).
    fn issuers(&self, certificate: &Certificate) -> Vec<Arc<Certificate>> {
        let wanted = certificate.extensions.authority_key_identifier.as_ref();
        let wanted = wanted.and_then(|identifier| identifier.key_identifier.as_ref());
        let rank = |issuer: &Certificate| match (wanted, &issuer.extensions.subject_key_identifier) {
            (Some(wanted), Some(found)) if wanted == found => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        };
        let of_rank = |wanted: u8| {
            let held = self.request.trust.intermediates_named(&certificate.issuer);
            let given = self.request.certificates.iter().filter(|given| given.subject == certificate.issuer);
            held.chain(given).filter(move |issuer| rank(issuer) == wanted)
        };
        // One more than may still be looked at, so that the budget is seen to end the search.
        let left = (CANDIDATES - self.candidates.min(CANDIDATES)).min(self.request.work.candidates_left()) + 1;
        let mut seen = HashSet::new();
        let once = (0..=2).flat_map(of_rank).filter(|issuer| seen.insert(issuer.identity()));
        once.take(left).cloned().collect()
    }

    fn candidate(&mut self, path: &[Arc<Certificate>]) -> Progress {
        self.candidates += 1;
        if self.candidates > CANDIDATES || !self.request.work.spend_candidate() {
            return self.give_up(path, Budget::Candidates);
        }
        Progress::Continue(())
    }

    /// Does the issuer's key verify the certificate? An unusable or mismatched key does not; algorithms too weak still do, so
    /// that the path is judged and the weakness named.
    fn signed_by(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        path: &[Arc<Certificate>],
    ) -> std::ops::ControlFlow<(), bool> {
        let (Ok(algorithm), Ok(key)) = (&certificate.signature_algorithm, issuer.public_key()) else {
            // Judged, and refused with its reason, by the validation.
            return std::ops::ControlFlow::Continue(true);
        };
        if self.request.memory.knows(issuer, certificate) {
            return std::ops::ControlFlow::Continue(true);
        }
        let pair = (*issuer.fingerprint(), *certificate.fingerprint());
        if self.request.work.has_failed(&pair) {
            self.reject(path, PathFault::Signature(path.len() - 1));
            return std::ops::ControlFlow::Continue(false);
        }
        self.signatures += 1;
        if self.signatures > SIGNATURES || !self.request.work.spend() {
            self.give_up(path, Budget::Signatures)?;
        }
        let verify = || key.verify(*algorithm, certificate.to_be_signed(), certificate.signature());
        let result = self.request.memory.signature(issuer, certificate, verify);
        if result.is_err() {
            self.request.work.remember_failed(pair);
            self.reject(path, PathFault::Signature(path.len() - 1));
        }
        std::ops::ControlFlow::Continue(result.is_ok())
    }

    /// Judges a whole path.
    fn judge(&mut self, path: &[Arc<Certificate>], anchor: &TrustAnchor) -> Progress {
        match validate::validate(self.request, path, anchor) {
            Ok(valid) => {
                self.found = Some(valid);
                Progress::Break(())
            }
            Err(fault) => {
                let (certificates, anchor) = (path.to_vec(), Some(Arc::clone(anchor.certificate())));
                self.rejected.push(RejectedPath { certificates, anchor, fault });
                Progress::Continue(())
            }
        }
    }

    fn give_up(&mut self, path: &[Arc<Certificate>], budget: Budget) -> Progress {
        self.reject(path, PathFault::BudgetSpent(budget));
        Progress::Break(())
    }

    fn reject(&mut self, path: &[Arc<Certificate>], fault: PathFault) {
        self.rejected.push(RejectedPath { certificates: path.to_vec(), anchor: None, fault });
    }
}

/// Going through the same authority twice cannot help (RFC 4158 §2.4.2), and makes the search finite.
fn same_subject_and_key(left: &Certificate, right: &Certificate) -> bool {
    left.subject == right.subject && left.subject_public_key_info() == right.subject_public_key_info()
}
