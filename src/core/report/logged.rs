//! A proof of the issuance log as a condition of relying on a document.

use super::obstacle::Obstacle;
use super::signature::CertificateReport;
use super::{Outcome, Reliance, Report};
use crate::core::log::{LogFault, LogProof, Opening, VerifierKey};

/// Lets the answer stand only if the proof shows that this very document is in the log: its content, kind and id, and the certificate
/// of a signature that passes. Of a PDF it cannot: the log knows it as it was before it was signed.
pub fn require(report: &mut Report, proof: &Result<LogProof, LogFault>, key: &VerifierKey) {
    let logged = proof.as_ref().ok().and_then(|proof| proof.verify(key).ok());
    let is_logged = logged.is_some_and(|logged| is_of(report, &logged.opening));
    if !is_logged && report.reliance.outcome == Outcome::Accept {
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
