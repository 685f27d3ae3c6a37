//! A synchronous standby takes over from a primary that was killed.

use std::{sync::Arc, time::Duration};

use antin::{
    config::PostgresSettings,
    registry::{Registry, postgres::PostgresRegistry},
};

use super::{
    STARTED, pause,
    servers::{Ledger, check, lane},
    settings,
};
use crate::kit::postgres::PostgresServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_has_all_that_was_released() {
    let mut primary = PostgresServer::start(&[]);
    let url = primary.database();
    let database = url.rsplit('/').next().expect("a name").to_owned();
    let standby = PostgresServer::standby_of(&primary, &["hot_standby=on"]);
    primary.psql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql("postgres", "SELECT pg_reload_conf()");
    let state = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    for _ in 0..200 {
        if primary.psql("postgres", state) == ["1"] {
            break;
        }
        pause(0.05).await;
    }
    assert_eq!(primary.psql("postgres", state), ["1"]);

    let ports = (primary.port, standby.port);
    let url = format!(
        "postgres://antin@127.0.0.1:{},127.0.0.1:{}/{database}?target_session_attrs=read-write",
        ports.0, ports.1
    );
    let settings = PostgresSettings { timeout_seconds: 4, connect_timeout_seconds: 1, ..settings(&url) };
    let registry: Arc<dyn Registry> = Arc::new(PostgresRegistry::open(&settings, STARTED).await.expect("a registry"));
    let ledger = Arc::new(Ledger::default());
    let mut lanes = tokio::task::JoinSet::new();
    for number in 1..=6 {
        lanes.spawn(lane(Arc::clone(&registry), number, Arc::clone(&ledger)));
    }
    ledger.grow(150).await;
    // A standby that does not answer: nothing is confirmed, and so nothing is released.
    standby.signal("STOP");
    pause(0.5).await;
    let held = ledger.released();
    pause(1.0).await;
    // Told not to wait, the server confirms what the standby may not have: it warns, and is not believed.
    let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'";
    assert_ne!(primary.psql("postgres", &format!("SELECT COUNT(*) {waiting}")), ["0"]);
    primary.psql("postgres", &format!("SELECT pg_cancel_backend(pid) {waiting}"));
    pause(1.0).await;
    assert_eq!(ledger.released(), held, "released without its standby");
    standby.signal("CONT");
    ledger.grow(50).await;

    let standby = tokio::task::spawn_blocking(move || {
        primary.kill();
        standby.promote();
        (primary, standby)
    });
    let (_primary, standby) = standby.await.expect("no panic");
    ledger.grow(100).await;
    ledger.stop();
    let ended = tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(ended) = lanes.join_next().await {
            ended.expect("no panic");
        }
    });
    ended.await.expect("every lane ends");
    check(&*registry, &ledger).await;
    drop(standby);
}
