//! `antin log`: whether a copy of an issuance log is whole, what was signed in somebody's name, whether a proof holds, and keys for logs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, Code, CommandError};
use super::output;
use crate::core::crypto;
use crate::core::log::note::LONGEST_NOTE;
use crate::core::log::{KeyKind, LogFault, LogProof, VerifierKey};
use crate::issuance_log::{self, AuditError, Audited, Folder};
use crate::trust;

/// The arguments of `antin log`.
#[derive(Args, Clone, Debug)]
pub struct LogArguments {
    #[command(subcommand)]
    command: LogCommand,
}

/// A copy of a log and what it is held against.
#[derive(Args, Clone, Debug)]
struct Copy {
    /// The folder that holds the checkpoint and the tiles, as they lie below /log
    folder: PathBuf,
    /// The public key of the log: the line that `antin log key` wrote
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// A checkpoint of the same log that was kept: its tree must be the beginning of this one
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The key of a witness that must have signed the checkpoint too
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
enum LogCommand {
    /// Find every entry and hash of a copied log that was changed, left out or moved, a fork and an end that was taken away
    Verify {
        #[command(flatten)]
        copy: Copy,
    },
    /// List what was signed by certificates, of a copied log that is verified first
    Monitor {
        #[command(flatten)]
        copy: Copy,
        /// A certificate in whose name documents are signed, PEM or DER
        #[arg(long, value_name = "FILE", required = true)]
        certificate: Vec<PathBuf>,
        /// Only entries from this position on: the size that was seen last
        #[arg(long, value_name = "SIZE", default_value_t = 0)]
        since: u64,
    },
    /// Whether a proof shows that a document is in the log
    VerifyProof {
        /// The proof, or the answer of GET /v1/documents/{id}/proof
        proof: PathBuf,
        /// The public key of the log
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The document's content, which must be the one that was logged
        #[arg(long, value_name = "FILE")]
        content: Option<PathBuf>,
    },
    /// Make a key for a log
    Key {
        /// The name of the log, for ever: the address at which it is published, without https://
        #[arg(long, value_name = "NAME")]
        origin: String,
        /// Make a key for a witness of logs instead, under this name
        #[arg(long)]
        witness: bool,
        /// Where the private key goes, PKCS#8 in PEM
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where the public key goes, one line
        #[arg(long, value_name = "FILE")]
        public: PathBuf,
    },
}

/// Exit codes: 0 whole, or done; 1 changed, or the proof does not hold; 65 a file that cannot be used; 70 a failure inside.
pub fn run(arguments: &LogArguments) -> ExitCode {
    exit::finish(match &arguments.command {
        LogCommand::Verify { copy } => verify(copy),
        LogCommand::Monitor { copy, certificate, since } => monitor(copy, certificate, *since),
        LogCommand::VerifyProof { proof, public_key, content } => verify_proof(proof, public_key, content.as_deref()),
        LogCommand::Key { origin, witness, out, public } => {
            let kind = if *witness { KeyKind::Cosignature } else { KeyKind::Note };
            make_key(origin, kind, out, public).map(|()| exit::ACCEPT).map_err(|error| {
                let code = if matches!(error, MakeKeyError::Name(_)) { exit::USAGE } else { exit::UNREADABLE };
                CommandError::of(code, &error)
            })
        }
    })
}

fn about(path: &Path, error: &dyn std::error::Error) -> CommandError {
    CommandError::about(exit::UNREADABLE, path, error)
}

/// A small file.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CommandError> {
    let mut octets = Vec::new();
    let file = fs::File::open(path).map_err(|error| about(path, &error))?;
    io::Read::read_to_end(&mut io::Read::take(file, limit as u64 + 1), &mut octets)
        .map_err(|error| about(path, &error))?;
    if octets.len() > limit {
        return Err(about(path, &LogFault::TooLong { of: "file", limit }));
    }
    Ok(octets)
}

/// A verifier key of this kind, in a file.
pub(super) fn key(path: &Path, kind: KeyKind) -> Result<VerifierKey, CommandError> {
    let octets = read(path, 4096)?;
    let key = VerifierKey::parse(&String::from_utf8_lossy(&octets)).map_err(|fault| about(path, &fault))?;
    if key.kind() != kind {
        let rule = if kind == KeyKind::Note { "be the key of a log" } else { "be the key of a witness" };
        return Err(about(path, &LogFault::Form { of: "verifier key", rule }));
    }
    Ok(key)
}

/// A proof as a text, or as the answer of the service that has it; inside, what is wrong with its form.
pub(super) fn proof(path: &Path) -> Result<Result<LogProof, LogFault>, CommandError> {
    #[derive(serde::Deserialize)]
    struct Answer {
        proof: String,
    }
    let octets = read(path, 1 << 20)?;
    let text = match serde_json::from_slice::<Answer>(&octets) {
        Ok(answer) => answer.proof.into_bytes(),
        Err(_) => octets,
    };
    Ok(LogProof::parse(&text))
}

/// `None`: it is not whole, which is said.
fn audited(copy: &Copy) -> Result<Option<(Folder, Audited)>, CommandError> {
    let log = key(&copy.public_key, KeyKind::Note)?;
    let witnesses = copy.witness.iter().map(|path| key(path, KeyKind::Cosignature)).collect::<Result<Vec<_>, _>>()?;
    let older = copy.checkpoint.iter().map(|path| Ok((path.display().to_string(), read(path, LONGEST_NOTE)?)));
    let older = older.collect::<Result<Vec<_>, CommandError>>()?;
    let folder = Folder::new(&copy.folder);
    if !copy.folder.is_dir() {
        return Err(about(&copy.folder, &io::Error::from(io::ErrorKind::NotFound)));
    }
    match issuance_log::audit(&folder, &log, &older) {
        Ok(audited) => {
            for witness in &witnesses {
                if audited.note.witnessed(witness).is_none() {
                    output::say(format_args!("CHANGED: checkpoint: not signed by the witness {}", witness.name()));
                    return Ok(None);
                }
            }
            Ok(Some((folder, audited)))
        }
        Err(error @ (AuditError::Changed { .. } | AuditError::Missing { .. })) => {
            output::say(format_args!("CHANGED: {error}"));
            Ok(None)
        }
        Err(error @ AuditError::Read { .. }) => Err(about(&copy.folder, &error)),
    }
}

fn verify(copy: &Copy) -> Result<Code, CommandError> {
    let Some((_, audited)) = audited(copy)? else { return Ok(exit::REJECT) };
    let Audited { checkpoint, files, .. } = audited;
    output::say(format_args!(
        "whole: log {}, {} entries, root {}, {files} files",
        checkpoint.origin,
        checkpoint.size,
        hex::encode(checkpoint.root)
    ));
    if copy.checkpoint.is_empty() {
        output::note(
            "that the log was not begun anew, or is shown to others otherwise, is found with a --checkpoint kept elsewhere",
        );
    }
    Ok(exit::ACCEPT)
}

fn monitor(copy: &Copy, certificates: &[PathBuf], since: u64) -> Result<Code, CommandError> {
    let mut own = Vec::new();
    for path in certificates {
        let found = trust::read_certificates(path).map_err(|error| about(path, &error))?;
        own.extend(found.iter().map(|certificate| *certificate.fingerprint()));
    }
    let Some((folder, audited)) = audited(copy)? else { return Ok(exit::REJECT) };
    let size = audited.checkpoint.size;
    if since > size {
        // Somebody saw more of it: no log goes back.
        let fault = LogFault::Rollback { from: since, to: size };
        output::say(format_args!("CHANGED: checkpoint: {fault}"));
        return Ok(exit::REJECT);
    }
    let (mut found, mut to) = (0_u64, io::BufWriter::new(io::stdout().lock()));
    let told = issuance_log::entries(&folder, since, size, |position, entry| {
        if own.contains(&entry.signer_certificate_sha256) {
            found += 1;
            // A reader that went away is no error of ours.
            let _ = writeln!(
                to,
                "{position} {} {} {}",
                entry.signed_at,
                hex::encode(entry.signer_certificate_sha256),
                hex::encode(entry.document)
            );
        }
    });
    let _ = to.flush();
    told.map_err(|error| about(folder.path(), &error))?;
    output::note(format_args!(
        "{found} of the entries from {since} on; the log has {size}: ask --since {size} next time"
    ));
    Ok(exit::ACCEPT)
}

fn verify_proof(path: &Path, public_key: &Path, content: Option<&Path>) -> Result<Code, CommandError> {
    let key = key(public_key, KeyKind::Note)?;
    let proof = proof(path)?.map_err(|fault| about(path, &fault))?;
    let logged = match proof.verify(&key) {
        Ok(logged) => logged,
        Err(fault) => {
            output::say(format_args!("NOT PROVED: {fault}"));
            return Ok(exit::REJECT);
        }
    };
    if let Some(content) = content {
        let octets = fs::read(content).map_err(|error| about(content, &error))?;
        if crypto::sha256(&octets) != logged.opening.document_digest {
            output::say(format_args!(
                "NOT PROVED: {}: another content than the one that was logged",
                content.display()
            ));
            return Ok(exit::REJECT);
        }
    }
    let opening = &logged.opening;
    output::say(format_args!(
        "logged: document {} of kind {}, sha256 {}, signed {} by the certificate {}; entry {} of {} in the log {}",
        hex::encode(opening.document_id),
        crate::core::x509::name::inert(&opening.kind),
        hex::encode(opening.document_digest),
        opening.signed_at,
        hex::encode(opening.signer_certificate_sha256),
        logged.index,
        logged.checkpoint.size,
        logged.checkpoint.origin
    ));
    Ok(exit::ACCEPT)
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum MakeKeyError {
    #[error("{0}")]
    Name(#[from] LogFault),
    #[error("{}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Makes a key; not where a file is, for a log has its key for ever.
pub(super) fn make_key(name: &str, kind: KeyKind, out: &Path, public: &Path) -> Result<(), MakeKeyError> {
    let (pem, line) = issuance_log::generate(name, kind)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let written = file.and_then(|mut file| file.write_all(&pem).and_then(|()| file.sync_all()));
    written.map_err(|source| MakeKeyError::Write { path: out.to_owned(), source })?;
    output::write_whole(public, line.as_bytes())
        .map_err(|source| MakeKeyError::Write { path: public.to_owned(), source })
}
