//! `antin sign`: sign a file with a key in a file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::evidence;
use super::exit::{self, Code, CommandError};
use super::sign_more;
use crate::clock;
use crate::config::{TimeStampAuthority, TimeStamping};
use crate::core::cms::document_reference::DocumentReference;
use crate::core::crypto;
use crate::core::validation::Content;
use crate::core::x509::Certificate;
use crate::signing::key::{RsaPadding, SoftwareKey};
use crate::signing::level::raise_to_timestamped;
use crate::signing::timestamp::TimeStampClient;
use crate::signing::{CadesRequest, CadesSigner, IssuingKey as _};

/// The arguments of `antin sign`.
#[derive(Args, Clone, Debug)]
pub struct SignArguments {
    /// Private key: unencrypted PKCS#8 PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The signer's certificate
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// A certificate to embed beside the signer's
    #[arg(long = "chain", value_name = "FILE")]
    chain: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = FormatArgument::Cades)]
    format: FormatArgument,
    /// Leave the content out of the signature
    #[arg(long)]
    detached: bool,
    #[arg(long, value_enum, default_value_t = LevelArgument::Basic)]
    level: LevelArgument,
    /// Time-stamping authority (RFC 3161), for levels above B-B
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// Padding of an RSA signature
    #[arg(long, value_enum, default_value_t = PaddingArgument::Pss)]
    rsa_padding: PaddingArgument,
    /// Kind of document, as in health-book; signed together with --id
    #[arg(long, value_name = "K", requires = "id")]
    kind: Option<String>,
    /// The issuer's identifier of the document
    #[arg(long, value_name = "ID", requires = "kind")]
    id: Option<String>,
    /// URI under which the document's status is published
    #[arg(long, value_name = "URI", requires = "kind")]
    status_ref: Option<String>,
    /// Add the signature to the CMS in this file, which is over the same document
    #[arg(long, value_name = "FILE")]
    add_to: Option<PathBuf>,
    /// Where the signature is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The document; may be left out with --add-to, if the CMS there carries it
    #[arg(value_name = "FILE", required_unless_present = "add_to")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArgument {
    Cades,
    Pades,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LevelArgument {
    #[value(name = "B-B")]
    Basic,
    #[value(name = "B-T")]
    Timestamped,
    #[value(name = "B-LT")]
    LongTerm,
    #[value(name = "B-LTA")]
    Archival,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PaddingArgument {
    Pss,
    Pkcs1,
}

pub fn run(arguments: &SignArguments) -> ExitCode {
    exit::finish(sign(arguments))
}

fn sign(arguments: &SignArguments) -> Result<Code, CommandError> {
    let client = time_stamp_client(arguments)?;
    if arguments.format == FormatArgument::Pades {
        return Err(CommandError::new(exit::USAGE, "format-not-available: only cades can be signed"));
    }
    check_output(arguments)?;
    let document = match (&arguments.kind, &arguments.id) {
        (Some(kind), Some(id)) => {
            let reference = DocumentReference::new(kind, id, arguments.status_ref.as_deref());
            Some(reference.map_err(|error| CommandError::new(exit::USAGE, error))?)
        }
        _ => None,
    };
    let signer = load_signer(arguments)?;
    let file = arguments.file.as_deref().map(evidence::read).transpose()?;
    let (existing, content) = match &arguments.add_to {
        Some(path) => {
            let (existing, content) = sign_more::read(path, file)?;
            (Some(existing), content)
        }
        None => (None, file.unwrap_or_default()),
    };
    let document = match &existing {
        Some(existing) => existing.document(document)?,
        None => document,
    };
    let digest_algorithm = signer.digest_algorithm();
    let digest = crypto::digest(digest_algorithm, &content);
    let signature = signer.sign_cades(&CadesRequest {
        digest: (digest_algorithm, &digest),
        content: (!arguments.detached && existing.is_none()).then_some(content.as_slice()),
        signing_time: clock::now(),
        document: document.as_ref(),
    });
    let mut signature = signature.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.cert, &error))?;
    if let Some(existing) = &existing {
        signature = existing.with(&signature, (!arguments.detached).then_some(&content))?;
    }
    if let Some(client) = client {
        let digests = [(digest_algorithm, digest)];
        let content = if arguments.detached { Content::Digests(&digests) } else { Content::None };
        signature = time_stamped(&signature, content, &client)?;
    }
    let written = write_whole(&arguments.out, &signature);
    written.map_err(|error| CommandError::about(exit::INTERNAL, &arguments.out, &error))?;
    Ok(exit::ACCEPT)
}

/// Who is to be asked for the level wanted; none for B-B.
fn time_stamp_client(arguments: &SignArguments) -> Result<Option<TimeStampClient>, CommandError> {
    let usage = |message: &str| Err(CommandError::new(exit::USAGE, message));
    match (arguments.level, &arguments.tsa) {
        (LevelArgument::Basic, None) => Ok(None),
        (LevelArgument::Basic, Some(_)) => usage("--tsa is for levels above B-B: add --level B-T"),
        (LevelArgument::Timestamped, None) => usage("--level B-T needs a time-stamping authority: add --tsa URL"),
        (LevelArgument::Timestamped, Some(url)) => {
            // Who writes the command line knows whom he names.
            let authority = TimeStampAuthority { url: url.clone(), policy: None, allow_private: true };
            let settings = TimeStamping { authorities: vec![authority], ..TimeStamping::default() };
            let client = TimeStampClient::new(&settings);
            client.map(Some).map_err(|error| CommandError::new(exit::USAGE, format!("--tsa {url}: {error}")))
        }
        (LevelArgument::LongTerm | LevelArgument::Archival, _) => {
            usage("level-not-available: B-B and B-T can be signed")
        }
    }
}

fn time_stamped(signature: &[u8], content: Content<'_>, client: &TimeStampClient) -> Result<Vec<u8>, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::of(exit::INTERNAL, &error))?;
    let raised = runtime.block_on(raise_to_timestamped(signature, content, client, &|_| Ok(())));
    raised.map_err(|error| CommandError::of(exit::INTERNAL, &error))
}

fn load_signer(arguments: &SignArguments) -> Result<CadesSigner, CommandError> {
    let mut certificates = evidence::load_certificate_file(&arguments.cert)?;
    let certificate = certificates.remove(0);
    let mut chain: Vec<Arc<Certificate>> = certificates;
    for path in &arguments.chain {
        chain.extend(evidence::load_certificate_file(path)?);
    }
    let padding = match arguments.rsa_padding {
        PaddingArgument::Pss => RsaPadding::Pss,
        PaddingArgument::Pkcs1 => RsaPadding::Pkcs1,
    };
    let key = SoftwareKey::from_pem(&evidence::read(&arguments.key)?, padding, &certificate);
    let key = key.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.key, &error))?;
    Ok(CadesSigner::new("command line", key, certificate, &chain))
}

/// The signature must not be written over what it is made from.
fn check_output(arguments: &SignArguments) -> Result<(), CommandError> {
    let inputs = [&arguments.key, &arguments.cert].into_iter().chain(&arguments.chain);
    let inputs = inputs.chain(&arguments.file).chain(&arguments.add_to);
    for input in inputs {
        if is_same_file(&arguments.out, input) {
            let message = format!("--out {} is an input too: name another file", arguments.out.display());
            return Err(CommandError::new(exit::USAGE, message));
        }
    }
    Ok(())
}

/// By any name; a file that does not exist is no other.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// The file is there whole or not at all. What is no regular file (a device, a pipe, a link to either) is written to, and stays.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, bytes);
    }
    let target = std::fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".part");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path).inspect_err(|_| drop(std::fs::remove_file(&temporary)))
}
