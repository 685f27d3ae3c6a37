//! The content a detached signature is about, and its digests, each computed once.

use std::cell::RefCell;

use super::pades::digests::RangeDigests;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto;

/// Content given beside a signature.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    None,
    Bytes(&'a [u8]),
    /// Digests in place of the content, which never left the caller.
    Digests(&'a [(DigestAlgorithm, Vec<u8>)]),
}

/// Bytes whose digests are computed when asked for, and kept.
#[derive(Debug)]
pub struct DigestedBytes<'a> {
    octets: Octets<'a>,
    digests: RefCell<Vec<(DigestAlgorithm, Vec<u8>)>>,
}

#[derive(Debug)]
enum Octets<'a> {
    InOnePlace(&'a [u8]),
    /// What one signature of a PDF covers.
    OfPdf(&'a RangeDigests<'a>, usize),
}

impl<'a> DigestedBytes<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { octets: Octets::InOnePlace(bytes), digests: RefCell::new(Vec::new()) }
    }

    /// What the signature at this place among the ranges covers.
    pub const fn of_pdf(file: &'a RangeDigests<'a>, index: usize) -> Self {
        Self { octets: Octets::OfPdf(file, index), digests: RefCell::new(Vec::new()) }
    }

    /// `None`: they do not stand in one place.
    pub const fn bytes(&self) -> Option<&'a [u8]> {
        match self.octets {
            Octets::InOnePlace(bytes) => Some(bytes),
            Octets::OfPdf(..) => None,
        }
    }

    pub fn digest(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        let bytes = match self.octets {
            Octets::InOnePlace(bytes) => bytes,
            Octets::OfPdf(file, index) => return file.of_range(index, algorithm),
        };
        let known = self.digests.borrow().iter().find(|(known, _)| *known == algorithm).map(|(_, value)| value.clone());
        known.unwrap_or_else(|| {
            let value = crypto::digest(algorithm, bytes);
            self.digests.borrow_mut().push((algorithm, value.clone()));
            value
        })
    }
}

/// What the signatures of one message are about.
#[derive(Debug)]
pub enum SignedContent<'a> {
    Missing,
    /// Embedded in the message, or given beside it.
    Bytes(DigestedBytes<'a>),
    Digests(&'a [(DigestAlgorithm, Vec<u8>)]),
    /// Embedded content is not the content given beside it.
    Conflict,
}

impl<'a> SignedContent<'a> {
    /// Joins what is embedded and what is given.
    pub fn new(embedded: Option<&'a [u8]>, given: Content<'a>) -> Self {
        match (embedded, given) {
            (None, Content::None) => Self::Missing,
            (None, Content::Digests(digests)) => Self::Digests(digests),
            (None, Content::Bytes(bytes)) | (Some(bytes), Content::None) => Self::Bytes(DigestedBytes::new(bytes)),
            (Some(embedded), Content::Bytes(bytes)) => {
                if embedded == bytes {
                    Self::Bytes(DigestedBytes::new(embedded))
                } else {
                    Self::Conflict
                }
            }
            (Some(embedded), Content::Digests(digests)) => {
                let embedded = DigestedBytes::new(embedded);
                let same = digests.iter().all(|(algorithm, value)| embedded.digest(*algorithm) == *value);
                if same { Self::Bytes(embedded) } else { Self::Conflict }
            }
        }
    }

    /// The content itself is here, so that its digests are computed and not merely claimed.
    pub const fn is_at_hand(&self) -> bool {
        matches!(self, Self::Bytes(_))
    }

    /// SHA-256 of the content, as computed or claimed.
    pub fn sha256(&self) -> Option<Vec<u8>> {
        match self {
            Self::Missing | Self::Conflict => None,
            Self::Bytes(bytes) => Some(bytes.digest(DigestAlgorithm::Sha256)),
            Self::Digests(digests) => {
                let found = digests.iter().find(|(algorithm, _)| *algorithm == DigestAlgorithm::Sha256);
                found.map(|(_, value)| value.clone())
            }
        }
    }

    /// The media type that the first bytes show, of those antin knows.
    pub fn media_type(&self) -> Option<&'static str> {
        let Self::Bytes(content) = self else { return None };
        let Some(bytes) = content.bytes() else { return Some("application/pdf") };
        let start = &bytes[..bytes.len().min(4096)];
        if start.starts_with(b"%PDF-") {
            Some("application/pdf")
        } else if start.trim_ascii_start().starts_with(b"{") {
            let is_fhir = start.windows(14).any(|window| window == b"\"resourceType\"");
            Some(if is_fhir { "application/fhir+json" } else { "application/json" })
        } else {
            None
        }
    }
}
