//! Hostile clients: sizes, slowness, two ways to read one request.

use std::time::{Duration, Instant};

use antin::pki::Member;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Service, base64,
    client::{Answer, Request, raw},
};

#[tokio::test(flavor = "multi_thread")]
async fn h02_a_body_beyond_the_limit_is_refused_at_once() {
    let service = Service::with(|config| {
        config.limits.body_bytes = 100_000;
        config.limits.client_body_bytes = 200_000;
    })
    .await;
    let public = service.running.public;
    let started = Instant::now();
    let with_streamed = (100_000_u64 + (2 << 30)).to_string();
    for (content_type, limit) in [
        ("application/json", "100000"),
        ("application/pdf", "100000"),
        ("multipart/form-data; boundary=a", &with_streamed),
    ] {
        let head = format!(
            "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: 4294967296\r\n\
             Connection: close\r\n\r\n{{"
        );
        let mut stream = TcpStream::connect(public).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.expect("an answer");
        let answer = Answer::read(&answer[..length]);
        assert_eq!((answer.status, answer.code().as_str()), (413, "body-too-large"));
        assert!(String::from_utf8_lossy(&answer.body).contains(limit), "the limit is named");
    }
    // Nobody waited for the four gigabytes.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

    // Without a length, at the limit.
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, "a".repeat(60_000));
    let chunked = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    assert_eq!(Answer::read(&raw(public, chunked.as_bytes()).await).code(), "body-too-large");
    let parts = Request::multipart("/v1/verify", &[("document", &[b'a'; 150_000])]);
    assert_eq!(service.public(parts).await.status, 413);
    // An identified client may send more.
    let more = json!({"document": base64(&[b'a'; 100_000])});
    assert_eq!(service.verify(&more).await.status, 413);
    assert_eq!(
        service.as_member(Member::Agency, Request::json("/v1/verify", &more)).await.code(),
        "unreadable-document"
    );
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h03_slow_clients_are_cut_off_and_others_served() {
    let service = Service::with(|config| {
        config.limits.header_seconds = 1;
        config.limits.body_seconds = 1;
        config.limits.handshake_seconds = 1;
    })
    .await;
    let started = Instant::now();
    let silent = raw(service.running.public, b"");
    let slow_head = raw(service.running.public, b"GET /healthz HTTP/1.1\r\nHost:");
    let slow_body = raw(
        service.running.public,
        b"POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
    );
    let no_handshake = async {
        let mut stream = TcpStream::connect(service.mutual_tls()).await.expect("a connection");
        stream.write_all(b"\x16\x03\x01").await.expect("sent");
        stream.read_to_end(&mut Vec::new()).await
    };
    let others = async {
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
    };
    let (_, slow_head, slow_body, _, ()) = tokio::join!(silent, slow_head, slow_body, no_handshake, others);
    assert!(slow_head.is_empty() || Answer::read(&slow_head).status == 408);
    assert_eq!(Answer::read(&slow_body).code(), "body-timeout");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h06_what_two_parsers_could_read_in_two_ways_ends_in_400() {
    let service = Service::start().await;
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for message in [
        format!(
            "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!(
            "POST /v1/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n{smuggled}"),
        format!("POST /v1/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n{smuggled}"),
        "GET /healthz HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: a\nContent-Length: 4\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n".to_owned(),
        format!("GET /healthz HTTP/1.1\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\nHost: b\r\n\r\n{smuggled}"),
    ] {
        let answer = raw(service.running.public, message.as_bytes()).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 400 "), "{message:?}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "closed after: {message:?}: {text}");
    }
    // One connection serves many sound requests, and ends at the first that is not.
    let mixed = format!("{smuggled}{smuggled}GET / HTTP/1.1\n\n{smuggled}");
    let answer = raw(service.running.public, mixed.as_bytes()).await;
    let text = String::from_utf8_lossy(&answer);
    assert_eq!((text.matches("HTTP/1.1 200").count(), text.matches("HTTP/1.1 ").count()), (2, 3), "{text}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_beyond_the_limits_are_refused() {
    let service = Service::start().await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: a\r\n".repeat(200));
    for message in [long, many] {
        let answer = raw(service.running.public, message.as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    }
    service.running.shutdown().await;
}
