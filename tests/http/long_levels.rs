//! Signatures at B-LT and B-LTA: from B-T onwards by lists that are younger than the time-stamp, whatever becomes of this process.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use antin::{
    clock,
    core::{
        cms::{SignedData, timestamp::statement},
        oid,
        time::Time,
        x509::{Certificate, CertificateList},
    },
    pki::{
        self, Algorithm, Authority, InitOptions, Member,
        certificate::{Issuer, Profile, issue},
        key::PrivateKey,
        profile::{self, Publication},
        tsa::TimeStampingAuthority,
    },
};
use der::Encode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    CONTENT, Service, base64,
    client::{self, Identity, Request},
    levels::{Program, asking, field, laid, over, right, settings},
    order,
};
use crate::revocation::responder::{Answer as Reply, Responder};

fn order_at(level: &str, packaging: &str) -> Value {
    let mut order = order(packaging);
    order["level"] = json!(level);
    order
}

fn reissue(directory: &TempDir) {
    pki::refresh_crls(&directory.path().join("pki"), clock::now()).expect("reissued");
}

impl Service {
    async fn until(&self, id: &str, level: &str) {
        let started = Instant::now();
        while self.reached(id).await.1 != level {
            assert!(started.elapsed() < Duration::from_secs(40), "{:?}", self.reached(id).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn figures(&self) -> String {
        let figures = self.as_member(Member::Agency, Request::get("/metrics")).await;
        String::from_utf8(figures.body).expect("text")
    }
}

/// Every version of the signatures that are recorded, the first first; each is what the record says.
fn versions(directory: &Path) -> Vec<(String, String, Vec<u8>)> {
    let said = Command::new(env!("CARGO_BIN_EXE_antin"))
        .args(["registry", "check", "--path"])
        .arg(directory.join("registry.db"))
        .output()
        .expect("antin");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    let held = rusqlite::Connection::open(directory.join("registry.db")).expect("a file");
    held.prepare("SELECT lower(hex(document_id)), level, cms FROM signature ORDER BY document_id, version")
        .and_then(|mut all| all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect())
        .expect("rows")
}

/// When the signature was time-stamped, and the lists that are kept with it.
fn times(message: &[u8]) -> (Time, Vec<CertificateList>) {
    let message = SignedData::decode(message).expect("a message");
    let stamps = message.signer_infos[0].unsigned_values(oid::SIGNATURE_TIME_STAMP);
    let token = SignedData::decode(stamps[0]).expect("a token");
    let stamped = statement(&token).expect("a time-stamp").gen_time;
    (stamped, message.crls.iter().map(|crl| CertificateList::decode(crl).expect("a list")).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_goes_up_step_by_step_once_there_is_a_younger_list() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    // A list of the same second would do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = service.ordered("key-1", &order_at("B-LTA", "enveloping"), None).await;
    assert_eq!(field(&first, "levelReached"), "B-B");
    let id = field(&first, "id");
    service.until(&id, "B-T").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(service.reached(&id).await, ("B-LTA".to_owned(), "B-T".to_owned()), "the lists are older");
    assert_eq!(service.backlog().await["waiting"], 1);
    assert!(service.figures().await.contains("antin_level_failures_total{code=\"revocation-data-before-timestamp\"}"));
    let asked = tsa.asked();
    reissue(&directory);
    service.until(&id, "B-LTA").await;
    assert_eq!(tsa.asked(), asked + 1, "one archive time-stamp");
    assert_eq!(service.backlog().await, json!({"waiting": 0, "oldestSeconds": 0, "givenUp": 0}));

    let whole = service.ordered("key-1", &order_at("B-LTA", "enveloping"), Some("wait=1")).await;
    assert_eq!((field(&whole, "levelReached"), field(&whole, "id")), ("B-LTA".to_owned(), id.clone()));
    let judged = service.verify(&json!({"document": field(&whole, "signature")})).await;
    assert_eq!(judged.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{judged:?}");
    let judged = judged.json();
    assert_eq!(judged["signatures"][0]["format"], "CAdES-BASELINE-LTA");
    let stamps: Vec<_> = judged["signatures"][0]["timestamps"].as_array().expect("a list").iter().collect();
    assert_eq!(stamps.iter().map(|stamp| &stamp["code"]).collect::<Vec<_>>(), [&json!("passed"), &json!("passed")]);
    service.running.shutdown().await;

    let versions = versions(directory.path());
    let levels: Vec<_> = versions.iter().map(|(of, level, _)| (of.as_str(), level.as_str())).collect();
    assert_eq!(levels, ["B-B", "B-T", "B-LT", "B-LTA"].map(|level| (id.as_str(), level)));
    let (stamped, lists) = times(&versions[2].2);
    assert_eq!(lists.len(), 2, "of the root and of the CA");
    assert!(lists.iter().all(|list| list.this_update >= stamped), "{stamped}: {lists:?}");
}

/// Nobody publishes anything younger: what there is is kept while it counts.
#[tokio::test(flavor = "multi_thread")]
async fn shortly_before_the_list_ends_to_count_it_is_kept() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    // By the policy a list about signers counts for a day.
    let laid_at = clock::now().plus_seconds(58 - 86_400);
    pki::init(&directory.path().join("pki"), &InitOptions::default(), laid_at).expect("a PKI");
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let id = field(&service.ordered("key-1", &order_at("B-LT", "detached"), None).await, "id");
    service.until(&id, "B-LT").await;
    service.running.shutdown().await;
    let versions = versions(directory.path());
    let (stamped, lists) = times(&versions[2].2);
    assert!(versions.len() == 3 && lists.iter().all(|list| list.this_update < stamped));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_is_missing_is_waited_for_and_not_counted() {
    let (directory, elsewhere) = (laid(), laid());
    let tsa = Responder::start(right(&elsewhere));
    let root = Member::Root.certificate_path(&elsewhere.path().join("pki"));
    let service = Service::over(Arc::clone(&directory), |config| {
        config.time_stamping = asking(&[&tsa]);
        // Trusted, and nothing tells of its status.
        config.trust.anchors.push(root.into());
    })
    .await;
    let id = field(&service.ordered("key-1", &order_at("B-LT", "detached"), None).await, "id");
    service.until(&id, "B-T").await;
    reissue(&directory);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(service.reached(&id).await.1, "B-T");
    let figures = service.figures().await;
    assert!(figures.contains("antin_level_failures_total{code=\"revocation-status-unknown\"}"), "{figures}");
    service.running.shutdown().await;
    let held = rusqlite::Connection::open(directory.path().join("registry.db")).expect("a file");
    let attempts = held.query_row("SELECT attempts, given_up FROM raising", [], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))
    });
    assert_eq!(attempts.expect("a row"), (0, 0));
}

/// Killed (SIGKILL) at any moment on the way up.
#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_way_up_every_step_is_made_once() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let settings = settings(directory.path(), &tsa);
    let pki = directory.path().join("pki");
    let root = Member::Root.certificate_path(&pki);
    let identity =
        || Identity::read(&Member::IssuingSystem.certificate_path(&pki), &Member::IssuingSystem.key_path(&pki));
    let ask = async |program: &Program, request: Request| {
        // A new CRL of the clients may end a connection before it is used.
        for _ in 0..5 {
            if let Ok(answer) = client::tls(program.mutual_tls, &root, Some(identity()), request.clone()).await {
                return answer;
            }
        }
        panic!("no answer");
    };
    let program = Program::start(&settings);
    let mut ids = Vec::new();
    for number in 0..4 {
        let request = Request::json("/v1/sign", &order_at("B-LTA", "detached"))
            .header("Idempotency-Key", &format!("key-{number}"));
        let answer = ask(&program, request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push(field(&answer, "id"));
    }
    drop(program);
    for pause in [100, 700, 1300, 400, 1900] {
        let program = Program::start(&settings);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        reissue(&directory);
        drop(program);
    }
    let program = Program::start(&settings);
    let started = Instant::now();
    for id in &ids {
        let record = format!("/v1/documents/{id}");
        while ask(&program, Request::get(&record)).await.json()["levelReached"] != "B-LTA" {
            assert!(started.elapsed() < Duration::from_secs(90), "it is not raised");
            tokio::time::sleep(Duration::from_millis(200)).await;
            if started.elapsed() > Duration::from_secs(5) {
                reissue(&directory);
            }
        }
    }
    drop(program);
    let versions = versions(directory.path());
    for id in &ids {
        let levels: Vec<_> = versions.iter().filter(|(of, ..)| of == id).map(|(_, level, _)| level.as_str()).collect();
        assert_eq!(levels, ["B-B", "B-T", "B-LT", "B-LTA"]);
    }
    // And each is good.
    let service = over(&directory, &[&tsa]).await;
    for (_, _, signature) in versions.iter().filter(|(_, level, _)| level == "B-LTA") {
        let judged = service.verify(&json!({"document": base64(CONTENT), "signature": base64(signature)})).await;
        assert_eq!(judged.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{judged:?}");
    }
    service.running.shutdown().await;
}

/// An authority of the PKI in a directory, of its own key, whose certificate ends after so many days.
fn lasting(directory: &TempDir, days: i64) -> Reply {
    let pki = directory.path().join("pki");
    let now = clock::now();
    let publication = Publication::new("http://127.0.0.1:8080").expect("a URL");
    let profile = profile::of(Member::Tsa, now, &publication).expect("a profile");
    let profile = Profile { not_after: now.plus_seconds(days * 86_400), ..profile };
    let key = PrivateKey::generate(Algorithm::default()).expect("a key");
    let issuer = Issuer::load(&pki, Authority::Ca).expect("a CA");
    let issued = issue(&issuer, &profile, &key.public_key().expect("a key")).expect("issued");
    let decoded = |der: &[u8]| Certificate::decode(der).expect("a certificate");
    let ca = decoded(&pki::file::read_certificate(&Member::Ca.certificate_path(&pki)).expect("a file").der);
    let certificate = decoded(&issued.to_der().expect("encoded"));
    let authority = TimeStampingAuthority::new(key, &certificate, &[&ca]);
    Reply::Made(Arc::new(move |query| authority.answer(query, clock::now()).expect("an answer")))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_time_stamp_is_followed_by_another_before_its_authority_ends() {
    let directory = laid();
    // Of less than the 90 days of the settings.
    let tsa = Responder::start(lasting(&directory, 60));
    let service = over(&directory, &[&tsa]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = field(&service.ordered("key-1", &order_at("B-LTA", "detached"), None).await, "id");
    service.until(&id, "B-T").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    reissue(&directory);
    service.until(&id, "B-LTA").await;
    // The same authority would add nothing: one attempt, and nothing is stored.
    let started = Instant::now();
    while !service.figures().await.contains("antin_level_failures_total{code=\"renewal-gains-nothing\"}") {
        assert!(started.elapsed() < Duration::from_secs(30), "it is not tried");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let asked = tsa.asked();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(tsa.asked(), asked, "not before tomorrow");
    assert_eq!(service.backlog().await["waiting"], 1);
    service.running.shutdown().await;
    assert_eq!(versions(directory.path()).len(), 4);

    let held = rusqlite::Connection::open(directory.path().join("registry.db")).expect("a file");
    assert_eq!(held.execute("UPDATE raising SET due_at = 0", []).expect("as if tomorrow"), 1);
    drop(held);
    tsa.tell(lasting(&directory, 600));
    let service = over(&directory, &[&tsa]).await;
    let started = Instant::now();
    while service.backlog().await["waiting"] != 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "it is not renewed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // And it stays so: the new one has time.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let renewed = versions(directory.path());
    assert_eq!((renewed.len(), tsa.asked()), (5, asked + 1));
    let judged = service.verify(&json!({"document": base64(CONTENT), "signature": base64(&renewed[4].2)})).await;
    assert_eq!(judged.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{judged:?}");
    let judged = judged.json();
    let stamps = judged["signatures"][0]["timestamps"].as_array().expect("a list");
    assert_eq!(stamps.iter().map(|stamp| &stamp["code"]).collect::<Vec<_>>(), [&json!("passed"); 3]);
    service.running.shutdown().await;
}
