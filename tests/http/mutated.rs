//! Bodies of `POST /v1/verify` that were cut, bent or swapped: a report or a problem that is the caller's, soon; never a 5xx.

use std::time::{Duration, Instant};

use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
};

/// The longest that one answer takes, on a machine that is busy with tests.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// A report, or a problem with the request.
async fn is_judged(service: &Service, request: Request, what: &str) -> Answer {
    let asked = Instant::now();
    let answer = service.public(request).await;
    assert!(asked.elapsed() < ANSWERED_WITHIN, "{what}: {:?}", asked.elapsed());
    match answer.status {
        200 => drop(answer.reliance()),
        400..=499 => drop(answer.code()),
        status => panic!("{status} to {what}: {answer:?}"),
    }
    answer
}

fn json_text(body: impl Into<Vec<u8>>) -> Request {
    Request::post("/v1/verify", "application/json", body)
}

async fn questions(service: &Service) -> [Value; 2] {
    let (signature, _) = service.issue("key-1", "detached").await;
    let signature = base64(&signature);
    let digest = json!({"algorithm": "sha-256", "value": base64(&[7; 32])});
    [
        json!({"document": base64(CONTENT), "signature": signature, "purpose": "treatment", "filename": "f"}),
        json!({"digests": [digest], "signature": signature, "purpose": "treatment", "policy": "strict"}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_was_cut_or_bent_is_judged() {
    let service = Service::start().await;
    let swaps = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("\u{0}"),
        json!("AAAA"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"": ""}),
        json!([{"algorithm": 1, "value": {}}]),
        json!([null, {}]),
        json!("a".repeat(100_000)),
    ];
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let raw = [
        "1e999",
        "-1e999",
        "01",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\0\"",
        "tru",
        "",
        "\u{feff}\"\"",
        "9".repeat(50_000).as_str(),
    ]
    .map(str::to_owned);
    let raw: Vec<_> = raw.into_iter().chain([deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(100_000)]).collect();
    for question in questions(&service).await {
        let text = question.to_string();
        assert_eq!(is_judged(&service, json_text(text.clone()), "a sound question").await.status, 200);
        for length in (0..text.len()).step_by(7) {
            let answer = is_judged(&service, json_text(&text.as_bytes()[..length]), &text[..length]).await;
            assert!(matches!(answer.status, 400 | 415), "{length}");
        }
        for field in question.as_object().expect("an object").keys() {
            for swap in &swaps {
                let mut bent = question.clone();
                bent[field] = swap.clone();
                is_judged(&service, json_text(bent.to_string()), &format!("{field}: {swap:.60}")).await;
            }
            let named = format!("\"{field}\":{}", question[field]);
            assert!(text.contains(&named), "{named}");
            for value in &raw {
                let bent = text.replacen(&named, &format!("\"{field}\":{value}"), 1);
                let answer = is_judged(&service, json_text(bent), &format!("{field}: {value:.60}")).await;
                assert!(answer.status == 400 || value.starts_with("\"\\u0000"), "{field}: {value:.60}: {answer:?}");
            }
            let twice = text.replacen(&named, &format!("{named},{named}"), 1);
            assert_eq!(is_judged(&service, json_text(twice), field).await.code(), "duplicate-field");
        }
        for (at, byte) in
            (0..text.len()).step_by(29).zip([0, 0xff, 0xc0, 0x80, 0xed, b'"', b'\\', b'}'].into_iter().cycle())
        {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            is_judged(&service, json_text(bytes), &format!("{byte} at {at}")).await;
        }
    }
    assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn multipart_that_was_cut_or_bent_is_judged() {
    let service = Service::start().await;
    let (signature, _) = service.issue("key-1", "detached").await;
    let part = |name: &str, bytes: &[u8]| {
        [format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(), bytes, b"\r\n"].concat()
    };
    let signed = part("signature", &signature);
    let content = part("document", CONTENT);
    let whole = [&signed[..], &content, b"--b--\r\n"].concat();
    let send = |bytes: Vec<u8>| Request::post("/v1/verify", "multipart/form-data; boundary=b", bytes);
    assert_eq!(is_judged(&service, send(whole.clone()), "a sound question").await.status, 200);
    for length in (0..whole.len() - 2).step_by(17) {
        let answer = is_judged(&service, send(whole[..length].to_vec()), &format!("cut at {length}")).await;
        assert_eq!(answer.status, if length == 0 { answer.status } else { 400 }, "{length}: {answer:?}");
    }
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("no end", [&signed[..], &content].concat()),
        ("no name", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n".to_vec()),
        ("no disposition", b"--b\r\n\r\nx\r\n--b--\r\n".to_vec()),
        ("an empty name", part("", b"x")),
        ("a name of NUL", part("\0", b"x")),
        ("a name of no UTF-8", b"--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--\r\n".to_vec()),
        ("a part twice", [&signed[..], &signed, &content, b"--b--\r\n"].concat()),
        ("a document twice", [&signed[..], &content, &content, b"--b--\r\n"].concat()),
        ("a purpose of no UTF-8", [&part("purpose", b"\xff\xfe")[..], &whole].concat()),
        ("a purpose of NUL", [&part("purpose", b"\0")[..], &whole].concat()),
        ("a long header", [b"--b\r\nX: ", &b"a".repeat(200_000)[..], b"\r\n\r\nx\r\n--b--\r\n"].concat()),
        ("many headers", [b"--b\r\n", &b"X: a\r\n".repeat(20_000)[..], b"\r\nx\r\n--b--\r\n"].concat()),
        ("many parts", part("colour", b"x").repeat(20_000)),
        ("many empty parts", [&b"--b\r\n\r\n\r\n".repeat(20_000)[..], b"--b--\r\n"].concat()),
        ("another boundary", whole.iter().map(|byte| if *byte == b'b' { b'c' } else { *byte }).collect()),
        ("a long preamble", [&b"-".repeat(1_000_000)[..], &whole].concat()),
        ("bare LF", String::from_utf8_lossy(&whole).replace("\r\n", "\n").into_bytes()),
    ];
    for (what, body) in bodies {
        let answer = is_judged(&service, send(body), what).await;
        let stands = matches!(what, "a purpose of NUL" | "a long preamble");
        assert!(stands || answer.status == 400, "{what}: {answer:?}");
    }
    let long = format!("multipart/form-data; boundary={}", "b".repeat(5_000));
    for media_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        "multipart/mixed; boundary=b",
        &long,
    ] {
        let answer = is_judged(&service, Request::post("/v1/verify", media_type, whole.clone()), media_type).await;
        assert!(matches!(answer.status, 400 | 415), "{media_type:.60}: {answer:?}");
    }
    assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
    service.running.shutdown().await;
}

/// Octets changed, removed and repeated, in one of four forms of body.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_changed_at_random_are_judged() {
    let service = Service::start().await;
    let [json, _] = questions(&service).await;
    let (enveloping, _) = service.issue("key-2", "enveloping").await;
    let multipart =
        [&b"--b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\n"[..], &enveloping, b"\r\n--b--\r\n"];
    let forms: [(&str, Vec<u8>); 4] = [
        ("application/json", json.to_string().into_bytes()),
        ("multipart/form-data; boundary=b", multipart.concat()),
        ("application/pkcs7-mime", enveloping.clone()),
        ("application/pdf", [b"%PDF-1.7\n", &enveloping[..]].concat()),
    ];
    let config = Config { failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, random);
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3_u8), 1..8);
    for _ in 0..64 {
        let drawn = changes.new_tree(&mut runner).expect("drawn").current();
        for (media_type, body) in &forms {
            let mut body = body.clone();
            for (at, byte, change) in &drawn {
                let at = at.index(body.len());
                match change {
                    0 => body[at] = *byte,
                    1 => body.truncate(body.len().min(at + 1)),
                    _ => body.extend_from_within(at..),
                }
            }
            is_judged(&service, Request::post("/v1/verify", media_type, body), media_type).await;
        }
    }
    assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
    service.running.shutdown().await;
}
