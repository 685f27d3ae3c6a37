//! OCSP answers on the disk, beside the marks: of each certificate the newest, and the one that revokes it. What is read is believed
//! no more than what is fetched: who reads verifies it again.
//!
//! One file an answer, its name [`certificate_key`] and `newest` or `revoking`:
//! `SEQUENCE { Certificate, issuer's Certificate, OCSPResponse }` in DER.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing::{error, warn};

use super::durable::{replace, sweep};
use crate::core::der::{Reader, tag, writer};
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::{OcspResponse, certificate_key};

/// Files read.
const FILES: usize = 8192;
/// Octets of the longest file.
const LONGEST: usize = 256 * 1024;

/// For what an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Newest,
    Revoking,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Revoking => "revoking",
        }
    }

    fn of(path: &Path) -> Option<Self> {
        [Self::Newest, Self::Revoking]
            .into_iter()
            .find(|kind| path.extension().is_some_and(|found| found == kind.name()))
    }
}

/// An answer, whom it is about, and who issued that. Decoding proves form only.
pub(super) struct Stored {
    pub certificate: Certificate,
    pub issuer: Certificate,
    pub response: OcspResponse,
}

impl Stored {
    /// The content of its file; `response` is the whole `OCSPResponse` in DER.
    pub fn encode(certificate: &Certificate, issuer: &Certificate, response: &[u8]) -> Vec<u8> {
        writer::sequence(&[certificate.der(), issuer.der(), response])
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut parts = Reader::single(octets, tag::SEQUENCE).ok()?.reader();
        let [certificate, issuer, response] = [parts.read().ok()?, parts.read().ok()?, parts.read().ok()?];
        parts.finish().ok()?;
        Some(Self {
            certificate: Certificate::decode(certificate.raw).ok()?,
            issuer: Certificate::decode(issuer.raw).ok()?,
            response: OcspResponse::decode(response.raw).ok()?,
        })
    }
}

/// The folder they lie in.
pub(super) struct StoredAnswers {
    folder: PathBuf,
    /// The last one could not be written. Held while one is written.
    failing: Mutex<bool>,
}

impl StoredAnswers {
    /// In the folder that belongs to a file of marks.
    pub fn beside(marks_file: &Path) -> Self {
        Self { folder: marks_file.with_extension("answers"), failing: Mutex::new(false) }
    }

    /// Gives every file that can be read to `take`, with its length in octets; `take` says whether it is an answer. One line tells
    /// of all that are not.
    pub fn read(&self, mut take: impl FnMut(Stored, usize) -> bool) {
        sweep(&self.folder, "");
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut wrong: Option<(usize, PathBuf)> = None;
        for path in entries.flatten().map(|entry| entry.path()).take(FILES) {
            let is_answer = self.read_one(&path).is_some_and(|(stored, octets)| take(stored, octets));
            if !is_answer {
                wrong = Some(wrong.map_or((1, path), |(count, first)| (count + 1, first)));
            }
        }
        if let Some((files, first)) = wrong {
            warn!(
                target: "antin::revocation", files, first = %first.display(),
                "files beside the marks are no OCSP answers that count, and are passed over"
            );
        }
    }

    /// A file under the name of the certificate that it is about, in whichever encoding that is.
    fn read_one(&self, path: &Path) -> Option<(Stored, usize)> {
        let kind = Kind::of(path)?;
        // Asked before it is opened: opening a pipe waits for its other end.
        if !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        let mut octets = Vec::new();
        File::open(path).ok()?.take(LONGEST as u64 + 1).read_to_end(&mut octets).ok()?;
        let stored = Stored::decode(&octets).filter(|_| octets.len() <= LONGEST)?;
        let key = certificate_key(&stored.certificate, &stored.issuer)?;
        (self.path(kind, &key) == path).then_some((stored, octets.len()))
    }

    /// Writes one that [`Stored::encode`] made; when this returns, it survives a crash. One that is there already and `outweighs`
    /// it stays.
    pub fn write(&self, kind: Kind, key: &[u8; 32], octets: &[u8], outweighs: impl FnOnce(&Stored, &Stored) -> bool) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(kind, key);
        let stays =
            self.read_one(&path).zip(Stored::decode(octets)).is_some_and(|((there, _), ours)| outweighs(&there, &ours));
        let written = stays
            || octets.len() <= LONGEST && fs::create_dir_all(&self.folder).is_ok() && replace(&path, octets).is_ok();
        metrics::gauge!("antin_revocation_answers_unwritten").set(if written { 0.0 } else { 1.0 });
        if !std::mem::replace(&mut *failing, !written) && !written {
            error!(
                target: "antin::revocation", folder = %self.folder.display(),
                "an OCSP answer cannot be kept: after a restart an older one could count"
            );
        }
    }

    /// Forgets one; that it is gone already is as good.
    pub fn remove(&self, kind: Kind, key: &[u8; 32]) {
        let path = self.path(kind, key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(target: "antin::revocation", cause = %error.kind(), path = %path.display(), "a file cannot be removed");
            }
            _ => {}
        }
    }

    fn path(&self, kind: Kind, key: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}.{}", hex::encode(key), kind.name()))
    }
}
