//! Signature acceptance (EN 319 102-1 §5.2.8): what the policy asks of attributes and algorithms.

use super::format::SignerAlgorithms;
use crate::core::cms::attributes::SignedAttributes;
use crate::core::policy::{Policy, Purpose};
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// Proof that a signature meets the policy. Made only by [`check`].
#[derive(Debug)]
pub struct Accepted(());

/// A demand of the policy that a signature does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptanceFault {
    /// A digest in the signature is no longer accepted.
    WeakAlgorithm,
    /// The signer's key is smaller than accepted, or cannot be used at all.
    WeakKey,
    SigningCertificateMissing,
    SigningTimeMissing,
}

impl AcceptanceFault {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WeakAlgorithm => "signature-algorithm-weak",
            Self::WeakKey => "signature-key-weak",
            Self::SigningCertificateMissing => "signing-certificate-missing",
            Self::SigningTimeMissing => "signing-time-missing",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::WeakAlgorithm => [Self::WeakAlgorithm],
            Self::WeakKey => [Self::WeakKey],
            Self::SigningCertificateMissing => [Self::SigningCertificateMissing],
            Self::SigningTimeMissing => [Self::SigningTimeMissing],
        })
    }
}

/// Attributes that must be there.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    signing_certificate: bool,
    signing_time: bool,
}

impl Demands {
    /// Of the policy; a time-stamp names its authority's certificate whatever the policy (RFC 3161 §2.4.2), and says the time itself.
    pub fn new(policy: &Policy, purpose: Purpose) -> Self {
        let is_timestamp = purpose == Purpose::TimeStamping;
        Self {
            signing_certificate: policy.require_signing_certificate || is_timestamp,
            signing_time: policy.require_signing_time && !is_timestamp,
        }
    }
}

/// Judges at `time`, up to which the algorithms and the key must be accepted.
pub fn check(
    demands: Demands,
    attributes: &SignedAttributes<'_>,
    algorithms: SignerAlgorithms,
    signer: &Certificate,
    time: Time,
) -> Result<Accepted, AcceptanceFault> {
    if !algorithms.digest.lifetime().min(algorithms.signature.lifetime()).holds_at(time) {
        return Err(AcceptanceFault::WeakAlgorithm);
    }
    if !signer.public_key().is_ok_and(|key| key.strength().lifetime().holds_at(time)) {
        return Err(AcceptanceFault::WeakKey);
    }
    if demands.signing_certificate && attributes.certificate_references().next().is_none() {
        return Err(AcceptanceFault::SigningCertificateMissing);
    }
    if demands.signing_time && attributes.signing_time.is_none() {
        return Err(AcceptanceFault::SigningTimeMissing);
    }
    Ok(Accepted(()))
}
