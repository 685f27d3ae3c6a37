//! The end of the log, to which one thread writes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::files::{KeptHead, LOCK, NEWEST_HEAD, keep, name_of, write_durably};
use super::head::{Head, HeadKey};
use super::line::{Content, Cut, LONGEST_TEXT, Line, Unsigned, VERSION, digest, nothing};
use super::log::OpenError;
use super::start::{Found, FoundHead};
use crate::clock;
use crate::core::crypto;
use crate::disk::{self, Lock};

/// Octets from which on a file is followed by another.
pub const LONGEST_FILE: u64 = 64 << 20;

/// Files that are kept aside at one line.
const MOST_KEPT: u32 = 1000;

const MOVED: &str = "its newest file was moved, removed or replaced while the service runs: put it back; antin audit verify says what is missing";
const WRITTEN: &str = "its newest file is not as long as the service left it: another process writes to it; stop the service, find that process, \
                       and see what antin audit verify says";

pub struct Writer {
    folder: PathBuf,
    key: HeadKey,
    log: String,
    path: PathBuf,
    /// Locked itself too: whoever takes away the file of the lock does not get it.
    file: Lock,
    /// Octets of it that are sound.
    length: u64,
    /// Of the next line.
    sequence: u64,
    previous: String,
    /// Lines since the newest head.
    unsigned: u64,
    /// Behind the sound octets may stand others, of what failed.
    is_dirty: bool,
    longest_file: u64,
    /// Held until the end.
    _lock: Lock,
}

impl Writer {
    /// Goes on with the log in this folder, or begins one. Only the newest file is checked, and the head beside it: [`super::check()`]
    /// checks all.
    pub fn open(folder: &Path, key: HeadKey, longest_file: u64) -> Result<Self, OpenError> {
        let lock = take_lock(folder)?;
        let found = Found::read(folder, &key)?;
        if let FoundHead::Unfit { fault, .. } = found.head {
            return Err(OpenError::Head { folder: folder.to_owned(), fault });
        }
        Self::resume(folder, key, longest_file, lock, found, None)
    }

    /// Has a log go on whose head does not fit, and writes down why: that head is kept. `false`: there is nothing that does not fit.
    pub fn go_on(folder: &Path, key: HeadKey, reason: &str) -> Result<bool, OpenError> {
        let unusable = |source| OpenError::Unusable { folder: folder.to_owned(), source };
        let lock = take_lock(folder)?;
        let found = Found::read(folder, &key)?;
        let FoundHead::Unfit { known, .. } = found.head else { return Ok(false) };
        let octets = fs::read(folder.join(NEWEST_HEAD)).map_err(unusable)?;
        let next = found.end.as_ref().map_or(0, |end| end.sequence);
        let kept = keep_aside(folder, "head", next, &octets).map_err(unusable)?;
        let reason = reason.chars().take(LONGEST_TEXT).collect();
        let continued = Content::Continued { reason, known, kept };
        Self::resume(folder, key, LONGEST_FILE, lock, found, Some(continued)).map(|_| true)
    }

    fn resume(
        folder: &Path,
        key: HeadKey,
        longest_file: u64,
        lock: Lock,
        found: Found,
        continued: Option<Content>,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { folder: folder.to_owned(), source };
        for path in &found.unbegun {
            fs::remove_file(path).map_err(unusable)?;
        }
        let Some(end) = found.end else {
            return Self::begin(folder, key, longest_file, lock, continued).map_err(unusable);
        };
        let file = OpenOptions::new().read(true).write(true).open(&end.file).map_err(unusable)?;
        let file = Lock::take(file).map_err(|_| OpenError::InUse { folder: folder.to_owned() })?;
        let mut writer = Self {
            folder: folder.to_owned(),
            key,
            log: end.log,
            path: end.file,
            file,
            length: end.length,
            sequence: end.sequence,
            previous: end.previous.clone(),
            unsigned: end.unsigned,
            is_dirty: end.torn > 0,
            longest_file,
            _lock: lock,
        };
        let octets = found.lost + end.torn;
        let has_head = !matches!(found.head, FoundHead::Missing);
        if !has_head {
            tracing::warn!(
                "the newest head beside the audit log is missing; compare the log with one that is kept elsewhere"
            );
        }
        let unsigned = (end.unsigned > 0).then(|| {
            let (first, count) = (end.sequence - end.unsigned, end.unsigned);
            tracing::warn!(first, count, "lines of the audit log stood without a head; antin audit verify names them");
            Unsigned { first, count, digest: end.previous }
        });
        let cut = if end.torn > 0 {
            keep_cut(folder, writer.file.file(), end.length, end.torn, end.sequence).map_err(unusable)?
        } else {
            None
        };
        let has_to_tell = octets > 0 || !has_head || unsigned.is_some();
        let mut told: Vec<_> =
            has_to_tell.then_some(Content::Recovered { octets, unsigned, cut }).into_iter().collect();
        told.extend(continued);
        writer.append(told, true).map_err(unusable)?;
        Ok(writer)
    }

    fn begin(folder: &Path, key: HeadKey, longest_file: u64, lock: Lock, more: Option<Content>) -> io::Result<Self> {
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random)?;
        let log = hex::encode(random);
        let (path, file) = create(folder, 0)?;
        let begin = Content::Begin { version: VERSION, log: log.clone(), key: key.public().fingerprint().to_owned() };
        let mut writer = Self {
            folder: folder.to_owned(),
            key,
            log,
            path,
            file,
            length: 0,
            sequence: 0,
            previous: nothing(),
            unsigned: 0,
            is_dirty: false,
            longest_file,
            _lock: lock,
        };
        writer.append(std::iter::once(begin).chain(more).collect(), true)?;
        Ok(writer)
    }

    /// The file is the one that has its name in the folder, and as long as it was left: whatever else would be written is written where
    /// nobody finds it, or over what another process wrote.
    fn check_file(&self) -> io::Result<()> {
        let held = self.file.file().metadata()?;
        let named = fs::metadata(&self.path).map_err(|error| io::Error::new(error.kind(), MOVED))?;
        if (held.dev(), held.ino()) != (named.dev(), named.ino()) {
            return Err(io::Error::other(MOVED));
        }
        if held.len() < self.length || held.len() > self.length && !self.is_dirty {
            return Err(io::Error::other(WRITTEN));
        }
        Ok(())
    }

    /// There are lines that no head is over.
    pub const fn is_unsigned(&self) -> bool {
        self.unsigned > 0
    }

    /// Writes these lines, and with `is_durable` a head behind them, on disk when this returns. After an error the log is as it was.
    pub fn append(&mut self, contents: Vec<Content>, is_durable: bool) -> io::Result<()> {
        self.check_file()?;
        if self.length >= self.longest_file && self.unsigned == 0 {
            let (path, file) = create(&self.folder, self.sequence)?;
            (self.path, self.file, self.length) = (path, file, 0);
        }
        if self.is_dirty {
            self.file.file().set_len(self.length)?;
            self.is_dirty = false;
        }
        let time = clock::now().to_string();
        let (mut sequence, mut previous, mut unsigned) = (self.sequence, self.previous.clone(), self.unsigned);
        let mut octets = String::new();
        let mut put = |content, octets: &mut String| {
            let line = Line { sequence, previous: std::mem::take(&mut previous), time: time.clone(), content };
            let text = line.encode();
            previous = digest(&text);
            sequence += 1;
            octets.push_str(&text);
            octets.push('\n');
            Head { log: self.log.clone(), sequence: line.sequence, digest: previous.clone(), time: time.clone() }
        };
        let mut head = Head { log: self.log.clone(), sequence: 0, digest: String::new(), time: time.clone() };
        for content in contents {
            head = put(content, &mut octets);
            unsigned += 1;
        }
        let mut kept = None;
        if is_durable && unsigned > 0 {
            if head.digest.is_empty() {
                head = Head { sequence: self.sequence - 1, digest: self.previous.clone(), ..head };
            }
            let signed = self.key.sign(&head)?;
            put(Content::Head(signed.clone()), &mut octets);
            kept = Some(KeptHead { head, signed });
            unsigned = 0;
        }
        if octets.is_empty() {
            return Ok(());
        }
        self.is_dirty = true;
        self.file.file().write_all_at(octets.as_bytes(), self.length)?;
        if is_durable {
            self.file.file().sync_data()?;
        }
        self.is_dirty = false;
        self.length += octets.len() as u64;
        (self.sequence, self.previous, self.unsigned) = (sequence, previous, unsigned);
        if let Some(kept) = kept {
            // What it says is on disk already: a copy that is missing or old hides nothing from who keeps another.
            let _ = keep(&self.folder, &kept);
        }
        Ok(())
    }
}

/// The folder, for one process.
fn take_lock(folder: &Path) -> Result<Lock, OpenError> {
    let unusable = |source| OpenError::Unusable { folder: folder.to_owned(), source };
    disk::make_folder(folder).map_err(unusable)?;
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK));
    Lock::take(lock.map_err(unusable)?).map_err(|_| OpenError::InUse { folder: folder.to_owned() })
}

/// Puts octets that do not belong to the log beside it, under a name that nothing has: of the line that tells of them at the earliest.
fn keep_aside(folder: &Path, what: &str, next: u64, octets: &[u8]) -> io::Result<String> {
    let mut names = (0..MOST_KEPT).map(|number| format!("{what}-kept-{next:020}-{number}.json"));
    let name = names.find(|name| !folder.join(name).exists()).ok_or(io::ErrorKind::AlreadyExists)?;
    write_durably(folder, &name, octets)?;
    Ok(name)
}

/// Keeps what is about to be cut off the file, if there are whole lines in it.
fn keep_cut(folder: &Path, file: &File, from: u64, length: u64, next: u64) -> io::Result<Option<Cut>> {
    let mut octets = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut octets, from)?;
    if !octets.contains(&b'\n') {
        return Ok(None);
    }
    let kept = keep_aside(folder, "cut", next, &octets)?;
    Ok(Some(Cut { sha256: hex::encode(crypto::sha256(&octets)), kept }))
}

/// A new file of the log, which is there after a crash too.
fn create(folder: &Path, sequence: u64) -> io::Result<(PathBuf, Lock)> {
    let path = folder.join(name_of(sequence));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let file = Lock::take(file).map_err(io::Error::from)?;
    File::open(folder)?.sync_all()?;
    Ok((path, file))
}
