//! `antin verify`: judge a signed document offline.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::evidence::{self, EvidenceArguments, LoadedEvidence};
use super::exit::{self, Code, CommandError};
use super::issuance_log;
use super::output;
use super::receipt;
use super::replay::{self, Basis};
use super::status_list::StatusListFiles;
use crate::core::document_kind::DocumentKinds;
use crate::core::evidence_file;
use crate::core::log::KeyKind;
use crate::core::memory::Memory;
use crate::core::report::logged;
use crate::core::report::text::{self, Language};
use crate::core::report::xml;
use crate::core::report::{Outcome, Report};
use crate::core::validation::{self, Content, ValidationRequest};
use crate::kinds::Kinds;

/// The arguments of `antin verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArguments {
    /// The content of a detached signature
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    #[command(flatten)]
    evidence: EvidenceArguments,
    /// Save all that the answer rests on beside the document, to be judged by again
    #[arg(long, value_name = "FILE")]
    evidence_out: Option<PathBuf>,
    /// Judge by saved evidence: its anchors, policy and time. With --trust-anchor it may trust no others than those named
    #[arg(
        long = "evidence",
        value_name = "FILE",
        conflicts_with_all = ["evidence_out", "intermediates", "crls", "ocsp_responses", "revocation", "at", "policy", "document_kinds"]
    )]
    saved: Option<PathBuf>,
    /// How it shows that a signer holds the office which documents of a kind need (the form of config/document-kinds.toml); by default nobody in particular need have signed
    #[arg(long, value_name = "FILE")]
    document_kinds: Option<PathBuf>,
    /// A proof that the document is in an issuance log, without which it is not relied on; with --log-key
    #[arg(long, value_name = "FILE", requires = "log_key")]
    log_proof: Option<PathBuf>,
    /// The public key of that log; without --log-proof no document is relied on
    #[arg(long, value_name = "FILE")]
    log_key: Option<PathBuf>,
    /// A signed status list, CWT or JWT, that says whether the document still stands; one that names another list, or of which none counts, is not relied on
    #[arg(long = "status-list", value_name = "FILE", requires = "status_list_signers", conflicts_with_all = ["saved", "evidence_out"])]
    status_lists: Vec<PathBuf>,
    /// The certificate of who signs status lists; nobody else's count
    #[arg(long = "status-list-signer", value_name = "CERT", requires = "status_lists")]
    status_list_signers: Vec<PathBuf>,
    /// Text for people, JSON for machines, XML for archives (ETSI TS 119 102-2)
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
    Xml,
}

pub fn run(arguments: &VerifyArguments) -> ExitCode {
    exit::finish(verify(arguments))
}

fn verify(arguments: &VerifyArguments) -> Result<Code, CommandError> {
    if let Some(out) = &arguments.evidence_out {
        let own = [&arguments.content, &arguments.document_kinds].into_iter().filter_map(Option::as_deref);
        output::check("--evidence-out", out, arguments.evidence.files().chain(own).chain([arguments.file.as_path()]))?;
    }
    let file = evidence::read(&arguments.file)?;
    let lists = StatusListFiles::read(&arguments.status_lists, &arguments.status_list_signers)?;
    let content = arguments.content.as_deref().map(evidence::read).transpose()?;
    let document = evidence_file::cms(&file);
    let document = document.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.file, &error))?;
    let (basis, to_write) = match (&arguments.saved, &arguments.evidence_out) {
        (Some(path), _) => {
            let basis = Basis::replayed(path, &document, content.as_deref())?;
            basis.check_anchors(path, &arguments.evidence)?;
            (basis, None)
        }
        (None, Some(out)) => {
            let (basis, file) = Basis::saved(&load(arguments)?, &document, content.as_deref())?;
            (basis, Some((out, file)))
        }
        (None, None) => (Basis::given(load(arguments)?), None),
    };
    let validation = validation::validate(&ValidationRequest {
        document: &document,
        content: content.as_deref().map_or(Content::None, Content::Bytes),
        evidence: &basis.evidence,
        trust: &basis.trust,
        policy: &basis.policy,
        revocation: basis.revocation,
        time: basis.time,
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.file, &error))?;
    if let Some((out, file)) = to_write {
        replay::write(out, &file)?;
    }
    let mut report = Report::new(&validation, &basis.policy, basis.revocation, basis.time);
    report.evidence.clone_from(&basis.saved);
    lists.judge(&mut report, validation.content.reference.as_ref(), basis.time);
    if let Some(path) = &arguments.log_key {
        let key = issuance_log::key(path, KeyKind::Note)?;
        let proof = arguments.log_proof.as_deref().map(issuance_log::proof).transpose()?;
        // What is no proof proves nothing.
        let proof = proof.and_then(Result::ok);
        report.document.log = proof.and_then(|proof| logged::shown(&report, &proof, &key));
        if report.document.log.is_none() {
            logged::refuse(&mut report);
        }
    }
    print(arguments, &basis, &report, &document);
    Ok(match report.reliance.outcome {
        _ if report.reliance.code == "no-signature" => exit::NO_SIGNATURE,
        Outcome::Accept => exit::ACCEPT,
        Outcome::Reject => exit::REJECT,
        Outcome::Undetermined => exit::UNDETERMINED,
    })
}

/// The evidence options, and who must have signed what.
fn load(arguments: &VerifyArguments) -> Result<LoadedEvidence, CommandError> {
    let mut loaded = arguments.evidence.load()?;
    if let Some(path) = &arguments.document_kinds {
        let text = Kinds::held().complete_rules(&String::from_utf8_lossy(&evidence::read(path)?));
        let kinds = DocumentKinds::parse(&text).map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
        loaded.policy.document_kinds = kinds;
        loaded.document_kinds_text = Some(text);
    }
    Ok(loaded)
}

/// A replay says that it is one before the text, without the colours of an answer of now, and beside what machines read.
fn print(arguments: &VerifyArguments, basis: &Basis, report: &Report, document: &[u8]) {
    let notice = arguments.saved.is_some().then(|| basis.notice(language()));
    let rendered = match arguments.format {
        Format::Json => exit::json(report),
        Format::Xml => xml::render(report),
        Format::Text => {
            let colour = notice.is_none() && std::io::stdout().is_terminal();
            let text = text::render(report, language(), colour);
            notice
                .iter()
                .map(|notice| format!("{notice}\n\n"))
                .chain([text])
                .chain(receipt::render(document, report, language()))
                .collect()
        }
    };
    if let (Some(notice), Format::Json | Format::Xml) = (notice, arguments.format) {
        let _ = writeln!(std::io::stderr(), "antin: {notice}");
    }
    exit::print(&rendered);
}

/// The language of the person at the terminal, in the order POSIX gives the variables.
pub fn language() -> Language {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let locale = names.into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    Language::from_locale(&locale.unwrap_or_default())
}
