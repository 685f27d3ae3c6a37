//! Which signatures of a document decide: those that its kind requires, where the policy says so (`core/document_kind.rs`).
//!
//! A signature counts for a kind if it passes and its signer states this very document in the signed attributes; for a role, if the
//! certificate of its validated path shows that; for a period, if the time before which it is proved to exist lies in it. The time
//! that a signer claims buys nothing.

use super::basic::SignatureValidation;
use super::countersignature;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::document_kind::{DocumentKinds, Period};
use crate::core::path::{PathOutcome, ValidatedPath};
use crate::core::time::Time;
use crate::core::verdict::{Cause, Indication, TotalPassed, Verdict};

/// What the kind of the document asks of its signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing is laid down for what it is and when it was signed: every signature decides.
    #[default]
    None,
    /// The signatures that meet it, by their places in the message. No other can take that away.
    Met(Vec<usize>),
    /// The signatures whose signers state the document, and what is wanting even if all of them pass.
    Unmet(Vec<usize>, Shortfall),
}

/// Why signatures that pass do not suffice for the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Of the roles that are required only some have signed.
    SignatureMissing,
    /// Of the roles that are required none has signed.
    NotAuthorised,
    /// Nobody can be shown to hold a role that is required.
    RoleUnknown,
    /// The signatures suffice for an earlier time, and nothing proves that they were made then.
    TimeNotProved,
}

/// What the signatures are about, as far as the signers agree or the required ones decide.
pub struct Assessment {
    pub requirement: Requirement,
    pub reference: Option<DocumentReference>,
    /// Signers name different documents: it cannot be told which one this is.
    pub references_differ: bool,
}

/// Asks what `kinds` require at `time`.
pub fn assess(signatures: &[SignatureValidation], kinds: &DocumentKinds, time: Time) -> Assessment {
    let mut references: Vec<&DocumentReference> = Vec::new();
    for reference in signatures.iter().filter_map(|signature| signature.document_reference.as_ref()) {
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    let ask = |reference: &DocumentReference| Question { signatures, kinds, time, reference }.answer();
    if let [reference] = references.as_slice() {
        let reference = *reference;
        return Assessment {
            requirement: ask(reference),
            reference: Some(reference.clone()),
            references_differ: false,
        };
    }
    // Whoever adds a signature of his own that names another document takes nothing from those that suffice for theirs.
    let met = references.iter().map(|reference| (*reference, ask(reference)));
    let mut met = met.filter(|(_, requirement)| matches!(requirement, Requirement::Met(_)));
    match (met.next(), met.next()) {
        (Some((reference, requirement)), None) => {
            Assessment { requirement, reference: Some(reference.clone()), references_differ: false }
        }
        _ => Assessment { requirement: Requirement::None, reference: None, references_differ: references.len() > 1 },
    }
}

impl Requirement {
    /// The signature at this place decides, whatever it is worth.
    pub fn counts(&self, index: usize) -> bool {
        match self {
            Self::None => true,
            Self::Met(required) | Self::Unmet(required, _) => required.contains(&index),
        }
    }
}

/// Any integrity failure rejects, a counter-signature's too; else the worst of the signatures that decide.
pub fn overall(signatures: &[SignatureValidation], requirement: &Requirement) -> Verdict {
    let rank = |verdict: &Verdict| match verdict.indication() {
        Indication::TotalPassed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalFailed => 2,
    };
    let failed = |verdict: &Verdict| verdict.indication() == Indication::TotalFailed;
    let is_broken = |verdict: &Verdict| matches!(verdict, Verdict::TotalFailed(failure) if failure.is_of_integrity());
    let decides = |index: usize, verdict: &Verdict| requirement.counts(index) || is_broken(verdict);
    let deciding = signatures.iter().enumerate().filter(|(index, signature)| decides(*index, &signature.verdict));
    // The first of the worst.
    let worst = deciding.map(|(_, signature)| &signature.verdict).rev().max_by_key(|verdict| rank(verdict));
    let failure = || countersignature::failure(signatures).map(Verdict::TotalFailed);
    if let Some(failed) = failure().filter(|_| !worst.is_some_and(failed)) {
        return failed;
    }
    match worst {
        None => Verdict::Indeterminate(Cause::NoSignature),
        Some(Verdict::TotalPassed(passed)) => Verdict::TotalPassed(TotalPassed::of_document(passed)),
        Some(other) => other.clone(),
    }
}

/// A signature that passes and whose signer states the document.
struct Candidate<'a> {
    index: usize,
    path: &'a ValidatedPath,
    /// Its earliest time proved.
    proved: Time,
    /// The latest time of which it is proved to be later.
    later_than: Option<Time>,
}

impl Candidate<'_> {
    /// It may have been made in the period: before the time proved, and by a certificate that existed.
    fn may_be_of(&self, period: &Period) -> bool {
        let begin = self.path.certificates().first().map(|signer| signer.not_before).max(self.later_than);
        period.from.is_none_or(|from| from <= self.proved)
            && period.until.is_none_or(|until| begin.is_some_and(|begin| begin <= until))
    }
}

/// How far candidates go for a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// No role that is required.
    Nothing,
    Some,
    /// All but roles that nobody can be shown to hold.
    Unknown,
    All,
}

struct Question<'a> {
    signatures: &'a [SignatureValidation],
    kinds: &'a DocumentKinds,
    time: Time,
    reference: &'a DocumentReference,
}

impl<'a> Question<'a> {
    fn answer(&self) -> Requirement {
        let Some(periods) = self.kinds.periods(self.reference.kind()) else { return Requirement::None };
        let stating = |(_, signature): &(usize, &SignatureValidation)| {
            signature.document_reference.as_ref() == Some(self.reference)
        };
        let stating: Vec<(usize, &SignatureValidation)> = self.signatures.iter().enumerate().filter(stating).collect();
        let candidates: Vec<Candidate<'a>> =
            stating.iter().filter_map(|(index, signature)| self.candidate(*index, signature)).collect();
        for period in periods {
            let own = |candidate: &&Candidate<'_>| period.contains(candidate.proved);
            let own: Vec<&Candidate<'_>> = candidates.iter().filter(own).collect();
            let required = period.signers.iter().map(|roles| self.holders(roles, &own));
            let required: Vec<Vec<usize>> = required.collect();
            if required.iter().all(|holders| !holders.is_empty()) {
                let mut required = required.concat();
                required.sort_unstable();
                required.dedup();
                return Requirement::Met(required);
            }
        }
        let within = |candidate: &Candidate<'_>| periods.iter().any(|period| period.contains(candidate.proved));
        if !candidates.is_empty() && !candidates.iter().any(within) {
            return Requirement::None;
        }
        let stating = stating.into_iter().map(|(index, _)| index).collect();
        Requirement::Unmet(stating, self.shortfall(periods, &candidates))
    }

    fn candidate(&self, index: usize, signature: &'a SignatureValidation) -> Option<Candidate<'a>> {
        match (&signature.verdict, &signature.path) {
            (Verdict::TotalPassed(_), Some(PathOutcome::Valid(path))) => {
                let (proved, later_than) =
                    (signature.best_signature_time(self.time), signature.earliest_signature_time());
                Some(Candidate { index, path, proved, later_than })
            }
            _ => None,
        }
    }

    /// The candidates that hold one of the roles.
    fn holders(&self, roles: &[String], candidates: &[&Candidate<'_>]) -> Vec<usize> {
        let holds = |candidate: &&&Candidate<'_>| roles.iter().any(|role| self.kinds.proves(role, candidate.path));
        candidates.iter().filter(holds).map(|candidate| candidate.index).collect()
    }

    fn reach(&self, period: &Period, candidates: &[&Candidate<'_>]) -> Reach {
        let (mut held, mut unknown, mut wanting) = (false, false, false);
        for roles in &period.signers {
            if !self.holders(roles, candidates).is_empty() {
                held = true;
            } else if roles.iter().all(|role| self.kinds.can_prove(role)) {
                wanting = true;
            } else {
                unknown = true;
            }
        }
        match (held, unknown, wanting) {
            (_, false, false) => Reach::All,
            (_, true, false) => Reach::Unknown,
            (true, ..) => Reach::Some,
            (false, ..) => Reach::Nothing,
        }
    }

    /// None of the periods is met by signatures that are proved to be of it.
    fn shortfall(&self, periods: &[Period], candidates: &[Candidate<'_>]) -> Shortfall {
        let reach = |period: &Period, belongs: &dyn Fn(&Candidate<'_>) -> bool| {
            let own: Vec<&Candidate<'_>> = candidates.iter().filter(|candidate| belongs(candidate)).collect();
            if own.is_empty() { Reach::Nothing } else { self.reach(period, &own) }
        };
        let proved = periods.iter().map(|period| reach(period, &|candidate| period.contains(candidate.proved)));
        let possible = periods.iter().map(|period| reach(period, &|candidate| candidate.may_be_of(period)));
        let (proved, possible) = (proved.max(), possible.max());
        match (proved, possible) {
            (Some(Reach::Unknown), _) => Shortfall::RoleUnknown,
            (_, Some(Reach::All)) => Shortfall::TimeNotProved,
            (_, Some(Reach::Unknown)) => Shortfall::RoleUnknown,
            (Some(Reach::Some), _) => Shortfall::SignatureMissing,
            _ => Shortfall::NotAuthorised,
        }
    }
}
