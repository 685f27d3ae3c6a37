//! Evidence out of files: certificates and CRLs in DER or PEM, one or many in a file; certificates also from a PKCS #7 bundle;
//! an OCSP response.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cms::SignedData;
use super::der::{DerError, Reader, tag};
use super::x509::ocsp::{OcspError, OcspResponse};
use super::x509::{Certificate, CertificateList};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const MESSAGE_LABELS: &[&str] = &["CMS", "PKCS7", "PKCS #7 SIGNED DATA"];
/// Kinds of PEM blocks (RFC 7468 §4) that may stand in one file; those not wanted are passed over, and private keys.
const LABELS: &[&str] = &[
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "X509 CRL",
    "OCSP RESPONSE",
    "CMS",
    "PKCS7",
    "PKCS #7 SIGNED DATA",
    "CERTIFICATE REQUEST",
    "PUBLIC KEY",
    "EC PARAMETERS",
    "DH PARAMETERS",
];
const CRL: &str = "CRL";
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
    /// The n-th PEM block is of a kind unknown here: it could be what is wanted, misspelt.
    Label {
        number: usize,
    },
    /// Text around PEM blocks looks like a damaged one.
    Between,
    /// A PEM file with a message holds something beside it, which nothing would cover.
    NotAlone,
    TooMany,
}

impl std::fmt::Display for EvidenceFileError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing { wanted } => write!(formatter, "no {wanted} in it; give DER or PEM"),
            Self::Object { wanted, number, fault } => write!(formatter, "{wanted} {number} cannot be read: {fault}"),
            Self::Ocsp { number, fault } => write!(formatter, "OCSP response {number}: {fault}"),
            Self::Label { number } => {
                write!(formatter, "PEM block {number} is of an unknown kind; remove it or correct its label")
            }
            Self::Between => write!(formatter, "a line between the PEM blocks looks like a damaged one"),
            Self::NotAlone => write!(
                formatter,
                "a message in PEM must stand alone: remove the text around its one block, or give the message in DER"
            ),
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
    decode_each(objects.iter().map(AsRef::as_ref), WANTED, Certificate::decode_tolerant)
}

/// Every CRL of a file, in its order.
pub fn crls(file: &[u8]) -> Result<Vec<CertificateList>, EvidenceFileError> {
    decode_each(crls_encoded(file)?.iter().map(AsRef::as_ref), CRL, CertificateList::decode)
}

/// The DER of every CRL of a file, in its order, not decoded yet; perhaps none. What is no PEM is not copied.
pub fn crls_encoded(file: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, EvidenceFileError> {
    objects(file, &["X509 CRL"], CRL)
}

/// The DER of every OCSP response of a file, in its order, not decoded yet; perhaps none.
pub fn ocsp_responses_encoded(file: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, EvidenceFileError> {
    objects(file, &["OCSP RESPONSE"], "OCSP response")
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

/// The bytes of a CMS message that may be wrapped in PEM: one block and white space, since what stands around it could be shown in
/// its place.
pub fn cms(file: &[u8]) -> Result<Cow<'_, [u8]>, EvidenceFileError> {
    let Ok(text) = std::str::from_utf8(file) else { return Ok(file.into()) };
    if !MESSAGE_LABELS.iter().any(|label| text.contains(&format!("{BEGIN}{label}{DASHES}"))) {
        return Ok(file.into());
    }
    let alone = text.trim().starts_with(BEGIN) && text.trim().ends_with(DASHES);
    let mut blocks = pem_blocks(file)?;
    match (blocks.pop(), blocks.is_empty()) {
        (Some((label, der)), true) if alone && MESSAGE_LABELS.contains(&label.as_str()) => Ok(der.into()),
        _ => Err(EvidenceFileError::NotAlone),
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

/// The DER objects of a file: PEM blocks with one of the labels, or DER elements one after the other, white space behind them.
fn objects<'a>(file: &'a [u8], labels: &[&str], wanted: &'static str) -> Result<Vec<Cow<'a, [u8]>>, EvidenceFileError> {
    let blocks = pem_blocks(file)?;
    if !blocks.is_empty() {
        let fitting = blocks.into_iter().filter(|(label, _)| labels.contains(&label.as_str()));
        return Ok(fitting.map(|(_, der)| der.into()).collect());
    }
    let mut objects = Vec::new();
    let (mut reader, mut rest) = (Reader::new(file), file);
    while !rest.trim_ascii_start().is_empty() {
        if objects.len() == OBJECT_LIMIT {
            return Err(EvidenceFileError::TooMany);
        }
        let number = objects.len() + 1;
        let element = reader.read().map_err(|fault| EvidenceFileError::Object { wanted, number, fault })?;
        rest = &rest[element.raw.len()..];
        objects.push(element.raw.into());
    }
    Ok(objects)
}

/// Label and content of every PEM block (RFC 7468); text around them, in whatever encoding that keeps ASCII, is passed over,
/// unless it could be a damaged block.
fn pem_blocks(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, EvidenceFileError> {
    if is_der(file) {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(file);
    let mut text = text.as_ref();
    let mut blocks = Vec::new();
    while let Some(start) = text.find(BEGIN) {
        let number = blocks.len() + 1;
        if number > OBJECT_LIMIT {
            return Err(EvidenceFileError::TooMany);
        }
        let damaged = || EvidenceFileError::Pem { number };
        check_between(&text[..start])?;
        let rest = &text[start + BEGIN.len()..];
        let (label, rest) = rest.split_once(DASHES).ok_or_else(damaged)?;
        let (body, rest) = rest.split_once("-----END ").ok_or_else(damaged)?;
        let (end_label, rest) = rest.split_once(DASHES).ok_or_else(damaged)?;
        if end_label != label {
            return Err(damaged());
        }
        if !LABELS.contains(&label) && !label.ends_with("PRIVATE KEY") {
            return Err(EvidenceFileError::Label { number });
        }
        let compact: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        blocks.push((label.to_owned(), STANDARD.decode(compact).map_err(|_| damaged())?));
        text = rest;
    }
    if !blocks.is_empty() {
        check_between(text)?;
    }
    Ok(blocks)
}

/// The file begins with a whole SEQUENCE that is no text.
fn is_der(file: &[u8]) -> bool {
    Reader::new(file).expect(tag::SEQUENCE).is_ok_and(|element| std::str::from_utf8(element.raw).is_err())
}

/// A block whose boundary is misspelt would be passed over in silence, and with it perhaps a revocation.
fn check_between(text: &str) -> Result<(), EvidenceFileError> {
    let suspicious = ["---", "BEGIN ", "END "].iter().any(|mark| text.contains(mark));
    if suspicious { Err(EvidenceFileError::Between) } else { Ok(()) }
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
        for (misspelt, error) in [
            ("-----BEGIN CRL-----\nMAA=\n-----END CRL-----\n", EvidenceFileError::Label { number: 2 }),
            ("----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", EvidenceFileError::Between),
            ("BEGIN X509 CRL\nMAA=\n", EvidenceFileError::Between),
        ] {
            let file = [&other[..], misspelt.as_bytes()].concat();
            assert_eq!(crls(&file).err(), Some(error), "{misspelt}");
        }
        assert!(matches!(certificates(b"hello"), Err(EvidenceFileError::Object { number: 1, .. })));
    }

    #[test]
    fn what_stands_around_needs_no_encoding() {
        let block = b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
        let der = || Ok(vec![Cow::from(&[0x30, 0])]);
        assert_eq!(crls_encoded(&[b"C\xF4ng b\xE1o\n", &block[..], b"\xE1"].concat()), der());
        assert_eq!(crls_encoded(b"0\0\r\n"), der());
        assert!(crls_encoded(b"0\0\n0\0").is_err(), "white space between");
        let damaged = [b"\xF4\n---BEGIN X509 CRL-----\n", &block[..]].concat();
        assert_eq!(crls_encoded(&damaged), Err(EvidenceFileError::Between));
        let damaged = b"-----BEGIN X509 CRL-----\nMA\xF4A=\n-----END X509 CRL-----\n";
        assert_eq!(crls_encoded(damaged), Err(EvidenceFileError::Pem { number: 1 }));
        // A block within DER is none.
        let length = u8::try_from(block.len()).expect("short") + 1;
        let holding = [&[0x30, length, 0xFF][..], &block[..]].concat();
        assert_eq!(crls_encoded(&holding), Ok(vec![Cow::from(&holding)]));
    }

    #[test]
    fn a_message_in_pem_stands_alone() {
        let block = "-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n";
        assert_eq!(cms(block.as_bytes()).as_deref(), Ok(&[0x30, 0][..]));
        assert_eq!(cms(format!("\n {block} \r\n").as_bytes()).as_deref(), Ok(&[0x30, 0][..]));
        for around in [format!("%PDF-1.4\n{block}"), format!("{block}text"), format!("text\n{block}"), block.repeat(2)]
        {
            assert_eq!(cms(around.as_bytes()), Err(EvidenceFileError::NotAlone), "{around}");
        }
        assert_eq!(cms(b"0\0").as_deref(), Ok(&b"0\0"[..]));
    }
}
