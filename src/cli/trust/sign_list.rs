//! `antin trust sign-list`: the certificates of a folder as a signed list, which nodes take by `trust.list` of their settings.

use std::path::PathBuf;

use clap::Args;

use super::{Directory, unreadable};
use crate::cli::evidence;
use crate::cli::exit::{self, Code, CommandError};
use crate::clock;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::crypto;
use crate::core::time::Time;
use crate::signing::key::{RsaPadding, SoftwareKey};
use crate::signing::{CadesRequest, CadesSigner, IssuingKey as _};
use crate::trust::audit::{self, Entry};
use crate::trust::list::{KIND, ListedCertificate, TrustList};
use crate::trust::replace;

#[derive(Args, Clone, Debug)]
pub struct SignListArguments {
    #[command(flatten)]
    directory: Directory,
    /// Private key: unencrypted PKCS#8 PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its certificate, whose fingerprint the nodes pin
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The number of this list, higher than that of any before
    #[arg(long, value_name = "N")]
    sequence: u64,
    /// When the next list is there at the latest
    #[arg(long, value_name = "RFC3339", value_parser = evidence::parse_time)]
    next_update: Time,
    /// Where the list is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Exit 0: signed; 1: the folder is not right; nothing is written.
pub fn sign_list(arguments: &SignListArguments) -> Result<Code, CommandError> {
    let directory = arguments.directory.required()?;
    let now = clock::now();
    if arguments.next_update <= now {
        return Err(CommandError::new(exit::USAGE, "--next-update must be later than now"));
    }
    let manifest = evidence::manifest(&directory)?;
    let entries = audit::audit(&manifest, Some(&directory), now).map_err(unreadable)?;
    if let Some(finding) = entries.iter().flat_map(|entry| &entry.findings).find(|finding| finding.is_error()) {
        let message = format!("the folder is not right ({finding:?}): see antin trust check");
        return Err(CommandError::new(exit::REJECT, message));
    }
    let certificates: Vec<ListedCertificate> = entries.iter().filter_map(listed).collect();
    let number = certificates.len();
    let content = TrustList::new(arguments.sequence, now, arguments.next_update, certificates).encode();

    let certificate = evidence::load_certificate_file(&arguments.cert)?.remove(0);
    let key = SoftwareKey::from_pem(&evidence::read(&arguments.key)?, RsaPadding::Pss, &certificate);
    let key = key.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.key, &error))?;
    let signer = CadesSigner::new("trust list", key, certificate.clone(), &[]);
    let reference = DocumentReference::new(KIND, &arguments.sequence.to_string(), None)
        .map_err(|error| CommandError::new(exit::INTERNAL, error))?;
    let digest_algorithm = signer.digest_algorithm();
    let message = signer.sign_cades(&CadesRequest {
        digest: (digest_algorithm, &crypto::digest(digest_algorithm, &content)),
        content: Some(&content),
        signing_time: now,
        document: Some(&reference),
    });
    let message = message.map_err(|error| CommandError::about(exit::UNREADABLE, &arguments.cert, &error))?;
    let written = replace(&arguments.out, &message);
    written.map_err(|error| CommandError::about(exit::INTERNAL, &arguments.out, &error))?;
    exit::print(&format!(
        "list {} of {number} certificates\nsigner-sha256 = \"{}\"\n",
        arguments.sequence,
        certificate.fingerprint_text()
    ));
    Ok(exit::ACCEPT)
}

/// What is both pinned and held.
fn listed(entry: &Entry) -> Option<ListedCertificate> {
    let (pinned, (_, certificate)) = entry.pinned.as_ref().zip(entry.held.as_ref())?;
    Some(ListedCertificate::new(certificate, pinned.role, &pinned.tree, &pinned.limits, &pinned.aliases))
}
