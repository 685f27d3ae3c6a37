//! The log as the service has it: many ask, one thread writes, together what waits at the same time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Fault;
use super::head::HeadKey;
use super::line::{Content, Decision};
use super::writer::{LONGEST_FILE, Writer};

/// Decisions that may wait, and that are written together.
const WAITING: usize = 8192;
const TOGETHER: usize = 1024;
/// How long lines stay without a head.
const UNSIGNED: Duration = Duration::from_secs(1);

/// What is promised of a decision when it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives the power supply.
    Synced,
    /// It survives this process; within a second the power supply.
    Written,
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the audit log in {} cannot be used", folder.display())]
    Unusable { folder: PathBuf, source: io::Error },
    #[error("the audit log in {} is in use by another process: each has a folder of its own", folder.display())]
    InUse { folder: PathBuf },
    #[error(
        "the audit log was changed: {}, line {line}: {fault}; keep the folder for who looks into it, and set another one",
        file.display()
    )]
    Broken { file: PathBuf, line: u64, fault: Fault },
    #[error(
        "the audit log in {folder} was changed: {fault}; put back the newest copy of the whole folder, or set another folder; once somebody \
         has looked into it, antin audit continue {folder} --key FILE --reason TEXT has the log go on and writes that down",
        folder = folder.display()
    )]
    Head { folder: PathBuf, fault: Fault },
}

/// Why a decision is not recorded; the answer must not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    #[error("the audit log cannot be written; check disk space and the disk's health")]
    Unavailable,
    #[error("too many decisions wait for the audit log; ask again in a moment")]
    Overloaded,
}

struct Entry {
    decision: Decision,
    durability: Durability,
    done: oneshot::Sender<Result<(), AuditError>>,
}

/// The log. Dropping it writes what waits, and a head behind it.
pub struct AuditLog {
    /// `None`: it is being dropped.
    sender: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

impl AuditLog {
    /// Goes on with the log in this folder, or begins one.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(folder: &Path, key: HeadKey) -> Result<Self, OpenError> {
        Self::open_with(folder, key, LONGEST_FILE)
    }

    /// The same with files of another length.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(folder: &Path, key: HeadKey, longest_file: u64) -> Result<Self, OpenError> {
        let writer = Writer::open(folder, key, longest_file)?;
        let (sender, receiver) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("audit-write".to_owned()).spawn(move || write(writer, &receiver));
        let thread = thread.map_err(|source| OpenError::Unusable { folder: folder.to_owned(), source })?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    /// Has a log go on whose head does not fit it, with a line that says why; the head that did not fit is kept beside it. `false`: all
    /// fits, and nothing was done.
    ///
    /// # Errors
    /// As [`Self::open`]; what does not fit within the log is not mended.
    pub fn go_on(folder: &Path, key: HeadKey, reason: &str) -> Result<bool, OpenError> {
        Writer::go_on(folder, key, reason)
    }

    /// Records a decision, before its answer leaves.
    ///
    /// # Errors
    /// [`AuditError`]: it is not recorded.
    pub async fn record(&self, decision: Decision, durability: Durability) -> Result<(), AuditError> {
        let (done, told) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or(AuditError::Unavailable)?;
        sender.try_send(Entry { decision: decision.cut(), durability, done }).map_err(|error| match error {
            TrySendError::Full(_) => AuditError::Overloaded,
            TrySendError::Disconnected(_) => AuditError::Unavailable,
        })?;
        told.await.unwrap_or(Err(AuditError::Unavailable))
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(mut writer: Writer, receiver: &Receiver<Entry>) {
    let mut sealed = Instant::now();
    loop {
        let first = match receiver.recv_timeout(UNSIGNED) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => {
                seal(&mut writer);
                sealed = Instant::now();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return seal(&mut writer),
        };
        let mut entries = vec![first];
        entries.extend(receiver.try_iter().take(TOGETHER - 1));
        let is_durable =
            sealed.elapsed() >= UNSIGNED || entries.iter().any(|entry| entry.durability == Durability::Synced);
        if is_durable {
            sealed = Instant::now();
        }
        let (decisions, tellers): (Vec<Content>, Vec<_>) =
            entries.into_iter().map(|entry| (Content::Decision(entry.decision), entry.done)).unzip();
        let outcome = writer.append(decisions, is_durable).map_err(|error| {
            tracing::error!(%error, "the audit log cannot be written");
            AuditError::Unavailable
        });
        for teller in tellers {
            // Whoever asked may be gone.
            let _ = teller.send(outcome);
        }
    }
}

/// A head over what has none yet; it is tried again.
fn seal(writer: &mut Writer) {
    if writer.is_unsigned()
        && let Err(error) = writer.append(Vec::new(), true)
    {
        tracing::error!(%error, "the audit log cannot be written");
    }
}
