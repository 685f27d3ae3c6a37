//! Why a path is not valid: one closed list, each with the clause that was not met.

use crate::core::time::Time;
use crate::core::x509::crl::RevocationReason;

/// The certificate of a path at which a rule was broken; 0 is the target, then upwards.
pub type Position = usize;

/// A rule that a candidate path does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// No held or given certificate bears the name of this certificate's issuer and verifies its signature (§6.1).
    IssuerNotFound(Position),
    /// The named limit ended the search before every candidate was tried.
    BudgetSpent(Budget),
    /// The issuer's key does not verify the certificate (§6.1.3 (a)(1)).
    Signature(Position),
    /// The certificate is not DER (§4.1).
    NotDer(Position),
    /// The certificate's signature algorithm is unknown here; its dotted identifier.
    UnknownAlgorithm(Position, String),
    /// The certificate is signed by an algorithm that is no longer accepted.
    WeakAlgorithm(Position),
    /// The certificate's key is smaller than accepted.
    WeakKey(Position),
    /// The certificate's key cannot be used: explicit parameters, off the curve, unknown type.
    UnusableKey(Position),
    /// `notBefore` lies after the time (§6.1.3 (a)(2)).
    NotYetValid(Position),
    /// `notAfter` lies before the time (§6.1.3 (a)(2)).
    Expired(Position),
    /// The serial number is not positive, or the subject or issuer is empty where a name is needed (§4.1.2).
    Profile(Position),
    /// A critical extension is not understood, or a constraint cannot be processed; its dotted identifier (§6.1.4 (o)).
    ExtensionNotUnderstood(Position, String),
    /// The certificate issued another and is no CA (§6.1.4 (k)).
    NotACa(Position),
    /// More certificates follow than a CA's path length allows (§6.1.4 (l), (m)).
    PathLength(Position),
    /// The key usage does not cover what the key did (§6.1.4 (n), §4.2.1.3).
    KeyUsage(Position),
    /// The extended key usage does not cover the purpose (§4.2.1.12).
    ExtendedKeyUsage(Position),
    /// The anchor is not held for this purpose.
    AnchorUse(Position),
    /// The anchor is not held for this kind of document.
    AnchorKind(Position),
    /// The anchor is held for some kinds of documents, and no signed octets say what kind this is.
    AnchorKindUnknown(Position),
    /// The time lies outside that in which signatures under the anchor count.
    AnchorWindow(Position),
    /// Listed as revoked (§6.3).
    Revoked { position: Position, date: Time, reason: RevocationReason },
    /// Listed as on hold.
    OnHold { position: Position, date: Time },
    /// Revocation data were found, and none was fresh; the end of the newest.
    RevocationStale { position: Position, next_update: Option<Time> },
    /// The newest revocation data say something that cannot be understood, or the responder does not know the certificate.
    RevocationUnclear(Position),
    /// No usable revocation data were found.
    RevocationUnknown(Position),
}

/// A limit of the search for paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    Signatures,
    Candidates,
    Depth,
}

impl Budget {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Candidates => "candidates",
            Self::Depth => "depth",
        }
    }
}

impl PathFault {
    /// The certificate concerned, if it is one.
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::BudgetSpent(_) => None,
            Self::IssuerNotFound(position)
            | Self::Signature(position)
            | Self::NotDer(position)
            | Self::UnknownAlgorithm(position, _)
            | Self::WeakAlgorithm(position)
            | Self::WeakKey(position)
            | Self::UnusableKey(position)
            | Self::NotYetValid(position)
            | Self::Expired(position)
            | Self::Profile(position)
            | Self::ExtensionNotUnderstood(position, _)
            | Self::NotACa(position)
            | Self::PathLength(position)
            | Self::KeyUsage(position)
            | Self::ExtendedKeyUsage(position)
            | Self::AnchorUse(position)
            | Self::AnchorKind(position)
            | Self::AnchorKindUnknown(position)
            | Self::AnchorWindow(position)
            | Self::Revoked { position, .. }
            | Self::OnHold { position, .. }
            | Self::RevocationStale { position, .. }
            | Self::RevocationUnclear(position)
            | Self::RevocationUnknown(position) => Some(*position),
        }
    }

    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerNotFound(_) => "no-trusted-path",
            Self::BudgetSpent(_) => "path-budget-spent",
            Self::Signature(_) => "certificate-signature-invalid",
            Self::NotDer(_) => "certificate-not-der",
            Self::UnknownAlgorithm(..) => "certificate-algorithm-unknown",
            Self::WeakAlgorithm(_) => "certificate-algorithm-weak",
            Self::WeakKey(_) => "certificate-key-weak",
            Self::UnusableKey(_) => "certificate-key-unusable",
            Self::NotYetValid(_) => "certificate-not-yet-valid",
            Self::Expired(_) => "certificate-expired",
            Self::Profile(_) => "certificate-profile",
            Self::ExtensionNotUnderstood(..) => "certificate-extension-not-understood",
            Self::NotACa(_) => "certificate-not-a-ca",
            Self::PathLength(_) => "path-length-exceeded",
            Self::KeyUsage(_) => "key-usage-not-allowed",
            Self::ExtendedKeyUsage(_) => "extended-key-usage-not-allowed",
            Self::AnchorUse(_) => "anchor-use-not-allowed",
            Self::AnchorKind(_) => "anchor-kind-not-allowed",
            Self::AnchorKindUnknown(_) => "anchor-kind-unknown",
            Self::AnchorWindow(_) => "anchor-time-not-allowed",
            Self::Revoked { position: 0, .. } => "certificate-revoked",
            Self::Revoked { .. } => "ca-certificate-revoked",
            Self::OnHold { .. } => "certificate-suspended",
            Self::RevocationStale { .. } => "revocation-data-stale",
            Self::RevocationUnclear(_) => "revocation-data-unclear",
            Self::RevocationUnknown(_) => "revocation-status-unknown",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        let identifier = || "1.2.3".to_owned();
        let date = Time::from_unix(0);
        let revoked = |position| Self::Revoked { position, date, reason: RevocationReason::Unspecified };
        crate::core::every::every!(Self {
            Self::IssuerNotFound(_) => [Self::IssuerNotFound(0)],
            Self::BudgetSpent(_) => [Budget::Signatures, Budget::Candidates, Budget::Depth].map(Self::BudgetSpent),
            Self::Signature(_) => [Self::Signature(0)],
            Self::NotDer(_) => [Self::NotDer(0)],
            Self::UnknownAlgorithm(..) => [Self::UnknownAlgorithm(0, identifier())],
            Self::WeakAlgorithm(_) => [Self::WeakAlgorithm(0)],
            Self::WeakKey(_) => [Self::WeakKey(0)],
            Self::UnusableKey(_) => [Self::UnusableKey(0)],
            Self::NotYetValid(_) => [Self::NotYetValid(0)],
            Self::Expired(_) => [Self::Expired(0)],
            Self::Profile(_) => [Self::Profile(0)],
            Self::ExtensionNotUnderstood(..) => [Self::ExtensionNotUnderstood(0, identifier())],
            Self::NotACa(_) => [Self::NotACa(1)],
            Self::PathLength(_) => [Self::PathLength(1)],
            Self::KeyUsage(_) => [Self::KeyUsage(0)],
            Self::ExtendedKeyUsage(_) => [Self::ExtendedKeyUsage(0)],
            Self::AnchorUse(_) => [Self::AnchorUse(1)],
            Self::AnchorKind(_) => [Self::AnchorKind(1)],
            Self::AnchorKindUnknown(_) => [Self::AnchorKindUnknown(1)],
            Self::AnchorWindow(_) => [Self::AnchorWindow(1)],
            Self::Revoked { position: 0, .. } => [revoked(0)],
            Self::Revoked { .. } => [revoked(1)],
            Self::OnHold { .. } => [Self::OnHold { position: 0, date }],
            Self::RevocationStale { .. } => [Self::RevocationStale { position: 0, next_update: None }],
            Self::RevocationUnclear(_) => [Self::RevocationUnclear(0)],
            Self::RevocationUnknown(_) => [Self::RevocationUnknown(0)],
        })
    }

    /// More, other or later evidence could still make the certificate valid: undetermined rather than invalid.
    pub const fn is_undetermined(&self) -> bool {
        matches!(
            self,
            Self::IssuerNotFound(_)
                | Self::BudgetSpent(_)
                | Self::AnchorKindUnknown(_)
                | Self::OnHold { .. }
                | Self::RevocationStale { .. }
                | Self::RevocationUnclear(_)
                | Self::RevocationUnknown(_)
        )
    }

    /// How much a rejected path tells about the certificate: the highest is reported. A revocation outranks all, lack of a
    /// path says least.
    pub const fn weight(&self) -> u8 {
        match self {
            Self::Revoked { .. } => 6,
            Self::OnHold { .. } => 5,
            Self::RevocationStale { .. } | Self::RevocationUnclear(_) | Self::RevocationUnknown(_) => 4,
            Self::NotYetValid(_) | Self::Expired(_) | Self::AnchorWindow(_) => 3,
            Self::IssuerNotFound(_) => 0,
            Self::Signature(_) | Self::BudgetSpent(_) => 1,
            _ => 2,
        }
    }
}
