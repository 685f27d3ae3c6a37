//! Deaths, silence and faults of the PostgreSQL server.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use antin::{
    config::{PostgresSettings, PostgresUrl},
    pki::{self, InitOptions, Member},
    registry::{
        Begun, DocumentId, Intent, Registry, RegistryError,
        postgres::{OpenError, PostgresRegistry},
    },
};

use super::{STARTED, change, document_id, intent, issue, issued, pause, settings};
use crate::kit::postgres::PostgresServer;

/// What the outside saw.
#[derive(Default)]
pub(super) struct Ledger {
    signed: Mutex<HashSet<String>>,
    released: Mutex<HashMap<String, DocumentId>>,
    refused: Mutex<usize>,
    stop: AtomicBool,
}

impl Ledger {
    pub(super) fn released(&self) -> usize {
        self.released.lock().expect("no panic").len()
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until so many more were released.
    pub(super) async fn grow(&self, more: usize) {
        let (target, started) = (self.released() + more, Instant::now());
        while self.released() < target {
            assert!(started.elapsed() < Duration::from_secs(60), "{} of {target} released", self.released());
            pause(0.02).await;
        }
    }
}

/// Signs one key after the other as the service does, and asks again as its clients do.
pub(super) async fn lane(registry: Arc<dyn Registry>, lane: u128, ledger: Arc<Ledger>) {
    let mut number = lane << 64;
    for step in 0.. {
        let key = format!("{lane}-{step}");
        let asked = Instant::now();
        let id = loop {
            if ledger.stop.load(Ordering::Relaxed) {
                return;
            }
            number += 1;
            match registry.begin(intent(number, &key)).await {
                Ok(Begun::Fresh) => break document_id(number),
                // Its answer was lost; what was begun then is taken back.
                Ok(Begun::InProgress { .. }) => {
                    assert!(asked.elapsed() < Duration::from_secs(60), "{key} stays in progress")
                }
                Ok(other) => panic!("{key}: {other:?}"),
                Err(RegistryError::Unavailable { .. } | RegistryError::Overloaded) => {
                    *ledger.refused.lock().expect("no panic") += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(ledger.signed.lock().expect("no panic").insert(key.clone()), "{key} was signed twice");
        loop {
            match registry.complete(id, issued(number)).await {
                Ok(()) => {
                    ledger.released.lock().expect("no panic").insert(key, id);
                    break;
                }
                Err(RegistryError::Unavailable { .. }) if !ledger.stop.load(Ordering::Relaxed) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(RegistryError::Unavailable { .. } | RegistryError::NotInProgress(_)) => break,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

/// Whatever was released is there; no key was signed twice (each lane held that), nor can be signed again.
pub(super) async fn check(registry: &dyn Registry, ledger: &Ledger) {
    let released = ledger.released.lock().expect("no panic").clone();
    for (key, id) in &released {
        let document = registry.document(*id).await.expect("read").expect("a record of what was released");
        assert_eq!((&document.intent.idempotency_key, document.issued.signature), (key, id.as_bytes().to_vec()));
    }
    let signed = ledger.signed.lock().expect("no panic").clone();
    for (number, key) in (1 << 100..).zip(&signed) {
        let begun = registry.begin(intent(number, key)).await.expect("begun");
        let expected = match released.get(key) {
            Some(_) => matches!(begun, Begun::Replay(_)),
            None => matches!(begun, Begun::Replay(_) | Begun::StateUnknown { .. }),
        };
        assert!(expected, "{key}: {begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_that_was_released() {
    let mut server = PostgresServer::start(&[]);
    let settings = PostgresSettings { timeout_seconds: 5, ..settings(&server.database()) };
    let registry: Arc<dyn Registry> = Arc::new(PostgresRegistry::open(&settings, STARTED).await.expect("a registry"));
    let ledger = Arc::new(Ledger::default());
    let mut lanes = tokio::task::JoinSet::new();
    for number in 1..=8 {
        lanes.spawn(lane(Arc::clone(&registry), number, Arc::clone(&ledger)));
    }
    for round in 0..4 {
        ledger.grow(40 + 23 * round).await;
        server = tokio::task::spawn_blocking(move || {
            server.kill();
            server.run();
            server
        })
        .await
        .expect("no panic");
    }
    ledger.grow(40).await;
    ledger.stop();
    while let Some(ended) = lanes.join_next().await {
        ended.expect("no panic");
    }
    assert!(*ledger.refused.lock().expect("no panic") > 0, "no lane noticed");
    check(&*registry, &ledger).await;
}

/// Every method of a registry whose server does not answer.
async fn all_refuse(registry: &dyn Registry, within: Duration) {
    let id = document_id(1);
    let unavailable = |name: &str, started: Instant, error: Option<RegistryError>| {
        assert!(started.elapsed() < within, "{name} took {:?}", started.elapsed());
        let is_told = matches!(error, Some(RegistryError::Unavailable { .. } | RegistryError::Overloaded));
        assert!(is_told, "{name}: {error:?}");
    };
    macro_rules! refuse {
        ($($method:ident($($argument:expr),*)),+ $(,)?) => {
            $(let started = Instant::now();
            unavailable(stringify!($method), started, registry.$method($($argument),*).await.err());)+
        };
    }
    refuse!(
        begin(intent(77, "while-it-is-silent")),
        document(id),
        newest(id),
        status(id),
        due(STARTED, 9),
        backlog(),
        renew(STARTED, STARTED),
        put_off(id, antin::registry::Again::Never),
        set_status(id, change(antin::registry::DocumentState::Used, 1)),
        find_by_digest([2; 32]),
        look_up(vec![antin::core::lookup::LookupDigest([2; 32])]),
        complete(document_id(2), issued(2)),
        mark_unknown(document_id(2)),
        abandon(document_id(3)),
        recover(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_or_gone_is_told_in_time_and_used_again_by_itself() {
    let mut server = PostgresServer::start(&[]);
    let url = server.database();
    let settings = PostgresSettings { timeout_seconds: 1, connect_timeout_seconds: 1, ..settings(&url) };
    let registry = PostgresRegistry::open(&settings, STARTED).await.expect("a registry");
    issue(&registry, 1).await;
    for number in [2, 3] {
        registry.begin(intent(number, &format!("key-{number}"))).await.expect("begun");
    }
    server.signal("STOP");
    all_refuse(&registry, Duration::from_secs(3)).await;
    server.signal("CONT");
    let revived = Instant::now();
    while registry.complete(document_id(2), issued(2)).await.is_err() {
        assert!(revived.elapsed() < Duration::from_secs(20), "it answers again");
    }
    server.kill();
    all_refuse(&registry, Duration::from_secs(3)).await;
    server.run();
    let revived = Instant::now();
    while registry.document(document_id(1)).await.is_err() {
        assert!(revived.elapsed() < Duration::from_secs(20), "it answers again");
    }
    // What was asked while nobody answered: the intent and the attempt taken back are not in the way of who asks again.
    for (number, key) in [(50, "while-it-is-silent"), (51, "key-3")] {
        let asked = Instant::now();
        while registry.begin(Intent { ..intent(number, key) }).await.ok() != Some(Begun::Fresh) {
            assert!(asked.elapsed() < Duration::from_secs(20), "{key} is free again");
            pause(0.1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_be_used_is_refused_at_the_start() {
    let open = async |settings: PostgresSettings| {
        let started = Instant::now();
        let refused = PostgresRegistry::open(&settings, STARTED).await.err().expect("refused");
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
        refused
    };
    let quick = |url: &str| PostgresSettings { connect_timeout_seconds: 1, timeout_seconds: 1, ..settings(url) };
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgres://antin@127.0.0.1:{}/antin", silent.local_addr().expect("an address").port());
    assert!(matches!(open(quick(&url)).await, OpenError::Unreachable { .. }));
    drop(silent);
    assert!(matches!(open(quick(&url)).await, OpenError::Unreachable { .. }));
    for url in ["postgres://antin:secret@[::1/x", "postgres:///antin", "postgres://antin@a,b:1,c:x/antin"] {
        let refused = open(quick(url)).await;
        assert!(matches!(refused, OpenError::Url) && refused.is_of_settings(), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("secret"));
    }

    for setting in ["fsync", "full_page_writes"] {
        let server = PostgresServer::start(&[&format!("{setting}=off")]);
        let refused = open(quick(&server.database())).await;
        assert!(matches!(&refused, OpenError::NotDurable { setting: found } if found == setting), "{refused:?}");
        assert!(refused.to_string().contains(&format!("{setting} is off")), "{refused}");
    }
    let server = PostgresServer::start(&[]);
    server.psql("postgres", "CREATE DATABASE narrow ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    let refused = open(quick(&server.url("narrow"))).await;
    assert!(matches!(&refused, OpenError::Encoding { encoding } if encoding == "LATIN1"), "{refused:?}");
}

/// The session confirms what is kept, whatever the server's default is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_synchronous_where_the_default_is_otherwise() {
    let server = PostgresServer::start(&["synchronous_commit=off", "log_min_duration_statement=-1"]);
    let url = server.database();
    let database = url.rsplit('/').next().expect("a name");
    let registry = PostgresRegistry::open(&settings(&url), STARTED).await.expect("a registry");
    issue(&registry, 1).await;
    // A trigger of the test alone notes what the session has set.
    let note = "CREATE TABLE noted (setting TEXT); \
                CREATE FUNCTION note() RETURNS TRIGGER LANGUAGE plpgsql AS \
                $$BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END$$; \
                CREATE TRIGGER note AFTER INSERT OR UPDATE ON antin.document FOR EACH ROW EXECUTE FUNCTION note()";
    server.psql(database, note);
    issue(&registry, 2).await;
    assert_eq!(server.psql(database, "SELECT setting FROM noted"), ["on", "on"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_known_by_its_certificate_and_the_node_by_its_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let pki = folder.path().join("pki");
    pki::init(&pki, &InitOptions::default(), antin::clock::now()).expect("a PKI");
    let mut server = PostgresServer::start(&[]);
    let url = server.database();
    server.psql("postgres", "ALTER ROLE antin PASSWORD 'quite secret'");
    let data = server.data();
    let owner = fs::metadata(&data).expect("a folder");
    // With the authority that stands between it and the root.
    let chain = ["server.crt", "ca.crt"].map(|name| fs::read_to_string(pki.join(name)).expect(name)).concat();
    let key = fs::read_to_string(pki.join("server.key")).expect("a key");
    for (name, text) in [("server.crt", chain), ("server.key", key)] {
        let path = data.join(name);
        fs::write(&path, text).expect(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        chown(&path, Some(owner.uid()), Some(owner.gid())).expect("an owner");
    }
    server.psql("postgres", "ALTER SYSTEM SET ssl = on");
    fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").expect("written");
    server.kill();
    server.run();
    let password = folder.path().join("password");
    fs::write(&password, "quite secret\n").expect("written");
    let good = PostgresSettings {
        url: PostgresUrl::new(&format!("{url}?sslmode=require")),
        password_file: Some(password.clone()),
        tls_authorities: Some(Member::Root.certificate_path(&pki)),
        ..settings(&url)
    };
    let registry = PostgresRegistry::open(&good, STARTED).await.expect("a registry");
    issue(&registry, 1).await;

    fs::write(folder.path().join("wrong"), "not so secret").expect("written");
    let none = folder.path().join("none");
    let words = |error: &dyn Error| antin::cli::exit::with_causes(error);
    for (settings, told) in [
        (
            PostgresSettings { password_file: Some(folder.path().join("wrong")), ..good.clone() },
            "password authentication",
        ),
        (PostgresSettings { tls_authorities: None, ..good.clone() }, "certificate"),
        (
            PostgresSettings { url: PostgresUrl::new(&format!("{url}?sslmode=disable")), ..good.clone() },
            "no encryption",
        ),
        (PostgresSettings { password_file: Some(none), ..good.clone() }, "password"),
    ] {
        let refused = PostgresRegistry::open(&settings, STARTED).await.err().expect("refused");
        let said = words(&refused);
        assert!(said.contains(told), "{said}");
        assert!(!said.contains("secret") && !format!("{refused:?}").contains("secret"), "{said} {refused:?}");
    }
}

/// A full disk: what cannot be kept is refused, what was released is there, and with room again it goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_loses_nothing() {
    let Some(server) = PostgresServer::start_on_small_disk(80) else {
        eprintln!("skipped: this takes root and the right to mount");
        return;
    };
    let settings = PostgresSettings { timeout_seconds: 3, ..settings(&server.database()) };
    let registry = PostgresRegistry::open(&settings, STARTED).await.expect("a registry");
    let mut released = Vec::new();
    let mut signature = vec![0; 20_000];
    let refused = loop {
        let number = released.len() as u128 + 1;
        assert!(number < 10_000, "a disk without end");
        // What repeats would be packed.
        openssl::rand::rand_bytes(&mut signature).expect("random octets");
        let large = antin::registry::Issued { signature: signature.clone(), ..issued(number) };
        let done = match registry.begin(intent(number, &format!("key-{number}"))).await {
            Ok(begun) => {
                assert_eq!(begun, Begun::Fresh);
                registry.complete(document_id(number), large).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => released.push((number, signature.clone())),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, RegistryError::Unavailable { .. }), "{refused:?}");
    assert!(released.len() > 100, "{} released", released.len());
    server.make_room();
    let cleared = Instant::now();
    for number in 20_000.. {
        match registry.begin(intent(number, &format!("key-{number}"))).await {
            Ok(Begun::Fresh) if registry.complete(document_id(number), issued(number)).await.is_ok() => break,
            Ok(Begun::Fresh) | Err(RegistryError::Unavailable { .. }) => pause(0.2).await,
            other => panic!("{other:?}"),
        }
        assert!(cleared.elapsed() < Duration::from_secs(60), "it goes on");
    }
    for (number, signature) in &released {
        let document = registry.document(document_id(*number)).await.expect("read").expect("what was released");
        assert_eq!(document.issued.signature, *signature);
    }
}
