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
    /// `notBefore` lies after the time (§6.1.3 (a)(2)); whether the certificate is known not to be revoked.
    NotYetValid { position: Position, not_revoked: bool },
    /// `notAfter` lies before the time (§6.1.3 (a)(2)); whether the certificate is known not to be revoked.
    Expired { position: Position, not_revoked: bool },
    /// An authority no longer passes, and what its key was used for is not proved to have existed while it did
    /// (EN 319 102-1 §5.6.2.2.4 2 a). Only of paths that are judged as of the past.
    NotProved(Position),
    /// The serial number is not positive, the subject or issuer is empty where a name is needed (§4.1.2), or the certificate is
    /// no CA and constrains names (§4.2.1.10).
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
    /// No acceptable policy holds where one is required (§6.1.3 (f), §6.1.5 (g)).
    Policy(Position),
    /// A policy mapping from or to anyPolicy (§6.1.4 (a)).
    PolicyMapping(Position),
    /// A name does not meet the constraints of an authority above (§6.1.3 (b), (c)).
    Name(Position, NameFault),
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
    /// Revocation data were found, and none was fresh; when the newest ceased to count, if it ever did.
    RevocationStale { position: Position, ended: Option<Time> },
    /// The newest revocation data say something that cannot be understood, or the responder does not know the certificate.
    RevocationUnclear(Position),
    /// No usable revocation data were found.
    RevocationUnknown(Position),
}

/// What a name of a certificate does against constraints (§4.2.1.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Outside of all permitted subtrees of its form.
    NotPermitted,
    /// Within an excluded subtree.
    Excluded,
    /// The name, or a constraint of its form, cannot be understood.
    NotUnderstood,
}

/// A limit of the search for paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    Signatures,
    Candidates,
    Depth,
    NameComparisons,
}

impl Budget {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Candidates => "candidates",
            Self::Depth => "depth",
            Self::NameComparisons => "name-comparisons",
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
            | Self::NotYetValid { position, .. }
            | Self::Expired { position, .. }
            | Self::NotProved(position)
            | Self::Profile(position)
            | Self::ExtensionNotUnderstood(position, _)
            | Self::Policy(position)
            | Self::PolicyMapping(position)
            | Self::Name(position, _)
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
            Self::NotYetValid { .. } => "certificate-not-yet-valid",
            Self::Expired { .. } => "certificate-expired",
            Self::NotProved(_) => "existence-not-proved",
            Self::Profile(_) => "certificate-profile",
            Self::ExtensionNotUnderstood(..) => "certificate-extension-not-understood",
            Self::NotACa(_) => "certificate-not-a-ca",
            Self::PathLength(_) => "path-length-exceeded",
            Self::KeyUsage(_) => "key-usage-not-allowed",
            Self::ExtendedKeyUsage(_) => "extended-key-usage-not-allowed",
            Self::Policy(_) => "certificate-policy-not-valid",
            Self::PolicyMapping(_) => "policy-mapping-not-allowed",
            Self::Name(_, NameFault::NotPermitted) => "name-not-permitted",
            Self::Name(_, NameFault::Excluded) => "name-excluded",
            Self::Name(_, NameFault::NotUnderstood) => "name-constraint-not-understood",
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

    /// The clause of RFC 5280 that the path does not meet.
    pub const fn clause(&self) -> &'static str {
        match self {
            Self::IssuerNotFound(_) | Self::BudgetSpent(_) => "6.1",
            Self::Signature(_) | Self::UnknownAlgorithm(..) | Self::WeakAlgorithm(_) => "6.1.3 (a)(1)",
            Self::WeakKey(_) | Self::UnusableKey(_) => "6.1.4 (d)",
            Self::NotDer(_) => "4.1",
            Self::Profile(_) => "4.1.2",
            Self::NotYetValid { .. } | Self::Expired { .. } | Self::NotProved(_) => "6.1.3 (a)(2)",
            Self::ExtensionNotUnderstood(0, _) => "6.1.5 (f)",
            Self::ExtensionNotUnderstood(..) => "6.1.4 (o)",
            Self::NotACa(_) => "6.1.4 (k)",
            Self::PathLength(_) => "6.1.4 (l)",
            Self::KeyUsage(0) => "4.2.1.3",
            Self::KeyUsage(_) => "6.1.4 (n)",
            Self::ExtendedKeyUsage(_) => "4.2.1.12",
            Self::Policy(0) => "6.1.5 (g)",
            Self::Policy(_) => "6.1.3 (f)",
            Self::PolicyMapping(_) => "6.1.4 (a)",
            Self::Name(_, NameFault::NotPermitted) => "6.1.3 (b)",
            Self::Name(_, NameFault::Excluded) => "6.1.3 (c)",
            Self::Name(_, NameFault::NotUnderstood) => "4.2.1.10",
            Self::AnchorUse(_) | Self::AnchorKind(_) | Self::AnchorKindUnknown(_) | Self::AnchorWindow(_) => {
                "6.1.1 (d)"
            }
            Self::Revoked { .. }
            | Self::OnHold { .. }
            | Self::RevocationStale { .. }
            | Self::RevocationUnclear(_)
            | Self::RevocationUnknown(_) => "6.1.3 (a)(3)",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        let identifier = || "1.2.3".to_owned();
        let date = Time::from_unix(0);
        let revoked = |position| Self::Revoked { position, date, reason: RevocationReason::Unspecified };
        crate::core::every::every!(Self {
            Self::IssuerNotFound(_) => [Self::IssuerNotFound(0)],
            Self::BudgetSpent(_) => [Budget::Signatures, Budget::Candidates, Budget::Depth, Budget::NameComparisons].map(Self::BudgetSpent),
            Self::Signature(_) => [Self::Signature(0)],
            Self::NotDer(_) => [Self::NotDer(0)],
            Self::UnknownAlgorithm(..) => [Self::UnknownAlgorithm(0, identifier())],
            Self::WeakAlgorithm(_) => [Self::WeakAlgorithm(0)],
            Self::WeakKey(_) => [Self::WeakKey(0)],
            Self::UnusableKey(_) => [Self::UnusableKey(0)],
            Self::NotYetValid { position: 0, .. } => [true, false].map(|not_revoked| Self::NotYetValid { position: 0, not_revoked }),
            Self::NotYetValid { .. } => [Self::NotYetValid { position: 1, not_revoked: false }],
            Self::Expired { position: 0, .. } => [true, false].map(|not_revoked| Self::Expired { position: 0, not_revoked }),
            Self::Expired { .. } => [Self::Expired { position: 1, not_revoked: false }],
            Self::NotProved(_) => [Self::NotProved(1)],
            Self::Profile(_) => [Self::Profile(0)],
            Self::ExtensionNotUnderstood(..) => [Self::ExtensionNotUnderstood(0, identifier())],
            Self::NotACa(_) => [Self::NotACa(1)],
            Self::PathLength(_) => [Self::PathLength(1)],
            Self::KeyUsage(_) => [Self::KeyUsage(0)],
            Self::ExtendedKeyUsage(_) => [Self::ExtendedKeyUsage(0)],
            Self::Policy(_) => [Self::Policy(0)],
            Self::PolicyMapping(_) => [Self::PolicyMapping(1)],
            Self::Name(_, NameFault::NotPermitted) => [Self::Name(0, NameFault::NotPermitted)],
            Self::Name(_, NameFault::Excluded) => [Self::Name(0, NameFault::Excluded)],
            Self::Name(_, NameFault::NotUnderstood) => [Self::Name(0, NameFault::NotUnderstood)],
            Self::AnchorUse(_) => [Self::AnchorUse(1)],
            Self::AnchorKind(_) => [Self::AnchorKind(1)],
            Self::AnchorKindUnknown(_) => [Self::AnchorKindUnknown(1)],
            Self::AnchorWindow(_) => [Self::AnchorWindow(1)],
            Self::Revoked { position: 0, .. } => [revoked(0)],
            Self::Revoked { .. } => [revoked(1)],
            Self::OnHold { .. } => [Self::OnHold { position: 0, date }],
            Self::RevocationStale { .. } => [Self::RevocationStale { position: 0, ended: None }],
            Self::RevocationUnclear(_) => [Self::RevocationUnclear(0)],
            Self::RevocationUnknown(_) => [Self::RevocationUnknown(0)],
        })
    }

    /// The same of a certificate of which it is not known whether it is revoked, who says so being in doubt.
    pub(super) fn of_unknown_status(self) -> Self {
        match self {
            Self::NotYetValid { position, .. } => Self::NotYetValid { position, not_revoked: false },
            Self::Expired { position, .. } => Self::Expired { position, not_revoked: false },
            other => other,
        }
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
            Self::NotYetValid { .. } | Self::Expired { .. } | Self::NotProved(_) | Self::AnchorWindow(_) => 3,
            Self::IssuerNotFound(_) => 0,
            Self::Signature(_) | Self::BudgetSpent(_) => 1,
            _ => 2,
        }
    }
}
