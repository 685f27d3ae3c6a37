//! Validation of signatures with time (EN 319 102-1 §5.5, and of §5.6 what needs no other proof of existence than that of the signature).
//!
//! A signature that cannot be relied on as if it were made now is judged once more at the time before which it is proved to have
//! existed. Its own certificate may since have expired, or have been revoked for something later; whatever is above it, and the
//! authority of the time-stamp, must be good now.

use super::ValidationRequest;
use super::acceptance::AcceptanceFault;
use super::basic::{self, Material, SignatureValidation};
use super::content::SignedContent;
use crate::core::cms::SignedData;
use crate::core::path::Work;
use crate::core::verdict::{Cause, Indication, Verdict};

/// Judges those again that lack something now and are proved to be older. What is no better then stays as it was.
pub fn validate(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    signatures: &mut [SignatureValidation],
    content: &SignedContent<'_>,
    material: Material<'_>,
) {
    let work = Work::default();
    for (signer, signature) in message.signer_infos.iter().zip(signatures) {
        let time = signature.best_signature_time(request.time);
        if time >= request.time || !may_have_passed(&signature.verdict) {
            continue;
        }
        let material = Material { used_at: Some(time), work: &work, ..material };
        let earlier = basic::validate(request, message, signer, content, material);
        if earlier.verdict.indication() == Indication::TotalPassed {
            let timestamps = std::mem::take(&mut signature.timestamps);
            *signature = SignatureValidation { timestamps, ..earlier };
        }
    }
}

/// What is lacking passes with time.
const fn may_have_passed(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Indeterminate(
            Cause::Path(_) | Cause::Acceptance(AcceptanceFault::WeakAlgorithm | AcceptanceFault::WeakKey)
        )
    )
}
