//! OCSP requests (RFC 6960 §4.1): about one certificate, unsigned, with a nonce (RFC 9654).

use super::certificate::Certificate;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto;
use crate::core::der::{tag, writer};
use crate::core::oid;

/// The media type of a request (RFC 6960 appendix A.1).
pub const MEDIA_TYPE: &str = "application/ocsp-request";
/// Octets of a nonce (RFC 9654 §2.1); whoever asks draws them at random for each request.
pub const NONCE_LENGTH: usize = 32;

/// An `OCSPRequest` in DER about `certificate`, which `issuer` issued, named by digests of `algorithm`, with a nonce if one is given.
/// `None` if the issuer's key cannot be taken apart.
pub fn build(
    certificate: &Certificate,
    issuer: &Certificate,
    algorithm: DigestAlgorithm,
    nonce: Option<&[u8; NONCE_LENGTH]>,
) -> Option<Vec<u8>> {
    let certificate_id = writer::sequence(&[
        // With NULL as parameters, which every responder reads (RFC 8017 B.1).
        &writer::sequence(&[&writer::object_identifier(algorithm.oid()), &[tag::NULL, 0]]),
        &writer::octet_string(&crypto::digest(algorithm, certificate.issuer.der())),
        &writer::octet_string(&crypto::digest(algorithm, issuer.subject_public_key()?)),
        &writer::element(tag::INTEGER, &certificate.serial_number),
    ]);
    let requests = writer::sequence(&[&writer::sequence(&[&certificate_id])]);
    let extensions = nonce.map(|nonce| {
        let nonce = writer::octet_string(&writer::octet_string(nonce));
        let extension = writer::sequence(&[&writer::object_identifier(oid::OCSP_NONCE), &nonce]);
        writer::element(tag::context(2), &writer::sequence(&[&extension]))
    });
    Some(writer::sequence(&[&writer::sequence(&[&requests, &extensions.unwrap_or_default()])]))
}
