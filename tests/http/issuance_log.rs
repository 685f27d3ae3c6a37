//! The issuance log as its callers meet it: a promise with the signature, a proof within a second, tiles for whoever wants to audit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::{Duration, Instant},
};

use antin::{
    clock,
    config::Config,
    core::log::{Checkpoint, Entry, KeyKind, Opening, Promise, TileKind, TileName, VerifierKey, merkle},
    core::time::Time,
    issuance_log,
    pki::{self, InitOptions, Member},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use super::{Service, client::Answer, client::Request, order};
use crate::kit::postgres;

pub(super) const ORIGIN: &str = "localhost/antin-dev/log";

/// A place for services that keep a log, and the log's key.
pub(super) fn place() -> (Arc<TempDir>, VerifierKey) {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    let (pem, line) = issuance_log::generate(ORIGIN, KeyKind::Note).expect("a key");
    fs::write(directory.path().join("issuance-log.key"), pem).expect("written");
    fs::write(directory.path().join("issuance-log.pub"), &line).expect("written");
    (directory, VerifierKey::parse(&line).expect("a key"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).expect("base64")
}

impl Service {
    async fn proof(&self, id: &str) -> Answer {
        self.as_member(Member::IssuingSystem, Request::get(&format!("/v1/documents/{id}/proof"))).await
    }

    /// The proof, as soon as it is there; and how long that took.
    pub(super) async fn proof_soon(&self, id: &str) -> (Value, Duration) {
        let since = Instant::now();
        loop {
            let answer = self.proof(id).await;
            if answer.status == 200 {
                return (answer.json(), since.elapsed());
            }
            assert_eq!((answer.status, text(&answer.json()["code"])), (503, "log-entry-pending"), "{answer:?}");
            assert!(since.elapsed() < Duration::from_secs(20), "no proof in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The log as anybody can copy it.
    pub(super) async fn copy_log(&self, to: &Path, key: &VerifierKey) -> Checkpoint {
        let get = async |path: String| {
            let answer = self.public(Request::get(&path)).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            answer.body
        };
        let note = get("/log/checkpoint".to_owned()).await;
        let (checkpoint, _) = Checkpoint::open(&note, key).expect("signed");
        let put = |name: &str, octets: &[u8]| {
            let path = to.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, octets).expect("written");
        };
        put("checkpoint", &note);
        for kind in [TileKind::Entries, TileKind::Hashes(0), TileKind::Hashes(1), TileKind::Hashes(2)] {
            for index in 0.. {
                let Some(name) = TileName::in_tree(kind, index, checkpoint.size) else { break };
                put(&name.to_string(), &get(format!("/log/{name}")).await);
            }
        }
        checkpoint
    }
}

pub(super) fn antin(arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_antin")).args(arguments).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

pub(super) fn path(place: &Path) -> &str {
    place.to_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_promised_proved_and_found_by_its_authority() {
    let (directory, key) = place();
    let service = Service::over(Arc::clone(&directory), |_| {}).await;
    let answer = service.sign("key-1", &order("detached")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let signed = answer.json();
    assert_eq!(service.sign("key-1", &order("detached")).await.json(), signed, "the same answer, promise and all");
    let (id, told) = (text(&signed["id"]), &signed["logPromise"]);
    let (proof, waited) = service.proof_soon(id).await;
    println!("proof after {waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");

    // What was promised is what is proved, and says what the answer said.
    let signed_at = Time::parse_rfc3339(text(&signed["signedAt"])).expect("a time");
    let leaf_hash = decoded(&told["leafHash"]).try_into().expect("32 octets");
    let promise = Promise {
        origin: text(&told["origin"]).to_owned(),
        leaf_hash,
        time: Time::parse_rfc3339(text(&told["timestamp"])).expect("a time"),
        signature: decoded(&told["signature"]),
    };
    assert_eq!(promise.verify(&key), Ok(()));
    let octets = |value: &Value| hex::decode(text(value)).expect("hex");
    let opening = Opening {
        document_id: octets(&signed["id"]).try_into().expect("16 octets"),
        kind: "health-book".to_owned(),
        document_digest: octets(&signed["sha256"]).try_into().expect("32 octets"),
        signer_certificate_sha256: octets(&proof["signerCertificate"]).try_into().expect("32 octets"),
        signed_at,
        salt: octets(&told["salt"]).try_into().expect("32 octets"),
    };
    assert_eq!(Entry::decode(&decoded(&told["entry"])), Ok(opening.entry()));
    assert_eq!(opening.entry().leaf_hash(), leaf_hash);
    assert_eq!(proof["entry"], told["entry"]);
    let inclusion: Vec<_> = proof["inclusion"].as_array().expect("hashes").iter().map(decoded).collect();
    let inclusion: Vec<_> = inclusion.into_iter().map(|hash| hash.try_into().expect("32 octets")).collect();
    let (checkpoint, _) = Checkpoint::open(text(&proof["checkpoint"]).as_bytes(), &key).expect("signed");
    let index = proof["index"].as_u64().expect("a number");
    assert_eq!(proof["treeSize"], checkpoint.size);
    let verified = merkle::verify_inclusion(&leaf_hash, index, checkpoint.size, &inclusion, &checkpoint.root);
    assert_eq!(verified, Ok(()));

    // More documents, and the old checkpoint at hand.
    let kept = directory.path().join("kept-checkpoint");
    fs::write(&kept, text(&proof["checkpoint"])).expect("written");
    for number in 2..9 {
        service.issue(&format!("key-{number}"), "detached").await;
    }
    let (_, last) = service.issue("key-9", "enveloping").await;
    service.proof_soon(&last).await;
    let copy = directory.path().join("copy");
    let newer = service.copy_log(&copy, &key).await;
    assert_eq!(newer.size, 9);
    let public = directory.path().join("issuance-log.pub");
    let arguments = ["log", "verify", path(&copy), "--public-key", path(&public), "--checkpoint", path(&kept)];
    let (code, said) = antin(&arguments);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("whole: log {ORIGIN}, 9 entries")), "{said}");

    // An authority sees what was signed in its name, and nothing of others'.
    let certificate = |member: Member| member.certificate_path(&service.pki());
    let monitor = |member: Member, since: &'static str| {
        let certificate = certificate(member);
        let arguments = [
            "log",
            "monitor",
            path(&copy),
            "--public-key",
            path(&public),
            "--certificate",
            path(&certificate),
            "--since",
            since,
        ];
        let (code, said) = antin(&arguments);
        let is_behind =
            code == Some(1) && said.contains("CHANGED: checkpoint: the log has 9 entries and had 10 before");
        assert!(if since == "10" { is_behind } else { code == Some(0) }, "{code:?} {said}");
        // Position, time, certificate, salted digest.
        said.lines().filter(|line| line.split(' ').count() == 4).count()
    };
    assert_eq!(monitor(Member::Health, "0"), 9);
    assert_eq!(monitor(Member::Health, "7"), 2);
    assert_eq!(monitor(Member::Judicial, "0"), 0);
    // Nothing new is no fault; less than was seen is one.
    assert_eq!((monitor(Member::Health, "9"), monitor(Member::Health, "10")), (0, 0));

    // Proofs at the command line, of either form.
    let (file, content) = (directory.path().join("proof"), directory.path().join("content"));
    fs::write(&content, super::CONTENT).expect("written");
    let verify_proof =
        || antin(&["log", "verify-proof", path(&file), "--public-key", path(&public), "--content", path(&content)]);
    for form in [proof.to_string(), text(&proof["proof"]).to_owned()] {
        fs::write(&file, form).expect("written");
        let (code, said) = verify_proof();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(id) && said.contains("health-book"), "{said}");
    }
    fs::write(&content, "something else").expect("written");
    assert_eq!(verify_proof().0, Some(1));
    fs::write(&content, super::CONTENT).expect("written");

    // Who demands a proof relies on nothing without one, nor with that of another document.
    let (signature, another) = (directory.path().join("signature"), directory.path().join("another"));
    fs::write(&signature, decoded(&signed["signature"])).expect("written");
    fs::write(&another, service.proof(&last).await.body).expect("written");
    let root = Member::Root.certificate_path(&service.pki());
    let crls = [pki::Authority::Root, pki::Authority::Ca].map(|authority| authority.crl_path(&service.pki()));
    let ca = Member::Ca.certificate_path(&service.pki());
    let evidence =
        ["--trust-anchor", path(&root), "--intermediate", path(&ca), "--crl", path(&crls[0]), "--crl", path(&crls[1])];
    let verify = |proof: &[&str]| {
        let arguments =
            [&["verify", "--format", "json", "--content", path(&content)], &evidence[..], proof, &[path(&signature)]];
        antin(&arguments.concat())
    };
    let demanded = ["--log-key", path(&public)];
    for (proof, code, word) in [
        (vec![], Some(0), "ACCEPT"),
        ([&demanded[..], &["--log-proof", path(&file)]].concat(), Some(0), "ACCEPT"),
        ([&demanded[..], &["--log-proof", path(&another)]].concat(), Some(2), "not-logged"),
        (demanded.to_vec(), Some(2), "not-logged"),
    ] {
        let (found, said) = verify(&proof);
        assert!(found == code && said.contains(word), "{proof:?}: {found:?} {said}");
    }
    let forged = text(&proof["proof"]).replace("index 0", "index 1");
    fs::write(&file, forged).expect("written");
    let (code, said) = verify_proof();
    assert_eq!(code, Some(1), "{said}");
    fs::write(&file, "no proof").expect("written");
    assert_eq!(verify_proof().0, Some(65));

    // A copy that was changed.
    let tile = copy.join("tile/0/000.p/9");
    let mut octets = fs::read(&tile).expect("a tile");
    octets[40] ^= 1;
    fs::write(&tile, octets).expect("written");
    let (code, said) = antin(&arguments);
    assert!(code == Some(1) && said.contains("CHANGED: tile/0/000.p/9"), "{code:?} {said}");

    // Growth between any two sizes.
    let answer = service.public(Request::get("/v1/log/consistency?from=1&to=9")).await;
    let body = answer.json();
    let hash = |value: &Value| -> [u8; 32] { decoded(value).try_into().expect("32 octets") };
    let path: Vec<_> = body["consistency"].as_array().expect("hashes").iter().map(hash).collect();
    let (older, newer_root) = (hash(&body["from"]["root"]), hash(&body["to"]["root"]));
    assert_eq!(newer_root, newer.root);
    assert_eq!(merkle::verify_consistency((1, &older), (9, &newer_root), &path), Ok(()));
    for (query, status, code) in [
        ("", 400, "log-sizes-malformed"),
        ("?from=2&to=1", 404, "log-size-unknown"),
        ("?from=1&to=10", 404, "log-size-unknown"),
        ("?from=x&to=1", 400, "log-sizes-malformed"),
    ] {
        let answer = service.public(Request::get(&format!("/v1/log/consistency{query}"))).await;
        assert_eq!((answer.status, text(&answer.json()["code"])), (status, code), "{query}");
    }
    service.running.shutdown().await;
}

/// Whoever writes into the folder of a running service makes it say less, and never something else.
#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_were_changed_are_given_to_nobody_and_prove_nothing() {
    let (directory, _) = place();
    let service = Service::over(Arc::clone(&directory), |_| {}).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(service.issue(&format!("key-{number}"), "detached").await.1);
        service.proof_soon(&ids[number]).await;
    }
    let failures = async || {
        let figures = service.as_member(Member::Agency, Request::get("/metrics")).await;
        let figures = String::from_utf8(figures.body).expect("text");
        let own = figures.lines().find_map(|line| line.strip_prefix("antin_issuance_log_failures_total "));
        own.expect("a figure").parse::<f64>().expect("a number")
    };
    let folder = directory.path().join("issuance-log");
    for (file, served) in [
        ("tile/0/000.p/5", vec!["/log/tile/0/000.p/5", "/log/tile/entries/000.p/5", "/v1/log/consistency?from=1&to=5"]),
        ("tile/entries/000.p/5", vec!["/log/tile/entries/000.p/5"]),
        ("tile/0/000.p/3", vec!["/log/tile/0/000.p/3", "/v1/log/consistency?from=1&to=3"]),
    ] {
        let octets = fs::read(folder.join(file)).expect("a tile");
        let mut other = octets.clone();
        other[20] ^= 1;
        fs::write(folder.join(file), &other).expect("written");
        let before = failures().await;
        for path in &served {
            let answer = service.public(Request::get(path)).await;
            assert_eq!((answer.status, text(&answer.json()["code"])), (503, "log-unavailable"), "{file}: {path}");
            assert!(!answer.head.to_ascii_lowercase().contains("immutable"), "{path}");
        }
        assert!(failures().await >= before + served.len() as f64, "{file}");
        if file == "tile/0/000.p/5" {
            // Beside it stands the one that was changed.
            assert_eq!(service.proof(&ids[1]).await.status, 503);
        }
        fs::write(folder.join(file), &octets).expect("written");
        for path in served {
            assert_eq!(service.public(Request::get(path)).await.status, 200, "{path}");
        }
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_has_one_address_and_caches_know_how_long() {
    let (directory, key) = place();
    let service = Service::over(Arc::clone(&directory), |_| {}).await;
    let empty = service.public(Request::get("/log/checkpoint")).await;
    assert_eq!(Checkpoint::open(&empty.body, &key).expect("signed").0.size, 0, "an empty log is one too");
    let (_, id) = service.issue("key-1", "detached").await;
    service.proof_soon(&id).await;
    for (path, kind, caching) in [
        ("/log/checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        ("/log/tile/0/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("/log/tile/entries/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
    ] {
        let answer = service.public(Request::get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        for header in [format!("content-type: {kind}"), format!("cache-control: {caching}")] {
            assert!(answer.head.to_ascii_lowercase().contains(&header), "{path}: {header} in {}", answer.head);
        }
    }
    for wrong in [
        "/log/tile/0/000",
        "/log/tile/0/000.p/2",
        "/log/tile/0/001.p/1",
        "/log/tile/1/000.p/1",
        "/log/tile/entries/000.p/01",
        "/log/tile/0/../../issuance-log.key",
        "/log/tile/..%2f..%2fissuance-log.key",
        "/log/tile/x",
        "/log/",
        "/log/tile/",
        "/log/tile/0/%30%30%30.p/2",
        "/log/log.lock",
        "/log/tile/63/000",
        "/log/tile/0/x018/x446/x744/x073/x709/x551/615",
    ] {
        let answer = service.public(Request::get(wrong)).await;
        assert_eq!(answer.status, 404, "{wrong}: {answer:?}");
    }
    // Who may not see the record gets no proof; who is nobody no answer.
    let unknown = service.proof(&"0".repeat(32)).await;
    assert_eq!((unknown.status, text(&unknown.json()["code"])), (404, "document-unknown"));
    assert_eq!(service.public(Request::get(&format!("/v1/documents/{id}/proof"))).await.status, 404);
    service.running.shutdown().await;
}

/// Issued before there was a log: no promise, and soon a proof all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_before_goes_into_the_log_too() {
    let (directory, _) = place();
    let none = |config: &mut Config| config.issuance_log = antin::config::IssuanceLog::default();
    let service = Service::over(Arc::clone(&directory), none).await;
    let answer = service.sign("key-1", &order("detached")).await.json();
    assert_eq!(answer["logPromise"], Value::Null);
    let id = text(&answer["id"]).to_owned();
    let refused = service.proof(&id).await;
    assert_eq!((refused.status, text(&refused.json()["code"])), (404, "log-not-kept"));
    assert_eq!(service.public(Request::get("/log/checkpoint")).await.status, 404);
    assert_eq!(service.public(Request::get("/v1/log/consistency?from=0&to=0")).await.json()["code"], "log-not-kept");
    service.running.shutdown().await;

    let service = Service::over(directory, |_| {}).await;
    let (proof, _) = service.proof_soon(&id).await;
    assert_eq!(proof["treeSize"], 1);
    let again = service.sign("key-1", &order("detached")).await.json();
    assert_eq!(again["logPromise"]["entry"], proof["entry"], "a replay has a promise now");
    service.running.shutdown().await;
}

/// Nodes that share a registry publish one log, each in its own folder, octet by octet the same.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_publish_one_log() {
    let (directory, key) = place();
    let url = postgres::shared().database();
    let shared = |config: &mut Config| config.registry.postgres = Some(postgres::settings(&url));
    let one = Service::over(Arc::clone(&directory), shared).await;
    let folder: PathBuf = directory.path().join("log-of-the-other");
    let other = Service::over(Arc::clone(&directory), |config| {
        shared(config);
        config.revocation.marks_file.set_file_name("marks-of-the-other");
        config.issuance_log.folder = Some(folder.clone());
    })
    .await;
    let mut last = String::new();
    for number in 0..6 {
        let service = if number % 2 == 0 { &one } else { &other };
        (_, last) = service.issue(&format!("key-{number}"), "detached").await;
    }
    for service in [&one, &other] {
        let (proof, waited) = service.proof_soon(&last).await;
        assert!(waited < Duration::from_secs(15), "{waited:?}");
        assert!(proof["treeSize"].as_u64().is_some_and(|size| size <= 6), "{proof}");
    }
    let note = |folder: PathBuf| fs::read(folder.join("checkpoint")).expect("a checkpoint");
    let of_one = directory.path().join("issuance-log");
    let (mut first, mut second) = (note(of_one.clone()), note(folder.clone()));
    for _ in 0..100 {
        if first == second {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        (first, second) = (note(of_one.clone()), note(folder.clone()));
    }
    assert_eq!(first, second);
    assert_eq!(Checkpoint::open(&first, &key).expect("signed").0.size, 6);
    // The one that gave positions ends; the other goes on.
    one.running.shutdown().await;
    let (_, id) = other.issue("key-after", "detached").await;
    let (proof, waited) = other.proof_soon(&id).await;
    println!("proof after {waited:?} when the other node ended");
    assert_eq!(proof["treeSize"], 7);
    other.running.shutdown().await;
    // A node that begins anew makes its folder from the registry.
    let (lost, anew) = (folder.clone(), directory.path().join("anew"));
    let third = Service::over(Arc::clone(&directory), |config| {
        shared(config);
        config.issuance_log.folder = Some(anew.clone());
    })
    .await;
    third.proof_soon(&id).await;
    assert_eq!(note(anew), note(lost));
    third.running.shutdown().await;
}
