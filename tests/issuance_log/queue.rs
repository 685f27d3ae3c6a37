//! The order of the log in the registry: over both stores.

use std::sync::Arc;
use std::time::Duration;

use antin::core::time::Time;
use antin::registry::{
    Append, Begun, DocumentId, Format, Intent, IssuanceQueue, Issued, Lead, LogHead, Packaging, Registry,
    postgres::PostgresRegistry, sqlite::SqliteRegistry,
};

use crate::kit::postgres;

const STARTED: Time = Time::from_unix(1_780_000_000);
const LEASE: Duration = Duration::from_secs(2);

fn id(number: u8) -> DocumentId {
    DocumentId::from_bytes([number; 16])
}

/// Issued, with a salt or of before there was a log.
async fn issue(registry: &dyn Registry, number: u8, is_salted: bool) {
    let intent = Intent {
        status_place: None,
        document_id: id(number),
        client: "issuing-system".to_owned(),
        idempotency_key: format!("key-{number}"),
        request_digest: [1; 32],
        kind: "health-book".to_owned(),
        document_digest: [number; 32],
        signer: "health".to_owned(),
        level_requested: antin::registry::Level::Basic,
        format: Format::Cades,
        packaging: Packaging::Detached,
        media_type: "application/fhir+json".to_owned(),
        begun_at: STARTED,
    };
    assert_eq!(registry.begin(intent).await.expect("begun"), Begun::Fresh);
    let issued = Issued {
        signature: vec![number],
        level_reached: antin::registry::Level::Basic,
        signed_at: STARTED.plus_seconds(number.into()),
        signer_certificate_sha256: [3; 32],
        log_salt: is_salted.then_some([number; 32]),
        lookup: Vec::new(),
    };
    registry.complete(id(number), issued.clone()).await.expect("complete");
    // The same again changes nothing, in the log neither.
    registry.complete(id(number), issued.clone()).await.expect("complete");
    let found = registry.document(id(number)).await.expect("read").expect("issued");
    assert_eq!(found.issued, issued);
}

async fn lead(queue: &dyn IssuanceQueue) -> Lead {
    queue.lead(LEASE).await.expect("asked").expect("the lead")
}

async fn documents_wait_and_are_given_positions_once(registry: Arc<dyn Registry>) {
    let queue = registry.issuance_queue();
    assert_eq!(queue.log_head().await.expect("read"), LogHead { size: 0, root: None });
    for number in [3, 1, 2] {
        issue(&*registry, number, true).await;
    }
    issue(&*registry, 9, false).await;
    let waiting = queue.waiting(10).await.expect("read");
    let ids: Vec<_> = waiting.iter().map(|document| document.document_id).collect();
    assert_eq!(ids, [id(1), id(2), id(3)], "the longest first");
    assert_eq!(queue.waiting(2).await.expect("read").len(), 2);
    assert_eq!((waiting[0].salt, waiting[0].document_digest, waiting[0].position), ([1; 32], [1; 32], None));
    let first = lead(queue).await;
    let append = |lead, documents: &[DocumentId], root| Append { lead, documents: documents.to_vec(), root };
    assert!(queue.append(append(first, &ids[..2], [7; 32])).await.expect("asked"));
    // Who does not know of it gives none.
    assert!(!queue.append(append(first, &ids[2..], [8; 32])).await.expect("asked"));
    let head = LogHead { size: 2, root: Some([7; 32]) };
    assert_eq!(queue.log_head().await.expect("read"), head);
    assert_eq!(queue.confirmed_head().await.expect("read"), head);
    let second = lead(queue).await;
    assert_eq!(second.head, head);
    // All or none: the first of these has a position.
    assert!(queue.append(append(second, &[ids[2], ids[0]], [8; 32])).await.is_err());
    assert_eq!(queue.log_head().await.expect("read"), head);
    assert!(queue.append(append(second, &ids[2..], [9; 32])).await.expect("asked"));
    let sequenced = queue.sequenced(1, 10).await.expect("read");
    let places: Vec<_> = sequenced.iter().map(|document| (document.document_id, document.position)).collect();
    assert_eq!(places, [(id(2), Some(1)), (id(3), Some(2))]);
    assert!(queue.waiting(10).await.expect("read").is_empty());
    assert_eq!(queue.loggable(id(3)).await.expect("read").expect("logged").position, Some(2));
    assert_eq!(queue.loggable(id(9)).await.expect("read"), None);
}

async fn what_is_in_no_log_is_found_and_waits(registry: Arc<dyn Registry>) {
    let queue = registry.issuance_queue();
    for number in 1..=5 {
        issue(&*registry, number, number == 2).await;
    }
    let unlogged = queue.unlogged(None, 3).await.expect("read");
    assert_eq!((unlogged.found.as_slice(), unlogged.last), (&[id(1), id(3)][..], Some(id(3))));
    let rest = queue.unlogged(unlogged.last, 3).await.expect("read");
    assert_eq!((rest.found.as_slice(), rest.last), (&[id(4), id(5)][..], Some(id(5))));
    assert_eq!(queue.unlogged(rest.last, 3).await.expect("read").last, None);
    let salted = vec![(id(1), [1; 32]), (id(2), [99; 32]), (id(3), [3; 32])];
    queue.enlist(salted, STARTED.plus_seconds(50)).await.expect("enlisted");
    let waiting = queue.waiting(10).await.expect("read");
    assert_eq!(waiting.iter().map(|one| one.salt[0]).collect::<Vec<_>>(), [2, 1, 3], "a salt is never changed");
    let record = registry.document(id(3)).await.expect("read").expect("issued");
    assert_eq!(record.issued.log_salt, Some([3; 32]));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str| Arc::new(SqliteRegistry::open(&folder.path().join(name), STARTED).expect("it opens"));
    documents_wait_and_are_given_positions_once(open("first.db")).await;
    what_is_in_no_log_is_found_and_waits(open("second.db")).await;
}

async fn open(url: &str) -> Arc<PostgresRegistry> {
    Arc::new(PostgresRegistry::open(&postgres::settings(url), STARTED).await.expect("it opens"))
}

#[tokio::test(flavor = "multi_thread")]
async fn over_postgresql() {
    documents_wait_and_are_given_positions_once(open(&postgres::shared().database()).await).await;
    what_is_in_no_log_is_found_and_waits(open(&postgres::shared().database()).await).await;
}

/// Two nodes: one leads; when it is gone the other does, and the late word of the first counts no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_lead_gives_no_positions() {
    let url = postgres::shared().database();
    let (first, second) = (open(&url).await, open(&url).await);
    issue(&*first, 1, true).await;
    let old = lead(first.issuance_queue()).await;
    assert_eq!(second.issuance_queue().lead(LEASE).await.expect("asked"), None, "one leads");
    assert_eq!(lead(first.issuance_queue()).await, old, "and goes on to");
    tokio::time::sleep(LEASE + Duration::from_millis(300)).await;
    let new = lead(second.issuance_queue()).await;
    assert!(new.fence > old.fence, "{new:?} after {old:?}");
    let append = |lead| Append { lead, documents: vec![id(1)], root: [7; 32] };
    assert!(!first.issuance_queue().append(append(old)).await.expect("asked"), "fenced off");
    assert!(second.issuance_queue().append(append(new)).await.expect("asked"));
    // A node that ends lets the other one go on at once.
    second.leave().await.expect("left");
    assert!(lead(first.issuance_queue()).await.fence > new.fence);
    first.leave().await.expect("left");
}
