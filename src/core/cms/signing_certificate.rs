//! The signing-certificate attributes (RFC 2634 §5.4, RFC 5035 §3): which certificate the signer meant, by digest.

use crate::core::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::core::crypto;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag, writer};
use crate::core::oid;
use crate::core::x509::{Certificate, extension};

/// Certificates one attribute may reference.
const REFERENCE_LIMIT: usize = 16;

/// The first `ESSCertID` or `ESSCertIDv2`, which is the signer's; those that follow name its chain.
#[derive(Clone, Debug)]
pub struct SigningCertificate<'a> {
    pub digest_algorithm: Result<DigestAlgorithm, UnknownAlgorithm>,
    digest: &'a [u8],
    issuer_serial: Option<IssuerSerial<'a>>,
}

/// `IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }`.
#[derive(Clone, Debug)]
struct IssuerSerial<'a> {
    issuer: Tlv<'a>,
    serial_number: &'a [u8],
}

/// Why a certificate is not the one referenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceFault {
    /// The digest algorithm of the reference is unknown.
    UnknownDigest(UnknownAlgorithm),
    Digest,
    IssuerSerial,
}

impl<'a> SigningCertificate<'a> {
    /// Decodes `SigningCertificate` (RFC 2634 §5.4): SHA-1.
    pub fn decode_v1(value: Tlv<'a>) -> Result<Self, DerError> {
        Self::decode(value, |_| Ok(Ok(DigestAlgorithm::Sha1)))
    }

    /// Decodes `SigningCertificateV2` (RFC 5035 §3): SHA-256 unless named.
    pub fn decode_v2(value: Tlv<'a>) -> Result<Self, DerError> {
        Self::decode(value, |fields| match fields.optional(tag::SEQUENCE)? {
            Some(algorithm) => DigestAlgorithm::decode(algorithm),
            None => Ok(Ok(DigestAlgorithm::Sha256)),
        })
    }

    fn decode(
        value: Tlv<'a>,
        digest_algorithm: impl Fn(&mut Reader<'a>) -> Result<Result<DigestAlgorithm, UnknownAlgorithm>, DerError>,
    ) -> Result<Self, DerError> {
        value.of(tag::SEQUENCE)?.read_all(|reader| {
            let list = reader.expect(tag::SEQUENCE)?;
            // Policies: information.
            reader.optional(tag::SEQUENCE)?;
            let mut references = Vec::new();
            let mut members = list.reader();
            while !members.is_empty() {
                if references.len() == REFERENCE_LIMIT {
                    return Err(list.error(DerFault::Limit));
                }
                references.push(members.expect(tag::SEQUENCE)?.read_all(|fields| {
                    let digest_algorithm = digest_algorithm(fields)?;
                    let digest = fields.expect(tag::OCTET_STRING)?.value;
                    let issuer_serial = match fields.optional(tag::SEQUENCE)? {
                        Some(element) => Some(element.read_all(|names| {
                            let issuer = names.expect(tag::SEQUENCE)?;
                            let serial_number = names.expect(tag::INTEGER)?.integer()?;
                            Ok::<_, DerError>(IssuerSerial { issuer, serial_number })
                        })?),
                        None => None,
                    };
                    Ok::<_, DerError>(Self { digest_algorithm, digest, issuer_serial })
                })?);
            }
            references.into_iter().next().ok_or(list.error(DerFault::Value))
        })
    }

    /// Is `certificate` the one referenced (RFC 5035 §5.4.1)?
    pub fn check(&self, certificate: &Certificate) -> Result<(), ReferenceFault> {
        let algorithm = self.digest_algorithm.clone().map_err(ReferenceFault::UnknownDigest)?;
        let digest_matches = match algorithm {
            DigestAlgorithm::Sha256 => self.digest == certificate.fingerprint(),
            other => self.digest == crypto::digest(other, certificate.der()),
        };
        if !digest_matches {
            return Err(ReferenceFault::Digest);
        }
        let Some(issuer_serial) = &self.issuer_serial else { return Ok(()) };
        let names_issuer = issuer_serial.issuer.read_all(|reader| {
            let name = reader.read()?;
            if name.tag == tag::context(4) && name.value == certificate.issuer.der() {
                return Ok(true);
            }
            Ok::<_, DerError>(extension::directory_name(name)?.is_some_and(|name| name == certificate.issuer))
        });
        if issuer_serial.serial_number == certificate.serial_number && names_issuer == Ok(true) {
            Ok(())
        } else {
            Err(ReferenceFault::IssuerSerial)
        }
    }
}

/// The whole signing-certificate-v2 attribute for a certificate: SHA-256, issuer and serial number.
pub fn encode_v2(certificate: &Certificate) -> Vec<u8> {
    let issuer = writer::element(tag::context(4), certificate.issuer.der());
    let serial_number = writer::element(tag::INTEGER, &certificate.serial_number);
    let issuer_serial = writer::sequence(&[&writer::sequence(&[&issuer]), &serial_number]);
    let reference = writer::sequence(&[&writer::octet_string(certificate.fingerprint()), &issuer_serial]);
    let value = writer::sequence(&[&writer::sequence(&[&reference])]);
    super::build::attribute(oid::SIGNING_CERTIFICATE_V2, &value)
}
