//! Standing: a paper is in force, and then in turn what the rules allow.

use std::sync::Arc;

use antin::registry::{Begun, DocumentState, RegistryError, StatusChange};

use super::{Place, STARTED, change, document_id, intent, issue, on_both};

on_both!(
    the_standing_changes_by_rule_and_its_history_stays,
    a_single_use_paper_is_used_once,
    papers_are_used_in_parallel
);

async fn the_standing_changes_by_rule_and_its_history_stays(place: Place) {
    let registry = place.open().await;
    let id = document_id(1);
    let unknown = registry.set_status(id, change(DocumentState::Withdrawn, 9)).await;
    assert!(matches!(unknown, Err(RegistryError::UnknownDocument(_))));
    issue(&*registry, 1).await;
    issue(&*registry, 2).await;
    let fresh = registry.status(id).await.expect("read").expect("issued");
    assert_eq!((fresh.state, fresh.since, fresh.history.len()), (DocumentState::InForce, STARTED.plus_seconds(1), 0));

    let itself = StatusChange { superseded_by: Some(id), ..change(DocumentState::Superseded, 10) };
    let circle = registry.set_status(id, itself).await;
    assert!(matches!(circle, Err(RegistryError::SuccessorNotInForce { .. })));
    let replaced = StatusChange { superseded_by: Some(document_id(2)), ..change(DocumentState::Superseded, 12) };
    let changes = [
        change(DocumentState::Suspended, 10),
        change(DocumentState::InForce, 11),
        replaced,
        change(DocumentState::Withdrawn, 13),
    ];
    for change in &changes {
        let status = registry.set_status(id, change.clone()).await.expect("changed");
        assert_eq!((status.state, status.since), (change.state, change.at));
        assert_eq!(registry.status(id).await.expect("read"), Some(status));
    }
    let back = registry.set_status(id, change(DocumentState::InForce, 14)).await;
    assert!(matches!(
        back,
        Err(RegistryError::StatusConflict { from: DocumentState::Withdrawn, to: DocumentState::InForce, .. })
    ));
    // A withdrawn paper replaces nothing, and the record as released has not changed.
    let by_withdrawn = StatusChange { superseded_by: Some(id), ..change(DocumentState::Superseded, 15) };
    let refused = registry.set_status(document_id(2), by_withdrawn).await;
    assert!(matches!(refused, Err(RegistryError::SuccessorNotInForce { .. })));
    assert!(matches!(registry.begin(intent(9, "key-1")).await, Ok(Begun::Replay(_))));
    place.close(registry).await;
    assert_eq!(place.open().await.status(id).await.expect("read").expect("issued").history, changes);
}

async fn a_single_use_paper_is_used_once(place: Place) {
    let registry = place.open().await;
    issue(&*registry, 1).await;
    let mut readers = tokio::task::JoinSet::new();
    for at in 0..20 {
        let registry = Arc::clone(&registry);
        readers
            .spawn(async move { registry.set_status(document_id(1), change(DocumentState::Used, at)).await.is_ok() });
    }
    assert_eq!(readers.join_all().await.into_iter().filter(|used| *used).count(), 1);
}

/// Twenty papers and five readers of each: much work that is in the way of other work, none of it lost, none done twice.
async fn papers_are_used_in_parallel(place: Place) {
    let registry = place.open().await;
    for number in 0..20 {
        issue(&*registry, number).await;
    }
    let mut readers = tokio::task::JoinSet::new();
    for at in 0..100_u128 {
        let registry = Arc::clone(&registry);
        let change = change(DocumentState::Used, 10 + at as i64);
        readers.spawn(async move { (at % 20, registry.set_status(document_id(at % 20), change).await) });
    }
    let mut used = [0; 20];
    for (number, outcome) in readers.join_all().await {
        match outcome {
            Ok(_) => used[number as usize] += 1,
            Err(RegistryError::StatusConflict { from: DocumentState::Used, to: DocumentState::Used, .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(used, [1; 20]);
    for number in 0..20 {
        let status = registry.status(document_id(number)).await.expect("read").expect("issued");
        assert_eq!((status.state, status.history.len()), (DocumentState::Used, 1));
    }
}
