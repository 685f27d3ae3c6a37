//! What a validation missed and could be had from where the certificates themselves say: asked for by the caller, who then
//! validates again. The core fetches nothing.

use std::sync::Arc;

use super::Validation;
use crate::core::evidence::CrlSet;
use crate::core::path::{PathFault, PathOutcome, RejectedPath};
use crate::core::time::Time;
use crate::core::verdict::{Cause, Verdict};
use crate::core::x509::access::Access;
use crate::core::x509::{Certificate, TrustStore};

/// Pieces of evidence named by one validation.
const MOST: usize = 16;
/// Rejected paths of one signature that are looked at.
const PATHS: usize = 16;

/// One piece of evidence that is missing, and where it is said to be, the first place first; never nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A certificate of the issuer of `certificate`. Nobody has vouched for `certificate` yet, nor for what it says.
    IssuerCertificate { certificate: Arc<Certificate>, uris: Vec<String> },
    /// A fresh list that covers `certificate`, whose signature by its issuer was verified; behind the complete lists the deltas that
    /// the certificate and the lists at hand name.
    Crl { certificate: Arc<Certificate>, uris: Vec<String> },
    /// A fresh response about `certificate`, whose signature by `issuer` was verified.
    Ocsp { certificate: Arc<Certificate>, issuer: Arc<Certificate>, uris: Vec<String> },
}

impl Wanted {
    /// The certificate that it is about.
    pub const fn certificate(&self) -> &Arc<Certificate> {
        match self {
            Self::IssuerCertificate { certificate, .. }
            | Self::Crl { certificate, .. }
            | Self::Ocsp { certificate, .. } => certificate,
        }
    }

    pub fn uris(&self) -> &[String] {
        match self {
            Self::IssuerCertificate { uris, .. } | Self::Crl { uris, .. } | Self::Ocsp { uris, .. } => uris,
        }
    }
}

impl Validation {
    /// What could make something better of the signatures and time-stamps that lack nothing but a path; empty where something else
    /// decided.
    /// `crls` and `trust` are those of the validation, `time` is its time.
    pub fn wanted(&self, crls: &CrlSet, trust: &TrustStore, time: Time) -> Vec<Wanted> {
        let mut search = Search { crls, trust, time, found: Vec::new() };
        let stamps = self.signatures.iter();
        let stamps = stamps.flat_map(|signature| signature.timestamps.iter().chain(&signature.content_timestamps));
        let stamps = stamps.filter_map(|stamp| stamp.signature.as_deref());
        for signature in self.signatures.iter().chain(stamps) {
            if let (Verdict::Indeterminate(Cause::Path(_)), Some(PathOutcome::Invalid { rejected, .. })) =
                (&signature.verdict, &signature.path)
            {
                rejected.iter().take(PATHS).for_each(|path| search.path(path));
            }
        }
        search.found
    }

    /// Says of signatures whose path ends at one of these certificates (by fingerprint) that the next certificate was asked for
    /// and could not be had now.
    pub fn set_issuers_unavailable(&mut self, certificates: &[[u8; 32]]) {
        let ends = |path: &RejectedPath| match path.fault {
            PathFault::IssuerNotFound(position) => path.certificates.get(position).map(|end| *end.fingerprint()),
            _ => None,
        };
        for signature in &mut self.signatures {
            if let (
                Verdict::Indeterminate(Cause::Path(PathFault::IssuerNotFound(_))),
                Some(PathOutcome::Invalid { rejected, .. }),
            ) = (&signature.verdict, &signature.path)
                && rejected.iter().filter_map(ends).any(|end| certificates.contains(&end))
            {
                signature.verdict = Verdict::Indeterminate(Cause::IssuerUnavailable);
            }
        }
        self.verdict = super::required::overall(&self.signatures, &self.requirement);
    }
}

struct Search<'a> {
    crls: &'a CrlSet,
    trust: &'a TrustStore,
    time: Time,
    found: Vec<Wanted>,
}

impl Search<'_> {
    fn path(&mut self, path: &RejectedPath) {
        match path.fault {
            PathFault::IssuerNotFound(position) => {
                let Some(certificate) = path.certificates.get(position) else { return };
                // Its issuer is itself, and not held.
                if !certificate.is_self_issued() {
                    let uris = Access::of(certificate).ca_issuers;
                    self.keep(Wanted::IssuerCertificate { certificate: Arc::clone(certificate), uris });
                }
            }
            PathFault::RevocationUnknown(position)
            | PathFault::RevocationUnclear(position)
            | PathFault::RevocationStale { position, .. }
            // What is newer may lift it.
            | PathFault::OnHold { position, .. } => {
                self.status(path, position);
                // Those below were not asked about yet: wanted at once where nothing of their issuer is at hand.
                for below in (0..position).rev() {
                    if !path.certificates.get(below).is_some_and(|certificate| self.has_list_for(certificate)) {
                        self.status(path, below);
                    }
                }
            }
            _ => {}
        }
    }

    fn status(&mut self, path: &RejectedPath, position: usize) {
        let Some(certificate) = path.certificates.get(position) else { return };
        let Some(issuer) = path.certificates.get(position + 1).or_else(|| self.anchor(certificate)) else { return };
        let (certificate, issuer) = (Arc::clone(certificate), Arc::clone(issuer));
        let Access { ocsp, crls, freshest_crls, .. } = Access::of(&certificate);
        let mut uris = [crls, freshest_crls].concat();
        let deltas = Access::of_lists(self.crls.issued_by(&certificate.issuer)).freshest_crls;
        uris.extend(deltas.into_iter().filter(|uri| !uris.contains(uri)).collect::<Vec<_>>());
        self.keep(Wanted::Crl { certificate: Arc::clone(&certificate), uris });
        self.keep(Wanted::Ocsp { certificate, issuer, uris: ocsp });
    }

    /// The anchor that issued the certificate: of its issuer's name, and by the key identifier if both have one.
    fn anchor(&self, certificate: &Certificate) -> Option<&Arc<Certificate>> {
        let wanted = certificate.extensions.authority_key_identifier.as_ref();
        let wanted = wanted.and_then(|identifier| identifier.key_identifier.as_ref());
        let anchors = self.trust.anchors_named(&certificate.issuer).map(|anchor| anchor.certificate());
        anchors.min_by_key(|anchor| match (wanted, &anchor.extensions.subject_key_identifier) {
            (Some(wanted), Some(found)) if wanted == found => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        })
    }

    fn has_list_for(&self, certificate: &Certificate) -> bool {
        let lists = self.crls.issued_by(&certificate.issuer);
        lists.iter().any(|list| list.next_update.is_some_and(|next| self.time <= next))
    }

    fn keep(&mut self, wanted: Wanted) {
        if !wanted.uris().is_empty() && self.found.len() < MOST && !self.found.contains(&wanted) {
            self.found.push(wanted);
        }
    }
}
