//! Building `SignedData` (RFC 5652 §5) with one signer: CAdES B-B (EN 319 122-1 §6.3).
//!
//! Two steps, so that the key may live elsewhere: [`SignedAttributesToSign`] gives the octets to sign,
//! [`assemble`] puts the message around the signature value.

use super::document_reference::DocumentReference;
use super::signing_certificate;
use crate::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::core::der::{tag, writer};
use crate::core::oid;
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// One whole `Attribute` with a single, encoded value.
pub fn attribute(identifier: &[u8], value: &[u8]) -> Vec<u8> {
    writer::sequence(&[&writer::object_identifier(identifier), &writer::element(tag::SET, value)])
}

/// What goes into the signed attributes.
pub struct SignedAttributesToSign<'a> {
    /// The encoded signing-certificate-v2 attribute of the signer ([`signing_certificate::encode_v2`]).
    pub signing_certificate: &'a [u8],
    /// Digest of the content.
    pub message_digest: &'a [u8],
    pub signing_time: Time,
    pub document: Option<&'a DocumentReference>,
}

impl SignedAttributesToSign<'_> {
    /// The DER SET OF Attribute: the octets to sign.
    pub fn encode(&self) -> Vec<u8> {
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, &writer::object_identifier(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, &writer::octet_string(self.message_digest)),
            attribute(oid::SIGNING_TIME, &writer::time(self.signing_time)),
            self.signing_certificate.to_vec(),
        ];
        attributes.extend(self.document.map(DocumentReference::encode));
        writer::set_of(&attributes)
    }
}

/// The signer's constant part of every message: certificates and identifiers, encoded once.
pub struct SignerParts {
    /// `CertificateSet` content: the signer's certificate and its chain, in DER order.
    certificates: Vec<u8>,
    identifier: Vec<u8>,
    signing_certificate: Vec<u8>,
}

impl SignerParts {
    pub fn new(certificate: &Certificate, chain: &[&Certificate]) -> Self {
        let mut certificates = vec![certificate.der()];
        certificates.extend(chain.iter().map(|issuer| issuer.der()));
        certificates.sort_unstable();
        certificates.dedup();
        let serial_number = writer::element(tag::INTEGER, &certificate.serial_number);
        Self {
            certificates: certificates.concat(),
            identifier: writer::sequence(&[certificate.issuer.der(), &serial_number]),
            signing_certificate: signing_certificate::encode_v2(certificate),
        }
    }

    /// The encoded signing-certificate-v2 attribute.
    pub fn signing_certificate(&self) -> &[u8] {
        &self.signing_certificate
    }
}

/// The whole `ContentInfo`. `signed_attributes` is what [`SignedAttributesToSign::encode`] gave; `content` is embedded if given.
pub fn assemble(
    parts: &SignerParts,
    digest_algorithm: DigestAlgorithm,
    signature_algorithm: SignatureAlgorithm,
    signed_attributes: &[u8],
    signature: &[u8],
    content: Option<&[u8]>,
) -> Vec<u8> {
    let version = writer::unsigned(&[1]);
    let digest_identifier = writer::sequence(&[&writer::object_identifier(digest_algorithm.oid())]);
    let data = writer::object_identifier(oid::DATA);
    let encapsulated = match content {
        Some(content) => {
            let mut octets = Vec::with_capacity(6);
            writer::push_header(&mut octets, tag::OCTET_STRING, content.len());
            let explicit = writer::concatenated(tag::context(0), &[&octets, content]);
            writer::sequence(&[&data, &explicit])
        }
        None => writer::sequence(&[&data]),
    };
    let mut implicit_attributes = signed_attributes.to_vec();
    implicit_attributes[0] = tag::context(0);
    let signer_info = writer::sequence(&[
        &version,
        &parts.identifier,
        &digest_identifier,
        &implicit_attributes,
        &signature_algorithm.encode(),
        &writer::octet_string(signature),
    ]);
    let signed_data = writer::sequence(&[
        &version,
        &writer::element(tag::SET, &digest_identifier),
        &encapsulated,
        &writer::element(tag::context(0), &parts.certificates),
        &writer::element(tag::SET, &signer_info),
    ]);
    let signed_data = writer::element(tag::context(0), &signed_data);
    writer::sequence(&[&writer::object_identifier(oid::SIGNED_DATA), &signed_data])
}
