//! High-water marks: the highest CRLNumber and `thisUpdate` seen of each scope, so that an older list never comes back, not even
//! after a restart with an empty memory.
//!
//! The file is JSON with a digest over its marks, replaced as a whole. Several processes may share it: a mark only rises, so each
//! write keeps the higher of what the file and the process know. Only an operator lowers one (`reset`): the mark then counts one
//! more reset, and of two marks of a scope the one with more resets holds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::candidate::{CrlScope, Refusal, VerifiedCrl};
use super::durable::{Fault, beside, replace, sweep};
use crate::core::crypto::sha256;
use crate::core::time::Time;
use crate::core::x509::crl::CrlNumber;

const FORMAT: &str = "antin-revocation-marks-1";
/// Octets of the longest file.
const LIMIT: u64 = 16 << 20;
/// Tries to lock the file, and the wait between two.
const LOCK_TRIES: u32 = 40;
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// Marks that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MarksError {
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{} is damaged: restore it from a copy. If it is removed, lists older than those already seen would count again",
        .0.display()
    )]
    Damaged(PathBuf),
    #[error("{} stays locked by another process", .0.display())]
    Locked(PathBuf),
}

impl From<Fault> for MarksError {
    fn from(fault: Fault) -> Self {
        Self::File { action: fault.action, path: fault.path, source: fault.source }
    }
}

/// The highest seen of one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub number: Option<CrlNumber>,
    pub this_update: Time,
    /// SHA-256 of what was signed in the list that has both; none: they come from two lists.
    content: Option<[u8; 32]>,
    /// How often an operator accepted that the authority began anew.
    pub resets: u32,
}

/// How a list stands to its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It raises the mark.
    Newer,
    /// It is the list that set the mark.
    Same,
}

/// All marks of the process, and the file they are kept in.
pub struct Marks {
    path: PathBuf,
    marks: BTreeMap<CrlScope, Mark>,
    unwritten: bool,
    /// The file as it was when last looked at.
    seen: Option<Identity>,
}

/// Inode, length, and the time of the last change in nanoseconds.
type Identity = (u64, u64, i64, i64);

impl Marks {
    /// Reads the file. One that does not exist is made at once, so that a place that cannot be written is noticed.
    pub fn open(path: &Path) -> Result<Self, MarksError> {
        let marks = read(path)?;
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            sweep(folder, &format!("{name}."));
        }
        let unwritten = marks.is_none();
        let mut opened = Self { path: path.to_owned(), marks: marks.unwrap_or_default(), unwritten, seen: None };
        opened.write()?;
        Ok(opened)
    }

    /// Refuses a list that goes back in either respect. A list with the CRLNumber and time of another is refused too: which
    /// of the two is older cannot be known.
    pub fn judge(&self, list: &VerifiedCrl) -> Result<Standing, Refusal> {
        let Some(mark) = self.marks.get(&list.scope()) else { return Ok(Standing::Newer) };
        let this_update = list.crl().this_update;
        // A missing number is lower than any.
        if list.number() < mark.number.as_ref() {
            return Err(Refusal::NumberWentBack);
        }
        if this_update < mark.this_update {
            return Err(Refusal::TimeWentBack { this_update, seen: mark.this_update });
        }
        if list.number() > mark.number.as_ref() || this_update > mark.this_update {
            return Ok(Standing::Newer);
        }
        if mark.content.as_ref() == Some(list.content()) {
            Ok(Standing::Same)
        } else {
            Err(Refusal::SameNumberOtherContent)
        }
    }

    pub fn knows(&self, scope: CrlScope) -> bool {
        self.marks.contains_key(&scope)
    }

    /// Raises the mark of a list that was judged newer, in memory; [`Marks::write`] makes it durable.
    pub fn raise(&mut self, list: &VerifiedCrl) {
        let resets = self.marks.get(&list.scope()).map_or(0, |mark| mark.resets);
        self.marks.insert(list.scope(), Mark::of(list, resets));
        self.unwritten = true;
    }

    pub fn get(&self, scope: CrlScope) -> Option<&Mark> {
        self.marks.get(&scope)
    }

    /// Takes over the resets that another process wrote into the file: the scopes concerned. Costs a look at the file's
    /// attributes as long as it stays as it is.
    pub fn follow(&mut self) -> Result<Vec<CrlScope>, MarksError> {
        let now = identity(&self.path);
        if now == self.seen {
            return Ok(Vec::new());
        }
        let mut reset = Vec::new();
        for (scope, other) in read(&self.path)?.unwrap_or_default() {
            if let Some(mark) = self.marks.get_mut(&scope)
                && other.resets > mark.resets
            {
                *mark = other;
                reset.push(scope);
            }
        }
        self.seen = now;
        Ok(reset)
    }

    /// Makes a list the newest of its scope whatever was seen before, durably, as an operator wants it.
    pub(super) fn reset(&mut self, list: &VerifiedCrl) -> Result<(), MarksError> {
        let _lock = lock(&self.path)?;
        let mut marks = read(&self.path)?.unwrap_or_default();
        let resets = marks.get(&list.scope()).map_or(0, |mark| mark.resets);
        marks.insert(list.scope(), Mark::of(list, resets.saturating_add(1)));
        replace(&self.path, &encode(&marks))?;
        self.marks = marks;
        Ok(())
    }

    /// Raised marks are not in the file yet.
    pub const fn unwritten(&self) -> bool {
        self.unwritten
    }

    /// Writes what was raised: when this returns, it survives a crash. What failed may be tried again.
    pub fn write(&mut self) -> Result<(), MarksError> {
        if !self.unwritten {
            return Ok(());
        }
        let _lock = lock(&self.path)?;
        for (scope, other) in read(&self.path)?.unwrap_or_default() {
            match self.marks.get_mut(&scope) {
                Some(mark) => mark.merge(other),
                None => {
                    self.marks.insert(scope, other);
                }
            }
        }
        replace(&self.path, &encode(&self.marks))?;
        self.unwritten = false;
        Ok(())
    }
}

impl Mark {
    fn of(list: &VerifiedCrl, resets: u32) -> Self {
        let (number, this_update) = (list.number().cloned(), list.crl().this_update);
        Self { number, this_update, content: Some(*list.content()), resets }
    }

    /// The one after more resets, else the higher of both in each respect.
    fn merge(&mut self, other: Self) {
        if *self == other || self.resets > other.resets {
            return;
        }
        if other.resets > self.resets {
            *self = other;
            return;
        }
        let (own_leads, other_leads) = (
            self.number >= other.number && self.this_update >= other.this_update,
            other.number >= self.number && other.this_update >= self.this_update,
        );
        self.content = match (own_leads, other_leads) {
            (true, false) => self.content,
            (false, true) => other.content,
            _ => None,
        };
        self.number = self.number.take().max(other.number);
        self.this_update = self.this_update.max(other.this_update);
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarksFile {
    format: String,
    /// Of the compact JSON of `marks`.
    sha256: String,
    marks: Vec<MarkRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkRow {
    issuer_key: String,
    distribution_point: Option<String>,
    crl_number: Option<String>,
    /// Unix seconds.
    this_update: i64,
    content: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    resets: u32,
}

/// Files without resets stay as they always were.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn encode(marks: &BTreeMap<CrlScope, Mark>) -> Vec<u8> {
    let row = |(scope, mark): (&CrlScope, &Mark)| MarkRow {
        issuer_key: hex::encode(scope.issuer_key),
        distribution_point: scope.distribution_point.map(hex::encode),
        crl_number: mark.number.as_ref().map(|number| hex::encode(number.octets())),
        this_update: mark.this_update.unix(),
        content: mark.content.map(hex::encode),
        resets: mark.resets,
    };
    let marks: Vec<MarkRow> = marks.iter().map(row).collect();
    let file = MarksFile { format: FORMAT.to_owned(), sha256: digest(&marks), marks };
    serde_json::to_vec_pretty(&file).expect("strings and numbers have a JSON form")
}

fn digest(rows: &[MarkRow]) -> String {
    hex::encode(sha256(&serde_json::to_vec(rows).expect("strings and numbers have a JSON form")))
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<CrlScope, Mark>> {
    let octets = |text: String| {
        let mut octets = [0; 32];
        hex::decode_to_slice(text, &mut octets).ok().map(|()| octets)
    };
    // `Some(None)` where nothing stands, `None` where it is no digest.
    let optional = |text: Option<String>| text.map_or(Some(None), |text| octets(text).map(Some));
    let file: MarksFile = serde_json::from_slice(bytes).ok()?;
    if file.format != FORMAT || file.sha256 != digest(&file.marks) {
        return None;
    }
    let mut marks = BTreeMap::new();
    for row in file.marks {
        let number = match row.crl_number {
            Some(text) => Some(CrlNumber::from_octets(&hex::decode(text).ok()?)),
            None => None,
        };
        let scope =
            CrlScope { issuer_key: octets(row.issuer_key)?, distribution_point: optional(row.distribution_point)? };
        let this_update = Time::from_unix(row.this_update);
        let mark = Mark { number, this_update, content: optional(row.content)?, resets: row.resets };
        if marks.insert(scope, mark).is_some() {
            return None;
        }
    }
    Some(marks)
}

/// The marks in the file; `None` if there is no file.
fn read(path: &Path) -> Result<Option<BTreeMap<CrlScope, Mark>>, MarksError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(MarksError::Damaged(path.to_owned()));
    }
    decode(&bytes).map(Some).ok_or_else(|| MarksError::Damaged(path.to_owned()))
}

fn identity(path: &Path) -> Option<Identity> {
    let data = fs::metadata(path).ok()?;
    Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
}

/// Keeps other processes from writing while the value lives; never waits for long, lest a halted one halts this.
fn lock(path: &Path) -> Result<File, MarksError> {
    let path = beside(path, ".lock");
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed("open", &path))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(LOCK_WAIT),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
    }
    Err(MarksError::Locked(path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MarksError {
    let fault = Fault::of(action, path);
    move |source| fault(source).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: CrlScope = CrlScope { issuer_key: [1; 32], distribution_point: None };

    fn mark(number: u8, seconds: i64) -> Mark {
        Mark {
            number: Some(CrlNumber::from_octets(&[number])),
            this_update: Time::from_unix(seconds),
            content: Some([number; 32]),
            resets: 0,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let partition = CrlScope { distribution_point: Some([2; 32]), ..SCOPE };
        let bare = Mark { number: None, this_update: Time::from_unix(-5), content: None, resets: 2 };
        let marks = BTreeMap::from([(SCOPE, mark(7, 100)), (partition, bare)]);
        assert_eq!(decode(&encode(&marks)), Some(marks));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("marks.json");
        let whole = encode(&BTreeMap::from([(SCOPE, mark(7, 100))]));
        let lowered = String::from_utf8(whole.clone()).expect("text").replace("\"07\"", "\"06\"").into_bytes();
        assert_ne!(lowered, whole);
        for content in [&b""[..], b"{}", b"[]", &whole[..whole.len() / 2], &lowered, &[&whole[..], b"x"].concat()] {
            fs::write(&path, content).expect("written");
            assert!(matches!(Marks::open(&path), Err(MarksError::Damaged(_))));
            assert_eq!(fs::read(&path).expect("read"), content);
        }
        fs::write(&path, &whole).expect("written");
        assert!(Marks::open(&path).is_ok());
        let nowhere = Marks::open(&directory.path().join("none/marks.json"));
        assert!(matches!(nowhere, Err(MarksError::File { action: "open", .. })));
    }

    #[test]
    fn two_processes_keep_the_higher_of_both() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("marks.json");
        let (mut one, mut other) = (Marks::open(&path).expect("marks"), Marks::open(&path).expect("marks"));
        one.marks.insert(SCOPE, mark(9, 100));
        other.marks.insert(SCOPE, mark(8, 200));
        (one.unwritten, other.unwritten) = (true, true);
        one.write().expect("written");
        other.write().expect("written");
        let merged = Mark { content: None, ..mark(9, 200) };
        assert_eq!(Marks::open(&path).expect("marks").marks.get(&SCOPE), Some(&merged));
    }

    #[test]
    fn a_mark_after_more_resets_holds_over_a_higher_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("marks.json");
        let (mut one, mut other) = (Marks::open(&path).expect("marks"), Marks::open(&path).expect("marks"));
        one.marks.insert(SCOPE, mark(9, 100));
        other.marks.insert(SCOPE, Mark { resets: 1, ..mark(2, 90) });
        (one.unwritten, other.unwritten) = (true, true);
        one.write().expect("written");
        assert_eq!(one.follow().expect("read"), []);
        other.write().expect("written");
        assert_eq!(one.follow().expect("read"), [SCOPE]);
        assert_eq!(one.get(SCOPE), other.get(SCOPE));
        assert_eq!(one.follow().expect("read"), []);
        one.unwritten = true;
        one.write().expect("written");
        assert_eq!(Marks::open(&path).expect("marks").get(SCOPE), other.get(SCOPE));
    }

    #[test]
    fn a_halted_process_does_not_halt_this_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("marks.json");
        let mut marks = Marks::open(&path).expect("marks");
        let _held = lock(&path).expect("locked");
        marks.unwritten = true;
        assert!(matches!(marks.write(), Err(MarksError::Locked(_))));
        assert!(marks.unwritten());
    }
}
