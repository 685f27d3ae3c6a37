//! The standing of issued documents: who changes it, and that a paper which is good for one office is used once.

use std::sync::Arc;

use antin::{
    config::{Client, Operation, Permission},
    pki::Member,
};
use serde_json::{Value, json};

use super::{
    Service, base64,
    client::{self, Answer, Request},
};
use crate::documents::SAMPLES;

/// Races of two offices for a paper each.
const RACES: usize = 1_000;
/// Of them at one time.
const AT_ONCE: usize = 20;

fn appointment() -> Value {
    let (kind, media_type, document) = SAMPLES
        .into_iter()
        .find(|(kind, media_type, _)| *kind == "re-examination" && media_type.ends_with("json"))
        .expect("a sample");
    json!({"kind": kind, "document": base64(document), "mediaType": media_type, "format": "cades",
        "packaging": "detached", "level": "B-B"})
}

impl Service {
    async fn change(&self, member: Member, id: &str, change: &Value) -> Answer {
        self.as_member(member, Request::json(&format!("/v1/documents/{id}/status"), change)).await
    }

    async fn issued(&self, key: &str, order: &Value) -> String {
        let answer = self.sign(key, order).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// The issuing system signs the health kinds; the agency too has a system that signs, some of them with the other key.
fn two_issuers(clients: &mut [Client]) {
    for client in clients.iter_mut().filter(|client| client.name == "agency") {
        client.permissions = vec![Permission {
            operations: vec![Operation::Sign],
            kinds: vec!["health-book".to_owned(), "referral".to_owned()],
            keys: vec!["judicial".to_owned()],
        }];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_the_issuer_alone_changes_the_standing() {
    let service = Service::with(|config| {
        two_issuers(&mut config.clients);
        let kinds = config.kinds.iter_mut().filter(|kind| ["health-book", "referral"].contains(&&*kind.name));
        kinds.for_each(|kind| kind.keys.push("judicial".to_owned()));
        // What is signed by whom is not of interest here.
        config.verify.document_kinds = None;
    })
    .await;
    let order = |signer: &str| {
        let mut order = super::order("detached");
        order["signer"] = signer.into();
        order
    };
    let theirs = service.issued("theirs", &order("health")).await;
    let another = service.issued("another", &order("health")).await;
    let request = Request::json("/v1/sign", &order("judicial")).header("Idempotency-Key", "own");
    let own = service.as_member(Member::Agency, request).await.json()["id"].as_str().expect("an id").to_owned();
    let withdrawn = json!({"state": "withdrawn", "reason": "a test"});
    let foreign = service.change(Member::Agency, &theirs, &withdrawn).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (404, "document-unknown"));
    let superseded = |by: &str| json!({"state": "superseded", "reason": "a test", "supersededBy": by});
    // Of the documents of others it is not told whether they stand.
    for successor in [&theirs, &another, "00112233445566778899aabbccddeeff"] {
        let answer = service.change(Member::Agency, &own, &superseded(successor)).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "successor-not-in-force"), "{successor}");
    }
    // The other way round the key decides: this client may sign with both.
    assert_eq!(service.change(Member::IssuingSystem, &theirs, &superseded(&another)).await.status, 200);
    assert_eq!(service.change(Member::IssuingSystem, &own, &withdrawn).await.status, 200);
    // Verifying, it sees the record all the same.
    let record = service.as_member(Member::Agency, Request::get(&format!("/v1/documents/{theirs}"))).await;
    assert_eq!(record.json()["status"]["state"], "superseded");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_paper_is_presented_it_is_used_up_and_nothing_else() {
    let service = Service::start().await;
    let (book, paper) =
        (service.issued("book", &super::order("detached")).await, service.issued("paper", &appointment()).await);
    let used = json!({"state": "used", "reason": "presented"});
    // Good for many offices: no office uses it up.
    assert_eq!(service.change(Member::Agency, &book, &used).await.code(), "document-unknown");
    for state in ["suspended", "withdrawn", "superseded", "in-force"] {
        let change = json!({"state": state, "reason": "presented"});
        assert_eq!(service.change(Member::Agency, &paper, &change).await.code(), "document-unknown", "{state}");
    }
    for state in ["suspended", "in-force"] {
        let change = json!({"state": state, "reason": "the issuer's own"});
        assert_eq!(service.change(Member::IssuingSystem, &paper, &change).await.status, 200);
    }
    let answer = service.change(Member::Agency, &paper, &used).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("used")));
    let history = answer.json()["history"].as_array().expect("a list").clone();
    assert!(history.len() == 1 && history[0]["client"] == "agency", "{history:?}");
    assert_eq!(service.change(Member::Agency, &paper, &used).await.code(), "status-conflict");
    let record = service.as_member(Member::IssuingSystem, Request::get(&format!("/v1/documents/{paper}"))).await;
    assert_eq!(record.json()["status"]["history"].as_array().map(Vec::len), Some(3), "the issuer sees all of it");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_offices_race_for_a_paper_and_one_of_them_wins_each_time() {
    let service = Arc::new(Service::start().await);
    let turns = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut races = tokio::task::JoinSet::new();
    for number in 0..RACES {
        let (service, turns) = (Arc::clone(&service), Arc::clone(&turns));
        races.spawn(async move {
            let _turn = turns.acquire_owned().await.expect("open");
            let id = service.issued(&format!("paper-{number}"), &appointment()).await;
            let office = |name: &'static str| {
                let used = json!({"state": "used", "reason": name});
                let path = format!("/v1/documents/{id}/status");
                let root = Member::Root.certificate_path(&service.pki());
                let (address, identity) = (service.mutual_tls(), service.identity(Member::Agency));
                async move { client::tls(address, &root, Some(identity), Request::json(&path, &used)).await }
            };
            let (one, other) = tokio::join!(office("counter 1"), office("counter 2"));
            let mut answers = [one.expect("an answer"), other.expect("an answer")];
            answers.sort_by_key(|answer| answer.status);
            assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 409], "{answers:?}");
            assert_eq!(answers[1].code(), "status-conflict");
        });
    }
    let mut won = 0;
    while let Some(race) = races.join_next().await {
        race.expect("one winner");
        won += 1;
    }
    assert_eq!(won, RACES);
}
