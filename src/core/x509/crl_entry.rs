//! The entries of a CRL (RFC 5280 §5.3).

use std::collections::HashMap;

use super::distribution_point::directory_names;
use super::extension;
use super::name::Name;
use super::reason::RevocationReason;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;
use crate::core::time::Time;

/// Different issuers that one indirect list may name.
const ISSUER_LIMIT: usize = 4096;

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    pub revocation_date: Time,
    pub reason: RevocationReason,
}

/// An entry as it stands in the list.
pub struct Entry<'a> {
    pub revoked: RevokedEntry,
    /// Every critical extension of it is understood.
    pub understood: bool,
    /// `certificateIssuer`: this entry and those after it are about certificates of this issuer (§5.3.3).
    pub certificate_issuer: Option<Tlv<'a>>,
}

impl<'a> Entry<'a> {
    pub fn decode(element: &Tlv<'a>, version_2: bool) -> Result<Self, DerError> {
        element.read_all(|reader| {
            reader.expect(tag::INTEGER)?.integer()?;
            let revocation_date = reader.read()?.time()?;
            let mut reason = RevocationReason::Unspecified;
            let (mut understood, mut certificate_issuer) = (true, None);
            if let Some(list) = reader.optional(tag::SEQUENCE)? {
                if !version_2 {
                    return Err(list.error(DerFault::UnexpectedTag));
                }
                for extension in extension::decode_all(list)? {
                    match extension.oid {
                        oid::REASON_CODE => {
                            let number = Reader::single(extension.value, tag::ENUMERATED)?.small()?;
                            // An unknown reason still revokes.
                            reason = RevocationReason::from_number(number).unwrap_or(RevocationReason::Unspecified);
                        }
                        oid::INVALIDITY_DATE => {}
                        oid::CERTIFICATE_ISSUER => {
                            certificate_issuer = Some(Reader::single(extension.value, tag::SEQUENCE)?);
                        }
                        _ => understood &= !extension.critical,
                    }
                }
            }
            Ok(Self { revoked: RevokedEntry { revocation_date, reason }, understood, certificate_issuer })
        })
    }
}

/// Serial number octets of the entry that starts at `start`; the entry was decoded before.
pub fn serial_at(der: &[u8], start: u32) -> &[u8] {
    let serial = Reader::new(&der[start as usize..]).read().and_then(|entry| entry.reader().read());
    serial.map_or(&[], |serial| serial.value)
}

/// Whose certificates the entries are about: runs in the order of the list, each from where its first entry starts.
#[derive(Default)]
pub struct CertificateIssuers {
    /// Start of the run's first entry, and which of `named` it is about.
    runs: Vec<(u32, u32)>,
    /// The directory names of each different `certificateIssuer`.
    named: Vec<Vec<Name>>,
    /// The encoding of each, to find it again.
    encoded: HashMap<Vec<u8>, u32>,
}

impl CertificateIssuers {
    /// A run begins at the entry at `start`. One that names no directory name is about nobody's certificates.
    pub fn begin(&mut self, start: u32, names: Tlv<'_>) -> Result<(), DerError> {
        let index = match self.encoded.get(names.raw) {
            Some(index) => *index,
            None if self.named.len() == ISSUER_LIMIT => return Err(names.error(DerFault::Limit)),
            None => {
                let index = self.named.len() as u32;
                self.named.push(directory_names(names)?);
                self.encoded.insert(names.raw.to_vec(), index);
                index
            }
        };
        self.runs.push((start, index));
        Ok(())
    }

    /// No entry names an issuer: all are the list issuer's.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Is the entry at `start` about a certificate of `issuer`? Before the first run all are about the list's own issuer (§5.3.3).
    pub fn is_of(&self, start: u32, issuer: &Name, list_issuer: &Name) -> bool {
        let runs_before = self.runs.partition_point(|(run, _)| *run <= start);
        match runs_before.checked_sub(1).map(|run| self.runs[run].1) {
            Some(named) => self.named[named as usize].contains(issuer),
            None => issuer == list_issuer,
        }
    }
}
