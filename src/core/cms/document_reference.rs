//! antin's signed attribute: which document this is.
//!
//! ```asn1
//! id-antin-documentReference OBJECT IDENTIFIER ::= { joint-iso-itu-t(2) uuid(25)
//!     328110155738642136753127327768308708450 }
//!
//! DocumentReference ::= SEQUENCE {
//!     version          INTEGER { v1(1) },
//!     kind             UTF8String (SIZE (1..64)),   -- as in the API: "health-book"
//!     id               UTF8String (SIZE (1..128)),  -- the issuer's identifier of the document
//!     statusReference  [0] IMPLICIT UTF8String (SIZE (1..512)) OPTIONAL }  -- URI under which the status is published
//! ```
//!
//! One attribute of our own, because the standard ones do not fit: content-hints (RFC 2634 §2.9) describes an inner layer in
//! free text, content-identifier (RFC 2634 §2.7) is an opaque octet string without a kind. The three facts stand in one
//! value, so that none can be there without the others.

use crate::core::der::{DerError, DerFault, Tlv, tag, writer};
use crate::core::oid;

/// As records call signatures over what nobody here saw; no document has it.
pub const BLIND_KIND: &str = "blind";
/// The kind of the receipts that a service signs about what it verified: no document, whoever presents it.
pub const RECEIPT_KIND: &str = "verification-receipt";
/// The kind of signed trust lists.
pub const TRUST_LIST_KIND: &str = "antin-trust-list";
/// Kinds that say what a file is to antin itself; no document is of one.
pub const RESERVED_KINDS: [&str; 2] = [RECEIPT_KIND, TRUST_LIST_KIND];

const KIND_LIMIT: usize = 64;
const ID_LIMIT: usize = 128;
const STATUS_REFERENCE_LIMIT: usize = 512;

/// Kind, id and status reference of a document, as its signer stated them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentReference {
    kind: String,
    id: String,
    status_reference: Option<String>,
}

/// A field that cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceFieldFault {
    pub field: &'static str,
    /// Octets allowed.
    pub limit: usize,
}

impl std::fmt::Display for ReferenceFieldFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} must have 1 to {} octets and no control characters", self.field, self.limit)
    }
}

impl std::error::Error for ReferenceFieldFault {}

impl DocumentReference {
    /// Checks the sizes above; control characters are refused.
    pub fn new(kind: &str, id: &str, status_reference: Option<&str>) -> Result<Self, ReferenceFieldFault> {
        check("kind", kind, KIND_LIMIT)?;
        check("id", id, ID_LIMIT)?;
        if let Some(reference) = status_reference {
            check("statusReference", reference, STATUS_REFERENCE_LIMIT)?;
        }
        Ok(Self { kind: kind.into(), id: id.into(), status_reference: status_reference.map(Into::into) })
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn status_reference(&self) -> Option<&str> {
        self.status_reference.as_deref()
    }

    pub fn decode(value: Tlv<'_>) -> Result<Self, DerError> {
        value.of(tag::SEQUENCE)?.read_all(|reader| {
            let version = reader.expect(tag::INTEGER)?;
            if version.small()? != 1 {
                return Err(version.error(DerFault::Value));
            }
            let kind = text(reader.expect(tag::UTF8_STRING)?)?;
            let id = text(reader.expect(tag::UTF8_STRING)?)?;
            let status_reference = reader.optional(tag::context_primitive(0))?.map(text).transpose()?;
            Self::new(kind, id, status_reference).map_err(|_| value.error(DerFault::Value))
        })
    }

    /// The whole attribute.
    pub fn encode(&self) -> Vec<u8> {
        let version = writer::unsigned(&[1]);
        let kind = writer::utf8_string(&self.kind);
        let id = writer::utf8_string(&self.id);
        let status_reference = match &self.status_reference {
            Some(reference) => writer::element(tag::context_primitive(0), reference.as_bytes()),
            None => Vec::new(),
        };
        let value = writer::sequence(&[&version, &kind, &id, &status_reference]);
        super::build::attribute(oid::DOCUMENT_REFERENCE, &value)
    }
}

fn check(field: &'static str, text: &str, limit: usize) -> Result<(), ReferenceFieldFault> {
    let fits = (1..=limit).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(ReferenceFieldFault { field, limit }) }
}

fn text(element: Tlv<'_>) -> Result<&str, DerError> {
    std::str::from_utf8(element.value).map_err(|_| element.error(DerFault::Value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::der::Reader;

    #[test]
    fn what_is_written_is_read_back() {
        for status_reference in [None, Some("https://example.vn/status/1")] {
            let reference = DocumentReference::new("health-book", "SSK-0001", status_reference).expect("fits");
            let attribute = reference.encode();
            let attribute = Reader::single(&attribute, tag::SEQUENCE).expect("a sequence");
            let mut fields = attribute.reader();
            assert_eq!(fields.read().expect("type").object_identifier(), Ok(oid::DOCUMENT_REFERENCE));
            let value = fields.read().expect("values").read_all(|reader| reader.read()).expect("one value");
            assert_eq!(DocumentReference::decode(value), Ok(reference));
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(DocumentReference::new("", "1", None).is_err());
        assert!(DocumentReference::new("k", &"1".repeat(129), None).is_err());
        assert!(DocumentReference::new("k", "a\nb", None).is_err());
        assert!(DocumentReference::new("k", "1", Some("")).is_err());
    }
}
