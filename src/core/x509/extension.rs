//! Certificate extensions (RFC 5280 §4.2): decoded where this code base uses them, kept as "not understood" otherwise.

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

/// `DistributionPoint` (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    pub name: Option<DistributionPointName>,
    /// Limited to some reasons: such a CRL alone cannot show that a certificate is good.
    pub some_reasons: bool,
    /// `cRLIssuer` is present: the CRL is issued by another authority.
    pub indirect: bool,
}

/// `DistributionPointName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionPointName {
    /// `fullName`: each a whole encoded `GeneralName`.
    Full(Vec<Vec<u8>>),
    /// `nameRelativeToCRLIssuer`: the encoded set.
    Relative(Vec<u8>),
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
    pub ocsp_no_check: bool,
    /// Critical and not understood, or policies that are malformed: no path through this certificate is valid (RFC 5280 §4.2).
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
                    decoded.crl_distribution_points = Some(distribution_points(value)?);
                }
                oid::OCSP_NO_CHECK => decoded.ocsp_no_check = true,
                // Information and other names: nothing in them constrains the path.
                oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME | oid::AUTHORITY_INFO_ACCESS | oid::FRESHEST_CRL => {}
                // A policy that nobody requires constrains nothing: explicit policy is not asked for here, and a certificate
                // that asks for it does so in policyConstraints, which is critical and not understood yet.
                // Some authorities write it in BER. What the certificate's key signed can still be judged; a path cannot.
                oid::CERTIFICATE_POLICIES if certificate_policies(value).is_err() => {
                    decoded.not_understood.push(extension.oid.to_vec());
                }
                oid::CERTIFICATE_POLICIES => {}
                other if extension.critical => decoded.not_understood.push(other.to_vec()),
                // Not critical, yet it restricts what the CA may issue: ignoring it would be laxer than the issuer meant.
                oid::NAME_CONSTRAINTS | oid::POLICY_CONSTRAINTS | oid::INHIBIT_ANY_POLICY => {
                    decoded.not_understood.push(extension.oid.to_vec());
                }
                _ => {}
            }
        }
        Ok(decoded)
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
fn members<T>(list: Tlv<'_>, decode: impl Fn(Tlv<'_>) -> Result<T, DerError>) -> Result<Vec<T>, DerError> {
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

/// The shape is checked, the content not used.
fn certificate_policies(value: &[u8]) -> Result<(), DerError> {
    let list = Reader::single(value, tag::SEQUENCE)?;
    let policies = members(list, |member| {
        let mut reader = member.of(tag::SEQUENCE)?.reader();
        Ok(reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?.to_vec())
    })?;
    let twice = policies.iter().enumerate().any(|(index, policy)| policies[..index].contains(policy));
    if twice { Err(list.error(DerFault::Duplicate)) } else { Ok(()) }
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

/// Decodes `CRLDistributionPoints`, which is also the form of `freshestCRL`.
pub fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint>, DerError> {
    members(Reader::single(value, tag::SEQUENCE)?, |member| {
        member.of(tag::SEQUENCE)?.read_all(|reader| {
            let name = match reader.optional(tag::context(0))? {
                Some(field) => Some(distribution_point_name(field)?),
                None => None,
            };
            let some_reasons = reader.optional(tag::context_primitive(1))?.is_some();
            let indirect = reader.optional(tag::context(2))?.is_some();
            Ok(DistributionPoint { name, some_reasons, indirect })
        })
    })
}

/// Decodes the `[0]` field of a DistributionPoint or IssuingDistributionPoint.
pub fn distribution_point_name(field: Tlv<'_>) -> Result<DistributionPointName, DerError> {
    field.read_all(|reader| {
        let choice = reader.read()?;
        match choice.tag {
            0xA0 => Ok(DistributionPointName::Full(members(choice, |name| Ok(name.raw.to_vec()))?)),
            0xA1 => Ok(DistributionPointName::Relative(choice.value.to_vec())),
            _ => Err(choice.error(DerFault::UnexpectedTag)),
        }
    })
}

impl DistributionPoint {
    /// The URIs under which the CRL is published.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        let names: &[Vec<u8>] = match &self.name {
            Some(DistributionPointName::Full(names)) => names,
            _ => &[],
        };
        names.iter().filter_map(|name| {
            let uri = Reader::single(name, tag::context_primitive(6)).ok()?.value;
            std::str::from_utf8(uri).ok()
        })
    }
}

/// The directory name inside an encoded `GeneralName`.
pub fn directory_name(general_name: Tlv<'_>) -> Result<Option<Name>, DerError> {
    if general_name.tag != tag::context(4) {
        return Ok(None);
    }
    Name::decode(general_name.inner(tag::SEQUENCE)?).map(Some)
}
