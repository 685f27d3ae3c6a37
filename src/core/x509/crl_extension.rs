//! The extensions of a CRL (RFC 5280 §5.2).

use super::distribution_point::{self, DistributionPoint, IssuingDistributionPoint};
use super::extension::{self, AuthorityKeyIdentifier};
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;
use crate::core::time::Time;

/// Octets of the longest CRLNumber (RFC 5280 §5.2.3).
const CRL_NUMBER_LIMIT: usize = 20;

/// The extensions of a CRL that are understood, and the identifiers of critical ones that are not.
#[derive(Clone, Debug, Default)]
pub struct CrlExtensions {
    pub authority_key_identifier: Option<AuthorityKeyIdentifier>,
    pub crl_number: Option<CrlNumber>,
    /// BaseCRLNumber of a delta CRL (§5.2.4), which is never a complete list.
    pub delta_base: Option<CrlNumber>,
    pub issuing_distribution_point: Option<IssuingDistributionPoint>,
    /// Where delta CRLs of this list are published (§5.2.6).
    pub freshest_crl: Vec<DistributionPoint>,
    /// The list keeps every certificate that expired at or after this time (X.509 §9.5.2.8, `expiredCertsOnCRL`).
    pub expired_certificates_since: Option<Time>,
    /// Content octets.
    pub not_understood: Vec<Vec<u8>>,
}

/// A CRLNumber, ordered by value: big-endian octets without leading zeros, so that the longer, else the lexically greater, is the
/// higher.
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

impl CrlExtensions {
    /// Decodes the extensions of a CRL.
    pub fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        let mut decoded = Self::default();
        for extension in extension::decode_all(element)? {
            let value = extension.value;
            match extension.oid {
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    decoded.authority_key_identifier = Some(extension::authority_key_identifier(value)?);
                }
                oid::CRL_NUMBER => decoded.crl_number = Some(crl_number(value)?),
                oid::DELTA_CRL_INDICATOR => decoded.delta_base = Some(crl_number(value)?),
                oid::ISSUING_DISTRIBUTION_POINT => {
                    decoded.issuing_distribution_point = Some(IssuingDistributionPoint::decode(value)?);
                }
                oid::FRESHEST_CRL => decoded.freshest_crl = distribution_point::distribution_points(value)?,
                oid::EXPIRED_CERTIFICATES_ON_CRL => {
                    decoded.expired_certificates_since = Some(Reader::single(value, tag::GENERALIZED_TIME)?.time()?);
                }
                oid::ISSUER_ALT_NAME | oid::AUTHORITY_INFO_ACCESS => {}
                other if extension.critical => decoded.not_understood.push(other.to_vec()),
                _ => {}
            }
        }
        Ok(decoded)
    }

    /// Changes to another list, and no list by itself.
    pub const fn is_delta(&self) -> bool {
        self.delta_base.is_some()
    }

    /// The list may speak of certificates of other issuers (§5.2.5).
    pub fn is_indirect(&self) -> bool {
        self.issuing_distribution_point.as_ref().is_some_and(|point| point.indirect)
    }
}

/// `CRLNumber` and `BaseCRLNumber`: at most 20 octets, not negative.
fn crl_number(value: &[u8]) -> Result<CrlNumber, DerError> {
    let number = Reader::single(value, tag::INTEGER)?;
    let octets = number.unsigned()?;
    if octets.len() > CRL_NUMBER_LIMIT {
        return Err(number.error(DerFault::Limit));
    }
    Ok(CrlNumber::from_octets(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_value() {
        let number = CrlNumber::from_octets;
        assert!(number(&[0, 9]) < number(&[1, 0]));
        assert!(number(&[0, 0, 9]) == number(&[9]));
        assert!(number(&[]) < number(&[1]));
    }
}
