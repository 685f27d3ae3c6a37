//! The durable queue of signatures to be raised, through the registry's trait and across restarts.

use antin::registry::{
    Again, Backlog, DocumentId, Due, Format, Intent, Issued, Level, Newest, Packaging, Raised, Registry, RegistryError,
};

use super::{Place, STARTED, on_both};

on_both!(
    what_was_ordered_above_b_b_waits_until_it_is_reached_and_over_restarts,
    a_signature_is_raised_from_the_newest_alone_and_no_earlier_one_is_lost,
    a_time_stamp_that_ends_brings_its_document_back_into_the_queue,
);

const fn id(number: u8) -> DocumentId {
    DocumentId::from_bytes([number; 16])
}

async fn issue(registry: &dyn Registry, number: u8, wanted: Level) {
    let intent = Intent {
        document_id: id(number),
        client: "issuing-system".to_owned(),
        idempotency_key: format!("key-{number}"),
        request_digest: [number; 32],
        kind: "health-book".to_owned(),
        document_digest: [number; 32],
        signer: "health".to_owned(),
        level_requested: wanted,
        format: Format::Cades,
        packaging: Packaging::Detached,
        media_type: "application/fhir+json".to_owned(),
        begun_at: STARTED,
        status_place: None,
    };
    registry.begin(intent).await.expect("begun");
    let issued = Issued {
        signature: vec![number],
        level_reached: Level::Basic,
        signed_at: STARTED.plus_seconds(number.into()),
        signer_certificate_sha256: [3; 32],
        log_salt: None,
        lookup: Vec::new(),
    };
    registry.complete(id(number), issued).await.expect("complete");
}

fn raised(from_version: u32, level: Level, signature: &[u8]) -> Raised {
    Raised { from_version, level, signature: signature.to_vec(), proves_until: None }
}

async fn due(registry: &dyn Registry, seconds: i64) -> Vec<(DocumentId, u32)> {
    let due = registry.due(STARTED.plus_seconds(seconds), 100).await.expect("read");
    due.into_iter().map(|Due { document_id, attempts, .. }| (document_id, attempts)).collect()
}

async fn what_was_ordered_above_b_b_waits_until_it_is_reached_and_over_restarts(place: Place) {
    let registry = place.open().await;
    issue(&*registry, 2, Level::Timestamped).await;
    issue(&*registry, 1, Level::Timestamped).await;
    issue(&*registry, 3, Level::Basic).await;
    assert_eq!(due(&*registry, 0).await, [], "nothing is due before it is signed");
    assert_eq!(due(&*registry, 9).await, [(id(1), 0), (id(2), 0)], "the longest due first");
    assert_eq!(registry.due(STARTED.plus_seconds(9), 1).await.expect("read").len(), 1);
    let waiting = Backlog { waiting: 2, oldest: Some(STARTED.plus_seconds(1)), given_up: 0 };
    assert_eq!(registry.backlog().await.expect("read"), waiting);
    place.close(registry).await;

    let registry = place.open().await;
    registry.recover().await.expect("recovered");
    assert_eq!(due(&*registry, 9).await, [(id(1), 0), (id(2), 0)]);
    registry.put_off(id(1), Again::At(STARTED.plus_seconds(60))).await.expect("noted");
    assert_eq!(due(&*registry, 59).await, [(id(2), 0)]);
    registry.raise(id(2), raised(1, Level::Timestamped, b"raised")).await.expect("raised");
    place.close(registry).await;

    let registry = place.open().await;
    assert_eq!(due(&*registry, 60).await, [(id(1), 1)]);
    registry.put_off(id(1), Again::Uncounted(STARTED.plus_seconds(50))).await.expect("noted");
    assert_eq!((due(&*registry, 49).await, due(&*registry, 50).await), (vec![], vec![(id(1), 1)]));
    let newest = registry.newest(id(2)).await.expect("read");
    let expected = Newest { version: 2, level: Level::Timestamped, signature: b"raised".to_vec() };
    assert_eq!(newest, Some(expected));
    let document = registry.document(id(2)).await.expect("read").expect("issued");
    assert_eq!(
        (document.issued.signature, document.issued.level_reached),
        (vec![2], Level::Basic),
        "as it was released"
    );
    registry.put_off(id(1), Again::Never).await.expect("noted");
    assert_eq!(due(&*registry, i64::from(u32::MAX)).await, []);
    assert_eq!(registry.backlog().await.expect("read"), Backlog { waiting: 0, oldest: None, given_up: 1 });
    registry.put_off(id(1), Again::At(STARTED)).await.expect("noted");
    assert_eq!(due(&*registry, 60).await, [], "given up is given up");
    place.close(registry).await;
    let registry = place.open().await;
    assert_eq!(due(&*registry, 60).await, []);
    registry.recover().await.expect("recovered");
    assert_eq!(due(&*registry, 60).await, [(id(1), 0)], "a start tries it again");
    assert_eq!(registry.newest(id(9)).await.expect("read"), None);
}

async fn a_signature_is_raised_from_the_newest_alone_and_no_earlier_one_is_lost(place: Place) {
    let registry = place.open().await;
    issue(&*registry, 1, Level::LongTerm).await;
    let stamped = raised(1, Level::Timestamped, b"stamped");
    registry.raise(id(1), stamped.clone()).await.expect("raised");
    registry.raise(id(1), stamped).await.expect("the same again");
    for late in [
        raised(1, Level::Timestamped, b"another"),
        raised(1, Level::LongTerm, b"stamped"),
        raised(2, Level::Basic, b"less"),
        raised(3, Level::LongTerm, b"more"),
    ] {
        let refused = registry.raise(id(1), late).await;
        assert!(matches!(refused, Err(RegistryError::AlreadyRaised(found)) if found == id(1)), "{refused:?}");
    }
    assert_eq!(due(&*registry, 9).await, [(id(1), 0)], "more was ordered");
    registry.raise(id(1), raised(2, Level::LongTerm, b"long")).await.expect("raised");
    assert_eq!(due(&*registry, 9).await, []);
    let unknown = registry.raise(id(2), raised(1, Level::Timestamped, b"x")).await;
    assert!(matches!(unknown, Err(RegistryError::UnknownDocument(_))));
    for length in [0, (4 << 20) + 1] {
        let invalid = registry.raise(id(1), raised(3, Level::LongTerm, &vec![7; length])).await;
        assert!(matches!(invalid, Err(RegistryError::Invalid { field: "signature", .. })));
    }
}

async fn a_time_stamp_that_ends_brings_its_document_back_into_the_queue(place: Place) {
    let registry = place.open().await;
    let ends = |seconds| Some(STARTED.plus_seconds(seconds));
    for (number, seconds) in [(1, 2000), (2, 1000), (3, 9000)] {
        issue(&*registry, number, Level::Archival).await;
        let archived = Raised { proves_until: ends(seconds), ..raised(1, Level::Archival, &[number, 2]) };
        registry.raise(id(number), archived).await.expect("raised");
    }
    let now = STARTED.plus_seconds(500);
    registry.renew(STARTED.plus_seconds(1000), now).await.expect("looked");
    assert_eq!(due(&*registry, 9999).await, [], "none ends before");
    place.close(registry).await;
    let registry = place.open().await;
    registry.renew(STARTED.plus_seconds(2001), now).await.expect("put");
    registry.renew(STARTED.plus_seconds(2001), now).await.expect("put");
    assert_eq!(due(&*registry, 499).await, []);
    assert_eq!(due(&*registry, 500).await.len(), 2);
    assert_eq!(registry.backlog().await.expect("read"), Backlog { waiting: 2, oldest: Some(now), given_up: 0 });
    let again = Raised { proves_until: ends(20_000), ..raised(2, Level::Archival, b"again") };
    registry.raise(id(2), again).await.expect("raised");
    assert_eq!(due(&*registry, 500).await, [(id(1), 0)]);
    assert_eq!(registry.newest(id(2)).await.expect("read").map(|newest| newest.version), Some(3));
    registry.renew(STARTED.plus_seconds(19_999), now).await.expect("put");
    assert_eq!(due(&*registry, 500).await, [(id(1), 0), (id(3), 0)], "the one that was renewed has time");
}
