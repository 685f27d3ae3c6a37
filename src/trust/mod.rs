//! What is trusted for documents, as it lies in files: certificate files in folders, each accepted only if a [`manifest`] pins its
//! fingerprint, and a signed [`list`] that distributes anchors to many nodes, whose highest number [`state`] remembers. [`audit`]
//! holds a folder against its manifest.

pub mod audit;
pub mod list;
pub mod manifest;
pub mod state;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use manifest::{Manifest, Pinned};

use crate::core::evidence_file::{self, EvidenceFileError};
use crate::core::x509::{Alias, AnchorLimits, Certificate, TrustAnchor, TrustStore};

/// Octets of a certificate file, a manifest, or a list.
pub const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// Octets of the longest alias; names that are shown are cut beyond 1024.
const ALIAS_LIMIT: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Ends a path.
    Anchor,
    /// Links to an anchor, never ends a path.
    Intermediate,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Intermediate => "intermediate",
        }
    }
}

/// Why certificates cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: larger than {FILE_LIMIT} octets", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Manifest { path: PathBuf, source: Box<toml::de::Error> },
    /// An entry of a manifest that breaks a rule.
    #[error("{}: the entry of {subject}: {fault}", path.display())]
    Entry { path: PathBuf, subject: String, fault: EntryFault },
    #[error("{}: {source}", path.display())]
    Certificate { path: PathBuf, source: EvidenceFileError },
    #[error(
        "{}: the certificate {fingerprint} ({subject}) is not pinned in the manifest; remove the file or pin it",
        path.display()
    )]
    NotPinned { path: PathBuf, fingerprint: String, subject: String },
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// One anchor held twice, for different things: which of them was meant cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the anchor {fingerprint} ({subject}) is held twice with different limits; give it the same limits everywhere")]
pub struct Conflict {
    pub fingerprint: String,
    pub subject: String,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    #[error("sha256 must be 64 lowercase hexadecimal digits")]
    Fingerprint,
    #[error("it is pinned twice")]
    Twice,
    #[error("limits belong to anchors: an intermediate trusts nothing by itself")]
    LimitsOfIntermediate,
    #[error("aliases must have 1 to {ALIAS_LIMIT} octets without control characters")]
    Alias,
}

/// Rules that an entry of a manifest or of a list keeps.
fn check_entry(role: Role, limits: &AnchorLimits, aliases: &[String]) -> Result<(), EntryFault> {
    if role == Role::Intermediate && *limits != AnchorLimits::NONE {
        return Err(EntryFault::LimitsOfIntermediate);
    }
    let fits = |alias: &String| (1..=ALIAS_LIMIT).contains(&alias.len()) && !alias.contains(char::is_control);
    if aliases.iter().all(fits) { Ok(()) } else { Err(EntryFault::Alias) }
}

/// Certificates held, by role, with the other names of their keys.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub anchors: Vec<TrustAnchor>,
    pub intermediates: Vec<Arc<Certificate>>,
    pub aliases: Vec<Alias>,
}

impl Held {
    /// Holds one more, unless it is held already.
    pub fn hold(&mut self, certificate: Arc<Certificate>, role: Role, limits: &AnchorLimits) -> Result<(), Conflict> {
        match role {
            Role::Anchor => match self.anchors.iter().find(|anchor| **anchor.certificate() == *certificate) {
                None => self.anchors.push(TrustAnchor::limited(certificate, limits.clone())),
                Some(held) if held.limits() == limits => {}
                Some(_) => {
                    let subject = certificate.subject.to_string();
                    return Err(Conflict { fingerprint: certificate.fingerprint_text().to_owned(), subject });
                }
            },
            Role::Intermediate if self.intermediates.contains(&certificate) => {}
            Role::Intermediate => self.intermediates.push(certificate),
        }
        Ok(())
    }

    /// Other names of the certificate's key.
    pub fn call(&mut self, certificate: &Certificate, aliases: &[String]) {
        for alias in aliases.iter().map(|name| Alias::of(certificate, name)) {
            if !self.aliases.contains(&alias) {
                self.aliases.push(alias);
            }
        }
    }

    /// Holds what another set holds, its anchors for no more than `limits`.
    pub fn merge(&mut self, other: Self, limits: &AnchorLimits) -> Result<(), Conflict> {
        for anchor in other.anchors {
            self.hold(Arc::clone(anchor.certificate()), Role::Anchor, &anchor.limits().and(limits))?;
        }
        for certificate in other.intermediates {
            self.hold(certificate, Role::Intermediate, &AnchorLimits::NONE)?;
        }
        let new = other.aliases.into_iter().filter(|alias| !self.aliases.contains(alias)).collect::<Vec<_>>();
        self.aliases.extend(new);
        Ok(())
    }

    /// Every certificate.
    pub fn certificates(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.anchors.iter().map(TrustAnchor::certificate).chain(&self.intermediates)
    }

    pub fn into_store(self) -> TrustStore {
        TrustStore::with_aliases(self.anchors, self.intermediates, self.aliases)
    }
}

/// Reads the certificates of one file.
pub fn read_certificates(path: &Path) -> Result<Vec<Certificate>, TrustError> {
    let file = read(path)?;
    evidence_file::certificates(&file).map_err(|source| TrustError::Certificate { path: path.to_owned(), source })
}

/// The bytes of a file of bounded size.
pub fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let failed = |source| TrustError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > FILE_LIMIT {
        return Err(TrustError::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(failed)
}

/// The certificate files of a folder (`.crt`, `.cer`, `.pem`, `.der`, `.p7b`), sorted.
pub fn certificate_files(directory: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let failed = |source| TrustError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "crt" | "cer" | "pem" | "der" | "p7b") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Whoever reads the file, after a crash too, finds the old content or the new.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let written = File::create(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, path));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all())
}
