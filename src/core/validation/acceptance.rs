//! Signature acceptance (EN 319 102-1 §5.2.8): what the policy asks of attributes and algorithms.

use super::basic::SignatureValidation;
use super::format::SignerAlgorithms;
use super::level::Level;
use super::timestamp::TimestampValidation;
use crate::core::cms::attributes::SignedAttributes;
use crate::core::policy::{Policy, Purpose, RequiredLevel};
use crate::core::suites::Suites;
use crate::core::time::Time;
use crate::core::verdict::{Cause, Indication, Verdict};
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
    /// The signature has not the baseline level that the policy requires.
    LevelTooLow,
}

impl AcceptanceFault {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WeakAlgorithm => "signature-algorithm-weak",
            Self::WeakKey => "signature-key-weak",
            Self::SigningCertificateMissing => "signing-certificate-missing",
            Self::SigningTimeMissing => "signing-time-missing",
            Self::LevelTooLow => "level-too-low",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::WeakAlgorithm => [Self::WeakAlgorithm],
            Self::WeakKey => [Self::WeakKey],
            Self::SigningCertificateMissing => [Self::SigningCertificateMissing],
            Self::SigningTimeMissing => [Self::SigningTimeMissing],
            Self::LevelTooLow => [Self::LevelTooLow],
        })
    }
}

/// Attributes that must be there, and algorithms that are accepted.
#[derive(Clone, Copy, Debug)]
pub struct Demands<'a> {
    suites: &'a Suites,
    signing_certificate: bool,
    signing_time: bool,
}

impl<'a> Demands<'a> {
    /// Of the policy; a time-stamp names its authority's certificate whatever the policy (RFC 3161 §2.4.2), and says the time itself.
    pub fn new(policy: &'a Policy, purpose: Purpose) -> Self {
        let is_timestamp = purpose == Purpose::TimeStamping;
        Self {
            suites: &policy.suites,
            signing_certificate: policy.require_signing_certificate || is_timestamp,
            signing_time: policy.require_signing_time && !is_timestamp,
        }
    }
}

/// Judges at `time`, up to which the algorithms and the key must be accepted.
pub fn check(
    demands: Demands<'_>,
    attributes: &SignedAttributes<'_>,
    states_time: bool,
    algorithms: SignerAlgorithms,
    signer: &Certificate,
    time: Time,
) -> Result<Accepted, AcceptanceFault> {
    let suites = demands.suites;
    if !suites.digest(algorithms.digest).min(suites.signature(algorithms.signature)).holds_at(time) {
        return Err(AcceptanceFault::WeakAlgorithm);
    }
    if !signer.public_key().is_ok_and(|key| suites.key(key.strength()).holds_at(time)) {
        return Err(AcceptanceFault::WeakKey);
    }
    if demands.signing_certificate && attributes.certificate_references().next().is_none() {
        return Err(AcceptanceFault::SigningCertificateMissing);
    }
    if demands.signing_time && !states_time {
        return Err(AcceptanceFault::SigningTimeMissing);
    }
    Ok(Accepted(()))
}

/// Takes the pass from a signature whose level is below the one required. A time-stamp counts for the level if it passes.
pub fn require_level(required: RequiredLevel, signature: &mut SignatureValidation) {
    let passed = || signature.timestamps.iter().filter(|timestamp| timestamp.outcome.is_ok());
    let reached = signature.is_baseline
        && match required {
            RequiredLevel::Basic => true,
            RequiredLevel::Timestamped => passed().next().is_some(),
            RequiredLevel::LongTerm => signature.level >= Some(Level::LongTerm) && passed().next().is_some(),
            RequiredLevel::Archival => {
                signature.level >= Some(Level::Archival) && passed().any(TimestampValidation::is_archive_of_evidence)
            }
        };
    if !reached && signature.verdict.indication() == Indication::TotalPassed {
        let fault = AcceptanceFault::LevelTooLow;
        signature.acceptance = Some(Err(fault));
        signature.verdict = Verdict::Indeterminate(Cause::Acceptance(fault));
    }
}
