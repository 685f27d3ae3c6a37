//! Software written for SiVa 3: its documented requests, and what it acts on in the answers.

use antin::core::crypto::sha256;
use antin::pki::{self, Member, Reason};
use antin::{clock, core::x509::Certificate};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{CONTENT, Service, base64, client::Request};

/// The requests in `docs/siva.md`, which are those of SiVa's own documentation, with this document in them.
fn documented(document: &[u8]) -> Vec<Value> {
    let page = include_str!("../../docs/siva.md");
    let (_, section) = page.split_once("\n## Request\n").expect("the section");
    let blocks = section.split("```json\n").skip(1).map(|block| block.split("```").next().expect("a block"));
    let requests = blocks.filter(|block| !block.contains("requestErrors"));
    let with_document = |block: &str| {
        let mut request: Value = serde_json::from_str(block).expect("JSON");
        request["document"] = base64(document).into();
        request
    };
    requests.map(with_document).collect()
}

async fn validated(service: &Service, request: &Value) -> Value {
    let answer = service.public(Request::json("/validate", request)).await;
    assert_eq!(answer.status, 200, "{request} {}", String::from_utf8_lossy(&answer.body));
    answer.json()["validationReport"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_requests_are_answered_in_siva_s_fields() {
    let service = Service::start().await;
    let (message, _) = service.issue("siva", "enveloping").await;
    let requests = documented(&message);
    assert_eq!(requests.len(), 2);
    for (request, policy, more) in [
        (&requests[0], "POLv4", &["validationConclusion"][..]),
        (&requests[1], "POLv3", &["validationConclusion", "validationProcess"]),
    ] {
        let report = validated(&service, request).await;
        let members: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(members, more);
        let conclusion = &report["validationConclusion"];
        assert_eq!((&conclusion["signaturesCount"], &conclusion["validSignaturesCount"]), (&1.into(), &1.into()));
        assert_eq!(conclusion["policy"]["policyName"], policy);
        assert_eq!(conclusion["validatedDocument"]["filename"], request["filename"]);
        assert_eq!(conclusion["validatedDocument"]["fileHash"], STANDARD.encode(sha256(&message)));
        assert_eq!(conclusion["validationWarnings"], json!([]));
        let signature = &conclusion["signatures"][0];
        let hospital = "Bệnh viện Đa khoa Sông Ngân (thử nghiệm)";
        for (name, expected) in [
            ("indication", json!("TOTAL-PASSED")),
            ("subIndication", Value::Null),
            ("signatureFormat", json!("CAdES_BASELINE_B")),
            ("signatureMethod", json!("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")),
            ("signedBy", json!(hospital)),
            ("errors", json!([])),
        ] {
            assert_eq!(signature[name], expected, "{name}");
        }
        assert_eq!(signature["subjectDistinguishedName"]["commonName"], hospital);
        assert_eq!(signature["signatureScopes"][0]["hash"], STANDARD.encode(sha256(CONTENT)));
        assert!(signature["info"]["bestSignatureTime"].is_null(), "nothing proves a time");
        let certificate = &signature["certificates"][0];
        assert_eq!((&certificate["type"], &certificate["commonName"]), (&"SIGNING".into(), &hospital.into()));
        let der = |one: &Value| STANDARD.decode(one["content"].as_str().expect("text")).expect("base64");
        let signer = Certificate::decode(&der(certificate)).expect("a certificate");
        let issuer = Certificate::decode(&der(&certificate["issuer"])).expect("a certificate");
        assert_eq!(signer.issuer, issuer.subject);
        assert!(certificate["issuer"]["issuer"]["issuer"].is_null(), "the root ends it");
    }
    let mut diagnostic = requests[0].clone();
    diagnostic["reportType"] = "diagnostic".into();
    let report = validated(&service, &diagnostic).await;
    assert_eq!(report["diagnosticData"]["reliance"]["outcome"], "ACCEPT");
    for (path, status) in [("/monitoring/health", "UP"), ("/monitoring/heartbeat", "UP")] {
        let answer = service.public(Request::get(path)).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &status.into()), "{path}");
    }
    let health = service.public(Request::get("/monitoring/health")).await.json();
    let details = &health["components"]["health"]["details"];
    assert!(
        details["startTime"].as_str() <= details["currentTime"].as_str() && details["version"].is_string(),
        "{health}"
    );
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said_in_siva_s_form() {
    let service = Service::start().await;
    let (message, _) = service.issue("siva", "enveloping").await;
    let good = json!({"document": base64(&message), "filename": "a.p7m"});
    let with = |name: &str, value: Value| {
        let mut request = good.clone();
        request[name] = value;
        request
    };
    let malformed = "Document malformed or not matching documentType";
    for (request, expected) in [
        (json!({}), vec![("document", "Must not be blank"), ("filename", "Must not be blank")]),
        (with("document", json!("")), vec![("document", "Must not be blank")]),
        (with("document", json!("AA")), vec![("document", "Document is not encoded in a valid base64 string")]),
        (with("document", json!("AAAA")), vec![("document", malformed)]),
        (with("filename", json!(" ")), vec![("filename", "Must not be blank")]),
        (
            with("filename", json!("ấ".repeat(256))),
            vec![("filename", "Must have 1 to 255 characters, and no control characters")],
        ),
        (
            with("filename", json!("a\u{0}")),
            vec![("filename", "Must have 1 to 255 characters, and no control characters")],
        ),
        (with("reportType", json!("Whole")), vec![("reportType", "Invalid report type")]),
        (
            with("signaturePolicy", json!(format!("POLv5{}", "x".repeat(100)))),
            vec![(
                "signaturePolicy",
                &*format!(
                    "Invalid signature policy: POLv5{}; Available abstract policies: [POLv3, POLv4]",
                    "x".repeat(59)
                ),
            )],
        ),
        (
            with("documentType", json!("PDF")),
            vec![("documentType", "no such field; the fields are document, filename, signaturePolicy, reportType")],
        ),
        (with("filename", json!(1)), vec![("filename", "the field must be a string")]),
    ] {
        let answer = service.public(Request::json("/validate", &request)).await;
        let expected: Vec<Value> =
            expected.into_iter().map(|(key, message)| json!({"key": key, "message": message})).collect();
        assert_eq!((answer.status, answer.json()), (400, json!({"requestErrors": expected})), "{request}");
    }
    assert!(service.public(Request::json("/validate", &with("filename", json!("ấ".repeat(255))))).await.status == 200);
    let answer = service.public(Request::post("/validate", "application/json", "[]")).await;
    assert_eq!(answer.json()["requestErrors"][0]["key"], "request");
    let answer = service.public(Request::post("/validate", "text/xml", "<a/>")).await;
    assert_eq!(answer.code(), "unsupported-media-type");
    service.running.shutdown().await;
}

/// Who acts on counts and indications alone takes nothing that must not be relied on.
#[tokio::test(flavor = "multi_thread")]
async fn no_signature_passes_where_the_document_is_not_to_be_relied_on() {
    let service = Service::start().await;
    let (message, id) = service.issue("siva", "enveloping").await;
    let request = json!({"document": base64(&message), "filename": "a.p7m"});
    let acted_on = |report: &Value| {
        let conclusion = &report["validationConclusion"];
        let signature = &conclusion["signatures"][0];
        let words = |list: &Value| list[0]["content"].as_str().unwrap_or_default().to_owned();
        let indication = signature["indication"].as_str().unwrap_or_default().to_owned();
        let count = conclusion["validSignaturesCount"].as_u64().expect("a count");
        (count, indication, words(&signature["errors"]), words(&conclusion["validationWarnings"]))
    };
    let withdrawn = json!({"state": "withdrawn", "reason": "issued by mistake"});
    let changed = service
        .as_member(Member::IssuingSystem, Request::json(&format!("/v1/documents/{id}/status"), &withdrawn))
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let (count, indication, error, warning) = acted_on(&validated(&service, &request).await);
    assert_eq!((count, &*indication), (0, "INDETERMINATE"));
    assert!(error.ends_with("[document-withdrawn]") && warning.starts_with("REJECT: "), "{error} {warning}");
    // A changed document fails as it does everywhere.
    let mut broken = message.clone();
    let at = broken.windows(6).position(|window| window == b"Bundle").expect("in clear");
    broken[at] ^= 1;
    let request = json!({"document": base64(&broken), "filename": "a.p7m"});
    let (count, indication, error, _) = acted_on(&validated(&service, &request).await);
    assert_eq!((count, &*indication), (0, "TOTAL-FAILED"));
    assert!(error.ends_with("[document-changed]"), "{error}");
    // Nothing is found in a PDF without signatures.
    let request = json!({"document": base64(b"%PDF-1.4\n%%EOF\n"), "filename": "a.pdf"});
    let report = validated(&service, &request).await;
    assert_eq!(report["validationConclusion"]["signaturesCount"], 0);
    assert_eq!(report["validationConclusion"]["signatures"], json!([]));
    // A revoked signer.
    let (message, _) = service.issue("another", "enveloping").await;
    pki::revoke(&service.pki(), &Member::Health.certificate_path(&service.pki()), Reason::KeyCompromise, clock::now())
        .expect("revoked");
    let request = json!({"document": base64(&message), "filename": "a.p7m"});
    let mut seen = String::new();
    for _ in 0..100 {
        let (count, _, error, _) = acted_on(&validated(&service, &request).await);
        seen = error;
        if count == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(seen.ends_with("[certificate-revoked]"), "{seen}");
    service.running.shutdown().await;
}
