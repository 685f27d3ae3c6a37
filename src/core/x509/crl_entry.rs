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

/// Octets of memory that names of one issuer take beside the octets of the names.
const NAME_OCTETS: usize = 256;

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    pub revocation_date: Time,
    pub reason: RevocationReason,
    /// Since when the certificate is not to be relied on, if the authority says (§5.3.2); a date that cannot be read is the earliest
    /// there is.
    pub invalidity_date: Option<Time>,
}

impl RevokedEntry {
    /// From when on signatures do not count.
    pub fn since(&self) -> Time {
        self.invalidity_date.map_or(self.revocation_date, |invalid| invalid.min(self.revocation_date))
    }
}

/// An entry as it stands in the list.
pub struct Entry<'a> {
    /// Content octets.
    pub serial_number: &'a [u8],
    /// Whether `UTCTime` or `GeneralizedTime`.
    pub time_tag: u8,
    pub revoked: RevokedEntry,
    /// The whole encoding of `crlEntryExtensions`.
    pub extensions: Option<&'a [u8]>,
    /// The content of the `extnValue` of an `invalidityDate`.
    pub invalidity_date: Option<&'a [u8]>,
    /// Every critical extension of it is understood.
    pub understood: bool,
    /// `certificateIssuer`: this entry and those after it are about certificates of this issuer (§5.3.3).
    pub certificate_issuer: Option<Tlv<'a>>,
}

impl<'a> Entry<'a> {
    pub fn decode(element: &Tlv<'a>, version_2: bool) -> Result<Self, DerError> {
        element.read_all(|reader| {
            let serial_number = reader.expect(tag::INTEGER)?.integer()?;
            let date = reader.read()?;
            let revocation_date = date.time()?;
            let mut reason = RevocationReason::Unspecified;
            let (mut understood, mut certificate_issuer, mut invalidity_date) = (true, None, None);
            let extensions = reader.optional(tag::SEQUENCE)?;
            if let Some(list) = extensions {
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
                        oid::INVALIDITY_DATE => invalidity_date = Some(extension.value),
                        oid::CERTIFICATE_ISSUER => {
                            certificate_issuer = Some(Reader::single(extension.value, tag::SEQUENCE)?);
                        }
                        _ => understood &= !extension.critical,
                    }
                }
            }
            Ok(Self {
                serial_number,
                time_tag: date.tag,
                revoked: RevokedEntry {
                    revocation_date,
                    reason,
                    invalidity_date: invalidity_date.map(|value| {
                        let date = Reader::single(value, tag::GENERALIZED_TIME).and_then(|date| date.time());
                        date.unwrap_or(Time::from_unix(i64::MIN))
                    }),
                },
                extensions: extensions.map(|list| list.raw),
                invalidity_date,
                understood,
                certificate_issuer,
            })
        })
    }
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

    /// Octets of memory, about.
    pub fn size(&self) -> usize {
        let names = self.encoded.keys().map(|names| 3 * names.len() + NAME_OCTETS);
        size_of_val(&*self.runs) + names.sum::<usize>()
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
