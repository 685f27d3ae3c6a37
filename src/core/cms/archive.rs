//! What archive time-stamps are over: `archive-time-stamp-v3` with its hash index (EN 319 122-1 §5.5), and `archive-time-stamp-v2`
//! of TS 101 733 §6.4.1, which is validated and never made.

use std::collections::HashSet;

use super::{SignedData, SignerInfo, UnsignedAttribute};
use crate::core::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::core::crypto::{self, Hasher};
use crate::core::der::{DerError, DerFault, Reader, Tlv, reader, tag, writer};
use crate::core::oid;

/// Digests in one index.
const ENTRIES: usize = 1024;
/// Unsigned attributes, or values of them, that are looked for in an index.
pub const VALUES: usize = 4096;
/// Levels of nesting in an index.
const DEPTH: usize = 8;

/// Why an index does not say what a time-stamp is over. Each is a FORMAT_FAILURE of the time-stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashIndexFault {
    /// Not exactly one index in the unsigned attributes of the token.
    NotOne,
    Encoding(DerError),
    /// Its digest algorithm is not known here.
    Algorithm(UnknownAlgorithm),
    /// It names something that is not in the message (any more).
    Unmatched,
}

impl From<DerError> for HashIndexFault {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

/// `ATSHashIndexV3` (EN 319 122-1 §5.5.2), or `ATSHashIndex` of TS 101 733 §6.4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashIndex<'a> {
    /// The whole value.
    raw: &'a [u8],
    pub algorithm: DigestAlgorithm,
    certificates: Vec<&'a [u8]>,
    crls: Vec<&'a [u8]>,
    unsigned: Vec<&'a [u8]>,
    /// The older index digests whole unsigned attributes, the newer one each value with its type.
    of_whole_attributes: bool,
}

/// The parts of a message that a time-stamp is over, beside the signature and what it signs.
#[derive(Clone, Debug, Default)]
pub struct Covered<'a> {
    /// Members of `certificates`.
    pub certificates: Vec<&'a [u8]>,
    /// Members of `crls`.
    pub crls: Vec<&'a [u8]>,
    /// Types of unsigned attributes, each with one of its values.
    pub unsigned: Vec<(&'a [u8], &'a [u8])>,
}

/// Gives the digest of octets that stand one after the other.
pub type Digester<'d> = &'d dyn Fn(DigestAlgorithm, &[&[u8]]) -> Vec<u8>;

impl Covered<'_> {
    /// CRLs or OCSP responses are among it.
    pub fn has_revocation(&self) -> bool {
        !self.crls.is_empty() || self.unsigned.iter().any(|(identifier, _)| *identifier == oid::REVOCATION_VALUES)
    }
}

impl<'a> HashIndex<'a> {
    /// The one index of a token.
    pub fn of(token: &SignedData<'a>) -> Result<Self, HashIndexFault> {
        let attributes = token.signer_infos.first().map(SignerInfo::unsigned).unwrap_or_default();
        let of_index = |attribute: &&UnsignedAttribute<'a>| {
            [oid::ATS_HASH_INDEX, oid::ATS_HASH_INDEX_V3].contains(&attribute.identifier)
        };
        let mut indexes = attributes.iter().filter(of_index);
        let (Some(index), None) = (indexes.next(), indexes.next()) else { return Err(HashIndexFault::NotOne) };
        let [value] = index.values[..] else { return Err(HashIndexFault::NotOne) };
        Self::decode(value, index.identifier == oid::ATS_HASH_INDEX)
    }

    fn decode(raw: &'a [u8], is_older: bool) -> Result<Self, HashIndexFault> {
        let outer = Reader::single(raw, tag::SEQUENCE)?;
        reader::check_canonical(raw, DEPTH)?;
        let mut fields = outer.reader();
        let first = fields.expect(tag::SEQUENCE)?;
        // `hashIndAlgorithm` is an identifier where a list of digests would be; by default SHA-256, in the older one.
        let named = first.reader().peek() == Some(tag::OBJECT_IDENTIFIER);
        let (algorithm, certificates) = match (named, is_older) {
            (true, _) => (DigestAlgorithm::decode(first)?, fields.expect(tag::SEQUENCE)?),
            (false, true) => (Ok(DigestAlgorithm::Sha256), first),
            (false, false) => return Err(first.error(DerFault::UnexpectedTag).into()),
        };
        let (crls, unsigned) = (fields.expect(tag::SEQUENCE)?, fields.expect(tag::SEQUENCE)?);
        fields.finish()?;
        Ok(Self {
            raw,
            algorithm: algorithm.map_err(HashIndexFault::Algorithm)?,
            certificates: digests(certificates)?,
            crls: digests(crls)?,
            unsigned: digests(unsigned)?,
            of_whole_attributes: is_older,
        })
    }

    /// What it names of the message and of the unsigned attributes of its signer, of which the first [`VALUES`] are looked at. Fails if
    /// it names what is not there. `digest` is given the parts of what is digested, and may remember its answers.
    pub fn covered<'m>(
        &self,
        message: &SignedData<'m>,
        attributes: &[UnsignedAttribute<'m>],
        digest: Digester<'_>,
    ) -> Result<Covered<'m>, HashIndexFault> {
        let named = |digests: &[&[u8]], parts: Vec<Vec<&'m [u8]>>| -> Result<Vec<usize>, HashIndexFault> {
            let wanted: HashSet<&[u8]> = digests.iter().copied().collect();
            let mut found = HashSet::new();
            let mut positions = Vec::new();
            for (position, part) in parts.iter().enumerate() {
                let digest = digest(self.algorithm, part);
                if wanted.contains(digest.as_slice()) {
                    positions.push(position);
                    found.insert(digest);
                }
            }
            if found.len() == wanted.len() { Ok(positions) } else { Err(HashIndexFault::Unmatched) }
        };
        let whole = |parts: &[&'m [u8]]| parts.iter().map(|part| vec![*part]).collect();
        let pick = |parts: &[&'m [u8]], positions: Vec<usize>| positions.into_iter().map(|one| parts[one]).collect();
        let (certificates, crls) = (set_members(message.certificate_set), set_members(message.crl_set));
        let of_attribute = |attribute: &UnsignedAttribute<'m>| -> Vec<(&'m [u8], &'m [u8])> {
            attribute.values.iter().map(|value| (attribute.identifier, *value)).collect()
        };
        let unsigned = if self.of_whole_attributes {
            let parts = attributes.iter().take(VALUES).map(|attribute| vec![attribute.raw]).collect();
            let positions = named(&self.unsigned, parts)?;
            positions.into_iter().flat_map(|position| of_attribute(&attributes[position])).collect()
        } else {
            let values: Vec<_> = attributes.iter().flat_map(of_attribute).take(VALUES).collect();
            let types = attributes.iter().flat_map(|attribute| vec![attribute.type_raw; attribute.values.len()]);
            let parts = types.zip(&values).map(|(type_raw, (_, value))| vec![type_raw, *value]).collect();
            named(&self.unsigned, parts)?.into_iter().map(|position| values[position]).collect()
        };
        Ok(Covered {
            certificates: pick(&certificates, named(&self.certificates, whole(&certificates))?),
            crls: pick(&crls, named(&self.crls, whole(&crls))?),
            unsigned,
        })
    }

    /// The digest that `archive-time-stamp-v3` is over (§5.5.3); `content_digest` by the same algorithm.
    pub fn imprint(
        &self,
        algorithm: DigestAlgorithm,
        message: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        content_digest: &[u8],
    ) -> Vec<u8> {
        crypto::digest(algorithm, &archived_octets(message, signer, content_digest, self.raw))
    }
}

/// The octets that `archive-time-stamp-v3` is over (EN 319 122-1 §5.5.3), `content_digest` by the algorithm of its imprint.
pub fn archived_octets(
    message: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    content_digest: &[u8],
    index: &[u8],
) -> Vec<u8> {
    [message.content_type_raw, content_digest, signer.signed_part, index].concat()
}

/// The digests of a `SEQUENCE OF OCTET STRING`.
fn digests<'a>(list: Tlv<'a>) -> Result<Vec<&'a [u8]>, DerError> {
    let mut digests = Vec::new();
    let mut entries = list.reader();
    while !entries.is_empty() {
        if digests.len() == ENTRIES {
            return Err(list.error(DerFault::Limit));
        }
        digests.push(entries.expect(tag::OCTET_STRING)?.value);
    }
    Ok(digests)
}

/// The members of a field that was read before.
pub fn set_members(field: Option<Tlv<'_>>) -> Vec<&[u8]> {
    let mut members = Vec::new();
    let mut list = field.map(|field| field.reader());
    while let Some(Ok(member)) = list.as_mut().filter(|list| !list.is_empty()).map(Reader::read) {
        members.push(member.raw);
    }
    members
}

/// The digest of these octets one after the other.
pub fn digest_of(algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
    if let [whole] = parts {
        return crypto::digest(algorithm, whole);
    }
    let mut hasher = Hasher::new(algorithm);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// The digests that `archive-time-stamp-v2` may be over: all of the message, and the signer with those of its unsigned attributes
/// that `is_covered`. Both spellings occur: with the header of the unsigned attributes, and (TS 101 733 before 2.2.1) without.
pub fn imprints_v2(
    algorithm: DigestAlgorithm,
    message: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    detached_content: Option<&[u8]>,
    is_covered: impl Fn(&UnsignedAttribute<'_>) -> bool,
) -> [Vec<u8>; 2] {
    let raw = |field: Option<Tlv<'_>>| field.map(|field| field.raw.to_vec()).unwrap_or_default();
    let attributes = signer.unsigned().into_iter().filter(is_covered).map(|attribute| attribute.raw);
    let attributes = attributes.collect::<Vec<_>>().concat();
    let mut header = Vec::new();
    writer::push_header(&mut header, tag::context(1), attributes.len());
    let (certificates, crls) = (raw(message.certificate_set), raw(message.crl_set));
    let content = detached_content.unwrap_or_default();
    let mut before = Hasher::new(algorithm);
    let parts = [message.encap_content_info, content, &certificates, &crls, signer.signed_part];
    parts.iter().for_each(|part| before.update(part));
    [&header[..], &[]].map(|header| {
        let mut whole = before.clone();
        whole.update(header);
        whole.update(&attributes);
        whole.finish()
    })
}

/// `hashIndAlgorithm` and the lists, for a new `archive-time-stamp-v3` over all that is in the message now.
pub fn encode_index(algorithm: DigestAlgorithm, message: &SignedData<'_>, signer: &SignerInfo<'_>) -> Vec<u8> {
    let list = |digests: Vec<Vec<u8>>| {
        let entries: Vec<Vec<u8>> = digests.iter().map(|digest| writer::octet_string(digest)).collect();
        writer::element(tag::SEQUENCE, &entries.concat())
    };
    let members = |field| set_members(field).into_iter().map(|member| digest_of(algorithm, &[member])).collect();
    let unsigned = signer.unsigned();
    let values = unsigned
        .iter()
        .flat_map(|attribute| attribute.values.iter().map(|value| digest_of(algorithm, &[attribute.type_raw, *value])));
    writer::sequence(&[
        &writer::sequence(&[&writer::object_identifier(algorithm.oid())]),
        &list(members(message.certificate_set)),
        &list(members(message.crl_set)),
        &list(values.collect()),
    ])
}
