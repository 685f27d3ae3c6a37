//! What a policy can ask beyond the standard: a level, and algorithms for less long than antin accepts them.

use antin::core::memory::Memory;
use antin::core::policy::{Policy, RequiredLevel, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, tree};
use crate::kit::verdict::{PASSED, line};

fn report(policy: &Policy, signer: SignerInfo) -> (String, Report) {
    let message = Message::detached(signer).encode();
    let validation = validation::validate(&ValidationRequest {
        document: &message,
        content: Content::Bytes(CONTENT),
        evidence: &tree().evidence,
        trust: &tree().trust,
        policy,
        revocation: RevocationMode::Required,
        time: NOW,
        memory: &Memory::none(),
    });
    let validation = validation.expect("a message");
    (line(&validation.verdict), Report::new(&validation, policy, RevocationMode::Required, NOW))
}

fn verdict(policy: &Policy, signer: SignerInfo) -> String {
    report(policy, signer).0
}

fn held() -> Policy {
    Policy::held("any-ades").expect("held")
}

fn signed(kind: Kind) -> SignerInfo {
    let mut signer = SignerInfo::new(&tree().signer(kind), CONTENT);
    signer.signature = Some(signer.signature_value());
    signer
}

fn stamped(mut signer: SignerInfo, time: Time) -> SignerInfo {
    let token = Token { time, ..Token::over(&signer.signature_value()) };
    signer.unsigned_attributes = Some(vec![signature_time_stamps(&[token.encode()])]);
    signer
}

const TOO_LOW: &str = "INDETERMINATE SIG_CONSTRAINTS_FAILURE level-too-low";

#[test]
fn a_level_that_is_required_is_one_that_passes() {
    let with = |level| Policy { required_level: Some(level), ..held() };
    let (basic, timestamped) = (with(RequiredLevel::Basic), with(RequiredLevel::Timestamped));
    let signer = signed(Kind::P256);
    assert_eq!(verdict(&basic, signer.clone()), PASSED);
    let (low, answer) = report(&timestamped, signer.clone());
    assert_eq!((low.as_str(), answer.reliance.code), (TOO_LOW, "level-too-low"));
    let check = answer.signatures[0].checks.iter().find(|check| check.step.name() == "acceptance").expect("the check");
    assert_eq!(check.code, "level-too-low");
    let earlier = NOW.plus_seconds(-1800);
    assert_eq!(verdict(&timestamped, stamped(signer.clone(), earlier)), PASSED);
    // One that proves nothing makes no level.
    assert_eq!(verdict(&timestamped, stamped(signer.clone(), NOW.plus_seconds(60))), TOO_LOW);
    let mut other = signer;
    let token = Token::over(b"another signature").encode();
    other.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
    assert_eq!(verdict(&timestamped, other), TOO_LOW);
    // Nor does one over what is no baseline signature.
    let mut plain = SignerInfo::new(&tree().signer, CONTENT);
    plain.remove(antin::core::oid::SIGNING_TIME);
    plain.signature = Some(plain.signature_value());
    assert_eq!(verdict(&basic, plain.clone()), TOO_LOW);
    assert_eq!(verdict(&timestamped, stamped(plain.clone(), earlier)), TOO_LOW);
    assert_eq!(verdict(&held(), plain), PASSED);
}

#[test]
fn a_failure_is_told_before_the_level() {
    let policy = Policy { required_level: Some(RequiredLevel::Timestamped), ..held() };
    let mut signer = signed(Kind::P256);
    signer.signature.as_mut().expect("a value")[9] ^= 1;
    assert_ne!(verdict(&policy, signer), TOO_LOW);
}

#[test]
fn a_policy_file_can_ask_for_a_level_and_end_algorithms() {
    let text = include_str!("../config/policies/any-ades.toml").replace("\"any-ades\"", "\"own\"");
    let own = format!("required-level = \"B-T\"\n{text}");
    assert_eq!(Policy::parse(&own).expect("a policy").required_level, Some(RequiredLevel::Timestamped));
    assert!(Policy::parse(&format!("required-level = \"B-X\"\n{text}")).is_err());
    let rules = "[document-kinds.role.a]\nproofs = []\n[[document-kinds.kind]]\nnames = [\"b\"]\nperiods = [{ signers = [[\"a\"]] }]";
    let kinds = Policy::parse(&format!("{text}\n{rules}")).expect("a policy").document_kinds;
    assert!(kinds.periods("b").is_some() && kinds.periods("c").is_none());
    assert!(Policy::parse(&format!("{text}\n{}", rules.replace("role.a", "role.c"))).is_err());
    let earlier = text.replace("2030-12-31", "2028-12-31");
    assert_ne!(Policy::parse(&earlier).expect("a policy").suites, Policy::parse(&text).expect("a policy").suites);
    assert!(Policy::parse(&text.replace("2030-12-31", "2031-12-31")).is_err());
}

/// `[suites]` of a policy.
fn ending(suites: &str) -> Policy {
    Policy { suites: toml::from_str(suites).expect("suites"), ..held() }
}

#[test]
fn algorithms_end_where_the_policy_says_so() {
    const WEAK: &str = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE";
    let until = |seconds: i64| NOW.plus_seconds(seconds);
    let rsa = |seconds: i64| ending(&format!("rsa-keys = [{{ from = 2048, until = '{}' }}]", until(seconds)));
    assert_eq!(verdict(&rsa(0), signed(Kind::Rsa2048)), PASSED);
    assert_eq!(verdict(&rsa(-1), signed(Kind::Rsa2048)), format!("{WEAK} signature-key-weak"));
    assert_eq!(verdict(&rsa(-1), signed(Kind::P256)), PASSED, "no RSA key in its path");
    let digests =
        |seconds: i64| ending(&format!("digests = [{{ names = ['sha-256'], until = '{}' }}]", until(seconds)));
    assert_eq!(verdict(&digests(0), signed(Kind::P256)), PASSED);
    assert_eq!(verdict(&digests(-1), signed(Kind::P256)), format!("{WEAK} signature-algorithm-weak"));
    // The authorities' keys count too: on P-256, as that of no signer with RSA is.
    let curves = |seconds: i64| ending(&format!("ec-keys = [{{ from = 256, until = '{}' }}]", until(seconds)));
    assert_eq!(verdict(&curves(0), signed(Kind::Rsa2048)), PASSED);
    let (weak, answer) = report(&curves(-1), signed(Kind::Rsa2048));
    assert!(weak.ends_with("certificate-key-weak"), "{weak}");
    let check = answer.signatures[0].checks.iter().find(|check| check.code == "certificate-key-weak").expect("a check");
    assert!(check.detail.as_deref().is_some_and(|detail| detail.contains("Kit root")), "{check:?}");
}

/// A signature proved to be older than the end of its key's size goes on passing; its time-stamp must not rest on what has ended.
#[test]
fn what_was_proved_before_the_end_still_passes() {
    let ended = format!("rsa-keys = [{{ from = 2048, until = '{}' }}]", NOW.plus_seconds(-900));
    let signer = signed(Kind::Rsa2048);
    assert_eq!(verdict(&ending(&ended), stamped(signer.clone(), NOW.plus_seconds(-1800))), PASSED);
    assert_ne!(verdict(&ending(&ended), stamped(signer.clone(), NOW.plus_seconds(-600))), PASSED);
    let digests = format!("{ended}\ndigests = [{{ names = ['sha-256'], until = '{}' }}]", NOW.plus_seconds(-900));
    assert_ne!(verdict(&ending(&digests), stamped(signer, NOW.plus_seconds(-1800))), PASSED);
}
