//! What is held in files beside [`super::trust`] and [`super::keys`]: CRLs, kinds, policies; and whether files have changed.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::lookup::LookupKeys;
use crate::{
    audit::{HeadKey, KeyFault},
    config::{self, Lookup},
    core::{
        document_kind::DocumentKinds,
        evidence_file::{self, EvidenceFileError},
        log::{KeyKind, LogFault},
        lookup::{LookupKey, WeakKey},
        policy::Policy,
        working_days::WorkingDays,
        x509::{Certificate, CertificateList},
    },
    issuance_log::NoteSigner,
    kinds::{Kinds, KindsError},
    signing::{
        key::KeyError,
        pkcs11::{TokenFault, UnsupportedKey},
        seal::SealImageError,
    },
    trust::{self, TrustError},
};

/// Bytes of the id of a policy.
const LONGEST_POLICY_ID: usize = 64;
/// Octets of a key or CRL file.
const FILE_LIMIT: u64 = 256 << 20;

/// Why something in a file cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("cannot read {}: name an existing file that this user may read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: larger than {FILE_LIMIT} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Crl { path: PathBuf, source: EvidenceFileError },
    #[error("{}: holds no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("key {name:?}, {}: {source}", path.display())]
    Key { name: String, path: PathBuf, source: KeyError },
    #[error("[[key]] name = {name:?}: {source}")]
    UnsupportedKey { name: String, source: UnsupportedKey },
    #[error("[[key]] name = {name:?}: {source}: name the certificate that was issued for this key")]
    OtherCertificate { name: String, source: TokenFault },
    #[error(
        "[[key]] name = {:?}, which signs {}, and [[key]] name = {:?}, which signs {}, are the same key: each of these is signed with a key that \
         signs nothing else", one.0, one.1, other.0, other.1
    )]
    SharedKey { one: (String, &'static str), other: (String, &'static str) },
    #[error("[[token]] name = {name:?}: the system gives no thread for its sessions")]
    Threads { name: String, source: std::io::Error },
    #[error("{}: {source}; `antin audit key` makes one", path.display())]
    AuditKey { path: PathBuf, source: KeyFault },
    #[error("{}: {source}; `antin log key` makes one", path.display())]
    LogKey { path: PathBuf, source: LogFault },
    #[error("{}: {source}", path.display())]
    LookupKey { path: PathBuf, source: WeakKey },
    #[error("{}: {source}", path.display())]
    SealImage { path: PathBuf, source: SealImageError },
    #[error("{}: {source}", path.display())]
    DocumentKinds { path: PathBuf, source: toml::de::Error },
    #[error("{}: {source}", path.display())]
    WorkingDays { path: PathBuf, source: toml::de::Error },
    #[error(transparent)]
    Kinds(#[from] KindsError),
    #[error(
        "[[kind]] name = {0:?}: no file describes this kind; put one into the folder that documents.kinds-folder names"
    )]
    KindUnknown(String),
    #[error("{}: {source}", path.display())]
    Policy { path: PathBuf, source: toml::de::Error },
    #[error("{}: the id {id:?} is that of another policy, or has more than {LONGEST_POLICY_ID} bytes or a space: give this one its own", path.display())]
    PolicyId { path: PathBuf, id: String },
}

/// The kinds that come with antin and those in this folder, among them each that is issued here.
pub fn kinds(folder: Option<&Path>, issued: &[config::Kind]) -> Result<Arc<Kinds>, HeldError> {
    let kinds = match folder {
        None => Arc::clone(Kinds::held()),
        Some(folder) => Arc::new(Kinds::with_folder(folder)?),
    };
    match issued.iter().find(|issued| kinds.get(&issued.name).is_none()) {
        Some(unknown) => Err(HeldError::KindUnknown(unknown.name.clone())),
        None => Ok(kinds),
    }
}

/// The rules about kinds of documents in a file, completed by what the kinds say; none without one.
pub fn document_kinds(path: Option<&Path>, kinds: &Kinds) -> Result<DocumentKinds, HeldError> {
    let Some(path) = path else { return Ok(DocumentKinds::default()) };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let rules = DocumentKinds::parse(&kinds.complete_rules(&text))
        .map_err(|source| HeldError::DocumentKinds { path: path.to_owned(), source })?;
    // Papers of others may be of kinds that are not issued here: no fault, but it may be a misspelt name.
    for kind in rules.names().filter(|kind| kinds.get(kind).is_none()) {
        tracing::warn!(path = ?path, kind, "rules for a kind that none is described for here: if that is a misspelling, no rule applies to what is meant");
    }
    Ok(rules)
}

/// On which days offices work: as this file says, or that which comes with antin.
pub fn working_days(path: Option<&Path>) -> Result<WorkingDays, HeldError> {
    let Some(path) = path else { return Ok(WorkingDays::held()) };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    WorkingDays::parse(&text).map_err(|source| HeldError::WorkingDays { path: path.to_owned(), source })
}

/// The policies that come with antin and those of these files, in each of them the rules about `kinds` of documents unless it has
/// its own.
pub fn policies(paths: &[PathBuf], kinds: &DocumentKinds) -> Result<Vec<Policy>, HeldError> {
    let mut policies: Vec<Policy> = Policy::held_ids().filter_map(Policy::held).collect();
    for path in paths {
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let policy = Policy::parse(&text).map_err(|source| HeldError::Policy { path: path.clone(), source })?;
        let is_name =
            (1..=LONGEST_POLICY_ID).contains(&policy.id.len()) && policy.id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name || policies.iter().any(|other| other.id == policy.id) {
            return Err(HeldError::PolicyId {
                path: path.clone(),
                id: policy.id.chars().take(LONGEST_POLICY_ID).collect(),
            });
        }
        policies.push(policy);
    }
    for policy in &mut policies {
        if policy.document_kinds == DocumentKinds::default() {
            policy.document_kinds = kinds.clone();
        }
    }
    Ok(policies)
}

/// The key of the audit log's heads.
pub fn audit_key(path: &Path) -> Result<HeadKey, HeldError> {
    HeadKey::from_pem(&read(path)?).map_err(|source| HeldError::AuditKey { path: path.to_owned(), source })
}

/// The key of the issuance log of this name, or of a witness.
pub fn log_key(path: &Path, name: &str, kind: KeyKind) -> Result<NoteSigner, HeldError> {
    let key = NoteSigner::from_pem(name, kind, &read(path)?);
    key.map_err(|source| HeldError::LogKey { path: path.to_owned(), source })
}

/// The keys of the lookup, if the settings name one.
pub fn lookup_keys(settings: &Lookup) -> Result<Option<LookupKeys>, HeldError> {
    let key = |path: &PathBuf| {
        LookupKey::new(&read(path)?).map_err(|source| HeldError::LookupKey { path: path.clone(), source })
    };
    let Some(newest) = settings.key.as_ref().map(key).transpose()? else { return Ok(None) };
    Ok(Some(LookupKeys { newest, older: settings.older_keys.iter().map(key).collect::<Result<_, _>>()? }))
}

/// The first certificate of a file.
pub fn first_certificate(path: &Path) -> Result<Arc<Certificate>, HeldError> {
    let first = trust::read_certificates(path)?.into_iter().next();
    first.map(Arc::new).ok_or_else(|| HeldError::NoCertificate { path: path.to_owned() })
}

/// The bytes of a file of bounded size.
pub fn read(path: &Path) -> Result<Vec<u8>, HeldError> {
    let failed = |source| HeldError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_LIMIT {
        return Err(HeldError::TooLarge { path: path.to_owned() });
    }
    std::fs::read(path).map_err(failed)
}

/// Every CRL of these files and of the `.crl` files in these folders.
pub fn crls(paths: &[PathBuf]) -> Result<Vec<Arc<CertificateList>>, HeldError> {
    let mut crls = Vec::new();
    for path in crl_files(paths)? {
        let found =
            evidence_file::crls(&read(&path)?).map_err(|source| HeldError::Crl { path: path.clone(), source })?;
        crls.extend(found.into_iter().map(Arc::new));
    }
    Ok(crls)
}

fn crl_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, HeldError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |source| HeldError::Read { path: path.clone(), source };
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|extension| extension == "crl") {
                files.push(file);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Tells whether files have changed, by name, size, place and time of change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<[i64; 5]>)>);

impl Fingerprint {
    /// Of these files and of the `.crl` files in these folders.
    pub fn of_crls(paths: &[PathBuf]) -> Self {
        Self::of(crl_files(paths).unwrap_or_default())
    }

    /// Of these files; one that is not there is told from one that is.
    pub fn of(files: Vec<PathBuf>) -> Self {
        let described = files.into_iter().map(|path| {
            let found = std::fs::metadata(&path).ok();
            let found = found
                .map(|file| [file.size() as i64, file.ino() as i64, file.mtime(), file.ctime(), file.ctime_nsec()]);
            (path, found)
        });
        Self(described.collect())
    }
}
