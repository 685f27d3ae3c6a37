//! Signed receipts: what was checked, when, by which policy, and the answer, to be filed and verified offline.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use antin::cli::dev;
use antin::config::Config;
use antin::core::crypto::sha256;
use antin::pki::{self, InitOptions, Member, Reason};
use antin::{clock, core::cms::SignedData};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
};
use crate::oracles;

/// A service with a key for receipts, as `antin dev` has one.
pub(super) async fn with_receipts(change: impl FnOnce(&mut Config)) -> Service {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    dev::add_receipt_key(directory.path(), "http://127.0.0.1:8080").expect("a key");
    Service::over(directory, change).await
}

fn question(signature: &[u8]) -> Value {
    json!({"document": base64(CONTENT), "signature": base64(signature)})
}

/// What a receipt says.
fn said(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.head.contains("content-type: application/pkcs7-mime; smime-type=signed-data\r\n"),
        "{}",
        answer.head
    );
    let message = SignedData::decode(&answer.body).expect("a message");
    serde_json::from_slice(message.content.expect("content")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_what_was_checked_and_is_verified_offline() {
    let service = with_receipts(|_| {}).await;
    let (signature, id) = service.issue("receipts", "detached").await;
    let by_query = service.public(Request::json("/v1/verify?receipt=1", &question(&signature))).await;
    let by_accept = Request::json("/v1/verify", &question(&signature)).header("Accept", "application/pkcs7-mime");
    let by_accept = service.public(by_accept).await;
    for answer in [&by_query, &by_accept] {
        let said = said(answer);
        assert_eq!(said["reliance"]["outcome"], "ACCEPT");
        assert_eq!(said["verdict"]["indication"], "TOTAL-PASSED");
        assert_eq!((&said["policy"]["id"], &said["document"]["id"]), (&"circular-15-2025".into(), &id.clone().into()));
        assert_eq!(said["document"]["sha256"], hex::encode(sha256(CONTENT)));
        assert_eq!(said["receipt"]["fileSha256"], hex::encode(sha256(&signature)), "the very signature that was sent");
        assert!(said["validationTime"].is_string() && said["receipt"]["issuedAt"].is_string(), "{said}");
        assert!(said["receipt"]["purpose"].is_null());
    }
    assert_ne!(said(&by_query)["receipt"]["id"], said(&by_accept)["receipt"]["id"]);

    // Offline: by antin, and by OpenSSL.
    let path = |name: &str| service.directory.path().join(name).display().to_string();
    fs::write(path("receipt.p7m"), &by_query.body).expect("written");
    let antin = |file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        let command = command.current_dir(service.directory.path()).env("LANG", "C").arg("verify");
        let command = command.args(["--trust-anchor", "pki/root.crt", "--intermediate", "pki/ca.crt"]);
        let command = command.args(["--crl", "pki/crl/root.crl", "--crl", "pki/crl/ca.crl", file]);
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = antin("receipt.p7m");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("verification-receipt") && text.contains("! This is a verification receipt, not a document"),
        "{text}"
    );
    let digest = hex::encode(sha256(CONTENT));
    assert!(text.contains("The receipt says: ACCEPT (valid)") && text.contains(&digest), "{text}");
    let mut changed = by_query.body.clone();
    let at = changed.windows(6).position(|window| window == b"ACCEPT").expect("in clear");
    changed[at..at + 6].copy_from_slice(b"REJECT");
    fs::write(path("changed.p7m"), changed).expect("written");
    let (code, text) = antin("changed.p7m");
    assert_eq!(code, Some(1));
    assert!(!text.contains("The receipt says"), "{text}");
    if let Some(openssl) = oracles::command("openssl") {
        let verify = |file: &str| {
            let [file, root, out] = [path(file), path("pki/root.crt"), path("content.json")];
            let arguments =
                ["-in", &file, "-inform", "DER", "-CAfile", &root, "-purpose", "any", "-binary", "-out", &out];
            oracles::run(&openssl, &[&["cms", "-verify"], &arguments[..]].concat())
        };
        let verified = verify("receipt.p7m");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let content = fs::read(path("content.json")).expect("content");
        assert_eq!(serde_json::from_slice::<Value>(&content).expect("JSON"), said(&by_query));
        assert!(!verify("changed.p7m").status.success());
    }
    service.running.shutdown().await;
}

/// A receipt about a paper that was refused is as genuine as any, and is nothing that a person could rely on.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_no_document() {
    let service = with_receipts(|_| {}).await;
    let (signature, _) = service.issue("receipts", "detached").await;
    let changed = json!({"document": base64(b"other"), "signature": base64(&signature), "purpose": "treatment"});
    let answer = service.public(Request::json("/v1/verify?receipt=1", &changed)).await;
    assert_eq!(said(&answer)["reliance"]["outcome"], "REJECT");
    assert_eq!(said(&answer)["receipt"]["purpose"], "treatment");
    for purpose in [json!(null), json!("treatment")] {
        let question = json!({"document": base64(&answer.body), "purpose": purpose});
        let judged = service.verify(&question).await;
        assert_eq!(judged.reliance(), ("UNDETERMINED".to_owned(), "receipt-not-a-document".to_owned()));
        assert_eq!(judged.json()["verdict"]["code"], "valid", "the receipt itself is genuine");
        assert_eq!(judged.json()["document"]["kind"], "verification-receipt");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_are_no_receipts() {
    let service = Service::start().await;
    let (signature, _) = service.issue("receipts", "detached").await;
    let asked = |path: &str| Request::json(path, &question(&signature));
    let answer = service.public(asked("/v1/verify?receipt=1")).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "receipt-not-available"));
    let answer = service.public(asked("/v1/verify").header("Accept", "application/pkcs7-mime")).await;
    assert_eq!((answer.status, answer.code().as_str()), (406, "not-acceptable"));
    let either = asked("/v1/verify").header("Accept", "application/pkcs7-mime, application/json;q=0.5");
    assert_eq!(service.public(either).await.reliance().0, "ACCEPT", "what can be had is given");
    for query in ["receipt=0", "receipt", "receipt=1&receipt=1", "purpose=x", ""] {
        let answer = service.public(asked(&format!("/v1/verify?{query}"))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unexpected-query"), "{query}");
    }
    service.running.shutdown().await;
}

/// Strangers get so many in a minute, whatever they send; clients that are known, and answers that are not signed, go on.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_keep_the_key_busy() {
    let service = with_receipts(|config| {
        config.receipt.per_minute = 3;
        config.receipt.concurrency = 1;
    })
    .await;
    let (signature, _) = service.issue("receipts", "detached").await;
    let asked = || Request::json("/v1/verify?receipt=1", &question(&signature));
    let answers = futures_util::future::join_all((0..8).map(|_| service.public(asked()))).await;
    let (given, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((given.len(), refused.len()), (3, 5));
    for answer in refused {
        assert_eq!((answer.status, answer.code().as_str()), (429, "receipt-limit"));
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    assert_eq!(service.verify(&question(&signature)).await.reliance().0, "ACCEPT");
    for _ in 0..4 {
        assert_eq!(service.as_member(Member::Agency, asked()).await.status, 200);
    }
    service.running.shutdown().await;
}

/// A key whose certificate was revoked signs no receipt.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_signs_no_receipt() {
    let service = with_receipts(|_| {}).await;
    let (signature, _) = service.issue("receipts", "detached").await;
    let certificate = service.directory.path().join("receipt.crt");
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    let mut last = None;
    for _ in 0..100 {
        let answer = service.public(Request::json("/v1/verify?receipt=1", &question(&signature))).await;
        if answer.status == 503 {
            last = Some(answer);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(last.expect("refused").code(), "signer-not-usable");
    service.running.shutdown().await;
}

/// The PKI stays what `pki init` lays; a new PKI gets a new key for receipts, the same one keeps it.
#[test]
fn the_key_of_antin_dev_lies_beside_the_pki() {
    let directory = tempfile::tempdir().expect("a directory");
    let read = |name: &str| fs::read(directory.path().join(name)).expect(name);
    let names = || -> Vec<String> {
        let found = fs::read_dir(directory.path().join("pki")).expect("a folder");
        let mut names: Vec<String> =
            found.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let lay = |pki: &Path| pki::init(pki, &InitOptions::default(), clock::now()).expect("a PKI");
    lay(&directory.path().join("pki"));
    let before = names();
    let add = || dev::add_receipt_key(directory.path(), "http://127.0.0.1:8080").expect("a key");
    add();
    assert_eq!(names(), before);
    let first = (read("receipt.crt"), read("receipt.key"));
    add();
    assert_eq!((read("receipt.crt"), read("receipt.key")), first);
    fs::remove_dir_all(directory.path().join("pki")).expect("removed");
    lay(&directory.path().join("pki"));
    add();
    assert_ne!(read("receipt.crt"), first.0);
}
