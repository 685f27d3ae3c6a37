//! Bad input: a 4xx whose code names the field, and no panic.

use antin::pki::Member;
use serde_json::{Value, json};

use super::{CONTENT, Service, base64, client::Request, order};

#[tokio::test(flavor = "multi_thread")]
async fn h02_every_bad_question_is_answered_with_a_code_that_names_the_field() {
    let service = Service::start().await;
    let (detached, _) = service.issue("key-1", "detached").await;
    let signature = base64(&detached);
    let json_cases: Vec<(Value, u16, &str)> = vec![
        (json!({}), 400, "document-missing"),
        (json!([]), 400, "invalid-json"),
        (json!({"document": null}), 400, "document-missing"),
        (json!({"document": ""}), 400, "document-empty"),
        (json!({"document": 7}), 400, "document-wrong-type"),
        (json!({"document": "AA ="}), 400, "document-not-base64"),
        (json!({"document": "AAA"}), 400, "document-not-base64"),
        (json!({"document": "AA==\n"}), 400, "document-not-base64"),
        (json!({"document": base64(CONTENT), "colour": 1}), 400, "unknown-field"),
        (json!({"document": base64(CONTENT)}), 422, "unreadable-document"),
        (json!({"document": base64(&detached[..100])}), 422, "unreadable-document"),
        (json!({"document": base64(CONTENT), "signature": "MA"}), 400, "signature-not-base64"),
        (json!({"document": base64(CONTENT), "signature": base64(CONTENT)}), 422, "unreadable-document"),
        (json!({"signature": signature}), 400, "document-missing"),
        (json!({"digests": [{"algorithm": "sha-256", "value": base64(&[0; 32])}]}), 400, "signature-missing"),
        (json!({"signature": signature, "digests": []}), 400, "digests-empty"),
        (json!({"signature": signature, "digests": {}}), 400, "digests-wrong-type"),
        (json!({"signature": signature, "digests": [{"algorithm": "sha-256"}]}), 400, "digests-value-missing"),
        (
            json!({"signature": signature, "digests": [{"algorithm": "sha-256", "value": base64(&[0; 31])}]}),
            400,
            "digests-value-wrong-length",
        ),
        (
            json!({"signature": signature, "digests": [{"algorithm": "md5", "value": base64(&[0; 16])}]}),
            400,
            "digests-algorithm-unknown-value",
        ),
        (
            json!({"document": "AAAA", "signature": signature, "digests": [{"algorithm": "sha-256", "value": base64(&[0; 32])}]}),
            400,
            "digests-conflict",
        ),
        (json!({"document": "AAAA", "policy": "lenient"}), 400, "policy-unknown"),
        (json!({"document": "AAAA", "purpose": ""}), 400, "purpose-wrong-text"),
    ];
    for (question, status, code) in json_cases {
        let answer = service.verify(&question).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{question}");
    }
    let texts: Vec<(String, u16, &str)> = vec![
        (String::new(), 400, "invalid-json"),
        ("{".to_owned(), 400, "invalid-json"),
        ("{\"document\":\"AAAA\"".to_owned(), 400, "invalid-json"),
        ("{\"document\":\"AAAA\",\"document\":\"AAAA\"}".to_owned(), 400, "duplicate-field"),
        ("{\"document\": 1e999}".to_owned(), 400, "document-wrong-type"),
        (format!("{{\"document\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000)), 400, "document-wrong-type"),
        ("[".repeat(100_000), 400, "invalid-json"),
        ("\u{feff}{}".to_owned(), 400, "invalid-json"),
    ];
    for (text, status, code) in texts {
        let answer = service.public(Request::post("/v1/verify", "application/json", text.clone())).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{:.60}", text);
    }
    let others = [
        (Request::post("/v1/verify", "text/plain", "x"), 415, "unsupported-media-type"),
        (Request::new("POST", "/v1/verify"), 415, "unsupported-media-type"),
        (Request::post("/v1/verify", "application/pdf", "x"), 422, "unreadable-document"),
        (Request::multipart("/v1/verify", &[]), 400, "document-missing"),
        (Request::multipart("/v1/verify", &[("signature", b"x")]), 400, "document-missing"),
        (Request::multipart("/v1/verify", &[("document", b"x"), ("document", b"x")]), 400, "duplicate-field"),
        (Request::multipart("/v1/verify", &[("file", b"x")]), 400, "unknown-field"),
        (Request::multipart("/v1/verify", &[("document", b"")]), 400, "document-empty"),
        (Request::multipart("/v1/verify", &[("policy", &[b'x'; 300])]), 400, "invalid-multipart"),
        (Request::post("/v1/verify", "multipart/form-data", "x"), 400, "invalid-multipart"),
        (Request::post("/v1/verify", "multipart/form-data; boundary=a", "--a\r\n"), 400, "invalid-multipart"),
        (Request::get("/v1/verify"), 405, "method-not-allowed"),
        (Request::get("/v2/verify"), 404, "not-found"),
        (Request::get("/crl/..%2f..%2fregistry.db"), 404, "not-found"),
    ];
    for (request, status, code) in others {
        let answer = service.public(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_order_is_refused_by_name_and_nothing_is_signed() {
    let service = Service::start().await;
    let without = |field: &str| {
        let mut order = order("detached");
        order.as_object_mut().expect("an object").remove(field);
        order
    };
    let with = |field: &str, value: Value| {
        let mut order = order("detached");
        order[field] = value;
        order
    };
    let digest = json!({"algorithm": "sha-256", "value": base64(&[7; 32])});
    let mut enveloping_digest = without("document");
    enveloping_digest["digest"] = digest.clone();
    enveloping_digest["packaging"] = json!("enveloping");
    let mut short_digest = without("document");
    short_digest["digest"] = json!({"algorithm": "sha-256", "value": base64(&[7; 20])});
    let mut weak_digest = without("document");
    weak_digest["digest"] = json!({"algorithm": "sha-1", "value": base64(&[7; 20])});
    let mut deep = order("detached").to_string();
    deep.truncate(deep.len() - 1);
    deep.push_str(&format!(",\"signer\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000)));
    let cases = [
        (without("kind"), 400, "kind-missing"),
        (without("document"), 400, "document-missing"),
        (without("mediaType"), 400, "media-type-missing"),
        (without("format"), 400, "format-missing"),
        (without("packaging"), 400, "packaging-missing"),
        (without("level"), 400, "level-missing"),
        (with("kind", json!("passport")), 403, "kind-not-permitted"),
        (with("signer", json!("judicial")), 403, "signer-not-permitted"),
        (with("kind", json!("\u{202e}".repeat(100_000))), 400, "kind-wrong-text"),
        (with("signer", json!("x".repeat(257))), 400, "signer-wrong-text"),
        (with("format", json!("pades")), 400, "packaging-conflict"),
        (with("format", json!("xades")), 400, "format-unknown-value"),
        (with("level", json!("b-b")), 400, "level-unknown-value"),
        (with("packaging", json!("inside")), 400, "packaging-unknown-value"),
        (with("existingSignature", json!("AAAA")), 422, "existing-signature-unreadable"),
        (with("existingSignature", json!("")), 400, "existing-signature-empty"),
        (with("existingSignature", json!("A")), 400, "existing-signature-not-base64"),
        (with("metadata", json!([1])), 400, "metadata-wrong-type"),
        (with("mediaType", json!("a\nb")), 400, "media-type-wrong-text"),
        (with("document", json!("")), 400, "document-empty"),
        (with("digest", digest), 400, "digest-conflict"),
        (with("id", json!("1")), 400, "unknown-field"),
        (enveloping_digest, 400, "packaging-conflict"),
        (short_digest, 400, "digest-value-wrong-length"),
        (weak_digest, 400, "digest-algorithm-unknown-value"),
    ];
    for (order, status, code) in cases {
        let answer = service.sign("one-key", &order).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{order}");
        if code.starts_with("media-type-") {
            let problem = answer.json();
            assert_eq!(problem["field"], "mediaType");
            assert!(!problem["detail"].as_str().expect("text").contains("media type"), "{problem}");
        }
    }
    let deep = Request::post("/v1/sign", "application/json", deep).header("Idempotency-Key", "one-key");
    assert_eq!(service.as_member(Member::IssuingSystem, deep).await.code(), "signer-wrong-type");
    let request = || Request::json("/v1/sign", &order("detached"));
    for (request, code) in [
        (request(), "idempotency-key-missing"),
        (request().header("Idempotency-Key", ""), "idempotency-key-wrong-text"),
        (request().header("Idempotency-Key", "a b"), "idempotency-key-wrong-text"),
        (request().header("Idempotency-Key", &"k".repeat(256)), "idempotency-key-wrong-text"),
        (request().header("Idempotency-Key", "a").header("idempotency-key", "a"), "duplicate-field"),
    ] {
        let answer = service.as_member(Member::IssuingSystem, request).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
    }
    // None of them spent the key.
    assert_eq!(service.sign("one-key", &order("detached")).await.status, 201);
    for id in ["0", "..%2f..%2fetc", "00000000000000000000000000000000", "%00", "%ff", "%F0%9F"] {
        let answer = service.as_member(Member::Agency, Request::get(&format!("/v1/documents/{id}"))).await;
        assert_eq!(answer.status, 404, "{id}");
        answer.code();
    }
    service.running.shutdown().await;
}

/// Who is still sending when the answer is ready must not lose it to a connection that is cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_who_is_still_sending() {
    let service = Service::start().await;
    for _ in 0..8 {
        for (kind, length, expected) in [("text/plain", 3_000_000, 415), ("application/json", 20_000_000, 413)] {
            let answer = service.public(Request::post("/v1/verify", kind, vec![b' '; length])).await;
            assert_eq!(answer.status, expected, "{length} octets");
        }
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_by_its_field() {
    let service = Service::start().await;
    for (question, field) in [
        (json!({"document": base64(CONTENT)}), "document"),
        (json!({"document": base64(CONTENT), "signature": base64(CONTENT)}), "signature"),
        (
            json!({"digests": [{"algorithm": "sha-256", "value": base64(&[0; 32])}], "signature": base64(CONTENT)}),
            "signature",
        ),
    ] {
        let answer = service.verify(&question).await;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (422, Some(field)), "{question}");
    }
    service.running.shutdown().await;
}
