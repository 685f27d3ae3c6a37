//! Two services: one keeps a log, the other is its witness.

use std::{fs, sync::Arc, time::Duration};

use antin::{
    config::{Config, LogWitness},
    core::log::{Checkpoint, KeyKind, VerifierKey},
    issuance_log::{self, NoteSigner},
};

use super::{
    Service,
    client::{Answer, Request},
    issuance_log::{ORIGIN, antin, path, place},
};

const WITNESS: &str = "witness.example.vn";

struct Scene {
    witness_place: Arc<tempfile::TempDir>,
    place: Arc<tempfile::TempDir>,
    log: VerifierKey,
    witness: VerifierKey,
}

impl Scene {
    fn new() -> Self {
        let ((place, log), (witness_place, _)) = (place(), place_of_witness());
        let line = fs::read_to_string(witness_place.path().join("witness.pub")).expect("a key");
        Self { place, log, witness: VerifierKey::parse(&line).expect("a key"), witness_place }
    }

    async fn witness(&self) -> Service {
        Service::over(Arc::clone(&self.witness_place), |config| {
            config.witness.key = Some(self.witness_place.path().join("witness.key"));
            config.witness.name = Some(WITNESS.to_owned());
            config.witness.state_file = Some(self.witness_place.path().join("witness-state.json"));
            config.witness.logs = vec![self.log.to_string()];
        })
        .await
    }

    async fn log(&self, witness: &Service) -> Service {
        let url = format!("http://{}/witness", witness.running.public);
        let key = self.witness.to_string();
        Service::over(Arc::clone(&self.place), |config: &mut Config| {
            config.issuance_log.witnesses = vec![LogWitness { url, key, allow_private: true }];
        })
        .await
    }

    /// The checkpoint of this size, as soon as the witness signed it; `None`: it does not.
    async fn witnessed(&self, log: &Service, size: u64, patience: Duration) -> Option<Vec<u8>> {
        for _ in 0..patience.as_millis() / 50 {
            let note = log.public(Request::get("/log/checkpoint")).await.body;
            let (checkpoint, parsed) = Checkpoint::open(&note, &self.log).expect("signed by the log");
            if checkpoint.size == size && parsed.witnessed(&self.witness).is_some() {
                assert_eq!(parsed.verify(&self.witness), Ok(()));
                return Some(note);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

fn place_of_witness() -> (Arc<tempfile::TempDir>, VerifierKey) {
    let (directory, key) = place();
    // It keeps no log of its own.
    fs::remove_file(directory.path().join("issuance-log.key")).expect("removed");
    let (pem, line) = issuance_log::generate(WITNESS, KeyKind::Cosignature).expect("a key");
    fs::write(directory.path().join("witness.key"), pem).expect("written");
    fs::write(directory.path().join("witness.pub"), line).expect("written");
    (directory, key)
}

async fn add(witness: &Service, body: String) -> Answer {
    witness.public(Request::post("/witness/add-checkpoint", "text/plain", body)).await
}

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_growth_and_nothing_else() {
    let scene = Scene::new();
    let witness = scene.witness().await;
    let log = scene.log(&witness).await;
    log.issue("key-1", "detached").await;
    let first = scene.witnessed(&log, 1, SOON).await.expect("cosigned");
    for number in 2..5 {
        log.issue(&format!("key-{number}"), "detached").await;
    }
    let fourth = scene.witnessed(&log, 4, SOON).await.expect("cosigned");

    // Who copies the log demands the witness.
    let copy = scene.place.path().join("copy");
    log.copy_log(&copy, &scene.log).await;
    let (public, of_witness) =
        (scene.place.path().join("issuance-log.pub"), scene.witness_place.path().join("witness.pub"));
    let arguments = ["log", "verify", path(&copy), "--public-key", path(&public), "--witness", path(&of_witness)];
    let (code, said) = antin(&arguments);
    assert_eq!(code, Some(0), "{said}");
    let note = String::from_utf8(fourth.clone()).expect("text");
    let unwitnessed = note.lines().filter(|line| !line.contains(WITNESS)).map(|line| format!("{line}\n"));
    fs::write(copy.join("checkpoint"), unwitnessed.collect::<String>()).expect("written");
    let (code, said) = antin(&arguments);
    assert!(code == Some(1) && said.contains("not signed by the witness"), "{said}");

    // The statuses of C2SP tlog-witness; what it saw outlives its death.
    witness.running.shutdown().await;
    let witness = scene.witness().await;
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).expect("text");
    let size = add(&witness, format!("old 0\n\n{}", text(&fourth))).await;
    assert_eq!((size.status, size.body.as_slice()), (409, b"4\n".as_slice()));
    assert!(size.head.contains("text/x.tlog.size"), "{}", size.head);
    let again = add(&witness, format!("old 4\n\n{}", text(&fourth))).await;
    assert_eq!(again.status, 200);
    assert!(text(&again.body).starts_with(&format!("\u{2014} {WITNESS} ")), "{again:?}");
    let key = fs::read(scene.place.path().join("issuance-log.key")).expect("a key");
    let key = NoteSigner::from_pem(ORIGIN, KeyKind::Note, &key).expect("a key");
    let signed = |size: u64, key: &NoteSigner| {
        let origin = key.verifier().name().to_owned();
        key.checkpoint(&Checkpoint { origin, size, root: [7; 32] }).expect("signed").to_string()
    };
    let stranger = |name: &str| {
        let (pem, _) = issuance_log::generate(name, KeyKind::Note).expect("a key");
        NoteSigner::from_pem(name, KeyKind::Note, &pem).expect("a key")
    };
    for (body, status) in [
        (format!("old 4\n\n{}", signed(9, &key)), 422),
        (format!("old 4\n\n{}", signed(4, &key)), 409),
        (format!("old 4\n\n{}", signed(3, &key)), 400),
        (format!("old 1\n\n{}", text(&first)), 409),
        (format!("old 4\n\n{}", signed(4, &stranger(ORIGIN))), 403),
        (format!("old 4\n\n{}", signed(4, &stranger("example.vn/other"))), 404),
        ("old x\n\n".to_owned(), 400),
        (String::new(), 400),
    ] {
        assert_eq!(add(&witness, body.clone()).await.status, status, "{body}");
    }
    log.running.shutdown().await;

    // The log begins anew under its old name and key: the witness that knew it signs no more.
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = fs::remove_file(scene.place.path().join(name));
    }
    fs::remove_dir_all(scene.place.path().join("issuance-log")).expect("removed");
    let log = scene.log(&witness).await;
    for number in 0..6 {
        log.issue(&format!("other-{number}"), "detached").await;
    }
    assert_eq!(scene.witnessed(&log, 6, Duration::from_secs(4)).await, None, "another history");
    assert_eq!(add(&witness, "old 0\n\n".to_owned() + &signed(9, &key)).await.body, b"4\n", "it remembers");
    log.running.shutdown().await;
    witness.running.shutdown().await;
}
