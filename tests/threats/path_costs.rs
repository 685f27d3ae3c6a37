//! Chains made to cost more than they are worth: policies that multiply, authorities without number, rings, ladders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::core::der::{tag, writer};
use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::path::{InitialPolicies, PathFault, PathOutcome};
use antin::core::x509::Certificate;
use antin::pki::certificate::{Issuer, Profile, issue};

use super::path::{Question, authority, chain, code, extension};
use crate::kit::tree::{below, decoded, signer_profile};

const POLICIES: &str = "2.5.29.32";
const MAPPINGS: &str = "2.5.29.33";
const CONSTRAINTS: &str = "2.5.29.36";
const ANY: &[u8] = &[0x55, 0x1D, 0x20, 0];
/// In a debug build on a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn policy(number: u8) -> Vec<u8> {
    vec![0x2A, 3, number]
}

fn policies(of: &[Vec<u8>]) -> Vec<u8> {
    let each: Vec<Vec<u8>> = of.iter().map(|policy| writer::sequence(&[&writer::object_identifier(policy)])).collect();
    writer::sequence(&each.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn mappings(of: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let pair = |(issuer, subject): &(Vec<u8>, Vec<u8>)| {
        writer::sequence(&[&writer::object_identifier(issuer), &writer::object_identifier(subject)])
    };
    let each: Vec<Vec<u8>> = of.iter().map(pair).collect();
    writer::sequence(&each.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn explicit() -> Vec<u8> {
    writer::sequence(&[&writer::element(0x80, &[0])])
}

fn asked<'a>(acceptable: &'a [Vec<u8>]) -> InitialPolicies<'a> {
    InitialPolicies { acceptable, require_explicit: true, ..InitialPolicies::default() }
}

fn answer(question: &Question, policies: InitialPolicies<'_>) -> &'static str {
    code(&question.outcome_with(policies, &Memory::none(), &CrlSet::default()))
}

#[test]
fn x05_policies_that_map_to_each_other_do_not_multiply() {
    // Each of ten authorities maps each of sixteen policies to each: 16^10 ways in a tree.
    let all: Vec<Vec<u8>> = (1..=16).map(policy).collect();
    let pairs: Vec<_> =
        all.iter().flat_map(|issuer| all.iter().map(|subject| (issuer.clone(), subject.clone()))).collect();
    let extensions = vec![extension(POLICIES, false, &policies(&all)), extension(MAPPINGS, true, &mappings(&pairs))];
    let mut profiles = vec![authority("Root")];
    profiles
        .extend((0..10).map(|number| Profile { extensions: extensions.clone(), ..authority(&format!("CA {number}")) }));
    let named = extension(POLICIES, false, &policies(&[policy(7)]));
    let leaf = Profile { policies: Vec::new(), extensions: vec![named], ..signer_profile("Leaf") };
    let question = Question::of(&chain(&profiles), &leaf);
    let started = Instant::now();
    assert_eq!(answer(&question, asked(&[policy(3)])), "valid");
    assert_eq!(answer(&question, asked(&[policy(99)])), "certificate-policy-not-valid");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    // More than an authority has any need for.
    let many: Vec<_> =
        (0..=256_u32).map(|number| vec![0x2A, 3, 0x81, (number % 128) as u8, (number / 128) as u8]).collect();
    let profile = Profile { extensions: vec![extension(POLICIES, false, &policies(&many))], ..authority("CA") };
    let question = Question::of(&chain(&[authority("Root"), profile]), &leaf);
    assert_eq!(question.code(), "certificate-extension-not-understood");
}

#[test]
fn x05_malformed_or_forbidden_policies_are_not_passed_over() {
    // CVE-2023-0465, CVE-2023-0466: malformed policies once turned the question off.
    let of = |extensions: Vec<_>, leaf_policies: &[Vec<u8>]| {
        let ca = Profile { extensions, ..authority("CA") };
        let extensions = vec![extension(POLICIES, false, &policies(leaf_policies))];
        let leaf = Profile { policies: Vec::new(), extensions, ..signer_profile("Leaf") };
        Question::of(&chain(&[authority("Root"), ca]), &leaf)
    };
    let any = vec![extension(POLICIES, false, &policies(&[ANY.to_vec()]))];
    assert_eq!(answer(&of(any.clone(), &[policy(1)]), asked(&[policy(1)])), "valid");
    assert_eq!(
        answer(&of(any.clone(), &[policy(1), policy(1)]), asked(&[policy(1)])),
        "certificate-extension-not-understood"
    );
    let inhibited = InitialPolicies { inhibit_any: true, ..asked(&[]) };
    assert_eq!(answer(&of(any.clone(), &[policy(1)]), inhibited), "certificate-policy-not-valid");
    for pair in [(ANY.to_vec(), policy(1)), (policy(1), ANY.to_vec())] {
        let mapped = [any.clone(), vec![extension(MAPPINGS, false, &mappings(&[pair]))]].concat();
        assert_eq!(of(mapped, &[policy(1)]).code(), "policy-mapping-not-allowed");
    }
    // Not critical, and in force.
    let required = |critical| [any.clone(), vec![extension(CONSTRAINTS, critical, &explicit())]].concat();
    for critical in [true, false] {
        assert_eq!(of(required(critical), &[policy(1)]).code(), "valid");
        let ca = Profile { extensions: required(critical), ..authority("CA") };
        let leaf = Profile { policies: Vec::new(), ..signer_profile("Leaf") };
        assert_eq!(Question::of(&chain(&[authority("Root"), ca]), &leaf).code(), "certificate-policy-not-valid");
        let root = Profile { extensions: vec![extension(CONSTRAINTS, critical, &explicit())], ..authority("Root") };
        assert_eq!(Question::of(&chain(&[root]), &leaf).code(), "certificate-policy-not-valid", "of the anchor");
    }
    let mapped = vec![
        extension(POLICIES, false, &policies(&[policy(1)])),
        extension(MAPPINGS, false, &mappings(&[(policy(1), policy(2))])),
    ];
    assert_eq!(answer(&of(mapped.clone(), &[policy(2)]), asked(&[policy(1)])), "valid");
    assert_eq!(answer(&of(mapped.clone(), &[policy(2)]), asked(&[policy(2)])), "certificate-policy-not-valid");
    let inhibited = InitialPolicies { inhibit_mapping: true, ..asked(&[]) };
    assert_eq!(answer(&of(mapped, &[policy(2)]), inhibited), "certificate-policy-not-valid");
}

#[test]
fn x05_a_remembered_path_answers_only_for_the_policies_that_were_asked_for() {
    let leaf = Profile { policies: Vec::new(), ..signer_profile("Leaf") };
    let question = Question::of(&chain(&[authority("Root")]), &leaf);
    let (memory, crls) = (Memory::bounded(), CrlSet::default().with_snapshot(1));
    let answer = |policies| code(&question.outcome_with(policies, &memory, &crls));
    assert_eq!(answer(InitialPolicies::default()), "valid");
    assert_eq!(answer(asked(&[])), "certificate-policy-not-valid");
    assert_eq!(answer(InitialPolicies::default()), "valid");
}

/// The same subject and another key each time.
fn namesakes(issuer: &Issuer, name: &str, count: usize) -> Vec<Arc<Certificate>> {
    (0..count).map(|_| decoded(below(issuer, &authority(name)).certificate())).collect()
}

#[test]
fn x06_a_thousand_authorities_of_one_name() {
    let issuers = chain(&[authority("Root"), authority("CA")]);
    let mut question = Question::of(&issuers, &signer_profile("Leaf"));
    let others = namesakes(&issuers[0], "CA", 1000);
    // Without the one that issued the leaf, the search ends by its budget.
    question.links = others.clone();
    let started = Instant::now();
    assert_eq!(question.code(), "path-budget-spent");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    // With it, its key identifier leads to it, wherever it stands.
    question.links = [others, vec![decoded(issuers[1].certificate())]].concat();
    let started = Instant::now();
    assert_eq!(question.code(), "valid");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn x06_rings_and_ladders_end() {
    let cross = |issuer: &Issuer, of: &Issuer, name: &str| {
        let key = of.key().public_key().expect("a public key");
        decoded(&issue(issuer, &authority(name), &key).expect("a certificate"))
    };
    // A ring of three that certify each other, and no anchor near.
    let ring: Vec<Issuer> = (0..3).flat_map(|number| chain(&[authority(&format!("Ring {number}"))])).collect();
    let mut question = Question::of(&ring[..1], &signer_profile("Leaf"));
    question.anchors = vec![decoded(chain(&[authority("Root")])[0].certificate())];
    question.links.clear();
    for (number, of) in ring.iter().enumerate() {
        for issuer in &ring {
            question.links.push(cross(issuer, of, &format!("Ring {number}")));
        }
    }
    let started = Instant::now();
    assert_eq!(question.code(), "no-trusted-path");
    // Twelve rungs of three keys under one name, each certified by each above: 3^12 ways, none to the anchor.
    let rungs: Vec<Vec<Issuer>> = (0..12)
        .map(|rung| {
            let root = || chain(&[authority(&format!("Rung {rung}"))]).remove(0);
            vec![root(), root(), root()]
        })
        .collect();
    let mut ladder = Question::of(&rungs[0][..1], &signer_profile("Leaf"));
    ladder.anchors = question.anchors.clone();
    for (rung, pair) in rungs.windows(2).enumerate() {
        for of in &pair[0] {
            ladder.links.extend(pair[1].iter().map(|issuer| cross(issuer, of, &format!("Rung {rung}"))));
        }
    }
    let outcome = ladder.outcome();
    assert_eq!(code(&outcome), "path-budget-spent");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    // A chain that is longer than any needed, to an anchor all the same.
    let long: Vec<Profile> = (0..14).map(|number| authority(&format!("Long {number}"))).collect();
    assert_eq!(Question::of(&chain(&long), &signer_profile("Leaf")).code(), "path-budget-spent");
    assert_eq!(Question::of(&chain(&long[..12]), &signer_profile("Leaf")).code(), "valid");
}

#[test]
fn x06_more_names_than_may_be_compared() {
    let name = |number: usize| writer::element(0x82, format!("n{number}.example.com").as_bytes());
    let bases: Vec<Vec<u8>> = (0..250).map(|number| writer::sequence(&[&name(number)])).collect();
    let value = writer::sequence(&[&writer::element(tag::context(0), &bases.concat())]);
    let names: Vec<Vec<u8>> = (0..250).map(name).collect();
    let value = extension("2.5.29.30", true, &value);
    let of = |count: usize| {
        let mut profiles = vec![authority("Root")];
        let constrained = |number| Profile { extensions: vec![value.clone()], ..authority(&format!("CA {number}")) };
        profiles.extend((0..count).map(constrained));
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let names = extension("2.5.29.17", false, &writer::sequence(&names));
        // The subjects of the authorities are directory names, which nobody constrains.
        Question::of(&chain(&profiles), &Profile { extensions: vec![names], ..signer_profile("Leaf") })
    };
    let started = Instant::now();
    assert_eq!(of(1).code(), "valid");
    let PathOutcome::Invalid { fault, .. } = of(8).outcome() else { panic!("valid") };
    assert!(matches!(fault, PathFault::BudgetSpent(budget) if budget.name() == "name-comparisons"), "{fault:?}");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}
