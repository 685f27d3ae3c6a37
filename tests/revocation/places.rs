//! Redis behind TLS, a password, an ACL user, Sentinel or Cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use antin::config::revocation::{RedisSettings, RevocationSettings};
use antin::pki::{Authority, Member};
use redis::FromRedisValue;

use super::many::{Cluster, Sentinelled, Tls};
use super::redis::RedisServer;
use super::responder::{Answer, Responder};
use super::world::Standing::{Good, Revoked};
use super::world::{World, until};

const RECOVERY: Duration = Duration::from_secs(10);

/// The rights of the user, as docs/operations.md gives them.
fn rights() -> String {
    let text = include_str!("../../docs/operations.md");
    let line = text.lines().find_map(|line| line.strip_prefix("user antin on >PASSWORD "));
    line.expect("docs/operations.md gives the line of the user").to_owned()
}

/// A node that asks the responder for the CA's list, and one that has Redis alone.
async fn pair(world: &World, responder: &Responder, redis: &RedisSettings) -> [antin::revocation::RevocationCache; 2] {
    let follower = RevocationSettings {
        marks_file: world.directory.path().join("follower.json"),
        redis: Some(redis.clone()),
        ..world.settings()
    };
    let publisher = RevocationSettings {
        marks_file: world.directory.path().join("publisher.json"),
        sources: vec![world.file_source(Authority::Root), responder.source()],
        allowed_hosts: vec![responder.allowed()],
        ..follower.clone()
    };
    let publishing = world.start(&publisher).await;
    // With no source of its own it could not tell an old list from the newest.
    std::fs::copy(&publisher.marks_file, &follower.marks_file).expect("copied");
    [publishing, world.start(&follower).await]
}

/// Revokes, publishes, and waits until both nodes know; the seconds it took.
async fn revoke(
    world: &World,
    responder: &Responder,
    nodes: &[antin::revocation::RevocationCache; 2],
    member: Member,
) -> f64 {
    let started = Instant::now();
    world.revoke(member);
    responder.tell(Answer::Body(world.list(Authority::Ca)));
    for node in nodes {
        let evidence = node.evidence();
        until("revoked", RECOVERY, || world.standing(&evidence, member) == Revoked).await;
    }
    started.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rights_in_the_documentation_is_enough_and_with_less_nothing_is_shared() {
    let user = format!("--user antin on >known {}", rights());
    let words = |port: u16| format!("--port {port} {user}").split_whitespace().map(str::to_owned).collect();
    let server = RedisServer::start_with(words);
    let url = format!("redis://antin:known@127.0.0.1:{}/0", server.port);
    let redis = RedisSettings { poll_seconds: 1, ..RedisSettings::new(&url) };
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let nodes = pair(&world, &responder, &redis).await;
    let evidence = nodes[1].evidence();
    until("shared", RECOVERY, || world.standings(&evidence) == (Good, Good)).await;
    until("locked", RECOVERY, || !server.command::<Vec<String>>("KEYS", &["antin:lock:*"]).is_empty()).await;
    revoke(&world, &responder, &nodes, Member::Judicial).await;
    // Written over, which raises the fence.
    let key = world.redis_key(Authority::Ca);
    server.set(&key, b"garbage");
    server.set("antin:generation", b"another");
    until("written over", RECOVERY, || server.get(&key) == world.list(Authority::Ca)).await;
    let [publisher, follower] = nodes;
    publisher.shutdown().await;
    follower.shutdown().await;
    assert!(server.command::<Vec<String>>("KEYS", &["antin:lock:*"]).is_empty(), "freed at the end");
    // Nothing else was refused than what the client tells of itself.
    let refused = server.command::<Vec<BTreeMap<String, redis::Value>>>("ACL", &["LOG"]);
    let objects = refused.iter().map(|row| String::from_redis_value(row["object"].clone()).expect("a name"));
    let objects: Vec<String> = objects.filter(|object| !object.starts_with("client")).collect();
    assert!(objects.is_empty(), "{objects:?}");

    for right in ["+eval", "+subscribe", "+getrange", "&antin:changed"] {
        let less = match right.strip_prefix('+') {
            Some(command) => vec!["SETUSER".to_owned(), "antin".to_owned(), format!("-{command}")],
            None => ["SETUSER", "antin", "resetchannels"].map(str::to_owned).to_vec(),
        };
        server.command::<()>("FLUSHALL", &[""; 0]);
        server.command::<()>("ACL", &less);
        let nodes = pair(&world, &responder, &redis).await;
        assert_eq!(world.standings(&nodes[0].evidence()), (Revoked, Good), "the sources serve");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let locked = !server.command::<Vec<String>>("KEYS", &["antin:lock:*"]).is_empty();
        assert!(!locked, "{right}: who cannot share asks for no one");
        for node in nodes {
            node.shutdown().await;
        }
        server.command::<()>("ACL", &["SETUSER", "antin", right]);
    }
}

/// Settings that vouch for nobody who is there.
fn vouching_for_others(redis: RedisSettings) -> (RedisSettings, Tls) {
    let other = Tls::new();
    (RedisSettings { tls_authorities: Some(other.authority()), ..redis }, other)
}

/// Whether a node shares anything over these servers.
async fn is_shared(redis: RedisSettings, lists: impl Fn() -> bool) -> bool {
    let world = World::new();
    let node = world.start(&RevocationSettings { redis: Some(redis), ..world.settings_with_files() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    node.shutdown().await;
    lists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_dies_is_replaced_by_the_one_sentinel_names() {
    a_master_dies(Sentinelled::start(&rights(), None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinel_and_its_servers_may_speak_tls() {
    let servers = Sentinelled::start(&rights(), Some(Tls::new()));
    let (wrong, _other) = vouching_for_others(servers.settings());
    let lists = || !servers.master.command::<Vec<String>>("KEYS", &["antin:crl:*"]).is_empty();
    assert!(!is_shared(wrong, lists).await, "nobody vouches for the servers");
    a_master_dies(servers).await;
}

async fn a_master_dies(mut servers: Sentinelled) {
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let nodes = pair(&world, &responder, &servers.settings()).await;
    let evidence = nodes[1].evidence();
    until("shared", RECOVERY, || world.standings(&evidence) == (Good, Good)).await;
    let key = world.redis_key(Authority::Ca);
    until("replicated", RECOVERY, || servers.replica.get(&key) == world.list(Authority::Ca)).await;
    // Sentinel learns of replicas every ten seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    servers.master.kill();
    let took = revoke(&world, &responder, &nodes, Member::Judicial).await;
    println!("Sentinel: master killed, a revocation reached the other node after {took:.1} s");
    assert_eq!(world.standings(&evidence), (Revoked, Good));
    assert_eq!(servers.replica.get(&key), world.list(Authority::Ca));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_dies_is_replaced_by_its_replica() {
    a_node_dies(Cluster::start(&format!("{} +cluster|slots", rights()), None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_of_a_cluster_may_speak_tls() {
    let cluster = Cluster::start(&format!("{} +cluster|slots", rights()), Some(Tls::new()));
    let (wrong, _other) = vouching_for_others(cluster.settings());
    let lists = || {
        let keys = |node: &RedisServer| node.command::<Vec<String>>("KEYS", &["antin:crl:*"]);
        cluster.nodes.iter().any(|node| !keys(node).is_empty())
    };
    assert!(!is_shared(wrong, lists).await, "nobody vouches for the servers");
    a_node_dies(cluster).await;
}

async fn a_node_dies(mut cluster: Cluster) {
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let nodes = pair(&world, &responder, &cluster.settings()).await;
    let evidence = nodes[1].evidence();
    until("shared", RECOVERY, || world.standings(&evidence) == (Good, Good)).await;
    let key = world.redis_key(Authority::Ca);
    let master = cluster.master_of(&key).expect("a master");
    cluster.nodes[master].kill();
    let took = revoke(&world, &responder, &nodes, Member::Judicial).await;
    println!("Cluster: the list's node killed, a revocation reached the other node after {took:.1} s");
    assert_eq!(world.standings(&evidence), (Revoked, Good));
    assert!(cluster.master_of(&key).is_some_and(|promoted| promoted != master));
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_tls_with_a_password_serves_and_another_server_is_not_spoken_to() {
    let world = World::new();
    let pem = |member: Member| std::fs::read(member.certificate_path(&world.pki())).expect("read");
    let chain = world.directory.path().join("chain.pem");
    std::fs::write(&chain, [pem(Member::Server), pem(Member::Ca)].concat()).expect("written");
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let key = path(&Member::Server.key_path(&world.pki()));
    let server = RedisServer::start_with(|port| {
        let arguments =
            ["--port", "0", "--tls-port", &port.to_string(), "--tls-cert-file", &path(&chain)].map(str::to_owned);
        let more = ["--tls-key-file", &key, "--tls-auth-clients", "no", "--requirepass", "known"].map(str::to_owned);
        [arguments, more].concat()
    });
    let settings = |password: &str, root: &World| {
        let url = format!("rediss://:{password}@127.0.0.1:{}/0", server.port);
        let redis = RedisSettings {
            tls_authorities: Some(Member::Root.certificate_path(&root.pki())),
            poll_seconds: 1,
            ..RedisSettings::new(&url)
        };
        RevocationSettings { redis: Some(redis), ..world.settings_with_files() }
    };
    let publisher = world.start(&settings("known", &world)).await;
    assert_eq!(publisher.freshness().len(), 2);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let trials = [("known", &world, 2), ("guessed", &world, 0), ("known", &World::new(), 0)];
    for (index, (password, root, lists)) in trials.into_iter().enumerate() {
        let marks_file = world.directory.path().join(format!("{index}.json"));
        std::fs::copy(world.directory.path().join("marks.json"), &marks_file).expect("copied");
        let alone = RevocationSettings { sources: Vec::new(), marks_file, ..settings(password, root) };
        let follower = world.start(&alone).await;
        assert_eq!(follower.freshness().len(), lists, "{index}");
        follower.shutdown().await;
    }
}
