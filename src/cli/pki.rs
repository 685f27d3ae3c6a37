//! `antin pki`: make a development PKI, and revoke in it.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValue};

use super::exit::{self, Code, CommandError};
use super::output::say;
use crate::{
    clock,
    pki::{self, Algorithm, Authority, InitOptions, Member, Outcome, PkiError, Reason},
};

/// The arguments of `antin pki`.
#[derive(Args, Clone, Debug)]
pub struct PkiArguments {
    #[command(subcommand)]
    command: PkiCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum PkiCommand {
    /// Make a development PKI: root, CA, signers, TSA, OCSP, TLS server and clients, CRLs
    Init {
        /// Directory to lay it in; new or empty
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Algorithm of every key
        #[arg(long, value_enum, default_value_t)]
        algorithm: Algorithm,
        /// Where the service will answer; written into the certificates
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        base_url: String,
    },
    /// Revoke a certificate of a development PKI and reissue the CRL of its issuer
    Revoke {
        /// Directory of the PKI
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// The certificate, PEM or DER
        #[arg(value_name = "CERT")]
        certificate: PathBuf,
        /// Why (RFC 5280); remove-from-crl lifts a certificate-hold
        #[arg(long, value_enum, default_value_t)]
        reason: Reason,
    },
}

impl ValueEnum for Algorithm {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Reason {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::EVERY
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).alias(self.standard_name()))
    }
}

/// Runs the command, says what it did on standard output or what went wrong on standard error.
/// Exit codes: 0 done, 64 wrong use (directory not empty, base URL), 65 the certificate cannot be used, 70 anything else.
pub fn run(arguments: &PkiArguments) -> ExitCode {
    let done = match &arguments.command {
        PkiCommand::Init { directory, algorithm, base_url } => {
            let options = InitOptions { algorithm: *algorithm, base_url: base_url.clone() };
            pki::init(directory, &options, clock::now()).map(|()| {
                say(format_args!("development PKI in {}: keys unencrypted, for trial only", directory.display()));
                say(format_args!("  trust anchor  {}", Member::Root.certificate_path(directory).display()));
                say(format_args!("  intermediate  {}", Member::Ca.certificate_path(directory).display()));
                for member in [Member::Judicial, Member::Health] {
                    say(format_args!("  signer        {}", member.certificate_path(directory).display()));
                }
                for authority in Authority::ALL {
                    say(format_args!("  CRL           {}", authority.crl_path(directory).display()));
                }
            })
        }
        PkiCommand::Revoke { directory, certificate, reason } => {
            pki::revoke(directory, certificate, *reason, clock::now()).map(|revoked| {
                let (serial, crl, number) = (revoked.serial_number, revoked.crl.display(), revoked.crl_number);
                match revoked.outcome {
                    Outcome::Revoked => {
                        say(format_args!("revoked {serial} ({}): CRL {number} in {crl}", reason.name()))
                    }
                    Outcome::HoldLifted => say(format_args!("hold lifted from {serial}: CRL {number} in {crl}")),
                    Outcome::AlreadyRevoked { since, reason } => {
                        say(format_args!(
                            "{serial} is revoked since {since} ({}): CRL {number} in {crl} stays",
                            reason.name()
                        ));
                    }
                }
            })
        }
    };
    exit::finish(done.map(|()| exit::ACCEPT).map_err(|error| CommandError::of(exit_code(&error), &error)))
}

const fn exit_code(error: &PkiError) -> Code {
    match error {
        PkiError::NotEmpty(_) | PkiError::BaseUrl(_) => exit::USAGE,
        PkiError::File { .. }
        | PkiError::TooLong { .. }
        | PkiError::Undecodable { .. }
        | PkiError::NotIssuedHere { .. }
        | PkiError::TrustAnchor(_)
        | PkiError::NotOnHold
        | PkiError::ListNotOurs
        | PkiError::ListNumber
        | PkiError::KeyMismatch
        | PkiError::KeyKind => exit::UNREADABLE,
        PkiError::TimeRange(_) | PkiError::Encoding(_) | PkiError::Cryptography(_) => exit::INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        pki: PkiArguments,
    }

    fn parse(arguments: &[&str]) -> Result<PkiCommand, String> {
        let named = std::iter::once("antin").chain(arguments.iter().copied());
        Whole::try_parse_from(named).map(|whole| whole.pki.command).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_reasons_in_both_spellings_and_names_them_all_when_wrong() {
        Whole::command().debug_assert();
        for reason in Reason::EVERY {
            for spelling in [reason.name(), reason.standard_name()] {
                let parsed = parse(&["revoke", "pki", "a.crt", "--reason", spelling]).expect(spelling);
                assert!(matches!(parsed, PkiCommand::Revoke { reason: read, .. } if read == reason));
            }
        }
        let refused = parse(&["revoke", "pki", "a.crt", "--reason", "lost"]).expect_err("no such reason");
        assert!(Reason::EVERY.iter().all(|reason| refused.contains(reason.name())), "{refused}");
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let PkiCommand::Init { algorithm, base_url, .. } = parse(&["init", "pki"]).expect("parsed") else {
            panic!("init was asked for")
        };
        let default = InitOptions::default();
        assert_eq!((algorithm, base_url), (default.algorithm, default.base_url));
        assert!(parse(&["init", "pki", "--algorithm", "rsa1024"]).is_err());
        assert!(parse(&["init"]).is_err());
    }

    #[test]
    fn failures_say_what_and_where_and_exit_as_documented() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("kept"), "").expect("written");
        let cases = [
            (pki::init(directory.path(), &InitOptions::default(), clock::now()), exit::USAGE, "is not empty"),
            (
                pki::revoke(directory.path(), &directory.path().join("none.crt"), Reason::Superseded, clock::now())
                    .map(|_| ()),
                exit::UNREADABLE,
                "cannot read",
            ),
        ];
        for (done, code, words) in cases {
            let error = done.expect_err("refused");
            let text = exit::with_causes(&error);
            assert_eq!(exit_code(&error), code, "{text}");
            assert!(text.contains(words) && text.contains(&*directory.path().to_string_lossy()), "{text}");
        }
    }
}
