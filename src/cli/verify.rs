//! `antin verify`: judge a signed document offline.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::evidence::{self, EvidenceArguments};
use super::exit::{self, Code, CommandError};
use crate::core::document_kind::DocumentKinds;
use crate::core::evidence_file;
use crate::core::memory::Memory;
use crate::core::report::text::{self, Language};
use crate::core::report::{Outcome, Report};
use crate::core::validation::{self, Content, ValidationRequest};

/// The arguments of `antin verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArguments {
    /// The content of a detached signature
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    #[command(flatten)]
    evidence: EvidenceArguments,
    /// Who must have signed documents of which kind (the form of config/document-kinds.toml); nobody in particular by default
    #[arg(long, value_name = "FILE")]
    document_kinds: Option<PathBuf>,
    /// Text for people, JSON for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The signature or signed document: CMS (DER, BER, PEM) or PDF
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(arguments: &VerifyArguments) -> ExitCode {
    exit::finish(verify(arguments))
}

fn verify(arguments: &VerifyArguments) -> Result<Code, CommandError> {
    let mut loaded = arguments.evidence.load()?;
    if let Some(path) = &arguments.document_kinds {
        let kinds = DocumentKinds::parse(&String::from_utf8_lossy(&evidence::read(path)?));
        loaded.policy.document_kinds = kinds.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
    }
    let file = evidence::read(&arguments.file)?;
    let content = arguments.content.as_deref().map(evidence::read).transpose()?;
    let document = evidence_file::cms(&file);
    let document = document.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.file, &error))?;
    let validation = validation::validate(&ValidationRequest {
        document: &document,
        content: content.as_deref().map_or(Content::None, Content::Bytes),
        evidence: &loaded.evidence,
        trust: &loaded.trust,
        policy: &loaded.policy,
        revocation: loaded.revocation,
        time: loaded.time,
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.file, &error))?;
    let report = Report::new(&validation, &loaded.policy, loaded.revocation, loaded.time);
    exit::print(&match arguments.format {
        Format::Json => exit::json(&report),
        Format::Text => text::render(&report, language(), std::io::stdout().is_terminal()),
    });
    Ok(match report.reliance.outcome {
        _ if report.reliance.code == "no-signature" => exit::NO_SIGNATURE,
        Outcome::Accept => exit::ACCEPT,
        Outcome::Reject => exit::REJECT,
        Outcome::Undetermined => exit::UNDETERMINED,
    })
}

/// The language of the person at the terminal, in the order POSIX gives the variables.
pub fn language() -> Language {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let locale = names.into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    Language::from_locale(&locale.unwrap_or_default())
}
