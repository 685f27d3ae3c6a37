//! From an issuing system to an agency: sign, verify in every form, tamper, withdraw, revoke.

use std::time::Duration;

use antin::{
    cli::dev,
    clock,
    config::Config,
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto},
    pki::{self, Member, Reason},
    service::keys,
    signing::CadesRequest,
};
use serde_json::json;

use super::{CONTENT, Service, base64, client::Request};

fn accepted() -> (String, String) {
    ("ACCEPT".to_owned(), "valid".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_document_is_accepted_in_every_form() {
    let service = Service::start().await;
    let (enveloping, id) = service.issue("key-1", "enveloping").await;
    let (detached, _) = service.issue("key-2", "detached").await;
    let digest = |algorithm| base64(&crypto::digest(algorithm, CONTENT));
    let sha256 = json!({"algorithm": "sha-256", "value": digest(DigestAlgorithm::Sha256)});
    let sha512 = json!({"algorithm": "sha-512", "value": digest(DigestAlgorithm::Sha512)});
    let signature = base64(&detached);

    let questions = [
        Request::json("/v1/verify", &json!({"document": base64(&enveloping), "filename": "a.p7m", "policy": "strict"})),
        Request::json(
            "/v1/verify",
            &json!({"document": base64(CONTENT), "signature": signature, "purpose": "treatment"}),
        ),
        Request::json("/v1/verify", &json!({"digests": [sha512, sha256], "signature": signature})),
        Request::post("/v1/verify", "application/pkcs7-mime; smime-type=signed-data", enveloping.clone()),
        Request::multipart("/v1/verify", &[("document", CONTENT), ("signature", &detached), ("policy", b"any-ades")]),
        Request::multipart("/v1/verify", &[("signature", &detached), ("document", CONTENT)]),
        Request::multipart("/v1/verify", &[("purpose", b"treatment"), ("document", &enveloping)]),
    ];
    for question in questions {
        let answer = service.public(question).await;
        assert_eq!(answer.reliance(), accepted(), "{}", String::from_utf8_lossy(&answer.body));
        let document = &answer.json()["document"];
        assert_eq!(document["sha256"], hex::encode(crypto::sha256(CONTENT)));
        assert_eq!(document["kind"], "health-book");
        assert_eq!(document["status"]["state"], "in-force");
    }
    let answer = service.verify(&json!({"document": base64(&enveloping)})).await.json();
    assert_eq!(answer["document"]["id"], id);
    let as_agency = Request::json("/v1/verify", &json!({"document": base64(&enveloping)}));
    assert_eq!(service.as_member(Member::Agency, as_agency).await.reliance(), accepted());
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_is_a_demand_and_never_evidence() {
    let service = Service::start().await;
    let (enveloping, _) = service.issue("key-1", "enveloping").await;
    let outcome = async |document: &[u8], purpose: &str| {
        service.verify(&json!({"document": base64(document), "purpose": purpose})).await.reliance()
    };
    assert_eq!(outcome(&enveloping, "treatment").await, accepted());
    let rejected = ("REJECT".to_owned(), "purpose-not-allowed".to_owned());
    assert_eq!(outcome(&enveloping, "nationality").await, rejected);
    // A message that does not say what it is, and one of a kind that the settings do not know.
    let free = service.running.public;
    let keys = keys::keys(&dev::settings(service.directory.path(), free, free).keys, &[]).expect("the keys");
    let undetermined = |code: &str| ("UNDETERMINED".to_owned(), code.to_owned());
    let foreign = DocumentReference::new("driving-licence", "1", None).expect("fits");
    for (document, code) in [(None, "kind-unknown"), (Some(&foreign), "purpose-unknown")] {
        let message = keys[0].sign_cades(&CadesRequest {
            digest: (DigestAlgorithm::Sha256, &crypto::sha256(CONTENT)),
            content: Some(CONTENT),
            signing_time: clock::now(),
            document,
        });
        assert_eq!(outcome(&message.expect("signed"), "treatment").await, undetermined(code));
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_rejected_and_what_is_missing_is_undetermined() {
    let service = Service::start().await;
    let (detached, _) = service.issue("key-1", "detached").await;
    let mut changed = CONTENT.to_vec();
    changed[20] ^= 1;
    let outcome = async |question| service.verify(&question).await.reliance();
    let reject = ("REJECT".to_owned(), "document-changed".to_owned());
    assert_eq!(outcome(json!({"document": base64(&changed), "signature": base64(&detached)})).await, reject);
    let sha512 = json!({"algorithm": "sha-512", "value": base64(&crypto::digest(DigestAlgorithm::Sha512, CONTENT))});
    let (undetermined, code) = outcome(json!({"digests": [sha512], "signature": base64(&detached)})).await;
    assert_eq!((undetermined.as_str(), code.as_str()), ("UNDETERMINED", "digest-not-given"));
    let parts: [(&str, &[u8]); 2] = [("signature", &detached), ("document", &changed)];
    assert_eq!(service.public(Request::multipart("/v1/verify", &parts)).await.reliance(), reject);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standing_decides_over_a_valid_signature() {
    let service = Service::start().await;
    let (enveloping, id) = service.issue("key-1", "enveloping").await;
    let question = json!({"document": base64(&enveloping)});
    let status = format!("/v1/documents/{id}/status");
    let steps = [
        ("suspended", "UNDETERMINED", "document-suspended"),
        ("in-force", "ACCEPT", "valid"),
        ("used", "REJECT", "document-used"),
        ("withdrawn", "REJECT", "document-withdrawn"),
    ];
    for (state, outcome, code) in steps {
        let change = Request::json(&status, &json!({"state": state, "reason": "thử"}));
        let changed = service.as_member(Member::IssuingSystem, change).await;
        assert_eq!((changed.status, &changed.json()["state"]), (200, &json!(state)));
        let answer = service.verify(&question).await;
        assert_eq!(answer.reliance(), (outcome.to_owned(), code.to_owned()));
        assert_eq!(answer.json()["verdict"]["indication"], "TOTAL-PASSED");
    }
    let again = Request::json(&status, &json!({"state": "in-force", "reason": "thử"}));
    assert_eq!(service.as_member(Member::IssuingSystem, again).await.code(), "status-conflict");

    let record = service.as_member(Member::Agency, Request::get(&format!("/v1/documents/{id}"))).await.json();
    assert_eq!((&record["kind"], &record["status"]["state"]), (&json!("health-book"), &json!("withdrawn")));
    assert_eq!(record["status"]["history"].as_array().map(Vec::len), Some(4));
    let signature = service.as_member(Member::Agency, Request::get(&format!("/v1/documents/{id}/signature"))).await;
    let detached = json!({"document": base64(CONTENT), "signature": base64(&signature.body)});
    assert_eq!(service.verify(&detached).await.reliance().1, "document-withdrawn");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_signer_is_relied_on_no_more_and_signs_no_more() {
    let service = Service::start().await;
    let (enveloping, _) = service.issue("key-1", "enveloping").await;
    let question = json!({"document": base64(&enveloping)});
    assert_eq!(service.verify(&question).await.reliance(), accepted());
    // The answer of the self-test is kept; that about the certificate is not.
    assert_eq!(service.as_member(Member::Agency, Request::get("/readyz")).await.status, 200);
    let certificate = Member::Health.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (outcome, code) = service.verify(&question).await.reliance();
    assert_ne!(outcome, "ACCEPT", "{code}");
    assert_eq!(service.sign("key-2", &super::order("detached")).await.code(), "signer-not-usable");
    let ready = service.as_member(Member::Agency, Request::get("/readyz")).await;
    let key = |name: &str| {
        let body = ready.json();
        let keys = body["keys"].as_array().expect("keys").clone();
        keys.into_iter().find(|key| key["name"] == name).expect("the key")
    };
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("not-ready")));
    assert_eq!((&key("health")["code"], &key("judicial")["code"]), (&json!("certificate-revoked"), &json!(null)));
    // Nothing was signed under that key, which is free again.
    assert_eq!(service.sign("key-2", &super::order("enveloping")).await.code(), "signer-not-usable");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_can_be_signed_and_a_file_sent_in_parts() {
    let service = Service::start().await;
    let mut order = super::order("detached");
    order.as_object_mut().expect("an object").remove("document");
    order["digest"] = json!({"algorithm": "sha-256", "value": base64(&crypto::sha256(CONTENT))});
    let signed = service.sign("key-1", &order).await.json();
    let question = json!({"document": base64(CONTENT), "signature": signed["signature"]});
    assert_eq!(service.verify(&question).await.reliance(), accepted());

    let parts: [(&str, &[u8]); 6] = [
        ("kind", b"judicial-certificate"),
        ("mediaType", b"application/pdf"),
        ("format", b"cades"),
        ("packaging", b"enveloping"),
        ("level", b"B-B"),
        ("document", include_bytes!("../../testvectors/documents/judicial-certificate.pdf")),
    ];
    let request = Request::multipart("/v1/sign", &parts).header("Idempotency-Key", "key-2");
    let signed = service.as_member(Member::IssuingSystem, request).await;
    assert_eq!(signed.status, 201, "{}", String::from_utf8_lossy(&signed.body));
    let answer = service.verify(&json!({"document": signed.json()["signature"]})).await;
    assert_eq!(answer.reliance(), accepted());
    assert_eq!(answer.json()["document"]["kind"], "judicial-certificate");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standing_survives_a_new_address_of_the_service() {
    let service = Service::start().await;
    let (withdrawn, id) = service.issue("key-1", "enveloping").await;
    let (standing, _) = service.issue("key-2", "enveloping").await;
    let change = json!({"state": "withdrawn", "reason": "thử"});
    let change = Request::json(&format!("/v1/documents/{id}/status"), &change);
    assert_eq!(service.as_member(Member::IssuingSystem, change).await.status, 200);
    service.running.shutdown().await;

    let moved = |config: &mut Config| config.public.base_url = "https://moved.example".to_owned();
    let service = Service::over(service.directory, moved).await;
    for (document, code, state) in [(&withdrawn, "document-withdrawn", "withdrawn"), (&standing, "valid", "in-force")] {
        let answer = service.verify(&json!({"document": base64(document)})).await;
        assert_eq!(
            (answer.reliance().1.as_str(), &answer.json()["document"]["status"]["state"]),
            (code, &json!(state))
        );
    }
    service.running.shutdown().await;
}

/// A signature that is good, of a paper that nobody here knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_paper_that_is_not_known_here_is_not_accepted_for_more_than_its_signature() {
    let service = Service::start().await;
    let free = service.running.public;
    let settings = dev::settings(service.directory.path(), free, free);
    let keys = keys::keys(&settings.keys, &[]).expect("the keys");
    let digest = crypto::sha256(CONTENT);
    let key = |name: &str| keys.iter().find(|key| key.name() == name).expect("a key");
    let sign_with = |name: &str, document: Option<&DocumentReference>| {
        let digest = (DigestAlgorithm::Sha256, &digest[..]);
        let request = CadesRequest { digest, content: Some(CONTENT), signing_time: clock::now(), document };
        base64(&key(name).sign_cades(&request).expect("signed"))
    };
    let sign = |document: Option<&DocumentReference>| sign_with("health", document);
    let nameless = sign(None);
    assert_eq!(service.verify(&json!({"document": nameless})).await.reliance(), accepted());
    let with_purpose = service.verify(&json!({"document": nameless, "purpose": "employment"})).await;
    assert_eq!(with_purpose.reliance(), ("UNDETERMINED".to_owned(), "kind-unknown".to_owned()));
    assert_eq!(with_purpose.json()["verdict"]["indication"], "TOTAL-PASSED");

    let (_, issued) = service.issue("key-1", "detached").await;
    let here = |id: &str| format!("http://127.0.0.1:8080/v1/documents/{id}");
    let unknown = "00000000000000000000000000000000";
    for (kind, id, status, code) in [
        ("health-book", unknown, Some(here(unknown)), "status-unknown"),
        ("health-book", unknown, Some(here(&issued)), "status-unknown"),
        ("referral", issued.as_str(), Some(here(&issued)), "status-unknown"),
        ("health-book", issued.as_str(), Some(here(&issued)), "valid"),
        ("health-book", unknown, Some("https://elsewhere.example/1".to_owned()), "valid"),
        ("health-book", unknown, None, "valid"),
    ] {
        let reference = DocumentReference::new(kind, id, status.as_deref()).expect("a reference");
        let answer = service.verify(&json!({"document": sign(Some(&reference))})).await;
        assert_eq!(answer.reliance().1, code, "{reference:?}");
    }
    // Another good signer who names our id, wherever he says that it is published: not in force, and not withdrawn either.
    for (state, code) in
        [("suspended", "document-suspended"), ("in-force", "valid"), ("withdrawn", "document-withdrawn")]
    {
        let change = json!({"state": state, "reason": "thử"});
        let change = Request::json(&format!("/v1/documents/{issued}/status"), &change);
        assert_eq!(service.as_member(Member::IssuingSystem, change).await.status, 200);
        for status in [Some(here(&issued)), Some("https://elsewhere.example/1".to_owned()), None] {
            let reference = DocumentReference::new("health-book", &issued, status.as_deref()).expect("a reference");
            let ours = service.verify(&json!({"document": sign(Some(&reference))})).await;
            assert_eq!(
                (ours.reliance().1.as_str(), &ours.json()["document"]["status"]["state"]),
                (code, &json!(state))
            );
            let foreign = service.verify(&json!({"document": sign_with("judicial", Some(&reference))})).await;
            assert_eq!(foreign.reliance(), ("UNDETERMINED".to_owned(), "status-unknown".to_owned()), "{reference:?}");
            assert_eq!(foreign.json()["document"]["status"], json!(null));
        }
    }
    let pdf = service.public(Request::post("/v1/verify", "application/pdf", "%PDF-1.7\n")).await;
    assert_eq!(pdf.reliance(), ("UNDETERMINED".to_owned(), "no-signature".to_owned()));
    service.running.shutdown().await;
}
