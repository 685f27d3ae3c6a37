//! Between which times a signature was made: time-stamps over the content before it, time-stamps over the signature after it
//! (EN 319 102-1 §5.3.4, §5.5.4, §5.6.2.4). The clause that gives each verdict stands beside it.

use std::sync::Arc;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::build::attribute;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::report::check::{Check, CheckResult};
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::CertificateList;
use antin::pki::certificate::Profile;
use antin::pki::profile;
use antin::service::verify::ContentDigests;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, dated_entry};
use crate::kit::timestamp::{Token, authority, authority_from, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, below, issued, private_key, publication, signer_profile, tree};
use crate::kit::verdict::{PASSED, line};

const HOUR: i64 = 3600;
/// The certificate of a short-lived signer ends.
const END: Time = NOW.plus_seconds(-1200);

const EXPIRED: &str = "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-expired";
const EXPIRED_BEFORE: &str = "TOTAL-FAILED EXPIRED expired-before-signing";
const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
const REVOKED_BEFORE: &str = "TOTAL-FAILED REVOKED revoked-before-signing";
const TOO_EARLY: &str = "TOTAL-FAILED NOT_YET_VALID signed-before-certificate";
const CONTRADICTS: &str = "INDETERMINATE TIMESTAMP_ORDER_FAILURE timestamp-order-contradicts";

/// Somebody whose certificate ends at [`END`].
fn short_lived() -> Signer {
    tree().signer_saying(&Profile { not_after: END, ..signer_profile("Short") })
}

/// A token over these octets, half a minute exact.
fn token(authority: &Signer, octets: &[u8], time: Time) -> Vec<u8> {
    Token { authority, time, ..Token::over(octets) }.encode()
}

/// Signs the content with these tokens over it among what is signed.
fn after(signer: &Signer, tokens: &[Vec<u8>]) -> SignerInfo {
    let mut info = SignerInfo::new(signer, CONTENT);
    if !tokens.is_empty() {
        info.add(&attribute(oid::CONTENT_TIME_STAMP, &tokens.concat()));
    }
    info.signature = Some(info.signature_value());
    info
}

/// With a time-stamp over the signature.
fn before(mut info: SignerInfo, time: Time) -> SignerInfo {
    info.unsigned_attributes = Some(vec![signature_time_stamps(&[token(authority(), &info.signature_value(), time)])]);
    info
}

fn content_at(time: Time) -> Vec<u8> {
    token(authority(), CONTENT, time)
}

/// The answer, and what it says of the first signature.
fn judged(policy: &Policy, lists: &[Arc<CertificateList>], signers: &[SignerInfo]) -> (String, Report) {
    let mut crls: Vec<Arc<CertificateList>> = tree().crls.iter().map(Arc::clone).collect();
    crls.extend(lists.iter().cloned());
    let evidence = Evidence {
        certificates: vec![Arc::clone(&tree().ca_certificate)],
        crls: CrlSet::new(crls),
        ..Evidence::default()
    };
    let document = Message::of(signers).encode();
    let validation = validation::validate(&ValidationRequest {
        document: &document,
        content: Content::Bytes(CONTENT),
        evidence: &evidence,
        trust: &tree().trust,
        policy,
        revocation: RevocationMode::Required,
        time: NOW,
        memory: &Memory::none(),
    });
    let validation = validation.expect("a message");
    (line(&validation.verdict), Report::new(&validation, policy, RevocationMode::Required, NOW))
}

fn any_ades() -> Policy {
    Policy::held("any-ades").expect("held")
}

fn verdict(signer: SignerInfo) -> String {
    judged(&any_ades(), &[], &[signer]).0
}

/// The check of this name: its result, code and detail.
fn check<'a>(report: &'a Report, name: &str) -> Option<&'a Check> {
    report.signatures[0].checks.iter().find(|check| check.step.name() == name)
}

#[test]
fn a_signature_is_later_than_what_it_signs_of_time() {
    let info = after(&tree().signer, &[content_at(END)]);
    let (good, report) = judged(&any_ades(), &[], std::slice::from_ref(&info));
    assert_eq!(good, PASSED, "§5.3.4: it takes nothing from a good certificate");
    assert_eq!(report.best_signature_time, Some(NOW), "it says nothing of before when the signature was made");
    let stamp = &report.signatures[0].timestamps[0];
    assert_eq!((stamp.over, stamp.code, stamp.time), ("content", "passed", Some(END)));
    assert_eq!(check(&report, "content-time-stamp").map(|check| check.result), Some(CheckResult::Passed));
    assert_eq!(report.signatures[0].format, "CAdES-BASELINE-B");
    // §5.3.4 step 4: after the end, to the second; a second more, for fractions are rounded.
    let short = short_lived();
    let at = |seconds: i64| verdict(after(&short, &[content_at(END.plus_seconds(seconds))]));
    assert_eq!([at(-60), at(0), at(1)], [EXPIRED; 3]);
    assert_eq!([at(2), at(60)], [EXPIRED_BEFORE; 2]);
    // By as much later as the authority may be wrong.
    let doubtful = |seconds: i64| {
        let token = Token { time: END.plus_seconds(seconds), accuracy: Some(30), ..Token::over(CONTENT) };
        verdict(after(&short, &[token.encode()]))
    };
    assert_eq!([doubtful(31), doubtful(32)], [EXPIRED, EXPIRED_BEFORE]);
    // Some products write an attribute for each token (EN 319 122-1 §6.3).
    let mut twice = SignerInfo::new(&short, CONTENT);
    for token in [content_at(END.plus_seconds(-60)), content_at(END.plus_seconds(60))] {
        twice.add(&attribute(oid::CONTENT_TIME_STAMP, &token));
    }
    assert_eq!(verdict(twice), EXPIRED_BEFORE);
    // The latest of several counts.
    let several = [content_at(END.plus_seconds(-60)), content_at(END.plus_seconds(60)), content_at(END)];
    assert_eq!(verdict(after(&short, &several)), EXPIRED_BEFORE);
    let (failed, report) = judged(&any_ades(), &[], &[after(&short, &several)]);
    assert_eq!(failed, EXPIRED_BEFORE);
    let said = check(&report, "content-time-stamp").expect("said");
    assert_eq!((said.result, said.code), (CheckResult::Failed, "expired-before-signing"));
    assert_eq!(said.detail, Some(END.plus_seconds(59).to_string()));
    assert_eq!(report.reliance.outcome.name(), "REJECT");
}

#[test]
fn a_time_stamp_that_proves_nothing_says_nothing_of_the_signature_either() {
    let short = short_lived();
    let late = END.plus_seconds(60);
    let stranger = issued(
        &antin::pki::certificate::self_sign(
            private_key(),
            &profile::root(profile::subject("antin", "Nobody").expect("a name"), NOW.plus_seconds(-HOUR)),
        )
        .expect("a root"),
        &profile::time_stamping(profile::subject("antin", "Nobody").expect("a name"), END, &publication()),
        Kind::P256.key(),
    );
    let young = authority_from(late.plus_seconds(60));
    for (what, token) in [
        ("of nobody's", token(&stranger, CONTENT, late)),
        ("over something else", token(authority(), b"other", late)),
        ("by one who may not", token(&tree().signer, CONTENT, late)),
        ("before its certificate", token(&young, CONTENT, late)),
        ("of later than now", content_at(NOW.plus_seconds(60))),
        ("no token", antin::core::der::writer::octet_string(b"nothing")),
    ] {
        let info = after(&short, std::slice::from_ref(&token));
        assert_eq!(verdict(info), EXPIRED, "{what}");
        let (good, report) = judged(&any_ades(), &[], &[after(&tree().signer, &[token])]);
        assert_eq!(good, PASSED, "{what}");
        assert_eq!(
            check(&report, "content-time-stamp").map(|check| check.result),
            Some(CheckResult::Skipped),
            "{what}"
        );
    }
    // What somebody else signed says nothing of this one.
    let others = [after(&short, &[]), after(&tree().signer, &[content_at(late)])];
    assert_eq!(judged(&any_ades(), &[], &others).0, EXPIRED);
    // Nor does what is not signed.
    let mut unsigned = after(&short, &[]);
    unsigned.unsigned_attributes = Some(vec![attribute(oid::CONTENT_TIME_STAMP, &content_at(late))]);
    assert_eq!(verdict(unsigned), EXPIRED);
}

#[test]
fn a_signature_of_after_the_revocation_is_failed_and_one_of_before_is_not() {
    let revoked = |date: Time| {
        let entries = vec![dated_entry(&tree().signer.certificate.serial_number, date, 1, None)];
        List { number: Some(90), this_update: NOW.plus_seconds(-30), entries, ..List::default() }.sign(&tree().ca)
    };
    let list = [revoked(END)];
    let by = |info: SignerInfo| judged(&any_ades(), &list, &[info]).0;
    let signer = &tree().signer;
    assert_eq!(by(after(signer, &[])), REVOKED);
    assert_eq!(by(after(signer, &[content_at(END.plus_seconds(1))])), REVOKED);
    assert_eq!(by(after(signer, &[content_at(END.plus_seconds(2))])), REVOKED_BEFORE, "§5.3.4 step 4");
    assert_eq!(by(before(after(signer, &[]), END.plus_seconds(-1))), PASSED, "§5.5.4 step 4 a");
    assert_eq!(by(before(after(signer, &[]), END)), REVOKED);
    let between = after(signer, &[content_at(END.plus_seconds(60))]);
    assert_eq!(by(before(between, END.plus_seconds(120))), REVOKED_BEFORE);
    // §5.5.4 step 4 a iii: revoked after it was made, and ended before.
    let short = short_lived();
    let entries = vec![dated_entry(&short.certificate.serial_number, END.plus_seconds(-10), 1, None)];
    let list = List { number: Some(91), this_update: NOW.plus_seconds(-30), entries, ..List::default() };
    let says = |date: Time, proved: Time| {
        let entries = vec![dated_entry(&short.certificate.serial_number, date, 1, None)];
        let list = List { entries, ..list.clone() }.sign(&tree().ca);
        judged(&any_ades(), &[list], &[before(after(&short, &[]), proved)])
    };
    assert_eq!(says(END.plus_seconds(600), END.plus_seconds(60)).0, EXPIRED);
    assert_eq!(says(END.plus_seconds(600), END).0, PASSED);
    let (verdict, report) = says(END.plus_seconds(-10), END.plus_seconds(60));
    assert_eq!(verdict, REVOKED);
    let past = check(&report, "past-validation").expect("said");
    assert_eq!((past.result, past.code), (CheckResult::Indeterminate, "certificate-revoked"), "§5.6.2.4 step 2");
}

#[test]
fn a_signature_of_before_its_certificate_is_failed() {
    let begin = NOW.plus_seconds(-600);
    let usual = signer_profile("Young");
    let young = tree().signer_saying(&Profile { not_before: begin, ..usual.clone() });
    assert_eq!(verdict(after(&young, &[])), PASSED);
    let at = |signer: &Signer, seconds: i64| verdict(before(after(signer, &[]), begin.plus_seconds(seconds)));
    // A minute is what clocks may differ by: certificates are made at the moment of signing.
    assert_eq!([at(&young, 0), at(&young, -1), at(&young, -60)], [PASSED; 3]);
    assert_eq!([at(&young, -61), at(&young, -1000)], [TOO_EARLY; 2], "§5.5.4 step 4 b");
    let (_, report) = judged(&any_ades(), &[], &[before(after(&young, &[]), begin.plus_seconds(-61))]);
    let said = check(&report, "best-signature-time").expect("said");
    assert_eq!((said.result, said.code), (CheckResult::Failed, "signed-before-certificate"));
    assert_eq!(said.detail, Some(begin.plus_seconds(-61).to_string()));
    // §5.5.4 step 4 d, §5.6.2.4: also where it has ended since.
    let ended = tree().signer_saying(&Profile { not_before: begin, not_after: begin.plus_seconds(60), ..usual });
    assert_eq!([at(&ended, 0), at(&ended, -60)], [PASSED; 2]);
    assert_eq!(at(&ended, -61), TOO_EARLY);
    // By as much again as the authority may be wrong.
    let doubtful = |seconds: i64, accuracy: u8| {
        let info = after(&young, &[]);
        let over = Token {
            time: begin.plus_seconds(seconds),
            accuracy: Some(accuracy),
            ..Token::over(&info.signature_value())
        };
        let mut info = info;
        info.unsigned_attributes = Some(vec![signature_time_stamps(&[over.encode()])]);
        verdict(info)
    };
    assert_eq!([doubtful(-90, 30), doubtful(-91, 30)], [PASSED.to_owned(), TOO_EARLY.to_owned()]);
    // One that may be wrong by more than a minute proves nothing.
    assert_eq!([doubtful(-200, 60), doubtful(-200, 61)], [TOO_EARLY.to_owned(), PASSED.to_owned()]);
    // Before it began, by the clock of who validates: nothing is proved.
    let unborn = tree().signer_saying(&Profile { not_before: NOW.plus_seconds(60), ..signer_profile("Unborn") });
    let not_yet = "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-not-yet-valid";
    assert_eq!(verdict(after(&unborn, &[])), not_yet);
    assert_eq!(verdict(before(after(&unborn, &[]), NOW.plus_seconds(-60))), TOO_EARLY);
}

#[test]
fn time_stamps_on_both_sides_must_not_contradict_each_other() {
    let signer = &tree().signer;
    let proved = END;
    let between = |seconds: i64| verdict(before(after(signer, &[content_at(proved.plus_seconds(seconds))]), proved));
    assert_eq!([between(-60), between(0), between(1)], [PASSED; 3], "§5.5.4 step 4 e");
    assert_eq!([between(2), between(60)], [CONTRADICTS; 2]);
    let info = before(after(signer, &[content_at(proved.plus_seconds(60))]), proved);
    let (_, report) = judged(&any_ades(), &[], &[info]);
    let of_content = report.signatures[0].timestamps.iter().find(|stamp| stamp.over == "content").expect("there");
    assert_eq!(of_content.code, "timestamp-later-than-signature");
    let said = check(&report, "content-time-stamp").expect("said");
    assert_eq!((said.result, said.code), (CheckResult::Indeterminate, "timestamp-order-contradicts"));
    // RFC 3161 §2.4.2: how far an authority may be wrong.
    let doubtful = |accuracy: u8| {
        let over = Token { time: proved.plus_seconds(60), accuracy: Some(accuracy), ..Token::over(CONTENT) };
        verdict(before(after(signer, &[over.encode()]), proved))
    };
    assert_eq!([doubtful(59), doubtful(60), doubtful(58)], [PASSED, PASSED, CONTRADICTS]);
    // Only of those that count.
    let stranger = token(&tree().signer, CONTENT, proved.plus_seconds(60));
    assert_eq!(verdict(before(after(signer, &[stranger]), proved)), PASSED);
}

#[test]
fn a_key_that_had_ended_when_the_signature_was_made_never_gets_better() {
    let policy = |end: Time| {
        let keys = format!("rsa-keys = [{{ from = 2048, until = \"{end}\" }}, {{ from = 3072 }}]");
        let held = include_str!("../config/policies/any-ades.toml").lines();
        let lines = held.map(|line| if line.starts_with("rsa-keys") { &keys } else { line });
        Policy::parse(&lines.collect::<Vec<_>>().join("\n")).expect("a policy")
    };
    let weak = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-key-weak";
    let weak_then = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE signature-key-weak";
    let signer = tree().signer(Kind::Rsa2048);
    let by = |end: Time, info: SignerInfo| judged(&policy(end), &[], &[info]).0;
    assert_eq!(by(END, after(&signer, &[])), weak);
    assert_eq!(by(END, after(&signer, &[content_at(END.plus_seconds(-60))])), weak);
    assert_eq!(by(END, after(&signer, &[content_at(END.plus_seconds(60))])), weak_then, "§5.3.4 step 6");
    assert_eq!(by(NOW, after(&signer, &[content_at(END.plus_seconds(60))])), PASSED);
    // §5.5.4 step 4 c: and one that is proved to be older is as good as it was.
    assert_eq!(by(END, before(after(&signer, &[content_at(END.plus_seconds(-60))]), END)), PASSED);
    assert_eq!(by(END, before(after(&signer, &[content_at(END.plus_seconds(60))]), END.plus_seconds(120))), weak_then);
}

#[test]
fn a_signer_outlives_his_authority_and_nothing_shows_him_good() {
    let name = profile::subject("antin", "Short CA").expect("a name");
    let usual = profile::public_service_ca(name, NOW.plus_seconds(-HOUR), &publication());
    let short = below(&tree().root, &Profile { not_after: END, ..usual });
    let signer = issued(&short, &signer_profile("Below"), Kind::P256.key());
    let mut info = after(&signer, &[]);
    let list = List { number: Some(1), this_update: NOW.plus_seconds(-30), ..List::default() }.sign(&short);
    let document = |info: &SignerInfo| {
        let mut message = Message::detached(info.clone());
        let certificate = crate::kit::tree::decoded(short.certificate());
        message.certificates.push(certificate.der().to_vec());
        message.encode()
    };
    let certificates = vec![Arc::clone(&tree().ca_certificate)];
    let crls = CrlSet::new(tree().crls.iter().map(Arc::clone).chain([list]));
    let evidence = Evidence { certificates, crls, ..Evidence::default() };
    let judge = crate::kit::verdict::Judge { evidence: &evidence, ..crate::kit::verdict::Judge::default() };
    let said = judge.verdict(&document(&info), Content::Bytes(CONTENT));
    assert_eq!(said, "INDETERMINATE REVOCATION_OUT_OF_BOUNDS_NO_POE certificate-expired", "§5.2.6.4 step 8");
    // §5.6.2.2.4 step 2 a: a time-stamp on the signature alone does not say that the list existed then.
    info = before(info, END.plus_seconds(-60));
    let validation = judge.validate(&document(&info), Content::Bytes(CONTENT)).expect("a message");
    assert_eq!(line(&validation.verdict), said);
    let past = validation.signatures[0].past.as_ref().expect("judged");
    assert_eq!(line(&past.verdict), "INDETERMINATE NO_POE existence-not-proved");
    let report = Report::new(&validation, &any_ades(), RevocationMode::Required, NOW);
    let check = check(&report, "past-validation").expect("said");
    assert_eq!((check.result, check.code), (CheckResult::Indeterminate, "existence-not-proved"));
    assert!(check.detail.as_ref().is_some_and(|detail| detail.contains("Short CA")), "{:?}", check.detail);
}

#[test]
fn what_is_hashed_as_it_arrives_is_judged_as_if_it_were_there() {
    // Each time-stamp by a digest of its own.
    let digests = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512, DigestAlgorithm::Sha3_256];
    let short = short_lived();
    for (index, digest) in digests.into_iter().enumerate() {
        let time = END.plus_seconds(60 + index as i64);
        let imprint = antin::core::crypto::digest(digest, CONTENT);
        let over = Token { time, algorithm: digest.oid(), imprint, ..Token::over(CONTENT) }.encode();
        let message = Message::detached(after(&short, &[over])).encode();
        let mut arriving = ContentDigests::wanted_by(&message).expect("digests suffice");
        CONTENT.chunks(7).for_each(|piece| arriving.update(piece));
        let arrived = arriving.finish();
        let judge = crate::kit::verdict::Judge::default();
        let verdicts = [Content::Bytes(CONTENT), Content::Digests(&arrived)];
        assert_eq!(verdicts.map(|content| judge.verdict(&message, content)), [EXPIRED_BEFORE; 2], "{digest}");
    }
    // An older archive time-stamp is over content and signature together.
    let mut older = after(&tree().signer, &[]);
    let token = token(authority(), CONTENT, END);
    older.unsigned_attributes = Some(vec![attribute(oid::ARCHIVE_TIME_STAMP_V2, &token)]);
    assert!(ContentDigests::wanted_by(&Message::detached(older).encode()).is_none());
    assert!(ContentDigests::wanted_by(b"no message").is_some_and(|digests| digests.finish().len() == 1));
}
