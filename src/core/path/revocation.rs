//! The status of one certificate by CRL (RFC 5280 §6.3) and OCSP (RFC 6960), failing closed: what is not wholly understood, not
//! signed by the certificate's own issuer or its delegate, partial, or stale shows nothing good.

use std::sync::Arc;

use super::fault::PathFault;
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

/// What one believed source says.
struct Finding {
    source: Source,
    /// `None`: good.
    revoked: Option<(Time, RevocationReason)>,
    this_update: Time,
    next_update: Option<Time>,
}

/// Asks the newest usable CRL of the certificate's issuer and every usable OCSP response. What was made after the time of the
/// request is not looked at. A revocation found anywhere counts, also in stale data, since it does not pass with time; a hold
/// does, so that the newest source decides about it.
pub fn check(
    request: &PathRequest<'_>,
    position: Position,
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
) -> Result<RevocationStatus, PathFault> {
    let mut findings: Vec<Finding> = ocsp::statuses(request, certificate, issuer)
        .filter_map(|status| {
            let revoked = match status.status {
                CertStatus::Good => None,
                CertStatus::Revoked { date, reason } => Some((date, reason)),
                CertStatus::Unknown => return None,
            };
            let (this_update, next_update) = (status.this_update, status.next_update);
            Some(Finding { source: Source::Ocsp, revoked, this_update, next_update })
        })
        .collect();
    if let Some(crl) = newest_crl(request, certificate, issuer) {
        let entry = crl.entry(&certificate.serial_number);
        findings.push(Finding {
            source: Source::Crl,
            revoked: entry.map(|entry| (entry.revocation_date, entry.reason)),
            this_update: crl.this_update,
            next_update: crl.next_update,
        });
    }
    // An entry to be removed has no place outside a delta CRL: it revokes like any other.
    let for_good =
        |finding: &&Finding| finding.revoked.is_some_and(|(_, reason)| reason != RevocationReason::CertificateHold);
    if let Some((date, reason)) = findings.iter().find(for_good).and_then(|finding| finding.revoked) {
        return Err(PathFault::Revoked { position, date, reason });
    }
    let newest = findings.iter().max_by_key(|finding| finding.this_update);
    let Some(newest) = newest else { return Err(PathFault::RevocationUnknown(position)) };
    if let Some((date, _)) = newest.revoked {
        return Err(PathFault::OnHold { position, date });
    }
    match newest.next_update {
        Some(next_update) if request.time <= next_update => Ok(RevocationStatus {
            certificate: Arc::clone(certificate),
            source: newest.source,
            this_update: newest.this_update,
            next_update,
            _proof: Proof,
        }),
        next_update => Err(PathFault::RevocationStale { position, next_update }),
    }
}

/// The newest CRL that covers the certificate and is signed by its issuer.
pub fn newest_crl<'a>(
    request: &PathRequest<'a>,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Option<&'a Arc<CertificateList>> {
    let usable = request
        .crls
        .issued_by(&certificate.issuer)
        .iter()
        .filter(|crl| crl.this_update <= request.time && covers(crl, certificate) && signed(request, crl, issuer));
    usable.max_by_key(|crl| (crl.this_update, crl.extensions.crl_number.clone()))
}

/// The list is complete for this certificate (§6.3.3 (b)): understood to the end, no delta, not indirect, of the certificate's
/// kind, for all reasons, and from a distribution point the certificate names if the list is bound to one.
fn covers(crl: &CertificateList, certificate: &Certificate) -> bool {
    let extensions = &crl.extensions;
    if crl.entry_not_understood || extensions.is_delta || !extensions.not_understood.is_empty() {
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
    kind_fits && point_fits && !scope.indirect && !scope.only_some_reasons
}

/// Signed by the key that issued the certificate, which may sign CRLs (§6.3.3 (f), (g)), with an accepted algorithm.
fn signed(request: &PathRequest<'_>, crl: &CertificateList, issuer: &Certificate) -> bool {
    let acceptable = crl.signature_algorithm.as_ref().is_ok_and(|algorithm| algorithm.is_acceptable());
    let may_sign = issuer.extensions.key_usage.is_none_or(|usage| usage.any_of(KeyUsage::CRL_SIGN));
    acceptable && may_sign && memory::verify_crl(request.memory, issuer, crl)
}
