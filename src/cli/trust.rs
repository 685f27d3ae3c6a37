//! `antin trust list`: the anchors held, against the pinned manifest.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::evidence;
use super::exit::{self, Code, CommandError};
use crate::core::x509::Certificate;

/// The arguments of `antin trust`.
#[derive(Args, Clone, Debug)]
pub struct TrustArguments {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum TrustCommand {
    /// List the certificates held: role, validity, fingerprint, subject
    List,
    /// Check every certificate file against the pinned manifest
    Check,
}

pub fn run(arguments: &TrustArguments) -> ExitCode {
    exit::finish(trust(arguments.command))
}

fn trust(command: TrustCommand) -> Result<Code, CommandError> {
    let held = evidence::held()?;
    match command {
        TrustCommand::List => {
            for (role, certificates) in [("anchor", &held.anchors), ("intermediate", &held.intermediates)] {
                for certificate in certificates {
                    exit::print(&line(role, certificate));
                }
            }
        }
        TrustCommand::Check => {
            let (anchors, intermediates) = (held.anchors.len(), held.intermediates.len());
            exit::print(&format!("{anchors} anchors and {intermediates} intermediates, each pinned in the manifest\n"));
        }
    }
    Ok(exit::ACCEPT)
}

fn line(role: &str, certificate: &Certificate) -> String {
    let fingerprint = hex::encode(certificate.fingerprint());
    let validity = format!("{} {}", certificate.not_before, certificate.not_after);
    format!("{role:12} {validity} {fingerprint} {}\n", certificate.subject)
}
