//! The command line: one file a command.

pub mod audit;
pub mod demo;
pub mod dev;
pub mod evidence;
pub mod exit;
pub mod extend;
pub mod issuance_log;
mod log;
mod output;
pub mod pki;
mod raise;
mod receipt;
pub mod registry;
mod replay;
pub mod revocation;
pub mod serve;
pub mod sign;
mod sign_more;
mod sign_pdf;
mod status_list;
pub mod trust;
pub mod validate_path;
pub mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Verification and trust for digitally signed public documents.
#[derive(Debug, Parser)]
#[command(name = "antin", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole story on this machine: make a PKI, sign, verify, tamper, revoke
    Demo,
    /// Verify a signed document offline: exit 0 ACCEPT, 1 REJECT, 2 UNDETERMINED, 3 no signature
    Verify(verify::VerifyArguments),
    /// Validate a certificate's path to a trust anchor: exit 0 valid, 1 invalid, 2 undetermined
    ValidatePath(validate_path::ValidatePathArguments),
    /// Sign a file (CAdES)
    Sign(Box<sign::SignArguments>),
    /// Raise a signature to a higher level: time-stamps, and the evidence by which it passes
    Extend(extend::ExtendArguments),
    /// The service on embedded defaults, for trial on this machine
    Dev(dev::DevArguments),
    /// The service in production
    Serve(serve::ServeArguments),
    /// Make a development PKI, and revoke in it
    Pki(pki::PkiArguments),
    /// What the service remembers of CRLs: accept that an authority began anew
    Revocation(revocation::RevocationArguments),
    /// Check the audit log, show its decisions and its newest head, make a key for its heads
    Audit(audit::AuditArguments),
    /// Audit a copy of an issuance log, list what was signed in a name, verify a proof, make a key for a log
    Log(issuance_log::LogArguments),
    /// Write out, read in and check the registry; list attempts to sign whose state is unknown
    Registry(registry::RegistryArguments),
    /// Show, check and add trust anchors; sign a list of them
    Trust(trust::TrustArguments),
}

/// Parses the arguments and runs the command. Usage errors exit 64, a failure inside 70.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let run = move || match arguments.command {
        Command::Demo => demo::story::run(),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::ValidatePath(arguments) => validate_path::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Extend(arguments) => extend::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Pki(arguments) => pki::run(&arguments),
        Command::Revocation(arguments) => revocation::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Log(arguments) => issuance_log::run(&arguments),
        Command::Registry(arguments) => registry::run(&arguments),
        Command::Trust(arguments) => trust::run(&arguments),
    };
    // A panic is a defect; it must not look like a verdict.
    std::panic::catch_unwind(run).unwrap_or_else(|_| exit::INTERNAL.into())
}
