//! Certificate revocation lists (RFC 5280 §5).

use super::extension::{self, AuthorityKeyIdentifier, DistributionPointName};
use super::name::Name;
use super::serial_index::SerialIndex;
use super::signed::{self, Signed, SignedParts};
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;
use crate::core::time::Time;

/// Octets of the longest CRLNumber (RFC 5280 §5.2.3).
const CRL_NUMBER_LIMIT: usize = 20;

/// A decoded CRL. Decoding proves form only; nothing about it is verified.
pub struct CertificateList {
    signed: Signed,
    pub issuer: Name,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub extensions: CrlExtensions,
    /// Where each entry starts in `der`, by serial number octets.
    entries: SerialIndex,
    /// An entry has a critical extension that is not understood, or belongs to another issuer.
    pub entry_not_understood: bool,
}

/// The extensions of a CRL that are understood, and the identifiers of critical ones that are not.
#[derive(Clone, Debug, Default)]
pub struct CrlExtensions {
    pub authority_key_identifier: Option<AuthorityKeyIdentifier>,
    /// Big-endian octets without leading zeros, so that the longer, else the lexically greater, is the higher.
    pub crl_number: Option<CrlNumber>,
    /// A delta CRL (RFC 5280 §5.2.4): never a complete list.
    pub is_delta: bool,
    pub issuing_distribution_point: Option<IssuingDistributionPoint>,
    /// Content octets.
    pub not_understood: Vec<Vec<u8>>,
}

/// A CRLNumber, ordered by value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrlNumber(Vec<u8>);

impl CrlNumber {
    /// From big-endian octets; leading zeros do not count.
    pub fn from_octets(octets: &[u8]) -> Self {
        Self(octets[octets.iter().take_while(|octet| **octet == 0).count()..].to_vec())
    }

    /// Big-endian octets without leading zeros.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl Ord for CrlNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for CrlNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// `IssuingDistributionPoint` (RFC 5280 §5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuingDistributionPoint {
    /// The encoding, which names the scope of the list.
    pub der: Vec<u8>,
    pub name: Option<DistributionPointName>,
    pub only_user_certificates: bool,
    pub only_ca_certificates: bool,
    pub only_attribute_certificates: bool,
    pub only_some_reasons: bool,
    pub indirect: bool,
}

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    pub revocation_date: Time,
    pub reason: RevocationReason,
}

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

    /// The name on the command line and in reports, as in `key-compromise`.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// The name in RFC 5280, as in `keyCompromise`.
    pub const fn standard_name(self) -> &'static str {
        Self::ALL[self as usize].3
    }
}

impl CertificateList {
    /// Decodes the one DER CRL that `der` consists of; every entry is read once.
    pub fn decode(der: &[u8]) -> Result<Self, DerError> {
        // Entries are found by 32-bit positions.
        let parts = SignedParts::decode(der, u32::MAX as usize)?;
        let mut fields = parts.to_be_signed.reader();
        let version_2 = match fields.optional(tag::INTEGER)? {
            Some(version) if version.small()? == 1 => true,
            Some(version) => return Err(version.error(DerFault::Value)),
            None => false,
        };
        parts.expect_same_algorithm(&mut fields)?;
        let issuer = Name::decode(fields.read()?)?;
        let this_update = fields.read()?.time()?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(fields.read()?.time()?),
            _ => None,
        };
        let mut starts = Vec::new();
        let mut entry_not_understood = false;
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            let mut reader = list.reader();
            while !reader.is_empty() {
                let element = reader.expect(tag::SEQUENCE)?;
                let (_, understood) = decode_entry(&element, version_2)?;
                entry_not_understood |= !understood;
                starts.push(signed::position(der, element.raw).start as u32);
            }
        }
        let extensions = match fields.optional(tag::context(0))? {
            Some(field) if !version_2 => return Err(field.error(DerFault::UnexpectedTag)),
            Some(field) => CrlExtensions::decode(field.inner(tag::SEQUENCE)?)?,
            None => CrlExtensions::default(),
        };
        fields.finish()?;

        Ok(Self {
            signed: parts.keep(der)?,
            issuer,
            this_update,
            next_update,
            extensions,
            entries: SerialIndex::new(&starts, |start| serial_at(der, start)),
            entry_not_understood,
        })
    }

    /// Entries in the list.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry for a serial number (content octets of the INTEGER), if it is listed.
    pub fn entry(&self, serial_number: &[u8]) -> Option<RevokedEntry> {
        let start = *self.entries.find(serial_number, |start| serial_at(self.der(), start)).first()?;
        let element = Reader::new(&self.der()[start as usize..]).read().ok()?;
        decode_entry(&element, true).ok().map(|(entry, _)| entry)
    }
}

/// A CRL is a signed object: its encoding, fingerprint, signed octets and signature.
impl std::ops::Deref for CertificateList {
    type Target = Signed;

    fn deref(&self) -> &Signed {
        &self.signed
    }
}

impl std::fmt::Debug for CertificateList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CertificateList({}, {}, {} entries)", self.issuer, self.this_update, self.len())
    }
}

/// Serial number octets of the entry that starts at `start`; the entry was decoded before.
fn serial_at(der: &[u8], start: u32) -> &[u8] {
    let serial = Reader::new(&der[start as usize..]).read().and_then(|entry| entry.reader().read());
    serial.map_or(&[], |serial| serial.value)
}

/// An entry, and whether every critical extension of it is understood.
fn decode_entry(element: &Tlv<'_>, version_2: bool) -> Result<(RevokedEntry, bool), DerError> {
    element.read_all(|reader| {
        reader.expect(tag::INTEGER)?.integer()?;
        let revocation_date = reader.read()?.time()?;
        let mut reason = RevocationReason::Unspecified;
        let mut understood = true;
        if let Some(list) = reader.optional(tag::SEQUENCE)? {
            if !version_2 {
                return Err(list.error(DerFault::UnexpectedTag));
            }
            for extension in extension::decode_all(list)? {
                match extension.oid {
                    oid::REASON_CODE => {
                        let number = Reader::single(extension.value, tag::ENUMERATED)?.small()?;
                        // An unknown reason still revokes.
                        reason = RevocationReason::from_number(number).unwrap_or(RevocationReason::Unspecified);
                    }
                    oid::INVALIDITY_DATE => {}
                    _ => understood &= !extension.critical,
                }
            }
        }
        Ok((RevokedEntry { revocation_date, reason }, understood))
    })
}

impl CrlExtensions {
    fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        let mut decoded = Self::default();
        for extension in extension::decode_all(element)? {
            match extension.oid {
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    decoded.authority_key_identifier = Some(extension::authority_key_identifier(extension.value)?);
                }
                oid::CRL_NUMBER => {
                    let number = Reader::single(extension.value, tag::INTEGER)?;
                    let octets = number.unsigned()?;
                    if octets.len() > CRL_NUMBER_LIMIT {
                        return Err(number.error(DerFault::Limit));
                    }
                    decoded.crl_number = Some(CrlNumber::from_octets(octets));
                }
                oid::DELTA_CRL_INDICATOR => decoded.is_delta = true,
                oid::ISSUING_DISTRIBUTION_POINT => {
                    decoded.issuing_distribution_point = Some(issuing_distribution_point(extension.value)?);
                }
                oid::ISSUER_ALT_NAME | oid::FRESHEST_CRL | oid::AUTHORITY_INFO_ACCESS => {}
                other if extension.critical => decoded.not_understood.push(other.to_vec()),
                _ => {}
            }
        }
        Ok(decoded)
    }
}

fn issuing_distribution_point(value: &[u8]) -> Result<IssuingDistributionPoint, DerError> {
    Reader::single(value, tag::SEQUENCE)?.read_all(|reader| {
        let name = match reader.optional(tag::context(0))? {
            Some(field) => Some(extension::distribution_point_name(field)?),
            None => None,
        };
        let only_user_certificates = implicit_boolean(reader, 1)?;
        let only_ca_certificates = implicit_boolean(reader, 2)?;
        let only_some_reasons = match reader.optional(tag::context_primitive(3))? {
            Some(field) => {
                field.named_bits()?;
                true
            }
            None => false,
        };
        let indirect = implicit_boolean(reader, 4)?;
        let only_attribute_certificates = implicit_boolean(reader, 5)?;
        Ok(IssuingDistributionPoint {
            der: value.to_vec(),
            name,
            only_user_certificates,
            only_ca_certificates,
            only_attribute_certificates,
            only_some_reasons,
            indirect,
        })
    })
}

/// `[number] IMPLICIT BOOLEAN DEFAULT FALSE`.
fn implicit_boolean(reader: &mut Reader<'_>, number: u8) -> Result<bool, DerError> {
    match reader.optional(tag::context_primitive(number))? {
        None => Ok(false),
        Some(field) if field.value == [0xFF] => Ok(true),
        Some(field) => Err(field.error(DerFault::Value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_reasons_is_in_the_order_of_the_enum() {
        for (index, reason) in RevocationReason::EVERY.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(RevocationReason::from_number(reason.number()), Some(reason));
        }
        assert_eq!(RevocationReason::from_number(7), None);
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let number = CrlNumber::from_octets;
        assert!(number(&[0, 9]) < number(&[1, 0]));
        assert!(number(&[0, 0, 9]) == number(&[9]));
        assert!(number(&[]) < number(&[1]));
    }
}
