//! Out of one registry, into another.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use super::{
    Fault, LONGEST_LINE, LineFault, Reader, Record, Writer,
    check::Places,
    faults,
    line::{check_header, end, header, of_record, parse_end, parse_record},
};
use crate::{
    core::{algorithm::DigestAlgorithm, crypto::Hasher},
    registry::RegistryError,
};

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub documents: u64,
    pub signatures: u64,
    pub changes: u64,
    pub raising: u64,
    pub renewals: u64,
    /// With a place in the issuance log.
    #[serde(default)]
    pub logged: u64,
    /// Digests by which holders of papers ask.
    #[serde(default)]
    pub lookups: u64,
}

impl Counts {
    pub(super) fn add(&mut self, record: &Record) {
        self.documents += 1;
        self.signatures += record.signatures.len() as u64;
        self.changes += record.history.len() as u64;
        self.raising += u64::from(record.raising.is_some());
        self.renewals += u64::from(record.renewal.is_some());
        self.logged += u64::from(record.log.is_some());
        self.lookups += record.lookup.len() as u64;
    }
}

/// Why a registry was not written out or read in.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("line {line}: {fault}; nothing was imported")]
    Line { line: u64, fault: LineFault },
    #[error("the exported registry cannot be read")]
    Read(#[source] io::Error),
    #[error("the exported registry cannot be written; check free space")]
    Write(#[source] io::Error),
    #[error("document {document_id} has a record longer than {LONGEST_LINE} octets, which no line holds")]
    TooLong { document_id: crate::registry::DocumentId },
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Writes all that the registry holds.
///
/// # Errors
/// [`ExchangeError`]; what was written then has no last line, and is not taken by [`import`].
pub async fn export(reader: &mut dyn Reader, out: &mut (dyn Write + Send)) -> Result<Counts, ExchangeError> {
    let (mut counts, mut after) = (Counts::default(), None);
    let mut digest = Hasher::new(DigestAlgorithm::Sha256);
    let mut write = |line: String| {
        let line = line + "\n";
        digest.update(line.as_bytes());
        out.write_all(line.as_bytes()).map_err(ExchangeError::Write)
    };
    write(header())?;
    loop {
        let page = reader.page(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.intent.document_id);
        for record in &page {
            counts.add(record);
            let line = of_record(record);
            if line.len() >= LONGEST_LINE {
                return Err(ExchangeError::TooLong { document_id: record.intent.document_id });
            }
            write(line)?;
        }
    }
    let last = end(counts, &digest.finish());
    writeln!(out, "{last}").and_then(|()| out.flush()).map_err(ExchangeError::Write)?;
    Ok(counts)
}

/// Reads into an empty registry what [`export`] wrote; all of it or nothing.
///
/// # Errors
/// [`ExchangeError`], with the line that cannot be used.
pub async fn import(lines: &mut (dyn BufRead + Send), mut writer: Box<dyn Writer>) -> Result<Counts, ExchangeError> {
    let (mut counts, mut before) = (Counts::default(), None);
    let mut places = Places::default();
    let mut digest = Hasher::new(DigestAlgorithm::Sha256);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        let at = |fault| ExchangeError::Line { line: number, fault };
        line.clear();
        let longest = LONGEST_LINE as u64 + 1;
        Read::take(&mut *lines, longest).read_until(b'\n', &mut line).map_err(ExchangeError::Read)?;
        if line.is_empty() {
            return Err(at(LineFault::CutOff));
        }
        let Some((b'\n', content)) = line.split_last() else {
            return Err(at(if line.len() > LONGEST_LINE { LineFault::TooLong } else { LineFault::Text }));
        };
        let content = std::str::from_utf8(content).map_err(|_| at(LineFault::Text))?;
        if number == 1 {
            check_header(content).map_err(at)?;
            digest.update(&line);
            continue;
        }
        if let Some(end) = parse_end(content).map_err(at)? {
            if end.counts != counts {
                return Err(at(LineFault::Counts));
            }
            if end.sha256 != hex::encode(digest.finish()) {
                return Err(at(LineFault::Digest));
            }
            if !lines.fill_buf().map_err(ExchangeError::Read)?.is_empty() {
                return Err(at(LineFault::Trailing));
            }
            if let Some((document_id, position)) = places.gap() {
                return Err(at(LineFault::Record { document_id, fault: Fault::Position(position) }));
            }
            return match writer.finish().await? {
                None => Ok(counts),
                Some(document_id) => Err(at(LineFault::Successor(document_id))),
            };
        }
        let record = parse_record(content).map_err(at)?;
        let document_id = record.intent.document_id;
        if before.is_some_and(|before| before >= document_id) {
            return Err(at(LineFault::Order(document_id)));
        }
        before = Some(document_id);
        if let Some(fault) = faults(&record).into_iter().next() {
            return Err(at(LineFault::Record { document_id, fault }));
        }
        counts.add(&record);
        places.add(&record);
        writer.insert(record).await?;
        digest.update(&line);
    }
}
