//! Every decision stands in the audit log before its answer leaves, and nothing else of the request does.

use std::fs;
use std::path::Path;

use antin::audit::{HeadKey, check, export};
use antin::pki::Member;
use antin::pki::key::{Algorithm, PrivateKey};
use serde_json::{Value, json};

use super::{CONTENT, Service, base64, client::Request, order};

fn decisions(folder: &Path) -> Vec<Value> {
    let mut octets = Vec::new();
    export(folder, 0, &mut octets).expect("readable").expect("whole");
    String::from_utf8(octets).expect("text").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_written_down_and_no_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, key) = (folder.path().join("log"), folder.path().join("audit.key"));
    let pem = PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM");
    fs::write(&key, &pem).expect("written");
    let service = Service::with(|config| {
        config.audit.folder = Some(log.clone());
        config.audit.key = Some(key.clone());
    })
    .await;
    let (signature, id) = service.issue("visit-1", "detached").await;
    let question = json!({"document": base64(CONTENT), "signature": base64(&signature)});
    assert_eq!(service.verify(&question).await.status, 200);
    let secret = json!({"document": base64(b"x"), "filename": "Nguyen Van A.pdf", "purpose": "recruitment"});
    assert_eq!(service.verify(&secret).await.status, 422);
    let order = Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "visit-2");
    assert_eq!(service.as_member(Member::Agency, order).await.status, 403);
    let used = json!({"state": "withdrawn", "reason": "Nguyen Van A asked for it"});
    let answer = service.as_member(Member::IssuingSystem, Request::json(&format!("/v1/documents/{id}/status"), &used));
    assert_eq!(answer.await.status, 200);
    let odd = Request::json("/v1/documents/Nguyen-Van-A/status", &used);
    assert_eq!(service.as_member(Member::IssuingSystem, odd).await.status, 404);
    let answer = service.public(Request::get("/healthz")).await;
    assert_eq!(answer.status, 200);
    // Before anything is written behind it: what was answered is there.
    let found = decisions(&log);
    service.running.shutdown().await;
    let seen: Vec<_> = found
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().expect("text").to_owned();
            (text("operation"), text("outcome"), text("client"), text("code"), text("subject"))
        })
        .collect();
    let line = |operation: &str, outcome: &str, client: &str, code: &str, subject: &str| {
        [operation, outcome, client, code, subject].map(str::to_owned).into()
    };
    let sha256 = format!("sha256:{}", hex::encode(antin::core::crypto::sha256(CONTENT)));
    let code = seen[1].3.clone();
    assert_eq!(
        seen,
        [
            line("sign", "done", "issuing-system", "B-B", &id),
            line("verify", "done", "", &code, &sha256),
            line("verify", "refused", "", "unreadable-document", ""),
            line("sign", "refused", "agency", "operation-not-permitted", ""),
            line("set-status", "done", "issuing-system", "", &id),
            line("set-status", "refused", "issuing-system", "document-unknown", ""),
        ]
    );
    assert_eq!((&found[0]["kind"], &found[0]["key"]), (&json!("health-book"), &json!("health")));
    for file in fs::read_dir(&log).expect("a folder") {
        let octets = fs::read(file.expect("one").path()).expect("a file");
        assert!(!String::from_utf8_lossy(&octets).contains("Nguyen"), "a name stands in the log");
    }
    let key = HeadKey::from_pem(&pem).expect("a key");
    let whole = check(&log, key.public(), &[]).expect("readable").expect("as written");
    assert_eq!((whole.decisions, whole.unsigned), (6, 0));
}
