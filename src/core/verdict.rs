//! Verdicts (EN 319 102-1 §5.1.3): what cannot be proved is failed or indeterminate, and a pass cannot be written down without
//! its proofs.

use super::algorithm::UnknownAlgorithm;
use super::crypto::{SignatureFault, SignatureVerified};
use super::path::{PathFault, ValidatedPath};
use super::pdf::changes::Forbidden;
use super::validation::acceptance::{AcceptanceFault, Accepted};
use super::validation::cryptographic::{DigestFault, DigestMatched};
use super::validation::format::{FormatFault, FormatSound};
use super::validation::pades::PdfCause;
use super::validation::signer::SignerFault;

/// The judgement of one signature, or of a document.
#[derive(Clone, Debug)]
pub enum Verdict {
    TotalPassed(TotalPassed),
    TotalFailed(Failure),
    Indeterminate(Cause),
}

/// A pass. Made in one place, out of the proofs that only the checks can make.
#[derive(Clone, Debug)]
pub struct TotalPassed(());

impl TotalPassed {
    /// Every check of a basic signature passed.
    pub(in crate::core) fn from_proofs(
        _format: &FormatSound,
        _digest: &DigestMatched,
        _signature: &SignatureVerified,
        _path: &ValidatedPath,
        _acceptance: &Accepted,
    ) -> Self {
        Self(())
    }

    /// A document passes if each of the signatures that decide does, and there is one.
    pub(in crate::core) fn of_document(_first: &Self) -> Self {
        Self(())
    }
}

/// TOTAL-FAILED: the signature is wrong, whatever else is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Format(FormatFault),
    /// [`DigestFault::Mismatch`] or [`DigestFault::ContentDiffers`].
    Hash {
        content_differs: bool,
    },
    Signature(SignatureFault),
    /// The signing certificate was revoked before a time of which the signature is proved to be later (§5.3.4, step 4).
    RevokedBefore,
    /// The signing certificate ended before such a time (§5.3.4, step 4).
    ExpiredBefore,
    /// The signature is proved to have existed before its certificate began (§5.5.4, step 4).
    NotYetValid,
    /// The PDF was changed after the signature by more than may be added.
    PdfChanged(Forbidden),
    /// A counter-signature on one of the signatures is broken, or over another; its own sub-indication.
    Countersignature {
        sub_indication: &'static str,
    },
}

impl Failure {
    /// Something was changed or made up, rather than made at a wrong time.
    pub const fn is_of_integrity(&self) -> bool {
        !matches!(self, Self::RevokedBefore | Self::ExpiredBefore | Self::NotYetValid)
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Format(_) => FormatFault::every().into_iter().map(Self::Format),
            Self::Hash { content_differs: false } => [Self::Hash { content_differs: false }],
            Self::Hash { content_differs: true } => [Self::Hash { content_differs: true }],
            Self::Signature(SignatureFault::Value) => [Self::Signature(SignatureFault::Value)],
            Self::Signature(SignatureFault::Encoding) => [Self::Signature(SignatureFault::Encoding)],
            Self::Signature(SignatureFault::KeyMismatch) => [Self::Signature(SignatureFault::KeyMismatch)],
            Self::RevokedBefore => [Self::RevokedBefore],
            Self::ExpiredBefore => [Self::ExpiredBefore],
            Self::NotYetValid => [Self::NotYetValid],
            Self::PdfChanged(_) => super::pdf::changes::Change::every().into_iter().map(|change| Self::PdfChanged(change.at(""))),
            Self::Countersignature { .. } => [Self::Countersignature { sub_indication: "HASH_FAILURE" }],
        })
    }
}

/// INDETERMINATE: what is at hand does not suffice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    NoSignature,
    /// The signature is of a kind that is recognised and not judged.
    UnsupportedFormat,
    /// [`DigestFault::ContentMissing`] or [`DigestFault::DigestNotGiven`].
    SignedDataNotFound {
        digest_not_given: bool,
    },
    Signer(SignerFault),
    UnknownAlgorithm(UnknownAlgorithm),
    Acceptance(AcceptanceFault),
    /// The algorithm or key was not accepted any more at a time of which the signature is proved to be later (§5.3.4, step 6).
    WeakWhenMade(AcceptanceFault),
    Path(PathFault),
    /// A time-stamp over the content is later than one over the signature that it stands in (§5.5.4, step 4 e).
    TimestampOrder,
    /// The PDF around the signatures.
    Pdf(PdfCause),
    /// A certificate between the signer and an anchor is missing, and where it is published does not answer.
    IssuerUnavailable,
}

#[cfg(test)]
impl Cause {
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::NoSignature => [Self::NoSignature],
            Self::UnsupportedFormat => [Self::UnsupportedFormat],
            Self::SignedDataNotFound { digest_not_given: false } => [Self::SignedDataNotFound { digest_not_given: false }],
            Self::SignedDataNotFound { digest_not_given: true } => [Self::SignedDataNotFound { digest_not_given: true }],
            Self::Signer(_) => SignerFault::every().into_iter().map(Self::Signer),
            Self::UnknownAlgorithm(_) => [Self::UnknownAlgorithm(UnknownAlgorithm("1.2.3".to_owned()))],
            Self::Acceptance(_) => AcceptanceFault::every().into_iter().map(Self::Acceptance),
            Self::WeakWhenMade(_) => [AcceptanceFault::WeakAlgorithm, AcceptanceFault::WeakKey].map(Self::WeakWhenMade),
            Self::Path(_) => PathFault::every().into_iter().map(Self::Path),
            Self::TimestampOrder => [Self::TimestampOrder],
            Self::Pdf(_) => PdfCause::every().into_iter().map(Self::Pdf),
            Self::IssuerUnavailable => [Self::IssuerUnavailable],
        })
    }
}

impl From<DigestFault> for Verdict {
    fn from(fault: DigestFault) -> Self {
        match fault {
            DigestFault::Mismatch => Self::TotalFailed(Failure::Hash { content_differs: false }),
            DigestFault::ContentDiffers => Self::TotalFailed(Failure::Hash { content_differs: true }),
            DigestFault::ContentMissing => Self::Indeterminate(Cause::SignedDataNotFound { digest_not_given: false }),
            DigestFault::DigestNotGiven(_) => Self::Indeterminate(Cause::SignedDataNotFound { digest_not_given: true }),
        }
    }
}

/// Main indications, as the standard writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indication {
    TotalPassed,
    Indeterminate,
    TotalFailed,
}

impl Indication {
    pub const fn name(self) -> &'static str {
        match self {
            Self::TotalPassed => "TOTAL-PASSED",
            Self::Indeterminate => "INDETERMINATE",
            Self::TotalFailed => "TOTAL-FAILED",
        }
    }
}

impl Verdict {
    pub const fn indication(&self) -> Indication {
        match self {
            Self::TotalPassed(_) => Indication::TotalPassed,
            Self::TotalFailed(_) => Indication::TotalFailed,
            Self::Indeterminate(_) => Indication::Indeterminate,
        }
    }

    /// Sub-indication (EN 319 102-1 table 5 and 6), `None` for a pass and where the standard has none.
    pub const fn sub_indication(&self) -> Option<&'static str> {
        Some(match self {
            Self::TotalPassed(_) => return None,
            Self::TotalFailed(failure) => match failure {
                Failure::Format(_) | Failure::PdfChanged(_) => "FORMAT_FAILURE",
                Failure::Hash { .. } => "HASH_FAILURE",
                Failure::Signature(_) => "SIG_CRYPTO_FAILURE",
                Failure::RevokedBefore => "REVOKED",
                Failure::ExpiredBefore => "EXPIRED",
                Failure::NotYetValid => "NOT_YET_VALID",
                Failure::Countersignature { sub_indication } => sub_indication,
            },
            Self::Indeterminate(cause) => match cause {
                Cause::NoSignature | Cause::UnsupportedFormat | Cause::Pdf(_) => return None,
                Cause::SignedDataNotFound { .. } => "SIGNED_DATA_NOT_FOUND",
                Cause::Signer(_) => "NO_SIGNING_CERTIFICATE_FOUND",
                Cause::UnknownAlgorithm(_)
                | Cause::Acceptance(AcceptanceFault::WeakAlgorithm | AcceptanceFault::WeakKey) => {
                    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
                }
                Cause::Acceptance(
                    AcceptanceFault::SigningCertificateMissing
                    | AcceptanceFault::SigningTimeMissing
                    | AcceptanceFault::LevelTooLow,
                ) => "SIG_CONSTRAINTS_FAILURE",
                Cause::WeakWhenMade(_) => "CRYPTO_CONSTRAINTS_FAILURE",
                Cause::Path(fault) => path_sub_indication(fault),
                Cause::TimestampOrder => "TIMESTAMP_ORDER_FAILURE",
                Cause::IssuerUnavailable => "TRY_LATER",
            },
        })
    }

    /// One verdict at least for every code.
    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::TotalPassed(_) => [Self::TotalPassed(TotalPassed(()))],
            Self::TotalFailed(_) => Failure::every().into_iter().map(Self::TotalFailed),
            Self::Indeterminate(_) => Cause::every().into_iter().map(Self::Indeterminate),
        })
    }

    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TotalPassed(_) => "valid",
            Self::TotalFailed(failure) => match failure {
                Failure::Format(fault) => fault.code(),
                Failure::Hash { content_differs: false } => "document-changed",
                Failure::Hash { content_differs: true } => "content-differs",
                Failure::Signature(SignatureFault::Value) => "signature-value-invalid",
                Failure::Signature(SignatureFault::Encoding) => "signature-value-encoding",
                Failure::Signature(SignatureFault::KeyMismatch) => "signature-key-mismatch",
                Failure::RevokedBefore => "revoked-before-signing",
                Failure::ExpiredBefore => "expired-before-signing",
                Failure::NotYetValid => "signed-before-certificate",
                Failure::PdfChanged(forbidden) => forbidden.change.code(),
                Failure::Countersignature { .. } => "counter-signature-broken",
            },
            Self::Indeterminate(cause) => match cause {
                Cause::NoSignature => "no-signature",
                Cause::UnsupportedFormat => "signature-format-not-supported",
                Cause::SignedDataNotFound { digest_not_given: false } => "signed-data-not-found",
                Cause::SignedDataNotFound { digest_not_given: true } => "digest-not-given",
                Cause::Signer(fault) => fault.code(),
                Cause::UnknownAlgorithm(_) => "signature-algorithm-unknown",
                Cause::Acceptance(fault) | Cause::WeakWhenMade(fault) => fault.code(),
                Cause::Path(fault) => fault.code(),
                Cause::TimestampOrder => "timestamp-order-contradicts",
                Cause::Pdf(cause) => cause.code(),
                Cause::IssuerUnavailable => "issuer-certificate-unavailable",
            },
        }
    }
}

/// EN 319 102-1 §5.2.6.4.
pub const fn path_sub_indication(fault: &PathFault) -> &'static str {
    match fault {
        PathFault::IssuerNotFound(_) | PathFault::BudgetSpent(_) => "NO_CERTIFICATE_CHAIN_FOUND",
        PathFault::Signature(_)
        | PathFault::NotDer(_)
        | PathFault::Profile(_)
        | PathFault::ExtensionNotUnderstood(..)
        | PathFault::NotACa(_)
        | PathFault::PathLength(_)
        | PathFault::Name(..) => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        PathFault::KeyUsage(_)
        | PathFault::ExtendedKeyUsage(_)
        | PathFault::Policy(_)
        | PathFault::PolicyMapping(_)
        | PathFault::AnchorUse(_)
        | PathFault::AnchorKind(_)
        | PathFault::AnchorKindUnknown(_) => "CHAIN_CONSTRAINTS_FAILURE",
        PathFault::AnchorWindow(_) => "NO_CERTIFICATE_CHAIN_FOUND_NO_POE",
        PathFault::UnknownAlgorithm(..)
        | PathFault::WeakAlgorithm(_)
        | PathFault::WeakKey(_)
        | PathFault::UnusableKey(_) => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        PathFault::NotYetValid { position: 0, not_revoked: true }
        | PathFault::Expired { position: 0, not_revoked: true } => "OUT_OF_BOUNDS_NOT_REVOKED",
        PathFault::NotYetValid { position: 0, .. } | PathFault::Expired { position: 0, .. } => "OUT_OF_BOUNDS_NO_POE",
        // The target is not (`path::validate`): it is an authority, who says that the certificates below are good.
        PathFault::NotYetValid { .. } | PathFault::Expired { .. } => "REVOCATION_OUT_OF_BOUNDS_NO_POE",
        PathFault::NotProved(_) => "NO_POE",
        PathFault::Revoked { position: 0, .. } => "REVOKED_NO_POE",
        PathFault::Revoked { .. } => "REVOKED_CA_NO_POE",
        PathFault::OnHold { .. }
        | PathFault::RevocationStale { .. }
        | PathFault::RevocationUnclear(_)
        | PathFault::RevocationUnknown(_) => "TRY_LATER",
    }
}
