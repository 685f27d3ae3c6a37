//! Between which times a signature was made, as far as trusted time proves it, and what its certificate was then (EN 319 102-1
//! §5.3.4 steps 4 and 6, §5.5.4 step 4).
//!
//! It is later than the time-stamps among its signed attributes, and older than those that are over it. A signature of before its
//! certificate began, or of after that ended or was revoked, is failed: nothing that is found later makes it good.

use super::acceptance::{AcceptanceFault, Accepted};
use super::basic::SignatureValidation;
use super::timestamp::TimestampFault;
use crate::core::path::PathFault;
use crate::core::time::Time;
use crate::core::verdict::{Cause, Failure, Verdict};

/// Takes what they prove from time-stamps over the content that are later than one over the signature that they stand in (§5.5.4,
/// step 4 e).
pub fn order(signature: &mut SignatureValidation) {
    let SignatureValidation { timestamps, content_timestamps, .. } = signature;
    for stamp in content_timestamps {
        if timestamps.iter().any(|over| stamp.is_after(over)) {
            stamp.outcome = Err(TimestampFault::AfterSignature);
        }
    }
}

/// By how much the clocks of who certifies and who time-stamps may differ, in seconds, beside what is stated.
const TOLERANCE: i64 = 60;

/// The time proved; when the certificate begins, if that is hardly later: the signature was made by then too.
pub fn within_tolerance(signature: &SignatureValidation, proved: Time) -> Time {
    let Ok(signer) = &signature.signer else { return proved };
    if is_before(signature, proved, signer.not_before) { proved } else { proved.max(signer.not_before) }
}

/// The time proved is before another, however far it may be wrong.
fn is_before(signature: &SignatureValidation, proved: Time, other: Time) -> bool {
    let accuracy = signature.timestamps.iter().filter(|stamp| stamp.outcome.is_ok()).map(|stamp| stamp.accuracy).max();
    proved.plus_seconds(TOLERANCE + accuracy.unwrap_or(0)) < other
}

/// The certificate was revoked only after the time proved, and had ended before it: that is what `earlier` says, the judgement as of
/// then (§5.5.4, step 4 a).
pub fn ended_before(now: &SignatureValidation, earlier: &SignatureValidation, proved: Time) -> bool {
    let is_later = matches!(
        now.verdict,
        Verdict::Indeterminate(Cause::Path(PathFault::Revoked { position: 0, date, .. })) if proved < date
    );
    is_later && matches!(earlier.verdict, Verdict::Indeterminate(Cause::Path(PathFault::Expired { position: 0, .. })))
}

/// Compares the times, all else having been judged. `acceptance`: what the policy says to the signature's algorithms and key at a time.
pub fn judge(
    signature: &mut SignatureValidation,
    time: Time,
    acceptance: impl Fn(Time) -> Option<Result<Accepted, AcceptanceFault>>,
) {
    // Which certificate it was is certain only where the signature is right, and names it: others may bear the same key.
    let (Ok(signer), Some(Ok(_))) = (&signature.signer, &signature.signature) else { return };
    let is_certain = signature.references_certificate;
    let later_than = signature.earliest_signature_time();
    let is_later = |end: Time| is_certain && later_than.is_some_and(|earliest| earliest > end);
    let proved = signature.best_signature_time(time);
    let is_too_old = is_certain && proved < time && is_before(signature, proved, signer.not_before);
    let verdict = match &signature.verdict {
        Verdict::TotalFailed(_) => return,
        Verdict::TotalPassed(_) if is_too_old => Verdict::TotalFailed(Failure::NotYetValid),
        Verdict::TotalPassed(_) if is_disordered(signature) => Verdict::Indeterminate(Cause::TimestampOrder),
        Verdict::TotalPassed(_) => return,
        Verdict::Indeterminate(cause) => match cause {
            Cause::Path(PathFault::Revoked { position: 0, date, .. }) if is_later(*date) => {
                Verdict::TotalFailed(Failure::RevokedBefore)
            }
            Cause::Path(PathFault::Expired { position: 0, .. }) if is_later(signer.not_after) => {
                Verdict::TotalFailed(Failure::ExpiredBefore)
            }
            Cause::Path(
                PathFault::Expired { position: 0, .. }
                | PathFault::NotYetValid { position: 0, .. }
                | PathFault::Revoked { position: 0, .. }
                | PathFault::OnHold { position: 0, .. }
                | PathFault::AnchorWindow(_),
            ) if is_too_old => Verdict::TotalFailed(Failure::NotYetValid),
            Cause::Acceptance(AcceptanceFault::WeakAlgorithm | AcceptanceFault::WeakKey) => {
                let then = later_than.and_then(acceptance);
                match then {
                    Some(Err(fault @ (AcceptanceFault::WeakAlgorithm | AcceptanceFault::WeakKey))) => {
                        Verdict::Indeterminate(Cause::WeakWhenMade(fault))
                    }
                    _ => return,
                }
            }
            _ => return,
        },
    };
    signature.verdict = verdict;
}

/// The signer says that it is later than somebody who is trusted as much says that it was there.
fn is_disordered(signature: &SignatureValidation) -> bool {
    signature.content_timestamps.iter().any(|stamp| matches!(stamp.outcome, Err(TimestampFault::AfterSignature)))
}
