//! The chapters of the story about the issuance log: each paper is proved to be in it, and a log that was rewritten is caught.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::office::{Failure, Office};
use super::signed_paper::Paper;
use crate::cli::exit;
use crate::core::crypto;
use crate::core::log::{Checkpoint, Entry, KeyKind, LogFault, LogProof, TileKind, TileName, VerifierKey};
use crate::issuance_log::{self, AuditError, Folder, NoteSigner, Publisher};
use crate::service::held;

/// An entry is published within this time.
const PUBLISHED: Duration = Duration::from_secs(10);

/// The log as an auditor knows it: by its public key, and by a checkpoint that he keeps.
pub struct Auditor {
    key: VerifierKey,
    kept: Option<Vec<u8>>,
}

impl Auditor {
    /// With the public half of the key in this file.
    pub fn new(public_key: &Path) -> Result<Self, Failure> {
        Ok(Self { key: VerifierKey::parse(&fs::read_to_string(public_key)?)?, kept: None })
    }

    /// Has the proof of a paper and verifies it with the log's public key alone; the position of its entry.
    pub async fn prove(&self, office: &Office, name: &str, paper: &Paper) -> Result<u64, Failure> {
        let started = Instant::now();
        let answer = loop {
            match office.proof(&paper.id).await? {
                (200, answer) => break answer,
                (503, _) if started.elapsed() < PUBLISHED => tokio::time::sleep(Duration::from_millis(100)).await,
                (status, answer) => return Err(format!("proof of {name}: {status} {answer}").into()),
            }
        };
        let proof = answer["proof"].as_str().ok_or_else(|| format!("no proof in {answer}"))?;
        let logged = LogProof::parse(proof.as_bytes())?.verify(&self.key)?;
        if logged.opening.document_digest != crypto::sha256(&paper.content) {
            return Err(format!("the proof of {name} is one of another paper").into());
        }
        let size = logged.checkpoint.size;
        exit::print(&format!("  ✔ {name:23}entry {} of {size}, {} octets of proof\n", logged.index, proof.len()));
        Ok(logged.index)
    }

    /// Keeps the log's checkpoint of now.
    pub async fn keep_checkpoint(&mut self, office: &Office) -> Result<(), Failure> {
        let octets = office.log_file("checkpoint").await?;
        let (checkpoint, _) = Checkpoint::open(&octets, &self.key)?;
        exit::print(&format!(
            "  an auditor keeps the checkpoint: {} entries, root {}…\n",
            checkpoint.size,
            &hex::encode(checkpoint.root)[..16]
        ));
        self.kept = Some(octets);
        Ok(())
    }

    /// Audits a log; against the checkpoint that is kept, if `with_kept`.
    fn audit(&self, folder: &Path, with_kept: bool) -> Result<Result<u64, AuditError>, Failure> {
        let kept = self.kept.clone().filter(|_| with_kept).map(|kept| ("the checkpoint kept".to_owned(), kept));
        let older: Vec<_> = kept.into_iter().collect();
        match issuance_log::audit(&Folder::new(folder), &self.key, &older) {
            Ok(audited) => Ok(Ok(audited.checkpoint.size)),
            Err(error @ AuditError::Read { .. }) => Err(error.into()),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Holds the log against what was kept; then a copy in which an entry was changed; then the log that an insider with the log's own key
    /// writes anew without one entry.
    pub fn catch_forgers(&self, log: &Path, private_key: &Path, left_out: u64) -> Result<(), Failure> {
        let size = self.audit(log, true)?.map_err(|error| format!("the log that nobody touched: {error}"))?;
        exit::print(&format!("  ✔ as it is               {size} entries, whole, what was kept is its beginning\n"));

        let changed = beside(log, "changed");
        change_an_entry(log, &changed, size)?;
        self.caught("one entry changed", self.audit(&changed, false)?, |error| {
            matches!(error, AuditError::Changed { .. })
        })?;

        let rewritten = beside(log, "rewritten");
        let key = held::log_key(private_key, self.key.name(), KeyKind::Note)?;
        rewrite_without(log, &rewritten, &key, left_out)?;
        let size = self.audit(&rewritten, false)?.map_err(|error| format!("the rewritten log: {error}"))?;
        exit::print(&format!(
            "  ? written anew           {size} entries, whole by itself: an insider had the log's own key\n"
        ));
        self.caught("against what was kept", self.audit(&rewritten, true)?, |error| {
            matches!(error, AuditError::Changed { fault: LogFault::Fork { .. }, .. })
        })
    }

    fn caught(
        &self,
        name: &str,
        audited: Result<u64, AuditError>,
        is_told: impl Fn(&AuditError) -> bool,
    ) -> Result<(), Failure> {
        match audited {
            Err(error) if is_told(&error) => {
                exit::print(&format!("  ✘ {name:23}{error}\n"));
                Ok(())
            }
            Err(error) => Err(format!("{name}: caught by another fault: {error}").into()),
            Ok(size) => Err(format!("{name}: not caught in {size} entries").into()),
        }
    }
}

fn beside(log: &Path, name: &str) -> PathBuf {
    log.with_file_name(format!("issuance-log-{name}"))
}

/// Copies the files of a log; of the first entry one bit of its signing time is turned.
fn change_an_entry(log: &Path, copy: &Path, size: u64) -> Result<(), Failure> {
    let bundle = TileName::in_tree(TileKind::Entries, 0, size).ok_or("the log has no entries to change")?;
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        fs::create_dir_all(copy.join(&inner))?;
        for file in fs::read_dir(log.join(&inner))? {
            let file = file?;
            let name = inner.join(file.file_name());
            if file.file_type()?.is_dir() {
                folders.push(name);
                continue;
            }
            let mut octets = fs::read(log.join(&name))?;
            if name == Path::new(&bundle.to_string()) {
                // Behind the length (2 octets) and the version (1): the time, 8 octets.
                octets[10] ^= 1;
            }
            fs::write(copy.join(&name), octets)?;
        }
    }
    Ok(())
}

/// A log of all entries but one, signed by the same key.
fn rewrite_without(log: &Path, rewritten: &Path, key: &NoteSigner, left_out: u64) -> Result<(), Failure> {
    let from = Folder::new(log);
    let (checkpoint, _) = Checkpoint::open(&from.checkpoint()?, key.verifier())?;
    let mut entries: Vec<Entry> = Vec::new();
    issuance_log::entries(&from, 0, checkpoint.size, |_, entry| entries.push(*entry))?;
    entries.remove(usize::try_from(left_out)?);
    let mut publisher = Publisher::open(rewritten, key)?;
    publisher.add(&entries)?;
    publisher.publish(key)?;
    Ok(())
}
