//! Documents judged by the status lists of who issued them, out of Redis or from where they are published.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use antin::config::revocation::RedisSettings;
use antin::config::{Config, StatusListSource};
use antin::core::crypto::sha256;
use antin::pki::Member;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::status_lists::directory;
use super::{Service, base64, client::Request};
use crate::revocation::redis::RedisServer;

/// Seconds for which lists may be kept, in these tests.
const TIME_TO_LIVE: u64 = 2;

/// An address that is free, known before the service starts.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// A service that publishes at its own address.
async fn publisher(directory: &Arc<TempDir>, address: SocketAddr, redis: Option<RedisSettings>) -> Service {
    Service::over(Arc::clone(directory), |config| {
        config.public.address = address;
        config.public.base_url = format!("http://{address}");
        config.status_lists.ttl_seconds = TIME_TO_LIVE;
        config.status_lists.poll_seconds = 1;
        config.revocation.redis = redis;
    })
    .await
}

/// A service that has no record of what the other issued, over the same PKI.
async fn verifier(directory: &Arc<TempDir>, publisher: SocketAddr, redis: Option<RedisSettings>) -> Service {
    let signer = directory.path().join("status-lists.crt");
    Service::over(Arc::clone(directory), |config: &mut Config| {
        // Each starts with an empty one; what it keeps of lists are the marks.
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        config.registry.path.set_file_name(format!("registry-of-verifier-{start}.db"));
        config.revocation.marks_file.set_file_name("marks-of-the-verifier");
        config.revocation.timeout_seconds = 2;
        config.revocation.redis = redis;
        config.audit.folder = None;
        config.audit.key = None;
        config.status_lists.key = None;
        let url_prefix = format!("http://{publisher}/status-lists/");
        config.status_list_sources = vec![StatusListSource { url_prefix, signers: vec![signer], allow_private: true }];
    })
    .await
}

async fn change(service: &Service, id: &str, state: &str) {
    let change = json!({"state": state, "reason": "Cấp sai"});
    let request = Request::json(&format!("/v1/documents/{id}/status"), &change);
    assert_eq!(service.as_member(Member::IssuingSystem, request).await.status, 200);
}

/// Outcome, code, and what is said of the standing.
async fn judged(service: &Service, signature: &[u8]) -> (String, String, Value) {
    let answer = service.verify(&json!({"document": base64(signature)})).await;
    let (outcome, code) = answer.reliance();
    (outcome, code, answer.json()["document"]["status"].clone())
}

/// Waits until a document is judged so.
async fn until(service: &Service, signature: &[u8], code: &str) -> Value {
    let begun = Instant::now();
    loop {
        let (_, found, status) = judged(service, signature).await;
        if found == code {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{found} and not {code}: {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_another_publisher_is_judged_by_its_list() {
    let (directory, address) = (directory(), free());
    let office = publisher(&directory, address, None).await;
    let agency = verifier(&directory, address, None).await;
    let (signature, id) = office.issue("one", "enveloping").await;
    let (other, other_id) = office.issue("other", "enveloping").await;
    let status = until(&agency, &signature, "valid").await;
    assert_eq!((&status["state"], &status["source"]), (&json!("in-force"), &json!("status-list")));
    assert!(status["ageSeconds"].as_i64().is_some_and(|age| (0..30).contains(&age)), "{status}");

    for (state, code, outcome) in [
        ("suspended", "document-suspended", "UNDETERMINED"),
        ("in-force", "valid", "ACCEPT"),
        ("used", "document-used-or-superseded", "REJECT"),
        ("withdrawn", "document-withdrawn", "REJECT"),
    ] {
        change(&office, &id, state).await;
        let begun = Instant::now();
        until(&agency, &signature, code).await;
        assert!(begun.elapsed() < Duration::from_secs(30), "{state}: {:?}", begun.elapsed());
        assert_eq!(judged(&agency, &signature).await.0, outcome);
        assert_eq!(judged(&agency, &other).await.0, "ACCEPT");
    }

    // A node without the record behind the same address judges by the lists too.
    let signer = directory.path().join("status-lists.crt");
    let twin = Service::over(Arc::clone(&directory), |config: &mut Config| {
        config.registry.path.set_file_name("registry-of-the-twin.db");
        config.revocation.marks_file.set_file_name("marks-of-the-twin");
        config.public.base_url = format!("http://{address}");
        config.audit.folder = None;
        config.audit.key = None;
        config.status_lists.key = None;
        let url_prefix = format!("http://{address}/status-lists/");
        config.status_list_sources = vec![StatusListSource { url_prefix, signers: vec![signer], allow_private: true }];
    })
    .await;
    assert_eq!(judged(&twin, &other).await.1, "valid");
    assert_eq!(judged(&twin, &signature).await.1, "document-withdrawn");
    twin.running.shutdown().await;

    // While nobody can be asked, what was had counts until it expires; who has nothing does not know.
    office.running.shutdown().await;
    assert_eq!(judged(&agency, &other).await.0, "ACCEPT");
    assert_eq!(judged(&agency, &signature).await.1, "document-withdrawn");
    agency.running.shutdown().await;
    let agency = verifier(&directory, address, None).await;
    let (outcome, code, status) = judged(&agency, &other).await;
    assert_eq!((&*outcome, &*code, status), ("UNDETERMINED", "status-unknown", Value::Null));
    // It comes back.
    let office = publisher(&directory, address, None).await;
    until(&agency, &other, "valid").await;
    change(&office, &other_id, "withdrawn").await;
    until(&agency, &other, "document-withdrawn").await;
    agency.running.shutdown().await;
    office.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_redis_makes_no_standing_wrong() {
    let (directory, address) = (directory(), free());
    let redis = RedisServer::start();
    let office = publisher(&directory, address, Some(redis.settings())).await;
    let (signature, id) = office.issue("one", "enveloping").await;
    let (in_force, _) = office.issue("other", "enveloping").await;
    let key = |number: u32| {
        let uri = format!("http://{address}/status-lists/{number}");
        format!("antin:status-list:{{{}}}", hex::encode(sha256(uri.as_bytes())))
    };
    let lies_there = || redis.get(&key(0));
    let begun = Instant::now();
    while lies_there().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing in Redis");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = lies_there();
    // Made of this process alone: the verifier learns of the withdrawal, then forgets all but its marks.
    change(&office, &id, "withdrawn").await;
    let agency = verifier(&directory, address, Some(redis.settings())).await;
    until(&agency, &signature, "document-withdrawn").await;
    agency.running.shutdown().await;
    let after = loop {
        let now = lies_there();
        if now != before {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    office.running.shutdown().await;
    let newest = lies_there();

    // The publisher is away, so that Redis alone can answer.
    let agency = verifier(&directory, address, Some(redis.settings())).await;
    assert_eq!(judged(&agency, &signature).await.1, "document-withdrawn", "carried by Redis");
    assert_eq!(judged(&agency, &in_force).await.1, "valid");
    agency.running.shutdown().await;
    drop(after);

    let mut flipped = newest.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let half = &newest[..newest.len() / 2];
    let poisons: [(&str, &[u8]); 5] =
        [("stale", &before), ("flipped", &flipped), ("cut", half), ("noise", &[0xd2; 4096]), ("empty", b"")];
    for (name, poison) in poisons {
        redis.set(&key(0), poison);
        let agency = verifier(&directory, address, Some(redis.settings())).await;
        for paper in [&signature, &in_force] {
            let (outcome, code, status) = judged(&agency, paper).await;
            assert_eq!((&*outcome, &*code, status), ("UNDETERMINED", "status-unknown", Value::Null), "{name}");
        }
        agency.running.shutdown().await;
    }
    redis.command::<()>("DEL", &[key(0)]);
    redis.command::<i64>("LPUSH", &[key(0), "another type".to_owned()]);
    let agency = verifier(&directory, address, Some(redis.settings())).await;
    assert_eq!(judged(&agency, &in_force).await.1, "status-unknown");
    // With the publisher back all is well, whatever lies in Redis.
    redis.command::<()>("DEL", &[key(0)]);
    redis.set(&key(0), &before);
    let office = publisher(&directory, address, None).await;
    until(&agency, &in_force, "valid").await;
    until(&agency, &signature, "document-withdrawn").await;
    // Poisoned while it is used.
    redis.set(&key(0), &before);
    tokio::time::sleep(Duration::from_secs(TIME_TO_LIVE + 1)).await;
    assert_eq!(judged(&agency, &signature).await.1, "document-withdrawn");
    assert_eq!(judged(&agency, &in_force).await.1, "valid");
    agency.running.shutdown().await;
    office.running.shutdown().await;
}
