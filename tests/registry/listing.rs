//! Places in the status lists: given out once, and what is said about them.

use std::collections::BTreeSet;
use std::sync::Arc;

use antin::core::status_list::ListedState;
use antin::registry::{
    BLOCK, Begun, DocumentState, Intent, LIST_ENTRIES, Listed, Registry, RegistryError, StatusPlace,
};

use super::{Place, STARTED, change, document_id, intent, issued, on_both};

on_both!(
    blocks_are_leased_once_however_many_ask,
    a_place_belongs_to_one_document,
    lists_tell_of_what_is_not_in_force_and_of_changes,
);

fn place(index: u32) -> StatusPlace {
    StatusPlace { list: 0, index }
}

fn placed(number: u128, index: u32) -> Intent {
    Intent { status_place: Some(place(index)), ..intent(number, &format!("key-{number}")) }
}

async fn issue(registry: &dyn Registry, number: u128, index: u32) {
    assert_eq!(registry.begin(placed(number, index)).await.expect("begun"), Begun::Fresh);
    registry.complete(document_id(number), issued(number)).await.expect("complete");
}

async fn blocks_are_leased_once_however_many_ask(store: Place) {
    let registry = store.open().await;
    assert_eq!(registry.status_blocks().await.expect("read"), 0);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let registry = Arc::clone(&registry);
        asked.spawn(async move { registry.lease_status_places().await.expect("a block") });
    }
    let leased: BTreeSet<u32> = asked.join_all().await.into_iter().collect();
    assert_eq!(leased, (0..8).collect());
    store.close(registry).await;
    let registry = store.open().await;
    assert_eq!(registry.lease_status_places().await.expect("a block"), 8, "nor after a restart");
    // Of an imported document the block was leased elsewhere.
    issue(&*registry, 1, 100 * BLOCK + 7).await;
    assert_eq!(registry.status_blocks().await.expect("read"), 101);
    assert_eq!(registry.lease_status_places().await.expect("a block"), 101);
}

async fn a_place_belongs_to_one_document(store: Place) {
    let registry = store.open().await;
    issue(&*registry, 1, 5).await;
    let read = registry.document(document_id(1)).await.expect("read").expect("issued");
    assert_eq!(read.intent.status_place, Some(place(5)));
    let taken = registry.begin(placed(2, 5)).await;
    assert!(matches!(taken, Err(RegistryError::DocumentIdTaken(_))), "{taken:?}");
    assert_eq!(registry.begin(placed(2, 6)).await.expect("begun"), Begun::Fresh);
    let last = Intent { status_place: Some(StatusPlace { list: 38, index: LIST_ENTRIES - 1 }), ..intent(3, "last") };
    assert_eq!(registry.begin(last.clone()).await.expect("begun"), Begun::Fresh);
    registry.complete(document_id(3), issued(3)).await.expect("complete");
    assert_eq!(registry.document(document_id(3)).await.expect("read").expect("issued").intent, last);
}

async fn lists_tell_of_what_is_not_in_force_and_of_changes(store: Place) {
    let registry = store.open().await;
    for (number, index) in [(1, 50), (2, 40), (3, 30), (4, 20), (5, 10)] {
        issue(&*registry, number, index).await;
    }
    // Without a place, with an end that is not known, not ended.
    registry.begin(intent(6, "of-before")).await.expect("begun");
    registry.complete(document_id(6), issued(6)).await.expect("complete");
    registry.begin(placed(7, 60)).await.expect("begun");
    registry.mark_unknown(document_id(7)).await.expect("marked");
    registry.begin(placed(8, 70)).await.expect("begun");
    let changes = [
        (1, DocumentState::Withdrawn, 100),
        (2, DocumentState::Suspended, 200),
        (3, DocumentState::Used, 300),
        (4, DocumentState::Superseded, 400),
        (6, DocumentState::Withdrawn, 500),
    ];
    for (number, state, at) in changes {
        registry.set_status(document_id(number), change(state, at)).await.expect("changed");
    }
    let listed = |index, state| Listed { place: place(index), state };
    let [superseded, used, suspended] = [
        listed(20, ListedState::UsedOrSuperseded),
        listed(30, ListedState::UsedOrSuperseded),
        listed(40, ListedState::Suspended),
    ];
    let (withdrawn, void) = (listed(50, ListedState::Withdrawn), listed(60, ListedState::Withdrawn));
    let all = registry.listed(None, None, 100).await.expect("read");
    assert_eq!(all, [superseded, used, suspended, withdrawn, void]);
    assert_eq!(registry.listed(None, None, 2).await.expect("read"), all[..2]);
    assert_eq!(registry.listed(None, Some(place(30)), 2).await.expect("read"), all[2..4]);

    let since = |seconds| Some(STARTED.plus_seconds(seconds));
    // Of attempts without a result nobody knows when they ended: each of that day is told.
    assert_eq!(registry.listed(since(300), None, 100).await.expect("read"), [superseded, used, void]);
    assert_eq!(registry.listed(since(300), Some(place(20)), 1).await.expect("read"), [used]);
    assert_eq!(registry.listed(since(90_000), None, 100).await.expect("read"), []);
    registry.set_status(document_id(2), change(DocumentState::InForce, 90_001)).await.expect("changed");
    let back = listed(40, ListedState::InForce);
    assert_eq!(registry.listed(since(90_000), None, 100).await.expect("read"), [back], "in force again is a change");
    assert_eq!(registry.listed(None, None, 100).await.expect("read"), [superseded, used, withdrawn, void]);
}
