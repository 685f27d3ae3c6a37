//! What stands between a valid verdict and reliance: the document's standing, its issuer, its purpose.

/// Why a document is not relied on although its signatures are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A purpose was named, and nothing signed says what kind of document it is.
    KindUnknown,
    /// Signers name different documents.
    ReferencesDiffer,
    /// A purpose was named, and nothing says what documents of this kind serve for.
    PurposeUnknown,
    /// The standing was asked for and could not be learnt.
    StatusUnknown,
    Withdrawn,
    Suspended,
    Superseded,
    Used,
    /// One of the two before; the list that says so does not tell which.
    UsedOrSuperseded,
    /// Past the validity that its kind and purpose give it.
    Expired,
    /// It may be past that or not: it cannot be told when it was signed, which window applies, or which days were working days.
    ValidityUnknown,
    RequiredSignatureMissing,
    /// The signer had no authority over this kind of document at that date.
    IssuerNotAuthorised,
    /// Nobody can be shown to hold an office whose signature the kind requires: the rules of this system do not say.
    SignerRoleUnknown,
    /// The signatures suffice by the rules of an earlier time, and nothing proves that they were made then.
    SigningTimeNotProved,
    PurposeNotAllowed,
    /// A receipt about a document, and no document.
    Receipt,
    /// A key signed it that signs digests of what nobody sees: that it is of a kind is its client's word alone.
    SignedUnseen,
    /// A proof of the issuance log was demanded, and none holds for this document.
    NotLogged,
}

impl Obstacle {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KindUnknown => "kind-unknown",
            Self::ReferencesDiffer => "document-references-differ",
            Self::PurposeUnknown => "purpose-unknown",
            Self::StatusUnknown => "status-unknown",
            Self::Withdrawn => "document-withdrawn",
            Self::Suspended => "document-suspended",
            Self::Superseded => "document-superseded",
            Self::Used => "document-used",
            Self::UsedOrSuperseded => "document-used-or-superseded",
            Self::Expired => "document-expired",
            Self::ValidityUnknown => "document-validity-unknown",
            Self::RequiredSignatureMissing => "required-signature-missing",
            Self::IssuerNotAuthorised => "issuer-not-authorised",
            Self::SignerRoleUnknown => "signer-role-unknown",
            Self::SigningTimeNotProved => "signing-time-not-proved",
            Self::PurposeNotAllowed => "purpose-not-allowed",
            Self::Receipt => "receipt-not-a-document",
            Self::SignedUnseen => "signed-unseen",
            Self::NotLogged => "not-logged",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::KindUnknown => [Self::KindUnknown],
            Self::ReferencesDiffer => [Self::ReferencesDiffer],
            Self::PurposeUnknown => [Self::PurposeUnknown],
            Self::StatusUnknown => [Self::StatusUnknown],
            Self::Withdrawn => [Self::Withdrawn],
            Self::Suspended => [Self::Suspended],
            Self::Superseded => [Self::Superseded],
            Self::Used => [Self::Used],
            Self::UsedOrSuperseded => [Self::UsedOrSuperseded],
            Self::Expired => [Self::Expired],
            Self::ValidityUnknown => [Self::ValidityUnknown],
            Self::RequiredSignatureMissing => [Self::RequiredSignatureMissing],
            Self::IssuerNotAuthorised => [Self::IssuerNotAuthorised],
            Self::SignerRoleUnknown => [Self::SignerRoleUnknown],
            Self::SigningTimeNotProved => [Self::SigningTimeNotProved],
            Self::PurposeNotAllowed => [Self::PurposeNotAllowed],
            Self::Receipt => [Self::Receipt],
            Self::SignedUnseen => [Self::SignedUnseen],
            Self::NotLogged => [Self::NotLogged],
        })
    }
}
