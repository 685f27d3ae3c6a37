//! Two services over one registry on PostgreSQL: what one signed, the other answers for.

use std::sync::Arc;

use antin::{clock, config::Config, pki, pki::InitOptions, pki::Member};
use serde_json::json;

use super::{Service, base64, client::Request, order};
use crate::kit::postgres;

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_answer_as_one() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    let url = postgres::shared().database();
    let shared = |config: &mut Config| config.registry.postgres = Some(postgres::settings(&url));
    let one = Service::over(Arc::clone(&directory), shared).await;
    // What each node keeps for itself has a place of its own.
    let other = Service::over(Arc::clone(&directory), |config| {
        shared(config);
        config.revocation.marks_file.set_file_name("marks-of-the-other");
        config.audit.folder = None;
        config.audit.key = None;
    })
    .await;

    let (signature, id) = one.issue("key-1", "enveloping").await;
    assert_eq!(other.issue("key-1", "enveloping").await, (signature.clone(), id.clone()), "the same answer");
    let another = other.sign("key-1", &order("detached")).await;
    assert_eq!((another.status, &another.json()["code"]), (409, &json!("idempotency-key-reused")));

    let question = json!({"document": base64(&signature)});
    assert_eq!(other.verify(&question).await.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()));
    let withdrawn = json!({"state": "withdrawn", "reason": "Cấp sai"});
    let change = Request::json(&format!("/v1/documents/{id}/status"), &withdrawn);
    assert_eq!(other.as_member(Member::IssuingSystem, change).await.status, 200);
    let judged = one.verify(&question).await.reliance();
    assert_eq!(judged, ("REJECT".to_owned(), "document-withdrawn".to_owned()));

    one.running.shutdown().await;
    let (_, third) = other.issue("key-2", "detached").await;
    assert_ne!(third, id);
    other.running.shutdown().await;
    let database = url.rsplit('/').next().expect("a name");
    let alive = postgres::shared().psql(database, "SELECT COUNT(*) FROM antin.run WHERE lease_until > now()");
    assert_eq!(alive, ["0"], "both left");
}
