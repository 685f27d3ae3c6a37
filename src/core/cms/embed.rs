//! A detached message made enveloping: the same signature, with the content inside (RFC 5652 §5.2).

use super::CmsError;
use crate::core::der::{DerFault, Reader, tag, writer};

/// The `ContentInfo` `detached` with `content` as its `eContent`; nothing else changes, and nothing is verified.
///
/// # Errors
/// `detached` is not one DER `SignedData`, or has content already.
pub fn embed(detached: &[u8], content: &[u8]) -> Result<Vec<u8>, CmsError> {
    let outer = Reader::single(detached, tag::SEQUENCE)?;
    let mut fields = outer.reader();
    let content_type = fields.expect(tag::OBJECT_IDENTIFIER)?;
    let signed_data = fields.expect(tag::context(0))?.inner(tag::SEQUENCE)?;
    fields.finish()?;

    let mut members = signed_data.reader();
    let version = members.expect(tag::INTEGER)?;
    let digest_algorithms = members.expect(tag::SET)?;
    let encapsulated = members.expect(tag::SEQUENCE)?;
    let mut rest = Vec::new();
    while !members.is_empty() {
        rest.push(members.read()?.raw);
    }

    let mut inner = encapsulated.reader();
    let inner_type = inner.expect(tag::OBJECT_IDENTIFIER)?;
    if !inner.is_empty() {
        return Err(encapsulated.error(DerFault::UnexpectedTag).into());
    }
    let mut header = Vec::with_capacity(6);
    writer::push_header(&mut header, tag::OCTET_STRING, content.len());
    let explicit = writer::concatenated(tag::context(0), &[&header, content]);
    let encapsulated = writer::sequence(&[inner_type.raw, &explicit]);

    let mut pieces = vec![version.raw, digest_algorithms.raw, encapsulated.as_slice()];
    pieces.extend(rest);
    let signed_data = writer::element(tag::context(0), &writer::sequence(&pieces));
    Ok(writer::sequence(&[content_type.raw, &signed_data]))
}
