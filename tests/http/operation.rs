//! What operators need: health, figures, the description, a polite end.

use std::time::Duration;

use antin::pki::Member;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Service,
    client::{Answer, Request, plain},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_has_its_routes() {
    let service = Service::with(|config| {
        config.internal.enabled = true;
        config.internal.address = "127.0.0.1:0".parse().expect("an address");
    })
    .await;
    let internal = service.running.internal.expect("an internal listener");
    for (path, public, mutual_tls, inside) in [
        ("/healthz", 200, 200, 200),
        ("/openapi.json", 200, 200, 404),
        ("/v1/trust", 200, 200, 404),
        ("/readyz", 404, 200, 200),
        ("/metrics", 404, 200, 200),
        ("/crl/ca.crl", 200, 404, 404),
        ("/crt/root.crt", 200, 404, 404),
        ("/crl/ca.crt", 404, 404, 404),
        ("/v1/sign", 404, 405, 404),
    ] {
        assert_eq!(service.public(Request::get(path)).await.status, public, "public {path}");
        assert_eq!(service.as_member(Member::Agency, Request::get(path)).await.status, mutual_tls, "mTLS {path}");
        assert_eq!(plain(internal, Request::get(path)).await.status, inside, "internal {path}");
    }
    let ready = service.as_member(Member::Agency, Request::get("/readyz")).await.json();
    assert_eq!(ready["keys"].as_array().map(Vec::len), Some(2), "{ready}");
    let crl = service.public(Request::get("/crl/ca.crl")).await;
    assert_eq!((crl.body[0], crl.head.contains("application/pkix-crl")), (0x30, true));

    let trust = service.public(Request::get("/v1/trust")).await.json();
    let (anchor, intermediate) = (&trust["anchors"][0], &trust["intermediates"][0]);
    assert_eq!(anchor["sha256"].as_str().map(str::len), Some(64));
    assert!(anchor["crl"]["fresh"] == true && intermediate["crl"]["fresh"] == true, "{trust}");

    let description = service.public(Request::get("/openapi.json")).await.json();
    let paths: Vec<&String> = description["paths"].as_object().expect("paths").keys().collect();
    for path in ["/v1/verify", "/v1/sign", "/v1/documents/{id}/status", "/v1/trust", "/metrics", "/readyz"] {
        assert!(paths.iter().any(|found| *found == path), "{path} in {paths:?}");
    }
    let figures = plain(internal, Request::get("/metrics")).await;
    let figures = String::from_utf8(figures.body).expect("text");
    assert!(figures.contains("antin_http_requests_total{listener=\"public\",status=\"2xx\"}"), "{figures}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_bear_a_request_id_that_the_caller_cannot_choose() {
    let service = Service::start().await;
    let answer = service.public(Request::get("/healthz").header("X-Request-Id", "mine\" injected")).await;
    let line = answer.head.lines().find(|line| line.starts_with("x-request-id: ")).expect("a request id");
    assert!(!line.contains("mine") && line.len() > 30, "{line}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_work_end_before_the_service_does() {
    let service = Service::start().await;
    let address = service.running.public;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let body = "{\"document\": \"AAAA\"}";
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut idle = TcpStream::connect(address).await.expect("a connection");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stopping = tokio::spawn(service.running.shutdown());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!stopping.is_finished(), "waits for the request in work");
    assert!(TcpStream::connect(address).await.is_err(), "takes no more connections");
    stream.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert_eq!(Answer::read(&answer).code(), "unreadable-document");
    let ended = tokio::time::timeout(Duration::from_secs(20), stopping).await;
    ended.expect("ends then").expect("without a panic");
    assert_eq!(idle.read(&mut [0; 16]).await.unwrap_or(0), 0, "idle connections are closed");
    drop(service.directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_on_requests_in_work_say_when_to_come_again() {
    let service = Service::with(|config| {
        config.limits.concurrency = 1;
        for client in &mut config.clients {
            client.concurrency = 1;
        }
    })
    .await;
    // Large documents are judged beside each other; with room for one, most are sent away.
    let body = Value::from("A".repeat(4_000_000)).to_string();
    let question = format!("{{\"document\": {body}}}");
    let asked = (0..16).map(|_| service.public(Request::post("/v1/verify", "application/json", question.clone())));
    let mut answers = Vec::new();
    let pending: Vec<_> = asked.map(Box::pin).collect();
    for answer in futures_util::future::join_all(pending).await {
        if answer.status == 503 {
            assert!(answer.code() == "overloaded" && answer.head.contains("retry-after: 1"), "{}", answer.head);
        } else {
            assert_eq!(answer.code(), "unreadable-document");
        }
        answers.push(answer.status);
    }
    assert!(answers.contains(&422), "{answers:?}");
    service.running.shutdown().await;
}
