//! `antin sign`: sign a file with a key in a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::evidence::{self, EvidenceArguments};
use super::exit::{self, Code, CommandError};
use super::raise::{LevelArgument, Raising};
use super::sign_pdf::PdfArguments;
use super::{output, sign_more, sign_pdf};
use crate::clock;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::crypto;
use crate::core::validation::Content;
use crate::core::x509::Certificate;
use crate::signing::key::{RsaPadding, SoftwareKey};
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
    /// By what the signature is judged for levels above B-T
    #[command(flatten)]
    evidence: EvidenceArguments,
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
    #[command(flatten)]
    pdf: PdfArguments,
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
enum PaddingArgument {
    Pss,
    Pkcs1,
}

pub fn run(arguments: &SignArguments) -> ExitCode {
    exit::finish(sign(arguments))
}

fn sign(arguments: &SignArguments) -> Result<Code, CommandError> {
    arguments.evidence.check_for_making()?;
    if arguments.level == LevelArgument::Basic && arguments.tsa.is_some() {
        return Err(CommandError::new(exit::USAGE, "--tsa is for levels above B-B: add --level B-T"));
    }
    let is_pdf = arguments.format == FormatArgument::Pades;
    if is_pdf && (arguments.detached || arguments.add_to.is_some()) {
        let message = "--detached and --add-to are for cades: a PDF holds its signatures";
        return Err(CommandError::new(exit::USAGE, message));
    }
    if !is_pdf && !arguments.pdf.is_empty() {
        let message = "--field, --certify, --reason, --location, --contact, --embed and --visible are for PDFs: add --format pades";
        return Err(CommandError::new(exit::USAGE, message));
    }
    let inputs = [&arguments.key, &arguments.cert].into_iter().chain(&arguments.chain).chain(&arguments.file);
    let inputs = inputs.chain(&arguments.add_to).map(PathBuf::as_path).chain(arguments.evidence.files());
    let inputs = inputs.chain(arguments.pdf.files());
    output::check("--out", &arguments.out, inputs)?;
    let document = match (&arguments.kind, &arguments.id) {
        (Some(kind), Some(id)) => {
            let reference = DocumentReference::new(kind, id, arguments.status_ref.as_deref());
            Some(reference.map_err(|error| CommandError::new(exit::USAGE, error))?)
        }
        _ => None,
    };
    let signer = load_signer(arguments)?;
    let file = arguments.file.as_deref().map(evidence::read).transpose()?;
    let mut raising = load_raising(arguments)?;
    if is_pdf {
        let file = file.unwrap_or_default();
        let signed = sign_pdf::sign(file, &arguments.pdf, document, &signer, arguments.level, raising.as_mut())?;
        return write(arguments, &signed);
    }
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
    if let Some(raising) = &mut raising {
        let content = if arguments.detached { Content::Bytes(&content) } else { Content::None };
        signature = raising.raise(signature, content, arguments.level)?;
    }
    write(arguments, &signature)
}

fn write(arguments: &SignArguments, signed: &[u8]) -> Result<Code, CommandError> {
    let written = output::write_whole(&arguments.out, signed);
    written.map_err(|error| CommandError::about(exit::INTERNAL, &arguments.out, &error))?;
    Ok(exit::ACCEPT)
}

/// With what levels above B-B are made.
fn load_raising(arguments: &SignArguments) -> Result<Option<Raising>, CommandError> {
    if arguments.level == LevelArgument::Basic {
        return Ok(None);
    }
    let mut raising = Raising::new(arguments.tsa.as_deref(), arguments.evidence.load()?)?;
    if !arguments.evidence.names_anchors() {
        raising.look_up_to_tops(load_chain(arguments)?);
    }
    Ok(Some(raising))
}

fn load_chain(arguments: &SignArguments) -> Result<Vec<Arc<Certificate>>, CommandError> {
    let mut chain = Vec::new();
    for path in &arguments.chain {
        chain.extend(evidence::load_certificate_file(path)?);
    }
    Ok(chain)
}

fn load_signer(arguments: &SignArguments) -> Result<CadesSigner, CommandError> {
    let mut certificates = evidence::load_certificate_file(&arguments.cert)?;
    let certificate = certificates.remove(0);
    let chain: Vec<Arc<Certificate>> = certificates.into_iter().chain(load_chain(arguments)?).collect();
    let padding = match arguments.rsa_padding {
        PaddingArgument::Pss => RsaPadding::Pss,
        PaddingArgument::Pkcs1 => RsaPadding::Pkcs1,
    };
    let key = SoftwareKey::from_pem(&evidence::read(&arguments.key)?, padding, &certificate);
    let key = key.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.key, &error))?;
    Ok(CadesSigner::new("command line", key, certificate, &chain))
}
