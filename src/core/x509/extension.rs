//! Certificate extensions (RFC 5280 §4.2): decoded where this code base uses them, kept as "not understood" otherwise.

use super::certificate_policy::PolicyExtensions;
use super::distribution_point::{self, DistributionPoint};
use super::general_name::{GeneralName, NameConstraints};
use super::name::Name;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;

/// Most extensions a certificate, CRL or CRL entry may carry.
const EXTENSION_LIMIT: usize = 64;
/// Most members of a list inside an extension.
const MEMBER_LIMIT: usize = 256;

/// One `Extension`, undecoded.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    pub oid: &'a [u8],
    pub critical: bool,
    /// The content of `extnValue`.
    pub value: &'a [u8],
}

/// Decodes `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`; none may occur twice (RFC 5280 §4.2).
pub fn decode_all(element: Tlv<'_>) -> Result<Vec<Extension<'_>>, DerError> {
    let mut extensions: Vec<Extension<'_>> = Vec::with_capacity(10);
    let mut reader = element.of(tag::SEQUENCE)?.reader();
    while !reader.is_empty() {
        let outer = reader.expect(tag::SEQUENCE)?;
        let extension = outer.read_all(|inner| {
            Ok::<_, DerError>(Extension {
                oid: inner.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?,
                critical: inner.boolean_default_false()?,
                value: inner.expect(tag::OCTET_STRING)?.value,
            })
        })?;
        if extensions.iter().any(|earlier| earlier.oid == extension.oid) {
            return Err(outer.error(DerFault::Duplicate));
        }
        if extensions.len() == EXTENSION_LIMIT {
            return Err(outer.error(DerFault::Limit));
        }
        extensions.push(extension);
    }
    if extensions.is_empty() { Err(element.error(DerFault::Value)) } else { Ok(extensions) }
}

/// Key usage bits (RFC 5280 §4.2.1.3), the first named bit highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    pub const DIGITAL_SIGNATURE: u16 = 0x8000;
    /// Also called contentCommitment.
    pub const NON_REPUDIATION: u16 = 0x4000;
    pub const KEY_CERT_SIGN: u16 = 0x0400;
    pub const CRL_SIGN: u16 = 0x0200;

    /// Any of these bits is set.
    pub const fn any_of(self, bits: u16) -> bool {
        self.0 & bits != 0
    }
}

/// `BasicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    pub ca: bool,
    pub path_length: Option<u32>,
}

/// `AuthorityKeyIdentifier` (RFC 5280 §4.2.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyIdentifier {
    pub key_identifier: Option<Vec<u8>>,
}

/// The extensions of a certificate that are understood, and the identifiers of critical ones that are not.
#[derive(Clone, Debug, Default)]
pub struct CertificateExtensions {
    pub basic_constraints: Option<BasicConstraints>,
    pub key_usage: Option<KeyUsage>,
    /// Content octets of each purpose.
    pub extended_key_usage: Option<Vec<Vec<u8>>>,
    pub extended_key_usage_critical: bool,
    pub subject_key_identifier: Option<Vec<u8>>,
    pub authority_key_identifier: Option<AuthorityKeyIdentifier>,
    pub crl_distribution_points: Option<Vec<DistributionPoint>>,
    /// Where delta CRLs are published (RFC 5280 §4.2.1.15).
    pub freshest_crl: Vec<DistributionPoint>,
    pub ocsp_no_check: bool,
    pub subject_alt_names: Vec<GeneralName>,
    pub name_constraints: Option<NameConstraints>,
    pub policies: PolicyExtensions,
    /// Critical and not understood, or about names or policies and malformed: no path through this certificate is valid (RFC 5280 §4.2).
    /// Content octets.
    pub not_understood: Vec<Vec<u8>>,
}

impl CertificateExtensions {
    /// Decodes the extensions of a certificate.
    pub fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        let mut decoded = Self::default();
        for extension in decode_all(element)? {
            let value = extension.value;
            match extension.oid {
                oid::BASIC_CONSTRAINTS => decoded.basic_constraints = Some(basic_constraints(value)?),
                oid::KEY_USAGE => {
                    decoded.key_usage = Some(KeyUsage(Reader::single(value, tag::BIT_STRING)?.named_bits()?));
                }
                oid::EXTENDED_KEY_USAGE => {
                    decoded.extended_key_usage = Some(object_identifiers(value)?);
                    decoded.extended_key_usage_critical = extension.critical;
                }
                oid::SUBJECT_KEY_IDENTIFIER => {
                    decoded.subject_key_identifier = Some(Reader::single(value, tag::OCTET_STRING)?.value.to_vec());
                }
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    decoded.authority_key_identifier = Some(authority_key_identifier(value)?);
                }
                oid::CRL_DISTRIBUTION_POINTS => {
                    decoded.crl_distribution_points = Some(distribution_point::distribution_points(value)?);
                }
                oid::OCSP_NO_CHECK => decoded.ocsp_no_check = true,
                // Information and other names: nothing in them constrains the path.
                oid::ISSUER_ALT_NAME => {}
                oid::FRESHEST_CRL => decoded.freshest_crl = distribution_point::distribution_points(value)?,
                oid::AUTHORITY_INFO_ACCESS if !extension.critical => {}
                other => {
                    if !decoded.names_or_policies(&extension).unwrap_or(false) {
                        decoded.not_understood.push(other.to_vec());
                    }
                }
            }
        }
        Ok(decoded)
    }

    /// Decodes an extension about names or policies, which restrict also where they are not critical; true if it is understood
    /// or need not be. Some authorities write such extensions malformed: what the certificate's key signed can still be judged,
    /// a path cannot, so that a fault here is none of the certificate's encoding.
    fn names_or_policies(&mut self, extension: &Extension<'_>) -> Result<bool, DerError> {
        let value = extension.value;
        match extension.oid {
            oid::SUBJECT_ALT_NAME => self.subject_alt_names = GeneralName::decode_all(value)?,
            oid::NAME_CONSTRAINTS => self.name_constraints = Some(NameConstraints::decode(value)?),
            oid::CERTIFICATE_POLICIES => {
                self.policies.policies = Some(PolicyExtensions::decode_policies(value, extension.critical)?);
            }
            oid::POLICY_MAPPINGS => self.policies.mappings = PolicyExtensions::decode_mappings(value)?,
            oid::POLICY_CONSTRAINTS => self.policies.constraints = PolicyExtensions::decode_constraints(value)?,
            oid::INHIBIT_ANY_POLICY => {
                self.policies.inhibit_any_policy = Some(PolicyExtensions::decode_inhibit_any_policy(value)?);
            }
            _ => return Ok(!extension.critical),
        }
        Ok(true)
    }
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, DerError> {
    Reader::single(value, tag::SEQUENCE)?.read_all(|reader| {
        let ca = reader.boolean_default_false()?;
        let path_length = reader.optional(tag::INTEGER)?.map(|length| length.small()).transpose()?;
        Ok(BasicConstraints { ca, path_length })
    })
}

fn object_identifiers(value: &[u8]) -> Result<Vec<Vec<u8>>, DerError> {
    let list = Reader::single(value, tag::SEQUENCE)?;
    members(list, |member| Ok(member.object_identifier()?.to_vec()))
}

/// At least one member, decoded one by one.
pub fn members<T>(list: Tlv<'_>, decode: impl Fn(Tlv<'_>) -> Result<T, DerError>) -> Result<Vec<T>, DerError> {
    let mut decoded = Vec::new();
    let mut reader = list.reader();
    while !reader.is_empty() {
        if decoded.len() == MEMBER_LIMIT {
            return Err(list.error(DerFault::Limit));
        }
        decoded.push(decode(reader.read()?)?);
    }
    if decoded.is_empty() { Err(list.error(DerFault::Value)) } else { Ok(decoded) }
}

/// Decodes `AuthorityKeyIdentifier`; issuer and serial number, rarely right in the field, only choose between candidates in
/// other implementations and are not used.
pub fn authority_key_identifier(value: &[u8]) -> Result<AuthorityKeyIdentifier, DerError> {
    Reader::single(value, tag::SEQUENCE)?.read_all(|reader| {
        let key_identifier = reader.optional(tag::context_primitive(0))?.map(|field| field.value.to_vec());
        reader.optional(tag::context(1))?;
        reader.optional(tag::context_primitive(2))?;
        Ok(AuthorityKeyIdentifier { key_identifier })
    })
}

/// The directory name inside an encoded `GeneralName`.
pub fn directory_name(general_name: Tlv<'_>) -> Result<Option<Name>, DerError> {
    if general_name.tag != tag::context(4) {
        return Ok(None);
    }
    Name::decode(general_name.inner(tag::SEQUENCE)?).map(Some)
}
