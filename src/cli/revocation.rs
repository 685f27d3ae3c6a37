//! `antin revocation reset`: accept that an authority began its CRL numbers or times anew.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, Code, CommandError};
use crate::clock;
use crate::config;
use crate::core::x509::name::inert;
use crate::revocation::reset::{Reset, ResetError};
use crate::service::{held, trust};

/// Octets of the longest reason.
const REASON_LIMIT: usize = 500;

/// The arguments of `antin revocation`.
#[derive(Args, Clone, Debug)]
pub struct RevocationArguments {
    #[command(subcommand)]
    command: RevocationCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum RevocationCommand {
    /// Accept a list that goes back behind one seen before, because its authority says that it began anew. Without --apply it
    /// only says what would change
    Reset(ResetArguments),
}

#[derive(Args, Clone, Debug)]
struct ResetArguments {
    /// The settings of the service, which name its trust anchors and its marks
    #[arg(long, value_name = "FILE", env = "ANTIN_CONFIG")]
    config: PathBuf,
    /// The list as the authority publishes it now, DER or PEM
    #[arg(long, value_name = "FILE")]
    crl: PathBuf,
    /// Who decided it and why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do it
    #[arg(long)]
    apply: bool,
}

/// Exit codes: 0 done or described, 64 no reason, 65 a file that cannot be used or nothing to reset, 70 a file that cannot be written.
pub fn run(arguments: &RevocationArguments) -> ExitCode {
    let RevocationCommand::Reset(arguments) = &arguments.command;
    exit::finish(reset(arguments))
}

fn reset(arguments: &ResetArguments) -> Result<Code, CommandError> {
    let reason = arguments.reason.trim();
    if reason.is_empty() || reason.len() > REASON_LIMIT || reason.chars().any(char::is_control) {
        let words = format!("--reason: give 1 to {REASON_LIMIT} bytes without control characters");
        return Err(CommandError::new(exit::USAGE, words));
    }
    let unreadable = |error: &dyn std::error::Error| CommandError::of(exit::UNREADABLE, error);
    let config = config::read(&arguments.config).map_err(|error| unreadable(&error))?;
    let trust = trust::load(&config.trust, None, clock::now()).map_err(|error| unreadable(&error))?.store;
    let list = held::read(&arguments.crl).map_err(|error| unreadable(&error))?;
    let reset = Reset::of(&list, &config.revocation.marks_file, &trust).map_err(|error| unreadable(&error))?;
    exit::print(&description(&reset));
    if !arguments.apply {
        exit::print("Nothing was changed. Ask the authority whether it began anew; then give --apply.\n");
        return Ok(exit::ACCEPT);
    }
    let audit = reset.audit_file();
    reset.apply(reason).map_err(|error| {
        let code = if matches!(error, ResetError::Audit { .. }) { exit::INTERNAL } else { exit::UNREADABLE };
        CommandError::of(code, &error)
    })?;
    exit::print(&format!(
        "Done, and written down in {}. A running service with this file of marks takes it over within seconds.\n",
        audit.display()
    ));
    Ok(exit::ACCEPT)
}

fn description(reset: &Reset) -> String {
    let list = reset.list();
    let number = |octets: Option<&[u8]>| octets.map_or("none".to_owned(), hex::encode);
    let before = reset.before().map_or("nothing".to_owned(), |mark| {
        let octets = mark.number.as_ref().map(|number| number.octets());
        format!("CRLNumber {} (hex), thisUpdate {}", number(octets), mark.this_update)
    });
    format!(
        "issuer     {}\nkey        {}\npartition  {}\nseen       {before}\nto accept  CRLNumber {} (hex), thisUpdate {}, {} revoked\n",
        inert(&list.issuer().subject.to_string()),
        hex::encode(reset.scope().issuer_key),
        reset.scope().partition(),
        number(list.number().map(|number| number.octets())),
        list.crl().this_update,
        list.crl().len(),
    )
}
