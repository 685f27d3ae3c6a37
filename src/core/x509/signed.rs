//! What certificates and CRLs share: a to-be-signed part, an algorithm, a signature (RFC 5280 §4.1.1, §5.1.1).

use std::sync::OnceLock;

use crate::core::algorithm::{AlgorithmIdentifier, SignatureAlgorithm, UnknownAlgorithm};
use crate::core::crypto;
use crate::core::der::{DerError, DerFault, Reader, Tlv, reader, tag};

/// Levels of nesting inside.
const DEPTH: usize = 24;

/// The three parts, borrowed.
pub struct SignedParts<'a> {
    pub to_be_signed: Tlv<'a>,
    algorithm: AlgorithmIdentifier<'a>,
    /// A value that is no whole number of octets is kept as its fault.
    signature: Result<&'a [u8], DerError>,
}

/// The encoding of a certificate with its parts, owned.
pub struct Signed {
    der: Vec<u8>,
    /// SHA-256 of the encoding as received, where that is another.
    received: Option<[u8; 32]>,
    /// SHA-256 of `der`, computed when first asked for.
    fingerprint: OnceLock<[u8; 32]>,
    to_be_signed: std::ops::Range<usize>,
    pub signature_algorithm: Result<SignatureAlgorithm, UnknownAlgorithm>,
    signature: Vec<u8>,
}

impl<'a> SignedParts<'a> {
    /// Takes the one DER object apart that `der` consists of; at most `limit` octets.
    pub fn decode(der: &'a [u8], limit: usize) -> Result<Self, DerError> {
        let outer = Reader::single(der, tag::SEQUENCE)?;
        if der.len() > limit {
            return Err(outer.error(DerFault::Limit));
        }
        reader::check_canonical(der, DEPTH)?;
        outer.read_all(|parts| {
            let to_be_signed = parts.expect(tag::SEQUENCE)?;
            let algorithm = AlgorithmIdentifier::decode(parts.read()?)?;
            let signature = parts.expect(tag::BIT_STRING)?.bit_string_octets();
            Ok(Self { to_be_signed, algorithm, signature })
        })
    }

    /// Reads the algorithm inside the to-be-signed part, which must be the one outside (RFC 5280 §4.1.1.2).
    pub fn expect_same_algorithm(&self, fields: &mut Reader<'a>) -> Result<(), DerError> {
        let inner = fields.expect(tag::SEQUENCE)?;
        if inner.raw == self.algorithm.raw { Ok(()) } else { Err(inner.error(DerFault::Value)) }
    }

    /// What is wrong with the signature's encoding; then it is kept as empty octets, which no key verifies.
    pub fn signature_fault(&self) -> Option<DerError> {
        self.signature.err()
    }

    /// The signature's algorithm and its octets: none for a value that is no whole number of octets.
    pub fn signature(&self) -> Result<(Result<SignatureAlgorithm, UnknownAlgorithm>, &'a [u8]), DerError> {
        Ok((SignatureAlgorithm::decode(self.algorithm, None)?, self.signature.unwrap_or_default()))
    }

    /// Keeps the parts of `der`, which they were taken from.
    pub fn keep(self, der: &'a [u8]) -> Result<Signed, DerError> {
        let (signature_algorithm, signature) = self.signature()?;
        Ok(Signed {
            received: None,
            fingerprint: OnceLock::new(),
            to_be_signed: position(der, self.to_be_signed.raw),
            signature_algorithm,
            signature: signature.to_vec(),
            der: der.to_vec(),
        })
    }
}

/// Where `part` stands in `whole`, of which it is a slice.
pub fn position(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

impl Signed {
    /// The encoding that was decoded.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the encoding as received.
    pub fn fingerprint(&self) -> &[u8; 32] {
        self.received.as_ref().unwrap_or_else(|| self.fingerprint.get_or_init(|| crypto::sha256(&self.der)))
    }

    /// The octets the issuer signed.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.der[self.to_be_signed.clone()]
    }

    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The same object, named by the encoding in which it was received.
    pub fn received_as(mut self, bytes: &[u8]) -> Self {
        self.received = Some(crypto::sha256(bytes));
        self
    }

    /// What tells an encoding from every other: for look-ups that need no digest.
    pub fn identity(&self) -> (&[u8], Option<&[u8; 32]>) {
        (&self.der, self.received.as_ref())
    }
}
