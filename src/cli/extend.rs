//! `antin extend`: raise a signature that exists, ours or another's, to a higher level (EN 319 122-1 §6.3).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::evidence::{self, EvidenceArguments};
use super::exit::{self, Code, CommandError};
use super::output;
use super::raise::{LevelArgument, Raising};
use crate::core::evidence_file;
use crate::core::validation::Content;
use crate::signing::pades;

/// The arguments of `antin extend`.
#[derive(Args, Clone, Debug)]
pub struct ExtendArguments {
    /// The level wanted; B-LTA on a signature that has it adds a new archive time-stamp
    #[arg(long, value_enum)]
    level: LevelArgument,
    /// Time-stamping authority
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// The content of a detached signature
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    #[command(flatten)]
    evidence: EvidenceArguments,
    /// Where the raised signature is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The signature: CMS (DER, BER, PEM), or a signed PDF
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &ExtendArguments) -> ExitCode {
    exit::finish(extend(arguments))
}

fn extend(arguments: &ExtendArguments) -> Result<Code, CommandError> {
    arguments.evidence.check_for_making()?;
    output::check("--out", &arguments.out, arguments.evidence.files().chain(arguments.content.as_deref()))?;
    let file = evidence::read(&arguments.file)?;
    let content = arguments.content.as_deref().map(evidence::read).transpose()?;
    let message = if pades::is_pdf(&file) {
        if content.is_some() {
            return Err(CommandError::new(exit::USAGE, "--content is for detached signatures: a PDF holds its own"));
        }
        file
    } else {
        let message = evidence_file::cms(&file);
        message.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.file, &error))?.to_vec()
    };
    let content = content.as_deref().map_or(Content::None, Content::Bytes);
    let mut raising = Raising::new(arguments.tsa.as_deref(), arguments.evidence.load()?)?;
    let raised = raising.raise(message, content, arguments.level)?;
    let written = output::write_whole(&arguments.out, &raised);
    written.map_err(|error| CommandError::about(exit::INTERNAL, &arguments.out, &error))?;
    Ok(exit::ACCEPT)
}
