//! An operator accepts that an authority began its CRLNumber or `thisUpdate` anew. What was done is written down before it is done.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::candidate::{self, CrlScope, Refusal, VerifiedCrl};
use super::marks::{Mark, Marks, MarksError};
use crate::clock;
use crate::core::memory::Memory;
use crate::core::time::Time;
use crate::core::x509::TrustStore;

/// Why a mark is not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error("the list does not count in any case: {0}")]
    Refused(#[from] Refusal),
    #[error("the file holds {0} lists: give one")]
    NotOneList(usize),
    #[error("the list is past its nextUpdate {0}: give one that is fresh")]
    Stale(Time),
    #[error("nothing needs a reset: the list is not older than what was seen")]
    NotNeeded,
    #[error(transparent)]
    Marks(#[from] MarksError),
    #[error("cannot write the audit trail {}: nothing was changed", path.display())]
    Audit { path: PathBuf, source: io::Error },
}

/// What a reset would change: the list was verified, and is refused by the mark alone.
pub struct Reset {
    marks: Marks,
    list: VerifiedCrl,
    marks_file: PathBuf,
}

/// One line of the audit trail.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditLine<'a> {
    at: Time,
    action: &'static str,
    stage: &'static str,
    issuer: String,
    issuer_key: String,
    partition: String,
    before: MarkLine,
    after: MarkLine,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MarkLine {
    crl_number: Option<String>,
    this_update: Time,
    resets: u32,
}

impl Reset {
    /// Judges a list, DER or PEM, that the marks in the file refuse. Changes nothing but what opening the file does.
    pub fn of(bytes: &[u8], marks_file: &Path, trust: &TrustStore) -> Result<Self, ResetError> {
        let lists = candidate::split(bytes)?;
        let [der] = lists.as_slice() else { return Err(ResetError::NotOneList(lists.len())) };
        let now = clock::now();
        let list = candidate::verify(der, trust, &Memory::none(), now)?;
        if let Some(end) = list.crl().next_update.filter(|end| *end < now) {
            return Err(ResetError::Stale(end));
        }
        let marks = Marks::open(marks_file)?;
        match marks.judge(&list) {
            Ok(_) => Err(ResetError::NotNeeded),
            Err(_) => Ok(Self { marks, list, marks_file: marks_file.to_owned() }),
        }
    }

    pub const fn scope(&self) -> CrlScope {
        self.list.scope()
    }

    pub fn list(&self) -> &VerifiedCrl {
        &self.list
    }

    /// The mark that stands in the way.
    pub fn before(&self) -> Option<&Mark> {
        self.marks.get(self.scope())
    }

    /// Where it is written down: beside the marks.
    pub fn audit_file(&self) -> PathBuf {
        let mut name = self.marks_file.as_os_str().to_owned();
        name.push(".audit");
        PathBuf::from(name)
    }

    /// Writes the intent down, makes the list's number and time the mark, and writes that down; each is durable before the next.
    pub fn apply(mut self, reason: &str) -> Result<(), ResetError> {
        let after = |resets| MarkLine {
            crl_number: self.list.number().map(|number| hex::encode(number.octets())),
            this_update: self.list.crl().this_update,
            resets,
        };
        let before = self.before().map_or_else(|| after(0), MarkLine::of);
        let resets = before.resets.saturating_add(1);
        let mut line = AuditLine {
            at: clock::now(),
            action: "reset-revocation-mark",
            stage: "intended",
            issuer: self.list.issuer().subject.to_string(),
            issuer_key: hex::encode(self.scope().issuer_key),
            partition: self.scope().partition(),
            before,
            after: after(resets),
            reason,
        };
        let audit = self.audit_file();
        let failed = |source| ResetError::Audit { path: audit.clone(), source };
        append(&audit, &line).map_err(failed)?;
        self.marks.reset(&self.list)?;
        line.stage = "done";
        line.at = clock::now();
        append(&audit, &line).map_err(|source| ResetError::Audit { path: audit.clone(), source })
    }
}

impl MarkLine {
    fn of(mark: &Mark) -> Self {
        let crl_number = mark.number.as_ref().map(|number| hex::encode(number.octets()));
        Self { crl_number, this_update: mark.this_update, resets: mark.resets }
    }
}

fn append(path: &Path, line: &AuditLine<'_>) -> io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
