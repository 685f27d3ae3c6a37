//! OCSP requests (RFC 6960 §4.1) about one certificate, unsigned, and the nonce that ties a response to its request (RFC 9654).

use super::Certificate;
use super::extension;
use super::ocsp::{OcspResponse, key_bits};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto;
use crate::core::der::{DerError, Reader, tag, writer};
use crate::core::oid;

/// The media type of a request (RFC 6960 appendix A.1).
pub const MEDIA_TYPE: &str = "application/ocsp-request";

/// Encodes `OCSPRequest` with the certificate's `CertID` by SHA-1, which every responder knows and which proves nothing here,
/// and with a nonce if one is given; `None` if the issuer's key has no readable form.
pub fn encode(certificate: &Certificate, issuer: &Certificate, nonce: Option<&[u8]>) -> Option<Vec<u8>> {
    let algorithm = DigestAlgorithm::Sha1;
    let certificate_id = writer::sequence(&[
        &writer::sequence(&[&writer::object_identifier(algorithm.oid()), &writer::element(tag::NULL, &[])]),
        &writer::octet_string(&crypto::digest(algorithm, certificate.issuer.der())),
        &writer::octet_string(&crypto::digest(algorithm, key_bits(issuer)?)),
        &writer::element(tag::INTEGER, &certificate.serial_number),
    ]);
    let requests = writer::sequence(&[&writer::sequence(&[&certificate_id])]);
    let extensions = nonce.map(|nonce| {
        let value = writer::octet_string(&writer::octet_string(nonce));
        let extension = writer::sequence(&[&writer::object_identifier(oid::OCSP_NONCE), &value]);
        writer::element(tag::context(2), &writer::sequence(&[&extension]))
    });
    let to_be_signed = writer::sequence(&[&requests, &extensions.unwrap_or_default()]);
    Some(writer::sequence(&[&to_be_signed]))
}

/// The nonce of a response, if it has one.
pub fn nonce(response: &OcspResponse) -> Result<Option<Vec<u8>>, DerError> {
    let mut fields = Reader::single(response.to_be_signed(), tag::SEQUENCE)?.reader();
    // Responder, time, statuses.
    for _ in 0..3 {
        fields.read()?;
    }
    let Some(field) = fields.optional(tag::context(1))? else { return Ok(None) };
    let extensions = extension::decode_all(field.inner(tag::SEQUENCE)?)?;
    let found = extensions.iter().find(|extension| extension.oid == oid::OCSP_NONCE);
    found.map(|extension| Ok(Reader::single(extension.value, tag::OCTET_STRING)?.value.to_vec())).transpose()
}
