//! The trust of the settings: folders, files and the signed list, read as one set. All of it is right, or none of it counts.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::held::Fingerprint;
use crate::{
    config,
    core::{
        time::Time,
        x509::{Certificate, TrustStore},
    },
    trust::{
        self, Conflict, Held, Manifest, Role, TrustError, audit,
        list::{self, ListError},
        manifest,
        state::{Seen, StateError},
    },
};

/// Why a set does not count.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error("{}: {subject} is not a CA: the service takes CA certificates only as trust anchors and intermediates", path.display())]
    NotACa { path: PathBuf, subject: String },
}

/// A whole set.
#[derive(Debug)]
pub struct LoadedTrust {
    pub store: TrustStore,
    /// The signed list that is part of it.
    pub list: Option<ListInForce>,
}

/// A signed list that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListInForce {
    pub seen: Seen,
    pub next_update: Time,
}

/// Reads everything. No list older than the one `in_force` counts, whatever became of the state file. The list's number is kept last,
/// when nothing else can fail any more.
pub fn load(settings: &config::Trust, in_force: Option<&ListInForce>, now: Time) -> Result<LoadedTrust, LoadError> {
    let mut held = Held::default();
    for source in &settings.directories {
        let found = Manifest::read(&source.path)?.load(&source.path)?;
        found.certificates().try_for_each(|certificate| check_authority(&source.path, certificate))?;
        held.merge(found, &source.limits)?;
    }
    for source in &settings.anchors {
        for certificate in authorities(&source.path)? {
            held.hold(certificate, Role::Anchor, &source.limits)?;
        }
    }
    for path in &settings.intermediates {
        for certificate in authorities(path)? {
            held.hold(certificate, Role::Intermediate, &Default::default())?;
        }
    }
    let Some(settings) = &settings.list else { return Ok(LoadedTrust { store: held.into_store(), list: None }) };
    let mut list = list::load(settings, in_force.map(|list| &list.seen), now)?;
    let found = std::mem::take(&mut list.held);
    found.certificates().try_for_each(|certificate| check_authority(&settings.file, certificate))?;
    held.merge(found, &Default::default())?;
    list.keep()?;
    let in_force = ListInForce { seen: list.seen, next_update: list.next_update };
    Ok(LoadedTrust { store: held.into_store(), list: Some(in_force) })
}

/// Writes the number of the list in force again if its state file has lost it. Was it so?
pub fn restore(settings: &config::Trust, in_force: Option<&ListInForce>) -> Result<bool, LoadError> {
    let (Some(settings), Some(list)) = (&settings.list, in_force) else { return Ok(false) };
    Ok(list.seen.restore(&settings.state_file)?)
}

fn authorities(path: &Path) -> Result<Vec<Arc<Certificate>>, LoadError> {
    let certificates: Vec<_> = trust::read_certificates(path)?.into_iter().map(Arc::new).collect();
    certificates.iter().try_for_each(|certificate| check_authority(path, certificate))?;
    Ok(certificates)
}

/// On the command line an anchor may be anything; here CA certificates only.
fn check_authority(path: &Path, certificate: &Certificate) -> Result<(), LoadError> {
    if audit::is_authority(certificate) {
        return Ok(());
    }
    Err(LoadError::NotACa { path: path.to_owned(), subject: certificate.subject.to_string() })
}

/// Every file that [`load`] reads.
pub fn fingerprint(settings: &config::Trust) -> Fingerprint {
    let mut files: Vec<PathBuf> = Vec::new();
    for source in &settings.directories {
        files.push(source.path.join(manifest::FILE_NAME));
        files.extend(trust::certificate_files(&source.path).unwrap_or_default());
    }
    files.extend(settings.anchors.iter().map(|source| source.path.clone()));
    files.extend(settings.intermediates.iter().cloned());
    files.extend(settings.list.iter().map(|list| list.file.clone()));
    Fingerprint::of(files)
}
