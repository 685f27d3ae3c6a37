//! One trial: two nodes at work, a fault, a third node that starts in the midst of it, and the way back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::config::revocation::{RedisSettings, RevocationSettings};
use antin::core::memory::Memory;
use antin::pki::{Authority, Member};
use antin::revocation::RevocationCache;
use tokio::time::sleep;

use super::capture::Capture;
use crate::revocation::redis::RedisServer;
use crate::revocation::responder::{Answer, Responder};
use crate::revocation::world::Standing::{Good, Revoked};
use crate::revocation::world::{Standing, World, until};

/// How long a fault lasts.
pub const SPAN: Duration = Duration::from_secs(5);
/// How long the way back may take.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// How long a node leaves a source to whoever holds its lock, forged or not.
const FOLLOW: u64 = 4;

/// What fails and what must be seen of it.
pub struct Fault {
    pub name: &'static str,
    pub begin: fn(&mut Scene),
    /// Done again and again while it lasts.
    pub meanwhile: fn(&mut Scene),
    pub end: fn(&mut Scene),
    /// The CA can be reached: what it publishes meanwhile reaches the nodes.
    pub news_arrive: bool,
    /// What a node knows that starts meanwhile.
    pub newcomer: (Standing, Standing),
    /// Words of the metric and of the log line that tell the operator.
    pub metric: &'static [&'static str],
    pub line: &'static str,
}

/// A fault's step that does nothing.
pub fn nothing(_: &mut Scene) {}

/// What a fault works on. The judicial signer is revoked from the beginning; the health signer becomes so in the midst.
pub struct Scene {
    pub world: World,
    pub server: RedisServer,
    pub ca: Option<Responder>,
    pub ca_port: u16,
    /// What else was started.
    pub other: Vec<Responder>,
    /// A list of the CA from before the first revocation.
    pub oldest: Vec<u8>,
    /// A PKI with the same names and other keys.
    pub foreign: World,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let oldest = world.list(Authority::Ca);
        world.revoke(Member::Judicial);
        let ca = Responder::start(Answer::Body(world.list(Authority::Ca)));
        let ca_port = ca.port;
        let (server, foreign) = (RedisServer::start(), World::new());
        Self { world, server, ca: Some(ca), ca_port, other: Vec::new(), oldest, foreign }
    }

    pub fn ca_answers(&self, answer: Answer) {
        self.ca.as_ref().expect("a CA that runs").tell(answer);
    }

    /// The CA publishes what is true now.
    pub fn publish(&mut self) {
        let answer = Answer::Body(self.world.list(Authority::Ca));
        match &self.ca {
            Some(ca) => ca.tell(answer),
            None => self.ca = Some(Responder::start_at(self.ca_port, answer)),
        }
    }

    fn settings(&self, name: &str) -> RevocationSettings {
        let ca = self.ca.as_ref().expect("a CA that runs");
        RevocationSettings {
            sources: vec![self.world.file_source(Authority::Root), ca.source()],
            allowed_hosts: vec![ca.allowed()],
            marks_file: self.world.directory.path().join(name),
            redis: Some(RedisSettings { follow_seconds: FOLLOW, ..self.server.settings() }),
            start_timeout_seconds: 2,
            ..self.world.settings()
        }
    }

    /// Redis holds the list that is published now, and some node asks for all.
    fn is_shared(&self) -> bool {
        let (list, locks) =
            (self.world.redis_key(Authority::Ca), self.server.command::<Vec<String>>("KEYS", &["antin:lock:*"]));
        self.server.get(&list) == self.world.list(Authority::Ca) && !locks.is_empty()
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Row {
    pub fault: &'static str,
    pub verdicts: BTreeMap<String, usize>,
    pub wrong: usize,
    pub slowest: Duration,
    pub recovery: Duration,
    pub metric: Option<String>,
    pub line: Option<&'static str>,
}

impl Row {
    pub fn faultless(&self) -> bool {
        let told = self.metric.is_some() && self.line.is_some();
        self.wrong == 0 && told && self.slowest < Duration::from_secs(3) && self.recovery <= RECOVERY
    }

    fn answered(&self) -> usize {
        self.verdicts.values().sum()
    }
}

/// Watches the verdicts of running nodes.
#[derive(Default)]
struct Watch {
    verdicts: BTreeMap<String, usize>,
    wrong: usize,
    slowest: Duration,
    /// For each node, whether it knows that the health signer is revoked.
    knows: [bool; 2],
}

impl Watch {
    fn look(&mut self, world: &World, nodes: &[RevocationCache; 2]) {
        for (index, node) in nodes.iter().enumerate() {
            let started = Instant::now();
            let standings = world.standings(&node.evidence());
            // Two verdicts.
            self.slowest = self.slowest.max(started.elapsed() / 2);
            for standing in [standings.0, standings.1] {
                *self.verdicts.entry(format!("{standing:?}").to_lowercase()).or_default() += 1;
            }
            self.wrong += usize::from(standings.0 == Good) + usize::from(standings.1 == Good && self.knows[index]);
            self.knows[index] |= standings.1 == Revoked;
        }
    }
}

pub fn run(fault: &Fault) -> Row {
    let capture = Capture::new();
    let mut scene = Scene::new();
    let row = capture.runtime.block_on(async {
        let settings = ["first.json", "second.json", "third.json"].map(|name| scene.settings(name));
        let trust = Arc::clone(&scene.world.trust);
        let start = |settings: &RevocationSettings| {
            let (settings, trust, memory) = (settings.clone(), Arc::clone(&trust), Arc::new(Memory::bounded()));
            tokio::spawn(async move { RevocationCache::start(&settings, trust, memory).await.expect("a cache") })
        };
        let nodes = [start(&settings[0]).await.expect("a node"), start(&settings[1]).await.expect("a node")];
        let all =
            |scene: &Scene, standings| nodes.iter().all(|node| scene.world.standings(&node.evidence()) == standings);
        until("both nodes are at work", RECOVERY, || all(&scene, (Revoked, Good)) && scene.is_shared()).await;

        let mut watch = Watch::default();
        (fault.begin)(&mut scene);
        let begun = Instant::now();
        let newcomer = start(&settings[2]);
        let mut published = None;
        while begun.elapsed() < SPAN {
            (fault.meanwhile)(&mut scene);
            watch.look(&scene.world, &nodes);
            if published.is_none() && begun.elapsed() > SPAN / 2 {
                scene.world.revoke(Member::Health);
                if fault.news_arrive {
                    scene.publish();
                }
                published = Some(Instant::now());
            }
            sleep(Duration::from_millis(10)).await;
        }
        let newcomer = newcomer.await.expect("a node");
        let knows = |scene: &Scene| scene.world.standings(&newcomer.evidence());
        while fault.news_arrive && !(all(&scene, (Revoked, Revoked)) && knows(&scene) == fault.newcomer) {
            assert!(published.is_some_and(|at| at.elapsed() < RECOVERY), "{}: the news do not arrive", fault.name);
            (fault.meanwhile)(&mut scene);
            watch.look(&scene.world, &nodes);
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(knows(&scene), fault.newcomer, "{}: a node that starts", fault.name);

        (fault.end)(&mut scene);
        scene.publish();
        let ended = Instant::now();
        while !(all(&scene, (Revoked, Revoked)) && scene.is_shared()) && ended.elapsed() <= RECOVERY {
            watch.look(&scene.world, &nodes);
            sleep(Duration::from_millis(10)).await;
        }
        let recovery = ended.elapsed();
        let line = Some(fault.line).filter(|line| capture.has_line(line));
        let Watch { verdicts, wrong, slowest, .. } = watch;
        Row { fault: fault.name, verdicts, wrong, slowest, recovery, metric: capture.metric(fault.metric), line }
    });
    capture.runtime.shutdown_background();
    row
}

/// The rows for people.
pub fn table(rows: &[Row]) -> String {
    let mut text =
        String::from("fault | wrong passes | answered throughout | slowest | recovery | metric | log line\n");
    for row in rows {
        let verdicts =
            row.verdicts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
        // The source or the host says nothing here.
        let metric = row.metric.as_deref().unwrap_or("NONE").replace(['"', '}'], "").replace('{', ",");
        let metric = metric.split(',').filter(|part| !part.contains("127.0.0.1")).collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            text,
            "{} | {} | {} ({verdicts}) | {:.1} ms | {:.1} s | {metric} | {}",
            row.fault,
            row.wrong,
            row.answered(),
            row.slowest.as_secs_f64() * 1e3,
            row.recovery.as_secs_f64(),
            row.line.unwrap_or("none: see the metric"),
        );
    }
    text
}
