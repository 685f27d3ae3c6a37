//! `SignedData` (RFC 5652 §5), decoded from strict DER without copies.

use std::cell::{LazyCell, OnceCell};
use std::sync::Arc;

use crate::core::algorithm::{AlgorithmIdentifier, DigestAlgorithm, UnknownAlgorithm};
use crate::core::der::{DerError, DerFault, Reader, Tlv, ber, tag};
use crate::core::foreign;
use crate::core::oid;
use crate::core::x509::{Certificate, Name, certificate};

/// Signers in one message.
pub const SIGNER_LIMIT: usize = 32;
/// Certificates in one message.
const CERTIFICATE_LIMIT: usize = 256;
/// CRLs in one message.
const CRL_LIMIT: usize = 64;
/// Digest algorithms named in one message.
const DIGEST_LIMIT: usize = 32;

/// Why bytes are not one `SignedData`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CmsError {
    /// Not the structure of RFC 5652 §3 and §5.1.
    Encoding(DerError),
    /// A `ContentInfo` that holds something else; its dotted content type.
    OtherContent(String),
    /// More members than the named limit allows.
    Limit(&'static str),
}

impl From<DerError> for CmsError {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

impl std::fmt::Display for CmsError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encoding(error) => write!(formatter, "not a CMS SignedData: {error}"),
            Self::OtherContent(identifier) => write!(formatter, "CMS content of type {identifier}, not SignedData"),
            Self::Limit(what) => write!(formatter, "more {what} than one message may carry"),
        }
    }
}

impl std::error::Error for CmsError {}

/// A decoded message. Nothing in it is verified.
#[derive(Debug)]
pub struct SignedData<'a> {
    /// `None`: no small number.
    pub version: Option<u32>,
    /// The message before and after the content.
    around_content: [&'a [u8]; 2],
    holds_document: OnceCell<bool>,
    pub digest_algorithms: Vec<Result<DigestAlgorithm, UnknownAlgorithm>>,
    /// Content octets of `eContentType`.
    pub content_type: &'a [u8],
    /// The whole `eContentType` and the whole `encapContentInfo`, which archive time-stamps are over.
    pub content_type_raw: &'a [u8],
    pub encap_content_info: &'a [u8],
    /// `eContent`; absent in a detached signature.
    pub content: Option<&'a [u8]>,
    /// Encodings of the X.509 certificates; other kinds are passed over.
    pub certificates: Vec<&'a [u8]>,
    /// Encodings of the CRLs.
    pub crls: Vec<&'a [u8]>,
    /// Encodings of the OCSP responses (RFC 5940 §2); other revocation data are passed over.
    pub ocsp_responses: Vec<&'a [u8]>,
    /// The whole `certificates` and `crls` fields.
    pub certificate_set: Option<Tlv<'a>>,
    pub crl_set: Option<Tlv<'a>>,
    pub signer_infos: Vec<SignerInfo<'a>>,
}

/// `SignerInfo` (RFC 5652 §5.3).
#[derive(Debug)]
pub struct SignerInfo<'a> {
    /// `None`: no small number.
    pub version: Option<u32>,
    pub identifier: SignerIdentifier<'a>,
    pub digest_algorithm: Result<DigestAlgorithm, UnknownAlgorithm>,
    /// From `version` to `signature`, as encoded.
    pub signed_part: &'a [u8],
    /// The whole `digestAlgorithm`, for RFC 6211.
    pub digest_algorithm_raw: &'a [u8],
    /// The `[0]` element, undecoded.
    pub signed_attributes: Option<Tlv<'a>>,
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    pub signature: &'a [u8],
    /// The `[1]` element, undecoded.
    pub unsigned_attributes: Option<Tlv<'a>>,
    /// It stands in an unsigned attribute, over the value of another signature (RFC 5652 §11.4).
    pub is_countersignature: bool,
}

/// `SignerIdentifier`.
#[derive(Clone, Copy, Debug)]
pub enum SignerIdentifier<'a> {
    IssuerAndSerialNumber { issuer: Tlv<'a>, serial_number: &'a [u8] },
    SubjectKeyIdentifier(&'a [u8]),
}

impl SignerIdentifier<'_> {
    /// Which of `certificates` it names: by issuer *and* serial number, or by the subject key identifier extension. The issuer's
    /// name, whose length the message decides, is taken apart once.
    pub fn named<'c>(&self, certificates: &'c [Arc<Certificate>]) -> Vec<&'c Arc<Certificate>> {
        match self {
            Self::IssuerAndSerialNumber { issuer, serial_number } => {
                // A name longer than any certificate is in none.
                if issuer.raw.len() > certificate::CERTIFICATE_LIMIT {
                    return Vec::new();
                }
                let name = LazyCell::new(|| Name::decode(*issuer).ok());
                // Almost always the name is written as in the certificate.
                let same_issuer = |certificate: &Certificate| {
                    certificate.issuer.der() == issuer.raw || name.as_ref() == Some(&certificate.issuer)
                };
                let named = |certificate: &&Arc<Certificate>| {
                    certificate.serial_number == *serial_number && same_issuer(certificate)
                };
                certificates.iter().filter(named).collect()
            }
            Self::SubjectKeyIdentifier(identifier) => {
                let own = |certificate: &Arc<Certificate>| {
                    certificate.extensions.subject_key_identifier.as_deref() == Some(*identifier)
                };
                certificates.iter().filter(|certificate| own(certificate)).collect()
            }
        }
    }
}

impl<'a> SignedData<'a> {
    /// Decodes the one DER `ContentInfo` that `bytes` consists of. For a BER envelope, normalise it first
    /// ([`crate::core::der::ber::normalise_content_info`]).
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CmsError> {
        let outer = Reader::single(bytes, tag::SEQUENCE)?;
        let mut reader = outer.reader();
        let content_type = reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
        if content_type != oid::SIGNED_DATA {
            return Err(CmsError::OtherContent(oid::dotted(content_type)));
        }
        let content = reader.expect(tag::context(0))?;
        reader.finish()?;
        let mut message = content.inner(tag::SEQUENCE)?.read_all(Self::decode_fields)?;
        message.around_content = match message.content {
            Some(content) => {
                // The content is a part of `bytes`.
                let start = content.as_ptr() as usize - bytes.as_ptr() as usize;
                [&bytes[..start], &bytes[start + content.len()..]]
            }
            None => [bytes, &[]],
        };
        Ok(message)
    }

    /// Does what stands around the content hold another kind of document?
    pub fn holds_document_around_content(&self) -> bool {
        *self.holds_document.get_or_init(|| self.around_content.into_iter().any(foreign::holds_document))
    }

    fn decode_fields(reader: &mut Reader<'a>) -> Result<Self, CmsError> {
        let version = version(reader)?;
        let digest_algorithms = members(reader.expect(tag::SET)?, DIGEST_LIMIT, "digest algorithms")?;
        let digest_algorithms = digest_algorithms.into_iter().map(DigestAlgorithm::decode).collect::<Result<_, _>>()?;
        let encap_content_info = reader.expect(tag::SEQUENCE)?;
        let (content_type, content) = encap_content_info.read_all(|encapsulated| {
            let content_type = encapsulated.expect(tag::OBJECT_IDENTIFIER)?;
            content_type.object_identifier()?;
            let content = match encapsulated.optional(tag::context(0))? {
                Some(field) => Some(field.inner(tag::OCTET_STRING)?.value),
                None => None,
            };
            Ok::<_, DerError>((content_type, content))
        })?;
        let certificate_set = reader.optional(tag::context(0))?;
        let certificates = match certificate_set {
            Some(field) => members(field, CERTIFICATE_LIMIT, "certificates")?,
            None => Vec::new(),
        };
        let crl_set = reader.optional(tag::context(1))?;
        let crls = match crl_set {
            Some(field) => members(field, CRL_LIMIT, "CRLs")?,
            None => Vec::new(),
        };
        // CertificateChoices and RevocationInfoChoice (RFC 5652 §10.2.2, §10.2.1).
        check_choices(&certificates, &[tag::SEQUENCE, 0xA0, 0xA1, 0xA2, 0xA3])?;
        check_choices(&crls, &[tag::SEQUENCE, 0xA1])?;
        let signer_infos = members(reader.expect(tag::SET)?, SIGNER_LIMIT, "signers")?;
        let signer_infos = signer_infos.into_iter().map(SignerInfo::decode).collect::<Result<_, _>>()?;
        let ocsp_responses = crls.iter().filter_map(|member| ocsp_response(*member)).collect();
        let sequences = |elements: Vec<Tlv<'a>>| {
            elements.into_iter().filter(|element| element.tag == tag::SEQUENCE).map(|element| element.raw).collect()
        };
        Ok(Self {
            version,
            around_content: [&[], &[]],
            holds_document: OnceCell::new(),
            digest_algorithms,
            content_type: content_type.value,
            content_type_raw: content_type.raw,
            encap_content_info: encap_content_info.raw,
            content,
            certificates: sequences(certificates),
            crls: sequences(crls),
            ocsp_responses,
            certificate_set,
            crl_set,
            signer_infos,
        })
    }
}

impl<'a> SignerInfo<'a> {
    fn decode(element: Tlv<'a>) -> Result<Self, DerError> {
        element.of(tag::SEQUENCE)?.read_all(|reader| {
            let version = version(reader)?;
            let sid = reader.read()?;
            let identifier = match sid.tag {
                tag::SEQUENCE => sid.read_all(|fields| {
                    let issuer = fields.expect(tag::SEQUENCE)?;
                    let serial_number = fields.expect(tag::INTEGER)?.integer()?;
                    Ok::<_, DerError>(SignerIdentifier::IssuerAndSerialNumber { issuer, serial_number })
                })?,
                0x80 => SignerIdentifier::SubjectKeyIdentifier(sid.value),
                _ => return Err(sid.error(DerFault::UnexpectedTag)),
            };
            let digest_algorithm = reader.expect(tag::SEQUENCE)?;
            let signed_attributes = reader.optional(tag::context(0))?;
            let signature_algorithm = AlgorithmIdentifier::decode(reader.read()?)?;
            let signature = reader.expect(tag::OCTET_STRING)?;
            // Both are parts of the message.
            let end = signature.raw.as_ptr() as usize + signature.raw.len() - element.value.as_ptr() as usize;
            let unsigned_attributes = reader.optional(tag::context(1))?;
            if let Some(field) = unsigned_attributes {
                check_unsigned_attributes(field)?;
            }
            Ok(Self {
                version,
                identifier,
                digest_algorithm: DigestAlgorithm::decode(digest_algorithm)?,
                signed_part: &element.value[..end],
                digest_algorithm_raw: digest_algorithm.raw,
                signed_attributes,
                signature_algorithm,
                signature: signature.value,
                unsigned_attributes,
                is_countersignature: false,
            })
        })
    }
}

/// An unsigned `Attribute` (RFC 5652 §5.3).
#[derive(Clone, Debug)]
pub struct UnsignedAttribute<'a> {
    /// The whole attribute.
    pub raw: &'a [u8],
    /// Its whole type, and the content octets of it.
    pub type_raw: &'a [u8],
    pub identifier: &'a [u8],
    /// Each a whole element in BER.
    pub values: Vec<&'a [u8]>,
}

impl<'a> SignerInfo<'a> {
    /// Decodes the one DER `SignerInfo` that the value of a counter-signature attribute is.
    pub fn decode_countersignature(value: &'a [u8]) -> Result<Self, DerError> {
        Ok(Self { is_countersignature: true, ..Self::decode(Reader::single(value, tag::SEQUENCE)?)? })
    }

    /// In their order.
    pub fn unsigned(&self) -> Vec<UnsignedAttribute<'a>> {
        let mut found = Vec::new();
        let mut list = self.unsigned_attributes.map(|field| field.reader());
        // All of it was read when the signer was decoded.
        while let Some(Ok(attribute)) = list.as_mut().filter(|list| !list.is_empty()).map(Reader::read) {
            let read = attribute.read_all(|fields| {
                let identifier = fields.expect(tag::OBJECT_IDENTIFIER)?;
                let values = ber::elements(fields.expect(tag::SET)?.value).unwrap_or_default();
                let (type_raw, identifier) = (identifier.raw, identifier.value);
                Ok::<_, DerError>(UnsignedAttribute { raw: attribute.raw, type_raw, identifier, values })
            });
            found.extend(read);
        }
        found
    }

    /// The values of every unsigned attribute of this type, each a whole element in BER.
    pub fn unsigned_values(&self, identifier: &[u8]) -> Vec<&'a [u8]> {
        let own = self.unsigned().into_iter().filter(|attribute| attribute.identifier == identifier);
        own.flat_map(|attribute| attribute.values).collect()
    }
}

/// The `OCSPResponse` in an `OtherRevocationInfoFormat` (RFC 5652 §10.2.1, RFC 5940 §2.1).
fn ocsp_response(member: Tlv<'_>) -> Option<&[u8]> {
    let mut fields = member.of(tag::context(1)).ok()?.reader();
    let format = fields.expect(tag::OBJECT_IDENTIFIER).ok()?;
    let response = fields.expect(tag::SEQUENCE).ok()?;
    (format.value == oid::OCSP_RESPONSE_FORMAT && fields.is_empty()).then_some(response.raw)
}

/// `CMSVersion`.
fn version(reader: &mut Reader<'_>) -> Result<Option<u32>, DerError> {
    let version = reader.expect(tag::INTEGER)?;
    version.integer()?;
    Ok(version.small().ok())
}

/// Each is an `Attribute` (RFC 5652 §5.3); its values are whole elements, in BER as others made them (time-stamp tokens).
fn check_unsigned_attributes(field: Tlv<'_>) -> Result<(), DerError> {
    let mut list = field.reader();
    while !list.is_empty() {
        list.expect(tag::SEQUENCE)?.read_all(|attribute| {
            attribute.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let values = attribute.expect(tag::SET)?;
            ber::elements(values.value).map(drop).map_err(|fault| values.error(fault))
        })?;
    }
    Ok(())
}

/// Fails unless each member has one of the tags of its CHOICE.
fn check_choices(members: &[Tlv<'_>], tags: &[u8]) -> Result<(), DerError> {
    match members.iter().find(|member| !tags.contains(&member.tag)) {
        Some(other) => Err(other.error(DerFault::UnexpectedTag)),
        None => Ok(()),
    }
}

/// The members of a set, counted.
fn members<'a>(set: Tlv<'a>, limit: usize, what: &'static str) -> Result<Vec<Tlv<'a>>, CmsError> {
    let mut members = Vec::new();
    let mut reader = set.reader();
    while !reader.is_empty() {
        if members.len() == limit {
            return Err(CmsError::Limit(what));
        }
        members.push(reader.read()?);
    }
    Ok(members)
}
