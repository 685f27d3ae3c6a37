//! The baseline level that what is on a signature makes it (EN 319 122-1 §6.3), whatever it is worth to whom.

use super::basic::SignatureValidation;
use super::embedded::Together;
use super::timestamp::{TimestampKind, TimestampValidation};
use crate::core::x509::Certificate;

/// `CAdES-BASELINE-*`.
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
pub fn of(signature: &SignatureValidation, together: &Together) -> Option<Level> {
    let has = |is_it: fn(TimestampKind) -> bool| {
        let mut stamps = signature.timestamps.iter().filter(|stamp| is_it(stamp.kind));
        stamps.any(TimestampValidation::is_genuine)
    };
    let is_archive = |kind| matches!(kind, TimestampKind::ArchiveV2 | TimestampKind::ArchiveV3);
    if !signature.is_baseline {
        return None;
    }
    if !has(|kind| kind == TimestampKind::Signature) {
        return Some(Level::Basic);
    }
    if !signature.signer.as_ref().is_ok_and(|signer| tells_of(together, signer)) {
        return Some(Level::Timestamped);
    }
    Some(if has(is_archive) { Level::Archival } else { Level::LongTerm })
}

/// Some of the embedded revocation data are about the certificate.
fn tells_of(together: &Together, certificate: &Certificate) -> bool {
    let of_issuer = |issuer: &Certificate| issuer.subject == certificate.issuer;
    let issuers = || together.certificates.iter().filter(|issuer| of_issuer(issuer));
    let mut responses = together.embedded_responses.iter().flat_map(|response| &response.statuses);
    together.embedded_crls.iter().any(|crl| crl.issuer == certificate.issuer)
        || responses.any(|status| issuers().any(|issuer| status.certificate.names(certificate, issuer)))
}
