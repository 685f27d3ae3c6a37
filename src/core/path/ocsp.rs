//! What an OCSP response says about one certificate (RFC 6960 §3.2): nothing, unless it is signed by the certificate's issuer or
//! by a responder that this very issuer authorised, is about this certificate, and every part of it is understood.

use std::sync::Arc;

use super::PathRequest;
use super::revocation;
use crate::core::oid;
use crate::core::x509::Certificate;
use crate::core::x509::extension::KeyUsage;
use crate::core::x509::ocsp::{OcspResponse, SingleResponse};

/// The statuses about one certificate in the responses that are believed, in no order, each with whether every part of it is
/// understood.
pub fn statuses<'a>(
    request: &PathRequest<'a>,
    certificate: &'a Arc<Certificate>,
    issuer: &'a Arc<Certificate>,
) -> impl Iterator<Item = (&'a SingleResponse, bool)> {
    let request = *request;
    let believed = request.ocsp_responses.iter().filter(move |response| {
        response.produced_at <= request.time
            && response.statuses.iter().any(|status| status.certificate.names(certificate, issuer))
            && authorised(&request, response, certificate, issuer)
    });
    believed.flat_map(move |response| {
        let about_it = response.statuses.iter().filter(move |status| {
            status.this_update <= request.time
                && status.this_update <= response.produced_at
                && status.certificate.names(certificate, issuer)
        });
        about_it.map(|status| (status, !response.not_understood && !status.not_understood))
    })
}

/// RFC 6960 §4.2.2.2: signed by the issuer itself, or by a certificate that the issuer issued for OCSP signing.
fn authorised(
    request: &PathRequest<'_>,
    response: &OcspResponse,
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
) -> bool {
    if response.responder.names(issuer) && may_sign(issuer) && signed(request, response, issuer) {
        return true;
    }
    let delegates = response.certificates.iter().filter(|delegate| {
        response.responder.names(delegate)
            && *delegate != certificate
            && delegate.issuer == issuer.subject
            && is_responder(request, delegate, issuer)
    });
    delegates.into_iter().any(|delegate| signed(request, response, delegate))
}

/// A delegated responder: for OCSP signing, valid, issued by this issuer, and not revoked (or not to be asked about, §4.2.2.2.1).
fn is_responder(request: &PathRequest<'_>, delegate: &Arc<Certificate>, issuer: &Arc<Certificate>) -> bool {
    let extensions = &delegate.extensions;
    let for_ocsp = extensions.extended_key_usage.as_ref();
    let for_ocsp = for_ocsp.is_some_and(|usages| usages.iter().any(|usage| usage == oid::EKU_OCSP_SIGNING));
    let valid = (delegate.not_before..=delegate.not_after).contains(&request.time);
    let acceptable = delegate.signature_algorithm.as_ref().is_ok_and(|algorithm| algorithm.is_acceptable())
        && delegate.public_key().is_ok_and(|key| key.strength().is_acceptable());
    let (Ok(algorithm), Ok(key)) = (&delegate.signature_algorithm, issuer.public_key()) else { return false };
    let verify = || key.verify(*algorithm, delegate.to_be_signed(), delegate.signature());
    for_ocsp
        && valid
        && acceptable
        && may_sign(delegate)
        && extensions.not_understood.is_empty()
        && request.work.spend()
        && request.memory.signature(issuer, delegate.fingerprint(), verify).is_ok()
        // Even where nobody need ask (§4.2.2.2.1), what is known against it counts.
        && revocation::good_by_crl(request, delegate, issuer, extensions.ocsp_no_check)
}

fn may_sign(certificate: &Certificate) -> bool {
    let signing = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION;
    let usage = certificate.extensions.key_usage;
    usage.is_none_or(|usage| usage.any_of(signing) || certificate.is_ca())
}

fn signed(request: &PathRequest<'_>, response: &OcspResponse, responder: &Certificate) -> bool {
    let (Ok(key), Ok(algorithm)) = (responder.public_key(), &response.signature_algorithm) else { return false };
    let verify = || key.verify(*algorithm, response.to_be_signed(), response.signature());
    algorithm.is_acceptable()
        && key.strength().is_acceptable()
        && request.work.spend()
        && request.memory.signature(responder, response.fingerprint(), verify).is_ok()
}
