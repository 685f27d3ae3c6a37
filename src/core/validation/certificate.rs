//! X.509 validation of the signing certificate (EN 319 102-1 §5.2.6).

use std::sync::Arc;

use super::ValidationRequest;
use super::basic::Material;
use crate::core::path::{self, InitialPolicies, PathOutcome, PathRequest, RejectedPath};
use crate::core::x509::Certificate;

/// Searches a path from the signer's certificate to an anchor, for the purpose at hand and documents of this kind.
pub fn validate(
    request: &ValidationRequest<'_>,
    material: Material<'_>,
    signer: &Arc<Certificate>,
    kind: Option<&str>,
) -> PathOutcome {
    let outcome = path::find_path(&PathRequest {
        target: signer,
        certificates: material.certificates,
        crls: material.crls,
        ocsp_responses: &request.evidence.ocsp_responses,
        trust: request.trust,
        purpose: material.purpose,
        kind,
        document_signing_usages: &request.policy.document_signing_usages,
        policies: InitialPolicies::default(),
        revocation: request.revocation,
        maximum_age: request.policy.maximum_revocation_age_hours,
        time: request.time,
        used_at: material.used_at,
        memory: request.memory,
        work: material.work,
    });
    // What the policy accepts for less time than the search does: another path is not looked for.
    match outcome {
        PathOutcome::Valid(path) => match request.policy.suites.fault(&path, request.time, material.used_at) {
            None => PathOutcome::Valid(path),
            Some(fault) => {
                let anchor = Some(Arc::clone(path.anchor()));
                let rejected =
                    RejectedPath { certificates: path.certificates().to_vec(), anchor, fault: fault.clone() };
                PathOutcome::Invalid { fault, rejected: vec![rejected] }
            }
        },
        invalid => invalid,
    }
}
