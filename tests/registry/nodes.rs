//! Several nodes that share a registry on PostgreSQL: leases, attempts of dead nodes, the queue of levels, one start.

use std::{process::Command, sync::Arc, time::Duration};

use antin::{
    config::PostgresSettings,
    registry::{
        Begun, DocumentId, Intent, Registry, RegistryError,
        postgres::{OpenError, PostgresRegistry},
    },
};

use super::{
    LEASE, Place, STARTED,
    child::{child_command, listen, this_program},
    document_id, intent, issue, issued, pause, settings,
};
use crate::kit::postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_leaves_its_attempts_to_the_living_who_keep_their_own() {
    let place = Place::postgres();
    let living = place.open().await;
    assert_eq!(living.recover().await.expect("recovered"), []);
    assert_eq!(living.begin(intent(2, "of-the-living")).await.expect("begun"), Begun::Fresh);

    let said = listen(child_command(Command::new(this_program()), "begin", &place.address()), |lines| lines == 1);
    assert_eq!(said, ["begun"]);
    let asked = || living.begin(intent(3, "key"));
    assert_eq!(asked().await.expect("begun"), Begun::InProgress { document_id: document_id(1) }, "its lease lasts");
    pause(LEASE as f64 + 0.5).await;
    let unknown = Begun::StateUnknown { document_id: document_id(1) };
    assert_eq!(asked().await.expect("begun"), unknown, "by the lease alone");

    // Nobody asks for it: the living node looks by itself.
    let Place::Postgres { url } = &place else { panic!("a database") };
    let database = url.rsplit('/').next().expect("a name");
    let progress = "SELECT progress FROM antin.document ORDER BY id";
    let mut left = Vec::new();
    for _ in 0..100 {
        left = postgres::shared().psql(database, progress);
        if left == ["unknown", "begun"] {
            break;
        }
        pause(0.1).await;
    }
    assert_eq!(left, ["unknown", "begun"]);
    living.complete(document_id(2), issued(2)).await.expect("its own goes on");
    assert_eq!(asked().await.expect("begun"), unknown);
}

/// The lease of a node that still lives has ended: what another node marked meanwhile stays marked, the rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_for_dead_completes_nothing_that_was_marked() {
    let place = Place::postgres();
    let Place::Postgres { url } = &place else { panic!("a database") };
    // It renews its lease every twenty seconds, and so not while this test lasts.
    let slow = PostgresSettings { lease_seconds: 60, ..settings(url) };
    let slow = PostgresRegistry::open(&slow, STARTED).await.expect("a registry");
    let other = place.open().await;
    slow.begin(intent(1, "one")).await.expect("begun");
    // As if the node had been away for long.
    let database = url.rsplit('/').next().expect("a name");
    postgres::shared().psql(database, "UPDATE antin.run SET lease_until = now() - '1 hour'::INTERVAL");
    let left: Vec<DocumentId> = other.recover().await.expect("recovered").iter().map(|left| left.document_id).collect();
    assert_eq!(left, [document_id(1)]);
    let late = slow.complete(document_id(1), issued(1)).await;
    assert!(matches!(late, Err(RegistryError::NotInProgress(_))), "{late:?}");
    slow.begin(intent(2, "two")).await.expect("begun");
    slow.complete(document_id(2), issued(2)).await.expect("nobody marked this one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_signs_once_on_all_nodes_together() {
    let place = Place::postgres();
    let nodes = [place.open().await, place.open().await, place.open().await];
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..99_u128 {
        let node = Arc::clone(&nodes[number as usize % 3]);
        callers.spawn(async move { node.begin(intent(number, "one")).await.expect("begun") });
    }
    let begun = callers.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Fresh).count(), 1);
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::InProgress { .. })).count(), 98);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_to_be_raised_is_given_to_one_node() {
    let place = Place::postgres();
    let (one, other) = (place.open().await, place.open().await);
    for number in 1..=10 {
        issue(&*one, number).await;
    }
    let due = |node: Arc<dyn Registry>, most| async move {
        let due = node.due(STARTED.plus_seconds(60), most).await.expect("read");
        due.into_iter().map(|due| due.document_id).collect::<Vec<_>>()
    };
    let first = due(Arc::clone(&one), 4).await;
    assert_eq!(first, (1..=4).map(document_id).collect::<Vec<_>>());
    assert_eq!(due(Arc::clone(&one), 4).await, first, "who has it gets it again");
    assert_eq!(due(Arc::clone(&other), 100).await, (5..=10).map(document_id).collect::<Vec<_>>());
    place.open().await;
    drop(one);
    pause(LEASE as f64).await;
    assert_eq!(due(other, 100).await.len(), 10, "a node that is gone has none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_make_the_tables_once() {
    let url = postgres::shared().database();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let settings = PostgresSettings { connections: 2, ..settings(&url) };
        starts.spawn(async move { PostgresRegistry::open(&settings, STARTED).await.expect("a registry") });
    }
    let nodes = starts.join_all().await;
    for (number, node) in (1..).zip(&nodes) {
        issue(node, number).await;
    }
    let database = url.rsplit('/').next().expect("a name");
    assert_eq!(
        postgres::shared().psql(database, "SELECT version FROM antin.migration ORDER BY version"),
        ["1", "2", "3", "4"]
    );
    postgres::shared().psql(database, "INSERT INTO antin.migration VALUES (7)");
    let newer = PostgresRegistry::open(&settings(&url), STARTED).await.err().expect("refused");
    assert!(matches!(newer, OpenError::Newer { found: 7, known: 4 }), "{newer:?}");
}

/// An intent whose answer was lost is taken back: the key is free for who asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_for_nobody_is_taken_back() {
    let url = postgres::shared().database();
    let settings = PostgresSettings { timeout_seconds: 1, ..settings(&url) };
    let registry = Arc::new(PostgresRegistry::open(&settings, STARTED).await.expect("a registry"));
    let database = url.rsplit('/').next().expect("a name").to_owned();
    issue(&*registry, 9).await;
    // The insert waits for this lock longer than the request does; the server carries it out in the end, or not.
    let holder = tokio::task::spawn_blocking(move || {
        let lock = "BEGIN; LOCK TABLE antin.document IN SHARE MODE; SELECT pg_sleep(2.5); COMMIT";
        postgres::shared().psql(&database, lock)
    });
    pause(0.5).await;
    let waiting = Intent { ..intent(1, "key") };
    let refused = registry.begin(waiting).await;
    assert!(matches!(refused, Err(RegistryError::Unavailable { .. })), "{refused:?}");
    holder.await.expect("no panic");
    tokio::time::timeout(Duration::from_secs(20), async {
        while registry.begin(intent(2, "key")).await.ok() != Some(Begun::Fresh) {
            pause(0.1).await;
        }
    })
    .await
    .expect("the key is free");
    registry.complete(document_id(2), issued(2)).await.expect("complete");
}
