//! Evidence that came with a message: certificates, CRLs and OCSP responses in the `SignedData` (RFC 5652 §5.1, RFC 5940), in
//! unsigned attributes (`certificate-values`, `revocation-values` of EN 319 122-1 annex A), and in time-stamp tokens.
//!
//! Whoever made the message chose them, so that what came with it only reveals revocations, unless the policy says otherwise or a time-stamp
//! proves more ([`crate::core::path::past`]).

use std::collections::HashSet;
use std::sync::Arc;

use super::{ValidationRequest, format};
use crate::core::cms::{SignedData, SignerInfo};
use crate::core::der::{DerError, Reader, Tlv, tag};
use crate::core::evidence::CrlSet;
use crate::core::oid;
use crate::core::policy::{EmbeddedRevocation, RevocationMode};
use crate::core::x509::ocsp::OcspResponse;
use crate::core::x509::{Certificate, CertificateList};

/// Octets of embedded revocation data that are looked at, in all of one message.
const OCTETS: usize = 8 * 1024 * 1024;
/// Embedded CRLs and OCSP responses that are looked at, likewise.
const OBJECTS: usize = 256;
/// Certificates in unsigned attributes that are looked at.
const CERTIFICATES: usize = 256;

/// Encodings as they stand in one place.
#[derive(Clone, Debug, Default)]
pub struct Encodings<'a> {
    pub certificates: Vec<&'a [u8]>,
    pub crls: Vec<&'a [u8]>,
    /// Each an `OCSPResponse`.
    pub ocsp_responses: Vec<&'a [u8]>,
    /// Each a `BasicOCSPResponse`.
    pub basic_responses: Vec<&'a [u8]>,
}

impl<'a> Encodings<'a> {
    /// All that a message carries beside its time-stamps.
    pub fn of(message: &SignedData<'a>) -> Self {
        let mut encodings = Self {
            certificates: message.certificates.clone(),
            crls: message.crls.clone(),
            ocsp_responses: message.ocsp_responses.clone(),
            basic_responses: Vec::new(),
        };
        for attribute in message.signer_infos.iter().flat_map(SignerInfo::unsigned) {
            for value in &attribute.values {
                encodings.read(attribute.identifier, value);
            }
        }
        for value in message.signer_infos.iter().filter_map(revocation_archival) {
            let _ = encodings.revocation_archival(value);
        }
        encodings
    }

    /// Adds what a value of an unsigned attribute holds. One that is not what its type says holds nothing.
    pub fn read(&mut self, identifier: &[u8], value: &'a [u8]) {
        let _ = match identifier {
            oid::CERTIFICATE_VALUES => self.certificate_values(value),
            oid::REVOCATION_VALUES => self.revocation_values(value),
            _ => Ok(()),
        };
    }

    /// `CertificateValues ::= SEQUENCE OF Certificate`.
    fn certificate_values(&mut self, value: &'a [u8]) -> Result<(), DerError> {
        let room = CERTIFICATES.saturating_sub(self.certificates.len());
        self.certificates.extend(each(Reader::single(value, tag::SEQUENCE)?, room)?);
        Ok(())
    }

    /// `RevocationValues ::= SEQUENCE { crlVals [0], ocspVals [1], otherRevVals [2] }`.
    fn revocation_values(&mut self, value: &'a [u8]) -> Result<(), DerError> {
        let mut fields = Reader::single(value, tag::SEQUENCE)?.reader();
        if let Some(crls) = fields.optional(tag::context(0))? {
            self.crls.extend(each(crls.inner(tag::SEQUENCE)?, OBJECTS)?);
        }
        if let Some(responses) = fields.optional(tag::context(1))? {
            self.basic_responses.extend(each(responses.inner(tag::SEQUENCE)?, OBJECTS)?);
        }
        Ok(())
    }

    /// `RevocationInfoArchival ::= SEQUENCE { crl [0], ocsp [1], otherRevInfo [2] }`: whole responses.
    fn revocation_archival(&mut self, value: &'a [u8]) -> Result<(), DerError> {
        let mut fields = Reader::single(value, tag::SEQUENCE)?.reader();
        if let Some(crls) = fields.optional(tag::context(0))? {
            self.crls.extend(each(crls.inner(tag::SEQUENCE)?, OBJECTS)?);
        }
        if let Some(responses) = fields.optional(tag::context(1))? {
            self.ocsp_responses.extend(each(responses.inner(tag::SEQUENCE)?, OBJECTS)?);
        }
        Ok(())
    }

    pub fn extend(&mut self, other: Self) {
        self.certificates.extend(other.certificates);
        self.crls.extend(other.crls);
        self.ocsp_responses.extend(other.ocsp_responses);
        self.basic_responses.extend(other.basic_responses);
    }
}

/// Revocation data among the signed attributes, as signatures in PDF have them; seldom any.
fn revocation_archival<'a>(signer: &SignerInfo<'a>) -> Option<&'a [u8]> {
    let named = oid::REVOCATION_ARCHIVAL;
    memchr::memmem::find(signer.signed_attributes?.value, named)?;
    format::signed_attributes(signer).ok()?.revocation_archival
}

/// At most so many.
fn each(list: Tlv<'_>, most: usize) -> Result<Vec<&[u8]>, DerError> {
    let (mut members, mut reader) = (Vec::new(), list.reader());
    while !reader.is_empty() && members.len() < most {
        members.push(reader.read()?.raw);
    }
    Ok(members)
}

/// Evidence of the caller and of the message together.
#[derive(Clone)]
pub struct Together {
    pub certificates: Vec<Arc<Certificate>>,
    /// `None`: those of the caller.
    crls: Option<CrlSet>,
    ocsp_responses: Option<Vec<Arc<OcspResponse>>>,
    /// What came with the message.
    pub embedded_crls: Vec<Arc<CertificateList>>,
    pub embedded_responses: Vec<Arc<OcspResponse>>,
}

impl Together {
    /// Decodes what is embedded. What does not decode is as if it were not there: it shows nothing.
    pub fn new(request: &ValidationRequest<'_>, encodings: &Encodings<'_>) -> Self {
        let embedded = encodings.certificates.iter().filter_map(|der| request.memory.certificate(der).ok());
        let anchors = request.trust.anchors().iter().map(|anchor| anchor.certificate());
        let certificates = embedded.chain(request.evidence.certificates.iter().chain(anchors).cloned()).collect();
        let mut room = Room { octets: OCTETS, objects: OBJECTS, seen: HashSet::new() };
        let mut embedded_crls = Vec::new();
        for der in encodings.crls.iter().filter(|der| room.take(der)) {
            embedded_crls.extend(CertificateList::decode(der).ok().map(Arc::new));
        }
        let only_reveals = request.policy.embedded_revocation == EmbeddedRevocation::Reveals;
        let mut embedded_responses = Vec::new();
        let whole = encodings.ocsp_responses.iter().map(|der| (der, true));
        let basic = encodings.basic_responses.iter().map(|der| (der, false));
        for (der, is_whole) in whole.chain(basic).filter(|(der, _)| room.take(der)) {
            let decoded = if is_whole { OcspResponse::decode(der).ok() } else { OcspResponse::decode_basic(der).ok() };
            embedded_responses.extend(decoded.map(|mut response| {
                response.embedded =
                    Some(if only_reveals { EmbeddedRevocation::Reveals } else { EmbeddedRevocation::Counts });
                Arc::new(response)
            }));
        }
        let mut together = Self { certificates, crls: None, ocsp_responses: None, embedded_crls, embedded_responses };
        if request.revocation != RevocationMode::Off {
            together.join(request, only_reveals);
        }
        together
    }

    /// Puts the evidence of the caller beside what is embedded.
    fn join(&mut self, request: &ValidationRequest<'_>, only_reveals: bool) {
        if !self.embedded_crls.is_empty() {
            let mut crls = request.evidence.crls.clone();
            for crl in self.embedded_crls.iter().cloned() {
                crls.insert_embedded(crl);
            }
            if !only_reveals {
                crls.let_embedded_count();
            }
            self.crls = Some(crls);
        }
        if !self.embedded_responses.is_empty() {
            let mut responses = request.evidence.ocsp_responses.clone();
            for response in &self.embedded_responses {
                if !responses.iter().any(|known| known.fingerprint() == response.fingerprint()) {
                    responses.push(Arc::clone(response));
                }
            }
            self.ocsp_responses = Some(responses);
        }
    }

    pub fn crls<'s>(&'s self, request: &ValidationRequest<'s>) -> &'s CrlSet {
        self.crls.as_ref().unwrap_or(&request.evidence.crls)
    }

    pub fn ocsp_responses<'s>(&'s self, request: &ValidationRequest<'s>) -> &'s [Arc<OcspResponse>] {
        self.ocsp_responses.as_deref().unwrap_or(&request.evidence.ocsp_responses)
    }
}

/// What may still be looked at, each object once.
struct Room<'a> {
    octets: usize,
    objects: usize,
    seen: HashSet<&'a [u8]>,
}

impl<'a> Room<'a> {
    fn take(&mut self, der: &&'a [u8]) -> bool {
        if self.objects == 0 || der.len() > self.octets || !self.seen.insert(der) {
            return false;
        }
        self.objects -= 1;
        self.octets -= der.len();
        true
    }
}
