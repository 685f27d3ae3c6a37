//! Certificates (RFC 5280 §4.1).

use std::sync::OnceLock;

use serde_json::value::RawValue;

use super::extension::CertificateExtensions;
use super::name::Name;
use super::signed::{self, Signed, SignedParts};
use crate::core::crypto::{KeyFault, PublicKey};
use crate::core::der::{DerError, DerFault, ber, tag};
use crate::core::oid;
use crate::core::time::Time;

/// Octets of the largest certificate accepted.
pub const CERTIFICATE_LIMIT: usize = 64 * 1024;
/// Octets of the longest serial number (RFC 5280 §4.1.2.2 allows 20; older authorities wrote a little more).
const SERIAL_NUMBER_LIMIT: usize = 64;

/// A decoded certificate. Decoding proves form only; nothing about it is verified.
pub struct Certificate {
    signed: Signed,
    /// 1 to 3.
    pub version: u8,
    /// Content octets, two's complement.
    pub serial_number: Vec<u8>,
    pub issuer: Name,
    pub subject: Name,
    pub not_before: Time,
    pub not_after: Time,
    pub extensions: CertificateExtensions,
    subject_public_key_info: std::ops::Range<usize>,
    public_key: OnceLock<Result<PublicKey, KeyFault>>,
    texts: OnceLock<Texts>,
    rendered: OnceLock<Box<RawValue>>,
    /// Not DER, or an extension or the signature does not decode: looked into, and never part of a valid path.
    pub encoding_fault: Option<DerError>,
}

/// What every report about a certificate repeats, written when first asked for.
struct Texts {
    fingerprint: String,
    serial_number: String,
    display_name: String,
}

impl Certificate {
    /// Decodes the one DER certificate that `der` consists of.
    pub fn decode(der: &[u8]) -> Result<Self, DerError> {
        let decoded = Self::decode_fields(der)?;
        decoded.encoding_fault.map_or(Ok(decoded), Err)
    }

    /// As [`Certificate::decode`]; a certificate in BER, or with an extension or signature that does not decode, is decoded too and bears its
    /// [`Certificate::encoding_fault`], so that a signature made with its key is still judged.
    pub fn decode_tolerant(bytes: &[u8]) -> Result<Self, DerError> {
        Self::decode_fields(bytes).or_else(|fault| {
            if bytes.len() > CERTIFICATE_LIMIT {
                return Err(fault);
            }
            let normalised = ber::normalise_element(bytes).map_err(|_| fault)?;
            let decoded = Self::decode_fields(&normalised).map_err(|_| fault)?;
            Ok(Self { signed: decoded.signed.received_as(bytes), encoding_fault: Some(fault), ..decoded })
        })
    }

    /// Decodes everything; a fault inside the extensions or the signature is noted, any other is an error.
    fn decode_fields(der: &[u8]) -> Result<Self, DerError> {
        let parts = SignedParts::decode(der, CERTIFICATE_LIMIT)?;
        let mut fields = parts.to_be_signed.reader();
        let version = match fields.optional(tag::context(0))? {
            // DER leaves the default out (X.690 §11.5): a written version is 2 or 3.
            Some(field) => match field.inner(tag::INTEGER)?.small()? {
                number @ 1..=2 => number as u8 + 1,
                _ => return Err(field.error(DerFault::Value)),
            },
            None => 1,
        };
        let serial = fields.expect(tag::INTEGER)?;
        let serial_number = serial.integer()?;
        if serial_number.len() > SERIAL_NUMBER_LIMIT {
            return Err(serial.error(DerFault::Limit));
        }
        parts.expect_same_algorithm(&mut fields)?;
        let issuer = Name::decode(fields.read()?)?;
        let (not_before, not_after) = fields
            .expect(tag::SEQUENCE)?
            .read_all(|validity| Ok::<_, DerError>((validity.read()?.time()?, validity.read()?.time()?)))?;
        let subject = Name::decode(fields.read()?)?;
        let info = fields.expect(tag::SEQUENCE)?;
        for unique_identifier in 1..=2 {
            let field = fields.optional(tag::context_primitive(unique_identifier))?;
            if let Some(field) = field.filter(|_| version == 1) {
                return Err(field.error(DerFault::UnexpectedTag));
            }
        }
        let extensions = match fields.optional(tag::context(3))? {
            Some(field) if version != 3 => return Err(field.error(DerFault::UnexpectedTag)),
            Some(field) => CertificateExtensions::decode(field.inner(tag::SEQUENCE)?),
            None => Ok(CertificateExtensions::default()),
        };
        fields.finish()?;
        let encoding_fault = parts.signature_fault().or(extensions.as_ref().err().copied());

        Ok(Self {
            signed: parts.keep(der)?,
            version,
            serial_number: serial_number.to_vec(),
            issuer,
            subject,
            not_before,
            not_after,
            subject_public_key_info: signed::position(der, info.raw),
            public_key: OnceLock::new(),
            texts: OnceLock::new(),
            rendered: OnceLock::new(),
            encoding_fault,
            extensions: extensions.unwrap_or_default(),
        })
    }

    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.der()[self.subject_public_key_info.clone()]
    }

    /// The content of the `subjectPublicKey` BIT STRING: the key itself, whatever is said of its use.
    pub fn subject_public_key(&self) -> Option<&[u8]> {
        let mut fields =
            super::super::der::Reader::single(self.subject_public_key_info(), tag::SEQUENCE).ok()?.reader();
        fields.read().ok()?;
        fields.read().ok()?.bit_string_octets().ok()
    }

    /// The subject's key; taken apart once.
    pub fn public_key(&self) -> Result<&PublicKey, &KeyFault> {
        self.public_key.get_or_init(|| PublicKey::decode(self.subject_public_key_info())).as_ref()
    }

    /// Subject and issuer are the same name (RFC 5280 §3.2); says nothing about the key.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// `basicConstraints` says that the subject is a CA.
    pub fn is_ca(&self) -> bool {
        self.extensions.basic_constraints.is_some_and(|constraints| constraints.ca)
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let attribute = |of| self.subject.attribute(of);
            let display_name = attribute(oid::COMMON_NAME).or_else(|| attribute(oid::ORGANIZATION));
            Texts {
                fingerprint: hex::encode(self.fingerprint()),
                serial_number: hex::encode(&self.serial_number),
                display_name: display_name.unwrap_or_else(|| self.subject.to_string()),
            }
        })
    }

    /// SHA-256 of the encoding, in lowercase hexadecimal digits.
    pub fn fingerprint_text(&self) -> &str {
        &self.texts().fingerprint
    }

    /// The serial number's octets in lowercase hexadecimal digits.
    pub fn serial_number_text(&self) -> &str {
        &self.texts().serial_number
    }

    /// The certificate as answers repeat it, rendered when first asked for.
    pub fn rendered(&self, render: impl FnOnce(&Self) -> Box<RawValue>) -> &RawValue {
        self.rendered.get_or_init(|| render(self))
    }

    /// The name to show for the subject: its common name, else organisation, else the whole name.
    pub fn display_name(&self) -> &str {
        &self.texts().display_name
    }
}

/// A certificate is a signed object: its encoding, fingerprint, signed octets and signature.
impl std::ops::Deref for Certificate {
    type Target = Signed;

    fn deref(&self) -> &Signed {
        &self.signed
    }
}

/// Two certificates are one if their encodings are.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Certificate({}, {})", self.subject, hex::encode(&self.serial_number))
    }
}
