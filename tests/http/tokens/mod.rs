//! Keys in a token: a real SoftHSM, and the same behind `shim.c`, which has the faults of devices. A PKCS#11 library is initialised once for a
//! process and reads its settings from the environment, so that each test runs in a copy of this program.

mod faults;
mod signing;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use antin::config::{Client, Config, SigningKey, Token};
use antin::pki::certificate::{Issuer, issue};
use antin::pki::key::PrivateKey;
use antin::pki::profile::{Publication, signer, subject};
use antin::pki::{self, Authority, InitOptions, Member};
use antin::{clock, core::time::Time};
use der::EncodePem;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, Request};
use super::{Service, order};

const FOLDER: &str = "ANTIN_TEST_TOKENS_FOLDER";
const TASK: &str = "ANTIN_TEST_TOKENS_TASK";
/// Of the process that a test runs in.
const LIMIT: Duration = Duration::from_secs(240);
/// Of [`Service::signs_again`].
static ORDERS: AtomicUsize = AtomicUsize::new(0);
const PIN: &str = "4711-geheim";
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Runs the test of this name in a process of its own, with an empty SoftHSM.
fn in_a_process(task: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for name in ["tokens", "shim", "away"] {
        fs::create_dir(path(name)).expect("made");
    }
    let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", path("tokens").display());
    fs::write(path("softhsm2.conf"), settings).expect("written");
    let output = fs::File::create(path("output")).expect("a file");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["http::tokens::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(FOLDER, folder.path())
        .env("SOFTHSM2_CONF", path("softhsm2.conf"))
        .env("ANTIN_TEST_SHIM", path("shim"))
        .env("ANTIN_TEST_SOFTHSM", SOFTHSM)
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .stdin(Stdio::null())
        .spawn()
        .expect("a copy of this program");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status.success();
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("killed");
            child.wait().expect("ended");
            break false;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read_to_string(path("output")).unwrap_or_default();
    assert!(status, "{task}: {said}");
    assert!(said.contains("1 passed"), "{task} did not run: {said}");
    assert!(!said.contains(PIN), "the PIN was told");
}

/// Not a test of its own: what a copy of this program does when a test started it.
#[test]
fn child() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let place = Place { folder: folder.into() };
    runtime.expect("a runtime").block_on(async {
        match task.as_str() {
            "algorithms" => signing::algorithms(&place).await,
            "parallel" => signing::parallel(&place).await,
            "settings" => signing::settings(&place).await,
            "mismatch" => signing::mismatch(&place).await,
            "wrong-pin" => faults::wrong_pin(&place).await,
            "final-try" => faults::final_try(&place).await,
            "moved-away" => faults::moved_away(&place).await,
            "removed" => faults::removed(&place).await,
            "deleted" => faults::deleted(&place).await,
            "sessions" => faults::sessions(&place).await,
            "hung" => faults::hung(&place).await,
            other => panic!("{other}"),
        }
    });
}

/// The folder of a test: the tokens, what the shim reads and writes, and the service's directory.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A token with the keys of these files, each under its label.
    fn token(&self, keys: &[(&str, PathBuf)]) {
        softhsm(&["--init-token", "--free", "--label", "antin", "--so-pin", "0000-officer", "--pin", PIN]);
        for (number, (label, file)) in keys.iter().enumerate() {
            let id = format!("{:02x}", number + 1);
            let file = file.to_str().expect("UTF-8");
            softhsm(&["--import", file, "--token", "antin", "--label", label, "--id", &id, "--pin", PIN]);
        }
        fs::write(self.path("pin"), format!("{PIN}\n")).expect("written");
    }

    /// The library that stands before SoftHSM.
    fn shim(&self) -> PathBuf {
        let library = self.path("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/tokens/shim.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(compiler.status().expect("a compiler").success());
        library
    }

    /// Switches a fault of the shim on or off.
    fn fault(&self, name: &str, value: Option<&str>) {
        let path = self.path("shim").join(name);
        match value {
            Some(value) => fs::write(path, value).expect("written"),
            None => fs::remove_file(path).expect("it was on"),
        }
    }

    /// How often the shim saw it.
    fn seen(&self, name: &str) -> usize {
        fs::metadata(self.path("shim").join(name)).map_or(0, |file| file.len() as usize)
    }

    fn pki(&self) -> Arc<TempDir> {
        let directory = Arc::new(TempDir::new_in(&self.folder).expect("a directory"));
        pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        directory
    }

    fn settings(&self, module: impl Into<PathBuf>) -> Token {
        Token {
            name: "hsm".to_owned(),
            module: module.into(),
            label: Some("antin".to_owned()),
            serial: None,
            pin_file: Some(self.path("pin")),
            pin_env: None,
            sessions: 4,
            timeout_seconds: 10,
        }
    }

    /// A service whose key for health books is in the token, behind the shim or not.
    async fn service(&self, module: impl Into<PathBuf>, change: impl FnOnce(&mut Token)) -> Service {
        let directory = self.pki();
        self.token(&[("health", Member::Health.key_path(&directory.path().join("pki")))]);
        let mut token = self.settings(module);
        change(&mut token);
        Service::over(directory, |config| {
            config.tokens = vec![token];
            in_token(key(config, "health"), "health");
        })
        .await
    }
}

fn softhsm(arguments: &[&str]) {
    let output = Command::new("softhsm2-util").args(arguments).output().expect("softhsm2-util: scripts/packages test");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn key<'a>(config: &'a mut Config, name: &str) -> &'a mut SigningKey {
    config.keys.iter_mut().find(|key| key.name == name).expect("the key")
}

fn issuing_client(config: &mut Config) -> &mut Client {
    config.clients.iter_mut().find(|client| client.name == "issuing-system").expect("the client")
}

fn in_token(key: &mut SigningKey, label: &str) {
    key.file = None;
    key.token = Some("hsm".to_owned());
    key.label = Some(label.to_owned());
}

/// A signer's certificate for a key that OpenSSL makes, in `directory/stem.crt` and `.key`.
pub(super) fn add_signer(directory: &Path, stem: &str, algorithm: &[&str], [from, until]: [Time; 2]) {
    let file = directory.join(stem).with_extension("key");
    let made = Command::new("openssl").args(["genpkey", "-quiet", "-out"]).arg(&file).args(algorithm).output();
    let made = made.expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    certify(directory, &file, stem, [from, until]);
}

/// A certificate for the key in this file.
pub(super) fn certify(directory: &Path, file: &Path, stem: &str, [from, until]: [Time; 2]) {
    let (_, der) = der::SecretDocument::from_pem(&fs::read_to_string(file).expect("a key")).expect("PEM");
    let key = PrivateKey::from_pkcs8(der.as_bytes()).expect("a key");
    let issuer = Issuer::load(&directory.join("pki"), Authority::Ca).expect("the CA");
    let publication = Publication::new("http://127.0.0.1:8080").expect("a URL");
    let mut profile = signer(subject("Sở thử nghiệm", stem).expect("a name"), clock::now(), &publication);
    (profile.not_before, profile.not_after) = (from, until);
    let issued = issue(&issuer, &profile, &key.public_key().expect("a key")).expect("issued");
    fs::write(directory.join(stem).with_extension("crt"), issued.to_pem(der::pem::LineEnding::LF).expect("PEM"))
        .expect("written");
}

/// The entry of such a signer; the health kinds and the issuing client may use it.
pub(super) fn add_key(config: &mut Config, directory: &Path, name: &str) {
    let added = SigningKey {
        name: name.to_owned(),
        file: Some(directory.join(name).with_extension("key")),
        certificate: directory.join(name).with_extension("crt"),
        ..key(config, "health").clone()
    };
    config.keys.push(SigningKey { token: None, label: None, ..added });
    for kind in config.kinds.iter_mut().filter(|kind| kind.keys.iter().any(|key| key == "health")) {
        kind.keys.push(name.to_owned());
    }
    issuing_client(config).keys.push(name.to_owned());
}

fn order_by(signer: &str) -> Value {
    let mut order = order("detached");
    order["signer"] = json!(signer);
    order
}

impl Service {
    /// What the registry says of each order of before: released ones are recorded; refused ones can be ordered again, and get a signature
    /// unless the device may have signed.
    async fn agrees(&self, orders: &[(String, Answer)]) {
        for (idempotency_key, answer) in orders {
            let again = self.sign(idempotency_key, &order("detached")).await;
            if answer.status == 201 {
                assert_eq!(again.body, answer.body, "the same signature");
                let path = format!("/v1/documents/{}", answer.json()["id"].as_str().expect("an id"));
                assert_eq!(self.as_member(Member::Agency, Request::get(&path)).await.status, 200);
                continue;
            }
            assert_eq!(answer.status, 503, "{answer:?}");
            match answer.code().as_str() {
                "key-not-available" => assert_eq!(again.status, 201, "{again:?}"),
                "key-without-answer" => assert_eq!(again.code(), "signature-state-unknown"),
                other => panic!("{other}"),
            }
        }
    }

    /// Orders until one is signed.
    async fn signs_again(&self, within: Duration) {
        let started = Instant::now();
        loop {
            let number = ORDERS.fetch_add(1, Ordering::Relaxed);
            let answer = self.sign(&format!("again-{number}"), &order("detached")).await;
            if answer.status == 201 {
                return;
            }
            assert!(started.elapsed() < within, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn key_code(&self) -> Value {
        let ready = self.as_member(Member::Agency, Request::get("/readyz")).await.json();
        let keys = ready["keys"].as_array().expect("keys").clone();
        keys.into_iter().find(|key| key["name"] == "health").expect("the key")["code"].clone()
    }
}
