//! Status lists in files: the standing of a document, offline.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::evidence;
use super::exit::{self, CommandError};
use crate::core::cms::document_reference::DocumentReference;
use crate::core::report::Report;
use crate::core::status_list::token::LONGEST_TOKEN;
use crate::core::status_list::{ListedState, StatusListReference, StatusListToken, UnverifiedToken, standing};
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// What `--status-list` and `--status-list-signer` name.
pub struct StatusListFiles<'a> {
    files: Vec<(&'a Path, UnverifiedToken)>,
    signers: Vec<Arc<Certificate>>,
}

impl<'a> StatusListFiles<'a> {
    /// A file that is no token ends the command with 65.
    pub fn read(files: &'a [PathBuf], signers: &[PathBuf]) -> Result<Self, CommandError> {
        let read = |path: &'a PathBuf| {
            let octets = evidence::read_at_most(path, LONGEST_TOKEN as u64 + 2)?;
            // A JWT that somebody has printed into a file ends with its line.
            let octets = if octets.starts_with(b"ey") { octets.trim_ascii_end() } else { &octets };
            let token = UnverifiedToken::decode(octets);
            let token = token.map_err(|fault| CommandError::about(exit::UNREADABLE, path, &fault))?;
            Ok((path.as_path(), token))
        };
        let files = files.iter().map(read).collect::<Result<_, CommandError>>()?;
        let mut certificates = Vec::new();
        for path in signers {
            certificates.extend(evidence::load_certificate_file(path)?);
        }
        Ok(Self { files, signers: certificates })
    }

    /// Lets the lists decide about a document that names one. What does not count is told on standard error.
    pub fn judge(self, report: &mut Report, reference: Option<&DocumentReference>, time: Time) {
        if self.files.is_empty() {
            return;
        }
        let mut tokens: Vec<StatusListToken> = Vec::new();
        for (path, token) in self.files {
            match token.verify(&self.signers, time) {
                Ok(token) => tokens.push(token),
                Err(fault) => {
                    let _ = writeln!(std::io::stderr(), "antin: {} does not count: {fault}", path.display());
                }
            }
        }
        let stated = reference.and_then(DocumentReference::status_reference);
        let Some(place) = stated.and_then(StatusListReference::parse) else { return };
        // Of several tokens of one list the newest says what is.
        let of_list = tokens.iter().filter(|token| token.subject == place.uri);
        let newest = of_list.max_by_key(|token| token.issued_at);
        let found = newest.and_then(|token| {
            let status = token.list.get(usize::try_from(place.index).ok()?)?;
            Some((ListedState::of(status)?, token.issued_at))
        });
        standing::apply(report, found, time);
    }
}
