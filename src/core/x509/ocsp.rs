//! OCSP responses (RFC 6960 §4.2): bytes to types. Whether a response counts is judged in [`crate::core::path::ocsp`].

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::RevocationReason;
use super::extension;
use super::name::Name;
use super::signed::position;
use crate::core::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
use crate::core::crypto;
use crate::core::der::{DerError, DerFault, Reader, Tlv, reader, tag, writer};
use crate::core::oid;
use crate::core::policy::EmbeddedRevocation;
use crate::core::time::Time;

/// Octets of the largest response.
const RESPONSE_LIMIT: usize = 1024 * 1024;
/// Certificates in one response.
const CERTIFICATE_LIMIT: usize = 16;
/// Statuses in one response.
const STATUS_LIMIT: usize = 256;
const DEPTH: usize = 32;

/// A successful `BasicOCSPResponse`. Decoding proves form only; nothing about it is verified.
pub struct OcspResponse {
    /// As received.
    basic: Vec<u8>,
    to_be_signed: Range<usize>,
    fingerprint: [u8; 32],
    pub responder: ResponderId,
    pub produced_at: Time,
    pub statuses: Vec<SingleResponse>,
    /// The nonce of the request, repeated (RFC 8954).
    pub nonce: Option<Vec<u8>>,
    /// The nonce that the request had, where the caller knows it.
    expected_nonce: Option<Vec<u8>>,
    /// It came with a document, whose maker chose it; and what it shows.
    pub embedded: Option<EmbeddedRevocation>,
    /// A critical extension of the response is not understood.
    pub not_understood: bool,
    pub signature_algorithm: Result<SignatureAlgorithm, UnknownAlgorithm>,
    signature: Range<usize>,
    /// Certificates the responder sent along; those that do not decode are left out.
    pub certificates: Vec<Arc<Certificate>>,
}

/// `ResponderID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponderId {
    Name(Box<Name>),
    /// SHA-1 of the responder's public key.
    KeyHash(Vec<u8>),
}

/// `SingleResponse`.
#[derive(Clone, Debug)]
pub struct SingleResponse {
    pub certificate: CertId,
    pub status: CertStatus,
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// The responder knows certificates that expired at or after this time (RFC 6960 §4.4.4).
    pub archive_cutoff: Option<Time>,
    /// Since when the key is known or suspected to have been out of hand, or the certificate invalid (RFC 5280 §5.3.2, as RFC 6960
    /// §4.4.5 has it).
    pub invalidity_date: Option<Time>,
    /// A critical extension of it is not understood.
    pub not_understood: bool,
}

/// `CertID`: a certificate by digests of its issuer's name and key, and its serial number.
#[derive(Clone, Debug)]
pub struct CertId {
    pub digest_algorithm: Result<DigestAlgorithm, UnknownAlgorithm>,
    pub issuer_name_hash: Vec<u8>,
    pub issuer_key_hash: Vec<u8>,
    pub serial_number: Vec<u8>,
}

/// `CertStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    Good,
    Revoked { date: Time, reason: RevocationReason },
    Unknown,
}

/// Why bytes are not a response that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspError {
    Encoding(DerError),
    /// The responder answered with an error status (RFC 6960 §4.2.1).
    NotSuccessful(u32),
    /// Not a `BasicOCSPResponse`.
    OtherType,
}

impl From<DerError> for OcspError {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

impl std::fmt::Display for OcspError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encoding(error) => write!(formatter, "not an OCSP response: {error}"),
            Self::NotSuccessful(status) => write!(formatter, "the OCSP responder answered with error status {status}"),
            Self::OtherType => write!(formatter, "not a basic OCSP response"),
        }
    }
}

impl std::error::Error for OcspError {}

/// The `BasicOCSPResponse` in the one DER `OCSPResponse` that `der` consists of.
pub fn basic_response(der: &[u8]) -> Result<&[u8], OcspError> {
    let outer = Reader::single(der, tag::SEQUENCE)?;
    if der.len() > RESPONSE_LIMIT {
        return Err(outer.error(DerFault::Limit).into());
    }
    let mut fields = outer.reader();
    let status = fields.expect(tag::ENUMERATED)?.small()?;
    if status != 0 {
        return Err(OcspError::NotSuccessful(status));
    }
    let bytes = fields.expect(tag::context(0))?.inner(tag::SEQUENCE)?;
    fields.finish()?;
    let mut parts = bytes.reader();
    if parts.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()? != oid::OCSP_BASIC {
        return Err(OcspError::OtherType);
    }
    let basic = parts.expect(tag::OCTET_STRING)?;
    parts.finish()?;
    Ok(basic.value)
}

impl OcspResponse {
    /// Decodes the one DER `OCSPResponse` that `der` consists of.
    pub fn decode(der: &[u8]) -> Result<Self, OcspError> {
        Ok(Self::decode_basic(basic_response(der)?)?)
    }

    /// Decodes the one DER `BasicOCSPResponse` that `der` consists of.
    pub fn decode_basic(der: &[u8]) -> Result<Self, DerError> {
        let basic = Reader::single(der, tag::SEQUENCE)?;
        if der.len() > RESPONSE_LIMIT {
            return Err(basic.error(DerFault::Limit));
        }
        reader::check_canonical(der, DEPTH)?;
        let mut parts = basic.reader();
        let data = parts.expect(tag::SEQUENCE)?;
        let algorithm = AlgorithmIdentifier::decode(parts.read()?)?;
        let signature = parts.expect(tag::BIT_STRING)?.bit_string_octets()?;
        let certificates = match parts.optional(tag::context(0))? {
            Some(field) => each(field.inner(tag::SEQUENCE)?, CERTIFICATE_LIMIT, |element| Ok(element.raw))?,
            None => Vec::new(),
        };
        parts.finish()?;

        let mut fields = data.reader();
        // Version 1 is the default and so not written.
        let responder_id = fields.read()?;
        let responder = match responder_id.tag {
            0xA1 => ResponderId::Name(Box::new(Name::decode(responder_id.inner(tag::SEQUENCE)?)?)),
            0xA2 => ResponderId::KeyHash(responder_id.inner(tag::OCTET_STRING)?.value.to_vec()),
            _ => return Err(responder_id.error(DerFault::UnexpectedTag)),
        };
        let produced_at = fields.expect(tag::GENERALIZED_TIME)?.time()?;
        let statuses = each(fields.expect(tag::SEQUENCE)?, STATUS_LIMIT, SingleResponse::decode)?;
        let extensions = fields.optional(tag::context(1))?.map(OcspExtensions::decode).transpose()?.unwrap_or_default();
        fields.finish()?;
        Ok(Self {
            to_be_signed: position(der, data.raw),
            fingerprint: crypto::sha256(basic.raw),
            responder,
            produced_at,
            statuses,
            nonce: extensions.nonce,
            expected_nonce: None,
            embedded: None,
            not_understood: extensions.not_understood,
            signature_algorithm: SignatureAlgorithm::decode(algorithm, None)?,
            signature: position(der, signature),
            basic: der.to_vec(),
            certificates: certificates
                .into_iter()
                .filter_map(|der| Certificate::decode(der).ok().map(Arc::new))
                .collect(),
        })
    }

    /// The same response as the answer to a request with this nonce: without it, it is an answer to something else.
    pub fn in_answer_to(mut self, nonce: &[u8]) -> Self {
        self.expected_nonce = Some(nonce.to_vec());
        self
    }

    /// Is it, by its nonce, the answer to the request (RFC 8954 §2.1)? Always, if the caller does not know of a nonce.
    pub fn answers_request(&self) -> bool {
        self.expected_nonce.is_none() || self.answers_nonce()
    }

    /// It repeats the nonce that the caller drew: it was made after the request.
    pub fn answers_nonce(&self) -> bool {
        self.expected_nonce.is_some() && self.nonce == self.expected_nonce
    }

    /// The octets the responder signed.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.basic[self.to_be_signed.clone()]
    }

    pub fn signature(&self) -> &[u8] {
        &self.basic[self.signature.clone()]
    }

    /// The `OCSPResponse` around the `BasicOCSPResponse` as received.
    pub fn encode(&self) -> Vec<u8> {
        let basic =
            writer::sequence(&[&writer::object_identifier(oid::OCSP_BASIC), &writer::octet_string(&self.basic)]);
        writer::sequence(&[&[tag::ENUMERATED, 1, 0], &writer::element(tag::context(0), &basic)])
    }

    /// SHA-256 of the `BasicOCSPResponse`.
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

impl std::fmt::Debug for OcspResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OcspResponse({:?}, {}, {} statuses)", self.responder, self.produced_at, self.statuses.len())
    }
}

impl SingleResponse {
    fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        element.of(tag::SEQUENCE)?.read_all(|reader| {
            let certificate = reader.expect(tag::SEQUENCE)?.read_all(|fields| {
                Ok::<_, DerError>(CertId {
                    digest_algorithm: DigestAlgorithm::decode(fields.read()?)?,
                    issuer_name_hash: fields.expect(tag::OCTET_STRING)?.value.to_vec(),
                    issuer_key_hash: fields.expect(tag::OCTET_STRING)?.value.to_vec(),
                    serial_number: fields.expect(tag::INTEGER)?.integer()?.to_vec(),
                })
            })?;
            let choice = reader.read()?;
            let status = match choice.tag {
                0x80 if choice.value.is_empty() => CertStatus::Good,
                0x82 if choice.value.is_empty() => CertStatus::Unknown,
                0xA1 => choice.read_all(|info| {
                    let date = info.expect(tag::GENERALIZED_TIME)?.time()?;
                    let reason = match info.optional(tag::context(0))? {
                        Some(field) => RevocationReason::from_number(field.inner(tag::ENUMERATED)?.small()?),
                        None => None,
                    };
                    let reason = reason.unwrap_or(RevocationReason::Unspecified);
                    Ok::<_, DerError>(CertStatus::Revoked { date, reason })
                })?,
                _ => return Err(choice.error(DerFault::UnexpectedTag)),
            };
            let this_update = reader.expect(tag::GENERALIZED_TIME)?.time()?;
            let next_update = match reader.optional(tag::context(0))? {
                Some(field) => Some(field.inner(tag::GENERALIZED_TIME)?.time()?),
                None => None,
            };
            let extensions =
                reader.optional(tag::context(1))?.map(OcspExtensions::decode).transpose()?.unwrap_or_default();
            let OcspExtensions { archive_cutoff, invalidity_date, not_understood, .. } = extensions;
            Ok(Self { certificate, status, this_update, next_update, archive_cutoff, invalidity_date, not_understood })
        })
    }
}

impl CertId {
    /// Does it name `certificate`, issued by `issuer` (RFC 6960 §4.1.1)?
    pub fn names(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        Named::new(certificate, issuer).is(self)
    }
}

/// By this algorithm, of the issuer's name, and of its key if it can be read.
type IssuerDigests = (DigestAlgorithm, Vec<u8>, Option<Vec<u8>>);

/// A certificate that many a `CertID` may name: its issuer is digested once by an algorithm.
pub struct Named<'a> {
    certificate: &'a Certificate,
    issuer: &'a Certificate,
    /// Of the issuer's name and key.
    digests: RefCell<Vec<IssuerDigests>>,
}

impl<'a> Named<'a> {
    pub const fn new(certificate: &'a Certificate, issuer: &'a Certificate) -> Self {
        Self { certificate, issuer, digests: RefCell::new(Vec::new()) }
    }

    /// Is it this one (RFC 6960 §4.1.1)?
    pub fn is(&self, named: &CertId) -> bool {
        let Ok(algorithm) = named.digest_algorithm else { return false };
        if named.serial_number != self.certificate.serial_number {
            return false;
        }
        let mut digests = self.digests.borrow_mut();
        if !digests.iter().any(|(known, ..)| *known == algorithm) {
            let key = self.issuer.subject_public_key().map(|key| crypto::digest(algorithm, key));
            digests.push((algorithm, crypto::digest(algorithm, self.certificate.issuer.der()), key));
        }
        digests.iter().any(|(known, name, key)| {
            *known == algorithm && named.issuer_name_hash == *name && key.as_ref() == Some(&named.issuer_key_hash)
        })
    }
}

impl ResponderId {
    /// Does it name the subject of `certificate`?
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => **name == certificate.subject,
            Self::KeyHash(hash) => {
                certificate.subject_public_key().is_some_and(|key| *hash == crypto::digest(DigestAlgorithm::Sha1, key))
            }
        }
    }
}

/// Names a certificate by what a `CertID` names it by: SHA-256 over its issuer's key and name and its serial number. Unlike its
/// fingerprint it is the same for every encoding of the certificate: anybody can write an ECDSA signature in another way that holds.
/// None if the issuer's key cannot be read; then no `CertID` names the certificate either.
pub fn certificate_key(certificate: &Certificate, issuer: &Certificate) -> Option<[u8; 32]> {
    let mut named = Vec::new();
    for part in [issuer.subject_public_key()?, certificate.issuer.der(), &certificate.serial_number] {
        named.extend((part.len() as u64).to_be_bytes());
        named.extend(part);
    }
    Some(crypto::sha256(&named))
}

/// The extensions of a response or of a status in it.
#[derive(Default)]
struct OcspExtensions {
    nonce: Option<Vec<u8>>,
    archive_cutoff: Option<Time>,
    invalidity_date: Option<Time>,
    /// A critical one is not understood.
    not_understood: bool,
}

impl OcspExtensions {
    fn decode(field: Tlv<'_>) -> Result<Self, DerError> {
        let mut decoded = Self::default();
        let list = field.inner(tag::SEQUENCE)?;
        // Laxer than RFC 5280 §4.1, whose lists have a member: some responders write an empty one.
        if list.value.is_empty() {
            return Ok(decoded);
        }
        for extension in extension::decode_all(list)? {
            match extension.oid {
                oid::OCSP_NONCE => {
                    decoded.nonce = Some(Reader::single(extension.value, tag::OCTET_STRING)?.value.to_vec());
                }
                oid::OCSP_ARCHIVE_CUTOFF => {
                    decoded.archive_cutoff = Some(Reader::single(extension.value, tag::GENERALIZED_TIME)?.time()?);
                }
                oid::INVALIDITY_DATE => {
                    decoded.invalidity_date = Some(Reader::single(extension.value, tag::GENERALIZED_TIME)?.time()?);
                }
                _ => decoded.not_understood |= extension.critical,
            }
        }
        Ok(decoded)
    }
}

fn each<'a, T>(
    list: Tlv<'a>,
    limit: usize,
    decode: impl Fn(Tlv<'a>) -> Result<T, DerError>,
) -> Result<Vec<T>, DerError> {
    let mut decoded = Vec::new();
    let mut reader = list.reader();
    while !reader.is_empty() {
        if decoded.len() == limit {
            return Err(list.error(DerFault::Limit));
        }
        decoded.push(decode(reader.read()?)?);
    }
    Ok(decoded)
}
