//! The trust anchors held: certificate files in folders, each accepted only if a manifest pins its fingerprint.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::core::evidence_file::{self, EvidenceFileError};
use crate::core::time::Time;
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};

/// The manifest that comes with antin.
const VIETNAM: &str = include_str!("../../trust-anchors/vietnam/manifest.toml");
/// Octets of a certificate file.
const FILE_LIMIT: u64 = 1024 * 1024;

/// Which certificates are held, by fingerprint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "certificate")]
    pub certificates: Vec<Pinned>,
}

/// One pinned certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pinned {
    pub subject: String,
    /// Lowercase hex.
    pub sha256: String,
    pub role: Role,
    /// The PKI tree it belongs to.
    pub tree: String,
    /// Where it is published.
    pub source: String,
    #[serde(deserialize_with = "rfc3339")]
    pub not_before: Time,
    #[serde(deserialize_with = "rfc3339")]
    pub not_after: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Ends a path.
    Anchor,
    /// Links to an anchor, never ends a path.
    Intermediate,
}

fn rfc3339<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    Time::parse_rfc3339(&text).map_err(|_| serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time")))
}

/// Why anchors cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: larger than {FILE_LIMIT} octets")]
    TooLarge { path: PathBuf },
    #[error("{path}: {source}")]
    Manifest { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{path}: {source}")]
    Certificate { path: PathBuf, source: EvidenceFileError },
    #[error(
        "{path}: the certificate {fingerprint} ({subject}) is not pinned in the manifest; remove the file or pin it"
    )]
    NotPinned { path: PathBuf, fingerprint: String, subject: String },
}

impl Manifest {
    /// The manifest of Vietnam's national trees.
    pub fn vietnam() -> Self {
        toml::from_str(VIETNAM).expect("the manifest in the tree is read by a test")
    }

    /// Reads `manifest.toml` in a folder.
    pub fn read(directory: &Path) -> Result<Self, TrustError> {
        let path = directory.join("manifest.toml");
        let text = std::fs::read_to_string(&path).map_err(|source| TrustError::Read { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|source| TrustError::Manifest { path, source: Box::new(source) })
    }

    /// Loads every certificate file of `directory` (`.crt`, `.cer`, `.pem`, `.der`, `.p7b`): all or nothing. A certificate that
    /// is not pinned is an error, so that nobody gains trust by adding a file; a pinned one without a file is simply not held.
    pub fn load(&self, directory: &Path) -> Result<Held, TrustError> {
        let pinned: HashMap<&str, &Pinned> =
            self.certificates.iter().map(|pinned| (pinned.sha256.as_str(), pinned)).collect();
        let mut held = Held::default();
        for path in certificate_files(directory)? {
            for certificate in read_certificates(&path)? {
                let fingerprint = hex::encode(certificate.fingerprint());
                match pinned.get(fingerprint.as_str()) {
                    Some(Pinned { role: Role::Anchor, .. }) => held.anchors.push(Arc::new(certificate)),
                    Some(Pinned { role: Role::Intermediate, .. }) => held.intermediates.push(Arc::new(certificate)),
                    None => {
                        let subject = certificate.subject.to_string();
                        return Err(TrustError::NotPinned { path, fingerprint, subject });
                    }
                }
            }
        }
        Ok(held)
    }
}

/// Certificates held, by role.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub anchors: Vec<Arc<Certificate>>,
    pub intermediates: Vec<Arc<Certificate>>,
}

impl Held {
    pub fn into_store(self) -> TrustStore {
        TrustStore::new(self.anchors.into_iter().map(TrustAnchor::new).collect(), self.intermediates)
    }
}

/// Reads the certificates of one file.
pub fn read_certificates(path: &Path) -> Result<Vec<Certificate>, TrustError> {
    let read = |source| TrustError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(read)?.len() > FILE_LIMIT {
        return Err(TrustError::TooLarge { path: path.to_owned() });
    }
    let file = std::fs::read(path).map_err(read)?;
    evidence_file::certificates(&file).map_err(|source| TrustError::Certificate { path: path.to_owned(), source })
}

fn certificate_files(directory: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let read = |source| TrustError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "crt" | "cer" | "pem" | "der" | "p7b") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_pins_both_trees() {
        let manifest = Manifest::vietnam();
        for tree in ["government", "national"] {
            let of_tree = manifest.certificates.iter().filter(|pinned| pinned.tree == tree);
            assert_eq!(of_tree.filter(|pinned| pinned.role == Role::Anchor).count(), 1, "{tree}");
        }
        for pinned in &manifest.certificates {
            assert!(pinned.sha256.len() == 64 && pinned.sha256.chars().all(|digit| "0123456789abcdef".contains(digit)));
            assert!(pinned.not_before < pinned.not_after);
        }
    }

    #[test]
    fn a_file_that_is_not_pinned_is_refused() {
        let directory = tempfile::tempdir().expect("a folder");
        let manifest = Manifest::vietnam();
        assert!(manifest.load(directory.path()).expect("empty").anchors.is_empty());
        std::fs::write(directory.path().join("x.crt"), b"junk").expect("written");
        assert!(matches!(manifest.load(directory.path()), Err(TrustError::Certificate { .. })));
    }
}
