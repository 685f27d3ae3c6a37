//! Signed status lists: published, brought up to date by what any node changes, and judged by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::cli::dev;
use antin::clock;
use antin::config::Config;
use antin::core::cms::{SignedData, attributes::SignedAttributes};
use antin::core::evidence_file;
use antin::core::status_list::{StatusListReference, StatusListToken, TokenFault, UnverifiedToken};
use antin::core::x509::Certificate;
use antin::pki::{self, InitOptions, Member};
use serde_json::json;
use tempfile::TempDir;

use super::{
    Service, base64,
    client::{Answer, Request},
};
use crate::kit::postgres;

/// Longer than any change takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PKI with a key for status lists, as `antin dev` has one.
pub fn directory() -> Arc<TempDir> {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    dev::add_status_list_key(directory.path(), "http://127.0.0.1:8080").expect("a key");
    directory
}

fn signer(service: &Service) -> Vec<Arc<Certificate>> {
    let file = std::fs::read(service.directory.path().join("status-lists.crt")).expect("a certificate");
    evidence_file::certificates(&file).expect("a certificate").into_iter().map(Arc::new).collect()
}

/// The status reference that its signer states.
fn reference(signature: &[u8]) -> String {
    let message = SignedData::decode(signature).expect("a message");
    let attributes = message.signer_infos[0].signed_attributes.expect("signed attributes");
    let attributes = SignedAttributes::decode(attributes).expect("attributes");
    let stated = attributes.document_reference.expect("a reference");
    stated.status_reference().expect("a status reference").to_owned()
}

async fn get(service: &Service, path: &str, accept: &str) -> Answer {
    service.public(Request::get(path).header("Accept", accept)).await
}

fn read(service: &Service, answer: &Answer) -> Result<StatusListToken, TokenFault> {
    assert_eq!(answer.status, 200, "{answer:?}");
    UnverifiedToken::decode(&answer.body)?.verify(&signer(service), clock::now())
}

/// Waits until the list says this of the document; how long it took.
async fn until(service: &Service, reference: &str, expected: u8) -> Duration {
    let begun = Instant::now();
    let StatusListReference { uri, index } = StatusListReference::parse(reference).expect(reference);
    let path = uri.strip_prefix("http://127.0.0.1:8080").expect(uri);
    let mut found = None;
    while begun.elapsed() < PATIENCE {
        let answer = get(service, path, "*/*").await;
        if answer.status == 200 {
            let token = read(service, &answer).expect("a token");
            assert_eq!(token.subject, uri);
            found = token.list.get(index as usize);
            if found == Some(expected) {
                return begun.elapsed();
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{reference} is {found:?} and not {expected}");
}

async fn change(service: &Service, id: &str, state: &str) {
    let change = json!({"state": state, "reason": "Cấp sai"});
    let request = Request::json(&format!("/v1/documents/{id}/status"), &change);
    let answer = service.as_member(Member::IssuingSystem, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_standing_reach_the_list_that_the_document_names() {
    let service = Service::over(directory(), |_| {}).await;
    let (signature, id) = service.issue("one", "enveloping").await;
    let (other, _) = service.issue("other", "enveloping").await;
    let (place, other) = (reference(&signature), reference(&other));
    assert!(place.starts_with("http://127.0.0.1:8080/status-lists/0#idx="), "{place}");
    assert_ne!(place, other);
    until(&service, &place, 0).await;
    let question = json!({"document": base64(&signature)});
    let answer = service.verify(&question).await;
    assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()));
    let status = &answer.json()["document"]["status"];
    assert_eq!(
        (&status["state"], &status["source"], &status["ageSeconds"]),
        (&json!("in-force"), &json!("registry"), &json!(0))
    );

    for (state, status, code) in [
        ("suspended", 2, "document-suspended"),
        ("in-force", 0, "valid"),
        ("used", 3, "document-used"),
        ("withdrawn", 1, "document-withdrawn"),
    ] {
        change(&service, &id, state).await;
        let took = until(&service, &place, status).await;
        assert!(took < Duration::from_secs(20), "{state}: {took:?}");
        assert_eq!(service.verify(&question).await.reliance().1, code);
        until(&service, &other, 0).await;
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_given_in_two_forms_to_be_cached() {
    let service = Service::over(directory(), |_| {}).await;
    let none = get(&service, "/status-lists", "*/*").await;
    assert_eq!(none.json(), json!({"status_lists": []}));
    let (signature, _) = service.issue("one", "enveloping").await;
    until(&service, &reference(&signature), 0).await;

    let all = get(&service, "/status-lists", "*/*").await;
    assert_eq!(all.json(), json!({"status_lists": ["http://127.0.0.1:8080/status-lists/0"]}));
    for (accept, media_type) in [
        ("application/statuslist+cwt", "application/statuslist+cwt"),
        ("application/statuslist+jwt", "application/statuslist+jwt"),
        ("application/statuslist+cwt;q=0.5, application/statuslist+jwt", "application/statuslist+jwt"),
        ("*/*", "application/statuslist+cwt"),
    ] {
        let answer = get(&service, "/status-lists/0", accept).await;
        assert!(answer.head.contains(&format!("content-type: {media_type}\r\n")), "{}", answer.head);
        assert!(answer.head.contains("cache-control: public, max-age=20\r\n"), "{}", answer.head);
        let token = read(&service, &answer).expect("a token");
        assert_eq!((token.list.bits(), token.list.entries(), token.time_to_live), (2, 1 << 20, Some(20)));
        assert_eq!(token.expires_at, token.issued_at.plus_seconds(600));

        let tag = answer.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").trim();
        let again = Request::get("/status-lists/0").header("Accept", accept).header("If-None-Match", tag);
        let again = service.public(again).await;
        // Unless it was signed anew in between.
        assert!(matches!(again.status, 200 | 304), "{again:?}");
        assert!(again.status == 200 || again.body.is_empty());
    }
    for (path, accept, status, code) in [
        ("/status-lists/1", "*/*", 404, "status-list-unknown"),
        ("/status-lists/00", "*/*", 404, "status-list-unknown"),
        ("/status-lists/x", "*/*", 404, "status-list-unknown"),
        ("/status-lists/0", "text/html", 406, "not-acceptable"),
        ("/status-lists/0?time=1686925000", "*/*", 501, "status-list-history"),
    ] {
        let answer = get(&service, path, accept).await;
        assert_eq!((answer.status, answer.json()["code"].clone()), (status, json!(code)), "{path}");
    }
    service.running.shutdown().await;

    // What was issued before goes on to be understood where no lists are published any more.
    let without = Service::over(Arc::clone(&service.directory), |config| config.status_lists.key = None).await;
    let answer = without.verify(&json!({"document": base64(&signature)})).await;
    assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()));
    assert_eq!(get(&without, "/status-lists/0", "*/*").await.status, 404);
    let (later, _) = without.issue("later", "enveloping").await;
    assert!(reference(&later).starts_with("http://127.0.0.1:8080/v1/documents/"));
    without.running.shutdown().await;
}

/// Two nodes over one registry: what one changes, the other publishes. Neither gives out a place of the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_node_is_published_by_all() {
    let directory = directory();
    let url = postgres::shared().database();
    let shared = |config: &mut Config| config.registry.postgres = Some(postgres::settings(&url));
    let one = Service::over(Arc::clone(&directory), shared).await;
    let other = Service::over(Arc::clone(&directory), |config| {
        shared(config);
        config.revocation.marks_file.set_file_name("marks-of-the-other");
    })
    .await;
    let mut places = Vec::new();
    for number in 0..4 {
        for (name, node) in [("one", &one), ("other", &other)] {
            let (signature, id) = node.issue(&format!("{name}-{number}"), "enveloping").await;
            places.push((reference(&signature), id));
        }
    }
    let mut distinct: Vec<&String> = places.iter().map(|(place, _)| place).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 8, "{places:?}");
    change(&one, &places[0].1, "withdrawn").await;
    change(&other, &places[1].1, "suspended").await;
    for node in [&one, &other] {
        for ((place, _), expected) in places.iter().zip([1, 2, 0]) {
            let took = until(node, place, expected).await;
            assert!(took < Duration::from_secs(30), "{took:?}");
        }
    }
    one.running.shutdown().await;
    // After a restart all is there from the registry.
    let again = Service::over(Arc::clone(&directory), shared).await;
    until(&again, &places[0].0, 1).await;
    until(&again, &places[1].0, 2).await;
    other.running.shutdown().await;
    again.running.shutdown().await;
}
