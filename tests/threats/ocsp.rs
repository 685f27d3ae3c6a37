//! Attacks by way of OCSP responses: by who may not answer, about others, from another time.

use std::sync::Arc;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::{tag, writer};
use antin::core::evidence::Evidence;
use antin::core::oid;
use antin::core::validation::Content;
use antin::core::x509::CertificateList;
use antin::core::x509::ocsp::OcspResponse;
use antin::pki::certificate::{Issuer, Profile};
use antin::pki::profile::{ocsp_responder, public_service_ca, subject};
use const_oid::db::rfc5280::{ID_KP_EMAIL_PROTECTION, ID_KP_OCSP_SIGNING};
use openssl::pkey::PKey;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, Response, entry, extension, unknown_extension};
use crate::kit::tree::{NOW, Signer, below, decoded, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED};

const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";
const STALE: &str = "INDETERMINATE TRY_LATER revocation-data-stale";
const UNCLEAR: &str = "INDETERMINATE TRY_LATER revocation-data-unclear";

/// Verdict by these responses; the CA itself is good by the root's CRL.
fn verdict_under(policy: &str, signer: &Signer, responses: &[&Arc<OcspResponse>], lists: &[&List]) -> String {
    let judge = |responses: Vec<Arc<OcspResponse>>| {
        let mut evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
        let of_root = tree().crls.issued_by(&tree().root_certificate.subject).iter().cloned();
        let of_ca = lists.iter().map(|list| list.sign(&tree().ca));
        of_root.chain(of_ca).for_each(|crl: Arc<CertificateList>| evidence.crls.insert(crl));
        evidence.ocsp_responses = responses;
        let message = Message::detached(SignerInfo::new(signer, CONTENT)).encode();
        Judge { evidence: &evidence, policy, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT))
    };
    let verdict = judge(responses.iter().map(|response| Arc::clone(response)).collect());
    let reversed = judge(responses.iter().rev().map(|response| Arc::clone(response)).collect());
    assert_eq!(verdict, reversed, "in either order");
    verdict
}

fn verdict(signer: &Signer, responses: &[&Arc<OcspResponse>]) -> String {
    verdict_under("any-ades", signer, responses, &[])
}

/// The response about the signer, by this responder.
fn about(signer: &Signer, response: &Response, responder: &Issuer) -> Arc<OcspResponse> {
    response.sign(&signer.certificate, &tree().ca_certificate, responder)
}

/// A responder below `issuer`, for OCSP signing and not to be asked about, unless `edit` says otherwise.
fn responder(issuer: &Issuer, edit: impl FnOnce(&mut Profile)) -> Issuer {
    let name = subject("antin", "Responder").expect("a name");
    let mut profile = ocsp_responder(name, NOW.plus_seconds(-3600), &publication());
    edit(&mut profile);
    below(issuer, &profile)
}

#[test]
fn r03_only_the_issuer_and_its_delegates_answer() {
    let signer = tree().signer(Kind::P256);
    let good = |responder: &Issuer| verdict(&signer, &[&about(&signer, &Response::default(), responder)]);
    assert_eq!(good(&tree().ca), PASSED, "the issuer itself");
    let delegate = responder(&tree().ca, |_| {});
    assert_eq!(good(&delegate), PASSED, "its delegate");
    assert_eq!(good(&tree().root), UNKNOWN, "the issuer's issuer");
    assert_eq!(good(&responder(&tree().root, |_| {})), UNKNOWN, "a delegate of the issuer's issuer");
    let sibling_name = subject("antin", "Sibling CA").expect("a name");
    let sibling = below(&tree().root, &public_service_ca(sibling_name, NOW.plus_seconds(-3600), &publication()));
    assert_eq!(good(&sibling), UNKNOWN, "a sibling of the issuer");
    assert_eq!(good(&responder(&sibling, |_| {})), UNKNOWN, "a delegate of a sibling");
    let twin = below(&tree().root, &public_service_ca(tree().ca.name().clone(), NOW, &publication()));
    assert_eq!(good(&twin), UNKNOWN, "an authority of the issuer's name with another key");
    let without = responder(&tree().ca, |profile| profile.extended_key_usage.clear());
    assert_eq!(good(&without), UNKNOWN, "without OCSPSigning");
    let for_mail = responder(&tree().ca, |profile| profile.extended_key_usage = vec![ID_KP_EMAIL_PROTECTION]);
    assert_eq!(good(&for_mail), UNKNOWN, "for something else");
    assert_eq!(good(&responder(&tree().ca, |profile| profile.not_after = NOW.plus_seconds(-1))), UNKNOWN, "expired");
    assert_eq!(good(&responder(&tree().ca, |profile| profile.not_before = NOW.plus_seconds(1))), UNKNOWN, "too young");
    // Who must be asked about is asked about.
    let asked = responder(&tree().ca, |profile| profile.extensions.clear());
    let by_asked = about(&signer, &Response::default(), &asked);
    assert_eq!(verdict(&signer, &[&by_asked]), UNKNOWN);
    let clean = List::default();
    assert_eq!(verdict_under("any-ades", &signer, &[&by_asked], &[&clean]), PASSED);
    // What is known against a responder counts even where nobody need ask.
    let serial = &decoded(delegate.certificate()).serial_number;
    let revoking = List { entries: vec![entry(serial, 1, None)], ..clean };
    let elsewhere = List { point: Some(vec![0x82, 1, 0xFF]), ..revoking };
    let by_delegate = about(&signer, &Response::default(), &delegate);
    assert_eq!(verdict_under("any-ades", &signer, &[&by_delegate], &[&elsewhere]), UNKNOWN);
}

#[test]
fn r03_a_certificate_does_not_vouch_for_itself() {
    let mut profile = signer_profile("Signer and responder");
    profile.extended_key_usage = vec![ID_KP_EMAIL_PROTECTION, ID_KP_OCSP_SIGNING];
    let itself = below(&tree().ca, &profile);
    let key = PKey::private_key_from_pem(&itself.key().to_pkcs8_pem().expect("PEM")).expect("a key");
    let signer = Signer { certificate: decoded(itself.certificate()), key };
    assert_eq!(verdict(&signer, &[&about(&signer, &Response::default(), &itself)]), UNKNOWN);
    assert_eq!(verdict(&signer, &[&about(&signer, &Response::default(), &tree().ca)]), PASSED);
    // Nor under another certificate of the same key.
    let other = ocsp_responder(subject("antin", "Other").expect("a name"), NOW.plus_seconds(-3600), &publication());
    let public_key = itself.key().public_key().expect("a public key");
    let other = antin::pki::certificate::issue(&tree().ca, &other, &public_key).expect("a certificate");
    let pem = String::from_utf8(itself.key().to_pkcs8_pem().expect("PEM").to_vec()).expect("text");
    let (_, der) = der::Document::from_pem(&pem).expect("PEM");
    let same_key = antin::pki::key::PrivateKey::from_pkcs8(der.as_bytes()).expect("a key");
    let other = Issuer::new(other, same_key).expect("a pair");
    assert_eq!(verdict(&signer, &[&about(&signer, &Response::default(), &other)]), UNKNOWN);
}

#[test]
fn r04_an_answer_about_another_is_none() {
    let (signer, other) = (tree().signer(Kind::P256), tree().signer(Kind::P256));
    let (ca, ca_certificate) = (&tree().ca, &tree().ca_certificate);
    let good = Response::default();
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
        let response = Response { digest, ..good.clone() };
        assert_eq!(verdict(&signer, &[&about(&signer, &response, ca)]), PASSED, "{digest:?}");
    }
    assert_eq!(verdict(&signer, &[&about(&other, &good, ca)]), UNKNOWN);
    let wrong_issuer = good.sign(&signer.certificate, &tree().root_certificate, ca);
    assert_eq!(verdict(&signer, &[&wrong_issuer]), UNKNOWN, "the same number of another issuer");
    // Several answers in one response, and several responses: the one against it counts.
    let [about_other, about_it] = [&other, &signer].map(|signer| good.single(&signer.certificate, ca_certificate));
    let revoked = Response::revoked().single(&signer.certificate, ca_certificate);
    assert_eq!(verdict(&signer, &[&good.sign_all(&[about_other.clone(), about_it.clone()], ca)]), PASSED);
    assert_eq!(verdict(&signer, &[&good.sign_all(&[about_other, revoked.clone(), about_it.clone()], ca)]), REVOKED);
    assert_eq!(verdict(&signer, &[&good.sign_all(&[about_it, revoked], ca)]), REVOKED);
    let newer = Response { this_update: NOW.plus_seconds(-60), produced_at: NOW.plus_seconds(-60), ..good.clone() };
    let [revoked, newer] = [&Response::revoked(), &newer].map(|response| about(&signer, response, ca));
    assert_eq!(verdict(&signer, &[&revoked, &newer]), REVOKED, "a revocation does not pass");
    let unknown = Response { status: vec![0x82, 0], this_update: NOW.plus_seconds(-1700), ..good.clone() };
    let unknown = Response { produced_at: NOW.plus_seconds(-1700), ..unknown };
    let [unknown, good] = [&unknown, &good].map(|response| about(&signer, response, ca));
    assert_eq!(verdict(&signer, &[&unknown, &good]), UNCLEAR, "the newer does not know it");
    assert_eq!(verdict(&signer, &[&unknown, &newer]), PASSED);
}

#[test]
fn r05_an_answer_counts_in_its_own_time_and_to_its_own_question() {
    let signer = tree().signer(Kind::P256);
    let ca = &tree().ca;
    let good = Response::default();
    let one = |response: &Response| verdict(&signer, &[&about(&signer, response, ca)]);
    let (future, past) = (NOW.plus_seconds(1), NOW.plus_seconds(-1));
    assert_eq!(one(&Response { produced_at: future, ..good.clone() }), UNKNOWN);
    assert_eq!(one(&Response { this_update: future, ..good.clone() }), UNKNOWN);
    assert_eq!(one(&Response { this_update: past, ..good.clone() }), UNKNOWN, "later than it was made");
    assert_eq!(one(&Response { next_update: Some(past), ..good.clone() }), STALE);
    assert_eq!(one(&Response { next_update: None, ..good.clone() }), STALE);
    assert_eq!(one(&Response { extensions: vec![unknown_extension()], ..good.clone() }), UNKNOWN);
    assert_eq!(one(&Response { single_extensions: vec![unknown_extension()], ..good.clone() }), UNKNOWN);
    let revoked = Response { extensions: vec![unknown_extension()], ..Response::revoked() };
    assert_eq!(one(&revoked), UNCLEAR);
    // The nonce of the question.
    let nonce = |octet: u8| extension(oid::OCSP_NONCE, false, &writer::element(tag::OCTET_STRING, &[octet; 32]));
    let answer = |response: &Response, asked: Option<u8>| {
        let response = about(&signer, response, ca);
        let Some(octet) = asked else { return response };
        let response = Arc::into_inner(response).expect("held once");
        Arc::new(response.in_answer_to(&[octet; 32]))
    };
    let with_nonce = Response { extensions: vec![nonce(1)], ..good.clone() };
    assert_eq!(verdict(&signer, &[&answer(&with_nonce, None)]), PASSED, "nobody knows of a question");
    assert_eq!(verdict(&signer, &[&answer(&with_nonce, Some(1))]), PASSED);
    assert_eq!(verdict(&signer, &[&answer(&with_nonce, Some(2))]), UNKNOWN);
    assert_eq!(verdict(&signer, &[&answer(&good, Some(1))]), UNKNOWN, "no nonce in the answer");
    // Without nextUpdate there is always something newer, unless this very question was answered just now.
    let open = Response { next_update: None, ..with_nonce };
    let under_circular = |asked| verdict_under("circular-15-2025", &signer, &[&answer(&open, asked)], &[]);
    assert_eq!(under_circular(None), STALE);
    assert_eq!(under_circular(Some(1)), PASSED);
    assert_eq!(under_circular(Some(2)), UNKNOWN);
    let made = |seconds: i64| Response {
        produced_at: NOW.plus_seconds(-seconds),
        this_update: NOW.plus_seconds(-seconds),
        ..good.clone()
    };
    let aged = |seconds| verdict_under("circular-15-2025", &signer, &[&about(&signer, &made(seconds), ca)], &[]);
    assert_eq!(aged(86_400), PASSED);
    assert_eq!(aged(86_401), STALE);
}

#[test]
fn r05_our_own_requests_are_read_by_openssl_and_draw_a_nonce() {
    use antin::core::x509::ocsp_request;
    use std::process::Command;
    let signer = tree().signer(Kind::P256);
    let folder = std::env::temp_dir().join(format!("antin-ocsp-request-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("request.der");
    for (algorithm, name) in [(DigestAlgorithm::Sha1, "sha1"), (DigestAlgorithm::Sha256, "sha256")] {
        let issuer = &tree().ca_certificate;
        let request =
            ocsp_request::build(&signer.certificate, issuer, algorithm, Some(&[0xA5; 32])).expect("a request");
        std::fs::write(&file, request).expect("written");
        let Ok(output) = Command::new("openssl").args(["ocsp", "-req_text", "-reqin"]).arg(&file).output() else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(output.status.success(), "{output:?}");
        for part in [name, &hex::encode(&signer.certificate.serial_number), "nonce", &"a5".repeat(16)] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn r03_a_revocation_by_a_responder_that_has_had_its_day_is_not_passed_over() {
    let (signer, clean) = (tree().signer(Kind::P256), List::default());
    let newer = NOW.plus_seconds(-600);
    let revoked = Response { produced_at: newer, this_update: newer, ..Response::revoked() };
    let verdict_by = |not_after: i64, response: &Response| {
        let delegate = responder(&tree().ca, |profile| profile.not_after = NOW.plus_seconds(not_after));
        verdict_under("any-ades", &signer, &[&about(&signer, response, &delegate)], &[&clean])
    };
    assert_eq!(verdict_by(3600, &revoked), REVOKED);
    assert_eq!(verdict_by(-60, &revoked), UNCLEAR, "it was in force when it said so");
    assert_eq!(verdict_by(-900, &revoked), PASSED, "it was not");
    let good = Response { produced_at: newer, this_update: newer, ..Response::default() };
    assert_eq!(verdict_by(-60, &good), PASSED, "by the list alone");
    // One that must be asked about, and of which nobody says anything.
    let unknown = responder(&tree().root, |_| {});
    let asked = responder(&tree().ca, |profile| profile.extensions.clear());
    let by = |response: &Response, responder: &Issuer, lists: &[&List]| {
        verdict_under("any-ades", &signer, &[&about(&signer, response, responder)], lists)
    };
    assert_eq!(by(&revoked, &asked, &[&clean]), REVOKED, "the list shows it good");
    let stale = List { next_update: Some(NOW.plus_seconds(-1)), ..clean.clone() };
    let by_issuer = about(&signer, &Response::default(), &tree().ca);
    let beside = |response: &Response, responder: &Issuer| {
        let other = about(&signer, response, responder);
        verdict_under("any-ades", &signer, &[&by_issuer, &other], &[&stale])
    };
    assert_eq!([beside(&revoked, &asked), beside(&good, &asked)], [UNCLEAR, PASSED]);
    // Nor one that was revoked itself since.
    let own = decoded(asked.certificate()).serial_number.clone();
    let taken = List { this_update: NOW.plus_seconds(-1200), entries: vec![entry(&own, 1, None)], ..clean.clone() };
    assert_eq!([by(&revoked, &asked, &[&taken]), by(&good, &asked, &[&taken])], [UNCLEAR, PASSED]);
    assert_eq!([beside(&revoked, &unknown), beside(&good, &unknown)], [PASSED; 2], "nobody's");
}
