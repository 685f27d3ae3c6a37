//! What a witness remembers of the logs it cosigns: of each the newest tree, on the disk before its signature leaves.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::NoteSigner;
use crate::core::log::witness::{AddCheckpoint, WitnessFault};
use crate::core::log::{Hash, LogFault, VerifierKey};
use crate::disk::{self, Lock};

/// Why a witness cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("the state of the witness in {} cannot be used; without it a log could show it another history", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error("the state of the witness in {} is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("witness.logs: {0}")]
    Log(#[source] LogFault),
}

/// Why there is no cosignature.
#[derive(Debug)]
pub enum NoCosignature {
    Fault(WitnessFault),
    Log(LogFault),
    /// The state could not be written.
    State(io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    root: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenText {
    size: u64,
    root: String,
}

/// A witness of some logs.
pub struct Witness {
    key: NoteSigner,
    logs: Vec<VerifierKey>,
    path: PathBuf,
    seen: BTreeMap<String, Seen>,
    _lock: Lock,
}

impl Witness {
    /// # Errors
    /// [`WitnessError`], each with what to do.
    pub fn open(path: &Path, key: NoteSigner, logs: Vec<VerifierKey>) -> Result<Self, WitnessError> {
        let unusable = |source| WitnessError::Unusable { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk::make_folder(folder).map_err(unusable)?;
        let lock = path.with_extension("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock);
        let lock = Lock::take(lock.map_err(unusable)?).map_err(|_| WitnessError::InUse { path: path.to_owned() })?;
        let seen = match fs::read(path) {
            Ok(octets) => decode(&octets).map_err(unusable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unusable(error)),
        };
        Ok(Self { key, logs, path: path.to_owned(), seen, _lock: lock })
    }

    /// Cosigns a checkpoint that goes on from the newest one seen; the line of the signature. What was seen is on the disk before.
    ///
    /// # Errors
    /// [`NoCosignature`].
    pub fn add_checkpoint(&mut self, request: &AddCheckpoint, time: u64) -> Result<String, NoCosignature> {
        let seen = |origin: &str| self.seen.get(origin).map(|seen| (seen.size, seen.root));
        let (checkpoint, text) = request.judge(&self.logs, seen).map_err(NoCosignature::Fault)?;
        let newest = Seen { size: checkpoint.size, root: checkpoint.root };
        if self.seen.get(&checkpoint.origin) != Some(&newest) {
            let mut seen = self.seen.clone();
            seen.insert(checkpoint.origin, newest);
            write(&self.path, &seen).map_err(NoCosignature::State)?;
            self.seen = seen;
        }
        let cosignature = self.key.cosign(&text, time).map_err(NoCosignature::Log)?;
        Ok(cosignature.to_string())
    }
}

fn decode(octets: &[u8]) -> io::Result<BTreeMap<String, Seen>> {
    let found: BTreeMap<String, SeenText> = serde_json::from_slice(octets)?;
    let seen = found.into_iter().map(|(origin, text)| {
        let mut root = [0; 32];
        hex::decode_to_slice(&text.root, &mut root).map_err(io::Error::other)?;
        Ok((origin, Seen { size: text.size, root }))
    });
    seen.collect()
}

/// Whole or not at all, and there after a power failure.
fn write(path: &Path, seen: &BTreeMap<String, Seen>) -> io::Result<()> {
    let text = |seen: &Seen| SeenText { size: seen.size, root: hex::encode(seen.root) };
    let texts: BTreeMap<&String, SeenText> = seen.iter().map(|(origin, seen)| (origin, text(seen))).collect();
    let unfinished = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec(&texts)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
