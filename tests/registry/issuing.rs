//! Issuing: an attempt is begun, ends once, and is found again.

use std::sync::Arc;

use antin::core::lookup::{LookupDigest, LookupKeyId};
use antin::registry::{Begun, Intent, Issued, Level, LookupEntry, MOST_FOUND, MOST_LOOKUP_ENTRIES, RegistryError};

use super::{Place, STARTED, document_id, intent, issue, issued, on_both};

on_both!(
    an_idempotency_key_outlives_the_process_and_belongs_to_its_client,
    of_a_hundred_with_one_key_one_signs,
    an_attempt_ends_once,
    issued_documents_are_looked_up,
    issued_documents_are_found_by_digest,
);

async fn an_idempotency_key_outlives_the_process_and_belongs_to_its_client(place: Place) {
    let registry = place.open().await;
    issue(&*registry, 1).await;
    place.close(registry).await;

    let registry = place.open().await;
    assert_eq!(registry.recover().await.expect("recovered"), []);
    let Begun::Replay(document) = registry.begin(intent(2, "key-1")).await.expect("begun") else {
        panic!("no replay");
    };
    assert_eq!((&document.intent, &document.issued), (&intent(1, "key-1"), &issued(1)));
    assert_eq!(registry.document(document_id(1)).await.expect("read").as_ref(), Some(&*document));
    let newest = registry.newest(document_id(1)).await.expect("read").expect("issued");
    assert_eq!((newest.version, newest.level, newest.signature), (1, Level::Basic, issued(1).signature));
    assert_eq!(registry.document(document_id(2)).await.expect("read"), None);

    let other_body = Intent { request_digest: [9; 32], ..intent(3, "key-1") };
    let begun = registry.begin(other_body).await.expect("begun");
    assert_eq!(begun, Begun::DifferentBody { document_id: document_id(1) });
    let other_client = Intent { client: "other".to_owned(), ..intent(4, "key-1") };
    assert_eq!(registry.begin(other_client).await.expect("begun"), Begun::Fresh);
    let same_id = registry.begin(intent(1, "key-5")).await;
    assert!(matches!(same_id, Err(RegistryError::DocumentIdTaken(taken)) if taken == document_id(1)));
}

async fn of_a_hundred_with_one_key_one_signs(place: Place) {
    let registry = place.open().await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..100 {
        let registry = Arc::clone(&registry);
        callers.spawn(async move { registry.begin(intent(number, "one")).await.expect("begun") });
    }
    let begun = callers.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Fresh).count(), 1);
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::InProgress { .. })).count(), 99);
}

async fn an_attempt_ends_once(place: Place) {
    let registry = place.open().await;
    let not_in_progress = |answer: Result<(), RegistryError>| matches!(answer, Err(RegistryError::NotInProgress(_)));

    // Taken back before the key was used: the key is free.
    assert_eq!(registry.begin(intent(1, "a")).await.expect("begun"), Begun::Fresh);
    registry.abandon(document_id(1)).await.expect("abandoned");
    assert!(not_in_progress(registry.complete(document_id(1), issued(1)).await));
    assert_eq!(registry.begin(intent(2, "a")).await.expect("begun"), Begun::Fresh);

    // Issued: the same again is fine, anything else is not.
    registry.complete(document_id(2), issued(2)).await.expect("complete");
    registry.complete(document_id(2), issued(2)).await.expect("the same again");
    assert!(not_in_progress(registry.complete(document_id(2), issued(3)).await));
    assert!(not_in_progress(registry.abandon(document_id(2)).await));
    assert!(not_in_progress(registry.mark_unknown(document_id(2)).await));

    // The key was used and nothing came of it.
    assert_eq!(registry.begin(intent(3, "b")).await.expect("begun"), Begun::Fresh);
    registry.mark_unknown(document_id(3)).await.expect("marked");
    registry.mark_unknown(document_id(3)).await.expect("marked again");
    assert!(not_in_progress(registry.complete(document_id(3), issued(3)).await));
    assert!(not_in_progress(registry.abandon(document_id(3)).await));
    let again = registry.begin(intent(4, "b")).await.expect("begun");
    assert_eq!(again, Begun::StateUnknown { document_id: document_id(3) });
    assert_eq!(registry.status(document_id(3)).await.expect("read"), None);

    let empty = Intent { client: String::new(), ..intent(5, "c") };
    assert!(matches!(registry.begin(empty).await, Err(RegistryError::Invalid { field: "client", .. })));
}

/// Several may have the same fields, and one several digests.
async fn issued_documents_are_looked_up(place: Place) {
    let registry = place.open().await;
    let entry = |octet: u8| LookupEntry { digest: LookupDigest([octet; 32]), key: LookupKeyId([1; 8]) };
    for (number, octets) in [(1, &[1, 2][..]), (2, &[2, 3]), (3, &[])] {
        registry.begin(intent(number, &format!("key-{number}"))).await.expect("begun");
        let lookup = octets.iter().map(|octet| entry(*octet)).collect();
        let signed_at = STARTED.plus_seconds(number as i64);
        let issued = Issued { lookup, signed_at, ..issued(number) };
        registry.complete(document_id(number), issued.clone()).await.expect("complete");
        registry.complete(document_id(number), issued).await.expect("the same again");
    }
    registry.begin(intent(4, "unfinished")).await.expect("begun");
    let found = async |octets: &[u8]| {
        let digests = octets.iter().map(|octet| LookupDigest([*octet; 32])).collect();
        registry.look_up(digests).await.expect("read")
    };
    assert_eq!(found(&[1]).await, [document_id(1)]);
    assert_eq!(found(&[2]).await, [document_id(2), document_id(1)], "the latest first");
    assert_eq!(found(&[3, 1, 2, 9]).await, [document_id(2), document_id(1)]);
    assert_eq!(found(&[9]).await, []);
    assert_eq!(found(&[]).await, []);
    let too_many = Issued { lookup: vec![entry(7); MOST_LOOKUP_ENTRIES + 1], ..issued(4) };
    let refused = registry.complete(document_id(4), too_many).await;
    assert!(matches!(refused, Err(RegistryError::Invalid { field: "lookup", .. })), "{refused:?}");
}

async fn issued_documents_are_found_by_digest(place: Place) {
    let registry = place.open().await;
    for number in 0..(MOST_FOUND as u128 + 5) {
        issue(&*registry, number).await;
    }
    registry.begin(Intent { document_digest: [8; 32], ..intent(1000, "unfinished") }).await.expect("begun");
    let newest = Issued { signed_at: STARTED.plus_seconds(60), ..issued(1001) };
    registry.begin(intent(1001, "newest")).await.expect("begun");
    registry.complete(document_id(1001), newest).await.expect("complete");
    let found = registry.find_by_digest([2; 32]).await.expect("read");
    assert_eq!((found.len(), found[0]), (MOST_FOUND, document_id(1001)));
    assert_eq!(registry.find_by_digest([8; 32]).await.expect("read"), []);
}
