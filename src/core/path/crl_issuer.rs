//! Who signed a CRL, and whether it may speak of a certificate (RFC 5280 §6.3.3 (b)(1), (f), (g)): the certificate's issuer, an
//! authority of the same name with another key, or one that a distribution point of the certificate names. Whoever is not on the
//! certificate's own path needs a valid one to the same anchor.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::revocation::{self, Subject};
use super::window::Window;
use super::{InitialPolicies, PathFault, PathOutcome, PathRequest, RejectedPath, find_path};
use crate::core::memory;
use crate::core::policy::Purpose;
use crate::core::x509::extension::KeyUsage;
use crate::core::x509::{AnchorUse, Certificate, CertificateList, Name, TrustStore};

/// Certificates of one name whose key is tried for one list.
const CANDIDATES: usize = 16;
/// Different CRL issuers that one certificate's distribution points may name.
const NAMES: usize = 32;

/// The names under which lists about a certificate are issued: its issuer's, and those its distribution points name. Other
/// spellings of these names, where a CA writes one wrong, belong here.
pub fn names(certificate: &Certificate) -> Vec<&Name> {
    let mut names = vec![&certificate.issuer];
    let points = certificate.extensions.crl_distribution_points.iter().flatten();
    for name in points.flat_map(|point| point.crl_issuer.iter().flatten()) {
        if names.len() < NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A distribution point of the certificate names the list's issuer.
fn is_named(crl: &CertificateList, certificate: &Certificate) -> bool {
    let mut points = certificate.extensions.crl_distribution_points.iter().flatten();
    points.any(|point| point.crl_issuer.as_ref().is_some_and(|names| names.contains(&crl.issuer)))
}

/// Who signed a list.
#[derive(Clone)]
pub struct CrlIssuer {
    pub certificate: Arc<Certificate>,
    /// When its own path holds; always, if it is on the path of the certificate asked about.
    pub window: Window,
    /// The very key that issued the certificate.
    pub is_certificate_issuer: bool,
    /// By an algorithm that is still accepted; a list of another name than the certificate's issuer also under an anchor that is for
    /// CRLs. Of another list nothing is believed, and it is not passed over either: it could be the one that revokes.
    pub is_accepted: bool,
}

/// What the path of a signer shows.
#[derive(Clone, Copy)]
enum Authority {
    /// It may speak of the certificate, in this time.
    Holds(Window),
    /// It was the authority once, or may be: nothing that it says is believed, and nothing is passed over.
    Lapsed,
    None,
}

/// Finds the signers of the lists about one certificate; each signer is validated once.
pub struct CrlIssuers<'r, 'a> {
    request: &'r PathRequest<'a>,
    subject: &'r Subject<'r>,
    /// By fingerprint: what may be believed of a signer.
    validated: Vec<([u8; 32], Authority)>,
}

impl<'r, 'a> CrlIssuers<'r, 'a> {
    pub const fn new(request: &'r PathRequest<'a>, subject: &'r Subject<'r>) -> Self {
        Self { request, subject, validated: Vec::new() }
    }

    /// Who signed this list, if it may speak of the certificate.
    pub fn of(&mut self, crl: &CertificateList) -> Option<CrlIssuer> {
        let Subject { certificate, .. } = *self.subject;
        let issuer = self.subject.issuer();
        let own_name = crl.issuer == certificate.issuer;
        let may_speak = own_name || crl.extensions.is_indirect() && is_named(crl, certificate);
        let Ok(algorithm) = crl.signature_algorithm.as_ref() else { return None };
        if !may_speak {
            return None;
        }
        let is_for_it = own_name || self.subject.anchor.limits().is_for(AnchorUse::Crl);
        let is_accepted =
            is_for_it && algorithm.lifetime().holds_at(revocation::made_until(self.request, crl.fingerprint()));
        if own_name && self.signed(crl, issuer) {
            let certificate = Arc::clone(issuer);
            return Some(CrlIssuer { certificate, window: Window::ALWAYS, is_certificate_issuer: true, is_accepted });
        }
        let candidates = self.candidates(crl);
        let more = candidates.len() > CANDIDATES;
        for candidate in candidates.into_iter().take(CANDIDATES) {
            if !self.signed(crl, &candidate) {
                continue;
            }
            let (window, is_accepted) = match self.authorised(crl, &candidate) {
                Authority::Holds(window) => (window, is_accepted),
                Authority::Lapsed => (Window::ALWAYS, false),
                Authority::None => continue,
            };
            return Some(CrlIssuer { certificate: candidate, window, is_certificate_issuer: false, is_accepted });
        }
        if more {
            self.request.work.fall_short();
        }
        None
    }

    /// (f), (g): the key may sign CRLs, and signed this one. Who is no authority must say so itself.
    fn signed(&self, crl: &CertificateList, signer: &Certificate) -> bool {
        let may_sign = match signer.extensions.key_usage {
            Some(usage) => usage.any_of(KeyUsage::CRL_SIGN),
            None => signer.is_ca() || signer == &**self.subject.issuer(),
        };
        may_sign && memory::verify_crl(self.request.memory, signer, crl, self.request.work)
    }

    /// Certificates of the list's issuer beside the one that was tried: those of the path first, then the held, then the given;
    /// those whose key identifier fits before the others. One more than may be tried tells that there are more.
    fn candidates(&self, crl: &CertificateList) -> Vec<Arc<Certificate>> {
        let Subject { certificate, above, anchor, .. } = *self.subject;
        let (request, name) = (self.request, &crl.issuer);
        let path = above.iter().chain([anchor.certificate(), certificate]).filter(|held| held.subject == *name);
        let anchors = request.trust.anchors_named(name).map(|anchor| anchor.certificate());
        let held = anchors.chain(request.trust.intermediates_named(name));
        let given = request.certificates.iter().filter(|given| given.subject == *name);
        let mut candidates: Vec<Arc<Certificate>> = Vec::new();
        for candidate in path.chain(held).chain(given) {
            let tried = crl.issuer == certificate.issuer && candidate == self.subject.issuer();
            if candidates.len() <= CANDIDATES && !tried && !candidates.contains(candidate) {
                candidates.push(Arc::clone(candidate));
            }
        }
        let wanted = crl.extensions.authority_key_identifier.as_ref();
        let wanted = wanted.and_then(|identifier| identifier.key_identifier.as_ref());
        candidates.sort_by_key(|candidate| match (wanted, &candidate.extensions.subject_key_identifier) {
            (Some(wanted), Some(found)) => u8::from(wanted != found) * 2,
            _ => 1,
        });
        candidates
    }

    /// Whether the signer may speak of the certificate, and when.
    fn authorised(&mut self, crl: &CertificateList, signer: &Arc<Certificate>) -> Authority {
        let Subject { certificate, above, anchor, .. } = *self.subject;
        if above.contains(signer) || signer == anchor.certificate() {
            return Authority::Holds(Window::ALWAYS);
        }
        if signer == certificate {
            // A key vouches for its own certificate only where the certificate's issuer says that it does.
            return if is_named(crl, certificate) { Authority::Holds(Window::ALWAYS) } else { Authority::None };
        }
        if let Some((_, known)) = self.validated.iter().find(|(known, _)| known == signer.fingerprint()) {
            return *known;
        }
        let same =
            |path: &[Arc<Certificate>]| crl.issuer != certificate.issuer || self.same_authority(path, &crl.issuer);
        let authority = match self.path(signer) {
            Some(PathOutcome::Valid(path)) if same(path.certificates()) => Authority::Holds(path.holds()),
            Some(PathOutcome::Invalid { rejected, .. })
                if rejected.iter().any(|path| passes_with_time(path) && same(&path.certificates)) =>
            {
                Authority::Lapsed
            }
            _ => Authority::None,
        };
        self.validated.push((*signer.fingerprint(), authority));
        authority
    }

    /// The paths of the signer to the very anchor of the certificate's path; `None`: its own validation waits for the answer.
    fn path(&self, signer: &Arc<Certificate>) -> Option<PathOutcome> {
        let (request, anchor) = (self.request, self.subject.anchor);
        let searches = request.work.crl_issuers();
        if !searches.begin(signer) {
            return None;
        }
        let only;
        let trust = match request.trust.anchors() {
            [_] => request.trust,
            _ => {
                let (intermediates, aliases) = (request.trust.intermediates(), request.trust.aliases());
                only = TrustStore::with_aliases(vec![anchor.clone()], intermediates.to_vec(), aliases.to_vec());
                &only
            }
        };
        let policies = InitialPolicies::default();
        let outcome =
            find_path(&PathRequest { target: signer, trust, purpose: Purpose::Any, policies, past: None, ..*request });
        searches.end();
        if outcome.is_short() {
            // Whoever signed the list may well be who may: it is not passed over.
            request.work.fall_short();
        }
        Some(outcome)
    }

    /// Stricter than the clause, which takes any certificate of the issuer's name under the anchor: the authority of that name is
    /// reached by the same names on both paths, so that nobody else under the anchor can pass for it.
    fn same_authority(&self, path: &[Arc<Certificate>], name: &Name) -> bool {
        let anchor = self.subject.anchor.certificate();
        let of_certificate = names_downwards(anchor, self.subject.above);
        let depth = of_certificate.iter().take_while(|found| **found != name).count();
        let of_signer = names_downwards(anchor, path);
        let (above, below) = of_signer.split_at(depth.min(of_signer.len()));
        above == &of_certificate[..depth] && below.iter().all(|found| *found == name)
    }
}

/// It leads to the anchor, and what it lacks it may have had, or may have.
const fn passes_with_time(path: &RejectedPath) -> bool {
    path.anchor.is_some()
        && matches!(
            path.fault,
            PathFault::Expired { .. }
                | PathFault::NotYetValid { .. }
                | PathFault::WeakAlgorithm(_)
                | PathFault::WeakKey(_)
                | PathFault::AnchorWindow(_)
                | PathFault::Revoked { .. }
                | PathFault::OnHold { .. }
                | PathFault::RevocationStale { .. }
                | PathFault::RevocationUnclear(_)
                | PathFault::RevocationUnknown(_)
        )
}

/// The subjects of a path, from its anchor down.
fn names_downwards<'a>(anchor: &'a Certificate, certificates: &'a [Arc<Certificate>]) -> Vec<&'a Name> {
    let below = certificates.iter().rev().map(|certificate| &certificate.subject);
    std::iter::once(&anchor.subject).chain(below).collect()
}

/// The searches for paths of CRL issuers that belong together, which may lead to further ones.
#[derive(Debug, Default)]
pub struct CrlIssuerSearches {
    begun: Cell<usize>,
    /// Fingerprints of those being validated, outermost first.
    pending: RefCell<Vec<[u8; 32]>>,
    refused: Cell<bool>,
}

impl CrlIssuerSearches {
    /// Searches for all that is asked about one document.
    const LIMIT: usize = 64;
    /// CRL issuers whose status needs another CRL issuer, whose status needs another.
    const DEPTH: usize = 3;

    /// May this signer's path be searched? Not if its own validation waits for the answer.
    fn begin(&self, signer: &Certificate) -> bool {
        let mut pending = self.pending.borrow_mut();
        if pending.contains(signer.fingerprint()) {
            return false;
        }
        if pending.len() == Self::DEPTH || self.begun.get() == Self::LIMIT {
            self.refused.set(true);
            return false;
        }
        self.begun.set(self.begun.get() + 1);
        pending.push(*signer.fingerprint());
        true
    }

    fn end(&self) {
        self.pending.borrow_mut().pop();
    }

    /// A search was asked for that the limit did not cover.
    pub fn is_short(&self) -> bool {
        self.refused.get()
    }
}
