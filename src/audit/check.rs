//! Whether a log is as it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{KeptHead, files, lines, newest_head};
use super::head::{Head, PublicHeadKey};
use super::line::{Content, Line, VERSION, digest, nothing};

/// What a log says that is as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub log: String,
    pub lines: u64,
    pub decisions: u64,
    /// Lines behind the newest head: chained, and not signed yet.
    pub unsigned: u64,
}

/// Where a log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: PathBuf,
    /// Counted from 1; 0: the file as a whole.
    pub line: u64,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no file of a log.
    Nothing,
    /// The first line does not begin a log, or another one does.
    Beginning,
    /// It is no line as it is written.
    Form,
    /// The line has no end: it was cut off, or a crash cut it and the service did not start since.
    Torn,
    /// Its number is not the next one.
    Sequence { expected: u64 },
    /// The line before is another than it was.
    Previous,
    /// The heads are of another key.
    Key,
    /// The head's signature is not over the line before it.
    Head,
    /// A head that is kept elsewhere is not signed by this key, or is of another log.
    KeptHead,
    /// The log ends before a line that a kept head knows.
    CutOff { sequence: u64 },
    /// A line is another than a kept head knows.
    Other { sequence: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("there is no audit log here"),
            Self::Beginning => formatter.write_str("this does not begin the log"),
            Self::Form => formatter.write_str("this is no line as the log writes it"),
            Self::Torn => formatter.write_str("the line has no end"),
            Self::Sequence { expected } => {
                write!(formatter, "line {expected} of the log should stand here: lines were left out, put in or moved")
            }
            Self::Previous => formatter.write_str("the line before this one is not what it was"),
            Self::Key => formatter.write_str("the heads of this log are signed by another key"),
            Self::Head => formatter.write_str("the signature of this head does not hold"),
            Self::KeptHead => formatter.write_str("the head that is kept is not signed by this key, or of another log"),
            Self::CutOff { sequence } => {
                write!(formatter, "the log ends before its line {sequence}, which was there: its end was cut off")
            }
            Self::Other { sequence } => write!(formatter, "line {sequence} of the log is not what it was"),
        }
    }
}

/// Goes through a log line by line.
pub(super) struct Walk<'a> {
    key: &'a PublicHeadKey,
    pub log: String,
    /// Of the next line.
    pub sequence: u64,
    pub previous: String,
    pub unsigned: u64,
    decisions: u64,
    /// Digests of lines that are known from elsewhere, by their numbers.
    known: BTreeMap<u64, String>,
    /// Lines that are heads, likewise.
    heads: BTreeSet<u64>,
}

impl<'a> Walk<'a> {
    /// From the beginning.
    pub fn new(key: &'a PublicHeadKey) -> Self {
        Self {
            key,
            log: String::new(),
            sequence: 0,
            previous: nothing(),
            unsigned: 0,
            decisions: 0,
            known: BTreeMap::new(),
            heads: BTreeSet::new(),
        }
    }

    /// From a later file on, whose first line is believed to be what it says.
    pub fn from_line(key: &'a PublicHeadKey, log: String, first: &Line) -> Self {
        Self { log, sequence: first.sequence, previous: first.previous.clone(), ..Self::new(key) }
    }

    /// The next line.
    pub fn step(&mut self, octets: &[u8], is_whole: bool) -> Result<(), Fault> {
        if !is_whole {
            return Err(Fault::Torn);
        }
        let line = Line::decode(octets).ok_or(Fault::Form)?;
        if line.sequence != self.sequence {
            return Err(Fault::Sequence { expected: self.sequence });
        }
        if line.previous != self.previous {
            return Err(Fault::Previous);
        }
        match &line.content {
            Content::Begin { version, log, key } => {
                if line.sequence != 0 || *version != VERSION {
                    return Err(Fault::Beginning);
                }
                if key != self.key.fingerprint() {
                    return Err(Fault::Key);
                }
                self.log.clone_from(log);
            }
            _ if line.sequence == 0 => return Err(Fault::Beginning),
            Content::Head(signed) => {
                let sequence = line.sequence - 1;
                let (digest, time) = (self.previous.clone(), line.time.clone());
                let head = Head { log: self.log.clone(), sequence, digest, time };
                if !self.key.verifies(&head, signed) {
                    return Err(Fault::Head);
                }
            }
            Content::Decision(_) => self.decisions += 1,
            Content::Recovered { .. } => {}
        }
        if self.heads.remove(&self.sequence) && !matches!(line.content, Content::Head(_)) {
            return Err(Fault::Other { sequence: self.sequence });
        }
        self.unsigned = if matches!(line.content, Content::Head(_)) { 0 } else { self.unsigned + 1 };
        self.previous = digest(&line.encode());
        if self.known.remove(&self.sequence).is_some_and(|known| known != self.previous) {
            return Err(Fault::Other { sequence: self.sequence });
        }
        self.sequence += 1;
        Ok(())
    }
}

/// Goes through the whole log in this folder. `kept`: heads that lie elsewhere; the newest one beside the log counts as well.
///
/// # Errors
/// A file cannot be read.
pub fn check(folder: &Path, key: &PublicHeadKey, kept: &[KeptHead]) -> io::Result<Result<Whole, Finding>> {
    let finding = |file: &Path, line, fault| Ok(Err(Finding { file: file.to_owned(), line, fault }));
    let files = files(folder)?;
    let beside = match newest_head(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            return finding(folder, 0, Fault::KeptHead);
        }
        beside => beside?,
    };
    let mut walk = Walk::new(key);
    for head in kept.iter().chain(&beside) {
        walk.heads.insert(head.head.sequence.saturating_add(1));
        let is_other = walk.known.insert(head.head.sequence, head.head.digest.clone());
        let is_other = is_other.is_some_and(|other| other != head.head.digest);
        if is_other || !key.verifies(&head.head, &head.signed) {
            return finding(folder, 0, Fault::KeptHead);
        }
    }
    if files.is_empty() {
        return finding(folder, 0, Fault::Nothing);
    }
    for (first, path) in &files {
        if *first != walk.sequence {
            return finding(path, 0, Fault::Sequence { expected: walk.sequence });
        }
        let (mut number, mut fault) = (0, None);
        lines(path, |line, is_whole| {
            number += 1;
            fault = walk.step(line, is_whole).err();
            Ok(fault.is_none())
        })?;
        if let Some(fault) = fault {
            return finding(path, number, fault);
        }
    }
    if kept.iter().chain(&beside).any(|head| head.head.log != walk.log) {
        return finding(folder, 0, Fault::KeptHead);
    }
    if let Some(sequence) = walk.known.into_keys().chain(walk.heads).min() {
        let (_, last) = &files[files.len() - 1];
        return finding(last, 0, Fault::CutOff { sequence });
    }
    let Walk { log, sequence, unsigned, decisions, .. } = walk;
    Ok(Ok(Whole { log, lines: sequence, decisions, unsigned }))
}
