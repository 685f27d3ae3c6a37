//! The end of the log, to which one thread writes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Fault;
use super::check::Walk;
use super::files::{KeptHead, LOCK, NEWEST_HEAD, files, lines, name_of, newest_head};
use super::head::{Head, HeadKey};
use super::line::{Content, LONGEST_LINE, Line, VERSION, digest, nothing};
use super::log::OpenError;
use crate::clock;
use crate::disk::{self, Lock};

/// Octets from which on a file is followed by another.
pub const LONGEST_FILE: u64 = 64 << 20;

pub struct Writer {
    folder: PathBuf,
    key: HeadKey,
    log: String,
    file: File,
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
    /// Goes on with the log in this folder, or begins one. Only the newest file is checked: [`super::check()`] checks all.
    pub fn open(folder: &Path, key: HeadKey, longest_file: u64) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { folder: folder.to_owned(), source };
        disk::make_folder(folder).map_err(unusable)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK));
        let lock = lock.map_err(unusable)?;
        let lock = Lock::take(lock).map_err(|_| OpenError::InUse { folder: folder.to_owned() })?;
        let mut files = files(folder).map_err(unusable)?;
        let mut lost = 0;
        while let Some((first, path)) = files.last().filter(|_| files.len() > 1) {
            // A crash came before the first line of a new file was whole.
            let octets = fs::metadata(path).map_err(unusable)?.len();
            if octets > LONGEST_LINE as u64 || fs::read(path).map_err(unusable)?.contains(&b'\n') || *first == 0 {
                break;
            }
            fs::remove_file(path).map_err(unusable)?;
            lost += octets;
            files.pop();
        }
        let (Some((_, oldest)), Some((first, newest))) = (files.first(), files.last()) else {
            return Self::begin(folder, key, longest_file, lock).map_err(unusable);
        };
        let log = log_of(oldest, &key)?;
        let tail = Tail::read(newest, *first, &log, &key)?;
        let file = OpenOptions::new().write(true).open(newest).map_err(unusable)?;
        let mut writer = Self {
            folder: folder.to_owned(),
            key,
            log,
            file,
            length: tail.length,
            sequence: tail.sequence,
            previous: tail.previous,
            unsigned: tail.unsigned,
            is_dirty: tail.torn > 0,
            longest_file,
            _lock: lock,
        };
        let octets = lost + tail.torn;
        let has_head = matches!(newest_head(folder), Ok(Some(_)));
        if !has_head {
            tracing::warn!(
                "the newest head beside the audit log is missing or unreadable; compare the log with one that is kept elsewhere"
            );
        }
        let recovered = (octets > 0 || !has_head).then_some(Content::Recovered { octets });
        writer.append(recovered.into_iter().collect(), true).map_err(unusable)?;
        Ok(writer)
    }

    fn begin(folder: &Path, key: HeadKey, longest_file: u64, lock: Lock) -> io::Result<Self> {
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random)?;
        let log = hex::encode(random);
        let file = create(folder, 0)?;
        let begin = Content::Begin { version: VERSION, log: log.clone(), key: key.public().fingerprint().to_owned() };
        let mut writer = Self {
            folder: folder.to_owned(),
            key,
            log,
            file,
            length: 0,
            sequence: 0,
            previous: nothing(),
            unsigned: 0,
            is_dirty: false,
            longest_file,
            _lock: lock,
        };
        writer.append(vec![begin], true)?;
        Ok(writer)
    }

    /// There are lines that no head is over.
    pub const fn is_unsigned(&self) -> bool {
        self.unsigned > 0
    }

    /// Writes these lines, and with `is_durable` a head behind them, on disk when this returns. After an error the log is as it was.
    pub fn append(&mut self, contents: Vec<Content>, is_durable: bool) -> io::Result<()> {
        if self.length >= self.longest_file && self.unsigned == 0 {
            (self.file, self.length) = (create(&self.folder, self.sequence)?, 0);
        }
        if self.is_dirty {
            self.file.set_len(self.length)?;
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
        self.file.write_all_at(octets.as_bytes(), self.length)?;
        if is_durable {
            self.file.sync_data()?;
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

/// The end of a file.
struct Tail {
    length: u64,
    /// Of the next line.
    sequence: u64,
    previous: String,
    unsigned: u64,
    /// Octets of a line that was never whole.
    torn: u64,
}

impl Tail {
    fn read(path: &Path, first: u64, log: &str, key: &HeadKey) -> Result<Self, OpenError> {
        let mut walk: Option<Walk<'_>> = None;
        let (mut number, mut length, mut torn, mut fault) = (0, 0, 0, None);
        let read = lines(path, |line, is_whole| {
            if !is_whole {
                torn = line.len() as u64;
                return Ok(true);
            }
            number += 1;
            let walk = walk.get_or_insert_with(|| match Line::decode(line) {
                Some(own) if first > 0 => Walk::from_line(key.public(), log.to_owned(), &own),
                _ => Walk::new(key.public()),
            });
            fault = walk.step(line, true).err();
            length += line.len() as u64 + 1;
            Ok(fault.is_none())
        });
        read.map_err(|source| OpenError::Unusable { folder: path.to_owned(), source })?;
        match (walk, fault) {
            (_, Some(fault)) => Err(OpenError::Broken { file: path.to_owned(), line: number, fault }),
            (None, None) => Ok(Self { length: 0, sequence: 0, previous: nothing(), unsigned: 0, torn }),
            (Some(walk), None) => {
                let Walk { sequence, previous, unsigned, .. } = walk;
                Ok(Self { length, sequence, previous, unsigned, torn })
            }
        }
    }
}

/// Which log begins in this file.
fn log_of(oldest: &Path, key: &HeadKey) -> Result<String, OpenError> {
    let mut found = None;
    let read = lines(oldest, |line, _| {
        found = Line::decode(line).and_then(|line| match line.content {
            Content::Begin { log, key, .. } => Some((log, key)),
            _ => None,
        });
        Ok(false)
    });
    read.map_err(|source| OpenError::Unusable { folder: oldest.to_owned(), source })?;
    let broken = |fault| OpenError::Broken { file: oldest.to_owned(), line: 1, fault };
    match found {
        Some((log, own)) if own == key.public().fingerprint() => Ok(log),
        Some(_) => Err(broken(Fault::Key)),
        None => Err(broken(Fault::Beginning)),
    }
}

/// Puts the newest head beside the log, whole or not at all.
fn keep(folder: &Path, head: &KeptHead) -> io::Result<()> {
    let unfinished = folder.join(format!("{NEWEST_HEAD}.new"));
    fs::write(&unfinished, serde_json::to_vec(head)?)?;
    fs::rename(unfinished, folder.join(NEWEST_HEAD))
}

/// A new file of the log, which is there after a crash too.
fn create(folder: &Path, sequence: u64) -> io::Result<File> {
    let path = folder.join(name_of(sequence));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}
