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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::algorithm::DigestAlgorithm;

    /// A message of these digests, certificates, CRLs and signers, each a whole element; it does not verify.
    fn message(digests: &[&[u8]], certificates: &[&[u8]], crls: &[&[u8]], signers: &[&[u8]]) -> Vec<u8> {
        let digests: Vec<_> = digests.iter().map(|digest| writer::sequence(&[digest])).collect();
        let field =
            |tag: u8, list: &[&[u8]]| if list.is_empty() { Vec::new() } else { writer::concatenated(tag, list) };
        assembled(&[
            &writer::unsigned(&[1]),
            &writer::element(tag::SET, &digests.concat()),
            &writer::sequence(&[&writer::object_identifier(oid::DATA)]),
            &field(tag::context(0), certificates),
            &field(tag::context(1), crls),
            &writer::concatenated(tag::SET, signers),
        ])
    }

    /// A signer with this serial number.
    fn signer(number: u8) -> Vec<u8> {
        let sha256 = writer::sequence(&[&writer::object_identifier(oid::SHA_256)]);
        let identifier = writer::sequence(&[&writer::sequence(&[]), &writer::unsigned(&[number])]);
        writer::sequence(&[&writer::unsigned(&[1]), &identifier, &sha256, &sha256, &writer::octet_string(&[number])])
    }

    const SHA_256_NULL: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, tag::NULL, 0];
    const ONE: &[u8] = &[tag::SEQUENCE, 3, tag::INTEGER, 1, 1];
    const TWO: &[u8] = &[tag::SEQUENCE, 3, tag::INTEGER, 1, 2];

    #[test]
    fn what_is_there_stays_and_nothing_comes_twice() {
        let sha512 = writer::object_identifier(oid::SHA_512);
        let (sha256, one, two) = (writer::object_identifier(oid::SHA_256), signer(1), signer(2));
        let existing = message(&[SHA_256_NULL], &[ONE], &[], &[&two]);
        let merged =
            add_signers(&existing, &message(&[&sha256, &sha512], &[TWO, ONE], &[ONE], &[&one])).expect("merged");
        let decoded = SignedData::decode(&merged).expect("a message");
        assert_eq!(decoded.digest_algorithms, [Ok(DigestAlgorithm::Sha256), Ok(DigestAlgorithm::Sha512)]);
        assert_eq!((decoded.certificates, decoded.crls), (vec![ONE, TWO], vec![ONE]));
        let values: Vec<&[u8]> = decoded.signer_infos.iter().map(|signer| signer.signature).collect();
        assert_eq!(values, [&[2][..], &[1]], "the new one is the last");
        assert!(merged.windows(two.len()).any(|window| window == two), "its octets stay");
        let bare = add_signers(&message(&[&sha256], &[], &[], &[&one]), &message(&[&sha256], &[], &[], &[&two]));
        let bare = bare.expect("merged");
        assert!(SignedData::decode(&bare).expect("a message").certificates.is_empty());
    }

    #[test]
    fn too_many_and_other_content_are_refused() {
        let (sha256, one) = (writer::object_identifier(oid::SHA_256), signer(1));
        let of = |count: usize| message(&[&sha256], &[], &[], &vec![one.as_slice(); count]);
        assert!(add_signers(&of(31), &of(1)).is_ok());
        assert_eq!(add_signers(&of(32), &of(1)), Err(CmsError::Limit("signers")));
        let other = of(1);
        let data = writer::object_identifier(oid::DATA);
        let place = other.windows(data.len()).position(|window| window == data).expect("the content type");
        let mut other = other.clone();
        other[place + data.len() - 1] = 2;
        for (existing, added) in [(&of(1), &other), (&other, &of(1)), (&of(1), &vec![tag::NULL, 0])] {
            assert!(matches!(add_signers(existing, added), Err(CmsError::Encoding(_))));
        }
    }

    #[test]
    fn content_is_taken_out_and_put_back() {
        let (sha256, one) = (writer::object_identifier(oid::SHA_256), signer(1));
        let detached = message(&[&sha256], &[ONE], &[TWO], &[&one]);
        let whole = super::super::embed::embed(&detached, b"content").expect("embedded");
        assert_eq!(detach(&whole), Ok((detached.clone(), Some(&b"content"[..]))));
        assert_eq!(detach(&detached), Ok((detached.clone(), None)));
    }
}
