//! Kinds as data, over HTTP: one of each is signed, what is malformed is not, and what documents are is told.

use serde_json::{Value, json};

use super::{CONTENT, Service, base64, client::Request, order};
use crate::documents::SAMPLES;

fn with(mut order: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        order[name] = value.clone();
    }
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_each_kind_is_signed_and_accepted() {
    let service = Service::start().await;
    for (number, (kind, media_type, document)) in SAMPLES.into_iter().enumerate() {
        let order =
            with(order("detached"), json!({"kind": kind, "mediaType": media_type, "document": base64(document)}));
        let signed = service.sign(&format!("key-{number}"), &order).await;
        assert_eq!(signed.status, 201, "{kind}: {}", String::from_utf8_lossy(&signed.body));
        let question = json!({"document": base64(document), "signature": signed.json()["signature"]});
        let answer = service.verify(&question).await;
        assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{kind}");
        assert_eq!(answer.json()["document"]["kind"], kind);
        if media_type == "application/pdf" {
            let order = json!({
                "kind": kind, "document": base64(document), "mediaType": media_type, "format": "pades", "level": "B-B",
            });
            let signed = service.sign(&format!("pdf-{number}"), &order).await;
            assert_eq!(signed.status, 201, "{kind}: {}", String::from_utf8_lossy(&signed.body));
        }
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_document_is_refused_with_the_path_of_the_fault_and_its_key_stays_free() {
    let service = Service::start().await;
    let mut book: Value = serde_json::from_slice(CONTENT).expect("JSON");
    book["entry"][1]["resource"]["birthDate"] = json!("yesterday");
    let twice = String::from_utf8_lossy(CONTENT).replacen("{", "{\"type\":\"document\",", 1);
    for (changes, code, field, path) in [
        (json!({"document": base64(b"{}")}), "document-malformed", "document", json!("/resourceType")),
        (
            json!({"document": base64(book.to_string().as_bytes())}),
            "document-malformed",
            "document",
            json!("/entry/1/resource/birthDate"),
        ),
        (json!({"document": base64(twice.as_bytes())}), "document-malformed", "document", json!("/type")),
        (json!({"mediaType": "text/plain"}), "media-type-not-permitted", "mediaType", Value::Null),
        (json!({"mediaType": "application/pdf"}), "document-malformed", "document", json!("")),
        (json!({"kind": "referral"}), "media-type-not-permitted", "mediaType", Value::Null),
        (json!({"kind": "referral", "mediaType": "application/json"}), "document-malformed", "document", json!("")),
    ] {
        for packaging in ["detached", "enveloping"] {
            let answer = service.sign("key", &with(order(packaging), changes.clone())).await;
            let problem = answer.json();
            assert_eq!((answer.status, &problem["code"]), (422, &json!(code)), "{changes}: {problem}");
            assert_eq!((&problem["field"], &problem["path"]), (&json!(field), &path), "{changes}: {problem}");
            assert!(!problem.to_string().contains("yesterday"), "{problem}");
        }
    }
    assert_eq!(service.sign("key", &order("detached")).await.status, 201, "nothing was signed before");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_documents_are_is_told_to_everyone() {
    let service = Service::start().await;
    let answer = service.public(Request::get("/v1/kinds")).await;
    assert_eq!(answer.status, 200);
    let kinds = answer.json();
    let kinds = kinds["kinds"].as_array().expect("a list");
    assert_eq!(kinds.len(), 8);
    for kind in kinds {
        assert_eq!(kind["issuedHere"], true, "{kind}");
        for content in kind["contents"].as_array().expect("contents") {
            let Some(address) = content["schema"].as_str() else { continue };
            let schema = service.public(Request::get(address)).await;
            assert!(schema.status == 200 && schema.head.contains("application/schema+json"), "{schema:?}");
            assert_eq!(schema.json()["$schema"], "https://json-schema.org/draft/2020-12/schema");
        }
    }
    let referral = kinds.iter().find(|kind| kind["name"] == "referral").expect("a kind");
    assert_eq!(referral["requiredSigners"][1]["signers"], json!([["doctor"], ["facility"]]));
    assert_eq!(referral["reliance"]["validity"][1]["workingDays"], 10);
    assert_eq!(referral["reliance"]["case"], json!({"listed-disease": "/listedDisease"}));
    for unknown in ["/v1/schemas/other.schema.json", "/v1/schemas/referral.toml", "/v1/schemas/..%2Fantin.toml"] {
        assert_eq!(service.public(Request::get(unknown)).await.status, 404, "{unknown}");
    }
    service.running.shutdown().await;
}

/// A file, no code.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_kind_is_a_new_file() {
    let kind = "name = \"permit\"\ntitle = { vi = \"Giấy phép\", en = \"Permit\" }\n[[content]]\nmedia-type = \"text/xml\"\n\
                form = \"octets\"\nmaximum-bytes = 20\n[reliance]\npurposes = [\"fishing\"]\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("permit.toml"), kind).expect("written");
    let service = Service::with(|config| {
        config.documents.kinds_folder = Some(folder.path().to_owned());
        config.kinds.push(antin::config::Kind { name: "permit".to_owned(), ..config.kinds[0].clone() });
        config.clients[0].kinds.push("permit".to_owned());
    })
    .await;
    let permit = |document: &[u8]| {
        with(order("enveloping"), json!({"kind": "permit", "mediaType": "text/xml", "document": base64(document)}))
    };
    let signed = service.sign("key", &permit(b"<permit/>")).await;
    assert_eq!(signed.status, 201, "{}", String::from_utf8_lossy(&signed.body));
    for (purpose, code) in [("fishing", "valid"), ("hunting", "purpose-not-allowed")] {
        let question = json!({"document": signed.json()["signature"], "purpose": purpose});
        assert_eq!(service.verify(&question).await.reliance().1, code);
    }
    assert_eq!(service.sign("long", &permit(&[b'x'; 21])).await.code(), "document-malformed");
    service.running.shutdown().await;
}

/// By the rules about kinds, where an operator says how offices are known (Circular 15/2025: permitted scope).
#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_holder_may_not_issue_the_kind_signs_none() {
    let rules = |organization: &str| {
        format!(
            "[role.public-security]\nproofs = [{{ organization = [\"{organization}\"] }}]\n[role.justice-department]\nproofs = []\n"
        )
    };
    for (organization, status) in [("Bộ Công an (thử nghiệm)", 201), ("Sở Tư pháp", 403)] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules(organization)).expect("written");
        let service = Service::with(|config| config.verify.document_kinds = Some(file.clone())).await;
        let (kind, media_type, document) = SAMPLES[3];
        let order =
            with(order("detached"), json!({"kind": kind, "mediaType": media_type, "document": base64(document)}));
        let answer = service.sign("key", &order).await;
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
        if status == 403 {
            assert_eq!(answer.code(), "issuer-not-authorised");
        }
        service.running.shutdown().await;
    }
}
