//! The time-stamps on the signatures of one message, what each is over, and what it proves if it passes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use super::content::{DigestedBytes, SignedContent};
use super::embedded::Encodings;
use super::format;
use super::timestamp::{self, ReadToken, TimestampFault, TimestampKind};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::archive::{self, Covered, HashIndex};
use crate::core::cms::{SignedData, SignerInfo, UnsignedAttribute};
use crate::core::crypto;
use crate::core::der::ber;
use crate::core::oid;
use crate::core::path::Proofs;
use crate::core::time::Time;
use crate::core::x509::ocsp;

/// Time-stamps of one message that are judged, in equal parts of each signer's; more of them prove no more.
const TIMESTAMPS: usize = 64;
/// However many signers there are, so many of each, if that is not more than [`IN_ALL`].
const OF_EACH: usize = 16;
const IN_ALL: usize = 256;
/// Those over the content, which nobody can add: so many of each signer's.
const OVER_CONTENT: usize = 8;
/// Of these, archive time-stamps over all of the message, each of which is hashed.
const OVER_ALL: usize = 8;

/// A token where it stands.
pub struct Token<'a> {
    pub signer: usize,
    pub kind: TimestampKind,
    /// As it stands in the message.
    raw: &'a [u8],
    /// The DER of its envelope.
    octets: Cow<'a, [u8]>,
}

/// Finds the tokens of a message.
pub fn find<'a>(message: &SignedData<'a>) -> Vec<Token<'a>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut over_all = 0;
    let signers = message.signer_infos.len().max(1);
    let allowance = (TIMESTAMPS / signers).max(OF_EACH.min(IN_ALL / signers));
    for (signer, signer_info) in message.signer_infos.iter().enumerate() {
        let of_content = (TimestampKind::Content, content_time_stamps(signer_info));
        let unsigned = signer_info.unsigned().into_iter().filter_map(|attribute| match attribute.identifier {
            oid::SIGNATURE_TIME_STAMP => Some((TimestampKind::Signature, attribute.values)),
            oid::ARCHIVE_TIME_STAMP_V2 => Some((TimestampKind::ArchiveV2, attribute.values)),
            oid::ARCHIVE_TIME_STAMP_V3 => Some((TimestampKind::ArchiveV3, attribute.values)),
            _ => None,
        });
        let mut counts = [0, 0];
        for (kind, values) in unsigned.chain([of_content]) {
            let is_of_content = kind == TimestampKind::Content;
            let most = if is_of_content { OVER_CONTENT } else { allowance };
            for raw in values {
                over_all += usize::from(kind == TimestampKind::ArchiveV2);
                let count = &mut counts[usize::from(is_of_content)];
                if *count == most || kind == TimestampKind::ArchiveV2 && over_all > OVER_ALL {
                    continue;
                }
                *count += 1;
                // BER is allowed in the envelope of a token as in that of a message.
                let octets = match SignedData::decode(raw) {
                    Ok(_) => Cow::Borrowed(raw),
                    Err(_) => ber::normalise_content_info(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
                };
                tokens.push(Token { signer, kind, raw, octets });
            }
        }
    }
    tokens
}

/// The algorithms of the digests of its content that judging a message takes; `None`: the content itself.
pub fn demands(message: &SignedData<'_>) -> Option<Vec<DigestAlgorithm>> {
    let (tokens, content) = (find(message), SignedContent::Missing);
    let of_stamps = Stamps::read(message, &content, &tokens).demands()?;
    let of_signers = message.signer_infos.iter().filter_map(|signer| signer.digest_algorithm.as_ref().ok().copied());
    Some(of_signers.chain(of_stamps).collect())
}

/// The tokens in the signed attributes; seldom any.
fn content_time_stamps<'a>(signer: &SignerInfo<'a>) -> Vec<&'a [u8]> {
    let Some(attributes) = signer.signed_attributes else { return Vec::new() };
    let named = oid::CONTENT_TIME_STAMP;
    if !attributes.value.windows(named.len()).any(|octets| octets == named) {
        return Vec::new();
    }
    format::signed_attributes(signer).map(|attributes| attributes.content_time_stamps).unwrap_or_default()
}

/// A token, read.
pub struct Stamp<'a> {
    pub signer: usize,
    pub kind: TimestampKind,
    pub read: ReadToken<'a>,
    raw: &'a [u8],
    /// SHA-256 of the token as it stands.
    pub fingerprint: [u8; 32],
}

impl<'a> Stamp<'a> {
    /// A document time-stamp, whose token is no part of a message.
    pub fn of_document(token: &'a [u8]) -> Self {
        let (read, fingerprint) = (timestamp::read(token), crypto::sha256(token));
        Self { signer: 0, kind: TimestampKind::Document, read, raw: token, fingerprint }
    }

    /// What came with the token.
    pub fn encodings(&self) -> Encodings<'a> {
        self.read.as_ref().map(|(token, _)| Encodings::of(token)).unwrap_or_default()
    }
}

/// What was digested: by which algorithm, where its last part begins, how long that is, and of how many parts.
type Digested = (DigestAlgorithm, *const u8, usize, usize);

/// All of a message.
pub struct Stamps<'a> {
    message: &'a SignedData<'a>,
    content: &'a SignedContent<'a>,
    pub stamps: Vec<Stamp<'a>>,
    /// Digests of parts of the message, by where they stand.
    fingerprints: RefCell<HashMap<(*const u8, usize), [u8; 32]>>,
    /// Of each signer.
    unsigned: Vec<Vec<UnsignedAttribute<'a>>>,
    /// What indexes digest, by algorithm, by where it stands, and with or without its type.
    digests: RefCell<HashMap<Digested, Vec<u8>>>,
}

impl<'a> Stamps<'a> {
    pub fn read(message: &'a SignedData<'a>, content: &'a SignedContent<'a>, tokens: &'a [Token<'a>]) -> Self {
        let stamp = |token: &'a Token<'a>| Stamp {
            signer: token.signer,
            kind: token.kind,
            read: timestamp::read(&token.octets),
            raw: token.raw,
            fingerprint: crypto::sha256(token.raw),
        };
        let unsigned = message.signer_infos.iter().map(SignerInfo::unsigned).collect();
        let stamps = tokens.iter().map(stamp).collect();
        let (fingerprints, digests) = (RefCell::default(), RefCell::default());
        Self { message, content, stamps, fingerprints, unsigned, digests }
    }

    /// What is needed of the content to compare the imprints: digests by these algorithms; `None`: all of it.
    pub fn demands(&self) -> Option<Vec<DigestAlgorithm>> {
        let over_it = self.stamps.iter().filter(|stamp| stamp.kind != TimestampKind::Signature);
        if over_it.clone().any(|stamp| stamp.kind == TimestampKind::ArchiveV2) {
            return None;
        }
        let read = over_it.filter_map(|stamp| stamp.read.as_ref().ok());
        Some(read.filter_map(|(_, info)| info.message_imprint.algorithm.as_ref().ok().copied()).collect())
    }

    /// What came with the tokens.
    pub fn encodings(&self) -> Encodings<'a> {
        let mut encodings = Encodings::default();
        for stamp in &self.stamps {
            encodings.extend(stamp.encodings());
        }
        encodings
    }

    /// Positions of the stamps, the newest first: what an archive time-stamp is over comes after it.
    pub fn newest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.stamps.len()).collect();
        let time = |stamp: &Stamp<'a>| stamp.read.as_ref().ok().map(|(_, info)| info.precise_time());
        order.sort_by_key(|position| {
            let stamp = &self.stamps[*position];
            std::cmp::Reverse((time(stamp), stamp.kind))
        });
        order
    }

    /// What beside the signature a stamp is over, if it is; and the algorithm of its imprint.
    pub fn check_imprint(&self, stamp: &Stamp<'a>) -> Result<(DigestAlgorithm, Covered<'a>), TimestampFault> {
        // A token that cannot be read is reported as that.
        let Ok((token, info)) = &stamp.read else { return Err(TimestampFault::Imprint) };
        let imprint = &info.message_imprint;
        let algorithm = *imprint.algorithm.as_ref().map_err(|_| TimestampFault::ImprintAlgorithm)?;
        let signer = &self.message.signer_infos[stamp.signer];
        let is_it = |digest: &[u8]| if digest == imprint.digest { Ok(()) } else { Err(TimestampFault::Imprint) };
        match stamp.kind {
            TimestampKind::Content => {
                let content = self.content_digest(algorithm).ok_or(TimestampFault::ContentMissing)?;
                is_it(&content)?;
                Ok((algorithm, Covered::default()))
            }
            TimestampKind::Signature => {
                is_it(&DigestedBytes::new(signer.signature).digest(algorithm))?;
                Ok((algorithm, Covered::default()))
            }
            TimestampKind::ArchiveV3 => {
                let index = HashIndex::of(token).map_err(TimestampFault::Index)?;
                let content = self.content_digest(algorithm).ok_or(TimestampFault::ContentMissing)?;
                is_it(&index.imprint(algorithm, self.message, signer, &content))?;
                let digest = |algorithm: DigestAlgorithm, parts: &[&[u8]]| self.digest(algorithm, parts);
                let covered = index.covered(self.message, &self.unsigned[stamp.signer], &digest);
                let covered = covered.map_err(TimestampFault::Index)?;
                // Both digests say what it is over.
                Ok((weaker(algorithm, index.algorithm), covered))
            }
            TimestampKind::ArchiveV2 => {
                let detached = match (self.message.content, self.content) {
                    (Some(_), SignedContent::Bytes(_)) => None,
                    (None, SignedContent::Bytes(content)) => {
                        Some(content.bytes().ok_or(TimestampFault::ContentMissing)?)
                    }
                    _ => return Err(TimestampFault::ContentMissing),
                };
                let is_covered = |attribute: &UnsignedAttribute<'_>| self.is_before(attribute, stamp);
                let imprints = archive::imprints_v2(algorithm, self.message, signer, detached, is_covered);
                imprints.iter().find_map(|digest| is_it(digest).ok()).ok_or(TimestampFault::Imprint)?;
                Ok((algorithm, self.all_but_later(signer, stamp)))
            }
            // It is over a file, and stands in no message.
            TimestampKind::Document => Err(TimestampFault::Imprint),
        }
    }

    fn content_digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        match self.content {
            SignedContent::Missing | SignedContent::Conflict => None,
            SignedContent::Bytes(bytes) => Some(bytes.digest(algorithm)),
            SignedContent::Digests(digests) => {
                digests.iter().find(|(known, _)| *known == algorithm).map(|(_, digest)| digest.clone())
            }
        }
    }

    /// An unsigned attribute is no archive time-stamp, or an earlier one.
    fn is_before(&self, attribute: &UnsignedAttribute<'_>, stamp: &Stamp<'a>) -> bool {
        if ![oid::ARCHIVE_TIME_STAMP_V2, oid::ARCHIVE_TIME_STAMP_V3].contains(&attribute.identifier) {
            return true;
        }
        let time = |stamp: &Stamp<'a>| stamp.read.as_ref().ok().map(|(_, info)| info.precise_time().to_vec());
        let of_value = |value: &&[u8]| self.stamps.iter().find(|other| std::ptr::eq(other.raw, *value)).and_then(time);
        attribute.values.iter().all(|value| of_value(value).is_some_and(|other| Some(other) < time(stamp)))
    }

    fn all_but_later(&self, signer: &SignerInfo<'a>, stamp: &Stamp<'a>) -> Covered<'a> {
        let attributes = signer.unsigned().into_iter().filter(|attribute| self.is_before(attribute, stamp));
        let values = |attribute: UnsignedAttribute<'a>| {
            attribute.values.into_iter().map(move |value| (attribute.identifier, value))
        };
        Covered {
            certificates: archive::set_members(self.message.certificate_set),
            crls: archive::set_members(self.message.crl_set),
            unsigned: attributes.flat_map(values).collect(),
        }
    }

    /// Everything in `covered` existed at `time`: also what stands inside time-stamps and values that are covered.
    pub fn prove(&self, covered: &Covered<'a>, time: Time, proofs: &mut Proofs) {
        let mut encodings = Encodings { certificates: covered.certificates.clone(), ..Encodings::default() };
        // The members were read with the message.
        encodings.crls.extend(self.message.crls.iter().filter(|crl| covered.crls.contains(crl)));
        let is_in = |response: &&&[u8]| covered.crls.iter().any(|member| member.ends_with(response));
        encodings.ocsp_responses.extend(self.message.ocsp_responses.iter().filter(is_in));
        for (identifier, value) in &covered.unsigned {
            proofs.add(self.fingerprint(value), time);
            encodings.read(identifier, value);
            if let Some(stamp) = self.stamps.iter().find(|stamp| std::ptr::eq(stamp.raw, *value)) {
                encodings.extend(stamp.encodings());
            }
        }
        prove(&encodings, time, proofs, &|part| self.fingerprint(part));
    }

    /// The whole message existed at `time`.
    pub fn prove_all(&self, time: Time, proofs: &mut Proofs) {
        let values = |attribute: &UnsignedAttribute<'a>| {
            let identifier = attribute.identifier;
            attribute.values.iter().map(move |value| (identifier, *value)).collect::<Vec<_>>()
        };
        let covered = Covered {
            certificates: archive::set_members(self.message.certificate_set),
            crls: archive::set_members(self.message.crl_set),
            unsigned: self.unsigned.iter().flatten().flat_map(values).collect(),
        };
        self.prove(&covered, time, proofs);
        for stamp in self.stamps.iter().filter(|stamp| stamp.kind == TimestampKind::Content) {
            proofs.add(stamp.fingerprint, time);
            prove(&stamp.encodings(), time, proofs, &|part| self.fingerprint(part));
        }
    }

    /// However many time-stamps are over a part, it is digested once by an algorithm.
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
        let Some(last) = parts.last() else { return archive::digest_of(algorithm, parts) };
        let place = (algorithm, last.as_ptr(), last.len(), parts.len());
        let mut digests = self.digests.borrow_mut();
        digests.entry(place).or_insert_with(|| archive::digest_of(algorithm, parts)).clone()
    }

    fn fingerprint(&self, part: &[u8]) -> [u8; 32] {
        *self.fingerprints.borrow_mut().entry((part.as_ptr(), part.len())).or_insert_with(|| crypto::sha256(part))
    }
}

/// What these encodings are of existed at `time`.
pub fn prove(encodings: &Encodings<'_>, time: Time, proofs: &mut Proofs, fingerprint: &dyn Fn(&[u8]) -> [u8; 32]) {
    let basic = encodings.ocsp_responses.iter().filter_map(|response| ocsp::basic_response(response).ok());
    let parts = encodings.certificates.iter().chain(&encodings.crls).copied().chain(basic);
    for part in parts.chain(encodings.basic_responses.iter().copied()) {
        proofs.add(fingerprint(part), time);
    }
}

/// Of two algorithms the one that is accepted for less long.
fn weaker(one: DigestAlgorithm, other: DigestAlgorithm) -> DigestAlgorithm {
    if other.lifetime() < one.lifetime() { other } else { one }
}
