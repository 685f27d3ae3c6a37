//! Keys and clients are read again on SIGHUP, while orders come.

use std::{fmt::Write as _, fs, process::Command, sync::Arc, time::Duration};

use antin::{
    cli::dev,
    clock,
    config::{Client, Config, Operation, Permission, SigningKey, Token},
    core::time::Time,
    pki::{self, InitOptions, Member},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    CONTENT, P256, Service, base64,
    client::{self, Request},
    order,
    tokens::add_signer,
};

const DAY: i64 = 86_400;
/// From SIGHUP until all of it counts, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

/// The tokens, keys and clients of the settings as a file says them.
pub(super) fn text(config: &Config) -> String {
    let mut text = config.receipt.key.as_ref().map(|key| format!("[receipt]\nkey = {key:?}\n")).unwrap_or_default();
    for kind in &config.kinds {
        let _ = writeln!(text, "[[kind]]\nname = {:?}\nkeys = {:?}\ndigest-only = true", kind.name, kind.keys);
    }
    for Token { name, module, label, pin_file, sessions, .. } in &config.tokens {
        let _ = writeln!(text, "[[token]]\nname = {name:?}\nmodule = {module:?}\nsessions = {sessions}");
        let (label, pin) = (label.as_ref().expect("a label"), pin_file.as_ref().expect("a file"));
        let _ = writeln!(text, "label = {label:?}\npin-file = {pin:?}");
    }
    for SigningKey { name, file, token, label, certificate, chain, authority, from, until, .. } in &config.keys {
        let _ = writeln!(text, "[[key]]\nname = {name:?}");
        match file {
            Some(file) => {
                let _ = writeln!(text, "file = {file:?}");
            }
            None => {
                let (token, label) = (token.as_ref().expect("a token"), label.as_ref().expect("a label"));
                let _ = writeln!(text, "token = {token:?}\nlabel = {label:?}");
            }
        }
        let _ = writeln!(text, "certificate = {certificate:?}\nchain = {chain:?}");
        if let Some(authority) = authority {
            let _ = writeln!(text, "authority = {authority:?}");
        }
        for (key, time) in [("from", from), ("until", until)] {
            if let Some(time) = time {
                let _ = writeln!(text, "{key} = \"{time}\"");
            }
        }
    }
    for Client { name, sha256, operations, kinds, keys, permissions, concurrency, .. } in &config.clients {
        let named = |operation: &Operation| match operation {
            Operation::Sign => "sign",
            Operation::Verify => "verify",
            Operation::Use => "use",
            Operation::Extend => "extend",
            Operation::SignHash => "sign-hash",
        };
        let operations: Vec<_> = operations.iter().map(named).collect();
        let _ = writeln!(text, "[[client]]\nname = {name:?}\nsha256 = {:?}", sha256.as_deref().expect("one"));
        let _ = writeln!(text, "operations = {operations:?}\nkinds = {kinds:?}\nkeys = {keys:?}");
        let _ = writeln!(text, "concurrency = {concurrency}");
        for Permission { operations, kinds, keys } in permissions {
            let operations: Vec<_> = operations.iter().map(named).collect();
            let _ = writeln!(
                text,
                "[[client.permissions]]\noperations = {operations:?}\nkinds = {kinds:?}\nkeys = {keys:?}"
            );
        }
    }
    text
}

/// Writes these settings to where they are read from, and asks every service of this process to read them again.
pub(super) fn hang_up(config: &Config) {
    let file = config.origin.as_ref().expect("a file");
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text(config)).and_then(|()| fs::rename(&fresh, file)).expect("written");
    let own = std::process::id().to_string();
    assert!(Command::new("kill").args(["-HUP", &own]).status().expect("kill").success());
}

/// A service whose settings lie in a file.
struct Rereading {
    service: Service,
    config: Config,
}

impl Rereading {
    /// Kinds and clients name the authority `so-y-te`, which has the key `health`; beside it lies the key `next`, of which nobody knows.
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let directory = Arc::new(TempDir::new().expect("a directory"));
        let folder = directory.path().to_owned();
        pki::init(&folder.join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        add_signer(&folder, "next", &P256, [clock::now(), clock::now().plus_seconds(DAY)]);
        let file = folder.join("antin.toml");
        let mut held = None;
        let service = Service::over(directory, |config| {
            let clients = config.clients.iter_mut().map(|client| &mut client.keys);
            for name in config.kinds.iter_mut().map(|kind| &mut kind.keys).chain(clients).flatten() {
                if name == "health" {
                    "so-y-te".clone_into(name);
                }
            }
            config.keys.iter_mut().find(|key| key.name == "health").expect("the key").authority =
                Some("so-y-te".into());
            config.origin = Some(file);
            change(config);
            held = Some(config.clone());
        })
        .await;
        Self { service, config: held.expect("settings") }
    }

    /// The next key of the authority, from then on.
    fn add_next(&mut self, from: Time) {
        let folder = self.service.directory.path();
        let health = self.config.keys.iter_mut().find(|key| key.name == "health").expect("the key");
        health.until = Some(from);
        let next = SigningKey {
            name: "next".to_owned(),
            file: Some(folder.join("next.key")),
            certificate: folder.join("next.crt"),
            from: Some(from),
            until: None,
            ..health.clone()
        };
        self.config.keys.push(next);
    }

    fn hang_up(&self) {
        hang_up(&self.config);
    }

    /// Until an order of this key is answered so. A connection of before the change may end before it asks.
    async fn until(&self, key: &str, status: u16) {
        let root = Member::Root.certificate_path(&self.service.pki());
        let answered = async || {
            let request = Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", key);
            let identity = Some(self.service.identity(Member::IssuingSystem));
            client::tls(self.service.mutual_tls(), &root, identity, request).await.ok().map(|answer| answer.status)
        };
        let waited = tokio::time::timeout(SOON, async {
            while answered().await != Some(status) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "{key} was never {status}");
    }

    /// The issuing system loses what it had.
    fn only_verifies(&mut self) {
        let client = self.config.clients.iter_mut().find(|client| client.name == "issuing-system").expect("the client");
        (client.kinds, client.keys, client.operations) = (Vec::new(), Vec::new(), vec![Operation::Verify]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_key_is_put_in_while_orders_come_and_none_is_refused() {
    let mut rereading = Rereading::start(|_| {}).await;
    let named = |name: &str| {
        let mut order = order("detached");
        order["signer"] = json!(name);
        order
    };
    let unknown = rereading.service.sign("before", &named("next")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (403, "signer-not-permitted"));
    let change = clock::now().plus_seconds(3);
    rereading.add_next(change);
    let mut signers = Vec::new();
    for number in 0.. {
        if number == 3 {
            rereading.hang_up();
        }
        let answer = rereading.service.sign(&format!("key-{number}"), &order("detached")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let question = json!({"document": base64(CONTENT), "signature": answer.json()["signature"]});
        let report = rereading.service.verify(&question).await;
        assert_eq!(report.reliance().0, "ACCEPT", "{}", report.json());
        let name = report.json()["signatures"][0]["signedBy"].as_str().expect("a name").to_owned();
        signers.push(name == "next");
        if number > 3 && name == "next" {
            break;
        }
        assert!(clock::now() < change.plus_seconds(20), "the next key never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(signers.len() > 4 && signers.is_sorted(), "{signers:?}");
    let ready = rereading.service.as_member(Member::Agency, Request::get("/readyz")).await.json();
    assert!(ready["keys"].as_array().expect("keys").iter().any(|key| key["name"] == "next"), "{ready}");

    // One fault, and nothing of the file counts.
    rereading.config.keys.retain(|key| key.name != "health");
    rereading.config.keys[0].certificate = "/nowhere".into();
    rereading.only_verifies();
    rereading.hang_up();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rereading.service.sign("after", &order("detached")).await.status, 201);
    rereading.service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_who_loses_a_permission_loses_it_on_open_connections_and_others_stay() {
    let mut rereading = Rereading::start(|_| {}).await;
    let root = Member::Root.certificate_path(&rereading.service.pki());
    let mut connections = Vec::new();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut buffer = [0; 1024];
    for member in [Member::IssuingSystem, Member::Agency] {
        let identity = Some(rereading.service.identity(member));
        let mut open = client::connect(rereading.service.mutual_tls(), &root, identity).await.expect("let in");
        open.write_all(request).await.expect("sent");
        assert!(open.read(&mut buffer).await.expect("an answer") > 0);
        connections.push(open);
    }
    let before = rereading.config.clients.clone();
    rereading.only_verifies();
    rereading.hang_up();
    let ended = tokio::time::timeout(SOON, connections[0].read(&mut buffer)).await.expect("it ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    let refused = rereading.service.sign("after", &order("detached")).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "operation-not-permitted"));
    connections[1].write_all(request).await.expect("sent");
    assert!(connections[1].read(&mut buffer).await.expect("an answer") > 0, "another's connection goes on");

    // And has it again, and another goes.
    rereading.config.clients = before;
    rereading.config.clients.retain(|client| client.name != "agency");
    rereading.hang_up();
    rereading.until("again", 201).await;
    let gone = rereading.service.as_member(Member::Agency, Request::get("/readyz")).await;
    assert_eq!((gone.status, gone.code().as_str()), (403, "client-unknown"));
    rereading.service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_documents_does_not_become_one_for_digests_under_another_name() {
    let mut rereading = Rereading::start(|_| {}).await;
    let before = rereading.config.clone();
    let health = before.keys.iter().find(|key| key.name == "health").expect("the key");
    rereading.config.keys.push(SigningKey { name: "blind".to_owned(), authority: None, ..health.clone() });
    rereading.config.clients[0].permissions.push(Permission {
        operations: vec![Operation::SignHash],
        kinds: Vec::new(),
        keys: vec!["blind".to_owned()],
    });
    rereading.config.clients.retain(|client| client.name != "agency");
    rereading.hang_up();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ready = Request::get("/readyz");
    assert_eq!(rereading.service.as_member(Member::Agency, ready).await.status, 200, "nothing of it counts");
    rereading.service.running.shutdown().await;
}

/// The key of the receipts is one of the start.
#[tokio::test(flavor = "multi_thread")]
async fn settings_without_the_key_of_the_receipts_do_not_count() {
    let mut rereading = Rereading::start(|config| {
        dev::add_receipt_key(config.registry.path.parent().expect("a folder"), "http://127.0.0.1:8080").expect("a key");
        let free = "127.0.0.1:0".parse().expect("an address");
        let with = dev::settings(config.registry.path.parent().expect("a folder"), free, free);
        config.receipt = with.receipt;
        config.keys.extend(with.keys.into_iter().filter(|key| key.name == "receipt"));
    })
    .await;
    let (kept, receipt) = (rereading.config.clone(), rereading.config.receipt.clone());
    assert!(receipt.key.is_some());
    rereading.config.receipt = antin::config::Receipt::default();
    rereading.config.keys.retain(|key| key.name != "receipt");
    rereading.only_verifies();
    rereading.hang_up();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rereading.service.sign("after", &order("detached")).await.status, 201, "nothing of it counts");
    rereading.config = kept;
    rereading.only_verifies();
    rereading.hang_up();
    rereading.until("last", 403).await;
    rereading.service.running.shutdown().await;
}
