//! A revocation reaches every node's verdicts within a minute after the CA publishes it.

use std::time::{Duration, Instant};

use antin::config::revocation::{RedisSettings, RevocationSettings};
use antin::pki::{Authority, Member};

use crate::revocation::redis::RedisServer;
use crate::revocation::responder::{Answer, Responder};
use crate::revocation::world::Standing::{Good, Revoked};
use crate::revocation::world::{World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_every_node_within_sixty_seconds_with_the_default_times() {
    let (server, world) = (RedisServer::start(), World::new());
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    let settings = |name: &str| RevocationSettings {
        sources: vec![world.file_source(Authority::Root), responder.source()],
        allowed_hosts: vec![responder.allowed()],
        marks_file: world.directory.path().join(name),
        redis: Some(RedisSettings::new(&url)),
        ..RevocationSettings::default()
    };
    let nodes = [world.start(&settings("first.json")).await, world.start(&settings("second.json")).await];
    for node in &nodes {
        assert_eq!(world.standings(&node.evidence()), (Good, Good));
    }
    // Both have just asked: the next asking is as far away as it can be.
    let asked = responder.asked();
    let published = Instant::now();
    world.revoke(Member::Judicial);
    responder.tell(Answer::Body(world.list(Authority::Ca)));
    let mut took = [0.0; 2];
    for (node, took) in nodes.iter().zip(&mut took) {
        let evidence = node.evidence();
        until("revoked", Duration::from_secs(60), || world.standings(&evidence) == (Revoked, Good)).await;
        *took = published.elapsed().as_secs_f64();
    }
    println!(
        "a revocation reached the first node {:.1} s and the second {:.1} s after it was published; the CA was asked {} times",
        took[0],
        took[1],
        responder.asked() - asked
    );
    assert!(published.elapsed() < Duration::from_secs(60));
}
