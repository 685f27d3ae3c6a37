//! Whether a log is as it was written.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{KeptHead, files, lines, newest_head};
use super::head::{Head, PublicHeadKey, Signed};
use super::line::{Content, Cut, Line, Unsigned, VERSION, digest, nothing};

/// Of what a log tells of itself, so much is kept.
const MOST_NOTES: usize = 1000;

/// What a log says that is as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub log: String,
    pub lines: u64,
    pub decisions: u64,
    /// Lines behind the newest head: chained, and not signed yet.
    pub unsigned: u64,
    /// What the log tells of its own breaks: the first thousand, and how many there are.
    pub notes: Vec<Note>,
    pub told: u64,
}

/// A break that the log itself tells of, under a head: nothing was changed since, and what was before is not vouched for by the key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The number of the line that tells it, and when it was written.
    pub line: u64,
    pub time: String,
    pub what: Told,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Lines stood without a head at a start: a crash left them, or somebody put them in.
    Unsigned { first: u64, last: u64 },
    /// Octets with whole lines among them, behind one that was never whole, were taken away at a start.
    Cut { octets: u64, kept: String },
    /// The head beside the log was missing at a start.
    NoHead,
    /// The head beside the log did not fit, and its keeper had the log go on.
    Continued { reason: String, known: Option<u64>, kept: String },
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, time, what } = self;
        match what {
            Told::Unsigned { first, last } => write!(
                formatter,
                "lines {first} to {last} were under no head when the service started, as line {line} of {time} tells: a crash left them, \
                 or somebody put them in or changed them; compare them with the registry and with copies elsewhere"
            ),
            Told::Cut { octets, kept } => write!(
                formatter,
                "{octets} octets behind the last whole line were taken away when the service started, as line {line} of {time} tells: a power \
                 failure left them, or somebody put them in; they are kept in {kept}"
            ),
            Told::NoHead => write!(
                formatter,
                "the head beside the log was missing when the service started, as line {line} of {time} tells: an end may have been cut off \
                 with it; compare the log with a head that is kept elsewhere"
            ),
            Told::Continued { reason, known, kept } => {
                write!(formatter, "the log was made to go on at line {line} of {time}, for this reason: {reason:?}; ")?;
                match known {
                    Some(known) => write!(formatter, "lines up to {known} had been there, or were others")?,
                    None => formatter.write_str("what had been there nobody knows")?,
                }
                write!(formatter, "; the head of before is kept in {kept}")
            }
        }
    }
}

/// Where a log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: PathBuf,
    /// Counted from 1; 0: the file as a whole.
    pub line: u64,
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if self.line > 0 {
            write!(formatter, ", line {}", self.line)?;
        }
        write!(formatter, ": {}", self.fault)
    }
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
    /// A line that tells which lines stood without a head tells of others than stand before it.
    Recovered,
    /// A head that is kept elsewhere is not signed by this key, or is of another log.
    KeptHead,
    /// The head beside the log cannot be read.
    UnreadableHead,
    /// A head lies there, and the log that it is of does not.
    Gone,
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
            Self::Recovered => formatter.write_str("it tells of other lines without a head than stand before it"),
            Self::UnreadableHead => formatter.write_str("the newest head beside the log cannot be read"),
            Self::Gone => formatter.write_str("a head lies there, and the log that it is of was taken away"),
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
    /// Signatures of the heads over them, by the numbers of their own lines: an ECDSA signature has a second form that holds too.
    heads: BTreeMap<u64, Signed>,
    pub notes: Vec<Note>,
    pub told: u64,
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
            heads: BTreeMap::new(),
            notes: Vec::new(),
            told: 0,
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
            Content::Recovered { octets, unsigned, cut } => {
                if let Some(Unsigned { first, count, digest }) = unsigned
                    && (first.checked_add(*count) != Some(line.sequence)
                        || *count != self.unsigned
                        || *digest != self.previous)
                {
                    return Err(Fault::Recovered);
                }
                match unsigned {
                    Some(Unsigned { first, .. }) => {
                        self.note(&line, Told::Unsigned { first: *first, last: line.sequence - 1 });
                    }
                    None if *octets == 0 => self.note(&line, Told::NoHead),
                    None => {}
                }
                if let Some(Cut { kept, .. }) = cut {
                    self.note(&line, Told::Cut { octets: *octets, kept: kept.clone() });
                }
            }
            Content::Continued { reason, known, kept } => {
                let (reason, kept) = (reason.clone(), kept.clone());
                self.note(&line, Told::Continued { reason, known: *known, kept });
            }
        }
        if let Some(signed) = self.heads.remove(&self.sequence)
            && line.content != Content::Head(signed)
        {
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

    fn note(&mut self, line: &Line, what: Told) {
        self.told += 1;
        if self.notes.len() < MOST_NOTES {
            self.notes.push(Note { line: line.sequence, time: line.time.clone(), what });
        }
    }
}

/// The head cannot be read for what is in it, not for the disk.
pub(super) fn is_unreadable(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, UnexpectedEof};
    matches!(error.kind(), InvalidData | IsADirectory | UnexpectedEof)
}

/// Goes through the whole log in this folder. `kept`: heads that lie elsewhere; the newest one beside the log counts as well.
///
/// # Errors
/// A file cannot be read.
pub fn check(folder: &Path, key: &PublicHeadKey, kept: &[KeptHead]) -> io::Result<Result<Whole, Finding>> {
    let finding = |file: &Path, line, fault| Ok(Err(Finding { file: file.to_owned(), line, fault }));
    let files = files(folder)?;
    let beside = match newest_head(folder) {
        Err(error) if is_unreadable(&error) => return finding(folder, 0, Fault::UnreadableHead),
        beside => beside?,
    };
    let mut walk = Walk::new(key);
    for head in kept.iter().chain(&beside) {
        let signed = walk.heads.insert(head.head.sequence.saturating_add(1), head.signed.clone());
        let line = walk.known.insert(head.head.sequence, head.head.digest.clone());
        let is_other = line.is_some_and(|other| other != head.head.digest);
        if is_other || signed.is_some_and(|other| other != head.signed) || !key.verifies(&head.head, &head.signed) {
            return finding(folder, 0, Fault::KeptHead);
        }
    }
    if files.is_empty() {
        return finding(folder, 0, if beside.is_some() { Fault::Gone } else { Fault::Nothing });
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
    if let Some(sequence) = walk.known.into_keys().chain(walk.heads.into_keys()).min() {
        let (_, last) = &files[files.len() - 1];
        return finding(last, 0, Fault::CutOff { sequence });
    }
    let Walk { log, sequence, unsigned, decisions, notes, told, .. } = walk;
    Ok(Ok(Whole { log, lines: sequence, decisions, unsigned, notes, told }))
}
