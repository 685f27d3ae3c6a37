//! Lists that certificates name, on several nodes that share a Redis: one node asks for all, and each forgets what it does not use.

use std::time::Duration;

use antin::config::revocation::RevocationSettings;
use antin::core::validation::Wanted;
use antin::pki::{Authority, Member};
use antin::revocation::RevocationCache;
use antin::revocation::collect::Collected;
use tokio::time::Instant;

use super::redis::RedisServer;
use super::responder::{Answer, Responder};
use super::world::Standing::{Good, Revoked};
use super::world::{World, throughout, until};

const RECOVERY: Duration = Duration::from_secs(10);

struct Scene {
    server: RedisServer,
    world: World,
    responder: Responder,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
        Self { server: RedisServer::start(), world, responder }
    }

    /// A node with the root's list from the file, that may ask the responder for what certificates name.
    async fn node(&self, name: &str, idle_seconds: u64) -> RevocationCache {
        let settings = RevocationSettings {
            sources: vec![self.world.file_source(Authority::Root)],
            allowed_hosts: vec![self.responder.allowed()],
            discovered_idle_seconds: idle_seconds,
            marks_file: self.world.directory.path().join(name),
            redis: Some(self.server.settings()),
            ..self.world.settings()
        };
        self.world.start(&settings).await
    }

    /// Asks for the CA's list as a validation does that lacks it.
    async fn want(&self, node: &RevocationCache) -> bool {
        let certificate = self.world.certificate(Member::Health);
        let wanted = Wanted::Crl { certificate, uris: vec![self.responder.url()] };
        let deadline = Instant::now() + Duration::from_secs(4);
        node.collector().collect(&[wanted], &mut Collected::default(), None, deadline).await
    }

    fn publish(&self) {
        self.responder.tell(Answer::Body(self.world.list(Authority::Ca)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_uses_is_forgotten_by_every_node_and_still_revokes() {
    let scene = Scene::new();
    let world = &scene.world;
    world.revoke(Member::Judicial);
    scene.publish();
    let nodes = [scene.node("first.json", 4).await, scene.node("second.json", 4).await];
    for node in &nodes {
        assert!(scene.want(node).await);
        assert_eq!(world.standings(&node.evidence()), (Revoked, Good));
    }
    let key = world.redis_key(Authority::Ca);
    until("shared", RECOVERY, || scene.server.get(&key) == world.list(Authority::Ca)).await;
    for node in &nodes {
        until("forgotten", RECOVERY, || node.freshness().len() == 1).await;
    }
    assert_eq!(scene.server.get(&key), world.list(Authority::Ca), "there for those who use it");
    scene.responder.tell(Answer::Status(404));
    // Several readings, one of them whole.
    scene.server.set("antin:generation", b"another");
    throughout("forgotten, and known as revoked", Duration::from_secs(4), || {
        nodes
            .iter()
            .all(|node| node.freshness().len() == 1 && world.standing(&node.evidence(), Member::Judicial) == Revoked)
    })
    .await;
    // A restart knows it too.
    let [first, second] = nodes;
    first.shutdown().await;
    let first = scene.node("first.json", 4).await;
    assert_eq!(first.freshness().len(), 1);
    assert_eq!(world.standing(&first.evidence(), Member::Judicial), Revoked);
    // Wanted again, it is asked for again.
    scene.publish();
    for node in [&first, &second] {
        let started = std::time::Instant::now();
        while world.standings(&node.evidence()) != (Revoked, Good) {
            assert!(started.elapsed() < RECOVERY, "not had again");
            scene.want(node).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(node.freshness().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_asks_for_a_found_list_for_all() {
    let scene = Scene::new();
    let world = &scene.world;
    let nodes = [scene.node("first.json", 600).await, scene.node("second.json", 600).await];
    for node in &nodes {
        assert!(scene.want(node).await);
    }
    let locks = || scene.server.command::<Vec<String>>("KEYS", &["antin:lock:*"]).len();
    until("one leads", RECOVERY, || locks() == 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (started, asked) = (std::time::Instant::now(), scene.responder.asked());
    tokio::time::sleep(Duration::from_secs(8)).await;
    let (seconds, asked) = (started.elapsed().as_secs_f64(), scene.responder.asked() - asked);
    // Each is due after a second, and that is looked at every second: one node alone asks every second or two, two nodes twice as often.
    assert!(asked >= 2 && (asked as f64) < seconds * 0.95, "{asked} in {seconds} s");
    world.revoke(Member::Judicial);
    scene.publish();
    let evidence = nodes.each_ref().map(RevocationCache::evidence);
    until("revoked on both", RECOVERY, || evidence.iter().all(|evidence| world.standings(evidence) == (Revoked, Good)))
        .await;
    // The one that does not ask goes on when the other is gone.
    let [first, second] = nodes;
    first.shutdown().await;
    world.revoke(Member::Health);
    scene.publish();
    until("revoked", RECOVERY, || world.standings(&second.evidence()) == (Revoked, Revoked)).await;
    second.shutdown().await;
    assert_eq!(locks(), 0, "who stops frees the lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_a_source_gives_elsewhere_is_not_only_found() {
    let scene = Scene::new();
    let world = &scene.world;
    let finder = scene.node("first.json", 600).await;
    assert!(scene.want(&finder).await);
    let (list, given) = (world.redis_key(Authority::Ca), world.redis_key(Authority::Ca).replace(":crl:", ":given:"));
    until("shared as found", RECOVERY, || !scene.server.get(&list).is_empty()).await;
    assert!(scene.server.get(&given).is_empty());
    let marks_file = world.directory.path().join("second.json");
    let settings =
        RevocationSettings { redis: Some(scene.server.settings()), marks_file, ..world.settings_with_files() };
    let sourced = world.start(&settings).await;
    until("shared as a source's", RECOVERY, || scene.server.get(&given) == b"1").await;
    // A node with Redis alone takes it now.
    let marks_file = world.directory.path().join("third.json");
    std::fs::copy(&settings.marks_file, &marks_file).expect("copied");
    let alone = RevocationSettings { sources: Vec::new(), marks_file, ..settings };
    let follower = world.start(&alone).await;
    until("good", RECOVERY, || world.standings(&follower.evidence()) == (Good, Good)).await;
    throughout("a source's", Duration::from_secs(3), || scene.server.get(&given) == b"1").await;
    sourced.shutdown().await;
}
