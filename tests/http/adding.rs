//! A second signature on a document that has one: doctor, then facility.

use antin::{
    cli::dev,
    clock,
    config::Config,
    core::{
        algorithm::DigestAlgorithm,
        cms::{SignedData, build::attribute, document_reference::DocumentReference},
        crypto,
        der::writer,
        oid,
    },
    pki::{self, Member, Reason},
    service::keys,
    signing::CadesRequest,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Service, base64,
    client::{Answer, Request},
};
use crate::kit::ber::{Style, twin};
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::tree;

/// A referral paper.
const CONTENT: &[u8] = include_bytes!("../../testvectors/documents/referral.json");

const RULES: &str = r#"
[role.doctor]
proofs = [{ organization = ["Bộ Công an (thử nghiệm)"] }]
[role.facility]
proofs = [{ organization = ["Bệnh viện Đa khoa Sông Ngân (thử nghiệm)"] }]
[[kind]]
names = ["referral"]
periods = [{ signers = [["doctor"], ["facility"]] }]
"#;

/// Referrals need both keys; the judicial one plays the doctor's.
async fn service(foreign: bool) -> Service {
    Service::with(|config: &mut Config| {
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        let rules = folder.join("document-kinds.toml");
        std::fs::write(&rules, RULES).expect("written");
        config.verify.document_kinds = Some(rules);
        for kind in config.kinds.iter_mut().filter(|kind| kind.name == "referral") {
            kind.keys = vec!["judicial".to_owned(), "health".to_owned()];
            kind.foreign_references = foreign;
        }
    })
    .await
}

fn order(signer: &str, packaging: &str, more: &Value) -> Value {
    let mut order = json!({
        "kind": "referral", "document": base64(CONTENT), "mediaType": "application/json", "format": "cades",
        "packaging": packaging, "level": "B-B", "signer": signer
    });
    let fields = order.as_object_mut().expect("an object");
    for (name, value) in more.as_object().expect("an object") {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    order
}

fn signature(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 201, "{answer:?}");
    STANDARD.decode(answer.json()["signature"].as_str().expect("a signature")).expect("base64")
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_then_facility_make_a_whole_referral() {
    let service = service(false).await;
    for (number, (first, second)) in
        [("detached", "detached"), ("enveloping", "enveloping"), ("detached", "enveloping"), ("enveloping", "detached")]
            .into_iter()
            .enumerate()
    {
        let doctor = service.sign(&format!("doctor-{number}"), &order("judicial", first, &json!({}))).await;
        let (id, doctor) = (doctor.json()["id"].clone(), signature(&doctor));
        let ask = async |signature: &[u8], packaging: &str| {
            let detached = json!({"document": base64(CONTENT), "signature": base64(signature)});
            let whole = json!({"document": base64(signature)});
            service.verify(if packaging == "detached" { &detached } else { &whole }).await
        };
        assert_eq!(ask(&doctor, first).await.reliance().1, "required-signature-missing");

        let more = json!({"existingSignature": base64(&doctor)});
        let key = format!("facility-{number}");
        let facility = service.sign(&key, &order("health", second, &more)).await;
        let both = signature(&facility);
        assert_ne!(facility.json()["id"], id, "a record of its own");
        let answer = ask(&both, second).await;
        assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()));
        let answer = answer.json();
        assert_eq!((&answer["document"]["id"], &answer["document"]["status"]["state"]), (&id, &json!("in-force")));
        assert_eq!(answer["signatures"].as_array().map(Vec::len), Some(2));
        // What the doctor signed stands in it as it was, and comes first.
        let (was, is) = (SignedData::decode(&doctor).expect("CMS"), SignedData::decode(&both).expect("CMS"));
        let attributes =
            |message: &SignedData<'_>| message.signer_infos[0].signed_attributes.map(|field| field.raw.to_vec());
        assert_eq!(attributes(&was), attributes(&is));
        assert_eq!(was.signer_infos[0].signature, is.signer_infos[0].signature);
        assert!(was.certificates.iter().all(|certificate| is.certificates.contains(certificate)));
        // The same order again, and another under the same key.
        assert_eq!(signature(&service.sign(&key, &order("health", second, &more)).await), both);
        let other = order("health", second, &json!({"existingSignature": base64(&both)}));
        assert_eq!(service.sign(&key, &other).await.code(), "idempotency-key-reused");
        assert_eq!(service.sign(&key, &order("health", second, &json!({}))).await.code(), "idempotency-key-reused");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_may_stay_in_the_message_or_with_the_client() {
    let service = service(false).await;
    let doctor = signature(&service.sign("1", &order("judicial", "enveloping", &json!({}))).await);
    let inside = json!({"existingSignature": base64(&doctor), "document": null, "mediaType": null});
    let both = signature(&service.sign("2", &order("health", "enveloping", &inside)).await);
    assert_eq!(service.verify(&json!({"document": base64(&both)})).await.reliance().1, "valid");
    let digest = json!({"algorithm": "sha-256", "value": base64(&crypto::sha256(CONTENT))});
    let digest = json!({"existingSignature": base64(&doctor), "document": null, "digest": digest});
    let both = signature(&service.sign("3", &order("health", "detached", &digest)).await);
    let detached = json!({"document": base64(CONTENT), "signature": base64(&both)});
    assert_eq!(service.verify(&detached).await.reliance().1, "valid");
    let ber = twin(&doctor, Style { indefinite: true, pieces: Some(8), ..Style::default() });
    let parts: [(&str, &[u8]); 8] = [
        ("kind", b"referral"),
        ("mediaType", b"application/json"),
        ("format", b"cades"),
        ("packaging", b"enveloping"),
        ("level", b"B-B"),
        ("signer", b"health"),
        ("existingSignature", &ber),
        ("document", CONTENT),
    ];
    let request = Request::multipart("/v1/sign", &parts).header("Idempotency-Key", "4");
    let both = signature(&service.as_member(Member::IssuingSystem, request).await);
    assert_eq!(service.verify(&json!({"document": base64(&both)})).await.reliance().1, "valid");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_what_is_broken_or_says_something_else() {
    let service = service(false).await;
    let doctor = service.sign("doctor", &order("judicial", "detached", &json!({}))).await;
    let (id, doctor) = (doctor.json()["id"].as_str().expect("an id").to_owned(), signature(&doctor));
    let enveloping = signature(&service.sign("enveloping", &order("judicial", "enveloping", &json!({}))).await);
    let book = signature(&service.sign("book", &super::order("detached")).await);
    let mut broken = doctor.clone();
    let value = SignedData::decode(&doctor).expect("CMS").signer_infos[0].signature;
    let place = value.as_ptr() as usize - doctor.as_ptr() as usize;
    broken[place + 12] ^= 1;
    let keys =
        keys::keys(&dev::settings(service.directory.path(), service.running.public, service.running.public).keys, &[]);
    let keys = keys.expect("the keys");
    let stating = |document: &DocumentReference| {
        let digest = (DigestAlgorithm::Sha256, &crypto::sha256(CONTENT)[..]);
        let request = CadesRequest { digest, content: None, signing_time: clock::now(), document: Some(document) };
        keys[0].sign_cades(&request).expect("signed")
    };
    let foreign = stating(&DocumentReference::new("referral", "HIS-1", None).expect("fits"));
    // Our id, and an address that is not ours.
    let borrowed = stating(&DocumentReference::new("referral", &id, Some("https://evil.example/1")).expect("fits"));
    let add = async |existing: &[u8], more: Value| {
        let mut fields = json!({"existingSignature": base64(existing)});
        fields.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        service.sign("facility", &order("health", "detached", &fields)).await
    };
    let other = json!({"document": base64(b"another document")});
    let mut archived = SignerInfo::new(&tree().signer, CONTENT);
    let number = writer::unsigned(&[1]);
    archived.unsigned_attributes = Some(vec![attribute(oid::ARCHIVE_TIME_STAMP_V2, &number)]);
    let archived = Message::detached(archived).encode();
    for (existing, more, code) in [
        (&archived, json!({}), "existing-signature-archived"),
        (&broken, json!({}), "existing-signature-broken"),
        (&doctor, other.clone(), "existing-signature-broken"),
        (&enveloping, other, "existing-signature-broken"),
        (&book, json!({"document": base64(super::CONTENT)}), "existing-signature-conflict"),
        (&foreign, json!({}), "existing-signature-foreign"),
        (&borrowed, json!({}), "existing-signature-foreign"),
        (&CONTENT.to_vec(), json!({}), "existing-signature-unreadable"),
        (&doctor, json!({"document": null, "mediaType": null}), "document-missing"),
    ] {
        let answer = add(existing, more).await;
        assert_eq!(answer.code(), code, "{answer:?}");
        assert_eq!(answer.json()["field"], if code == "document-missing" { "document" } else { "existingSignature" });
    }
    // The key is still free: nothing was signed under it.
    assert_eq!(add(&doctor, json!({})).await.status, 201);
    let change = json!({"state": "suspended", "reason": "thử"});
    let change = Request::json(&format!("/v1/documents/{id}/status"), &change);
    assert_eq!(service.as_member(Member::IssuingSystem, change).await.status, 200);
    let again = order("health", "detached", &json!({"existingSignature": base64(&doctor)}));
    assert_eq!(service.sign("later", &again).await.code(), "existing-signature-not-in-force");
    let certificate = Member::Judicial.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(service.sign("later", &again).await.code(), "existing-signature-undetermined");
    service.running.shutdown().await;
}

/// A doctor whose own system names the paper.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_another_system_is_signed_where_the_settings_allow_it() {
    let service = service(true).await;
    let keys =
        keys::keys(&dev::settings(service.directory.path(), service.running.public, service.running.public).keys, &[]);
    let document = DocumentReference::new("referral", "HIS-1", Some("https://his.example/1")).expect("fits");
    let digest = (DigestAlgorithm::Sha256, &crypto::sha256(CONTENT)[..]);
    let request = CadesRequest { digest, content: None, signing_time: clock::now(), document: Some(&document) };
    let doctor = keys.expect("the keys")[0].sign_cades(&request).expect("signed");
    let more = json!({"existingSignature": base64(&doctor)});
    let both = signature(&service.sign("facility", &order("health", "enveloping", &more)).await);
    let answer = service.verify(&json!({"document": base64(&both)})).await;
    assert_eq!(answer.reliance().1, "valid");
    assert_eq!(
        (&answer.json()["document"]["id"], &answer.json()["document"]["status"]),
        (&json!("HIS-1"), &json!(null))
    );
    service.running.shutdown().await;
}
