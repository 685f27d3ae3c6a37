//! NIST's PKITS: 246 cases over RSA-2048 and SHA-256 certificates and their CRLs, from the foreign vectors. A case with an
//! `error` must fail, and for that kind of reason; one without must pass. [`divergences`] lists every exception.

mod binary;
mod case;
mod divergences;

use std::collections::HashMap;

use antin::core::path::{PathFault, PathOutcome};

use crate::kit::vectors;
use case::{Case, Expected, Folder};
use divergences::DIVERGENCES;

/// Cases in the set, so that none is lost in reading it.
const CASES: usize = 246;

/// What one case came to, if it is not what the set demands.
fn divergence(case: &Case, outcome: &PathOutcome) -> Option<String> {
    match (case.expected(), outcome) {
        (Expected::Valid, PathOutcome::Valid(_)) => None,
        (Expected::Valid, PathOutcome::Invalid { fault, .. }) => Some(format!("refused: {fault:?}")),
        (expected, PathOutcome::Valid(_)) => Some(format!("accepted; expected {expected:?}")),
        (expected, PathOutcome::Invalid { fault, .. }) => (expected != kind_of(fault))
            .then(|| format!("refused for another reason: {fault:?}; expected {expected:?}")),
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
fn hold(through: &str, cases: &[Case], found: &HashMap<String, String>) {
    let mut faults = Vec::new();
    for (name, what) in found {
        if !DIVERGENCES.iter().any(|(listed, _)| listed == name) {
            faults.push(format!("{name}: {what}"));
        }
    }
    for (name, reason) in DIVERGENCES {
        if !cases.iter().any(|case| case.name == *name) {
            faults.push(format!("{name}: listed ({reason}), and no case of this name"));
        } else if !found.contains_key(*name) {
            faults.push(format!("{name}: listed ({reason}), and as the set demands"));
        }
    }
    faults.sort();
    vectors::say(&format!("PKITS {}/{CASES} {through}", CASES - found.len()));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_case_through_the_library() {
    let Some(folder) = vectors::find("pkits") else { return };
    let folder = Folder::new(folder);
    let cases = folder.cases();
    assert_eq!(cases.len(), CASES);
    let found = cases.iter().filter_map(|case| {
        let outcome = folder.find_path(case);
        Some((case.name.clone(), divergence(case, &outcome)?))
    });
    hold("through the library", &cases, &found.collect());
}

/// The program's answer must be the library's: its exit code, its code, and as many candidates rejected.
#[test]
fn every_case_through_the_program() {
    let Some(folder) = vectors::find("pkits") else { return };
    let folder = Folder::new(folder);
    let cases = folder.cases();
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
        assert_eq!((answer.exit, answer.report["code"].as_str()), (exit, Some(code)), "{}", case.name);
        let told = answer.report["rejected"].as_array().expect("a list");
        assert_eq!(told.len(), rejected, "{}", case.name);
        for candidate in told {
            let position = candidate["position"].as_u64().map(|position| position as usize);
            let at_fault = position.map(|position| &candidate["path"][position]["subject"]);
            assert_eq!(at_fault.unwrap_or(&serde_json::Value::Null), &candidate["subject"], "{}", case.name);
            assert!(candidate["clause"].is_string(), "{}: {candidate}", case.name);
        }
        found.extend(divergence(case, &outcome).map(|what| (case.name.clone(), what)));
    }
    hold("through antin validate-path", &cases, &found);
}
