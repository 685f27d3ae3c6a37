//! Identification of the signing certificate (EN 319 102-1 §5.2.3).

use std::sync::Arc;

use crate::core::cms::attributes::SignedAttributes;
use crate::core::cms::signing_certificate::ReferenceFault;
use crate::core::cms::{SignerIdentifier, SignerInfo};
use crate::core::x509::certificate::CERTIFICATE_LIMIT;
use crate::core::x509::{Certificate, Name};

/// Why no certificate is the signer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerFault {
    /// No certificate at hand bears the signer identifier.
    NotFound,
    /// One does, and the signed reference means another (RFC 5035 §5.4).
    ReferenceMismatch(ReferenceFault),
}

impl SignerFault {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "signing-certificate-not-found",
            Self::ReferenceMismatch(_) => "signing-certificate-mismatch",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::NotFound => [Self::NotFound],
            Self::ReferenceMismatch(_) => [Self::ReferenceMismatch(ReferenceFault::Digest)],
        })
    }
}

/// Certificates that bear one identifier and are compared with the signed references, each by hashing it.
const NAMED_LIMIT: usize = 64;
/// Of those, certificates whose key is tried one after the other.
const CANDIDATE_LIMIT: usize = 8;

/// Certificates that may be the signer's, never none; whether there are no others.
pub struct Candidates {
    pub certificates: Vec<Arc<Certificate>>,
    pub are_all: bool,
}

/// All certificates that may be the signer's: named by the signer identifier and by every signed reference. Several with one
/// identifier can exist (a serial number used twice, a key identifier copied); only one has the right key.
pub fn identify(
    signer: &SignerInfo<'_>,
    attributes: Option<&SignedAttributes<'_>>,
    certificates: &[Arc<Certificate>],
) -> Result<Candidates, SignerFault> {
    let mut mismatch = None;
    let mut candidates: Vec<Arc<Certificate>> = Vec::new();
    let named = signer.identifier.named(certificates);
    let mut are_all = named.len() <= NAMED_LIMIT;
    for certificate in named.into_iter().take(NAMED_LIMIT) {
        let references = attributes.into_iter().flat_map(SignedAttributes::certificate_references);
        let fault = references.map(|reference| reference.check(certificate)).find_map(Result::err);
        match fault {
            Some(fault) => mismatch = Some(fault),
            None if candidates.contains(certificate) => {}
            None if candidates.len() == CANDIDATE_LIMIT => are_all = false,
            None => candidates.push(Arc::clone(certificate)),
        }
    }
    match mismatch {
        _ if !candidates.is_empty() => Ok(Candidates { certificates: candidates, are_all }),
        Some(fault) => Err(SignerFault::ReferenceMismatch(fault)),
        None => Err(SignerFault::NotFound),
    }
}

/// The signer identifier as text, for reports about a certificate that is not at hand.
pub fn describe(identifier: &SignerIdentifier<'_>) -> String {
    match identifier {
        SignerIdentifier::IssuerAndSerialNumber { issuer, serial_number } => {
            // A report does not repeat a name longer than any certificate.
            let issuer = Some(*issuer).filter(|issuer| issuer.raw.len() <= CERTIFICATE_LIMIT);
            let issuer = issuer.and_then(|issuer| Name::decode(issuer).ok());
            let issuer = issuer.map(|name| name.to_string()).unwrap_or_default();
            format!("serial number {} of {issuer}", hex::encode(serial_number))
        }
        SignerIdentifier::SubjectKeyIdentifier(identifier) => format!("key identifier {}", hex::encode(identifier)),
    }
}
