//! A place in an issuance log as a condition of relying on a document.

use serde::Serialize;

use super::obstacle::Obstacle;
use super::signature::CertificateReport;
use super::{Outcome, Reliance, Report};
use crate::core::log::proof::Logged;
use crate::core::log::{LogProof, Opening, VerifierKey};

/// Where the document stands in an issuance log, as was proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogReport {
    /// The name of the log.
    pub origin: String,
    pub index: u64,
    /// Entries of the tree in which it was found.
    pub tree_size: u64,
}

impl LogReport {
    pub fn of(logged: Logged) -> Self {
        Self { origin: logged.checkpoint.origin, index: logged.index, tree_size: logged.checkpoint.size }
    }
}

/// What the proof shows, if that is this very document in this log: its content, kind and id, and the certificate of a signature that
/// passes. Of a PDF it cannot: the log knows it as it was before it was signed.
pub fn shown(report: &Report, proof: &LogProof, key: &VerifierKey) -> Option<LogReport> {
    let logged = proof.verify(key).ok()?;
    is_of(report, &logged.opening).then(|| LogReport::of(logged))
}

/// It is not shown to be in the log where it must be.
pub fn refuse(report: &mut Report) {
    if report.reliance.outcome == Outcome::Accept {
        report.reliance = Reliance::new(Outcome::Undetermined, Obstacle::NotLogged.code());
    }
}

fn is_of(report: &Report, opening: &Opening) -> bool {
    let document = &report.document;
    let is_signer = |own: &CertificateReport| *own.0.fingerprint() == opening.signer_certificate_sha256;
    let mut signers = report.signatures.iter().filter(|signature| signature.indication == "TOTAL-PASSED");
    document.sha256.as_ref() == Some(&hex::encode(opening.document_digest))
        && document.kind.as_ref() == Some(&opening.kind)
        && document.id.as_ref() == Some(&hex::encode(opening.document_id))
        && signers.any(|signature| signature.certificates.first().is_some_and(is_signer))
}
