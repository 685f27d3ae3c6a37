//! x509-limbo's cases about RFC 5280, CRLs and pathological inputs, for any purpose. What is about TLS servers is out of scope
//! by [`out_of_scope`] and counted; [`divergences`] lists every exception.

mod divergences;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::core::evidence::CrlSet;
use antin::core::evidence_file;
use antin::core::memory::Memory;
use antin::core::path::{self, InitialPolicies, PathOutcome, PathRequest, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};
use serde::Deserialize;

use crate::kit::vectors;
use divergences::DIVERGENCES;

/// When a case names no time.
const AT: &str = "2024-01-01T00:00:00Z";
/// Cases in the set, so that none is lost in reading it.
const CASES: usize = 208;
/// No case may take longer, in a debug build on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    crls: Vec<String>,
    validation_time: Option<String>,
    expected_result: Expected,
    max_chain_depth: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Expected {
    Success,
    Failure,
}

/// Why a case asks for what nobody asks of antin.
fn out_of_scope(case: &Case) -> Option<&'static str> {
    let family = case.id.split("::").next();
    match family {
        Some("webpki") => Some("the profile of TLS servers"),
        Some("online") => Some("chains of web servers, judged by their names"),
        _ if case.max_chain_depth.is_some() => Some("a depth chosen by the caller"),
        _ => None,
    }
}

fn certificates(pems: &[String]) -> Option<Vec<Arc<Certificate>>> {
    let decoded = pems.iter().map(|pem| evidence_file::certificates(pem.as_bytes()));
    let all: Result<Vec<Vec<Certificate>>, _> = decoded.collect();
    Some(all.ok()?.into_iter().flatten().map(Arc::new).collect())
}

/// The outcome of a case; `None` if a certificate cannot be read.
fn find_path(case: &Case) -> Option<PathOutcome> {
    let anchors = certificates(&case.trusted_certs)?.into_iter().map(TrustAnchor::new).collect();
    let targets = certificates(std::slice::from_ref(&case.peer_certificate))?;
    let crls = case.crls.iter().flat_map(|pem| evidence_file::crls(pem.as_bytes()).expect("a CRL")).map(Arc::new);
    let time = case.validation_time.as_deref().unwrap_or(AT);
    Some(path::find_path(&PathRequest {
        target: &targets[0],
        certificates: &certificates(&case.untrusted_intermediates)?,
        crls: &CrlSet::new(crls),
        ocsp_responses: &[],
        trust: &TrustStore::new(anchors, Vec::new()),
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation: if case.crls.is_empty() { RevocationMode::Off } else { RevocationMode::Required },
        maximum_age: MaximumAge::default(),
        time: Time::parse_rfc3339(time).expect("a time"),
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    }))
}

#[test]
fn every_case_in_scope() {
    let Some(file) = vectors::find("limbo.json") else { return };
    let limbo: Limbo = serde_json::from_slice(&fs::read(file).expect("a file")).expect("cases");
    assert_eq!(limbo.testcases.len(), CASES);
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut judged, mut alike) = (0, 0);
    let mut faults = Vec::new();
    for case in &limbo.testcases {
        if let Some(reason) = out_of_scope(case) {
            *skipped.entry(reason).or_default() += 1;
            continue;
        }
        judged += 1;
        let begin = Instant::now();
        let outcome = find_path(case);
        assert!(begin.elapsed() < TIME_LIMIT, "{}: {:?}", case.id, begin.elapsed());
        let (found, why) = match &outcome {
            Some(PathOutcome::Valid(_)) => (Expected::Success, "valid"),
            Some(PathOutcome::Invalid { fault, .. }) => (Expected::Failure, fault.code()),
            None => (Expected::Failure, "unreadable"),
        };
        let listed = DIVERGENCES.iter().find(|(id, _)| *id == case.id);
        match (found == case.expected_result, listed) {
            (true, None) => alike += 1,
            (false, Some(_)) => {}
            (false, None) => faults.push(format!("{}: {why}; expected {:?}", case.id, case.expected_result)),
            (true, Some((_, reason))) => faults.push(format!("{}: listed ({reason}), and {why}", case.id)),
        }
    }
    for (id, _) in DIVERGENCES {
        let known = limbo.testcases.iter().any(|case| case.id == *id && out_of_scope(case).is_none());
        if !known {
            faults.push(format!("{id}: listed, and no case of this name in scope"));
        }
    }
    let skipped: Vec<String> = skipped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    vectors::say(&format!(
        "limbo {alike}/{judged} judged alike, {} otherwise with a reason; of {CASES} out of scope: {}",
        judged - alike,
        skipped.join(", ")
    ));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
