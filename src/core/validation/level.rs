//! The baseline level that what is on a signature makes it (EN 319 122-1 §6.3, EN 319 142-1 §6.3), whatever it is worth to whom.

use std::sync::Arc;

use super::basic::SignatureValidation;
use super::embedded::Together;
use super::timestamp::{TimestampKind, TimestampValidation};
use crate::core::memory::Memory;
use crate::core::path::PathOutcome;
use crate::core::x509::ocsp::{Named, OcspResponse};
use crate::core::x509::{Certificate, CertificateList};

/// Lists of the issuer that are looked at, and responses.
const LOOKED_AT: usize = 16;
/// Certificates in one response.
const DELEGATES: usize = 4;

/// `CAdES-BASELINE-*`, `PAdES-BASELINE-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// B-B: the signed attributes.
    Basic,
    /// B-T: and a time-stamp over the signature.
    Timestamped,
    /// B-LT: and the status of the signer's certificate.
    LongTerm,
    /// B-LTA: and a time-stamp over all of it.
    Archival,
}

/// The level, if the signature is a baseline one. A time-stamp that is not over it is none.
pub fn of(signature: &SignatureValidation, together: &Together, memory: &Memory) -> Option<Level> {
    let mut genuine = signature.timestamps.iter().filter(|stamp| stamp.is_genuine());
    let over_it = [TimestampKind::Signature, TimestampKind::Document];
    let is_stamped = genuine.clone().any(|stamp| over_it.contains(&stamp.kind));
    let is_archived = genuine.any(TimestampValidation::is_archive_of_evidence);
    if !signature.is_baseline {
        return None;
    }
    if !is_stamped {
        return Some(Level::Basic);
    }
    if !tells_of(together, signature, memory) {
        return Some(Level::Timestamped);
    }
    Some(if is_archived { Level::Archival } else { Level::LongTerm })
}

/// Some of the embedded revocation data are about the signer's certificate.
fn tells_of(together: &Together, signature: &SignatureValidation, memory: &Memory) -> bool {
    let Ok(certificate) = &signature.signer else { return false };
    let Some(issuer) = issuer(together, signature, certificate) else { return false };
    let signed = |crl: &CertificateList| {
        issuer.public_key().is_ok_and(|key| memory.signature(issuer, crl, || crl.verify(key)).is_ok())
    };
    let crls = together.embedded_crls.iter().filter(|crl| crl.issuer == certificate.issuer);
    let mut crls = crls.filter(|crl| crl.this_update >= certificate.not_before).take(LOOKED_AT);
    let named = Named::new(certificate, issuer);
    let is_about_it = |response: &&Arc<OcspResponse>| {
        let mut statuses = response.statuses.iter().filter(|status| status.this_update >= certificate.not_before);
        statuses.any(|status| named.is(&status.certificate))
    };
    let mut responses = together.embedded_responses.iter().filter(is_about_it).take(LOOKED_AT);
    crls.any(|crl| signed(crl)) || responses.any(|response| is_signed(response, issuer))
}

/// By the issuer, or by one whom it certified for it.
fn is_signed(response: &OcspResponse, issuer: &Certificate) -> bool {
    let by = |responder: &Certificate| match (responder.public_key(), &response.signature_algorithm) {
        (Ok(key), Ok(algorithm)) => key.verify(*algorithm, response.to_be_signed(), response.signature()).is_ok(),
        _ => false,
    };
    let is_certified = |delegate: &Certificate| match (issuer.public_key(), &delegate.signature_algorithm) {
        (Ok(key), Ok(algorithm)) => key.verify(*algorithm, delegate.to_be_signed(), delegate.signature()).is_ok(),
        _ => false,
    };
    let mut delegates =
        response.certificates.iter().filter(|delegate| delegate.issuer == issuer.subject).take(DELEGATES);
    by(issuer) || delegates.any(|delegate| is_certified(delegate) && by(delegate))
}

/// Who issued the signer's certificate, as far as a path says, or else by name.
fn issuer<'a>(
    together: &'a Together,
    signature: &'a SignatureValidation,
    certificate: &Certificate,
) -> Option<&'a Arc<Certificate>> {
    let above = match &signature.path {
        Some(PathOutcome::Valid(path)) => path.certificates().get(1).or(Some(path.anchor())),
        Some(PathOutcome::Invalid { rejected, .. }) => {
            rejected.iter().find_map(|rejected| rejected.certificates.get(1).or(rejected.anchor.as_ref()))
        }
        None => None,
    };
    above.or_else(|| together.certificates.iter().find(|issuer| issuer.subject == certificate.issuer))
}
