//! The log as a start finds it: its end, and whether the head beside it is one of its lines.
//!
//! Lines are on disk before the head over them lies beside the log. So after a crash that head may be older than the last line; never
//! newer, and never of a line that is not there: whatever does not fit was done by somebody, or by who put back an older copy.

use std::fs;
use std::path::{Path, PathBuf};

use super::Fault;
use super::check::{Walk, is_unreadable};
use super::files::{KeptHead, files, lines, newest_head};
use super::head::HeadKey;
use super::line::{Content, LONGEST_LINE, Line};
use super::log::OpenError;

/// Octets of the first lines of a log, before there is a head beside it.
const FIRST_GROUP: u64 = LONGEST_LINE as u64;

/// What lies in the folder.
pub struct Found {
    /// `None`: no file of a log.
    pub end: Option<End>,
    /// Files that a crash left before their first line was whole, and their octets: to be taken away.
    pub unbegun: Vec<PathBuf>,
    pub lost: u64,
    pub head: FoundHead,
}

pub enum FoundHead {
    /// It is over a line of the log.
    Fits,
    Missing,
    /// Why it does not, and the line that it says it is over.
    Unfit {
        fault: Fault,
        known: Option<u64>,
    },
}

/// Where the log goes on.
pub struct End {
    pub log: String,
    pub file: PathBuf,
    /// Octets of the file that are sound.
    pub length: u64,
    /// Of the next line.
    pub sequence: u64,
    pub previous: String,
    pub unsigned: u64,
    /// Octets behind them: from the first line on that was never whole.
    pub torn: u64,
}

impl Found {
    /// Reads the newest file, and those before it as far back as the head goes: as a rule none. [`super::check()`] reads all.
    ///
    /// # Errors
    /// [`OpenError`]: a file cannot be read, or its lines are not as they were written.
    pub fn read(folder: &Path, key: &HeadKey) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { folder: folder.to_owned(), source };
        let mut files = files(folder).map_err(unusable)?;
        let (mut unbegun, mut lost) = (Vec::new(), 0);
        while let Some((first, path)) = files.last().filter(|_| files.len() > 1) {
            let octets = fs::metadata(path).map_err(unusable)?.len();
            if octets > LONGEST_LINE as u64 || fs::read(path).map_err(unusable)?.contains(&b'\n') || *first == 0 {
                break;
            }
            lost += octets;
            unbegun.extend(files.pop().map(|(_, path)| path));
        }
        let head = match newest_head(folder) {
            Ok(head) => Ok(head),
            Err(error) if is_unreadable(&error) => Err(Fault::UnreadableHead),
            Err(error) => return Err(unusable(error)),
        };
        if let ([(0, path)], Ok(None)) = (&files[..], &head)
            && fs::metadata(path).map_err(unusable)?.len() <= LONGEST_LINE as u64
        {
            let octets = fs::read(path).map_err(unusable)?;
            let first = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
            if first.len() == octets.len() || was_never_written(first) {
                lost += octets.len() as u64;
                unbegun.extend(files.pop().map(|(_, path)| path));
            }
        }
        let Some((_, oldest)) = files.first() else {
            let head = match head {
                Ok(None) => FoundHead::Missing,
                Ok(Some(head)) => FoundHead::Unfit { fault: Fault::Gone, known: Some(head.head.sequence) },
                Err(fault) => FoundHead::Unfit { fault, known: None },
            };
            return Ok(Self { end: None, unbegun, lost, head });
        };
        let log = log_of(oldest, key)?;
        let mut sought = Sought::of(head, &log, key);
        let from = sought.from(&files);
        let end = read_end(&files[from..], log, key, &mut sought)?;
        Ok(Self { end: Some(end), unbegun, lost, head: sought.ended() })
    }
}

/// The head beside the log, sought in it.
struct Sought {
    head: Option<KeptHead>,
    fault: Option<Fault>,
    has_line: bool,
    has_head: bool,
}

impl Sought {
    fn of(head: Result<Option<KeptHead>, Fault>, log: &str, key: &HeadKey) -> Self {
        let (head, mut fault) = match head {
            Ok(head) => (head, None),
            Err(fault) => (None, Some(fault)),
        };
        if let Some(head) = &head
            && (head.head.log != log || !key.public().verifies(&head.head, &head.signed))
        {
            fault = Some(Fault::KeptHead);
        }
        Self { head, fault, has_line: false, has_head: false }
    }

    /// The file from which on its line may stand.
    fn from(&self, files: &[(u64, PathBuf)]) -> usize {
        let newest = files.len() - 1;
        match &self.head {
            Some(head) if self.fault.is_none() => {
                files.iter().rposition(|(first, _)| *first <= head.head.sequence).unwrap_or(newest)
            }
            _ => newest,
        }
    }

    /// A line that was walked over just now.
    fn see(&mut self, walk: &Walk<'_>, line: &[u8]) {
        let Some(head) = self.head.as_ref().filter(|_| self.fault.is_none()) else { return };
        let sequence = walk.sequence - 1;
        if sequence == head.head.sequence {
            self.has_line = walk.previous == head.head.digest;
            self.fault = (!self.has_line).then_some(Fault::Other { sequence });
        } else if Some(sequence) == head.head.sequence.checked_add(1) {
            self.has_head = Line::decode(line).is_some_and(|line| line.content == Content::Head(head.signed.clone()));
            self.fault = (!self.has_head).then_some(Fault::Other { sequence });
        }
    }

    /// What comes now no head beside the log is over. None lies there before the very first group of lines was synced.
    fn is_behind_head(&self, length: u64) -> bool {
        let is_first_group = self.head.is_none() && length <= FIRST_GROUP;
        self.fault.is_none() && (self.has_head || is_first_group)
    }

    fn ended(self) -> FoundHead {
        let known = self.head.as_ref().map(|head| head.head.sequence);
        let missing = known.filter(|_| !self.has_line || !self.has_head);
        let missing = missing.map(|known| if self.has_line { known.saturating_add(1) } else { known });
        match (self.fault.or(missing.map(|sequence| Fault::CutOff { sequence })), known) {
            (Some(fault), known) => FoundHead::Unfit { fault, known },
            (None, None) => FoundHead::Missing,
            (None, Some(_)) => FoundHead::Fits,
        }
    }
}

/// Walks to the end of the log.
fn read_end(files: &[(u64, PathBuf)], log: String, key: &HeadKey, sought: &mut Sought) -> Result<End, OpenError> {
    let mut walk: Option<Walk<'_>> = None;
    let (mut length, mut torn) = (0, 0);
    for (index, (first, path)) in files.iter().enumerate() {
        let is_newest = index + 1 == files.len();
        let (mut number, mut fault) = (0, None);
        length = 0;
        let read = lines(path, |line, is_whole| {
            number += 1;
            let octets = line.len() as u64 + u64::from(is_whole);
            if is_newest && (!is_whole || torn > 0) {
                torn += octets;
                return Ok(true);
            }
            let walk = walk.get_or_insert_with(|| match Line::decode(line) {
                Some(own) if *first > 0 => Walk::from_line(key.public(), log.clone(), &own),
                _ => Walk::new(key.public()),
            });
            match walk.step(line, is_whole) {
                Ok(()) => {
                    sought.see(walk, line);
                    length += octets;
                }
                // Of what was written behind the head and not synced, a power failure leaves any sectors, in any order.
                Err(_) if is_newest && sought.is_behind_head(length + octets) => torn = octets,
                Err(other) => fault = Some(other),
            }
            Ok(fault.is_none())
        });
        read.map_err(|source| OpenError::Unusable { folder: path.clone(), source })?;
        if let Some(fault) = fault {
            return Err(OpenError::Broken { file: path.clone(), line: number, fault });
        }
    }
    let walk = walk.unwrap_or_else(|| Walk::new(key.public()));
    let Walk { sequence, previous, unsigned, .. } = walk;
    let file = files[files.len() - 1].1.clone();
    Ok(End { log, file, length, sequence, previous, unsigned, torn })
}

/// Where a power failure kept a disk from writing a sector, zeros stand: no line has one.
fn was_never_written(line: &[u8]) -> bool {
    line.contains(&0)
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
