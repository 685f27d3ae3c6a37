//! PDFs signed over HTTP: recorded, repeated, raised, added to, and found again.

use std::time::Duration;

use antin::{
    core::cms::SignedData,
    pki::Member,
    registry::{exchange::check, sqlite::SqliteReader},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Service, base64,
    client::{Answer, Request},
    levels::{field, laid, over, right},
};
use crate::revocation::responder::{Answer as Reply, Responder};

pub(super) const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");

fn order(document: &[u8]) -> Value {
    json!({
        "kind": "judicial-certificate", "document": base64(document), "mediaType": "application/pdf", "format": "pades",
        "level": "B-B", "pdf": {"reason": "Cấp Phiếu lý lịch tư pháp", "location": "Hà Nội"}
    })
}

/// The answer to an order for a signed PDF.
pub(super) async fn signed_paper(service: &Service) -> Value {
    let answer = service.sign("paper", &order(PAPER)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// Another PDF, signed.
pub(super) async fn signed_document(service: &Service, octets: &[u8]) -> Vec<u8> {
    let answer = service.sign("document", &order(octets)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    document(&answer)
}

fn with(mut order: Value, field: &str, value: Value) -> Value {
    order[field] = value;
    order
}

fn document(answer: &Answer) -> Vec<u8> {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    assert_eq!(answer.json().get("signature"), None);
    STANDARD.decode(field(answer, "document")).expect("base64")
}

impl Service {
    async fn report(&self, document: &[u8]) -> Answer {
        self.public(Request::post("/v1/verify", "application/pdf", document)).await
    }

    async fn accepts(&self, document: &[u8], format: &str) -> Value {
        let answer = self.report(document).await;
        assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{}", answer.json());
        let report = answer.json();
        for signature in report["signatures"].as_array().expect("a list") {
            assert_eq!(signature["format"], format, "{report}");
        }
        report
    }

    async fn extend_pdf(&self, document: &[u8], level: &str) -> Answer {
        let order = json!({"document": base64(document), "level": level});
        self.as_member(Member::IssuingSystem, Request::json("/v1/extend", &order)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_signed_recorded_and_found_again() {
    let service = Service::start().await;
    let answer = service.sign("key-1", &order(PAPER)).await;
    let signed = document(&answer);
    assert!(signed.starts_with(PAPER), "its own octets are as they were");
    assert_eq!((field(&answer, "levelRequested").as_str(), field(&answer, "levelReached").as_str()), ("B-B", "B-B"));
    assert_eq!(field(&answer, "sha256"), hex::encode(antin::core::crypto::sha256(PAPER)));

    let report = service.accepts(&signed, "PAdES-BASELINE-B").await;
    let id = field(&answer, "id");
    assert_eq!((&report["document"]["kind"], &report["document"]["id"]), (&json!("judicial-certificate"), &json!(id)));
    assert_eq!(report["document"]["status"]["state"], "in-force");

    // Its signatures are about the PDF, and not about what lies beside it.
    let forged = b"forged".as_slice();
    let digest =
        |octets: &[u8]| json!([{"algorithm": "sha-256", "value": base64(&antin::core::crypto::sha256(octets))}]);
    for (mut question, code) in [
        (json!({"document": base64(forged)}), "content-differs"),
        (json!({"document": ""}), "content-differs"),
        (json!({"document": base64(PAPER)}), "content-differs"),
        (json!({"digests": digest(forged)}), "content-differs"),
        (json!({"document": base64(&signed)}), "valid"),
        (json!({"digests": digest(&signed)}), "valid"),
    ] {
        question["signature"] = base64(&signed).into();
        assert_eq!(service.verify(&question).await.reliance().1, code, "{}", question["digests"]);
    }
    for parts in [[("signature", &*signed), ("document", forged)], [("document", forged), ("signature", &*signed)]] {
        let answer = service.public(Request::multipart("/v1/verify", &parts)).await;
        assert_eq!(answer.reliance(), ("REJECT".to_owned(), "content-differs".to_owned()));
    }
    let extend = json!({"signature": base64(&signed), "content": base64(forged), "level": "B-T"});
    let extended = service.as_member(Member::IssuingSystem, Request::json("/v1/extend", &extend)).await;
    assert_eq!((extended.status, extended.code().as_str()), (422, "signature-not-passed"));

    // As parts, which is another way to say the same.
    let metadata = order(PAPER)["pdf"].to_string();
    let parts: [(&str, &[u8]); 6] = [
        ("kind", b"judicial-certificate"),
        ("mediaType", b"application/pdf"),
        ("format", b"pades"),
        ("level", b"B-B"),
        ("pdf", metadata.as_bytes()),
        ("document", PAPER),
    ];
    let request = Request::multipart("/v1/sign", &parts).header("Idempotency-Key", "key-1");
    let again = service.as_member(Member::IssuingSystem, request).await;
    assert_eq!(document(&again), signed, "the same octets again");
    let other = with(order(PAPER), "pdf", json!({"reason": "Khác"}));
    assert_eq!(service.sign("key-1", &other).await.code(), "idempotency-key-reused");

    let record = service.as_member(Member::IssuingSystem, Request::get(&format!("/v1/documents/{id}"))).await;
    assert_eq!(record.json()["format"], "pades");
    let path = format!("/v1/documents/{id}/signature");
    let message = service.as_member(Member::IssuingSystem, Request::get(&path)).await.body;
    let message = SignedData::decode(&message).expect("one message");
    assert!(message.content.is_none());
    assert!(hex::encode(&signed).contains(&hex::encode(hex::encode(message.signer_infos[0].signature))));

    let order = json!({"state": "withdrawn", "reason": "sai tên"});
    let request = Request::json(&format!("/v1/documents/{id}/status"), &order);
    assert_eq!(service.as_member(Member::IssuingSystem, request).await.status, 200);
    assert_eq!(service.report(&signed).await.reliance().1, "document-withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_next_signs_the_same_document() {
    let service = Service::start().await;
    let first = service.sign("key-1", &with(order(PAPER), "pdf", json!({"certify": "form-filling"}))).await;
    let id = field(&first, "id");
    let certified = document(&first);
    let second = service.sign("key-2", &with(order(&certified), "pdf", json!({"field": "Lần 2"}))).await;
    let both = document(&second);
    assert!(both.starts_with(&certified));
    let report = service.accepts(&both, "PAdES-BASELINE-B").await;
    assert_eq!(report["document"]["id"], id, "the paper keeps its name");
    assert_eq!(report["signatures"].as_array().map(Vec::len), Some(2));

    let broken = {
        let mut broken = both.clone();
        let at = broken.windows(9).position(|window| window == b"/MediaBox").expect("a page");
        broken[at + 1] = b'm';
        broken
    };
    for (document, pdf, status, code) in [
        (&both, json!({"certify": "no-changes"}), 422, "pdf-certification-not-first"),
        (&both, json!({"field": "Lần 2"}), 422, "pdf-field"),
        (&both, json!({"field": "a.b"}), 422, "pdf-field"),
        (&both, json!({"reason": "a\nb"}), 400, "pdf-wrong-text"),
        (&both, json!({"certify": "all"}), 400, "pdf-certify-unknown-value"),
        (&broken, json!({}), 422, "pdf-signature-broken"),
        (&b"%PDF-1.7 and nothing more".to_vec(), json!({}), 422, "pdf-unreadable"),
        (&b"no PDF".to_vec(), json!({}), 422, "pdf-unreadable"),
    ] {
        let answer = service.sign("key-3", &with(order(document), "pdf", pdf.clone())).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{pdf}");
    }
    // Nothing was signed: the key is free for another order.
    assert_eq!(service.sign("key-3", &order(PAPER)).await.status, 201);
    let closed = document(&service.sign("key-4", &with(order(PAPER), "pdf", json!({"certify": "no-changes"}))).await);
    assert_eq!(service.sign("key-5", &order(&closed)).await.code(), "pdf-certified");
    let kind = with(order(&both), "kind", json!("health-book"));
    assert_eq!(service.sign("key-6", &kind).await.code(), "existing-signature-conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pdf_has_no_use_for_is_refused() {
    let service = Service::start().await;
    let digest = json!({"algorithm": "sha-256", "value": base64(&[7; 32])});
    let mut by_digest = with(order(PAPER), "digest", digest);
    by_digest.as_object_mut().expect("an object").remove("document");
    let cades = with(super::order("detached"), "pdf", json!({}));
    for (order, code) in [
        (with(order(PAPER), "packaging", json!("detached")), "packaging-conflict"),
        (with(order(PAPER), "existingSignature", json!("AAAA")), "existing-signature-conflict"),
        (with(order(PAPER), "mediaType", json!("text/plain")), "media-type-unknown-value"),
        (with(order(PAPER), "pdf", json!({"seal": 1})), "unknown-field"),
        (by_digest, "digest-conflict"),
        (cades, "pdf-conflict"),
    ] {
        let answer = service.sign("key-1", &order).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_are_made_within_the_request() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    // The lists at hand are older than any time-stamp given now: B-LT has to wait for the next ones.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = service.sign("key-1", &with(order(PAPER), "level", json!("B-LTA"))).await;
    let (stamped, id) = (document(&answer), field(&answer, "id"));
    assert_eq!((field(&answer, "levelRequested").as_str(), field(&answer, "levelReached").as_str()), ("B-LTA", "B-T"));
    assert_eq!(tsa.asked(), 1);
    service.accepts(&stamped, "PAdES-BASELINE-T").await;
    assert_eq!(document(&service.sign("key-1", &with(order(PAPER), "level", json!("B-LTA"))).await), stamped);
    assert_eq!(service.reached(&id).await, ("B-LTA".to_owned(), "B-T".to_owned()));
    assert_eq!(service.backlog().await["waiting"], 0, "{}", service.backlog().await);

    service.with_younger_lists().await;
    let answer = service.extend_pdf(&stamped, "B-LT").await;
    let long_term = document(&answer);
    assert!(long_term.starts_with(&stamped));
    assert_eq!(field(&answer, "levelReached"), "B-LT");
    service.accepts(&long_term, "PAdES-BASELINE-LT").await;
    let answer = service.extend_pdf(&long_term, "B-LTA").await;
    let archived = document(&answer);
    assert_eq!((field(&answer, "levelReached").as_str(), tsa.asked()), ("B-LTA", 2));
    let report = service.accepts(&archived, "PAdES-BASELINE-LTA").await;
    assert_eq!(report["document"]["status"]["state"], "in-force", "it is known whatever was added to it");
    let renewed = document(&service.extend_pdf(&archived, "B-LTA").await);
    assert_eq!(tsa.asked(), 3);
    assert!(renewed.starts_with(&archived));
    service.accepts(&renewed, "PAdES-BASELINE-LTA").await;
    let basic = document(&service.sign("key-2", &order(PAPER)).await);
    let by_document = document(&service.extend_pdf(&basic, "B-T").await);
    assert!(by_document.starts_with(&basic), "nothing that was signed is written again");
    service.accepts(&by_document, "PAdES-BASELINE-T").await;
    assert_eq!(service.extend_pdf(PAPER, "B-T").await.code(), "signature-not-passed");
    let registry = directory.path().join("registry.db");
    let mut reader = SqliteReader::open(&registry).expect("a registry");
    let checked = check(&mut reader, |id, fault| panic!("{id:?}: {fault}")).await.expect("read");
    assert!(checked.issued >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_the_signature_is_released_as_it_is() {
    let directory = laid();
    let silent = Responder::start(Reply::Status(500));
    let service = over(&directory, &[&silent]).await;
    let answer = service.sign("key-1", &with(order(PAPER), "level", json!("B-T"))).await;
    let signed = document(&answer);
    assert_eq!((field(&answer, "levelReached").as_str(), silent.asked()), ("B-B", 1));
    service.accepts(&signed, "PAdES-BASELINE-B").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_is_drawn_with_what_the_settings_say_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = directory.path().join("seal.png");
    std::fs::write(&image, crate::signing::seal::ring()).expect("written");
    let service = Service::with(|config| {
        config.public.verification_url = Some("https://kiemtra.thunghiem.example/v".to_owned());
        for key in &mut config.keys {
            key.seal_image = Some(image.clone());
        }
    })
    .await;
    let paper = crate::signing::seal::paper();
    let with_seal = |seal: Value| with(order(&paper), "pdf", json!({"appearance": seal}));
    let answer =
        service.sign("key-1", &with_seal(json!({"organisation": "CÔNG AN TỈNH THỬ NGHIỆM", "ink": "blue"}))).await;
    let signed = document(&answer);
    service.accepts(&signed, "PAdES-BASELINE-B").await;
    let path = crate::signing::seal::written(&signed, "seal-http.pdf");
    let picture = crate::signing::seal::picture(&path);
    let found = crate::signing::seal::output("zbarimg", &["--quiet", "--raw", picture.to_str().expect("UTF-8")]);
    assert_eq!(found.trim(), format!("https://kiemtra.thunghiem.example/v/{}", field(&answer, "id")));
    // Another seal is another order.
    let other = service.sign("key-1", &with_seal(json!({"organisation": "CÔNG AN TỈNH THỬ NGHIỆM"}))).await;
    assert_eq!(other.code(), "idempotency-key-reused");
    for (seal, code) in [
        (json!({"page": 9}), "pdf-seal"),
        (json!({"x": 590, "y": 10}), "pdf-seal"),
        (json!({"organisation": "機關"}), "pdf-seal"),
    ] {
        let refused = service.sign("key-2", &with_seal(seal.clone())).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, code), "{seal}");
    }
    for seal in [json!({"x": 5}), json!({"page": 0}), json!({"page": "1"}), json!({"ink": "red"}), json!([])] {
        assert_eq!(service.sign("key-3", &with_seal(seal.clone())).await.status, 400, "{seal}");
    }
}
