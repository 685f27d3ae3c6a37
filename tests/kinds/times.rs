//! Authority that came and went: what counts is the time proved, never the time claimed.

use std::sync::Arc;

use antin::core::cms::build::attribute;
use antin::core::der::writer;
use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::{InitialPolicies, PathOutcome, PathRequest, ValidatedPath, Work, find_path};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::pki::certificate::Issuer;

use super::{ACCEPTED, MISSING, NOT_AUTHORISED, NOT_PROVED, answer, of, profile_of, reference, report, states};
use crate::kit::message::SignerInfo;
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, decoded, tree};

/// The old office until a quarter of an hour ago, the new one since; one signature, and both.
fn rules() -> String {
    let (last, first) = (NOW.plus_seconds(-901), NOW.plus_seconds(-900));
    format!(
        "[role.old]\nproofs = [{{ organization = ['Old office'] }}]\n\
         [role.new]\nproofs = [{{ organization = ['New office'] }}]\n\
         [role.doctor]\nproofs = [{{ organization = ['Doctors'] }}]\n\
         [[kind]]\nnames = ['certificate']\n\
         periods = [{{ until = '{last}', signers = [['old']] }}, {{ from = '{first}', signers = [['new']] }}]\n\
         [[kind]]\nnames = ['referral']\n\
         periods = [{{ until = '{last}', signers = [['doctor', 'new']] }}, {{ from = '{first}', signers = [['doctor'], ['new']] }}]\n\
         [[kind]]\nnames = ['later']\nperiods = [{{ from = '{first}', signers = [['new']] }}]"
    )
}

/// With a time-stamp of half an hour ago, or of so many seconds before now.
fn stamped(mut info: SignerInfo, before: i64) -> SignerInfo {
    let token = Token { time: NOW.plus_seconds(-before), ..Token::over(&info.signature_value()) };
    info.unsigned_attributes = Some(vec![signature_time_stamps(&[token.encode()])]);
    info
}

fn claiming(signer: &Signer, kind: &str, before: i64) -> SignerInfo {
    let mut info = SignerInfo::new(signer, crate::kit::CONTENT);
    info.add(&reference(kind, "1").encode());
    info.set(oid::SIGNING_TIME, &[&writer::time(NOW.plus_seconds(-before))]);
    info.signature = Some(info.signature_value());
    info
}

#[test]
fn authority_is_that_of_the_time_proved() {
    let certificate = reference("certificate", "1");
    let (old, new) = (states(&of("Old office"), &certificate), states(&of("New office"), &certificate));
    assert_eq!(answer(&rules(), std::slice::from_ref(&new)), ACCEPTED);
    assert_eq!(answer(&rules(), &[stamped(old.clone(), 1800)]), ACCEPTED);
    assert_eq!(answer(&rules(), &[stamped(old.clone(), 901)]), ACCEPTED, "the last second");
    assert_eq!(answer(&rules(), &[stamped(old.clone(), 900)]), NOT_PROVED);
    assert_eq!(answer(&rules(), std::slice::from_ref(&old)), NOT_PROVED);
    // The new office had none then.
    assert_eq!(answer(&rules(), &[stamped(new.clone(), 1800)]), NOT_AUTHORISED);
    assert_eq!(answer(&rules(), &[stamped(new, 900)]), ACCEPTED);
    assert_eq!(answer(&rules(), &[states(&of("Stranger"), &certificate)]), NOT_AUTHORISED);
}

#[test]
fn a_claimed_time_buys_no_authority_and_costs_none() {
    assert_eq!(answer(&rules(), &[claiming(&of("Old office"), "certificate", 1800)]), NOT_PROVED);
    assert_eq!(answer(&rules(), &[claiming(&of("New office"), "certificate", 1800)]), ACCEPTED);
    assert_eq!(answer(&rules(), &[stamped(claiming(&of("Old office"), "certificate", 60), 1800)]), ACCEPTED);
}

/// The office cannot have signed by it while it had authority.
#[test]
fn a_certificate_younger_than_the_authority_never_had_it() {
    let young = tree().signer_saying(&profile_of("Old office", NOW.plus_seconds(-900)));
    assert_eq!(answer(&rules(), &[states(&young, &reference("certificate", "1"))]), NOT_AUTHORISED);
    let older = tree().signer_saying(&profile_of("Old office", NOW.plus_seconds(-901)));
    assert_eq!(answer(&rules(), &[states(&older, &reference("certificate", "1"))]), NOT_PROVED);
}

#[test]
fn one_signature_of_before_the_second_was_required_suffices_for_ever() {
    let referral = reference("referral", "1");
    let doctor = states(&of("Doctors"), &referral);
    assert_eq!(answer(&rules(), &[stamped(doctor.clone(), 1800)]), ACCEPTED);
    assert_eq!(answer(&rules(), &[stamped(doctor.clone(), 1800), states(&of("Stranger"), &referral)]), ACCEPTED);
    // A time-stamp on somebody else's signature proves nothing about this one.
    let stranger = stamped(states(&of("Stranger"), &referral), 1800);
    assert_eq!(answer(&rules(), &[doctor.clone(), stranger]), NOT_PROVED);
    let young = tree().signer_saying(&profile_of("Doctors", NOW.plus_seconds(-600)));
    assert_eq!(answer(&rules(), &[states(&young, &referral)]), MISSING);
    // Nor may one have been made then that is proved to be later.
    let mut late = SignerInfo::new(&of("Doctors"), crate::kit::CONTENT);
    late.add(&referral.encode());
    let token = Token { time: NOW.plus_seconds(-600), ..Token::over(crate::kit::CONTENT) }.encode();
    late.add(&attribute(oid::CONTENT_TIME_STAMP, &token));
    assert_eq!(answer(&rules(), &[late]), MISSING);
    let new = states(&of("New office"), &referral);
    assert_eq!(answer(&rules(), &[doctor, new]), ACCEPTED);
}

#[test]
fn the_time_of_the_document_is_that_of_the_signatures_that_decide() {
    let certificate = reference("certificate", "1");
    let old = stamped(states(&of("Old office"), &certificate), 1800);
    let report = report(&rules(), &[old, states(&of("Stranger"), &certificate)]);
    assert_eq!(report.best_signature_time, Some(NOW.plus_seconds(-1800)));
}

#[test]
fn before_the_first_rule_every_signature_decides_and_later_ones_hide_nothing() {
    let later = reference("later", "1");
    let stranger = stamped(states(&of("Stranger"), &later), 1800);
    assert_eq!(answer(&rules(), std::slice::from_ref(&stranger)), ACCEPTED);
    // Of now: the rule holds, and a time-stamp on another signature does not lift it.
    let other = states(&of("Stranger"), &later);
    assert_eq!(answer(&rules(), &[stranger, other]), NOT_AUTHORISED);
}

/// The path of a signer below a CA of the root, its revocation not asked for.
pub fn path_without_revocation(signer: &Signer, ca: &Issuer) -> ValidatedPath {
    let outcome = find_path(&PathRequest {
        target: &signer.certificate,
        certificates: &[decoded(ca.certificate())],
        crls: &CrlSet::default(),
        ocsp_responses: &[],
        trust: &tree().trust,
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation: RevocationMode::Off,
        maximum_age: MaximumAge::default(),
        time: NOW,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(path) => Arc::into_inner(path).expect("the only one"),
        PathOutcome::Invalid { fault, .. } => panic!("{fault:?}"),
    }
}
