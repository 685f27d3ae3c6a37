//! Content beside a detached signature that comes first: its size takes time and no memory.

use std::{path::Path, time::Duration};

use antin::core::{algorithm::DigestAlgorithm, crypto::Hasher};
use antin::pki::Member;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Service, base64,
    client::{self, Answer, Identity, Request},
    order,
};
use crate::kit::dev::DevService;

const BLOCK: usize = 1 << 20;

/// The detached signature over content whose digest alone is sent.
async fn sign_digest(service: &DevService, digest: &[u8]) -> Vec<u8> {
    let pki = service.pki();
    let member = Member::IssuingSystem;
    let identity = Identity::read(&member.certificate_path(&pki), &member.key_path(&pki));
    let mut order = order("detached");
    order.as_object_mut().expect("an object").remove("document");
    order["digest"] = json!({"algorithm": "sha-256", "value": base64(digest)});
    let request = Request::json("/v1/sign", &order).header("Idempotency-Key", "large");
    let root: &Path = &Member::Root.certificate_path(&pki);
    let answer = client::tls(service.mutual_tls(), root, Some(identity), request).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    STANDARD.decode(answer.json()["signature"].as_str().expect("a signature")).expect("base64")
}

/// The head of a question whose document has `length` octets, all up to them; and what follows them.
fn framed(signature: &[u8], length: u64) -> (Vec<u8>, &'static [u8]) {
    let part = |name: &str| {
        format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n").into_bytes()
    };
    let before = [part("signature"), signature.to_vec(), b"\r\n".to_vec(), part("document")].concat();
    let after: &[u8] = b"\r\n--b0und--\r\n";
    let total = before.len() as u64 + length + after.len() as u64;
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {total}\r\n\
         Content-Type: multipart/form-data; boundary=b0und\r\n\r\n"
    );
    ([head.into_bytes(), before].concat(), after)
}

/// 2 GiB, or an eighth of it where not everything is to be tried.
#[tokio::test(flavor = "multi_thread")]
async fn two_gibibytes_are_verified_in_little_memory() {
    let blocks: u64 = if std::env::var_os("ANTIN_SOAK").is_some() { 2048 } else { 256 };
    let block: Vec<u8> = (0..BLOCK).map(|index| (index % 251) as u8).collect();
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    (0..blocks).for_each(|_| hasher.update(&block));
    let service = DevService::start();
    let signature = sign_digest(&service, &hasher.finish()).await;
    for (changed, code) in [(false, "valid"), (true, "document-changed")] {
        let mut stream = TcpStream::connect(service.public()).await.expect("a connection");
        let (head, after) = framed(&signature, blocks * BLOCK as u64);
        stream.write_all(&head).await.expect("sent");
        for number in 0..blocks {
            if changed && number == blocks - 1 {
                let mut last = block.clone();
                last[BLOCK - 1] ^= 1;
                stream.write_all(&last).await.expect("sent");
            } else {
                stream.write_all(&block).await.expect("sent");
            }
        }
        stream.write_all(after).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        assert_eq!(Answer::read(&answer).reliance().1, code);
    }
    let peak = service.peak_memory();
    assert!(peak < 128 << 20, "the service had {peak} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_streamed_has_a_limit_and_a_slowest_rate() {
    let service = Service::with(|config| {
        config.limits.streamed_bytes = 3 * BLOCK;
        config.limits.body_bytes = BLOCK;
        config.limits.body_seconds = 1;
        config.limits.request_seconds = 2;
    })
    .await;
    let (signature, _) = service.issue("key", "detached").await;
    let public = service.running.public;
    let ask = |length: usize, pause: Duration| {
        let signature = signature.clone();
        async move {
            let mut stream = TcpStream::connect(public).await.expect("a connection");
            let (head, after) = framed(&signature, length as u64);
            let _ = stream.write_all(&head).await;
            let mut sent = 0;
            while sent < length {
                let piece = (length - sent).min(BLOCK / 4);
                if stream.write_all(&vec![0; piece]).await.is_err() {
                    break;
                }
                sent += piece;
                tokio::time::sleep(pause).await;
            }
            let _ = stream.write_all(after).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            Answer::read(&answer)
        }
    };
    let none = Duration::ZERO;
    assert_eq!(ask(3 * BLOCK, none).await.reliance().1, "document-changed", "as much as is allowed");
    // Before a byte of it is read, and while it arrives.
    assert_eq!(ask(5 * BLOCK, none).await.code(), "body-too-large");
    assert_eq!(ask(3 * BLOCK + 1, none).await.code(), "body-too-large");
    // Longer than a body may take, and a request; but as fast as is demanded.
    let slow = ask(3 * BLOCK, Duration::from_millis(240)).await;
    assert_eq!(slow.reliance().1, "document-changed", "{slow:?}");
    let (halting, paused) = (Duration::from_millis(1_300), tokio::time::Instant::now());
    assert_eq!(ask(3 * BLOCK, halting).await.code(), "body-timeout");
    assert!(paused.elapsed() < Duration::from_secs(12));
    // The document first: it would have to be held.
    let parts: [(&str, &[u8]); 2] = [("document", &vec![0; BLOCK + 1]), ("signature", &signature)];
    let answer = service.public(Request::multipart("/v1/verify", &parts)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body-too-large"));
    let _: Value = answer.json();
    service.running.shutdown().await;
}

/// What the parser can make nothing of it may not keep either.
#[tokio::test(flavor = "multi_thread")]
async fn h02_a_head_of_a_part_that_never_ends_is_refused_and_not_kept() {
    let service = DevService::start();
    let part = "--b0und\r\nContent-Disposition: form-data; name=\"signature\"\r\n";
    for (path, before) in [
        ("/v1/verify", String::new()),
        ("/v1/verify", "--b0un".to_owned()),
        ("/v1/verify", format!("{part}X-Long: ")),
        ("/v1/verify", format!("{part}\r\nabc\r\n--b0und\r\n")),
    ] {
        let mut stream = TcpStream::connect(service.public()).await.expect("a connection");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\
             Content-Type: multipart/form-data; boundary=b0und\r\n\r\n{before}"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut sent = 0;
        while sent < 256 * BLOCK && stream.write_all(&vec![b'a'; BLOCK]).await.is_ok() {
            sent += BLOCK;
        }
        assert!(sent < 64 * BLOCK, "{sent} octets were taken after {before:?}");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        if !answer.is_empty() {
            assert_eq!(Answer::read(&answer).status, 400, "{before:?}");
        }
    }
    let peak = service.peak_memory();
    assert!(peak < 128 << 20, "the service had {peak} bytes");
}
