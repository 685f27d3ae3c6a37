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
    /// Of the content; content octets of its identifier.
    pub content_type: &'a [u8],
    /// The encoded signing-certificate-v2 attribute of the signer ([`signing_certificate::encode_v2`]).
    pub signing_certificate: &'a [u8],
    /// Digest of the content.
    pub message_digest: &'a [u8],
    /// `None`: left out, as in a PDF, which says it elsewhere (EN 319 142-1 §6.3).
    pub signing_time: Option<Time>,
    pub document: Option<&'a DocumentReference>,
}

impl SignedAttributesToSign<'_> {
    /// The DER SET OF Attribute: the octets to sign.
    pub fn encode(&self) -> Vec<u8> {
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, &writer::object_identifier(self.content_type)),
            attribute(oid::MESSAGE_DIGEST, &writer::octet_string(self.message_digest)),
            self.signing_certificate.to_vec(),
        ];
        attributes.extend(self.signing_time.map(|time| attribute(oid::SIGNING_TIME, &writer::time(time))));
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

    /// Octets that stand in every message: certificates, identifier, signing-certificate-v2.
    pub const fn length(&self) -> usize {
        self.certificates.len() + self.identifier.len() + self.signing_certificate.len()
    }

    /// The encoded signing-certificate-v2 attribute.
    pub fn signing_certificate(&self) -> &[u8] {
        &self.signing_certificate
    }
}

/// What stands in a message beside what its signer always says.
pub struct MessageToAssemble<'a> {
    /// Content octets of its identifier.
    pub content_type: &'a [u8],
    /// Embedded if given.
    pub content: Option<&'a [u8]>,
    pub digest_algorithm: DigestAlgorithm,
    pub signature_algorithm: SignatureAlgorithm,
    /// What [`SignedAttributesToSign::encode`] gave.
    pub signed_attributes: &'a [u8],
    pub signature: &'a [u8],
    /// The signer's certificate and its chain are embedded.
    pub with_certificates: bool,
}

/// The whole `ContentInfo`.
pub fn assemble(parts: &SignerParts, message: &MessageToAssemble<'_>) -> Vec<u8> {
    let digest_identifier = writer::sequence(&[&writer::object_identifier(message.digest_algorithm.oid())]);
    let content_type = writer::object_identifier(message.content_type);
    let encapsulated = match message.content {
        Some(content) => {
            let mut octets = Vec::with_capacity(6);
            writer::push_header(&mut octets, tag::OCTET_STRING, content.len());
            let explicit = writer::concatenated(tag::context(0), &[&octets, content]);
            writer::sequence(&[&content_type, &explicit])
        }
        None => writer::sequence(&[&content_type]),
    };
    let mut implicit_attributes = message.signed_attributes.to_vec();
    implicit_attributes[0] = tag::context(0);
    let signer_info = writer::sequence(&[
        &writer::unsigned(&[1]),
        &parts.identifier,
        &digest_identifier,
        &implicit_attributes,
        &message.signature_algorithm.encode(),
        &writer::octet_string(message.signature),
    ]);
    let certificates = message.with_certificates.then(|| writer::element(tag::context(0), &parts.certificates));
    // RFC 5652 §5.1: 3 where the content is anything but data.
    let version = if message.content_type == oid::DATA { 1 } else { 3 };
    let signed_data = writer::sequence(&[
        &writer::unsigned(&[version]),
        &writer::element(tag::SET, &digest_identifier),
        &encapsulated,
        &certificates.unwrap_or_default(),
        &writer::element(tag::SET, &signer_info),
    ]);
    let signed_data = writer::element(tag::context(0), &signed_data);
    writer::sequence(&[&writer::object_identifier(oid::SIGNED_DATA), &signed_data])
}
