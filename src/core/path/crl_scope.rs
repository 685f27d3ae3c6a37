//! About which certificates and reasons a CRL speaks (RFC 5280 §6.3.3 (b), (d)).

use crate::core::x509::distribution_point::{
    DistributionPoint, DistributionPointName, GeneralName, IssuingDistributionPoint,
};
use crate::core::x509::reason::ReasonSet;
use crate::core::x509::{Certificate, CertificateList, Name};

/// The reasons of revocation that a complete list would tell of for this certificate: those of every distribution point of the
/// certificate whose list it is (its `interim_reasons_mask`), none if it is a list about other certificates.
pub fn reasons(crl: &CertificateList, certificate: &Certificate) -> ReasonSet {
    let scope = crl.extensions.issuing_distribution_point.as_ref();
    if scope.is_some_and(|scope| !kind_fits(scope, certificate)) {
        return ReasonSet::NONE;
    }
    let own = crl.issuer == certificate.issuer;
    let list_names = scope.and_then(|scope| scope.name.as_ref()).map(|name| name.names(&crl.issuer));
    let fits = |names: &[GeneralName]| list_names.as_ref().is_none_or(|of_list| shared(of_list, names));

    let mut reasons = ReasonSet::NONE;
    for point in certificate.extensions.crl_distribution_points.iter().flatten() {
        let issued_for_it = match &point.crl_issuer {
            Some(issuers) => crl.extensions.is_indirect() && issuers.contains(&crl.issuer),
            None => own,
        };
        if issued_for_it && fits(&point_names(point, &crl.issuer)) {
            reasons = reasons.union(point.reasons.unwrap_or(ReasonSet::ALL));
        }
    }
    // A list of the certificate's issuer counts as if a distribution point of the issuer's name stood in the certificate.
    if own && fits(&[GeneralName::Directory(certificate.issuer.clone())]) {
        reasons = ReasonSet::ALL;
    }
    reasons.intersection(scope.and_then(|scope| scope.only_some_reasons).unwrap_or(ReasonSet::ALL))
}

/// (b)(2)(ii) to (iv): the list is about certificates of this kind.
fn kind_fits(scope: &IssuingDistributionPoint, certificate: &Certificate) -> bool {
    !(scope.only_attribute_certificates
        || scope.only_user_certificates && certificate.is_ca()
        || scope.only_ca_certificates && !certificate.is_ca())
}

/// (b)(2)(i): the names of a distribution point, or those of its CRL issuer if it has none.
fn point_names(point: &DistributionPoint, crl_issuer: &Name) -> Vec<GeneralName> {
    match (&point.name, &point.crl_issuer) {
        (Some(name @ DistributionPointName::Full(_)), _) => name.names(crl_issuer),
        // Below one name alone (§4.2.1.13).
        (Some(DistributionPointName::Relative(_)), Some(issuers)) if issuers.len() != 1 => Vec::new(),
        (Some(name @ DistributionPointName::Relative(_)), _) => name.names(crl_issuer),
        (None, Some(issuers)) => issuers.iter().cloned().map(GeneralName::Directory).collect(),
        (None, None) => Vec::new(),
    }
}

fn shared(left: &[GeneralName], right: &[GeneralName]) -> bool {
    left.iter().any(|name| right.contains(name))
}
