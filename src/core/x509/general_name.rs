//! General names (RFC 5280 §4.2.1.6) and the constraints on them (§4.2.1.10). Only their encoding is looked into here; what a
//! name means is asked where it is compared ([`crate::core::path::names`]).

use super::extension::members;
use super::name::Name;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;

/// `GeneralName`. Text is kept as its octets, which may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    Rfc822(Vec<u8>),
    Dns(Vec<u8>),
    Directory(Name),
    Uri(Vec<u8>),
    Ip(Vec<u8>),
    /// otherName for a mailbox beyond ASCII, to which constraints on rfc822Name apply too (RFC 9598 §6).
    SmtpUtf8Mailbox,
    /// otherName, x400Address, ediPartyName or registeredID: the number of its context-specific tag.
    Other(u8),
}

impl GeneralName {
    /// Decodes one of the nine choices.
    pub fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        const OTHER_NAME: u8 = tag::context(0);
        const DIRECTORY_NAME: u8 = tag::context(4);
        let octets = element.value.to_vec();
        match element.tag {
            0x81 => Ok(Self::Rfc822(octets)),
            0x82 => Ok(Self::Dns(octets)),
            0x86 => Ok(Self::Uri(octets)),
            0x87 => Ok(Self::Ip(octets)),
            DIRECTORY_NAME => Name::decode(element.inner(tag::SEQUENCE)?).map(Self::Directory),
            OTHER_NAME => element.read_all(|reader| {
                let kind = reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
                reader.expect(tag::context(0))?;
                Ok(if kind == oid::SMTP_UTF8_MAILBOX { Self::SmtpUtf8Mailbox } else { Self::Other(0) })
            }),
            0xA3 | 0xA5 | 0x88 => Ok(Self::Other(element.tag & 0x1F)),
            _ => Err(element.error(DerFault::UnexpectedTag)),
        }
    }

    /// Decodes `GeneralNames`, as in subjectAltName; at least one.
    pub fn decode_all(value: &[u8]) -> Result<Vec<Self>, DerError> {
        members(Reader::single(value, tag::SEQUENCE)?, Self::decode)
    }
}

/// `GeneralSubtree`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralSubtree {
    pub base: GeneralName,
    /// `minimum` or `maximum` is written, which this profile does not know (§4.2.1.10).
    pub has_distance: bool,
}

/// `NameConstraints`; at least one of the two lists has members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameConstraints {
    pub permitted: Vec<GeneralSubtree>,
    pub excluded: Vec<GeneralSubtree>,
}

impl NameConstraints {
    pub fn decode(value: &[u8]) -> Result<Self, DerError> {
        let element = Reader::single(value, tag::SEQUENCE)?;
        let constraints = element.read_all(|reader| {
            let permitted = subtrees(reader.optional(tag::context(0))?)?;
            let excluded = subtrees(reader.optional(tag::context(1))?)?;
            Ok::<_, DerError>(Self { permitted, excluded })
        })?;
        let empty = constraints.permitted.is_empty() && constraints.excluded.is_empty();
        if empty { Err(element.error(DerFault::Value)) } else { Ok(constraints) }
    }
}

/// `GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree`; none where the field is absent.
fn subtrees(field: Option<Tlv<'_>>) -> Result<Vec<GeneralSubtree>, DerError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    members(field, |member| {
        member.of(tag::SEQUENCE)?.read_all(|reader| {
            let base = GeneralName::decode(reader.read()?)?;
            let minimum = reader.optional(tag::context_primitive(0))?.is_some();
            let maximum = reader.optional(tag::context_primitive(1))?.is_some();
            Ok(GeneralSubtree { base, has_distance: minimum || maximum })
        })
    })
}
