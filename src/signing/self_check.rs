//! Every signature is judged by our own verifier before it leaves: a fault in the key, the memory or this program must not reach
//! a citizen.

use std::sync::{Arc, LazyLock};

use super::CadesRequest;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::validation::{self, Content, ValidationRequest};
use crate::core::verdict::Verdict;
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};

static STRICT: LazyLock<Policy> = LazyLock::new(|| Policy::held("strict").expect("held"));

/// Judges `message` under the policy `strict`, with the signer's own certificate as anchor: digest, signature value, format,
/// algorithm, key usage and validity. Whether recipients trust the certificate is not its question. Err: the code of the verdict.
pub fn check(message: &[u8], request: &CadesRequest<'_>, signer: &Arc<Certificate>) -> Result<(), &'static str> {
    let (algorithm, digest) = request.digest;
    let digests = [(algorithm, digest.to_vec())];
    let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(signer))], Vec::new());
    let validation = validation::validate(&ValidationRequest {
        document: message,
        content: Content::Digests(&digests),
        evidence: &Evidence::default(),
        trust: &trust,
        policy: &STRICT,
        revocation: RevocationMode::Off,
        time: request.signing_time,
        memory: &Memory::none(),
    });
    match validation {
        Err(_) => Err("unreadable"),
        Ok(validation) if validation.content.reference.as_ref() != request.document => Err("document-reference"),
        Ok(validation) => match validation.verdict {
            Verdict::TotalPassed(_) => Ok(()),
            other => Err(other.code()),
        },
    }
}
