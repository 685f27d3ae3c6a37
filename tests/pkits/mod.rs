//! NIST's PKITS: 246 cases over RSA-2048 and SHA-256 certificates and their CRLs, which are no part of this project
//! ([`folder`]); the table of [`case`] is. A case must pass, or fail for the kind of reason that stands there; [`divergences`]
//! lists every exception.

mod binary;
mod case;
mod divergences;
mod folder;
mod json;

use std::collections::HashMap;

use antin::core::path::{PathFault, PathOutcome};

use crate::kit::vectors;
use case::{Case, Expected};
use divergences::DIVERGENCES;
use folder::Folder;

/// Cases in the set, so that none is lost in reading it.
const CASES: usize = 246;

/// How a case came out otherwise than the set demands.
struct Divergence {
    /// Refused where the set accepts, or accepted where it refuses; else refused for a reason of another kind.
    opposite: bool,
    what: String,
}

/// What one case came to, if it is not what the set demands.
fn divergence(case: &Case, outcome: &PathOutcome) -> Option<Divergence> {
    match (case.expected, outcome) {
        (Expected::Valid, PathOutcome::Valid(_)) => None,
        (Expected::Valid, PathOutcome::Invalid { fault, .. }) => {
            Some(Divergence { opposite: true, what: format!("refused: {fault:?}") })
        }
        (expected, PathOutcome::Valid(_)) => {
            Some(Divergence { opposite: true, what: format!("accepted; expected {expected:?}") })
        }
        (expected, PathOutcome::Invalid { fault, .. }) => (expected != kind_of(fault))
            .then(|| Divergence { opposite: false, what: format!("refused: {fault:?}; expected {expected:?}") }),
    }
}

/// The kind of failure, as the set names three of them.
fn kind_of(fault: &PathFault) -> Expected {
    match fault {
        PathFault::Revoked { .. } | PathFault::OnHold { .. } => Expected::Revoked,
        PathFault::RevocationStale { .. } | PathFault::RevocationUnclear(_) | PathFault::RevocationUnknown(_) => {
            Expected::RevocationUnknown
        }
        _ => Expected::PathInvalid,
    }
}

/// Holds what came out against [`DIVERGENCES`] and prints the count.
fn hold(through: &str, cases: &[Case], found: &HashMap<String, Divergence>) {
    let mut faults = Vec::new();
    for (number, divergence) in found {
        if !DIVERGENCES.iter().any(|(listed, _)| listed == number) {
            faults.push(format!("{number}: {}", divergence.what));
        }
    }
    for (number, reason) in DIVERGENCES {
        if !cases.iter().any(|case| case.number == *number) {
            faults.push(format!("{number}: listed ({reason}), and no case of this number"));
        } else if !found.contains_key(*number) {
            faults.push(format!("{number}: listed ({reason}), and as the set demands"));
        }
    }
    faults.sort();
    let verdicts = found.values().filter(|divergence| divergence.opposite).count();
    vectors::say(&format!(
        "PKITS {}/{CASES} {through}; {} refused for a reason of another kind",
        CASES - verdicts,
        found.len() - verdicts
    ));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_case_through_the_library() {
    let Some(folder) = Folder::find() else { return };
    let cases = case::table();
    assert_eq!(cases.len(), CASES);
    let found = cases.iter().filter_map(|case| {
        let outcome = folder.find_path(case);
        Some((case.number.clone(), divergence(case, &outcome)?))
    });
    hold("through the library", &cases, &found.collect());
}

/// The program's answer must be the library's: its exit code, its code, and as many candidates rejected.
#[test]
fn every_case_through_the_program() {
    let Some(folder) = Folder::find() else { return };
    let cases = case::table();
    assert_eq!(cases.len(), CASES);
    let empty = tempfile::tempdir().expect("a folder");
    let mut found = HashMap::new();
    for case in &cases {
        let outcome = folder.find_path(case);
        let answer = binary::validate_path(&folder, case, empty.path());
        let (exit, code, rejected) = match &outcome {
            PathOutcome::Valid(_) => (0, "valid", 0),
            PathOutcome::Invalid { fault, rejected } => {
                (if fault.is_undetermined() { 2 } else { 1 }, fault.code(), rejected.len())
            }
        };
        assert_eq!((answer.exit, answer.report["code"].as_str()), (exit, Some(code)), "{}", case.number);
        let told = answer.report["rejected"].as_array().expect("a list");
        assert_eq!(told.len(), rejected, "{}", case.number);
        for candidate in told {
            let position = candidate["position"].as_u64().map(|position| position as usize);
            let at_fault = position.map(|position| &candidate["path"][position]["subject"]);
            assert_eq!(at_fault.unwrap_or(&serde_json::Value::Null), &candidate["subject"], "{}", case.number);
            assert!(candidate["clause"].is_string(), "{}: {candidate}", case.number);
        }
        found.extend(divergence(case, &outcome).map(|what| (case.number.clone(), what)));
    }
    hold("through antin validate-path", &cases, &found);
}
