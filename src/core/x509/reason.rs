//! Why a certificate is revoked, and sets of such reasons (RFC 5280 §4.2.1.13, §5.3.1).

use crate::core::der::{DerError, Tlv};

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationReason {
    #[default]
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// May be lifted again, or made final by any other reason.
    CertificateHold,
    /// Not a revocation: lifts a hold; stands in delta CRLs only.
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl RevocationReason {
    /// Each reason with its number, its name here, and its name in RFC 5280.
    const ALL: [(Self, u32, &'static str, &'static str); 10] = [
        (Self::Unspecified, 0, "unspecified", "unspecified"),
        (Self::KeyCompromise, 1, "key-compromise", "keyCompromise"),
        (Self::CaCompromise, 2, "ca-compromise", "cACompromise"),
        (Self::AffiliationChanged, 3, "affiliation-changed", "affiliationChanged"),
        (Self::Superseded, 4, "superseded", "superseded"),
        (Self::CessationOfOperation, 5, "cessation-of-operation", "cessationOfOperation"),
        (Self::CertificateHold, 6, "certificate-hold", "certificateHold"),
        (Self::RemoveFromCrl, 8, "remove-from-crl", "removeFromCRL"),
        (Self::PrivilegeWithdrawn, 9, "privilege-withdrawn", "privilegeWithdrawn"),
        (Self::AaCompromise, 10, "aa-compromise", "aACompromise"),
    ];

    /// Every reason, in the order of the standard.
    pub const EVERY: [Self; Self::ALL.len()] = {
        let mut reasons = [Self::Unspecified; Self::ALL.len()];
        let mut index = 0;
        while index < reasons.len() {
            reasons[index] = Self::ALL[index].0;
            index += 1;
        }
        reasons
    };

    /// By its number in RFC 5280 §5.3.1.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// Its number in RFC 5280 §5.3.1.
    pub const fn number(self) -> u32 {
        Self::ALL[self as usize].1
    }

    /// How much an entry with this reason says against its certificate: a revocation, a hold, nothing.
    pub const fn weight(self) -> u8 {
        match self {
            Self::RemoveFromCrl => 0,
            Self::CertificateHold => 1,
            _ => 2,
        }
    }

    /// The name on the command line and in reports, as in `key-compromise`.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// The name in RFC 5280, as in `keyCompromise`.
    pub const fn standard_name(self) -> &'static str {
        Self::ALL[self as usize].3
    }
}

/// `ReasonFlags` (RFC 5280 §4.2.1.13): the reasons that a list or a distribution point is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonSet(u16);

impl ReasonSet {
    /// No reason at all.
    pub const NONE: Self = Self(0);
    /// Every reason that the standard names, bits 1 to 8.
    pub const ALL: Self = Self(0x7F80);
    /// A hold alone.
    pub const HOLD: Self = Self(0x8000 >> 6);

    /// Decodes the BIT STRING, which may be empty; bits that stand for no reason do not count.
    pub fn decode(field: Tlv<'_>) -> Result<Self, DerError> {
        Ok(Self(field.named_bits()? & Self::ALL.0))
    }

    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Every reason of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::der::{Reader, tag};

    #[test]
    fn table_of_reasons_is_in_the_order_of_the_enum() {
        for (index, reason) in RevocationReason::EVERY.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(RevocationReason::from_number(reason.number()), Some(reason));
        }
        assert_eq!(RevocationReason::from_number(7), None);
    }

    #[test]
    fn sets_of_reasons_may_be_empty_and_never_panic() {
        let decode = |bytes: &[u8]| ReasonSet::decode(Reader::single(bytes, tag::BIT_STRING).expect("a BIT STRING"));
        assert_eq!(decode(&[3, 1, 0]), Ok(ReasonSet::NONE));
        assert_eq!(decode(&[3, 2, 7, 0x80]), Ok(ReasonSet::NONE), "unused is no reason");
        assert_eq!(decode(&[3, 3, 7, 0x7F, 0x80]), Ok(ReasonSet::ALL));
        assert_eq!(decode(&[3, 2, 1, 0x02]), Ok(ReasonSet::HOLD));
        for malformed in [&[3, 0][..], &[3, 1, 1], &[3, 2, 8, 0], &[3, 4, 0, 0, 0, 1]] {
            assert!(decode(malformed).is_err(), "{malformed:?}");
        }
        assert!(ReasonSet::ALL.contains(ReasonSet::HOLD) && !ReasonSet::HOLD.contains(ReasonSet::ALL));
        assert!(ReasonSet::HOLD.intersection(ReasonSet::NONE).is_empty());
    }
}
