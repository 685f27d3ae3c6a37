//! What a passed judgement rests on, for being kept with the signature (EN 319 122-1 §5.4).

use std::collections::HashSet;
use std::sync::Arc;

use super::Validation;
use super::basic::SignatureValidation;
use crate::core::cms::add_evidence;
use crate::core::evidence::Evidence;
use crate::core::path::PathOutcome;
use crate::core::verdict::Indication;
use crate::core::x509::Certificate;

impl Validation {
    /// The certificates with their anchors, and the revocation data out of `evidence`, by which the signatures and their time-stamps
    /// passed. What came with the message already is not in `evidence`, and so not named again.
    pub fn used(&self, evidence: &Evidence) -> add_evidence::Evidence {
        let mut certificates: Vec<&Arc<Certificate>> = Vec::new();
        let mut sources: HashSet<[u8; 32]> = HashSet::new();
        for signature in self.signatures.iter().flat_map(passed) {
            if let Some(PathOutcome::Valid(path)) = &signature.path {
                for certificate in path.certificates().iter().chain([path.anchor()]) {
                    if !certificates.contains(&certificate) {
                        certificates.push(certificate);
                    }
                }
                sources.extend(path.revocation().iter().flat_map(|status| &status.fingerprints));
            }
        }
        let crls = evidence.crls.iter().filter(|crl| sources.contains(crl.fingerprint()));
        let responses = evidence.ocsp_responses.iter().filter(|response| sources.contains(response.fingerprint()));
        add_evidence::Evidence {
            certificates: certificates.into_iter().map(|certificate| certificate.der().to_vec()).collect(),
            crls: crls.map(|crl| crl.der()).collect(),
            ocsp_responses: responses.map(|response| response.encode()).collect(),
        }
    }
}

/// The signature, and those of its time-stamps, if they passed.
fn passed(signature: &SignatureValidation) -> impl Iterator<Item = &SignatureValidation> {
    let stamps = signature.timestamps.iter().chain(&signature.content_timestamps).filter(|stamp| stamp.outcome.is_ok());
    let stamps = stamps.filter_map(|stamp| stamp.signature.as_deref());
    let own = (signature.verdict.indication() == Indication::TotalPassed).then_some(signature);
    own.into_iter().chain(stamps)
}
