//! Durable signing over mutual TLS, and verifying in batches (`docs/performance.md`): documents a second on all cores, with the load
//! generator beside the service, as shares of the raw rate of P-256 operations on the same cores in the same run.
//!
//! The service is a process of its own (`antin serve`); the clients run in this one. Everything is bounded in time, and what is started ends
//! with the run. Words behind `--` choose the stores whose names have them: `cargo bench --bench issuing -- log`.

mod client;
#[path = "../../tests/kit/postgres.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod postgres;
mod service;

use std::{
    error::Error,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use antin::{
    core::{algorithm::DigestAlgorithm, algorithm::SignatureAlgorithm, crypto::PublicKey, evidence_file},
    signing::key::{PrivateKey as _, RsaPadding, SoftwareKey},
};

use client::Clients;
use service::{Service, Store};

type Failure = Box<dyn Error + Send + Sync>;

/// Keep-alive connections of the issuing system.
const CLIENTS: usize = 64;
const WARMING: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
const TURNS: usize = 10;
const COST: &str = "cost of the issuance log";

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(measure()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench issuing: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<(), Failure> {
    let cores = thread::available_parallelism()?.get();
    let raw = raw_rate(cores)?;
    println!("{cores} cores; raw P-256 sign and verify, all cores: {raw:.0} pairs a second");
    println!(
        "{CLIENTS} keep-alive clients over mutual TLS 1.3, B-B, detached, a referral of 1.4 KB held against its schema"
    );
    let postgres = postgres::PostgresServer::start(&["max_connections=100"]);
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let stores = [
        ("SQLite alone", Store::Sqlite { audit: false, log: false }),
        ("SQLite, with the issuance log", Store::Sqlite { audit: false, log: true }),
        ("SQLite, with the audit log", Store::Sqlite { audit: true, log: false }),
        ("PostgreSQL on the same cores", Store::Postgres(postgres.database())),
    ];
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    for (name, store) in stores.into_iter().filter(|(name, _)| is_wanted(name)) {
        let service = Service::start(&store)?;
        let clients = Clients::open(&service, CLIENTS).await?;
        clients.sign_for(WARMING, None).await?;
        let full = clients.sign_for(MEASURED, None).await?;
        let rate = full.rate();
        let half = clients.sign_for(MEASURED, Some(rate / 2.0)).await?;
        println!(
            "durable signing, {name}: {rate:.0} documents a second, {:.2} of raw; at half of that p50 {:.1} ms, p99 {:.1} ms",
            rate / raw,
            half.percentile(0.50),
            half.percentile(0.99)
        );
        if let Store::Sqlite { audit: false, log: false } = store {
            let rate = clients.verify_batches(MEASURED).await?;
            println!("batch verify: {rate:.0} documents a second");
        }
    }
    if is_wanted(COST) {
        println!("{COST}: {:.1} %", log_cost().await? * 100.0);
    }
    Ok(())
}

/// By how much less is signed with the issuance log: two services take turns, so that what else goes on on the machine meets both.
async fn log_cost() -> Result<f64, Failure> {
    let [without, with] = [false, true].map(|log| Service::start(&Store::Sqlite { audit: false, log }));
    let services = [without?, with?];
    let clients = [Clients::open(&services[0], CLIENTS).await?, Clients::open(&services[1], CLIENTS).await?];
    let mut signed = [0.0; 2];
    for turn in 0..=TURNS {
        for (signed, clients) in signed.iter_mut().zip(&clients) {
            let rate = clients.sign_for(WARMING, None).await?.rate();
            // The first turn warms up.
            *signed += if turn == 0 { 0.0 } else { rate };
        }
    }
    Ok(1.0 - signed[1] / signed[0])
}

/// Pairs of one signature and one verification a second, by as many threads as there are cores.
fn raw_rate(cores: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let pki = folder.path().join("pki");
    antin::pki::init(&pki, &antin::pki::InitOptions::default(), antin::clock::now())?;
    let certificate = evidence_file::certificates(&std::fs::read(pki.join("signers/health.crt"))?)
        .map_err(|_| "the signer's certificate cannot be read")?
        .remove(0);
    let key = SoftwareKey::from_pem(&std::fs::read(pki.join("signers/health.key"))?, RsaPadding::Pss, &certificate)?;
    let public = PublicKey::decode(certificate.subject_public_key_info()).map_err(|_| "no public key")?;
    let (key, public) = (Arc::new(key), Arc::new(public));
    let (stop, pairs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let (key, public, stop, pairs) =
                (Arc::clone(&key), Arc::clone(&public), Arc::clone(&stop), Arc::clone(&pairs));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let signature = key.sign(DigestAlgorithm::Sha256, b"octets").ok();
                    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
                    let verified = signature.map(|signature| public.verify(algorithm, b"octets", &signature));
                    assert!(matches!(verified, Some(Ok(_))), "a signature that does not verify");
                    pairs.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    thread::sleep(Duration::from_secs(2));
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a thread that measured ended early")?;
    }
    Ok(pairs.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
}
