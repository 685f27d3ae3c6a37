//! Where a proof of the issuance log is demanded, by the settings or by whoever gives one, a document is not relied on without it.

use std::{fs, path::Path, process::Command, sync::Arc};

use antin::{config::RequiredLog, pki::Member};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
    issuance_log::{ORIGIN, place},
    pades,
};

fn accepted() -> (String, String) {
    ("ACCEPT".to_owned(), "valid".to_owned())
}

fn not_logged() -> (String, String) {
    ("UNDETERMINED".to_owned(), "not-logged".to_owned())
}

/// Demands the log of this folder of what the holder of this certificate signs.
fn rule(directory: &Path, member: Member) -> RequiredLog {
    let certificate = antin::service::held::first_certificate(&member.certificate_path(&directory.join("pki")));
    RequiredLog {
        key: fs::read_to_string(directory.join("issuance-log.pub")).expect("a key"),
        certificates: vec![hex::encode(certificate.expect("a certificate").fingerprint())],
        ..RequiredLog::default()
    }
}

fn found(answer: &Answer) -> ((String, String), Value) {
    (answer.reliance(), answer.json()["document"]["log"].clone())
}

fn question(signature: &[u8], proof: Option<&str>) -> Value {
    let mut question = json!({"document": base64(CONTENT), "signature": base64(signature)});
    if let Some(proof) = proof {
        question["logProof"] = proof.into();
    }
    question
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_issued_here_is_found_in_the_own_log() {
    let (directory, _) = place();
    let demanded = [Member::Health, Member::Judicial].map(|member| rule(directory.path(), member));
    let service = Service::over(Arc::clone(&directory), |config| config.required_log = demanded.to_vec()).await;
    let (signature, id) = service.issue("one", "detached").await;
    service.proof_soon(&id).await;
    let place = json!({"origin": ORIGIN, "index": 0, "treeSize": 1});
    assert_eq!(found(&service.verify(&question(&signature, None)).await), (accepted(), place));
    assert_eq!(service.stolen(Some("health-book")).await, not_logged(), "nobody logged what a thief signed");
    assert_eq!(service.stolen(None).await, not_logged());

    let pdf = pades::signed_paper(&service).await;
    let id = pdf["id"].as_str().expect("an id");
    service.proof_soon(id).await;
    let (reliance, place) = found(&service.verify(&json!({"document": pdf["document"]})).await);
    assert_eq!((reliance, &place["index"]), (accepted(), &json!(1)), "a PDF is known by its record");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_is_shown_a_proof() {
    let (directory, _) = place();
    let issuing = Service::over(Arc::clone(&directory), |_| {}).await;
    let (signature, id) = issuing.issue("one", "detached").await;
    let (proof, _) = issuing.proof_soon(&id).await;
    let (_, another) = issuing.issue("two", "detached").await;
    let (another, _) = issuing.proof_soon(&another).await;
    let [proof, another] = [&proof, &another].map(|proof| proof["proof"].as_str().expect("a proof"));

    let elsewhere = Arc::new(tempfile::tempdir().expect("a folder"));
    let copied = Command::new("cp").arg("-r").arg(issuing.pki()).arg(elsewhere.path()).status();
    assert!(copied.expect("it runs").success());
    let service = Service::over(elsewhere, |config| {
        config.public.base_url = "http://127.0.0.1:9".to_owned();
        config.required_log = vec![rule(directory.path(), Member::Health)];
    })
    .await;
    let ask = async |proof: Option<&str>| found(&service.verify(&question(&signature, proof)).await);
    assert_eq!(ask(None).await, (not_logged(), Value::Null));
    assert_eq!(ask(Some(another)).await, (not_logged(), Value::Null), "the proof of another paper");
    assert_eq!(ask(Some(&proof.replace("index 0", "index 1"))).await, (not_logged(), Value::Null));
    let (reliance, place) = ask(Some(proof)).await;
    assert_eq!((reliance, &place["origin"], &place["index"]), (accepted(), &json!(ORIGIN), &json!(0)));

    let parts: [(&str, &[u8]); 3] = [("signature", &signature), ("logProof", proof.as_bytes()), ("document", CONTENT)];
    let answer = service.public(Request::multipart("/v1/verify", &parts)).await;
    assert_eq!(found(&answer), (accepted(), place));
    let line = |proof| format!("{}\n", with_id(question(&signature, proof)));
    let batch = Request::post("/v1/verify/batch", "application/x-ndjson", line(Some(proof)) + &line(None));
    let answer = service.public(batch).await;
    let told = String::from_utf8(answer.body).expect("text");
    assert_eq!((told.matches("\"ACCEPT\"").count(), told.matches("not-logged").count()), (1, 1), "{told}");

    for (wrong, code) in [("c2sp.org/tlog-proof@v2\n", "log-proof-wrong-text"), ("", "log-proof-wrong-text")] {
        let answer = service.verify(&question(&signature, Some(wrong))).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some(code)), "{answer:?}");
    }
    issuing.running.shutdown().await;
    service.running.shutdown().await;
}

fn with_id(mut question: Value) -> Value {
    question["id"] = "1".into();
    question
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_a_proof_demands_that_it_holds() {
    let (directory, _) = place();
    let service = Service::over(directory, |_| {}).await;
    let (signature, id) = service.issue("one", "detached").await;
    let (proof, _) = service.proof_soon(&id).await;
    let proof = proof["proof"].as_str().expect("a proof");
    let (reliance, place) = found(&service.verify(&question(&signature, Some(proof))).await);
    assert_eq!((reliance, &place["index"]), (accepted(), &json!(0)));
    assert_eq!(found(&service.verify(&question(&signature, None)).await), (accepted(), Value::Null), "nobody asked");
    let unlogged = service.stolen_paper(Some("health-book"));
    let answer = service.verify(&json!({"document": base64(&unlogged), "logProof": proof})).await;
    assert_eq!(found(&answer), (not_logged(), Value::Null));
    service.running.shutdown().await;
}
