//! X.509 validation of the signing certificate (EN 319 102-1 §5.2.6).

use std::sync::Arc;

use super::ValidationRequest;
use super::basic::Material;
use crate::core::path::{self, InitialPolicies, PathOutcome, PathRequest, RejectedPath};
use crate::core::x509::Certificate;

/// What the signature says of itself.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The kind of document.
    pub kind: Option<&'a str>,
    /// Its signed attributes name the certificate.
    pub is_named: bool,
}

/// Searches a path from the signer's certificate to an anchor, for the purpose at hand and documents of this kind.
pub fn validate(
    request: &ValidationRequest<'_>,
    material: Material<'_>,
    signer: &Arc<Certificate>,
    subject: Subject<'_>,
) -> PathOutcome {
    let outcome = path::find_path(&PathRequest {
        target: signer,
        certificates: material.certificates,
        crls: material.crls,
        ocsp_responses: material.ocsp_responses,
        trust: request.trust,
        purpose: material.purpose,
        kind: subject.kind,
        document_signing_usages: &request.policy.document_signing_usages,
        policies: InitialPolicies::default(),
        revocation: request.revocation,
        maximum_age: request.policy.maximum_revocation_age_hours,
        time: request.time,
        past: material.past.map(|past| path::Past {
            used_at: past.used_at,
            names_target: subject.is_named,
            proofs: past.proofs,
        }),
        memory: request.memory,
        work: material.work,
    });
    // What the policy accepts for less time than the search does: another path is not looked for.
    match outcome {
        PathOutcome::Valid(path) => match request.policy.suites.fault(&path, request.time) {
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
