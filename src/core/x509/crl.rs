//! Certificate revocation lists (RFC 5280 §5).

use std::convert::Infallible;

use super::crl_entry::{CertificateIssuers, Entry};
use super::name::Name;
use super::packed::{PackedEntries, Packer};
use super::serial_index::SerialIndex;
use super::signed::{self, SignedParts};
use crate::core::algorithm::{SignatureAlgorithm, UnknownAlgorithm};
use crate::core::crypto::{self, PublicKey, SignatureFault, SignatureVerified, SignedDigest};
use crate::core::der::{DerError, DerFault, tag};
use crate::core::time::Time;

pub use super::crl_entry::RevokedEntry;
pub use super::crl_extension::{CrlExtensions, CrlNumber};
pub use super::reason::RevocationReason;

/// A decoded CRL. Decoding proves form only; nothing about it is verified. What was signed is held as its digests, and the entries are
/// held packed: the encoding is made again when it is asked for.
pub struct CertificateList {
    fingerprint: [u8; 32],
    pub signature_algorithm: Result<SignatureAlgorithm, UnknownAlgorithm>,
    /// What the key signed, by a known algorithm.
    signed: Option<SignedDigest>,
    content: [u8; 32],
    signature: Vec<u8>,
    pub issuer: Name,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub extensions: CrlExtensions,
    /// The encoding up to the first entry.
    head: Box<[u8]>,
    entries: PackedEntries,
    /// The encoding behind the last entry.
    tail: Box<[u8]>,
    /// Octets of the encoding.
    length: usize,
    /// Where each entry starts in `entries`, by serial number octets.
    index: SerialIndex,
    /// Of which issuers the entries are, if any entry says so.
    issuers: CertificateIssuers,
    /// An entry has a critical extension that is not understood, or names another issuer in a list that is not indirect.
    pub entry_not_understood: bool,
}

impl CertificateList {
    /// Decodes the one DER CRL that `der` consists of; every entry is read once.
    pub fn decode(der: &[u8]) -> Result<Self, DerError> {
        // Entries are found by 32-bit positions.
        let parts = SignedParts::decode(der, u32::MAX as usize)?;
        let mut fields = parts.to_be_signed.reader();
        let version_2 = match fields.optional(tag::INTEGER)? {
            Some(version) if version.small()? == 1 => true,
            Some(version) => return Err(version.error(DerFault::Value)),
            None => false,
        };
        parts.expect_same_algorithm(&mut fields)?;
        let issuer = Name::decode(fields.read()?)?;
        let this_update = fields.read()?.time()?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(fields.read()?.time()?),
            _ => None,
        };
        let list = fields.optional(tag::SEQUENCE)?;
        // Without a list of entries, none stand at the beginning.
        let place = list.map_or(0..0, |list| signed::position(der, list.value));
        let mut entries = Packer::with_capacity(place.len());
        let mut starts = Vec::new();
        let mut issuers = CertificateIssuers::default();
        let mut entry_not_understood = false;
        if let Some(list) = list {
            let mut reader = list.reader();
            while !reader.is_empty() {
                let element = reader.expect(tag::SEQUENCE)?;
                let entry = Entry::decode(&element, version_2)?;
                let start = entries.push(element, &entry);
                entry_not_understood |= !entry.understood;
                if let Some(names) = entry.certificate_issuer {
                    issuers.begin(start, names)?;
                }
                starts.push(start);
            }
        }
        let extensions = match fields.optional(tag::context(0))? {
            Some(field) if !version_2 => return Err(field.error(DerFault::UnexpectedTag)),
            Some(field) => CrlExtensions::decode(field.inner(tag::SEQUENCE)?)?,
            None => CrlExtensions::default(),
        };
        fields.finish()?;

        let (signature_algorithm, signature) = parts.signature()?;
        let to_be_signed = parts.to_be_signed.raw;
        let signed = signature_algorithm.as_ref().ok().map(|algorithm| SignedDigest::new(*algorithm, to_be_signed));
        let content = signed.and_then(|signed| signed.sha256()).unwrap_or_else(|| crypto::sha256(to_be_signed));
        let entries = entries.finish();
        Ok(Self {
            fingerprint: crypto::sha256(der),
            signature_algorithm,
            signed,
            content,
            signature: signature.to_vec(),
            issuer,
            this_update,
            next_update,
            entry_not_understood: entry_not_understood || !issuers.is_empty() && !extensions.is_indirect(),
            extensions,
            index: SerialIndex::new(&starts, |start| entries.serial_number(start)),
            head: der[..place.start].into(),
            entries,
            tail: der[place.end..].into(),
            length: der.len(),
            issuers,
        })
    }

    /// SHA-256 of the encoding as received.
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// SHA-256 of what the issuer signed.
    pub const fn content(&self) -> &[u8; 32] {
        &self.content
    }

    /// Verifies the list's signature with `key`; by an unknown algorithm no key verifies anything.
    pub fn verify(&self, key: &PublicKey) -> Result<SignatureVerified, SignatureFault> {
        key.verify_signed(self.signed.as_ref().ok_or(SignatureFault::KeyMismatch)?, &self.signature)
    }

    /// The encoding that was decoded, made again: for a million entries that takes about 0.1 s.
    pub fn der(&self) -> Vec<u8> {
        let mut der = Vec::with_capacity(self.length);
        let Ok(()) = self.write_der(|piece| {
            der.extend_from_slice(piece);
            Ok::<_, Infallible>(())
        });
        der
    }

    /// Hands out the same in pieces of about 64 KiB, so that a long list is not held twice; ends with the first error of `sink`.
    pub fn write_der<E>(&self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        sink(&self.head)?;
        self.entries.write(&mut sink)?;
        sink(&self.tail)
    }

    /// Octets of memory that entries and encoding take.
    pub fn size(&self) -> usize {
        let parts = [self.head.len(), self.entries.size(), self.tail.len(), self.index.size(), self.issuers.size()];
        size_of::<Self>() + self.signature.len() + parts.iter().sum::<usize>()
    }

    /// Entries in the list.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The entry for the certificate of `issuer` with this serial number (content octets of the INTEGER), if it is listed; of
    /// several the one that weighs most.
    pub fn entry(&self, issuer: &Name, serial_number: &[u8]) -> Option<RevokedEntry> {
        self.entries(issuer, serial_number).max_by_key(|entry| entry.reason.weight())
    }

    /// Every entry for it.
    pub fn entries(&self, issuer: &Name, serial_number: &[u8]) -> impl Iterator<Item = RevokedEntry> {
        let same = self.index.find(serial_number, |start| self.entries.serial_number(start));
        let about_it = same.iter().filter(move |start| self.issuers.is_of(**start, issuer, &self.issuer));
        about_it.filter_map(|start| self.entries.revoked(*start))
    }
}

impl std::fmt::Debug for CertificateList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CertificateList({}, {}, {} entries)", self.issuer, self.this_update, self.len())
    }
}
