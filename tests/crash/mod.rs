//! The service is killed at every step of signing, and the power fails: nothing that was released is without its record, and nothing
//! is signed twice.
//!
//! [`life`] is the service, with a registry and keys that die when they are told to; [`power`] is the disk. A test lets clients sign over
//! mutual TLS, life after life over the same folder, and asks in the end. `ANTIN_SOAK` makes a thousand lives of the few.

mod jumps;
mod life;
mod power;
mod standing;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use antin::{
    audit::{self, AuditLog, HeadKey},
    cli::dev,
    clock,
    core::log::{Checkpoint, KeyKind},
    issuance_log::{self, Folder, NoteSigner, Publisher},
    pki::{
        self, InitOptions, Member,
        key::{Algorithm, PrivateKey},
    },
    registry::{Registry, postgres::PostgresRegistry, sqlite::SqliteRegistry},
    service::issuance::IssuanceLog,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    http::client::{self, Identity, Request},
    kit::{postgres, random::Random},
};
use power::{Disk, Manner};
use standing::withdraw;

const REFERRAL: &[u8] = include_bytes!("../../testvectors/documents/referral.json");
const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");
/// What is said while the disk fails.
const REFUSALS: [&str; 2] = ["registry-unavailable", "audit-not-available"];
/// One in so many papers is withdrawn at once.
const WITHDRAWN_EACH: usize = 3;
/// Clients that sign at one time; the last of them has PDFs signed.
const LANES: usize = 4;

/// What was seen from outside, over all lives.
#[derive(Default)]
struct Seen {
    /// By idempotency key: the id, and what was released.
    released: HashMap<String, (String, Vec<u8>)>,
    /// By idempotency key: attempts that were begun.
    begun: BTreeMap<String, BTreeSet<String>>,
    /// Ids for which the key was used.
    used: BTreeSet<String>,
    /// Keys whose state is said to be unknown.
    unknown: BTreeSet<String>,
    /// 503, by their codes.
    refused: BTreeMap<String, usize>,
    faults: Vec<String>,
    /// By id: the leaf hash that the issuance log promised.
    promised: BTreeMap<String, String>,
    /// Ids of papers that were withdrawn, as the service answered.
    withdrawn: BTreeSet<String>,
}

struct World {
    folder: tempfile::TempDir,
    database: Option<String>,
    seen: Arc<Mutex<Seen>>,
    random: Random,
    /// The next number of each lane's orders.
    next: [usize; LANES],
    /// What the issuance log had published when a life was over.
    checkpoints: Vec<(String, Vec<u8>)>,
}

impl World {
    fn new(name: &str, database: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("service");
        pki::init(&root.join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        let key = PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM");
        fs::write(root.join("audit.key"), key).expect("written");
        let (key, _) = issuance_log::generate(ORIGIN, KeyKind::Note).expect("a key");
        fs::write(root.join("issuance-log.key"), key).expect("written");
        dev::add_status_list_key(&root, "http://127.0.0.1:1").expect("a key for status lists");
        let (seen, random) = (Arc::default(), Random::of(name));
        Self { folder, database, seen, random, next: [0; LANES], checkpoints: Vec::new() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("service")
    }

    /// A life, and what it is told beside where it lives.
    fn start(&self, step: &str, prepare: impl FnOnce(&mut Command)) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["crash::life::life", "--exact", "--nocapture", "--test-threads=1"]);
        command.env(life::FOLDER, self.root()).env(life::STEP, step);
        if let Some(url) = &self.database {
            command.env(life::DATABASE, url);
        }
        prepare(&mut command);
        let said = fs::File::create(self.folder.path().join("said")).expect("a file");
        command.stdout(Stdio::piped()).stderr(said).spawn().expect("a copy of this program")
    }

    /// What the last life said on standard error.
    fn last_words(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// One life, until it dies at its step, or `most` after it is ready; false: it was not ready.
    fn live(&mut self, step: &str, most: Duration, disk: Option<(&Disk, Manner)>) -> bool {
        let mut child = self.start(step, |command| {
            if let Some((disk, manner)) = disk {
                disk.attach(command, &self.root(), manner);
            }
        });
        let Some((address, said)) = ready(&mut child) else {
            println!("{}", fs::read_to_string(self.folder.path().join("said")).unwrap_or_default());
            return false;
        };
        let seen = Arc::clone(&self.seen);
        let listener = thread::spawn(move || {
            for line in said.map_while(Result::ok) {
                let Some(words) = line.strip_prefix("> ") else { continue };
                let mut seen = seen.lock().expect("no panic");
                match words.split(' ').collect::<Vec<_>>()[..] {
                    ["begun", id, key] => drop(seen.begun.entry(key.to_owned()).or_default().insert(id.to_owned())),
                    ["key", id] => drop(seen.used.insert(id.to_owned())),
                    _ => seen.faults.push(format!("said {words}")),
                }
            }
        });
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let (seen, root, from) = (Arc::clone(&self.seen), self.root(), self.next[lane]);
                thread::spawn(move || sign_on(lane, from, address, &root, &seen))
            })
            .collect();
        let deadline = std::time::Instant::now() + most;
        while child.try_wait().expect("a process").is_none() {
            if std::time::Instant::now() > deadline {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
        for (lane, signing) in lanes.into_iter().enumerate() {
            self.next[lane] = signing.join().expect("no panic");
        }
        listener.join().expect("no panic");
        if let Ok(octets) = Folder::new(&self.root().join("issuance-log")).checkpoint() {
            self.checkpoints.push((format!("checkpoint {}", self.checkpoints.len()), octets));
        }
        true
    }

    /// What contradicts what was promised; and how many attempts were cut off by a death.
    async fn faults(&self) -> (Vec<String>, usize) {
        if self.database.is_some() {
            // What the last life left is in progress until its lease ends.
            tokio::time::sleep(Duration::from_secs(life::LEASE + 1)).await;
        }
        let registry: Arc<dyn Registry> = match &self.database {
            None => Arc::new(SqliteRegistry::open(&self.root().join("registry.db"), clock::now()).expect("it opens")),
            Some(url) => {
                Arc::new(PostgresRegistry::open(&postgres::settings(url), clock::now()).await.expect("it opens"))
            }
        };
        registry.recover().await.expect("recovered");
        let (mut faults, released, begun, used) = {
            let seen = self.seen.lock().expect("no panic");
            (seen.faults.clone(), seen.released.clone(), seen.begun.clone(), seen.used.clone())
        };
        for (key, (id, signature)) in &released {
            let record = registry.document(id.parse().expect("an id")).await.expect("read");
            match record {
                None => faults.push(format!("{key}: {id} was released and is not recorded")),
                Some(record) if record.intent.idempotency_key != *key => {
                    faults.push(format!("{key}: another's record"))
                }
                Some(record) if !signature.ends_with(&record.issued.signature) => {
                    faults.push(format!("{key}: {id} is recorded otherwise"));
                }
                Some(_) => {}
            }
        }
        for (key, ids) in &begun {
            let used: Vec<&String> = ids.iter().filter(|id| used.contains(*id)).collect();
            if used.len() > 1 {
                faults.push(format!("{key}: signed as {used:?}"));
            }
        }
        let mut cut_off = 0;
        for id in begun.values().flatten() {
            let recorded = registry.document(id.parse().expect("an id")).await.expect("read");
            cut_off += usize::from(recorded.is_none());
        }
        (faults, cut_off)
    }

    /// The log goes on, is whole, goes on from each checkpoint that was ever seen, and holds what was promised.
    async fn log_faults(&self) -> Vec<String> {
        let root = self.root();
        let key = fs::read(root.join("issuance-log.key")).expect("a key");
        let key = NoteSigner::from_pem(ORIGIN, KeyKind::Note, &key).expect("a key");
        let (verifier, folder) = (key.verifier().clone(), Folder::new(&root.join("issuance-log")));
        let publisher = match Publisher::open(folder.path(), &key) {
            Ok(publisher) => publisher,
            Err(error) => return vec![format!("the log does not open: {error:?}")],
        };
        let registry: Arc<dyn Registry> = match &self.database {
            None => Arc::new(SqliteRegistry::open(&root.join("registry.db"), clock::now()).expect("it opens")),
            Some(url) => {
                Arc::new(PostgresRegistry::open(&postgres::settings(url), clock::now()).await.expect("it opens"))
            }
        };
        let log = IssuanceLog::new(publisher, key, Arc::clone(&registry));
        let running = tokio::spawn(Arc::clone(&log).run());
        let mut faults = vec!["documents wait for the log for ever".to_owned()];
        for _ in 0..200 {
            let queue = registry.issuance_queue();
            let head = queue.log_head().await.expect("read");
            if queue.waiting(1).await.expect("read").is_empty() && log.published().checkpoint.size == head.size {
                faults.clear();
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        running.abort();
        match issuance_log::audit(&folder, &verifier, &self.checkpoints) {
            Ok(audited) => {
                println!("{} entries in the log, {} checkpoints", audited.checkpoint.size, self.checkpoints.len())
            }
            Err(error) => faults.push(format!("the log: {error}")),
        }
        let promised = self.seen.lock().expect("no panic").promised.clone();
        for (id, leaf_hash) in &promised {
            match log.proof(id.parse().expect("an id")).await {
                Ok(proof) if STANDARD.encode(proof.entry.leaf_hash()) == *leaf_hash => {}
                Ok(_) => faults.push(format!("{id} is in the log otherwise than was promised")),
                Err(error) => faults.push(format!("{id} was promised and is not in the log: {error}")),
            }
        }
        let grown = self.checkpoints.last().and_then(|(_, octets)| Checkpoint::open(octets, &verifier).ok());
        if promised.is_empty() || grown.is_none_or(|(checkpoint, _)| checkpoint.size == 0) {
            faults.push("nothing was logged".to_owned());
        }
        faults
    }

    /// Each released signature is a line of the audit log, and the log is whole.
    fn audit_faults(&self) -> Vec<String> {
        let log = self.root().join("audit");
        let key = || HeadKey::from_pem(&fs::read(self.root().join("audit.key")).expect("a key")).expect("a key");
        let mut faults = Vec::new();
        // What the last life left in pieces is seen to by the next start.
        if let Err(error) = AuditLog::open(&log, key()) {
            faults.push(format!("{error:?}"));
        }
        let key = key();
        match audit::check(&log, key.public(), &[]) {
            Ok(Ok(_)) => {}
            other => faults.push(format!("{other:?}")),
        }
        let mut octets = Vec::new();
        audit::export(&log, 0, &mut octets).expect("readable").expect("whole");
        let subjects: BTreeSet<String> = String::from_utf8(octets)
            .expect("text")
            .lines()
            .filter_map(|line| {
                serde_json::from_str::<Value>(line).expect("JSON")["subject"].as_str().map(str::to_owned)
            })
            .collect();
        let seen = self.seen.lock().expect("no panic");
        let missing = seen.released.iter().filter(|(_, (id, _))| !subjects.contains(id));
        faults.extend(missing.map(|(key, (id, _))| format!("{key}: {id} is not in the audit log")));
        faults
    }
}

/// Where a life listens, and what it will say; `None`: it did not begin, and is no more.
fn ready(child: &mut Child) -> Option<(SocketAddr, Lines<BufReader<ChildStdout>>)> {
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let address = said.by_ref().find_map(|line| line.ok()?.strip_prefix("> ready ").map(str::to_owned));
    if address.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    Some((address?.parse().expect("an address"), said))
}

/// Signs one order after the other until the service is gone; gives the number that the lane comes to.
fn sign_on(lane: usize, from: usize, address: SocketAddr, root: &Path, seen_by: &Mutex<Seen>) -> usize {
    let pki = root.join("pki");
    let (member, authority) = (Member::IssuingSystem, Member::Root.certificate_path(&pki));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut number = from;
    loop {
        let key = format!("{lane}-{number}");
        let request = Request::json("/v1/sign", &order(lane)).header("Idempotency-Key", &key);
        let identity = Identity::read(&member.certificate_path(&pki), &member.key_path(&pki));
        let asked = client::tls(address, &authority, Some(identity), request);
        let answered = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), asked).await });
        let Ok(Ok(answer)) = answered else { return number };
        if answer.body.is_empty() {
            return number;
        }
        // An answer that was cut off says nothing.
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return number };
        let mut seen = seen_by.lock().expect("no panic");
        match answer.status {
            201 => {
                let field = if lane == LANES - 1 { "document" } else { "signature" };
                let signature = STANDARD.decode(body[field].as_str().expect("a signature")).expect("base64");
                let id = body["id"].as_str().expect("an id").to_owned();
                match body["logPromise"]["leafHash"].as_str() {
                    Some(hash) => drop(seen.promised.insert(id.clone(), hash.to_owned())),
                    None => seen.faults.push(format!("{key}: no promise in {body}")),
                }
                let now = (id, signature);
                let earlier = seen.released.insert(key.clone(), now.clone());
                if earlier.is_some_and(|earlier| earlier != now) {
                    seen.faults.push(format!("{key}: two signatures"));
                }
                drop(seen);
                if number.is_multiple_of(WITHDRAWN_EACH) {
                    withdraw(&runtime, address, root, &now.0, seen_by);
                }
            }
            // Of an attempt that a death cut off: never signed again, a new key is taken.
            409 if body["code"] == "signature-state-unknown" => drop(seen.unknown.insert(key)),
            409 if body["code"] == "request-in-progress" => {}
            // Ordered again under the same key.
            503 if REFUSALS.iter().any(|code| body["code"] == *code) => {
                *seen.refused.entry(body["code"].to_string()).or_default() += 1;
                drop(seen);
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            status => seen.faults.push(format!("{key}: {status} {body}")),
        }
        number += 1;
    }
}

fn order(lane: usize) -> Value {
    let mut order = json!({
        "kind": "referral", "document": STANDARD.encode(REFERRAL), "mediaType": "application/json",
        "format": "cades", "packaging": "detached", "level": "B-B",
    });
    if lane == LANES - 1 {
        order = json!({
            "kind": "judicial-certificate", "document": STANDARD.encode(PAPER), "mediaType": "application/pdf",
            "format": "pades", "level": "B-B",
        });
    }
    order
}

/// As many lives as are wanted of a store or a disk.
fn lives(few: usize) -> usize {
    if std::env::var_os("ANTIN_SOAK").is_some() { 1000 } else { few }
}

/// Lives that end at each step in turn, after some signatures, and now and then at any moment.
async fn die_often(world: &mut World, lives: usize) {
    for number in 0..lives {
        let step = STEPS_AND_ANY[number % STEPS_AND_ANY.len()];
        let after = world.random.below(12);
        let most = if step.is_empty() { Duration::from_millis(50 + world.random.below(400) as u64) } else { LONG };
        assert!(world.live(&format!("{step} {after}"), most, None), "life {number} did not begin");
    }
    let (faults, cut_off) = world.faults().await;
    assert!(faults.is_empty(), "{faults:#?}");
    let seen = world.seen.lock().expect("no panic");
    let (released, unknown) = (seen.released.len(), seen.unknown.len());
    println!(
        "{lives} lives, {released} signatures released, {cut_off} attempts cut off, {unknown} told as unknown, no fault"
    );
    assert!(released > lives, "{released} were released in {lives} lives");
    assert!(cut_off > lives / 4, "only {cut_off} attempts were cut off in {lives} lives");
}

const LONG: Duration = Duration::from_secs(30);
const STEPS_AND_ANY: [&str; 9] = {
    let [a, b, c, d, e, f, g, h] = life::STEPS;
    [a, b, c, d, e, f, g, h, ""]
};
/// The name of the issuance log.
const ORIGIN: &str = "localhost/antin-dev/log";

#[tokio::test(flavor = "multi_thread")]
async fn l01_killed_at_every_step_over_sqlite() {
    let mut world = World::new("sqlite", None);
    die_often(&mut world, lives(27)).await;
    let mut faults = world.audit_faults();
    faults.extend(world.log_faults().await);
    faults.extend(world.standing_faults().await);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l01_killed_at_every_step_over_postgresql() {
    let mut world = World::new("postgresql", Some(postgres::shared().database()));
    die_often(&mut world, lives(27)).await;
    let mut faults = world.audit_faults();
    faults.extend(world.log_faults().await);
    faults.extend(world.standing_faults().await);
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Kill alone cannot show a missing fsync.
#[tokio::test(flavor = "multi_thread")]
async fn l01_the_power_fails_over_sqlite() {
    let mut disk = Disk::new("power");
    let mut world = World::new("power", None);
    let lives = lives(18);
    for number in 0..lives {
        let step = STEPS_AND_ANY[number % STEPS_AND_ANY.len()];
        let after = world.random.below(12);
        let most = if step.is_empty() { Duration::from_millis(50 + world.random.below(400) as u64) } else { LONG };
        let is_begun = world.live(&format!("{step} {after}"), most, Some((&disk, Manner::Honest)));
        assert!(is_begun, "life {number} did not begin: {}", world.last_words());
        disk.fail(&world.root());
    }
    // What the last failure left torn behind the newest head is for a start to mend, which says what it took away.
    let key = HeadKey::from_pem(&fs::read(world.root().join("audit.key")).expect("a key")).expect("a key");
    drop(AuditLog::open(&world.root().join("audit"), key).expect("a log that goes on"));
    let (mut faults, _) = world.faults().await;
    faults.extend(world.audit_faults());
    faults.extend(world.log_faults().await);
    faults.extend(world.standing_faults().await);
    assert!(faults.is_empty(), "{faults:#?}");
    let released = world.seen.lock().expect("no panic").released.len();
    println!("{lives} power failures, {released} signatures released, no fault");
    assert!(released > lives);
}

/// The harness sees what it is there to see: over a disk that lies about what it synced, signatures are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_is_found_out() {
    let mut disk = Disk::new("lies");
    let mut world = World::new("lies", None);
    assert!(world.live("complete-after 8", LONG, None), "a life over an honest disk");
    assert!(world.live("complete-after 8", LONG, Some((&disk, Manner::Lies))), "a life over one that lies");
    disk.fail(&world.root());
    let lost = !world.root().join("registry.db").exists() || !world.faults().await.0.is_empty();
    assert!(lost, "nothing was missed");
}

/// Input/output errors and a full disk, for a while: what cannot be recorded is refused in so many words, and then all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn l01_a_disk_that_fails_for_a_while_loses_nothing() {
    for (how, first, count) in [("EIO", 60, 25), ("ENOSPC", 210, 60)] {
        let mut disk = Disk::new(how);
        let mut world = World::new(how, None);
        let manner = Manner::Fails { how, first, count };
        assert!(world.live("", Duration::from_secs(6), Some((&disk, manner))), "{how}: it began");
        disk.fail(&world.root());
        let before = world.seen.lock().expect("no panic").released.len();
        assert!(world.live("complete-after 9", LONG, Some((&disk, Manner::Honest))), "{how}: it begins again");
        disk.fail(&world.root());
        let (mut faults, _) = world.faults().await;
        faults.extend(world.audit_faults());
        faults.extend(world.log_faults().await);
        faults.extend(world.standing_faults().await);
        assert!(faults.is_empty(), "{how}: {faults:#?}");
        let seen = world.seen.lock().expect("no panic");
        println!("{how}: {before} signatures released around {:?}", seen.refused);
        assert!(!seen.refused.is_empty(), "{how}: nothing failed");
        assert!(seen.released.len() > before && before > 10, "{how}: {before} released, then {}", seen.released.len());
    }
}
