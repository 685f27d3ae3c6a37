//! Several nodes: one asks for all, another takes over, nobody who holds the lock stops a revocation, and nobody overwrites what
//! was written while he slept.

use std::time::{Duration, Instant};

use antin::config::revocation::{RedisSettings, RevocationSettings};
use antin::pki::{Authority, Member};
use antin::revocation::RevocationCache;
use tokio::runtime::Runtime;

use super::proxy::Proxy;
use super::redis::RedisServer;
use super::responder::{Answer, Responder};
use super::world::Standing::{Good, Revoked};
use super::world::{World, throughout, until};

const RECOVERY: Duration = Duration::from_secs(10);

/// A node's settings: its own marks, the root's list from the file, the CA's from the responder.
fn node(world: &World, responder: &Responder, redis: RedisSettings, name: &str) -> RevocationSettings {
    RevocationSettings {
        sources: vec![world.file_source(Authority::Root), responder.source()],
        allowed_hosts: vec![responder.allowed()],
        marks_file: world.directory.path().join(name),
        redis: Some(redis),
        ..world.settings()
    }
}

/// Who holds the only lock there is; nothing if it is free.
fn holder(server: &RedisServer) -> Vec<u8> {
    let keys: Vec<String> = server.command("KEYS", &["antin:lock:*"]);
    keys.first().map(|key| server.get(key)).unwrap_or_default()
}

fn both_are(
    world: &World,
    caches: [&RevocationCache; 2],
    standings: (super::world::Standing, super::world::Standing),
) -> bool {
    caches.iter().all(|cache| world.standings(&cache.evidence()) == standings)
}

#[test]
fn one_node_asks_for_all_and_when_it_dies_another_takes_over() {
    let server = RedisServer::start();
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let (first, second) = (Runtime::new().expect("a runtime"), Runtime::new().expect("a runtime"));
    let settings = |name: &str| node(&world, &responder, server.settings(), name);
    let leader = first.block_on(world.start(&settings("first.json")));
    first.block_on(until("the first leads", RECOVERY, || !holder(&server).is_empty()));
    let leading = holder(&server);
    let follower = second.block_on(world.start(&settings("second.json")));
    second.block_on(async {
        // The asking at its start, and perhaps one more before it knows that another leads.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let asked = responder.asked();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let asked = responder.asked() - asked;
        assert!((3..=6).contains(&asked), "{asked} in 5 s, each node once a second by itself");
        assert_eq!(holder(&server), leading, "a lock that is renewed stays");
        world.revoke(Member::Judicial);
        responder.tell(Answer::Body(world.list(Authority::Ca)));
        until("revoked on both", RECOVERY, || both_are(&world, [&leader, &follower], (Revoked, Good))).await;
    });

    // No farewell: its tasks are gone, its lock is not freed.
    first.shutdown_background();
    world.revoke(Member::Health);
    responder.tell(Answer::Body(world.list(Authority::Ca)));
    second.block_on(async {
        let died = Instant::now();
        until("another leads", RECOVERY, || ![&leading[..], b""].contains(&&holder(&server)[..])).await;
        let evidence = follower.evidence();
        until("and asks", RECOVERY, || world.standings(&evidence) == (Revoked, Revoked)).await;
        println!("taken over and asked within {:.1} s", died.elapsed().as_secs_f64());
        assert!(died.elapsed() < RECOVERY);
        follower.shutdown().await;
    });
    assert!(holder(&server).is_empty(), "who stops frees the lock");
    drop(leader);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_the_source_does_not_answer_leaves_the_lock_to_others() {
    let server = RedisServer::start();
    let world = World::new();
    let (answering, silent) = (Answer::Body(world.list(Authority::Ca)), Answer::Status(503));
    let responder = Responder::start(answering.clone());
    let leader = world.start(&node(&world, &responder, server.settings(), "first.json")).await;
    until("it leads", RECOVERY, || !holder(&server).is_empty()).await;
    responder.tell(silent);
    until("it lets go", RECOVERY, || holder(&server).is_empty()).await;
    throughout("good", Duration::from_secs(3), || holder(&server).is_empty()).await;
    responder.tell(answering);
    // The longest wait after a failure, and a round.
    until("it leads again", Duration::from_secs(14), || !holder(&server).is_empty()).await;
    assert_eq!(world.standings(&leader.evidence()), (Good, Good));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_lock_for_ever_does_not_keep_a_revocation_away() {
    let server = RedisServer::start();
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let redis = RedisSettings { follow_seconds: 4, ..server.settings() };
    let cache = world.start(&node(&world, &responder, redis.clone(), "first.json")).await;
    until("it leads", RECOVERY, || !holder(&server).is_empty()).await;
    let keys: Vec<String> = server.command("KEYS", &["antin:lock:*"]);
    let evidence = cache.evidence();
    for (index, member) in [Member::Judicial, Member::Health].into_iter().enumerate() {
        server.command::<()>("DEL", &keys);
        match index {
            0 => server.set(&keys[0], b"somebody else, for ever"),
            // A value of another type.
            _ => server.command("RPUSH", &[keys[0].as_str(), "no name"]),
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        let asked = responder.asked();
        world.revoke(member);
        responder.tell(Answer::Body(world.list(Authority::Ca)));
        let revoked = || world.standing(&evidence, member) == Revoked;
        until("asked all the same", Duration::from_secs(6), revoked).await;
        assert!(responder.asked() - asked <= 2, "it waited for whoever holds the lock");
    }
    // A node that starts does not wait: its first asking is its own.
    let started = Instant::now();
    let other = world.start(&node(&world, &responder, redis, "second.json")).await;
    until("first asking", Duration::from_secs(2), || world.standings(&other.evidence()) == (Revoked, Revoked)).await;
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_slept_does_not_overwrite_what_another_wrote() {
    // Whether another node wrote meanwhile: if not, the late writing is as good as any.
    for another_wrote in [true, false] {
        let server = RedisServer::start();
        let world = World::new();
        let older = world.list(Authority::Ca);
        let proxy = Proxy::start(server.port, b"EXAT");
        let url = format!("redis://127.0.0.1:{}/0", proxy.port);
        let redis = RedisSettings { url: RedisSettings::new(&url).url, ..server.settings() };
        let file = Authority::Ca.crl_path(&world.pki());
        let sleeper = RevocationSettings {
            redis: Some(redis),
            sources: vec![world.file_source(Authority::Ca)],
            ..world.settings()
        };
        let sleeping = world.start(&sleeper).await;
        until("asleep before it writes", RECOVERY, || proxy.is_holding()).await;
        sleeping.shutdown().await;
        let key = world.redis_key(Authority::Ca);
        assert!(server.get(&key).is_empty());
        if another_wrote {
            world.revoke(Member::Judicial);
            let marks_file = world.directory.path().join("second.json");
            let writer = RevocationSettings { marks_file, redis: Some(server.settings()), ..sleeper };
            let writing = world.start(&writer).await;
            until("the newer list is there", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
            writing.shutdown().await;
        }
        proxy.release();
        if another_wrote {
            throughout("the newer stays", Duration::from_secs(1), || server.get(&key) == world.list(Authority::Ca))
                .await;
        } else {
            until("the late writing arrives", RECOVERY, || server.get(&key) == older).await;
        }
        assert!(file.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_comes_before_the_poll() {
    let server = RedisServer::start();
    let world = World::new();
    let slow = RedisSettings { poll_seconds: 60, ..server.settings() };
    let publisher = RevocationSettings { redis: Some(slow.clone()), ..world.settings_with_files() };
    let marks_file = world.directory.path().join("second.json");
    let follower = RevocationSettings { marks_file, redis: Some(slow), ..world.settings() };
    let publishing = world.start(&publisher).await;
    // It knows what the first has seen: with no source of its own it could not tell an old list from the newest.
    std::fs::copy(&publisher.marks_file, &follower.marks_file).expect("copied");
    let following = world.start(&follower).await;
    until("good", RECOVERY, || world.standings(&following.evidence()) == (Good, Good)).await;
    world.revoke(Member::Judicial);
    until("revoked there", RECOVERY, || world.standings(&following.evidence()) == (Revoked, Good)).await;
    // A flood of them halts nothing.
    for _ in 0..2000 {
        server.command::<i64>("PUBLISH", &["antin:changed", "nothing"]);
    }
    world.revoke(Member::Health);
    until("revoked there", RECOVERY, || world.standings(&following.evidence()) == (Revoked, Revoked)).await;
    publishing.shutdown().await;
}
