//! The baseline level that what is on a signature makes it (EN 319 122-1 §6.3), whatever it is worth to whom.

use std::sync::Arc;

use super::basic::SignatureValidation;
use super::embedded::Together;
use super::timestamp::{TimestampKind, TimestampValidation};
use crate::core::memory::Memory;
use crate::core::path::PathOutcome;
use crate::core::x509::ocsp::Named;
use crate::core::x509::{Certificate, CertificateList};

/// Lists of the issuer that are looked at.
const LOOKED_AT: usize = 16;

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
pub fn of(signature: &SignatureValidation, together: &Together, memory: &Memory) -> Option<Level> {
    let mut genuine = signature.timestamps.iter().filter(|stamp| stamp.is_genuine());
    let is_stamped = genuine.clone().any(|stamp| stamp.kind == TimestampKind::Signature);
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
    let statuses = together.embedded_responses.iter().flat_map(|response| &response.statuses);
    let (named, mut statuses) = (Named::new(certificate, issuer), statuses);
    crls.take(LOOKED_AT).any(|crl| signed(crl)) || statuses.any(|status| named.is(&status.certificate))
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
