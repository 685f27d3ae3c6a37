//! Several keys of one authority, each in its window and by its certificate.

use std::sync::Arc;
use std::time::Duration;

use antin::clock;
use antin::config::Config;
use antin::core::time::Time;
use antin::pki::{self, InitOptions, Member, Reason};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Request;
use super::tokens::{add_key, add_signer};
use super::{CONTENT, P256, Service, base64, order};

const DAY: i64 = 86_400;

/// A service whose kinds and clients name the authority `so-y-te` alone, which has the keys `health` and `next`.
async fn service(validity: [Time; 2], change: impl FnOnce(&mut Config)) -> Service {
    let directory = Arc::new(TempDir::new().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    add_signer(directory.path(), "next", &P256, validity);
    over(directory, change).await
}

async fn over(directory: Arc<TempDir>, change: impl FnOnce(&mut Config)) -> Service {
    let folder = directory.path().to_owned();
    Service::over(directory, |config| {
        add_key(config, &folder, "next");
        let clients = config.clients.iter_mut().map(|client| &mut client.keys);
        for names in config.kinds.iter_mut().map(|kind| &mut kind.keys).chain(clients) {
            if names.iter().any(|name| name == "next") {
                names.retain(|name| name == "judicial");
                names.push("so-y-te".to_owned());
            }
        }
        for key in config.keys.iter_mut().filter(|key| ["health", "next"].contains(&&*key.name)) {
            key.authority = Some("so-y-te".to_owned());
        }
        change(config);
    })
    .await
}

fn window<'a>(config: &'a mut Config, name: &str) -> (&'a mut Option<Time>, &'a mut Option<Time>) {
    let key = config.keys.iter_mut().find(|key| key.name == name).expect("the key");
    (&mut key.from, &mut key.until)
}

fn lasting() -> [Time; 2] {
    [clock::now(), clock::now().plus_seconds(DAY)]
}

fn by(signer: &str) -> Value {
    let mut order = order("detached");
    order["signer"] = json!(signer);
    order
}

impl Service {
    /// The name on the certificate that signed, or the code of the refusal.
    async fn signed_by(&self, idempotency_key: &str, order: &Value) -> String {
        let answer = self.sign(idempotency_key, order).await;
        if answer.status != 201 {
            return answer.code();
        }
        let question = json!({"document": base64(CONTENT), "signature": answer.json()["signature"]});
        let report = self.verify(&question).await;
        assert_eq!(report.reliance().0, "ACCEPT", "{}", report.json());
        let name = report.json()["signatures"][0]["signedBy"].as_str().expect("a name").to_owned();
        if name == "next" { name } else { "health".to_owned() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_signs_from_its_time_on_while_orders_come() {
    let change = clock::now().plus_seconds(4);
    let service = service(lasting(), |config| {
        *window(config, "health").1 = Some(change);
        *window(config, "next").0 = Some(change);
    })
    .await;
    let first = service.sign("first", &order("detached")).await;
    let mut signers = Vec::new();
    while clock::now() < change.plus_seconds(2) {
        signers.push(service.signed_by(&format!("key-{}", signers.len()), &order("detached")).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    signers.dedup();
    assert_eq!(signers, ["health", "next"], "one after the other, and no order refused");
    assert_eq!(service.sign("first", &order("detached")).await.body, first.body, "what was released stays");
    // Whom the order names signs or nobody.
    assert_eq!(service.signed_by("by-name", &by("so-y-te")).await, "next");
    assert_eq!(service.signed_by("by-key", &by("next")).await, "next");
    assert_eq!(service.signed_by("old", &by("health")).await, "signer-not-usable");
    assert_eq!(service.signed_by("other", &by("judicial")).await, "signer-not-permitted");
    let ready = service.as_member(Member::Agency, Request::get("/readyz")).await;
    assert_eq!(ready.status, 200, "a key whose time is over is missed by nobody: {}", ready.json());
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_gives_way_to_another_in_its_window_and_to_no_other() {
    let service = service(lasting(), |_| {}).await;
    assert_eq!(service.signed_by("before", &order("detached")).await, "health");
    let certificate = Member::Health.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(service.signed_by("after", &order("detached")).await, "next");
    assert_eq!(service.signed_by("named", &by("health")).await, "signer-not-usable");
    let directory = Arc::clone(&service.directory);
    service.running.shutdown().await;
    let service = over(directory, |config| *window(config, "next").0 = Some(clock::now().plus_seconds(DAY))).await;
    let refused = service.sign("closed", &order("detached")).await;
    assert_eq!(refused.code(), "signer-not-usable");
    assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("certificate-revoked")));
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_signs_nothing_whatever_its_window() {
    let now = clock::now();
    let service = service([now.plus_seconds(-DAY), now.plus_seconds(-1)], |_| {}).await;
    assert_eq!(service.signed_by("expired", &by("next")).await, "signer-not-usable");
    assert_eq!(service.signed_by("authority", &by("so-y-te")).await, "health");
    service.running.shutdown().await;
}
