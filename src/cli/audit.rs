//! `antin audit`: whether the audit log is as it was written, its decisions, its newest head, and a key for its heads.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, Code, CommandError};
use super::output;
use crate::audit::{self, AuditLog, HeadKey, KeptHead, KeyFault, PublicHeadKey};
use crate::pki::PkiError;
use crate::pki::key::{Algorithm, PrivateKey};

/// The arguments of `antin audit`.
#[derive(Args, Clone, Debug)]
pub struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum AuditCommand {
    /// Find every line that was edited, left out, put in or moved, and an end that was cut off: exit 0 as written, 1 changed
    Verify {
        /// The folder of the log
        folder: PathBuf,
        /// The public key of its heads, PEM
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A head that `antin audit head` gave, kept elsewhere: the log must go on from there
        #[arg(long, value_name = "FILE")]
        head: Vec<PathBuf>,
    },
    /// The decisions, one JSON object a line, on standard output: exit 1 where the log breaks, with those before
    Export {
        /// The folder of the log
        folder: PathBuf,
        /// Only from this line of the log on
        #[arg(long, value_name = "N", default_value_t = 0)]
        from: u64,
    },
    /// The newest head, on standard output: keep it on another machine
    Head {
        /// The folder of the log
        folder: PathBuf,
    },
    /// Have a log go on whose newest head does not fit it, once somebody has looked into it: a line says that and why, and the head is kept;
    /// the service must not run on it
    Continue {
        /// The folder of the log
        folder: PathBuf,
        /// The private key of its heads, PEM
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why, as it will stand in the log: what happened, who looked into it
        #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
    },
    /// Make a key for heads
    Key {
        /// Where the private key goes, PKCS#8 in PEM
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where the public key goes, PEM, for `verify`
        #[arg(long, value_name = "FILE")]
        public: PathBuf,
    },
}

/// Exit codes: 0 done, the log is as it was written; 1 it was changed; 65 a file that cannot be used; 70 a failure inside.
pub fn run(arguments: &AuditArguments) -> ExitCode {
    exit::finish(match &arguments.command {
        AuditCommand::Verify { folder, key, head } => verify(folder, key, head),
        AuditCommand::Export { folder, from } => export(folder, *from),
        AuditCommand::Head { folder } => head(folder),
        AuditCommand::Continue { folder, key, reason } => go_on(folder, key, reason),
        AuditCommand::Key { out, public } => make_key(out, public).map(|()| exit::ACCEPT).map_err(|error| {
            let code = if matches!(error, MakeKeyError::Write { .. }) { exit::UNREADABLE } else { exit::INTERNAL };
            CommandError::of(code, &error)
        }),
    })
}

fn verify(folder: &Path, key: &Path, heads: &[PathBuf]) -> Result<Code, CommandError> {
    let about = |path: &Path, error: &dyn std::error::Error| CommandError::about(exit::UNREADABLE, path, error);
    let pem = std::fs::read(key).map_err(|error| about(key, &error))?;
    let key = PublicHeadKey::from_pem(&pem).map_err(|error| about(key, &error))?;
    let mut kept: Vec<KeptHead> = Vec::new();
    for path in heads {
        let octets = std::fs::read(path).map_err(|error| about(path, &error))?;
        kept.push(serde_json::from_slice(&octets).map_err(|error| about(path, &error))?);
    }
    match audit::check(folder, &key, &kept).map_err(|error| about(folder, &error))? {
        Ok(whole) => {
            output::say(format_args!(
                "as written: log {}, {} lines, {} decisions, {} of the lines not signed yet",
                whole.log, whole.lines, whole.decisions, whole.unsigned
            ));
            for note in &whole.notes {
                output::say(format_args!("NOT VOUCHED FOR: {note}"));
            }
            let untold = whole.told - whole.notes.len() as u64;
            if untold > 0 {
                output::say(format_args!("NOT VOUCHED FOR: and {untold} more of such lines"));
            }
            if kept.is_empty() {
                output::note(
                    "an end that was cut off together with the head beside it is found by a --head kept elsewhere",
                );
            }
            Ok(exit::ACCEPT)
        }
        Err(finding) => {
            output::say(format_args!("CHANGED: {finding}"));
            Ok(exit::REJECT)
        }
    }
}

fn export(folder: &Path, from: u64) -> Result<Code, CommandError> {
    let mut to = io::BufWriter::new(io::stdout().lock());
    let written = audit::export(folder, from, &mut to).and_then(|found| to.flush().map(|()| found));
    match written.map_err(|error| CommandError::about(exit::UNREADABLE, folder, &error))? {
        Ok(_) => Ok(exit::ACCEPT),
        Err(finding) => {
            output::note(format_args!("CHANGED: {finding}; only the decisions before it were written"));
            Ok(exit::REJECT)
        }
    }
}

fn head(folder: &Path) -> Result<Code, CommandError> {
    let found = audit::newest_head(folder).map_err(|error| CommandError::about(exit::UNREADABLE, folder, &error))?;
    let Some(head) = found else {
        return Err(CommandError::new(exit::UNREADABLE, format!("{}: there is no head yet", folder.display())));
    };
    let text = serde_json::to_string(&head).map_err(|error| CommandError::of(exit::INTERNAL, &error))?;
    output::say(text);
    Ok(exit::ACCEPT)
}

fn go_on(folder: &Path, key: &Path, reason: &str) -> Result<Code, CommandError> {
    let about = |error: &dyn std::error::Error| CommandError::about(exit::UNREADABLE, key, error);
    let pem = std::fs::read(key).map_err(|error| about(&error))?;
    let key = HeadKey::from_pem(&pem).map_err(|error| about(&error))?;
    if !folder.is_dir() {
        return Err(CommandError::new(exit::UNREADABLE, format!("{}: there is no such folder", folder.display())));
    }
    let done = AuditLog::go_on(folder, key, reason).map_err(|error| CommandError::of(exit::UNREADABLE, &error))?;
    if !done {
        let why = format!("{}: nothing was done: the newest head fits the log", folder.display());
        return Err(CommandError::new(exit::UNREADABLE, why));
    }
    output::note(
        "the log goes on; what its head knew and it does not have is lost to it: antin audit verify tells that from now on",
    );
    Ok(exit::ACCEPT)
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum MakeKeyError {
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("{}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Makes a key for heads; not where a file is, for its heads may be kept somewhere.
pub(super) fn make_key(out: &Path, public: &Path) -> Result<(), MakeKeyError> {
    let pem = PrivateKey::generate(Algorithm::P256)?.to_pkcs8_pem()?;
    let own = PublicHeadKey::from_pem(&pem)?.to_pem()?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let written = made.and_then(|mut file| file.write_all(&pem).and_then(|()| file.sync_all()));
    written.map_err(|source| MakeKeyError::Write { path: out.to_owned(), source })?;
    output::write_whole(public, &own).map_err(|source| MakeKeyError::Write { path: public.to_owned(), source })
}
