//! The folder of a log: its files in order, its newest head, its decisions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Fault, Finding};
use super::head::{Head, Signed};
use super::line::{Content, LONGEST_LINE, Line, digest, nothing};

/// `audit-` and the number of the first line in it, in twenty digits.
const BEGINS: &str = "audit-";
const ENDS: &str = ".jsonl";
/// Beside the files: the newest head, so that an end that is cut off is missed.
pub const NEWEST_HEAD: &str = "newest-head.json";
/// Octets of its file, filled up with spaces: one sector, which a disk writes whole or not at all, so that writing over it leaves the old
/// one or the new one without a further sync.
const HEAD_LENGTH: usize = 512;
/// How often a head that changes while it is read is read again.
const MOST_READINGS: usize = 100;
/// Held by the process that writes.
pub const LOCK: &str = "audit.lock";

/// A head as it is kept apart from its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHead {
    #[serde(flatten)]
    pub head: Head,
    #[serde(flatten)]
    pub signed: Signed,
}

pub fn name_of(sequence: u64) -> String {
    format!("{BEGINS}{sequence:020}{ENDS}")
}

/// The files with the numbers of their first lines, the oldest first. Others are not looked at.
pub fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let sequence = name.to_str().and_then(|name| {
            let digits = name.strip_prefix(BEGINS)?.strip_suffix(ENDS)?;
            digits.parse().ok().filter(|sequence| name_of(*sequence) == name)
        });
        found.extend(sequence.map(|sequence| (sequence, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a file line by line: each without its end, and whether it had one; no longer than a line may be, and one octet.
pub fn lines(path: &Path, mut take: impl FnMut(&[u8], bool) -> io::Result<bool>) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        io::Read::take(&mut reader, LONGEST_LINE as u64 + 2).read_until(b'\n', &mut line)?;
        let is_whole = line.last() == Some(&b'\n');
        if is_whole {
            line.pop();
        }
        if line.is_empty() && !is_whole || !take(&line, is_whole)? {
            return Ok(());
        }
    }
}

/// The head that lies beside the log; `None`: there is none yet.
pub fn newest_head(folder: &Path) -> io::Result<Option<KeptHead>> {
    let path = folder.join(NEWEST_HEAD);
    let read = || match File::open(&path) {
        Ok(file) => {
            let mut octets = Vec::new();
            io::Read::take(file, LONGEST_LINE as u64).read_to_end(&mut octets)?;
            Ok(Some(octets))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    // The service may be writing over it.
    let mut octets = read()?;
    for _ in 0..MOST_READINGS {
        let again = read()?;
        if again == octets {
            break;
        }
        octets = again;
    }
    octets.map(|octets| serde_json::from_slice(&octets).map_err(io::Error::from)).transpose()
}

/// Puts the newest head beside the log; it is there whole, or the one before is, whatever crashes.
pub fn keep(folder: &Path, head: &KeptHead) -> io::Result<()> {
    let path = folder.join(NEWEST_HEAD);
    let mut octets = serde_json::to_vec(head)?;
    octets.resize(octets.len().max(HEAD_LENGTH), b' ');
    if let Ok(file) = OpenOptions::new().write(true).open(&path)
        && file.metadata()?.len() == octets.len() as u64
        && octets.len() == HEAD_LENGTH
    {
        return file.write_all_at(&octets, 0);
    }
    write_durably(folder, NEWEST_HEAD, &octets)
}

/// A file in this folder, whole or not at all, on disk when this returns.
pub fn write_durably(folder: &Path, name: &str, octets: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Writes the decisions, one JSON object a line, from this number on; says how many, or where the chain of the lines breaks: those before
/// were written. Heads are not looked at, for which a key is needed: [`super::check()`].
///
/// # Errors
/// A file cannot be read, or the decisions cannot be written.
pub fn export(folder: &Path, from: u64, to: &mut dyn Write) -> io::Result<Result<u64, Finding>> {
    let (mut count, mut expected, mut previous) = (0, 0, nothing());
    let files = files(folder)?;
    for (index, (_, path)) in files.iter().enumerate() {
        let (mut number, mut fault) = (0, None);
        lines(path, |octets, is_whole| {
            number += 1;
            // It is being written just now, or a crash cut it.
            if !is_whole && index + 1 == files.len() {
                return Ok(false);
            }
            let line = match Line::decode(octets) {
                _ if !is_whole => Err(Fault::Torn),
                None => Err(Fault::Form),
                Some(line) if line.sequence != expected => Err(Fault::Sequence { expected }),
                Some(line) if line.previous != previous => Err(Fault::Previous),
                Some(line) => Ok(line),
            };
            match line {
                Ok(line) => {
                    let text = line.encode();
                    (expected, previous) = (expected + 1, digest(&text));
                    if line.sequence >= from && matches!(line.content, Content::Decision(_)) {
                        writeln!(to, "{text}")?;
                        count += 1;
                    }
                }
                Err(found) => fault = Some(found),
            }
            Ok(fault.is_none())
        })?;
        if let Some(fault) = fault {
            return Ok(Err(Finding { file: path.clone(), line: number, fault }));
        }
    }
    Ok(Ok(count))
}
