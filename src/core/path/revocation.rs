//! The status of one certificate by CRL (RFC 5280 §6.3) and OCSP (RFC 6960), failing closed: what is not wholly understood, not
//! signed by the certificate's own issuer or its delegate, partial, or stale shows nothing good; what any of it says against the
//! certificate counts.

use std::sync::Arc;

use super::fault::{Budget, PathFault};
use super::{PathRequest, Position, ocsp};
use crate::core::memory;
use crate::core::time::Time;
use crate::core::x509::crl::RevocationReason;
use crate::core::x509::extension::{DistributionPointName, KeyUsage};
use crate::core::x509::ocsp::CertStatus;
use crate::core::x509::{Certificate, CertificateList};

/// Proof that a certificate was good by fresh revocation data. Made only by [`check`].
#[derive(Clone, Debug)]
pub struct RevocationStatus {
    pub certificate: Arc<Certificate>,
    pub source: Source,
    pub this_update: Time,
    pub next_update: Time,
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

/// What one believed source says about the certificate.
#[derive(Clone, Copy)]
pub struct Finding {
    source: Source,
    statement: Statement,
    this_update: Time,
    next_update: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Statement {
    Good,
    Revoked {
        date: Time,
        reason: RevocationReason,
    },
    /// Something that cannot be understood, or the responder does not know the certificate.
    Unclear,
}

impl Statement {
    /// The better first, so that of equally new statements the worse is the greater.
    const fn weight(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Unclear => 1,
            Self::Revoked { .. } => 2,
        }
    }
}

/// Asks the newest CRL of each scope and every OCSP response. What was made after the time of the request is not looked at. A
/// revocation found anywhere counts, also in partial or stale data, since it does not pass with time; a hold does, so that the
/// newest source decides about it.
pub fn check(
    request: &PathRequest<'_>,
    position: Position,
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
) -> Result<RevocationStatus, PathFault> {
    let mut findings = by_crl(request, certificate, issuer);
    findings.extend(by_ocsp(request, certificate, issuer));
    if request.work.is_short() {
        // What was not verified could be the very list that revokes.
        return Err(PathFault::BudgetSpent(Budget::Signatures));
    }
    let for_good = findings.iter().find_map(|finding| match finding.statement {
        Statement::Revoked { date, reason } if reason != RevocationReason::CertificateHold => Some((date, reason)),
        _ => None,
    });
    if let Some((date, reason)) = for_good {
        return Err(PathFault::Revoked { position, date, reason });
    }
    let newest = findings.iter().max_by_key(|finding| (finding.this_update, finding.statement.weight()));
    let Some(newest) = newest else { return Err(PathFault::RevocationUnknown(position)) };
    match newest.statement {
        Statement::Revoked { date, .. } => return Err(PathFault::OnHold { position, date }),
        Statement::Unclear => return Err(PathFault::RevocationUnclear(position)),
        Statement::Good => {}
    }
    // Nothing speaks against it: any of the good findings that is fresh suffices, the newest first.
    let good = findings.iter().filter(|finding| finding.statement == Statement::Good);
    let fresh = good.filter_map(|finding| Some((finding, finding.next_update.filter(|next| request.time <= *next)?)));
    match fresh.max_by_key(|(finding, _)| finding.this_update) {
        Some((finding, next_update)) => Ok(RevocationStatus {
            certificate: Arc::clone(certificate),
            source: finding.source,
            this_update: finding.this_update,
            next_update,
            _proof: Proof,
        }),
        None => Err(PathFault::RevocationStale { position, next_update: newest.next_update }),
    }
}

/// Is there nothing against a certificate in its issuer's CRLs, and, unless `unasked`, a fresh one that shows it good?
pub fn good_by_crl(
    request: &PathRequest<'_>,
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
    unasked: bool,
) -> bool {
    let findings = by_crl(request, certificate, issuer);
    let fresh = |finding: &Finding| finding.next_update.is_some_and(|next| request.time <= next);
    findings.iter().all(|finding| finding.statement == Statement::Good) && (unasked || findings.iter().any(fresh))
}

/// What the issuer's CRLs say: of each scope the newest.
fn by_crl(request: &PathRequest<'_>, certificate: &Arc<Certificate>, issuer: &Arc<Certificate>) -> Vec<Finding> {
    let held = request.crls.issued_by(&certificate.issuer).iter().map(|crl| (crl, true));
    // Lists that came with the document: an older one could be chosen by whoever made it, so that they only reveal.
    let revealing = request.crls.revealing(&certificate.issuer).iter().map(|crl| (crl, false));
    let lists: Vec<(&Arc<CertificateList>, bool)> = held
        .chain(revealing)
        .filter(|(crl, _)| crl.this_update <= request.time && signed(request, crl, issuer))
        .collect();
    let mut findings = Vec::new();
    for (crl, is_held) in &lists {
        let newer = |other: &CertificateList| scope(other) == scope(crl) && age(other) > age(crl);
        if lists.iter().any(|(other, held)| *held && newer(other)) {
            continue;
        }
        let statement = match crl.entry(&certificate.serial_number) {
            // Whose certificate it is, or what else the entry says, cannot be told.
            Some(_) if !is_understood(crl) => Statement::Unclear,
            Some(entry) if crl.extensions.is_delta && entry.reason == RevocationReason::RemoveFromCrl => continue,
            Some(entry) => Statement::Revoked { date: entry.revocation_date, reason: entry.reason },
            None if *is_held && is_understood(crl) && covers(crl, certificate) => Statement::Good,
            None => continue,
        };
        findings.push(Finding {
            source: Source::Crl,
            statement,
            this_update: crl.this_update,
            next_update: crl.next_update,
        });
    }
    findings
}

fn by_ocsp(request: &PathRequest<'_>, certificate: &Arc<Certificate>, issuer: &Arc<Certificate>) -> Vec<Finding> {
    let statuses = ocsp::statuses(request, certificate, issuer);
    let findings = statuses.filter_map(|(status, understood)| {
        let statement = match status.status {
            CertStatus::Good if understood => Statement::Good,
            CertStatus::Good => return None,
            CertStatus::Revoked { date, reason } if understood => Statement::Revoked { date, reason },
            CertStatus::Revoked { .. } | CertStatus::Unknown => Statement::Unclear,
        };
        let (this_update, next_update) = (status.this_update, status.next_update);
        Some(Finding { source: Source::Ocsp, statement, this_update, next_update })
    });
    findings.collect()
}

/// Which certificates and reasons a list is about: its issuing distribution point, and whether it is a delta.
fn scope(crl: &CertificateList) -> (&[u8], bool) {
    let point = crl.extensions.issuing_distribution_point.as_ref();
    (point.map_or(&[], |point| point.der.as_slice()), crl.extensions.is_delta)
}

/// What makes one list of a scope newer than another.
fn age(crl: &CertificateList) -> (Time, Option<&crate::core::x509::crl::CrlNumber>) {
    (crl.this_update, crl.extensions.crl_number.as_ref())
}

/// Every critical extension of the list and its entries is understood, and all entries are about the list's own issuer.
fn is_understood(crl: &CertificateList) -> bool {
    let indirect = crl.extensions.issuing_distribution_point.as_ref().is_some_and(|point| point.indirect);
    !crl.entry_not_understood && crl.extensions.not_understood.is_empty() && !indirect
}

/// The list is complete for this certificate (§6.3.3 (b)): no delta, of the certificate's kind, for all reasons, and from a
/// distribution point the certificate names if the list is bound to one.
fn covers(crl: &CertificateList, certificate: &Certificate) -> bool {
    let extensions = &crl.extensions;
    if extensions.is_delta {
        return false;
    }
    let Some(scope) = &extensions.issuing_distribution_point else { return true };
    let kind_fits = !(scope.only_attribute_certificates
        || scope.only_user_certificates && certificate.is_ca()
        || scope.only_ca_certificates && !certificate.is_ca());
    let point_fits = match &scope.name {
        None => true,
        Some(DistributionPointName::Relative(_)) => false,
        Some(DistributionPointName::Full(names)) => {
            let points = certificate.extensions.crl_distribution_points.as_deref().unwrap_or_default();
            points.iter().filter(|point| !point.indirect && !point.some_reasons).any(|point| match &point.name {
                Some(DistributionPointName::Full(own)) => own.iter().any(|name| names.contains(name)),
                _ => false,
            })
        }
    };
    kind_fits && point_fits && !scope.only_some_reasons
}

/// Signed by the key that issued the certificate, which may sign CRLs (§6.3.3 (f), (g)), with an accepted algorithm.
fn signed(request: &PathRequest<'_>, crl: &CertificateList, issuer: &Certificate) -> bool {
    let acceptable = crl.signature_algorithm.as_ref().is_ok_and(|algorithm| algorithm.is_acceptable());
    let may_sign = issuer.extensions.key_usage.is_none_or(|usage| usage.any_of(KeyUsage::CRL_SIGN));
    acceptable && may_sign && memory::verify_crl(request.memory, issuer, crl, request.work)
}
