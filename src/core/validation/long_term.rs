//! Validation of signatures with time-stamps and archived evidence (EN 319 102-1 §5.5, §5.6.3).
//!
//! The time-stamps are judged first, the newest first: one that passes proves that all it is over existed at its time, older
//! time-stamps among it, which may then pass although their authorities' certificates have ended since. Then each signature that
//! cannot be relied on as if it were made now is judged once more, as of the earliest time that is proved (past signature
//! validation, §5.6.2.4). What is no better then stays as it was, with the reason why it is not. At last both ends are compared
//! between which it was made (`bounds.rs`).

use super::acceptance::AcceptanceFault;
use super::basic::{self, Material, SignatureValidation};
use super::content::SignedContent;
use super::embedded::Together;
use super::stamps::{Stamp, Stamps};
use super::timestamp::{self, TimestampFault, TimestampKind, TimestampValidation};
use super::{ValidationRequest, bounds};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::{SignedData, SignerInfo};
use crate::core::path::{Pool, Proofs, Work};
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::verdict::{Cause, Indication, Verdict};

/// Since when something is proved to have existed, with all else that is.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    pub used_at: Time,
    pub proofs: &'a Proofs,
}

/// What time-stamps outside the message prove of all of it: those over the PDF that it stands in.
#[derive(Clone, Debug, Default)]
pub struct Outer {
    pub proofs: Proofs,
    /// Over the message.
    pub stamps: Vec<TimestampValidation>,
    /// Over what the message signs, and signed by it: it is later than each that passes.
    pub earlier_stamps: Vec<TimestampValidation>,
}

impl Outer {
    /// Since when the message is proved to have existed.
    fn proved(&self) -> Option<Time> {
        self.stamps.iter().filter_map(|stamp| stamp.outcome.as_ref().ok()).map(|proof| proof.time()).min()
    }
}

/// Judges the time-stamps on the signatures, and the signatures again that are proved to be older. Whoever passes a message on
/// can add some: they have an allowance of their own, so that they cost the signatures nothing.
pub fn validate(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    signatures: &mut [SignatureValidation],
    content: &SignedContent<'_>,
    stamps: &Stamps<'_>,
    (together, outer): (&Together, &Outer),
) {
    if stamps.stamps.is_empty() && outer.stamps.is_empty() && outer.earlier_stamps.is_empty() {
        return;
    }
    let (none, pool) = (Work::default(), Pool::new());
    let material = Material::new(request, together, Purpose::DocumentSigning, &none);
    let mut proofs = outer.proofs.clone();
    let mut judged: Vec<(usize, TimestampValidation)> = Vec::new();
    for position in stamps.newest_first() {
        let stamp = &stamps.stamps[position];
        let (imprint, covered) = match stamps.check_imprint(stamp) {
            Ok((algorithm, covered)) => (Ok(algorithm), covered),
            Err(fault) => (Err(fault), Default::default()),
        };
        let proved = match stamp.kind {
            // It stands inside what the time-stamps of its signer are over.
            TimestampKind::Content => {
                let by_stamps = judged.iter().filter_map(|judged| proved_by(judged, stamps, stamp.signer));
                by_stamps.chain(outer.proved()).min()
            }
            _ => proofs.of(&stamp.fingerprint),
        };
        let works = [(); 2].map(|()| Work::share(stamps.stamps.len(), &pool));
        let mut validation = judge_stamp(request, stamp, imprint, proved, &proofs, (material, &works));
        validation.covers_evidence = covered.has_revocation();
        if let Ok(proof) = &validation.outcome {
            stamps.prove(&covered, proof.time(), &mut proofs);
        }
        judged.push((position, validation));
    }
    judged.sort_by_key(|(position, _)| *position);
    for (position, mut validation) in judged {
        let stamp = &stamps.stamps[position];
        // Only now is all proved: what says that it was made before it did comes later in the order of times.
        if validation.outcome.is_ok() && is_older_than_it_says(stamp, &proofs) {
            validation.outcome = Err(TimestampFault::Order);
        }
        let signature = &mut signatures[stamp.signer];
        match stamp.kind {
            TimestampKind::Content => signature.content_timestamps.push(validation),
            _ => signature.timestamps.push(validation),
        }
    }
    for signature in &mut *signatures {
        signature.timestamps.extend(outer.stamps.iter().cloned());
        signature.content_timestamps.extend(outer.earlier_stamps.iter().cloned());
    }
    let (signers, own_pool) = (message.signer_infos.len(), Pool::new());
    // Where the container of the message says when the signature was made, `claimed_time` is what it says.
    let judge_at = |signer: &SignerInfo<'_>, claimed_time: Option<Time>, used_at: Time| {
        let (past, work) = (Past { used_at, proofs: &proofs }, Work::share(signers, &own_pool));
        let material = Material { past: Some(past), claimed_time, work: &work, ..material };
        basic::validate(request, message, signer, content, material)
    };
    for (signer, signature) in message.signer_infos.iter().zip(signatures) {
        bounds::order(signature);
        let proved = signature.best_signature_time(request.time);
        if proved < request.time && may_have_passed(&signature.verdict) {
            let time = bounds::within_tolerance(signature, proved);
            let earlier = judge_at(signer, signature.claimed_signing_time, time);
            if earlier.verdict.indication() == Indication::TotalPassed
                || bounds::ended_before(signature, &earlier, time)
            {
                let timestamps = std::mem::take(&mut signature.timestamps);
                let content_timestamps = std::mem::take(&mut signature.content_timestamps);
                *signature = SignatureValidation { timestamps, content_timestamps, ..earlier };
            } else {
                signature.past = Some(Box::new(earlier));
            }
        }
        let claimed_time = signature.claimed_signing_time;
        bounds::judge(signature, request.time, |time| judge_at(signer, claimed_time, time).acceptance);
    }
}

/// When a signer's signature and all that he signed existed, if this time-stamp on it proves it.
fn proved_by(
    (position, validation): &(usize, TimestampValidation),
    stamps: &Stamps<'_>,
    signer: usize,
) -> Option<Time> {
    let stamp = &stamps.stamps[*position];
    let is_on_it = stamp.signer == signer && stamp.kind != TimestampKind::Content;
    validation.outcome.as_ref().ok().filter(|_| is_on_it).map(|proof| proof.time())
}

/// Judges one stamp, which is `proved` to have existed at a time, or not.
pub(super) fn judge_stamp(
    request: &ValidationRequest<'_>,
    stamp: &Stamp<'_>,
    imprint: Result<DigestAlgorithm, TimestampFault>,
    proved: Option<Time>,
    proofs: &Proofs,
    (material, [work, work_then]): (Material<'_>, &[Work; 2]),
) -> TimestampValidation {
    let proved = proved.filter(|proved| *proved < request.time);
    let now = timestamp::validate(request, stamp, imprint.clone(), Material { work, ..material });
    let may_have_passed = match &now.outcome {
        Err(TimestampFault::Signature(verdict)) => may_have_passed(verdict),
        Err(TimestampFault::ImprintAlgorithm) => imprint.is_ok(),
        _ => false,
    };
    let Some(used_at) = proved.filter(|_| may_have_passed) else { return now };
    let past = Past { used_at, proofs };
    let material = Material { past: Some(past), work: work_then, ..material };
    let earlier = timestamp::validate(request, stamp, imprint, material);
    if earlier.outcome.is_ok() { earlier } else { now }
}

/// Whoever time-stamped it said that it existed before the second in which it says that it was made.
pub(super) fn is_older_than_it_says(stamp: &Stamp<'_>, proofs: &Proofs) -> bool {
    let made = stamp.read.as_ref().map(|(_, info)| info.second());
    made.is_ok_and(|made| proofs.of(&stamp.fingerprint).is_some_and(|proved| proved < made))
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
