//! T05: authorities that answer something else, too late, too much, or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::{TimeStampAuthority, TimeStamping};
use antin::core::cms::timestamp_exchange::{FailureInfo, TimeStampRequest, encode_granted, encode_refusal};
use antin::core::validation::timestamp_answer::TimeStampAnswer;
use antin::core::x509::Certificate;
use antin::pki::tsa::{POLICY, TimeStampingAuthority};
use antin::pki::{self, InitOptions, Member, file};
use antin::signing::timestamp::{Fault, TimeStampClient, TimeStampError};
use tempfile::TempDir;

use crate::revocation::responder::{Answer, Responder};

const VALUE: &[u8] = b"the value of a signature";

fn laid() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    directory
}

fn authority() -> Arc<TimeStampingAuthority> {
    Arc::new(TimeStampingAuthority::load(&laid().path().join("pki")).expect("an authority"))
}

/// Answers to another request than the one that came.
fn answering(
    authority: &Arc<TimeStampingAuthority>,
    change: impl Fn(&mut TimeStampRequest<'_>) + Send + Sync + 'static,
) -> Answer {
    let authority = Arc::clone(authority);
    Answer::Made(Arc::new(move |query| {
        let mut request = TimeStampRequest::decode(query).expect("a request");
        change(&mut request);
        authority.answer(&request.encode(), clock::now()).expect("an answer")
    }))
}

fn settings(urls: &[String]) -> TimeStamping {
    let authority = |url: &String| TimeStampAuthority { url: url.clone(), policy: None, allow_private: true };
    let authorities = urls.iter().map(authority).collect();
    TimeStamping { authorities, timeout_seconds: 1, total_seconds: 20, attempts: 1, ..TimeStamping::default() }
}

async fn ask(settings: &TimeStamping) -> Result<TimeStampAnswer, TimeStampError> {
    TimeStampClient::new(settings).expect("a client").stamp(VALUE, &|_| Ok(())).await
}

fn codes(answer: Result<TimeStampAnswer, TimeStampError>) -> Vec<&'static str> {
    match answer {
        Ok(_) => Vec::new(),
        Err(TimeStampError::NotGiven(faults)) => faults.iter().map(|fault: &Fault| fault.code).collect(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t05_what_is_no_answer_to_the_question_does_not_count() {
    let authority = authority();
    let earlier = authority.answer(
        &TimeStampRequest { nonce: Some(&[0x40; 16]), ..query(&antin::core::crypto::sha256(VALUE)) }.encode(),
        clock::now(),
    );
    let earlier = earlier.expect("an answer");
    let cases: Vec<(&str, Answer)> = vec![
        ("other-nonce", answering(&authority, |request| request.nonce = Some(&[0x41]))),
        ("other-nonce", answering(&authority, |request| request.nonce = None)),
        ("other-nonce", Answer::Body(earlier)),
        ("other-imprint", answering(&authority, |request| request.digest = &[7; 32])),
        ("certificate-missing", answering(&authority, |request| request.wants_certificate = false)),
        ("refused", Answer::Body(encode_refusal(FailureInfo::TimeNotAvailable))),
        ("malformed-answer", Answer::Body(Vec::new())),
        ("malformed-answer", Answer::Body(b"<html>".to_vec())),
        ("malformed-token", Answer::Body(encode_granted(&[0x30, 0x00]))),
        ("status", Answer::Status(500)),
        ("status", Answer::Status(404)),
        ("redirect", Answer::Redirect("http://127.0.0.1:9/".to_owned())),
        ("timed-out", Answer::Silence),
        ("timed-out", Answer::Trickle),
        ("transfer", Answer::Truncated(vec![0x30; 100])),
        ("too-long", Answer::Endless),
        ("too-long", Answer::Body(vec![0x30; 1 << 20])),
        ("compressed", Answer::Compressed(vec![0x30; 10])),
        ("transfer", Answer::Garbage),
    ];
    for (code, answer) in cases {
        let responder = Responder::start(answer);
        let started = Instant::now();
        assert_eq!(codes(ask(&settings(&[responder.base_url()])).await), [code]);
        assert!(started.elapsed() < Duration::from_secs(10), "{code}");
        assert_eq!(responder.asked(), 1, "{code}");
    }
    let right = Responder::start(answering(&authority, |_| ()));
    assert_eq!(codes(ask(&settings(&[right.base_url()])).await), [""; 0]);
}

fn query(digest: &[u8]) -> TimeStampRequest<'_> {
    TimeStampRequest {
        algorithm: antin::core::algorithm::DigestAlgorithm::Sha256,
        digest,
        policy: None,
        nonce: None,
        wants_certificate: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t05_a_changed_policy_does_not_count_where_one_was_asked_for() {
    let authority = authority();
    let with_policy = |url: String, policy: &str| {
        let mut settings = settings(&[url]);
        settings.authorities[0].policy = Some(policy.to_owned());
        settings
    };
    let ignoring = Responder::start(answering(&authority, |request| request.policy = None));
    assert_eq!(codes(ask(&with_policy(ignoring.base_url(), "1.2.3.4")).await), ["other-policy"]);
    assert_eq!(codes(ask(&with_policy(ignoring.base_url(), &POLICY.to_string())).await), [""; 0]);
    let refusing = Responder::start(answering(&authority, |_| ()));
    assert_eq!(codes(ask(&with_policy(refusing.base_url(), "1.2.3.4")).await), ["refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn t05_a_key_that_may_not_time_stamp_and_an_authority_that_is_not_trusted_do_not_count() {
    let directory = laid();
    let pki = directory.path().join("pki");
    let certificate = file::read_certificate(&Member::Health.certificate_path(&pki)).expect("a certificate");
    let certificate = Certificate::decode(&certificate.der).expect("a certificate");
    let key = file::read_key(&Member::Health.key_path(&pki)).expect("a key");
    let signer = Arc::new(TimeStampingAuthority::new(key, &certificate, &[]));
    let wrong = Responder::start(answering(&signer, |_| ()));
    assert_eq!(codes(ask(&settings(&[wrong.base_url()])).await), ["extended-key-usage-not-allowed"]);

    let (strange, known) = (authority(), authority());
    let (first, second) = (Responder::start(answering(&strange, |_| ())), Responder::start(answering(&known, |_| ())));
    let settings = settings(&[first.base_url(), second.base_url()]);
    let client = TimeStampClient::new(&settings).expect("a client");
    let held = ask(&TimeStamping { authorities: settings.authorities[1..].to_vec(), ..settings.clone() }).await;
    let held = *held.expect("a time-stamp").authority.fingerprint();
    let accept = |answer: &TimeStampAnswer| match *answer.authority.fingerprint() == held {
        true => Ok(()),
        false => Err("no-trusted-path"),
    };
    let taken = client.stamp(VALUE, &accept).await.expect("by the second");
    assert_eq!(*taken.authority.fingerprint(), held);
    second.tell(Answer::Status(503));
    assert_eq!(codes(client.stamp(VALUE, &accept).await), ["no-trusted-path", "status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_are_asked_in_order_and_within_the_bounds() {
    let authority = authority();
    let (dead, slow, right) = (
        Responder::start(Answer::Status(500)),
        Responder::start(Answer::Silence),
        Responder::start(answering(&authority, |_| ())),
    );
    let urls = [&dead, &slow, &right].map(|one| one.base_url());
    assert!(ask(&settings(&urls)).await.is_ok());
    assert_eq!([&dead, &slow, &right].map(|one| one.asked()), [1, 1, 1]);
    let reversed: Vec<String> = urls.iter().rev().cloned().collect();
    assert!(ask(&settings(&reversed)).await.is_ok());
    assert_eq!([&dead, &slow, &right].map(|one| one.asked()), [1, 1, 2], "the first that answers is enough");

    // So often each, one round after the other, and no longer than the total.
    let twice = TimeStamping { attempts: 2, ..settings(&urls[..1]) };
    assert_eq!(codes(ask(&twice).await), ["status"]);
    assert_eq!(dead.asked(), 3);
    let short = TimeStamping { attempts: 10, timeout_seconds: 5, total_seconds: 2, ..settings(&urls[1..2]) };
    let started = Instant::now();
    assert_eq!(codes(ask(&short).await), ["timed-out"]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());

    // Each request has its own nonce.
    let nonces: Arc<std::sync::Mutex<Vec<Vec<u8>>>> = Arc::default();
    let seen = Arc::clone(&nonces);
    right.tell(Answer::Made(Arc::new(move |query| {
        let nonce = TimeStampRequest::decode(query).expect("a request").nonce.expect("a nonce").to_vec();
        seen.lock().expect("nonces").push(nonce);
        encode_refusal(FailureInfo::SystemFailure)
    })));
    let thrice = TimeStamping { attempts: 3, ..settings(&urls[2..]) };
    assert_eq!(codes(ask(&thrice).await), ["refused"]);
    let mut nonces = nonces.lock().expect("nonces").clone();
    nonces.sort();
    nonces.dedup();
    assert!(nonces.len() == 3 && nonces.iter().all(|nonce| nonce.len() == 16), "{nonces:?}");
}

#[tokio::test]
async fn only_the_addresses_that_were_allowed_are_asked() {
    let responder = Responder::start(Answer::Status(500));
    let mut settings = settings(&[responder.base_url()]);
    settings.authorities[0].allow_private = false;
    assert_eq!(codes(ask(&settings).await), ["address-refused"]);
    assert_eq!(responder.asked(), 0);
    for url in ["ftp://127.0.0.1/", "http://", "127.0.0.1"] {
        settings.authorities[0].url = url.to_owned();
        assert!(TimeStampClient::new(&settings).is_err(), "{url}");
    }
    settings.authorities.clear();
    assert!(TimeStampClient::new(&settings).expect("a client").is_empty());
    assert_eq!(codes(ask(&settings).await), [""; 0]);
}
