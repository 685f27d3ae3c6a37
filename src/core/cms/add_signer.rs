//! A further signature on a message that has one (RFC 5652 §5.1): its octets stay, what is new stands behind them.
//!
//! The members of a SET OF keep the order they have, so that the message may be BER in that alone; nothing reads an order from it, and
//! whoever time-stamped its members finds each as it was.

use super::{CmsError, SignedData};
use crate::core::der::{DerFault, Reader, Tlv, tag, writer};
use crate::core::oid;

/// The fields of one `SignedData`.
struct Fields<'a> {
    version: Tlv<'a>,
    digest_algorithms: Tlv<'a>,
    encapsulated: Tlv<'a>,
    certificates: Option<Tlv<'a>>,
    crls: Option<Tlv<'a>>,
    signer_infos: Tlv<'a>,
}

impl<'a> Fields<'a> {
    fn read(message: &'a [u8]) -> Result<Self, CmsError> {
        let mut outer = Reader::single(message, tag::SEQUENCE)?.reader();
        let content_type = outer.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
        if content_type != oid::SIGNED_DATA {
            return Err(CmsError::OtherContent(oid::dotted(content_type)));
        }
        let content = outer.expect(tag::context(0))?;
        outer.finish()?;
        content.inner(tag::SEQUENCE)?.read_all(|fields| {
            Ok(Self {
                version: fields.expect(tag::INTEGER)?,
                digest_algorithms: fields.expect(tag::SET)?,
                encapsulated: fields.expect(tag::SEQUENCE)?,
                certificates: fields.optional(tag::context(0))?,
                crls: fields.optional(tag::context(1))?,
                signer_infos: fields.expect(tag::SET)?,
            })
        })
    }
}

/// The `ContentInfo` around the fields of a `SignedData`.
fn assembled(fields: &[&[u8]]) -> Vec<u8> {
    let signed_data = writer::element(tag::context(0), &writer::sequence(fields));
    writer::sequence(&[&writer::object_identifier(oid::SIGNED_DATA), &signed_data])
}

/// `existing` with the signers of `added`, their certificates, CRLs and digest algorithms, as far as they are not there. Both are DER, over
/// the same content of type data; `existing` keeps its own. Nothing is verified.
///
/// # Errors
/// One of them is not such a message, or they are too many together.
pub fn add_signers(existing: &[u8], added: &[u8]) -> Result<Vec<u8>, CmsError> {
    let (own, more) = (Fields::read(existing)?, Fields::read(added)?);
    for fields in [&own, &more] {
        let content_type = fields.encapsulated.reader().expect(tag::OBJECT_IDENTIFIER)?;
        if content_type.object_identifier()? != oid::DATA {
            return Err(content_type.error(DerFault::Value).into());
        }
    }
    let known: Vec<_> = SignedData::decode(existing)?.digest_algorithms;
    let mut digest_algorithms = own.digest_algorithms.value.to_vec();
    let added_digests = SignedData::decode(added)?.digest_algorithms;
    for (raw, digest) in members(more.digest_algorithms)?.into_iter().zip(added_digests) {
        // With and without a NULL it is one algorithm (RFC 5754 §2).
        if digest.is_err() || !known.contains(&digest) {
            digest_algorithms.extend_from_slice(raw);
        }
    }
    let certificates = joined(tag::context(0), own.certificates, more.certificates)?;
    let crls = joined(tag::context(1), own.crls, more.crls)?;
    let message = assembled(&[
        own.version.raw,
        &writer::element(tag::SET, &digest_algorithms),
        own.encapsulated.raw,
        &certificates,
        &crls,
        &writer::concatenated(tag::SET, &[own.signer_infos.value, more.signer_infos.value]),
    ]);
    SignedData::decode(&message)?;
    Ok(message)
}

/// `message` without its `eContent`, and that; nothing else changes.
///
/// # Errors
/// It is no DER `SignedData`.
pub fn detach(message: &[u8]) -> Result<(Vec<u8>, Option<&[u8]>), CmsError> {
    let Fields { version, digest_algorithms, encapsulated, certificates, crls, signer_infos } = Fields::read(message)?;
    let (content_type, content) = encapsulated.read_all(|inner| {
        let content_type = inner.expect(tag::OBJECT_IDENTIFIER)?;
        let content = inner.optional(tag::context(0))?.map(|field| field.inner(tag::OCTET_STRING)).transpose()?;
        Ok::<_, CmsError>((content_type, content))
    })?;
    let raw = |field: Option<Tlv<'_>>| field.map(|field| field.raw.to_vec()).unwrap_or_default();
    let detached = assembled(&[
        version.raw,
        digest_algorithms.raw,
        &writer::sequence(&[content_type.raw]),
        &raw(certificates),
        &raw(crls),
        signer_infos.raw,
    ]);
    Ok((detached, content.map(|content| content.value)))
}

/// The members of both, those of `own` first, as one field; nothing if there are none.
fn joined(tag: u8, own: Option<Tlv<'_>>, more: Option<Tlv<'_>>) -> Result<Vec<u8>, CmsError> {
    let known = own.map(members).transpose()?.unwrap_or_default();
    let mut field = own.map(|field| field.value.to_vec()).unwrap_or_default();
    for member in more.map(members).transpose()?.unwrap_or_default() {
        if !known.contains(&member) {
            field.extend_from_slice(member);
        }
    }
    Ok(if own.is_none() && field.is_empty() { field } else { writer::element(tag, &field) })
}

fn members(field: Tlv<'_>) -> Result<Vec<&[u8]>, CmsError> {
    let mut members = Vec::new();
    let mut reader = field.reader();
    while !reader.is_empty() {
        members.push(reader.read()?.raw);
    }
    Ok(members)
}
