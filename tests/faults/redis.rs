//! Faults of Redis. The CA answers all the while, so that its news reach every node, also one that starts in the midst.

use antin::clock;
use antin::pki::Authority;

use super::trial::{Fault, Scene, nothing};
use crate::revocation::responder::{Answer, Responder};
use crate::revocation::world::Standing::Revoked;

const GONE: &str = "Redis cannot be used; the CRLs held serve until their nextUpdate";

pub fn faults() -> Vec<Fault> {
    let fault = Fault {
        name: "",
        begin: nothing,
        meanwhile: nothing,
        end: nothing,
        news_arrive: true,
        newcomer: (Revoked, Revoked),
        metric: &["antin_revocation_redis_failures_total"],
        line: GONE,
    };
    vec![
        Fault {
            name: "redis-server killed",
            begin: |scene| scene.server.kill(),
            end: |scene| scene.server.run(),
            metric: &["antin_revocation_redis_failures_total", "connection"],
            ..fault
        },
        Fault {
            name: "redis-server hung (SIGSTOP)",
            begin: |scene| scene.server.signal("STOP"),
            end: |scene| scene.server.signal("CONT"),
            metric: &["antin_revocation_redis_failures_total", "timed-out"],
            ..fault
        },
        Fault {
            name: "redis-server restarted empty",
            begin: |scene| {
                scene.server.kill();
                scene.server.run();
            },
            ..fault
        },
        Fault {
            name: "redis-server full",
            begin: |scene| scene.server.command("CONFIG", &["SET", "maxmemory", "1"]),
            end: |scene| scene.server.command("CONFIG", &["SET", "maxmemory", "0"]),
            metric: &["antin_revocation_redis_failures_total", "refused"],
            ..fault
        },
        Fault {
            name: "Redis filled with forged entries",
            meanwhile: forge,
            end: |scene| scene.server.command("FLUSHALL", &[""; 0]),
            metric: &["antin_revocation_refused_total", "redis", "went-back"],
            line: "an entry in Redis does not count",
            ..fault
        },
        Fault {
            name: "Redis replaced by garbage",
            begin: |scene| {
                scene.server.kill();
                scene.other.push(Responder::start_at(scene.server.port, Answer::Babble));
            },
            end: |scene| {
                scene.other.clear();
                scene.server.run();
            },
            ..fault
        },
    ]
}

/// Everything that lies there is another's: empty lists of the same names, an older one, locks held for ever, fences and tokens.
fn forge(scene: &mut Scene) {
    let server = &scene.server;
    let list = scene.world.redis_key(Authority::Ca);
    let turn = clock::now().unix() % 2 == 0;
    server.set(&list, &if turn { scene.foreign.empty_list(900, clock::now()) } else { scene.oldest.clone() });
    server.set(&list.replace(":crl:", ":fence:"), &[b'9'; 300]);
    server.set("antin:generation", format!("{:?}", std::time::Instant::now()).as_bytes());
    for lock in server.command::<Vec<String>>("KEYS", &["antin:lock:*"]) {
        server.set(&lock, b"nobody");
    }
}
