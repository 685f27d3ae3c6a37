//! `antin sign --add-to`: one more signature on a CMS that has some.

use std::path::{Path, PathBuf};

use super::evidence;
use super::exit::{self, CommandError};
use crate::clock;
use crate::core::cms::add_signer::add_signers;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::cms::embed::embed;
use crate::core::evidence::Evidence;
use crate::core::evidence_file;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::validation::{self, Content, SignatureValidation, ValidationRequest};
use crate::core::verdict::Verdict;
use crate::core::x509::TrustStore;
use crate::service::existing::Existing;

/// A CMS to which a signature is added: every signature in it is whole and about the document, whoever trusts the signers.
pub struct Given {
    path: PathBuf,
    existing: Existing,
    /// The document that its signers state.
    stated: Option<DocumentReference>,
}

/// Reads the CMS at `path`; gives it with its content, which is `content` if that was named.
pub fn read(path: &Path, content: Option<Vec<u8>>) -> Result<(Given, Vec<u8>), CommandError> {
    let refused =
        |error: &dyn std::fmt::Display| CommandError::new(exit::UNREADABLE, format!("{}: {error}", path.display()));
    let file = evidence::read(path)?;
    let message = evidence_file::cms(&file).map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
    let (existing, carried) = Existing::read(&message).map_err(|error| refused(&error))?;
    let content = match (content, carried) {
        (Some(named), Some(carried)) if named != carried => {
            return Err(refused(&"existing-signature-broken: it carries another document"));
        }
        (Some(content), _) | (None, Some(content)) => content,
        (None, None) => return Err(refused(&"carries no document: name the document too")),
    };
    let validation = validation::validate(&ValidationRequest {
        document: existing.detached(),
        content: Content::Bytes(&content),
        evidence: &Evidence::default(),
        trust: &TrustStore::new(Vec::new(), Vec::new()),
        policy: &Policy::held("any-ades").expect("held"),
        revocation: RevocationMode::Off,
        time: clock::now(),
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|error| refused(&error))?;
    if let Some(broken) = validation.signatures.iter().find(|signature| !is_intact(signature)) {
        let why = match &broken.verdict {
            Verdict::TotalFailed(_) => "existing-signature-broken",
            _ => "existing-signature-undetermined",
        };
        return Err(refused(&format!("{why}: {}", broken.verdict.code())));
    }
    if validation.content.references_differ {
        return Err(refused(&"existing-signature-conflict: its signers name different documents"));
    }
    Ok((Given { path: path.to_owned(), existing, stated: validation.content.reference }, content))
}

fn is_intact(signature: &SignatureValidation) -> bool {
    signature.format.is_ok() && matches!(signature.digest, Some(Ok(_))) && matches!(signature.signature, Some(Ok(_)))
}

impl Given {
    /// What the new signer states: what the others do, unless none does.
    pub fn document(&self, named: Option<DocumentReference>) -> Result<Option<DocumentReference>, CommandError> {
        match (&self.stated, named) {
            (Some(stated), Some(named)) if *stated != named => {
                let message = format!(
                    "existing-signature-conflict: {} is of {} {}: leave --kind and --id out",
                    self.path.display(),
                    stated.kind(),
                    stated.id()
                );
                Err(CommandError::new(exit::USAGE, message))
            }
            (Some(stated), _) => Ok(Some(stated.clone())),
            (None, named) => Ok(named),
        }
    }

    /// The CMS with this signature more, and with the content if it is given.
    pub fn with(&self, signature: &[u8], content: Option<&Vec<u8>>) -> Result<Vec<u8>, CommandError> {
        let all = add_signers(self.existing.detached(), signature);
        let all = all.and_then(|all| content.map_or(Ok(all.clone()), |content| embed(&all, content)));
        all.map_err(|error| CommandError::about(exit::UNREADABLE, &self.path, &error))
    }
}
