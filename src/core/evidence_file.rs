//! Evidence out of files: certificates and CRLs in DER or PEM, one or many in a file; certificates also from a PKCS #7 bundle;
//! an OCSP response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cms::SignedData;
use super::der::{DerError, Reader};
use super::x509::ocsp::{OcspError, OcspResponse};
use super::x509::{Certificate, CertificateList};

/// Objects in one file.
const OBJECT_LIMIT: usize = 4096;

/// Why a file gives no evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceFileError {
    /// Neither DER nor PEM, or nothing of the wanted kind in it.
    Nothing {
        wanted: &'static str,
    },
    /// The n-th object, counting from one, does not decode.
    Object {
        wanted: &'static str,
        number: usize,
        fault: DerError,
    },
    /// The n-th OCSP response does not decode, or is an error message.
    Ocsp {
        number: usize,
        fault: OcspError,
    },
    /// The n-th PEM block has no end or is no base64.
    Pem {
        number: usize,
    },
    TooMany,
}

impl std::fmt::Display for EvidenceFileError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing { wanted } => write!(formatter, "no {wanted} in it; give DER or PEM"),
            Self::Object { wanted, number, fault } => write!(formatter, "{wanted} {number} cannot be read: {fault}"),
            Self::Ocsp { number, fault } => write!(formatter, "OCSP response {number}: {fault}"),
            Self::Pem { number } => write!(formatter, "PEM block {number} is damaged"),
            Self::TooMany => write!(formatter, "more than {OBJECT_LIMIT} objects"),
        }
    }
}

impl std::error::Error for EvidenceFileError {}

/// Every certificate of a file, in its order.
pub fn certificates(file: &[u8]) -> Result<Vec<Certificate>, EvidenceFileError> {
    const LABELS: &[&str] = &["CERTIFICATE", "X509 CERTIFICATE"];
    const WANTED: &str = "certificate";
    if let Some(bundle) = bundle(file)?
        && let Ok(message) = SignedData::decode(&bundle)
    {
        return decode_each(message.certificates.iter().copied(), WANTED, Certificate::decode_tolerant);
    }
    let objects = objects(file, LABELS, WANTED)?;
    decode_each(objects.iter().map(Vec::as_slice), WANTED, Certificate::decode_tolerant)
}

/// Every CRL of a file, in its order.
pub fn crls(file: &[u8]) -> Result<Vec<CertificateList>, EvidenceFileError> {
    const WANTED: &str = "CRL";
    let objects = objects(file, &["X509 CRL"], WANTED)?;
    decode_each(objects.iter().map(Vec::as_slice), WANTED, CertificateList::decode)
}

/// Every OCSP response of a file, in its order.
pub fn ocsp_responses(file: &[u8]) -> Result<Vec<OcspResponse>, EvidenceFileError> {
    const WANTED: &str = "OCSP response";
    let objects = objects(file, &["OCSP RESPONSE"], WANTED)?;
    let decoded: Vec<OcspResponse> = objects
        .iter()
        .enumerate()
        .map(|(index, der)| {
            OcspResponse::decode(der).map_err(|fault| EvidenceFileError::Ocsp { number: index + 1, fault })
        })
        .collect::<Result<_, _>>()?;
    if decoded.is_empty() { Err(EvidenceFileError::Nothing { wanted: WANTED }) } else { Ok(decoded) }
}

/// The bytes of a CMS message that may be wrapped in PEM.
pub fn cms(file: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    match pem_blocks(file) {
        Ok(blocks) => {
            let message =
                blocks.into_iter().find(|(label, _)| matches!(label.as_str(), "CMS" | "PKCS7" | "PKCS #7 SIGNED DATA"));
            message.map_or(file.into(), |(_, der)| der.into())
        }
        Err(_) => file.into(),
    }
}

fn decode_each<'a, T>(
    objects: impl Iterator<Item = &'a [u8]>,
    wanted: &'static str,
    decode: impl Fn(&[u8]) -> Result<T, DerError>,
) -> Result<Vec<T>, EvidenceFileError> {
    let decoded: Vec<T> = objects
        .enumerate()
        .map(|(index, der)| decode(der).map_err(|fault| EvidenceFileError::Object { wanted, number: index + 1, fault }))
        .collect::<Result<_, _>>()?;
    if decoded.is_empty() { Err(EvidenceFileError::Nothing { wanted }) } else { Ok(decoded) }
}

/// DER of a PKCS #7 bundle, if the file is one.
fn bundle(file: &[u8]) -> Result<Option<Vec<u8>>, EvidenceFileError> {
    if SignedData::decode(file).is_ok() {
        return Ok(Some(file.to_vec()));
    }
    let blocks = pem_blocks(file)?;
    Ok(blocks.into_iter().find(|(label, _)| label == "PKCS7").map(|(_, der)| der))
}

/// The DER objects of a file: PEM blocks with one of the labels, or DER elements one after the other.
fn objects(file: &[u8], labels: &[&str], wanted: &'static str) -> Result<Vec<Vec<u8>>, EvidenceFileError> {
    let blocks = pem_blocks(file)?;
    if !blocks.is_empty() {
        let fitting = blocks.into_iter().filter(|(label, _)| labels.contains(&label.as_str()));
        return Ok(fitting.map(|(_, der)| der).collect());
    }
    let mut objects = Vec::new();
    let mut reader = Reader::new(file);
    while !reader.is_empty() {
        if objects.len() == OBJECT_LIMIT {
            return Err(EvidenceFileError::TooMany);
        }
        let number = objects.len() + 1;
        let element = reader.read().map_err(|fault| EvidenceFileError::Object { wanted, number, fault })?;
        objects.push(element.raw.to_vec());
    }
    Ok(objects)
}

/// Label and content of every PEM block (RFC 7468); text around them is passed over.
fn pem_blocks(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, EvidenceFileError> {
    const BEGIN: &str = "-----BEGIN ";
    let Ok(mut text) = std::str::from_utf8(file) else { return Ok(Vec::new()) };
    let mut blocks = Vec::new();
    while let Some(start) = text.find(BEGIN) {
        let number = blocks.len() + 1;
        if number > OBJECT_LIMIT {
            return Err(EvidenceFileError::TooMany);
        }
        let damaged = || EvidenceFileError::Pem { number };
        let rest = &text[start + BEGIN.len()..];
        let (label, rest) = rest.split_once("-----").ok_or_else(damaged)?;
        let (body, rest) = rest.split_once("-----END ").ok_or_else(damaged)?;
        let (end_label, rest) = rest.split_once("-----").ok_or_else(damaged)?;
        if end_label != label {
            return Err(damaged());
        }
        let compact: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        blocks.push((label.to_owned(), STANDARD.decode(compact).map_err(|_| damaged())?));
        text = rest;
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_say_what_is_wrong() {
        assert_eq!(certificates(b"").err(), Some(EvidenceFileError::Nothing { wanted: "certificate" }));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(certificates(cut).err(), Some(EvidenceFileError::Pem { number: 1 }));
        let other = b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
        assert_eq!(certificates(other).err(), Some(EvidenceFileError::Nothing { wanted: "certificate" }));
        assert!(matches!(crls(other), Err(EvidenceFileError::Object { number: 1, .. })));
        assert!(matches!(certificates(b"hello"), Err(EvidenceFileError::Object { number: 1, .. })));
    }
}
