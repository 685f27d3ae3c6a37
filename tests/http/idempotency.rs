//! One idempotency key, one signature.

use std::sync::Arc;

use antin::pki::Member;
use serde_json::json;

use super::{Service, client::Request, order};

#[tokio::test(flavor = "multi_thread")]
async fn h07_the_same_order_gets_the_same_answer_across_restarts_and_another_gets_409() {
    let service = Service::start().await;
    for packaging in ["detached", "enveloping"] {
        let first = service.sign(packaging, &order(packaging)).await;
        assert_eq!(first.status, 201);
        assert_eq!(service.sign(packaging, &order(packaging)).await.body, first.body);
        for (field, value) in [
            ("kind", json!("referral")),
            ("document", json!("AAAA")),
            ("mediaType", json!("application/json")),
            ("packaging", json!(if packaging == "detached" { "enveloping" } else { "detached" })),
            ("metadata", json!({"batch": 8})),
            ("metadata", json!(null)),
        ] {
            let mut other = order(packaging);
            other[field] = value;
            let answer = service.sign(packaging, &other).await;
            assert_eq!((answer.status, answer.code().as_str()), (409, "idempotency-key-reused"), "{field}");
        }
    }
    let before = service.sign("enveloping", &order("enveloping")).await.body;
    let directory = Arc::clone(&service.directory);
    service.running.shutdown().await;
    let service = Service::over(directory, |_| {}).await;
    assert_eq!(service.sign("enveloping", &order("enveloping")).await.body, before);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h07_of_a_hundred_parallel_orders_with_one_key_one_is_signed() {
    let service = Arc::new(Service::start().await);
    let sent: Vec<_> = (0..100)
        .map(|_| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.sign("one", &order("detached")).await })
        })
        .collect();
    let mut signed = Vec::new();
    for answer in sent {
        let answer = answer.await.expect("an answer");
        match answer.status {
            201 => signed.push(answer.body),
            _ => assert_eq!(answer.code(), "request-in-progress"),
        }
    }
    signed.dedup();
    assert_eq!(signed.len(), 1, "one signature, however often it was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_cancels_nothing() {
    let service = Service::start().await;
    let root = Member::Root.certificate_path(&service.pki());
    let identity = service.identity(Member::IssuingSystem);
    let mut stream = super::client::connect(service.mutual_tls(), &root, Some(identity)).await.expect("a connection");
    let body = order("detached").to_string();
    let request = format!(
        "POST /v1/sign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: gone\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
    drop(stream);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    // Carried out or not, the key is in a state from which it goes on.
    assert_eq!(service.sign("gone", &order("detached")).await.status, 201);
    let other = Request::json("/v1/sign", &order("enveloping")).header("Idempotency-Key", "gone");
    assert_eq!(service.as_member(Member::IssuingSystem, other).await.status, 409);
    service.running.shutdown().await;
}
