//! Signed attributes (RFC 5652 §5.3, §11; EN 319 122-1 §5.2): each type at most once, each of those used here with exactly one
//! value, all in DER.

use std::borrow::Cow;

use super::document_reference::DocumentReference;
use super::signing_certificate::SigningCertificate;
use crate::core::algorithm::{AlgorithmIdentifier, DigestAlgorithm};
use crate::core::der::{DerError, DerFault, Tlv, reader, tag, writer};
use crate::core::oid;
use crate::core::time::Time;

/// Attributes one signer may carry.
const ATTRIBUTE_LIMIT: usize = 64;
/// Levels of nesting inside an attribute.
const DEPTH: usize = 24;

/// Why signed attributes break the format. Each is a FORMAT_FAILURE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeFault {
    /// Not DER, or not the structure of RFC 5652 §5.3.
    Encoding(DerError),
    /// An attribute type occurs twice; the name of the type if it is known here.
    Twice(&'static str),
    /// The attribute is missing.
    Missing(&'static str),
    /// The attribute has no value or several, or one that is not of its type.
    Value(&'static str),
}

impl From<DerError> for AttributeFault {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

/// The decoded signed attributes of one signer.
#[derive(Debug)]
pub struct SignedAttributes<'a> {
    /// Content octets; empty in a counter-signature, which is over no content.
    pub content_type: &'a [u8],
    pub message_digest: &'a [u8],
    pub signing_time: Option<Time>,
    /// signing-certificate (ESS, by SHA-1).
    pub signing_certificate: Option<SigningCertificate<'a>>,
    /// signing-certificate-v2.
    pub signing_certificate_v2: Option<SigningCertificate<'a>>,
    pub algorithm_protection: Option<AlgorithmProtection<'a>>,
    pub document_reference: Option<DocumentReference>,
    /// Tokens over the content (EN 319 122-1 §5.2.8), as encoded.
    pub content_time_stamps: Vec<&'a [u8]>,
    /// `adbe-revocationInfoArchival`, as encoded (ISO 32000-2 §12.8.3.3.2).
    pub revocation_archival: Option<&'a [u8]>,
    /// The attributes stood in another order than DER demands; they are hashed in DER order (RFC 5652 §5.4).
    pub reordered: bool,
    /// The octets the signature is over: the DER encoding with the SET OF tag.
    signed_octets: Cow<'a, [u8]>,
}

/// `CMSAlgorithmProtection` (RFC 6211 §2), its two algorithms as encoded, the second with its implicit tag.
#[derive(Clone, Copy, Debug)]
pub struct AlgorithmProtection<'a> {
    digest_algorithm: AlgorithmIdentifier<'a>,
    /// `[1] IMPLICIT`: compared by content.
    signature_algorithm: Option<Tlv<'a>>,
}

impl AlgorithmProtection<'_> {
    /// Both algorithms are those of the SignerInfo (RFC 6211 §3). An absent and a NULL parameter of a digest are one (RFC 5754 §2).
    pub fn fits(&self, digest_algorithm: DigestAlgorithm, signature_algorithm: &AlgorithmIdentifier<'_>) -> bool {
        let digest_fits =
            self.digest_algorithm.oid == digest_algorithm.oid() && self.digest_algorithm.parameters_absent_or_null();
        let Some(own) = self.signature_algorithm else { return false };
        let content = |raw: &[u8]| reader::Reader::new(raw).read().map(|element| element.value.to_vec());
        digest_fits && content(signature_algorithm.raw).is_ok_and(|given| given == own.value)
    }
}

impl<'a> SignedAttributes<'a> {
    /// Decodes the `[0] IMPLICIT SET OF Attribute` of a SignerInfo.
    pub fn decode(element: Tlv<'a>) -> Result<Self, AttributeFault> {
        Self::decode_of(element, false)
    }

    /// Of a counter-signature: the same without content-type, which must not be there (RFC 5652 §11.4).
    pub fn decode_countersignature(element: Tlv<'a>) -> Result<Self, AttributeFault> {
        Self::decode_of(element, true)
    }

    fn decode_of(element: Tlv<'a>, is_countersignature: bool) -> Result<Self, AttributeFault> {
        reader::check_canonical(element.raw, DEPTH)?;
        let mut encodings: Vec<&[u8]> = Vec::with_capacity(8);
        let mut attributes: Vec<(&[u8], Tlv<'a>)> = Vec::with_capacity(8);
        let mut list = element.reader();
        while !list.is_empty() {
            let attribute = list.expect(tag::SEQUENCE)?;
            let (identifier, values) = attribute.read_all(|fields| {
                Ok::<_, DerError>((
                    fields.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?,
                    fields.expect(tag::SET)?,
                ))
            })?;
            // One for each token, of some products (EN 319 122-1 §6.3).
            let may_recur = identifier == oid::CONTENT_TIME_STAMP;
            if !may_recur && attributes.iter().any(|(earlier, _)| *earlier == identifier) {
                return Err(AttributeFault::Twice(attribute_name(identifier)));
            }
            if attributes.len() == ATTRIBUTE_LIMIT {
                return Err(attribute.error(DerFault::Limit).into());
            }
            if values.value.is_empty() {
                return Err(AttributeFault::Value(attribute_name(identifier)));
            }
            attributes.push((identifier, values));
            encodings.push(attribute.raw);
        }
        let mut content_time_stamps = Vec::new();
        for (_, values) in attributes.iter().filter(|(found, _)| *found == oid::CONTENT_TIME_STAMP) {
            let mut tokens = values.reader();
            while !tokens.is_empty() {
                content_time_stamps.push(tokens.read()?.raw);
            }
        }
        let value = |identifier: &[u8]| -> Result<Option<Tlv<'a>>, AttributeFault> {
            let Some((_, values)) = attributes.iter().find(|(found, _)| *found == identifier) else { return Ok(None) };
            let single = values.read_all(|reader| reader.read());
            single.map(Some).map_err(|_| AttributeFault::Value(attribute_name(identifier)))
        };
        let required =
            |identifier: &[u8]| value(identifier)?.ok_or(AttributeFault::Missing(attribute_name(identifier)));
        let of_type = |identifier| move |_| AttributeFault::Value(attribute_name(identifier));

        let content_type = match (is_countersignature, value(oid::CONTENT_TYPE)?) {
            (true, None) => None,
            (true, Some(_)) => return Err(AttributeFault::Value(attribute_name(oid::CONTENT_TYPE))),
            (false, _) => Some(required(oid::CONTENT_TYPE)?),
        };
        let message_digest = required(oid::MESSAGE_DIGEST)?;
        let reordered = !encodings.is_sorted();
        let signed_octets = if reordered {
            Cow::Owned(writer::set_of(&encodings))
        } else {
            let mut octets = element.raw.to_vec();
            octets[0] = tag::SET;
            Cow::Owned(octets)
        };
        let optional = |identifier: &'static [u8]| value(identifier);
        Ok(Self {
            content_type: match content_type {
                Some(content_type) => content_type.object_identifier().map_err(of_type(oid::CONTENT_TYPE))?,
                None => &[],
            },
            message_digest: message_digest.of(tag::OCTET_STRING).map_err(of_type(oid::MESSAGE_DIGEST))?.value,
            signing_time: match optional(oid::SIGNING_TIME)? {
                Some(value) => Some(value.time().map_err(of_type(oid::SIGNING_TIME))?),
                None => None,
            },
            signing_certificate: match optional(oid::SIGNING_CERTIFICATE)? {
                Some(value) => Some(SigningCertificate::decode_v1(value).map_err(of_type(oid::SIGNING_CERTIFICATE))?),
                None => None,
            },
            signing_certificate_v2: match optional(oid::SIGNING_CERTIFICATE_V2)? {
                Some(value) => {
                    Some(SigningCertificate::decode_v2(value).map_err(of_type(oid::SIGNING_CERTIFICATE_V2))?)
                }
                None => None,
            },
            algorithm_protection: match optional(oid::CMS_ALGORITHM_PROTECTION)? {
                Some(value) => Some(algorithm_protection(value).map_err(of_type(oid::CMS_ALGORITHM_PROTECTION))?),
                None => None,
            },
            document_reference: match optional(oid::DOCUMENT_REFERENCE)? {
                Some(value) => Some(DocumentReference::decode(value).map_err(of_type(oid::DOCUMENT_REFERENCE))?),
                None => None,
            },
            content_time_stamps,
            revocation_archival: optional(oid::REVOCATION_ARCHIVAL)?.map(|value| value.raw),
            reordered,
            signed_octets,
        })
    }

    /// The octets the signature is over (RFC 5652 §5.4).
    pub fn signed_octets(&self) -> &[u8] {
        &self.signed_octets
    }

    /// A reference to the signing certificate by digest, the newer attribute first.
    pub fn certificate_references(&self) -> impl Iterator<Item = &SigningCertificate<'a>> {
        self.signing_certificate_v2.iter().chain(&self.signing_certificate)
    }
}

fn algorithm_protection<'a>(value: Tlv<'a>) -> Result<AlgorithmProtection<'a>, DerError> {
    value.of(tag::SEQUENCE)?.read_all(|reader| {
        let digest_algorithm = AlgorithmIdentifier::decode(reader.read()?)?;
        let signature_algorithm = reader.optional(tag::context(1))?;
        // A MAC algorithm belongs to AuthenticatedData.
        Ok(AlgorithmProtection { digest_algorithm, signature_algorithm })
    })
}

fn attribute_name(identifier: &[u8]) -> &'static str {
    match identifier {
        oid::CONTENT_TYPE => "content-type",
        oid::MESSAGE_DIGEST => "message-digest",
        oid::SIGNING_TIME => "signing-time",
        oid::SIGNING_CERTIFICATE => "signing-certificate",
        oid::SIGNING_CERTIFICATE_V2 => "signing-certificate-v2",
        oid::CMS_ALGORITHM_PROTECTION => "cms-algorithm-protection",
        oid::DOCUMENT_REFERENCE => "document-reference",
        oid::CONTENT_TIME_STAMP => "content-time-stamp",
        _ => "attribute",
    }
}
