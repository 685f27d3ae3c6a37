//! Time-stamps that prove nothing: wrong authority, other data, wrong time. None lowers the verdict of the signature it is on.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto::digest;
use antin::core::der::writer;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::{Report, TimestampReport};
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::pki::certificate::Profile;
use antin::pki::crl::{Reason, RevocationList};
use antin::pki::profile;
use const_oid::db::rfc5280;
use x509_cert::serial_number::SerialNumber;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::{Token, authority, authority_from, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, below, crl, issued, publication, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const PROVED: &str = "TOTAL-PASSED passed";

/// A signer whose signature value stays the same, however often it is encoded.
fn signed() -> SignerInfo {
    let mut signer = SignerInfo::new(&tree().signer, CONTENT);
    signer.signature = Some(signer.signature_value());
    signer
}

fn with_tokens(mut signer: SignerInfo, tokens: &[Vec<u8>]) -> Vec<u8> {
    signer.unsigned_attributes = Some(vec![signature_time_stamps(tokens)]);
    Message::detached(signer).encode()
}

/// The answer about a message, which passes whatever its time-stamps are worth.
fn report_by(judge: &Judge<'_>, message: &[u8]) -> Report {
    let validation = judge.validate(message, Content::Bytes(CONTENT)).expect("a message");
    assert_eq!(line(&validation.verdict), PASSED, "a time-stamp takes nothing from the signature");
    let policy = Policy::held("any-ades").expect("held");
    Report::new(&validation, &policy, RevocationMode::Required, judge.time)
}

fn word(timestamp: &TimestampReport) -> String {
    let words = [Some(timestamp.indication), timestamp.sub_indication, Some(timestamp.code)];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What becomes of one token on a good signature, which proves the time if it passes, and nothing otherwise.
fn judged_by(judge: &Judge<'_>, signer: SignerInfo, token: Vec<u8>) -> String {
    let report = report_by(judge, &with_tokens(signer, &[token]));
    let [timestamp] = report.signatures[0].timestamps.as_slice() else { panic!("one time-stamp") };
    let word = word(timestamp);
    let proved = if word == PROVED { timestamp.time.expect("a time") } else { judge.time };
    assert_eq!((report.best_signature_time, report.signatures[0].best_signature_time), (Some(proved), Some(proved)));
    word
}

fn judged(signer: SignerInfo, token: Vec<u8>) -> String {
    judged_by(&Judge::default(), signer, token)
}

fn authority_saying(profile: &Profile) -> Signer {
    issued(&tree().ca, profile, Kind::P256.key())
}

fn usual_profile() -> Profile {
    let subject = profile::subject("antin", "Odd TSA").expect("a name");
    profile::time_stamping(subject, NOW.plus_seconds(-3600), &publication())
}

/// An authority below a CA whose certificate is nowhere to be found.
fn unlisted() -> Signer {
    let subject = profile::subject("antin", "Unlisted CA").expect("a name");
    let profile = profile::public_service_ca(subject, NOW.plus_seconds(-3600), &publication());
    issued(&below(&tree().root, &profile), &usual_profile(), Kind::P256.key())
}

fn by(authority: &Signer) -> String {
    let signer = signed();
    let token = Token { authority, ..Token::over(&signer.signature_value()) }.encode();
    judged(signer, token)
}

#[test]
fn a_good_token_proves_its_time_and_makes_the_level() {
    let signer = signed();
    let token = Token::over(&signer.signature_value());
    assert_eq!(judged(signer.clone(), token.encode()), PROVED);
    // The envelope of a token may be BER.
    let style = Style { indefinite: true, pieces: Some(16), ..Style::default() };
    assert_eq!(judged(signer.clone(), twin(&token.encode(), style)), PROVED);
    let earlier = Token { time: NOW.plus_seconds(-3000), ..Token::over(&signer.signature_value()) };
    let report = report_by(&Judge::default(), &with_tokens(signer.clone(), &[token.encode(), earlier.encode()]));
    assert_eq!(report.best_signature_time, Some(earlier.time), "the earliest counts");
    assert_eq!(report.signatures[0].format, "CAdES-BASELINE-T");
    let unstamped = Message::detached(signer).encode();
    assert_eq!(report_by(&Judge::default(), &unstamped).signatures[0].format, "CAdES-BASELINE-B");
}

#[test]
fn the_earliest_time_of_a_document_is_that_of_all_its_signers() {
    let (mut first, second) = (signed(), signed());
    let token = Token::over(&first.signature_value()).encode();
    first.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
    let report = report_by(&Judge::default(), &Message::of(&[first, second]).encode());
    assert_eq!(report.best_signature_time, Some(NOW), "one of them is not time-stamped");
    let times: Vec<_> = report.signatures.iter().map(|signature| signature.best_signature_time).collect();
    assert!(times.contains(&Some(NOW.plus_seconds(-1800))) && times.contains(&Some(NOW)));
}

#[test]
fn t01_an_authority_that_may_not_time_stamp_proves_nothing() {
    let fault = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE extended-key-usage-not-allowed";
    assert_eq!(by(&authority_saying(&Profile { extended_key_usage: Vec::new(), ..usual_profile() })), fault);
    assert_eq!(by(&authority_saying(&Profile { extended_key_usage_critical: false, ..usual_profile() })), fault);
    let more = vec![rfc5280::ID_KP_TIME_STAMPING, rfc5280::ID_KP_EMAIL_PROTECTION];
    assert_eq!(by(&authority_saying(&Profile { extended_key_usage: more, ..usual_profile() })), fault);
    assert_eq!(by(&tree().signer), fault, "a signer of documents");
    let expired = Profile { not_after: NOW.plus_seconds(-60), ..usual_profile() };
    assert_eq!(by(&authority_saying(&expired)), "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-expired");
    let unlisted = unlisted();
    assert_eq!(by(&unlisted), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path");
}

#[test]
fn t01_a_revoked_authority_proves_nothing() {
    let tree = tree();
    let begin = NOW.plus_seconds(-3600);
    let mut list = RevocationList::first(begin);
    let number = SerialNumber::new(&authority().certificate.serial_number).expect("a serial number");
    list.revoke(&number, Reason::KeyCompromise, NOW.plus_seconds(-60)).expect("entered");
    let lists = [crl(&tree.root, &RevocationList::first(begin)), crl(&tree.ca, &list)];
    let evidence = Evidence { crls: CrlSet::new(lists), ..tree.evidence.clone() };
    let signer = signed();
    let token = Token::over(&signer.signature_value()).encode();
    let judge = Judge { evidence: &evidence, ..Judge::default() };
    assert_eq!(judged_by(&judge, signer, token), "INDETERMINATE REVOKED_NO_POE certificate-revoked");
}

#[test]
fn t02_a_token_over_something_else_proves_nothing() {
    let fault = "TOTAL-FAILED HASH_FAILURE timestamp-imprint-mismatch";
    let signer = signed();
    assert_eq!(judged(signer.clone(), Token::over(CONTENT).encode()), fault, "over the document");
    let copied = Token::over(&signed().signature_value()).encode();
    assert_eq!(judged(signer.clone(), copied), fault, "of another signature");
    let value = signer.signature_value();
    let longer = Token { algorithm: oid::SHA_512, ..Token::over(&value) }.encode();
    assert_eq!(judged(signer.clone(), longer), fault, "the digest of another algorithm");
    let imprint = digest(DigestAlgorithm::Sha1, &value);
    let weak = Token { algorithm: oid::SHA_1, imprint, ..Token::over(&value) }.encode();
    let weakness = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE timestamp-imprint-weak";
    assert_eq!(judged(signer.clone(), weak.clone()), weakness);
    let unknown = Token { algorithm: oid::ANY_POLICY, ..Token::over(&value) }.encode();
    assert_eq!(judged(signer.clone(), unknown.clone()), weakness);
    // Only what was compared makes the level.
    let format =
        |token: Vec<u8>| report_by(&Judge::default(), &with_tokens(signer.clone(), &[token])).signatures[0].format;
    assert_eq!((format(weak), format(unknown)), ("CAdES-BASELINE-T", "CAdES-BASELINE-B"));
}

#[test]
fn t02_a_token_that_was_changed_proves_nothing() {
    let signer = signed();
    let token = Token::over(&signer.signature_value());
    let earlier = Token { time: NOW.plus_seconds(-3500), ..Token::over(&signer.signature_value()) };
    let redated = Message { content: Some(earlier.statement()), ..token.message(token.signer()) };
    assert_eq!(judged(signer.clone(), redated.encode()), "TOTAL-FAILED HASH_FAILURE document-changed");
    let mut unnamed = token.signer();
    unnamed.remove(oid::SIGNING_CERTIFICATE_V2);
    assert_eq!(
        judged(signer.clone(), token.message(unnamed).encode()),
        "INDETERMINATE SIG_CONSTRAINTS_FAILURE signing-certificate-missing"
    );
    let whole = token.encode();
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        // An attribute whose value is no whole element breaks the message, which its own tests are about.
        let message = with_tokens(signer.clone(), &[changed]);
        let Ok(validation) = Judge::default().validate(&message, Content::Bytes(CONTENT)) else { continue };
        for signature in &validation.signatures {
            assert_eq!(
                signature.best_signature_time(NOW) < NOW,
                signature.timestamps.iter().any(|one| one.outcome.is_ok())
            );
            let proved = signature.best_signature_time(NOW);
            assert!(proved == NOW || proved == token.time, "octet {position} moves the time");
        }
    }
}

#[test]
fn t03_a_time_that_cannot_be_proves_nothing() {
    let signer = signed();
    let at = |time: Time| judged(signer.clone(), Token { time, ..Token::over(&signer.signature_value()) }.encode());
    assert_eq!(at(NOW), PROVED);
    assert_eq!(at(NOW.plus_seconds(1)), "INDETERMINATE TIMESTAMP_ORDER_FAILURE timestamp-later-than-validation");
    assert_eq!(at(NOW.plus_seconds(-3600)), PROVED, "the first second of the certificate");
    assert_eq!(at(NOW.plus_seconds(-3601)), "INDETERMINATE NOT_YET_VALID timestamp-before-certificate");
    let late = authority_from(NOW.plus_seconds(-60));
    assert_eq!(by(&late), "INDETERMINATE NOT_YET_VALID timestamp-before-certificate");
}

#[test]
fn t04_what_is_no_token_proves_nothing() {
    let fault = "TOTAL-FAILED FORMAT_FAILURE timestamp-unreadable";
    let signer = signed();
    let token = Token::over(&signer.signature_value());
    let (one, other) = (token.signer(), token.signer());
    let two_signers = Message { content: Some(token.statement()), ..Message::of(&[one.clone(), other]) };
    let two_signers = Message { content_type: oid::TST_INFO.to_vec(), ..two_signers };
    let detached = Message { content: None, ..token.message(one.clone()) };
    let of_data = Message { content_type: oid::DATA.to_vec(), ..token.message(one) };
    let response = writer::sequence(&[&writer::sequence(&[&writer::unsigned(&[0])]), &token.encode()]);
    for no_token in [
        two_signers.encode(),
        detached.encode(),
        of_data.encode(),
        response,
        writer::sequence(&[]),
        writer::octet_string(&token.encode()),
        vec![0x05, 0x00],
    ] {
        assert_eq!(judged(signer.clone(), no_token), fault);
    }
}

#[test]
fn t01_many_tokens_cost_the_signature_nothing() {
    let signer = signed();
    let unlisted = unlisted();
    let value = signer.signature_value();
    let mut tokens = vec![Token { authority: &unlisted, ..Token::over(&value) }.encode(); 200];
    tokens.push(Token::over(&value).encode());
    let report = report_by(&Judge::default(), &with_tokens(signer.clone(), &tokens));
    assert_eq!(report.signatures[0].timestamps.len(), 64);
    assert_eq!(report.best_signature_time, Some(NOW), "what comes after the limit is not looked at");
    tokens.rotate_right(1);
    let report = report_by(&Judge::default(), &with_tokens(signer, &tokens));
    assert_eq!(report.best_signature_time, Some(NOW.plus_seconds(-1800)));
}
