//! Signatures with one octet changed, octet by octet, at a time when only their time-stamps carry them: whatever is changed, what
//! passes says what the good one says; no level is raised, no signature becomes older, no time-stamp passes that did not.
//!
//! Which bit of an octet is changed, and where a stride begins, turns with the clock, so that many runs see all of them. A failure
//! names both.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use antin::clock;
use antin::core::cms::SignedData;
use antin::core::der::ber;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::level::Level;
use antin::core::validation::timestamp::TimestampKind;
use antin::core::validation::{self, Content, Validation, ValidationRequest};
use antin::core::verdict::Indication;
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};

use crate::kit::CONTENT;
use crate::kit::vectors;
use crate::long_term::{Paper, about_time, anchors, years};
use crate::mutations::{Meaning, meaning};

/// Threads: as many cores as CI has.
const THREADS: usize = 2;

/// A message and all that its judgement depends on.
struct Case<'a> {
    name: &'a str,
    message: Vec<u8>,
    content: Content<'a>,
    trust: TrustStore,
    evidence: Evidence,
    revocation: RevocationMode,
    time: Time,
    /// Changes no answer; successes are remembered under all octets that they are about.
    memory: Memory,
    policy: Policy,
}

/// What a change must not improve.
#[derive(Debug)]
struct Worth {
    meaning: Option<Meaning>,
    level: Option<Level>,
    best_signature_time: Time,
    proved: BTreeSet<(TimestampKind, Time)>,
}

impl Case<'_> {
    fn validate(&self, message: &[u8]) -> Option<Validation> {
        validation::validate(&ValidationRequest {
            document: message,
            content: self.content,
            evidence: &self.evidence,
            trust: &self.trust,
            policy: &self.policy,
            revocation: self.revocation,
            time: self.time,
            memory: &self.memory,
        })
        .ok()
    }

    /// `None`: no message.
    fn worth(&self, message: &[u8]) -> Option<Worth> {
        let validation = self.validate(message)?;
        let passed = validation.verdict.indication() == Indication::TotalPassed;
        let [signature] = validation.signatures.as_slice() else {
            // A message over a PDF that is none any more is a PDF, which is not judged.
            assert!(!passed && validation.signatures.is_empty(), "{}: one signature", self.name);
            return None;
        };
        let stamps = signature.timestamps.iter().filter_map(|stamp| Some((stamp.kind, stamp.outcome.as_ref().ok()?)));
        Some(Worth {
            meaning: passed.then(|| meaning(message, &validation)),
            level: signature.level,
            best_signature_time: signature.best_signature_time(self.time),
            proved: stamps.map(|(kind, proof)| (kind, proof.time())).collect(),
        })
    }

    /// Changes an octet in every `stride`; how many were changed, and how many of them passed all the same.
    fn flip(&self, stride: usize, expected: (bool, Option<Level>, usize)) -> (usize, usize) {
        let good = self.worth(&self.message).expect("a message");
        let found = (good.meaning.is_some(), good.level, good.proved.len());
        assert_eq!(found, expected, "{}: {:?}", self.name, self.validate(&self.message).map(|found| found.verdict));
        let turn = usize::try_from(clock::now().seconds_since(Time::from_unix(0))).expect("after 1970");
        let (next, passed) = (AtomicUsize::new(turn % stride), AtomicUsize::new(0));
        let work = || {
            let mut changed = self.message.clone();
            loop {
                let position = next.fetch_add(stride, Ordering::Relaxed);
                let Some(octet) = self.message.get(position) else { break };
                let mask = 1 << ((turn + position) % 8);
                changed[position] = octet ^ mask;
                if let Some(worth) = self.worth(&changed) {
                    self.compare(&good, &worth, &format!("{}, octet {position} xor {mask:02x}", self.name));
                    passed.fetch_add(usize::from(worth.meaning.is_some()), Ordering::Relaxed);
                }
                changed[position] = *octet;
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads.into_iter().for_each(|thread| thread.join().expect("no change improves anything"));
        });
        ((self.message.len() - turn % stride).div_ceil(stride), passed.into_inner())
    }

    fn compare(&self, good: &Worth, changed: &Worth, what: &str) {
        assert!(changed.meaning.is_none() || changed.meaning == good.meaning, "{what}: passes and says something else");
        assert!(changed.level <= good.level, "{what}: {:?} is more than {:?}", changed.level, good.level);
        assert!(changed.best_signature_time >= good.best_signature_time, "{what}: is older: {changed:?}");
        assert!(changed.proved.is_subset(&good.proved), "{what}: {:?} beside {:?}", changed.proved, good.proved);
    }
}

/// The certificates of a message and of its time-stamps that are their own issuers or whose issuers are not at hand; and the others.
pub fn tops(messages: &[&[u8]]) -> (Vec<Arc<Certificate>>, Vec<Arc<Certificate>>) {
    let mut held: Vec<Arc<Certificate>> = Vec::new();
    for octets in messages {
        let normalised = ber::normalise_content_info(octets).expect("a message");
        let message = SignedData::decode(&normalised).expect("a message");
        let unsigned = message.signer_infos[0].unsigned();
        let tokens = unsigned.iter().flat_map(|attribute| &attribute.values);
        let tokens: Vec<Vec<u8>> = tokens.filter_map(|value| ber::normalise_content_info(value).ok()).collect();
        let inside = tokens.iter().filter_map(|token| SignedData::decode(token).ok());
        let all = inside.flat_map(|token| token.certificates).chain(message.certificates);
        held.extend(all.filter_map(|der| Certificate::decode(der).ok()).map(Arc::new));
    }
    let is_below =
        |one: &Arc<Certificate>| held.iter().any(|above| above.subject == one.issuer && above.subject != one.subject);
    let (below, tops) = held.iter().cloned().partition(is_below);
    (tops, below)
}

/// A file of the wild set at a time, beside its content and others whose certificates are at hand.
fn wild<'a>(
    folder: &Path,
    (name, content): (&'a str, Option<&'a [u8]>),
    others: &[&str],
    revocation: RevocationMode,
    time: &str,
) -> Case<'a> {
    let read = |name: &str| fs::read(folder.join(name)).expect("a file of the set");
    let message = read(name);
    let others: Vec<Vec<u8>> = others.iter().map(|name| read(name)).collect();
    let all: Vec<&[u8]> = others.iter().map(Vec::as_slice).chain([message.as_slice()]).collect();
    let (tops, below) = tops(&all);
    Case {
        name,
        content: content.map_or(Content::None, Content::Bytes),
        trust: TrustStore::new(tops.into_iter().map(TrustAnchor::new).collect(), below),
        evidence: Evidence::default(),
        revocation,
        time: Time::parse_rfc3339(time).expect("a time"),
        memory: Memory::bounded(),
        policy: Policy::held("any-ades").expect("held"),
        message,
    }
}

/// In `make oracles` as many octets as there is time for.
fn stride(usual: usize, oracles: usize) -> usize {
    if std::env::var_os("ANTIN_ORACLES").is_some_and(|value| value == "1") { oracles } else { usual }
}

#[test]
fn signatures_of_other_products_with_one_octet_changed_whole_for_oracles() {
    use Level::{Archival, Basic, LongTerm, Timestamped};
    use RevocationMode::{IfAvailable, Off};
    let Some(folder) = vectors::find("wild/cades") else { return };
    let content = |name: &str| fs::read(folder.join(name)).expect("a document");
    let (esteid, hello, test) = (content("esteid.txt"), content("hello.txt"), content("test.txt"));
    let (esteid, hello, test) = (Some(&esteid[..]), Some(&hello[..]), Some(&test[..]));
    let (chain, ended) = (&["esteid-LT-detached.p7s"][..], "2029-05-15T00:00:00Z");
    // Each but the one without a time-stamp at a time when the signer's certificate has ended.
    let cases = [
        (("esteid-T-detached.p7s", esteid), chain, Off, ended, Some(Timestamped), 1, 1),
        (("esteid-LT-detached.p7s", esteid), &[], IfAvailable, ended, Some(LongTerm), 1, stride(5, 1)),
        (("esteid-LTA-detached.p7s", esteid), &[], IfAvailable, ended, Some(Archival), 2, stride(5, 1)),
        (("hello-detached.p7s", hello), &[], Off, "2020-06-01T00:00:00Z", Some(Basic), 0, 1),
        (("lta-10.p7m", None), &[], Off, "2016-12-01T00:00:00Z", Some(Archival), 3, stride(41, 7)),
        (("test-detached.p7s", test), &[], Off, "2019-01-01T00:00:00Z", Some(Archival), 2, 99_991),
    ];
    for (file, others, revocation, time, level, proved, stride) in cases {
        let started = std::time::Instant::now();
        let case = wild(&folder, file, others, revocation, time);
        let (changed, passed) = case.flip(stride, (true, level, proved));
        println!("{}: {changed} changed, {passed} pass, {:?}", case.name, started.elapsed());
        // Of the longest nearly all is evidence that its first time-stamp does without.
        assert!(changed > 0 && (passed < changed || stride > 100), "{}", case.name);
    }
}

#[test]
fn our_archived_signature_with_one_octet_changed_whole_for_oracles() {
    // The CA has ended: only the archive time-stamp carries it. In twenty years nothing does.
    for (count, passes, proved, stride) in [(11, true, 2, 1), (20, false, 0, stride(5, 1))] {
        let time = years(count);
        let paper = Paper::archival();
        let case = Case {
            name: "ours",
            message: paper.0,
            content: Content::Bytes(CONTENT),
            trust: anchors(),
            evidence: Evidence { crls: CrlSet::new([about_time(0, time)]), ..Evidence::default() },
            revocation: RevocationMode::Required,
            time,
            memory: Memory::bounded(),
            policy: Policy::held("any-ades").expect("held"),
        };
        let started = std::time::Instant::now();
        let (changed, passed) = case.flip(stride, (passes, Some(Level::Archival), proved));
        println!("after {count} years: {changed} changed, {passed} pass, {:?}", started.elapsed());
        assert!(changed >= case.message.len() / stride && passed < changed / 4, "{changed} changed, {passed} pass");
        assert_eq!(passed > 0, passes, "some of what is there is not needed, at a time when anything helps");
    }
}
