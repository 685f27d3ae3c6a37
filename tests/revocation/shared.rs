//! Faults of the shared memory: whatever lies in Redis and whatever happens to it, good stays good, revoked stays revoked.

use std::time::{Duration, Instant};

use antin::clock;
use antin::config::revocation::{CrlSource, RevocationSettings};
use antin::core::crypto::sha256;
use antin::pki::{Authority, Member};
use antin::revocation::candidate::key_digest;

use super::redis::RedisServer;
use super::world::Standing::{Good, Revoked, Unknown};
use super::world::{World, throughout, until};

/// How long a node may take to be whole again.
const RECOVERY: Duration = Duration::from_secs(10);
/// Several polls.
const POLLS: Duration = Duration::from_millis(1500);

/// A world whose judicial signer is revoked, with settings for a node on `server`.
fn world_with_revoked(server: &RedisServer) -> (World, RevocationSettings) {
    let world = World::new();
    world.revoke(Member::Judicial);
    let settings = RevocationSettings { redis: Some(server.settings()), ..world.settings_with_files() };
    (world, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_garbage_entries_change_no_verdict_and_are_written_over() {
    let server = RedisServer::start();
    let (world, settings) = world_with_revoked(&server);
    let cache = world.start(&settings).await;
    let evidence = cache.evidence();
    let key = world.redis_key(Authority::Ca);
    let genuine = world.list(Authority::Ca);
    until("the list is shared", RECOVERY, || server.get(&key) == genuine).await;
    assert!(server.command::<i64>("TTL", &[&key]) > 7 * 86_400);

    // Same names, another key; a higher number, the good signer revoked and the revoked one not.
    let foreign = World::new();
    foreign.revoke(Member::Health);
    let forged = foreign.empty_list(900, clock::now());
    let mut damaged = world.empty_list(900, clock::now());
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let entries: [&[u8]; 7] = [
        &forged,
        &foreign.list(Authority::Ca),
        &damaged,
        b"garbage",
        b"\x30\x82",
        &[0x30; 300_000],
        &world.list(Authority::Root),
    ];
    for entry in entries {
        server.set(&key, entry);
        server.set("antin:generation", b"another");
        until("written over", RECOVERY, || server.get(&key) == genuine).await;
        assert_eq!(world.standings(&evidence), (Revoked, Good));
    }
    server.command::<()>("DEL", &["antin:generation", &key]);
    server.command::<()>("RPUSH", &[key.as_str(), "a list of another kind"]);
    server.command::<()>("RPUSH", &["antin:generation", "no token"]);
    until("another type is written over", RECOVERY, || {
        server.command::<String>("TYPE", &[&key]) == "string" && server.get(&key) == genuine
    })
    .await;
    assert_eq!(world.standings(&evidence), (Revoked, Good));

    // Everything forged at once and all the time: a node that starts finds nothing else.
    let stop = Instant::now() + POLLS;
    while Instant::now() < stop {
        server.set(&key, &forged);
        server.set("antin:generation", format!("{:?}", Instant::now()).as_bytes());
        assert_eq!(world.standings(&evidence), (Revoked, Good));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cache.shutdown().await;
    server.set(&key, &forged);
    let follower = RevocationSettings { sources: Vec::new(), ..settings };
    let cache = world.start(&follower).await;
    assert_eq!(world.standings(&cache.evidence()), (Revoked, Unknown));
    assert_eq!(world.standings(&evidence), (Revoked, Good), "the last evidence of a stopped cache stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_genuine_list_does_not_come_back_even_after_a_restart() {
    let server = RedisServer::start();
    let world = World::new();
    let older = world.list(Authority::Ca);
    world.revoke(Member::Judicial);
    let settings = RevocationSettings { redis: Some(server.settings()), ..world.settings_with_files() };
    let key = world.redis_key(Authority::Ca);
    let cache = world.start(&settings).await;
    until("the list is shared", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    server.set(&key, &older);
    server.set("antin:generation", b"another");
    throughout("revoked", POLLS, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
    until("the older is written over", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    cache.shutdown().await;

    // Restarted with nothing but the older list: what was revoked stays so, the rest is undetermined.
    server.set(&key, &older);
    let alone = RevocationSettings { sources: Vec::new(), ..settings.clone() };
    let cache = world.start(&alone).await;
    throughout("not good", POLLS, || world.standings(&cache.evidence()) == (Revoked, Unknown)).await;
    cache.shutdown().await;

    // Restarted with an empty Redis, and the source itself serves the older list.
    server.command::<()>("FLUSHALL", &[""; 0]);
    let newer = world.list(Authority::Ca);
    let file = Authority::Ca.crl_path(&world.pki());
    std::fs::write(&file, &older).expect("written");
    let cache = world.start(&settings).await;
    throughout("not good", POLLS, || world.standings(&cache.evidence()) == (Revoked, Unknown)).await;
    assert!(server.get(&key).is_empty());
    std::fs::write(&file, &newer).expect("written");
    until("revoked again", RECOVERY, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_a_node_that_has_redis_alone() {
    let server = RedisServer::start();
    let world = World::new();
    let first = RevocationSettings { redis: Some(server.settings()), ..world.settings_with_files() };
    let publisher = world.start(&first).await;
    let key = world.redis_key(Authority::Ca);
    until("shared", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    let second = RevocationSettings {
        marks_file: world.directory.path().join("second.json"),
        redis: Some(server.settings()),
        ..world.settings()
    };
    // What lies in Redis could be old, as far as a node knows that has seen nothing and can ask nobody.
    let newcomer = world.start(&second).await;
    throughout("undetermined", POLLS, || world.standings(&newcomer.evidence()) == (Unknown, Unknown)).await;
    newcomer.shutdown().await;
    std::fs::copy(&first.marks_file, &second.marks_file).expect("copied");
    let follower = world.start(&second).await;
    until("good", RECOVERY, || world.standings(&follower.evidence()) == (Good, Good)).await;
    world.revoke(Member::Judicial);
    until("revoked there", RECOVERY, || world.standings(&follower.evidence()) == (Revoked, Good)).await;
    assert_eq!(world.standings(&publisher.evidence()), (Revoked, Good));
    assert_eq!(follower.freshness().len(), 2);

    // Emptied: the nodes fill it again, and answer all the while.
    server.command::<()>("FLUSHALL", &[""; 0]);
    assert_eq!(world.standings(&follower.evidence()), (Revoked, Good));
    until("filled again", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_seen_nothing_waits_for_its_source() {
    let server = RedisServer::start();
    let world = World::new();
    // A list that the CA has replaced lies in Redis; the source is down.
    server.set(&world.redis_key(Authority::Ca), &world.list(Authority::Ca));
    server.set(&world.redis_key(Authority::Root), &world.list(Authority::Root));
    world.revoke(Member::Judicial);
    let newer = world.list(Authority::Ca);
    let file = Authority::Ca.crl_path(&world.pki());
    std::fs::remove_file(&file).expect("removed");
    let settings = RevocationSettings { redis: Some(server.settings()), ..world.settings_with_files() };
    let cache = world.start(&settings).await;
    throughout("undetermined", POLLS, || world.standings(&cache.evidence()) == (Unknown, Unknown)).await;
    std::fs::write(&file, newer).expect("written");
    until("the source has the word", RECOVERY, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_redis_halts_nothing() {
    let server = RedisServer::start();
    let (world, settings) = world_with_revoked(&server);
    let cache = world.start(&settings).await;
    server.signal("STOP");
    let second = RevocationSettings { marks_file: world.directory.path().join("second.json"), ..settings };
    let started = Instant::now();
    let other = world.start(&second).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    throughout("both answer", POLLS, || {
        world.standings(&cache.evidence()) == (Revoked, Good) && world.standings(&other.evidence()) == (Revoked, Good)
    })
    .await;
    // News come in without Redis.
    world.revoke(Member::Health);
    until("revoked", Duration::from_secs(3), || world.standings(&cache.evidence()) == (Revoked, Revoked)).await;
    server.signal("CONT");
    let key = world.redis_key(Authority::Ca);
    until("shared again", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_killed_and_restarted_empty_is_filled_again() {
    let mut server = RedisServer::start();
    let (world, settings) = world_with_revoked(&server);
    let cache = world.start(&settings).await;
    let key = world.redis_key(Authority::Ca);
    until("shared", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    server.kill();
    throughout("answers", POLLS, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
    server.run();
    until("filled again", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    cache.shutdown().await;

    // A restart of the node while its source is down: what lies in Redis and agrees with the marks serves.
    std::fs::remove_dir_all(world.pki().join("crl")).expect("removed");
    let cache = world.start(&settings).await;
    assert_eq!(world.standings(&cache.evidence()), (Revoked, Good));
    server.kill();
    cache.shutdown().await;
    let cache = world.start(&settings).await;
    assert_eq!(world.standings(&cache.evidence()), (Unknown, Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_several_scopes_are_kept_apart_and_shared() {
    let server = RedisServer::start();
    let world = World::new();
    let (list, scope) = world.partition(3);
    let file = world.directory.path().join("partition.crl");
    std::fs::write(&file, &list).expect("written");
    let mut first = RevocationSettings { redis: Some(server.settings()), ..world.settings_with_files() };
    first.sources.push(CrlSource { file: Some(file.clone()), ..CrlSource::default() });
    let publisher = world.start(&first).await;
    assert_eq!(publisher.freshness().len(), 3, "{:?}", publisher.reload_files_now());
    let index = format!("antin:partitions:{{{}}}", hex::encode(key_digest(&world.certificate(Member::Ca))));
    let line = format!("{}\n", hex::encode(sha256(&scope)));
    until("indexed", RECOVERY, || server.get(&index) == line.as_bytes()).await;
    let marks_file = world.directory.path().join("second.json");
    // It knows what the first has seen: with no source of its own it could not tell an old list from the newest.
    std::fs::copy(&first.marks_file, &marks_file).expect("copied");
    let second = RevocationSettings { sources: Vec::new(), marks_file, ..first.clone() };
    let follower = world.start(&second).await;
    until("all scopes there", RECOVERY, || follower.freshness().len() == 3).await;
    // The number of one scope says nothing about the other.
    world.revoke(Member::Judicial);
    until("number 2 of the complete list counts", RECOVERY, || {
        follower.freshness().iter().any(|row| row.entries == 1 && row.scope.distribution_point.is_none())
    })
    .await;
    // A garbled index is passed over and written anew.
    server.set(&index, &[0xFF; 9000]);
    std::fs::write(&file, world.partition(4).0).expect("written");
    until("indexed again", RECOVERY, || server.get(&index) == line.as_bytes()).await;
    assert_eq!((publisher.freshness().len(), follower.freshness().len()), (3, 3));
}
