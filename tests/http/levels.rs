//! Signatures at B-T: answered at once at B-B and raised afterwards, whatever becomes of the authorities and of this process.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use antin::{
    clock,
    config::{TimeStampAuthority, TimeStamping},
    core::cms::timestamp_exchange::{TimeStampRequest, decode_response},
    pki::{self, Authority, InitOptions, Member, tsa::TimeStampingAuthority},
    registry::{DocumentId, Registry, sqlite::SqliteRegistry},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    CONTENT, Service, base64,
    client::{self, Answer, Identity, Request},
    order,
};
use crate::revocation::responder::{Answer as Reply, Responder};

fn order_b_t(packaging: &str) -> Value {
    let mut order = order(packaging);
    order["level"] = json!("B-T");
    order
}

/// A directory with a PKI in it.
pub(super) fn laid() -> Arc<TempDir> {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    directory
}

/// The authority of the PKI in a directory.
pub(super) fn right(directory: &TempDir) -> Reply {
    let authority = TimeStampingAuthority::load(&directory.path().join("pki")).expect("an authority");
    Reply::Made(Arc::new(move |query| authority.answer(query, clock::now()).expect("an answer")))
}

pub(super) fn asking(responders: &[&Responder]) -> TimeStamping {
    let authority = |one: &&Responder| TimeStampAuthority { url: one.base_url(), policy: None, allow_private: true };
    TimeStamping {
        authorities: responders.iter().map(authority).collect(),
        timeout_seconds: 1,
        attempts: 1,
        backoff_seconds: 1,
        ..TimeStamping::default()
    }
}

pub(super) async fn over(directory: &Arc<TempDir>, responders: &[&Responder]) -> Service {
    // Of its own: with every new one of the others, connections are asked to close.
    let (of_ca, of_clients) =
        (Authority::Ca.crl_path(&directory.path().join("pki")), directory.path().join("clients.crl"));
    fs::copy(of_ca, &of_clients).expect("copied");
    Service::over(Arc::clone(directory), |config| {
        config.time_stamping = asking(responders);
        config.mutual_tls.client_crls = vec![of_clients];
    })
    .await
}

impl Service {
    pub(super) async fn ordered(&self, key: &str, order: &Value, prefer: Option<&str>) -> Answer {
        let mut request = Request::json("/v1/sign", order).header("Idempotency-Key", key);
        if let Some(prefer) = prefer {
            request = request.header("Prefer", prefer);
        }
        let answer = self.as_member(Member::IssuingSystem, request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }

    pub(super) async fn reached(&self, id: &str) -> (String, String) {
        let path = format!("/v1/documents/{id}");
        let record = self.as_member(Member::IssuingSystem, Request::get(&path)).await.json();
        let level = |name: &str| record[name].as_str().expect("a level").to_owned();
        (level("levelRequested"), level("levelReached"))
    }

    /// Waits until the document has reached B-T, and gives its signature.
    async fn raised(&self, id: &str) -> Vec<u8> {
        let started = Instant::now();
        while self.reached(id).await != ("B-T".to_owned(), "B-T".to_owned()) {
            assert!(started.elapsed() < Duration::from_secs(30), "it is not raised");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let path = format!("/v1/documents/{id}/signature");
        self.as_member(Member::IssuingSystem, Request::get(&path)).await.body
    }

    pub(super) async fn backlog(&self) -> Value {
        self.as_member(Member::Agency, Request::get("/readyz")).await.json()["levels"].clone()
    }

    /// The level and the time-stamp of a detached signature of the content.
    async fn judged(&self, signature: &[u8]) -> (Value, Value) {
        let question = json!({"document": base64(CONTENT), "signature": base64(signature)});
        let answer = self.verify(&question).await;
        assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{answer:?}");
        let signature = &answer.json()["signatures"][0];
        (signature["format"].clone(), signature["timestamps"][0]["code"].clone())
    }
}

pub(super) fn field(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().expect("text").to_owned()
}

pub(super) fn signature(answer: &Answer) -> Vec<u8> {
    STANDARD.decode(field(answer, "signature")).expect("base64")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_answered_at_once_and_its_level_reached_afterwards() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let first = service.ordered("key-1", &order_b_t("detached"), None).await;
    let levels = ["levelRequested", "levelReached"].map(|name| field(&first, name));
    assert_eq!(levels, ["B-T", "B-B"]);
    let id = field(&first, "id");
    let raised = service.raised(&id).await;
    assert_eq!(service.judged(&raised).await, (json!("CAdES-BASELINE-T"), json!("passed")));
    assert_eq!(service.judged(&signature(&first)).await, (json!("CAdES-BASELINE-B"), json!(null)));
    assert_eq!(service.backlog().await, json!({"waiting": 0, "oldestSeconds": 0, "givenUp": 0}));
    // The same order again: the same answer; another level is another order.
    let again = service.ordered("key-1", &order_b_t("detached"), None).await;
    assert_eq!(again.json(), first.json());
    let other = service.sign("key-1", &order("detached")).await;
    assert_eq!((other.status, other.code()), (409, "idempotency-key-reused".to_owned()));
    service.running.shutdown().await;
}

/// Added to one that is at its level, and to one that is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_beside_another_reaches_its_level_too() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    for (number, raised_first) in [true, false].into_iter().enumerate() {
        let first = service.ordered(&format!("first-{number}"), &order_b_t("detached"), None).await;
        let existing = if raised_first { service.raised(&field(&first, "id")).await } else { signature(&first) };
        let mut order = order_b_t("detached");
        order["existingSignature"] = json!(base64(&existing));
        let second = service.ordered(&format!("second-{number}"), &order, None).await;
        let both = service.raised(&field(&second, "id")).await;
        let question = json!({"document": base64(CONTENT), "signature": base64(&both)});
        let answer = service.verify(&question).await;
        assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["document"]["id"], first.json()["id"]);
        for signature in answer["signatures"].as_array().expect("signatures") {
            assert_eq!(signature["format"], "CAdES-BASELINE-T", "raised first: {raised_first}");
            assert_eq!(signature["timestamps"].as_array().map(Vec::len), Some(1));
        }
        assert_eq!(answer["signatures"].as_array().map(Vec::len), Some(2));
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_may_wait_for_its_level_within_bounds() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let answer = service.ordered("key-1", &order_b_t("enveloping"), Some("respond-async, wait=20")).await;
    assert_eq!(field(&answer, "levelReached"), "B-T");
    assert!(answer.head.contains("preference-applied: wait=20"), "{}", answer.head);
    let judged = service.verify(&json!({"document": field(&answer, "signature")})).await;
    assert_eq!(judged.reliance().0, "ACCEPT");
    assert_eq!(judged.json()["signatures"][0]["format"], "CAdES-BASELINE-T");
    // Without the preference the answer is the one that there would have been, with it the newest.
    let plain = service.ordered("key-1", &order_b_t("enveloping"), None).await;
    assert_eq!((field(&plain, "levelReached"), field(&plain, "id")), ("B-B".to_owned(), field(&answer, "id")));
    let newest = service.ordered("key-1", &order_b_t("enveloping"), Some("wait=1")).await;
    assert_eq!(newest.json(), answer.json());

    tsa.tell(Reply::Status(500));
    let started = Instant::now();
    let late = service.ordered("key-2", &order_b_t("detached"), Some("WAIT=\"1\"")).await;
    assert_eq!(field(&late, "levelReached"), "B-B");
    let elapsed = started.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&elapsed), "{elapsed:?}");
    for (key, prefer) in [("key-3", "wait=soon"), ("key-4", "wait"), ("key-5", "wait=-1"), ("key-6", "handling=strict")]
    {
        let answer = service.ordered(key, &order_b_t("detached"), Some(prefer)).await;
        assert!(!answer.head.contains("preference-applied"), "{prefer}: {}", answer.head);
    }
    let bounded = service.ordered("key-7", &order("detached"), Some("wait=20")).await;
    assert!(!bounded.head.contains("preference-applied"), "nothing to wait for");
    assert_eq!(service.backlog().await["waiting"], 5);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_authority_and_a_restart_lose_nothing() {
    let directory = laid();
    let tsa = Responder::start(Reply::Status(500));
    let service = over(&directory, &[&tsa]).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let answer = service.ordered(&format!("key-{number}"), &order_b_t("detached"), None).await;
        assert_eq!(field(&answer, "levelReached"), "B-B");
        ids.push(field(&answer, "id"));
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(service.backlog().await["waiting"], 5);
    assert!(tsa.asked() < 20, "asked {} times by one after the other", tsa.asked());
    service.running.shutdown().await;

    let service = over(&directory, &[&tsa]).await;
    assert_eq!(service.reached(&ids[0]).await, ("B-T".to_owned(), "B-B".to_owned()));
    tsa.tell(right(&directory));
    for id in &ids {
        assert_eq!(service.judged(&service.raised(id).await).await.0, "CAdES-BASELINE-T");
    }
    assert_eq!(service.backlog().await["waiting"], 0);
    let figures = service.as_member(Member::Agency, Request::get("/metrics")).await;
    let figures = String::from_utf8(figures.body).expect("text");
    for name in ["antin_level_backlog", "antin_level_raised_total", "antin_level_failures_total{code=\"status\"}"] {
        assert!(figures.contains(name), "{name}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_cannot_be_raised_is_given_up_and_holds_up_no_other() {
    let directory = laid();
    let tsa = Responder::start(Reply::Status(500));
    let service = over(&directory, &[&tsa]).await;
    let mut ids = Vec::new();
    for key in ["key-1", "key-2"] {
        ids.push(field(&service.ordered(key, &order_b_t("detached"), None).await, "id"));
    }
    service.running.shutdown().await;
    let held = rusqlite::Connection::open(directory.path().join("registry.db")).expect("a file");
    let id = hex::decode(&ids[0]).expect("an id");
    held.execute("UPDATE signature SET cms = X'3000' WHERE document_id = ?1", [&id]).expect("damaged");
    let tried = "UPDATE raising SET due_at = 0, attempts = ?2 WHERE document_id = ?1";
    held.execute(tried, rusqlite::params![id, 10]).expect("as if tried");
    drop(held);

    tsa.tell(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    service.raised(&ids[1]).await;
    let started = Instant::now();
    while service.backlog().await["givenUp"] != 1 {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", service.backlog().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(service.backlog().await, json!({"waiting": 0, "oldestSeconds": 0, "givenUp": 1}));
    assert_eq!(service.reached(&ids[0]).await, ("B-T".to_owned(), "B-B".to_owned()));
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_trusts_raises_nothing() {
    let (directory, elsewhere) = (laid(), laid());
    let strange = Responder::start(right(&elsewhere));
    let service = over(&directory, &[&strange]).await;
    let answer = service.ordered("key-1", &order_b_t("detached"), Some("wait=1")).await;
    assert_eq!(field(&answer, "levelReached"), "B-B");
    assert!(strange.asked() > 0);
    let id = field(&answer, "id");
    assert_eq!(service.reached(&id).await.1, "B-B");
    strange.tell(right(&directory));
    service.raised(&id).await;
    // Revoked, as far as this service knows.
    let tsa = Member::Tsa.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &tsa, pki::Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let answer = service.ordered("key-2", &order_b_t("detached"), Some("wait=1")).await;
    assert_eq!(field(&answer, "levelReached"), "B-B");
    let figures = service.as_member(Member::Agency, Request::get("/metrics")).await;
    let figures = String::from_utf8(figures.body).expect("text");
    for outcome in ["certificate-signature-invalid", "stamped", "certificate-revoked"] {
        let figure = format!("authority=\"127.0.0.1:{}\",outcome=\"{outcome}\"", strange.port);
        let all: Vec<&str> = figures.lines().filter(|line| line.contains("antin_timestamps_total")).collect();
        assert!(figures.contains(&figure), "{figure}: {all:?}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_there_is_no_level_above_b_b() {
    let service = Service::with(|config| config.time_stamping.authorities.clear()).await;
    assert_eq!(service.backlog().await, json!(null));
    for level in ["B-T", "B-LT", "B-LTA"] {
        let mut order = order("detached");
        order["level"] = json!(level);
        let refused = service.sign("key-1", &order).await;
        assert_eq!((refused.status, refused.code()), (422, "level-not-available".to_owned()), "{level}");
        assert!(refused.json()["detail"].as_str().expect("text").contains("B-B can"), "{refused:?}");
    }
    assert_eq!(service.sign("key-1", &order("detached")).await.status, 201, "nothing was begun");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_development_authority_answers_on_the_public_listener() {
    let service = Service::start().await;
    let request = TimeStampRequest {
        algorithm: antin::core::algorithm::DigestAlgorithm::Sha256,
        digest: &[7; 32],
        policy: None,
        nonce: Some(&[0x40]),
        wants_certificate: true,
    }
    .encode();
    let query = "application/timestamp-query";
    let answer = service.public(Request::post("/tsa", query, request.clone())).await;
    assert!(answer.status == 200 && answer.head.contains("content-type: application/timestamp-reply"), "{answer:?}");
    assert!(decode_response(&answer.body).is_ok());
    let refusal = service.public(Request::post("/tsa", query, b"no request".to_vec())).await;
    assert!(refusal.status == 200 && decode_response(&refusal.body).is_err());
    let long = service.public(Request::post("/tsa", query, vec![0x30; 5000])).await;
    assert_eq!((long.status, long.code()), (413, "body-too-large".to_owned()));
    let typed = service.public(Request::post("/tsa", "application/json", request.clone())).await;
    assert_eq!((typed.status, typed.code()), (415, "unsupported-media-type".to_owned()));
    assert_eq!(service.public(Request::get("/tsa")).await.status, 405);
    let elsewhere = service.as_member(Member::Agency, Request::post("/tsa", query, request)).await;
    assert_eq!(elsewhere.status, 404);
    service.running.shutdown().await;
}

/// The program itself, over settings in a file; killed when dropped.
pub(super) struct Program {
    child: Child,
    pub(super) mutual_tls: SocketAddr,
}

impl Program {
    pub(super) fn start(settings: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        command.args(["serve", "--config", settings.to_str().expect("a path")]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let ready = output.lines().next().expect("a line").expect("text");
        let address = ready.rsplit("https://").next().expect("an address").parse().expect("an address");
        Self { child, mutual_tls: address }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn settings(directory: &Path, tsa: &Responder) -> std::path::PathBuf {
    let sha256 =
        antin::service::held::first_certificate(&Member::IssuingSystem.certificate_path(&directory.join("pki")));
    let sha256 = hex::encode(sha256.expect("a certificate").fingerprint());
    let text = format!(
        r#"
[public]
address = "127.0.0.1:0"
[mutual-tls]
address = "127.0.0.1:0"
certificate = "pki/server.crt"
chain = ["pki/ca.crt"]
key = "pki/server.key"
client-authorities = ["pki/ca.crt"]
client-crls = ["pki/crl/ca.crl"]
[trust]
anchors = ["pki/root.crt"]
intermediates = ["pki/ca.crt"]
[revocation]
sources = [{{ file = "pki/crl/root.crl" }}, {{ file = "pki/crl/ca.crl" }}]
[time-stamping]
authorities = [{{ url = "{}", allow-private = true }}]
timeout-seconds = 1
backoff-seconds = 1
[[key]]
name = "health"
file = "pki/signers/health.key"
certificate = "pki/signers/health.crt"
[[kind]]
name = "health-book"
keys = ["health"]
[[client]]
name = "issuing-system"
sha256 = "{sha256}"
operations = ["sign", "verify"]
kinds = ["health-book"]
keys = ["health"]
"#,
        tsa.base_url()
    );
    let path = directory.join("antin.toml");
    fs::write(&path, text).expect("written");
    path
}

/// Killed (SIGKILL) while the authority is dead, and once more at any moment of its work.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_every_signature_reaches_its_level() {
    let directory = laid();
    let tsa = Responder::start(Reply::Silence);
    let settings = settings(directory.path(), &tsa);
    let (root, pki) = (Member::Root.certificate_path(&directory.path().join("pki")), directory.path().join("pki"));
    let identity =
        || Identity::read(&Member::IssuingSystem.certificate_path(&pki), &Member::IssuingSystem.key_path(&pki));
    let ask = async |address: SocketAddr, request: Request| {
        client::tls(address, &root, Some(identity()), request).await.expect("an answer")
    };
    let mut ids = Vec::new();
    let program = Program::start(&settings);
    for number in 0..6 {
        let request =
            Request::json("/v1/sign", &order_b_t("detached")).header("Idempotency-Key", &format!("key-{number}"));
        let answer = ask(program.mutual_tls, request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push((field(&answer, "id"), signature(&answer)));
    }
    drop(program);
    tsa.tell(right(&directory));
    for pause in [0, 20, 60, 150] {
        let program = Program::start(&settings);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(program);
    }
    let program = Program::start(&settings);
    let started = Instant::now();
    for (id, _) in &ids {
        while ask(program.mutual_tls, Request::get(&format!("/v1/documents/{id}"))).await.json()["levelReached"]
            != "B-T"
        {
            assert!(started.elapsed() < Duration::from_secs(60), "it is not raised");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    drop(program);
    // What was released stays what it was, and each has one time-stamp.
    let registry = SqliteRegistry::open(&directory.path().join("registry.db"), clock::now()).expect("a registry");
    assert_eq!(registry.backlog().await.expect("read").waiting, 0);
    for (id, released) in &ids {
        let id: DocumentId = id.parse().expect("an id");
        let document = registry.document(id).await.expect("read").expect("issued");
        assert_eq!(&document.issued.signature, released);
        assert_eq!(registry.newest(id).await.expect("read").map(|newest| newest.version), Some(2));
    }
}
