//! Distribution points: where a certificate says that CRLs about it are found, and of which one a list is (RFC 5280 §4.2.1.13,
//! §5.2.5).

use super::extension::{directory_name, members};
use super::name::Name;
use super::reason::ReasonSet;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag, writer};

/// `DistributionPoint` (§4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    pub name: Option<DistributionPointName>,
    /// The reasons that its CRL is about; none stated are all.
    pub reasons: Option<ReasonSet>,
    /// `cRLIssuer`: who issues the CRL if the certificate's issuer does not; its directory names alone, so that it may be empty.
    pub crl_issuer: Option<Vec<Name>>,
}

/// `DistributionPointName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionPointName {
    /// `fullName`.
    Full(Vec<GeneralName>),
    /// `nameRelativeToCRLIssuer`: the attributes of the set, encoded.
    Relative(Vec<u8>),
}

/// A name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// Compared as names are.
    Directory(Name),
    /// Any other form, whole and encoded; equal if its octets are.
    Other(Vec<u8>),
}

/// `IssuingDistributionPoint` (§5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuingDistributionPoint {
    /// The encoding, which names the scope of the list.
    pub der: Vec<u8>,
    pub name: Option<DistributionPointName>,
    pub only_user_certificates: bool,
    pub only_ca_certificates: bool,
    pub only_attribute_certificates: bool,
    pub only_some_reasons: Option<ReasonSet>,
    pub indirect: bool,
}

/// Decodes `CRLDistributionPoints` or `FreshestCRL`.
pub fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint>, DerError> {
    members(Reader::single(value, tag::SEQUENCE)?, |member| {
        member.of(tag::SEQUENCE)?.read_all(|reader| {
            let name = reader.optional(tag::context(0))?.map(DistributionPointName::decode).transpose()?;
            let reasons = reader.optional(tag::context_primitive(1))?.map(ReasonSet::decode).transpose()?;
            let crl_issuer = reader.optional(tag::context(2))?.map(directory_names).transpose()?;
            Ok(DistributionPoint { name, reasons, crl_issuer })
        })
    })
}

/// The directory names among `GeneralNames`.
pub fn directory_names(names: Tlv<'_>) -> Result<Vec<Name>, DerError> {
    Ok(members(names, directory_name)?.into_iter().flatten().collect())
}

impl DistributionPoint {
    /// The URIs under which the CRL is published.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        let names: &[GeneralName] = match &self.name {
            Some(DistributionPointName::Full(names)) => names,
            _ => &[],
        };
        names.iter().filter_map(|name| {
            let GeneralName::Other(name) = name else { return None };
            let uri = Reader::single(name, tag::context_primitive(6)).ok()?.value;
            std::str::from_utf8(uri).ok()
        })
    }
}

impl DistributionPointName {
    fn decode(field: Tlv<'_>) -> Result<Self, DerError> {
        field.read_all(|reader| {
            let choice = reader.read()?;
            match choice.tag {
                0xA0 => Ok(Self::Full(members(choice, GeneralName::decode)?)),
                0xA1 => Ok(Self::Relative(choice.value.to_vec())),
                _ => Err(choice.error(DerFault::UnexpectedTag)),
            }
        })
    }

    /// Every name of it, a relative one below `crl_issuer`. What cannot be put together names nothing.
    pub fn names(&self, crl_issuer: &Name) -> Vec<GeneralName> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(attributes) => {
                let set = writer::element(tag::SET, attributes);
                let above = Reader::single(crl_issuer.der(), tag::SEQUENCE).map_or(&[][..], |name| name.value);
                let name = writer::sequence(&[above, &set]);
                let name = Reader::single(&name, tag::SEQUENCE).and_then(Name::decode);
                name.ok().map(GeneralName::Directory).into_iter().collect()
            }
        }
    }
}

impl GeneralName {
    fn decode(name: Tlv<'_>) -> Result<Self, DerError> {
        Ok(directory_name(name)?.map_or_else(|| Self::Other(name.raw.to_vec()), Self::Directory))
    }
}

impl IssuingDistributionPoint {
    /// Decodes the extension's value.
    pub fn decode(value: &[u8]) -> Result<Self, DerError> {
        Reader::single(value, tag::SEQUENCE)?.read_all(|reader| {
            Ok(Self {
                der: value.to_vec(),
                name: reader.optional(tag::context(0))?.map(DistributionPointName::decode).transpose()?,
                only_user_certificates: implicit_boolean(reader, 1)?,
                only_ca_certificates: implicit_boolean(reader, 2)?,
                only_some_reasons: reader.optional(tag::context_primitive(3))?.map(ReasonSet::decode).transpose()?,
                indirect: implicit_boolean(reader, 4)?,
                only_attribute_certificates: implicit_boolean(reader, 5)?,
            })
        })
    }
}

/// `[number] IMPLICIT BOOLEAN DEFAULT FALSE`.
fn implicit_boolean(reader: &mut Reader<'_>, number: u8) -> Result<bool, DerError> {
    match reader.optional(tag::context_primitive(number))? {
        None => Ok(false),
        Some(field) if field.value == [0xFF] => Ok(true),
        Some(field) => Err(field.error(DerFault::Value)),
    }
}
