//! The status of one certificate by CRL (RFC 5280 §6.3), failing closed: a list that is not wholly understood, not signed by the
//! certificate's own issuer, partial, or stale shows nothing good.

use std::sync::Arc;

use super::fault::PathFault;
use super::{PathRequest, Position};
use crate::core::memory;
use crate::core::time::Time;
use crate::core::x509::crl::RevocationReason;
use crate::core::x509::extension::{DistributionPointName, KeyUsage};
use crate::core::x509::{Certificate, CertificateList};

/// Proof that a certificate was not listed in fresh revocation data. Made only by [`check`].
#[derive(Clone, Debug)]
pub struct RevocationStatus {
    pub certificate: Arc<Certificate>,
    pub this_update: Time,
    pub next_update: Time,
    _proof: Proof,
}

#[derive(Clone, Debug)]
struct Proof;

/// Asks the newest usable CRL of the certificate's issuer. Lists made after the time of the request are not looked at.
pub fn check(
    request: &PathRequest<'_>,
    position: Position,
    certificate: &Arc<Certificate>,
    issuer: &Certificate,
) -> Result<RevocationStatus, PathFault> {
    let usable = request
        .crls
        .issued_by(&certificate.issuer)
        .iter()
        .filter(|crl| crl.this_update <= request.time && covers(crl, certificate) && signed(request, crl, issuer));
    let newest = usable.max_by_key(|crl| (crl.this_update, crl.extensions.crl_number.clone()));
    let Some(crl) = newest else { return Err(PathFault::RevocationUnknown(position)) };
    if let Some(entry) = crl.entry(&certificate.serial_number) {
        // Also in a stale list: revocation does not pass with time.
        return Err(match entry.reason {
            RevocationReason::CertificateHold => PathFault::OnHold { position, date: entry.revocation_date },
            reason => PathFault::Revoked { position, date: entry.revocation_date, reason },
        });
    }
    match crl.next_update {
        Some(next_update) if request.time <= next_update => Ok(RevocationStatus {
            certificate: Arc::clone(certificate),
            this_update: crl.this_update,
            next_update,
            _proof: Proof,
        }),
        next_update => Err(PathFault::RevocationStale { position, next_update }),
    }
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
