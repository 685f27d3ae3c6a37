//! A part that panics takes one answer with it: neither the connection nor the service.

use std::sync::Arc;

use antin::{
    cli::dev,
    clock,
    core::{document_kind::DocumentKinds, lookup::LookupDigest, memory::Memory, time::Time, working_days::WorkingDays},
    http::{self, Parts},
    kinds::Kinds,
    pki::{self, InitOptions, Member},
    registry::{
        Again, Answer, Backlog, Begun, DocumentId, DocumentStatus, Due, Intent, IssuanceQueue, Issued, IssuedDocument,
        Listed, Newest, Raised, Registry, Sha256, StatusChange, StatusPlace,
    },
    revocation::{RevocationCache, status_lists::StatusLists},
    service::{held, key_uses::UnseenKeys, keys, trust, witnesses::Witnesses},
};
use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Service,
    client::{self, Request, connect},
    order,
};

/// A registry that fails as nothing should: it panics, at once or when it is waited for.
struct PanickingRegistry;

impl Registry for PanickingRegistry {
    fn begin(&self, _: Intent) -> Answer<'_, Begun> {
        panic!("begin")
    }

    fn complete(&self, _: DocumentId, _: Issued) -> Answer<'_, ()> {
        panic!("complete")
    }

    fn abandon(&self, _: DocumentId) -> Answer<'_, ()> {
        panic!("abandon")
    }

    fn mark_unknown(&self, _: DocumentId) -> Answer<'_, ()> {
        panic!("mark_unknown")
    }

    fn recover(&self) -> Answer<'_, Vec<Intent>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn document(&self, _: DocumentId) -> Answer<'_, Option<IssuedDocument>> {
        Box::pin(async { panic!("document") })
    }

    fn newest(&self, _: DocumentId) -> Answer<'_, Option<Newest>> {
        panic!("newest")
    }

    fn due(&self, _: Time, _: usize) -> Answer<'_, Vec<Due>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        Box::pin(async { Ok(Backlog::default()) })
    }

    fn raise(&self, _: DocumentId, _: Raised) -> Answer<'_, ()> {
        panic!("raise")
    }

    fn renew(&self, _: Time, _: Time) -> Answer<'_, ()> {
        panic!("renew")
    }

    fn put_off(&self, _: DocumentId, _: Again) -> Answer<'_, ()> {
        panic!("put_off")
    }

    fn status(&self, _: DocumentId) -> Answer<'_, Option<DocumentStatus>> {
        panic!("status")
    }

    fn set_status(&self, _: DocumentId, _: StatusChange) -> Answer<'_, DocumentStatus> {
        panic!("set_status")
    }

    fn lease_status_places(&self) -> Answer<'_, u32> {
        panic!("lease_status_places")
    }

    fn status_blocks(&self) -> Answer<'_, u32> {
        panic!("status_blocks")
    }

    fn listed(&self, _: Option<Time>, _: Option<StatusPlace>, _: usize) -> Answer<'_, Vec<Listed>> {
        panic!("listed")
    }

    fn look_up(&self, _: Vec<LookupDigest>) -> Answer<'_, Vec<DocumentId>> {
        panic!("look_up")
    }

    fn find_by_digest(&self, _: Sha256) -> Answer<'_, Vec<DocumentId>> {
        panic!("find_by_digest")
    }

    fn issuance_queue(&self) -> &dyn IssuanceQueue {
        panic!("issuance_queue")
    }
}

async fn start() -> Service {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    let free = "127.0.0.1:0".parse().expect("an address");
    let mut config = dev::settings(directory.path(), free, free);
    config.log.requests = false;
    let loaded = trust::load(&config.trust, None, clock::now()).expect("trust");
    let trust = Arc::new(ArcSwap::from_pointee(loaded.store));
    let memory = Arc::new(Memory::bounded());
    let revocation = RevocationCache::start(&config.revocation, Arc::clone(&trust), Arc::clone(&memory));
    let parts = Parts {
        keys: keys::keys(&config.keys, &[]).expect("keys"),
        unseen: UnseenKeys::default(),
        registry: Arc::new(PanickingRegistry),
        revocation: revocation.await.expect("a cache"),
        status_lists: Arc::new(StatusLists::new(&[], &config.revocation).expect("lists")),
        trust,
        list: loaded.list,
        hangup: signal(SignalKind::hangup()).expect("a signal"),
        memory,
        published: None,
        kinds: Arc::clone(Kinds::held()),
        working_days: WorkingDays::default(),
        policies: held::policies(&[], &DocumentKinds::default()).expect("policies"),
        audit: None,
        issuance_log: None,
        witnesses: Witnesses::new(&[], None).expect("none"),
        witness: None,
        lookup: None,
        config,
    };
    Service { running: http::boot(parts).await.expect("a service"), directory }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_500_and_the_connection_goes_on() {
    let service = start().await;
    let path = "/v1/documents/0123456789abcdef0123456789abcdef";
    for path in [path.to_owned(), format!("{path}/signature")] {
        let root = Member::Root.certificate_path(&service.pki());
        let identity = Some(service.identity(Member::Agency));
        let stream = connect(service.mutual_tls(), &root, identity).await.expect("a connection");
        let requests = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        let answers = client::exchange(stream, requests.as_bytes()).await.expect("answers");
        let text = String::from_utf8_lossy(&answers);
        assert!(text.starts_with("HTTP/1.1 500 ") && text.contains("application/problem+json"), "{text}");
        assert!(text.contains("HTTP/1.1 200 "), "{text}");
    }
    // In a task of its own, where signing is.
    for _ in 0..3 {
        let answer = service.sign("one-key", &order("detached")).await;
        assert!(answer.status >= 500, "{answer:?}");
        answer.code();
    }
    assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
    service.running.shutdown().await;
}
