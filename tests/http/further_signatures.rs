//! A paper with several signatures, each with a record of its own, has one standing: by whichever record it is asked for, used up or withdrawn.

use antin::{
    cli::dev,
    clock,
    config::{Client, Config, Operation, Permission},
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto},
    pki::Member,
    service::keys,
    signing::CadesRequest,
};
use serde_json::{Value, json};

use super::{
    Service, base64,
    client::{Answer, Request},
    lookup::{REFERRAL, asked, fields, order},
};

const PDF: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");
const APPOINTMENT: &str = include_str!("../../testvectors/documents/re-examination.json");

/// Both keys sign every kind here; whoever holds the agency's certificate signs with the key `health` alone, and uses papers up.
fn two_offices(config: &mut Config) {
    for kind in &mut config.kinds {
        kind.keys = vec!["judicial".to_owned(), "health".to_owned()];
    }
    config.verify.document_kinds = None;
    agency(&mut config.clients).permissions.extend([Permission {
        operations: vec![Operation::Sign],
        kinds: vec!["referral".to_owned()],
        keys: vec!["health".to_owned()],
    }]);
}

fn agency(clients: &mut [Client]) -> &mut Client {
    clients.iter_mut().find(|client| client.name == "agency").expect("an agency")
}

/// The paper, its first and its last record.
struct Paper {
    /// What is verified.
    question: Value,
    first: String,
    last: String,
}

impl Service {
    async fn released(&self, key: &str, order: &Value) -> (Value, String) {
        let answer = self.sign(key, order).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        let id = body["id"].as_str().expect("an id").to_owned();
        (body, id)
    }

    /// JSON with two signatures in one message.
    async fn signed_twice(&self, key: &str, kind: &str, content: &str) -> Paper {
        let mut first = order(kind, content);
        first["signer"] = "judicial".into();
        let (signed, id) = self.released(&format!("{key}-1"), &first).await;
        let mut last = order(kind, content);
        last["signer"] = "health".into();
        last["existingSignature"] = signed["signature"].clone();
        let (signed, last) = self.released(&format!("{key}-2"), &last).await;
        let question = json!({"document": base64(content.as_bytes()), "signature": signed["signature"]});
        Paper { question, first: id, last }
    }

    async fn set(&self, member: Member, id: &str, state: &str) -> Answer {
        let change = json!({"state": state, "reason": "a test"});
        self.as_member(member, Request::json(&format!("/v1/documents/{id}/status"), &change)).await
    }

    async fn record(&self, id: &str) -> Value {
        let answer = self.as_member(Member::IssuingSystem, Request::get(&format!("/v1/documents/{id}"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// What is told to whoever asks by the five fields alone, and with either id.
    async fn told(&self, fields: &Value, paper: &Paper) -> [Value; 3] {
        // No address asks often.
        let address = format!("192.0.2.{}", u8::from_str_radix(&paper.first[..2], 16).expect("digits"));
        let mut told = Vec::new();
        for id in [None, Some(&paper.first), Some(&paper.last)] {
            let mut question = fields.clone();
            if let Some(id) = id {
                question["documentId"] = json!(id);
            }
            let answer = self.ask_from(&address, &question).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            told.push(answer.json()["code"].clone());
        }
        told.try_into().expect("three")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_used_up_once_whichever_record_is_named() {
    let service = asked(two_offices).await;
    for (round, (by, again)) in [(0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        let paper = service.signed_twice(&format!("paper-{round}"), "re-examination", APPOINTMENT).await;
        let ids = [&paper.first, &paper.last];
        let used = service.set(Member::Agency, ids[by], "used").await;
        assert_eq!((used.status, &used.json()["state"]), (200, &json!("used")), "{used:?}");
        let second = service.set(Member::Agency, ids[again], "used").await;
        assert_eq!((second.status, second.code().as_str()), (409, "status-conflict"), "{second:?}");
        assert_eq!(service.verify(&paper.question).await.reliance().1, "document-used");
        assert_eq!(service.record(&paper.first).await["addedTo"], json!(null));
        let last = service.record(&paper.last).await;
        assert_eq!((&last["addedTo"], &last["status"]["state"]), (&json!(paper.first), &json!("used")), "{last}");
    }
    // Two offices at one time, each by another record.
    for round in 0..20 {
        let paper = service.signed_twice(&format!("race-{round}"), "re-examination", APPOINTMENT).await;
        let office = |id| service.set(Member::Agency, id, "used");
        let (one, other) = tokio::join!(office(&paper.first), office(&paper.last));
        let mut codes = [one.status, other.status];
        codes.sort_unstable();
        assert_eq!(codes, [200, 409], "{one:?} {other:?}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_by_either_record_is_withdrawn_for_all() {
    let service = asked(two_offices).await;
    for by_last in [false, true] {
        let paper = service.signed_twice(&format!("paper-{by_last}"), "referral", REFERRAL).await;
        assert_eq!(service.told(&fields(REFERRAL), &paper).await, ["lookup-in-force"; 3].map(Value::from));
        let id = if by_last { &paper.last } else { &paper.first };
        assert_eq!(service.set(Member::IssuingSystem, id, "suspended").await.status, 200);
        assert_eq!(service.verify(&paper.question).await.reliance().1, "document-suspended");
        assert_eq!(service.set(Member::IssuingSystem, id, "withdrawn").await.status, 200);
        assert_eq!(service.verify(&paper.question).await.reliance().1, "document-withdrawn");
        assert_eq!(service.told(&fields(REFERRAL), &paper).await, ["lookup-not-in-force"; 3].map(Value::from));
        assert_eq!(service.record(&paper.last).await["status"]["state"], "withdrawn");
    }
    // What takes the place of a paper is the paper, whichever record of it is named.
    let [old, new] = ["old", "new"].map(|key| service.signed_twice(key, "referral", REFERRAL));
    let (old, new) = (old.await, new.await);
    let change = json!({"state": "superseded", "reason": "a test", "supersededBy": new.last});
    let change = Request::json(&format!("/v1/documents/{}/status", old.last), &change);
    assert_eq!(service.as_member(Member::IssuingSystem, change).await.json()["supersededBy"], json!(new.first));
    assert_eq!(service.verify(&old.question).await.reliance().1, "document-superseded");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_with_two_signatures_has_one_standing_too() {
    let service = asked(two_offices).await;
    let holder = json!({
        "fileCode": "LLTP-2026-00012", "fullName": "Trần Văn Đức", "birthDate": "17/11/1978", "gender": "nam",
        "identityNumber": "001078012345"
    });
    let order = |document: Value, signer: &str| {
        json!({"kind": "judicial-certificate-1", "document": document, "mediaType": "application/pdf",
            "format": "pades", "level": "B-B", "signer": signer, "lookup": holder})
    };
    let (signed, first) = service.released("one", &order(json!(base64(PDF)), "judicial")).await;
    let (signed, last) = service.released("two", &order(signed["document"].clone(), "health")).await;
    let paper = Paper { question: json!({"document": signed["document"]}), first, last };
    assert_eq!(service.verify(&paper.question).await.reliance().1, "valid");
    assert_eq!(service.told(&holder, &paper).await, ["lookup-in-force"; 3].map(Value::from));
    assert_eq!(service.record(&paper.last).await["addedTo"], json!(paper.first));
    assert_eq!(service.set(Member::IssuingSystem, &paper.last, "withdrawn").await.status, 200);
    assert_eq!(service.verify(&paper.question).await.reliance().1, "document-withdrawn");
    assert_eq!(service.told(&holder, &paper).await, ["lookup-not-in-force"; 3].map(Value::from));
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_added_a_signature_has_no_say_over_the_paper_of_another() {
    let service = asked(two_offices).await;
    let mut first = order("referral", REFERRAL);
    first["signer"] = "judicial".into();
    let (signed, first) = service.released("doctor", &first).await;
    let mut last = order("referral", REFERRAL);
    last["existingSignature"] = signed["signature"].clone();
    let added = Request::json("/v1/sign", &last).header("Idempotency-Key", "facility");
    let added = service.as_member(Member::Agency, added).await;
    assert_eq!(added.status, 201, "{added:?}");
    let last = added.json()["id"].as_str().expect("an id").to_owned();
    for state in ["withdrawn", "suspended"] {
        let refused = service.set(Member::Agency, &last, state).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "further-signature"), "{refused:?}");
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains(&first)), "{refused:?}");
        assert_eq!(service.set(Member::Agency, &first, state).await.code(), "document-unknown");
    }
    // Nor can it put the paper of another in the place of its own.
    let own = Request::json("/v1/sign", &order("referral", REFERRAL)).header("Idempotency-Key", "own");
    let own = service.as_member(Member::Agency, own).await.json()["id"].as_str().expect("an id").to_owned();
    let change = json!({"state": "superseded", "reason": "a test", "supersededBy": last});
    let change = Request::json(&format!("/v1/documents/{own}/status"), &change);
    assert_eq!(service.as_member(Member::Agency, change).await.code(), "successor-not-in-force");
    assert_eq!(service.record(&last).await["status"]["state"], "in-force");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_paper_first_signed_elsewhere_no_standing_is_told_here() {
    let service = asked(|config| {
        two_offices(config);
        config.kinds.iter_mut().for_each(|kind| kind.foreign_references = true);
    })
    .await;
    let settings = dev::settings(service.directory.path(), service.running.public, service.running.public);
    let keys = keys::keys(&settings.keys, &[]).expect("the keys");
    let stating = |reference: &DocumentReference, content: &[u8]| {
        let digest = (DigestAlgorithm::Sha256, &crypto::sha256(content)[..]);
        let request = CadesRequest { digest, content: None, signing_time: clock::now(), document: Some(reference) };
        keys[0].sign_cades(&request).expect("signed")
    };
    let reference = DocumentReference::new("referral", "HIS-1", Some("https://his.example/1")).expect("fits");
    let mut added = order("referral", REFERRAL);
    added["signer"] = "health".into();
    added["existingSignature"] = json!(base64(&stating(&reference, REFERRAL.as_bytes())));
    let (_, id) = service.released("facility", &added).await;
    let record = service.record(&id).await;
    assert_eq!((&record["addedTo"], &record["status"]), (&json!("HIS-1"), &json!(null)), "{record}");
    let refused = service.set(Member::IssuingSystem, &id, "withdrawn").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "further-signature"), "{refused:?}");
    assert_eq!(service.ask_from("192.0.2.1", &fields(REFERRAL)).await.json()["found"], false);
    added["lookup"] = fields(REFERRAL);
    let refused = service.sign("found", &added).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "lookup-not-offered"), "{refused:?}");

    // Another paper that bears the very reference of one of the record is no paper of elsewhere.
    let (_, own) = service.released("own", &order("referral", REFERRAL)).await;
    let address = format!("http://127.0.0.1:8080/v1/documents/{own}");
    let other = REFERRAL.replace("2026-000001", "2026-000002");
    assert_ne!(other, REFERRAL);
    let borrowed = DocumentReference::new("referral", &own, Some(&address)).expect("fits");
    let mut forged = order("referral", &other);
    forged["existingSignature"] = json!(base64(&stating(&borrowed, other.as_bytes())));
    assert_eq!(service.sign("forged", &forged).await.code(), "existing-signature-foreign");
    service.running.shutdown().await;
}
