//! The status of one certificate by CRL (RFC 5280 §6.3) and OCSP (RFC 6960), failing closed: what is not wholly understood, not
//! signed by who may speak of the certificate, or stale shows nothing good; what any of it says against the certificate counts.
//! [`crl`] and [`ocsp`] find what is said, here it is decided.

use std::sync::Arc;

use super::fault::{Budget, PathFault};
use super::window::{self, Window};
use super::{PathRequest, Position, crl, ocsp};
use crate::core::time::Time;
use crate::core::x509::reason::{ReasonSet, RevocationReason};
use crate::core::x509::{Certificate, TrustAnchor};

/// Proof that a certificate was good by fresh revocation data. Made only by [`check`].
#[derive(Clone, Debug)]
pub struct RevocationStatus {
    pub certificate: Arc<Certificate>,
    pub source: Source,
    /// Of the oldest source that was needed.
    pub this_update: Time,
    /// The earliest of the sources that were needed.
    pub next_update: Option<Time>,
    /// Since when it is revoked all the same, for something after its key was used.
    pub revoked_since: Option<Time>,
    /// When all sources that were needed are proved to have existed.
    pub proved: Option<Time>,
    /// When the very same sources show the same, maximum ages considered.
    pub holds: Window,
    /// SHA-256 of each list or `BasicOCSPResponse` that was needed.
    pub fingerprints: Vec<[u8; 32]>,
    _proof: Proof,
}

#[derive(Clone, Debug)]
struct Proof;

/// Where a status comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Crl,
    Ocsp,
}

/// The certificate asked about, and the path above it, which is being validated.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub certificate: &'a Arc<Certificate>,
    /// From its issuer upwards, the anchor not counted.
    pub above: &'a [Arc<Certificate>],
    pub anchor: &'a TrustAnchor,
    /// When its key was used, if trusted time proves it; `None`: at the time of the request.
    pub used_at: Option<Time>,
}

impl<'a> Subject<'a> {
    pub fn issuer(&self) -> &'a Arc<Certificate> {
        self.above.first().unwrap_or(self.anchor.certificate())
    }

    /// So dated, it came after the key was used.
    pub fn is_after_use(&self, statement: Statement) -> bool {
        matches!((statement, self.used_at), (Statement::Revoked { date, .. }, Some(used_at)) if used_at < date)
    }

    /// A revocation for good since that time came after the key was used. A hold is not told from what it may become.
    pub fn was_used_before(&self, since: Time, reason: RevocationReason) -> bool {
        let holds = matches!(reason, RevocationReason::CertificateHold | RevocationReason::RemoveFromCrl);
        !holds && self.used_at.is_some_and(|used_at| used_at < since)
    }

    /// A statement that the certificate is good covers the use of its key, however old it is now, as long as certificates are remembered
    /// in it: it was made after the use (EN 319 102-1 §5.6.2.2: control time slides back to it), or was fresh then.
    ///
    /// The latter only of authorities, and if it is proved to have existed then. Of who signs documents no older statement is taken: who
    /// has a stolen key could choose one from before the theft became known.
    pub fn covers_use(&self, request: &PathRequest<'_>, statement: &Dated) -> bool {
        let Some(used_at) = self.used_at else { return false };
        let Dated { this_update, next_update, kept_since, proved } = *statement;
        let remembered = window::remembers_until(self.certificate, this_update, kept_since) == Window::ALWAYS.until;
        let of_authority = window::is_authority(request, self.certificate);
        let was_fresh = || {
            let until = window::counts_until(request, self.certificate, this_update, next_update);
            of_authority
                && proved.is_some_and(|proved| proved <= used_at)
                && until.is_some_and(|until| used_at <= until)
        };
        remembered && (used_at <= this_update || was_fresh())
    }
}

/// When a source was made at the latest, for judging the algorithm of its signature.
pub fn made_until(request: &PathRequest<'_>, fingerprint: &[u8; 32]) -> Time {
    proved(request, fingerprint).map_or(request.time, |proved| proved.min(request.time))
}

/// When a source is proved to have existed.
pub fn proved(request: &PathRequest<'_>, fingerprint: &[u8; 32]) -> Option<Time> {
    request.past.and_then(|past| past.proofs.of(fingerprint))
}

/// The times of a statement.
#[derive(Clone, Copy)]
pub struct Dated {
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// Certificates that expired since are still told of.
    pub kept_since: Option<Time>,
    /// When it is proved to have existed.
    pub proved: Option<Time>,
}

/// What one believed source says about the certificate.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    pub source: Source,
    pub statement: Statement,
    /// The reasons of revocation that the source would tell of.
    pub reasons: ReasonSet,
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// When it may be used, if it shows something good: fresh, remembered, signed by who may still sign. None: never.
    pub counts: Option<Window>,
    /// Since when the certificate is revoked for something after its key was used.
    pub revoked_since: Option<Time>,
    /// It would still tell of the certificate, expired or not.
    pub remembers: bool,
    /// What it says against the certificate is dated after its key was used.
    pub is_after_use: bool,
    /// When the source is proved to have existed.
    pub proved: Option<Time>,
    /// SHA-256 of the list or `BasicOCSPResponse`.
    pub fingerprint: [u8; 32],
    /// Of the complete list, where the source is a delta to it or it itself.
    pub base: Option<[u8; 32]>,
}

impl Finding {
    /// It speaks against the certificate, and nothing newer among `findings` lifts that: something that would tell. What was on hold when
    /// the key was used and is revoked since is lifted by no date of that. A revocation for good is never lifted.
    pub fn stands_against(&self, findings: &[Self]) -> bool {
        let needed = match self.statement {
            Statement::Good => return false,
            Statement::Revoked { reason, .. } if reason != RevocationReason::CertificateHold => return true,
            Statement::Revoked { .. } => ReasonSet::HOLD,
            Statement::Unclear => ReasonSet::ALL,
        };
        let lifts = |newer: &Self| {
            let is_over = newer.revoked_since.is_none() || self.is_after_use;
            is_over && newer.remembers && newer.reasons.contains(needed) && newer.this_update > self.this_update
        };
        !findings.iter().any(|newer| newer.statement == Statement::Good && lifts(newer))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    Good,
    Revoked {
        date: Time,
        reason: RevocationReason,
    },
    /// Something that cannot be understood or contradicts itself, or the responder does not know the certificate.
    Unclear,
}

/// Asks the CRLs and every OCSP response. What was made after the time of the request is not looked at. A revocation found anywhere
/// counts, also in partial or stale data, since it does not pass with time; a hold does, so that newer sources decide about it.
pub fn check(
    request: &PathRequest<'_>,
    position: Position,
    subject: &Subject<'_>,
) -> Result<RevocationStatus, PathFault> {
    let mut findings = crl::findings(request, subject);
    findings.extend(ocsp::findings(request, subject));
    if request.work.is_short() {
        // What was not verified could be the very list that revokes.
        return Err(PathFault::BudgetSpent(Budget::Signatures));
    }
    let mut status = conclude(request, position, subject.certificate, &findings)?;
    if let Some(next) = crl::first_after(request, subject.certificate) {
        // From then on there is one more list to ask.
        status.holds.until = status.holds.until.min(next.plus_seconds(-1));
    }
    Ok(status)
}

/// When nothing in the CRLs speaks against the certificate, and, unless `unasked`, fresh ones show it good.
pub fn good_by_crl(request: &PathRequest<'_>, subject: &Subject<'_>, unasked: bool) -> Result<Window, PathFault> {
    let findings = crl::findings(request, subject);
    if unasked && findings.iter().all(|finding| finding.statement == Statement::Good) {
        return Ok(Window::ALWAYS);
    }
    conclude(request, 0, subject.certificate, &findings).map(|status| status.holds)
}

fn conclude(
    request: &PathRequest<'_>,
    position: Position,
    certificate: &Arc<Certificate>,
    findings: &[Finding],
) -> Result<RevocationStatus, PathFault> {
    for finding in findings {
        match finding.statement {
            Statement::Revoked { date, reason } if reason != RevocationReason::CertificateHold => {
                return Err(PathFault::Revoked { position, date, reason });
            }
            _ => {}
        }
    }
    let mut standing = findings.iter().filter(|finding| finding.stands_against(findings)).peekable();
    let is_unclear = standing.peek().is_some();
    for finding in standing {
        if let Statement::Revoked { date, .. } = finding.statement {
            return Err(PathFault::OnHold { position, date });
        }
    }
    if is_unclear {
        return Err(PathFault::RevocationUnclear(position));
    }
    let good = || findings.iter().filter(|finding| finding.statement == Statement::Good);
    // Nothing speaks against it: good findings that count and together tell of every reason suffice (§6.3.3), the newest first.
    let counting = good().filter(|finding| finding.counts.is_some_and(|window| window.contains(request.time)));
    if let Some(used) = sufficient(counting) {
        let holds = used.iter().filter_map(|finding| finding.counts).fold(Window::ALWAYS, Window::and);
        let this_update = used.iter().map(|finding| finding.this_update);
        return Ok(RevocationStatus {
            certificate: Arc::clone(certificate),
            source: used[0].source,
            this_update: this_update.min().unwrap_or(holds.from),
            next_update: used.iter().filter_map(|finding| finding.next_update).min(),
            revoked_since: findings.iter().filter_map(|finding| finding.revoked_since).min(),
            proved: proved_together(findings, &used),
            holds,
            fingerprints: used
                .iter()
                .flat_map(|finding| {
                    [Some(finding.fingerprint), finding.base.filter(|base| *base != finding.fingerprint)]
                })
                .flatten()
                .collect(),
            _proof: Proof,
        });
    }
    match sufficient(good()) {
        Some(stale) => {
            let ended = stale[0].counts.map(|window| window.until);
            Err(PathFault::RevocationStale { position, ended })
        }
        None => Err(PathFault::RevocationUnknown(position)),
    }
}

/// When the sources that were needed are proved to have existed; not where something that speaks against the certificate had to be
/// lifted, by whatever did.
fn proved_together(findings: &[Finding], used: &[&Finding]) -> Option<Time> {
    let lifted = findings.iter().any(|finding| finding.statement != Statement::Good);
    let proved: Option<Vec<Time>> = used.iter().map(|finding| finding.proved).collect();
    proved.filter(|_| !lifted)?.into_iter().max()
}

/// As few findings as tell of every reason of revocation: one if one does, else one of each: those proved to be oldest, for they
/// ask least of who signed them, then the newest. Never empty.
fn sufficient<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<Vec<&'a Finding>> {
    let mut best_first: Vec<&Finding> = findings.collect();
    best_first
        .sort_by_key(|finding| (finding.proved.is_none(), finding.proved, std::cmp::Reverse(finding.this_update)));
    if let Some(whole) = best_first.iter().find(|finding| finding.reasons.contains(ReasonSet::ALL)) {
        return Some(vec![whole]);
    }
    let mut told = ReasonSet::NONE;
    best_first.retain(|finding| {
        let more = !told.contains(finding.reasons);
        told = told.union(finding.reasons);
        more
    });
    told.contains(ReasonSet::ALL).then_some(best_first)
}
