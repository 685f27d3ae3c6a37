//! The checks of what trusted time says of a signature (EN 319 102-1 §5.3.4, §5.5.4, §5.6.2.4).

use super::check::{Check, CheckResult, Remark, Step, fault_detail};
use crate::core::path::PathOutcome;
use crate::core::time::Time;
use crate::core::validation::SignatureValidation;
use crate::core::verdict::{Cause, Failure, Indication, Verdict};

/// What trusted time says, each its line, where it says something.
pub fn add(signature: &SignatureValidation, time: Time, checks: &mut Vec<Check>) {
    use CheckResult::{Failed, Indeterminate, Skipped};
    let proved = signature.best_signature_time(time);
    let code = signature.verdict.code();
    if !signature.content_timestamps.is_empty() {
        let later_than = signature.earliest_signature_time();
        let (result, code) = match (&signature.verdict, later_than) {
            (Verdict::TotalFailed(Failure::RevokedBefore | Failure::ExpiredBefore), _) => (Failed, code),
            (Verdict::Indeterminate(Cause::TimestampOrder | Cause::WeakWhenMade(_)), _) => (Indeterminate, code),
            (_, Some(_)) => (CheckResult::Passed, Remark::Passed.code()),
            (_, None) => (Skipped, Remark::NotJudged.code()),
        };
        let detail = later_than.filter(|_| result != CheckResult::Passed).map(|time| time.to_string());
        checks.push(Check { detail, ..Check::new(Step::ContentTimestamp, result, code) });
    }
    if matches!(signature.verdict, Verdict::TotalFailed(Failure::NotYetValid)) {
        checks.push(Check { detail: Some(proved.to_string()), ..Check::new(Step::BestSignatureTime, Failed, code) });
    } else if proved < time {
        checks.push(Check::passed(Step::BestSignatureTime));
    }
    if let Some(past) = &signature.past {
        let result = if past.verdict.indication() == Indication::TotalFailed { Failed } else { Indeterminate };
        let operands = match &past.verdict {
            Verdict::Indeterminate(Cause::Path(fault)) => fault_detail(past, fault),
            _ => None,
        };
        let detail = operands.map_or_else(|| proved.to_string(), |operands| format!("{proved}: {operands}"));
        let check = Check::new(Step::PastValidation, result, past.verdict.code());
        checks.push(Check { detail: Some(detail), ..check });
    } else if matches!(&signature.path, Some(PathOutcome::Valid(path)) if path.used_at(0).is_some()) {
        checks.push(Check::passed(Step::PastValidation));
    }
}
