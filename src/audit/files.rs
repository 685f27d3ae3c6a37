//! The folder of a log: its files in order, its newest head, its decisions.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::head::{Head, Signed};
use super::line::{Content, LONGEST_LINE, Line};

/// `audit-` and the number of the first line in it, in twenty digits.
const BEGINS: &str = "audit-";
const ENDS: &str = ".jsonl";
/// Beside the files: the newest head, so that an end that is cut off is missed.
pub const NEWEST_HEAD: &str = "newest-head.json";
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
    match fs::read(folder.join(NEWEST_HEAD)) {
        Ok(octets) => serde_json::from_slice(&octets).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the decisions, one JSON object a line, from this number on; says how many.
pub fn export(folder: &Path, from: u64, to: &mut dyn Write) -> io::Result<u64> {
    let mut count = 0;
    for (_, path) in files(folder)? {
        lines(&path, |line, _| {
            let Some(line) = Line::decode(line).filter(|line| line.sequence >= from) else { return Ok(true) };
            if matches!(line.content, Content::Decision(_)) {
                writeln!(to, "{}", line.encode())?;
                count += 1;
            }
            Ok(true)
        })?;
    }
    Ok(count)
}
