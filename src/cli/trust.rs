//! `antin trust`: the anchors held, against the pinned manifest; one more; a signed list of them.

mod add;
mod list;
mod sign_list;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::evidence;
use super::exit::{self, CommandError};
use crate::trust::TrustError;

/// The arguments of `antin trust`.
#[derive(Args, Clone, Debug)]
pub struct TrustArguments {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum TrustCommand {
    /// List the certificates pinned and held: role, tree, validity, what for, fingerprint, subject
    List(list::ListArguments),
    /// Check every certificate file against the pinned manifest: exit 0 all right, 1 something is wrong, 2 something to plan for
    Check(list::ListArguments),
    /// Pin a CA certificate and put it into the folder: exit 1 if it is refused
    Add(add::AddArguments),
    /// Sign the certificates of the folder as a trust list for many nodes
    SignList(sign_list::SignListArguments),
}

/// Where the anchors lie.
#[derive(Args, Clone, Debug)]
struct Directory {
    /// The folder of the anchors; ANTIN_TRUST_ANCHORS or trust-anchors/vietnam by default
    #[arg(long = "dir", value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Directory {
    /// `None` where the usual one is missing and no other is named.
    fn named(&self) -> Option<PathBuf> {
        self.directory.clone().or_else(evidence::anchors_directory)
    }

    fn required(&self) -> Result<PathBuf, CommandError> {
        let message = "name the folder of the anchors with --dir or ANTIN_TRUST_ANCHORS";
        self.named().ok_or_else(|| CommandError::new(exit::USAGE, message))
    }
}

pub fn run(arguments: &TrustArguments) -> ExitCode {
    exit::finish(match &arguments.command {
        TrustCommand::List(arguments) => list::list(arguments),
        TrustCommand::Check(arguments) => list::check(arguments),
        TrustCommand::Add(arguments) => add::add(arguments),
        TrustCommand::SignList(arguments) => sign_list::sign_list(arguments),
    })
}

fn unreadable(error: TrustError) -> CommandError {
    CommandError::new(exit::UNREADABLE, error)
}
