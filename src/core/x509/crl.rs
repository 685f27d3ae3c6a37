//! Certificate revocation lists (RFC 5280 §5).

use super::crl_entry::{CertificateIssuers, Entry, serial_at};
use super::name::Name;
use super::serial_index::SerialIndex;
use super::signed::{self, Signed, SignedParts};
use crate::core::der::{DerError, DerFault, Reader, tag};
use crate::core::time::Time;

pub use super::crl_entry::RevokedEntry;
pub use super::crl_extension::{CrlExtensions, CrlNumber};
pub use super::reason::RevocationReason;

/// A decoded CRL. Decoding proves form only; nothing about it is verified.
pub struct CertificateList {
    signed: Signed,
    pub issuer: Name,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub extensions: CrlExtensions,
    /// Where each entry starts in `der`, by serial number octets.
    entries: SerialIndex,
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
        let mut starts = Vec::new();
        let mut issuers = CertificateIssuers::default();
        let mut entry_not_understood = false;
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            let mut reader = list.reader();
            while !reader.is_empty() {
                let element = reader.expect(tag::SEQUENCE)?;
                let entry = Entry::decode(&element, version_2)?;
                let start = signed::position(der, element.raw).start as u32;
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

        Ok(Self {
            signed: parts.keep(der)?,
            issuer,
            this_update,
            next_update,
            entry_not_understood: entry_not_understood || !issuers.is_empty() && !extensions.is_indirect(),
            extensions,
            entries: SerialIndex::new(&starts, |start| serial_at(der, start)),
            issuers,
        })
    }

    /// Entries in the list.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry for the certificate of `issuer` with this serial number (content octets of the INTEGER), if it is listed; of
    /// several the one that weighs most.
    pub fn entry(&self, issuer: &Name, serial_number: &[u8]) -> Option<RevokedEntry> {
        let same = self.entries.find(serial_number, |start| serial_at(self.der(), start));
        let about_it = same.iter().filter(|start| self.issuers.is_of(**start, issuer, &self.issuer));
        let decoded = about_it.filter_map(|start| {
            let element = Reader::new(&self.der()[*start as usize..]).read().ok()?;
            Some(Entry::decode(&element, true).ok()?.revoked)
        });
        decoded.max_by_key(|entry| entry.reason.weight())
    }
}

/// A CRL is a signed object: its encoding, fingerprint, signed octets and signature.
impl std::ops::Deref for CertificateList {
    type Target = Signed;

    fn deref(&self) -> &Signed {
        &self.signed
    }
}

impl std::fmt::Debug for CertificateList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CertificateList({}, {}, {} entries)", self.issuer, self.this_update, self.len())
    }
}
