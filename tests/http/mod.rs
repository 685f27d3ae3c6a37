//! The service as its callers meet it: real listeners on free ports, a development PKI, an SQLite registry.

mod adding;
mod audit;
mod bad_input;
mod batches;
mod blind_signing;
pub mod client;
mod collecting;
mod csc_oracles;
mod deltas;
mod described;
mod extend;
mod faults;
mod floods;
mod forms;
mod further_signatures;
mod hostile;
mod idempotency;
mod identity;
mod issuance_log;
mod kinds;
mod levels;
mod long_levels;
mod lookup;
mod lookup_faults;
mod lookup_papers;
mod mutated;
mod nodes;
mod ocsp_marks;
mod operation;
mod pades;
mod page;
mod page_docs;
mod page_in_browser;
mod page_troubles;
mod panics;
mod permissions;
mod readiness;
mod receipts;
mod reload;
mod remote_signing;
mod remote_timestamps;
mod required_log;
mod required_status;
mod rollover;
mod settings;
mod shares;
mod siva;
mod standing;
mod status_list_sources;
mod status_lists;
mod story;
mod streamed;
mod tokens;
mod unseen_keys;
mod witness;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use antin::{
    cli::{dev, serve},
    clock,
    config::Config,
    http::Running,
    pki::{self, InitOptions, Member},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use client::{Answer, Identity, Request};

/// A running service and where its things lie.
struct Service {
    directory: Arc<TempDir>,
    running: Running,
}

impl Service {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings that differ from those of `antin dev`.
    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        Self::over(directory, change).await
    }

    /// Over what an earlier service left.
    async fn over(directory: Arc<TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let free: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let mut config = dev::settings(directory.path(), free, free);
        config.public.base_url = "http://127.0.0.1:8080".to_owned();
        config.log.requests = false;
        change(&mut config);
        let running = serve::start(config, Some(directory.path().join("pki"))).await.expect("a service");
        Self { directory, running }
    }

    fn pki(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    fn identity(&self, member: Member) -> Identity {
        let pki = self.pki();
        Identity::read(&member.certificate_path(&pki), &member.key_path(&pki))
    }

    fn mutual_tls(&self) -> SocketAddr {
        self.running.mutual_tls.expect("a mutual-TLS listener")
    }

    /// To the public listener.
    async fn public(&self, request: Request) -> Answer {
        client::plain(self.running.public, request).await
    }

    /// To the mutual-TLS listener, as a member of the PKI.
    async fn as_member(&self, member: Member, request: Request) -> Answer {
        let root = Member::Root.certificate_path(&self.pki());
        let answer = client::tls(self.mutual_tls(), &root, Some(self.identity(member)), request).await;
        answer.expect("an answer")
    }

    async fn verify(&self, question: &Value) -> Answer {
        self.public(Request::json("/v1/verify", question)).await
    }

    async fn sign(&self, key: &str, order: &Value) -> Answer {
        let request = Request::json("/v1/sign", order).header("Idempotency-Key", key);
        self.as_member(Member::IssuingSystem, request).await
    }

    /// The signature and the id of a health book.
    async fn issue(&self, key: &str, packaging: &str) -> (Vec<u8>, String) {
        let answer = self.sign(key, &order(packaging)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        let signature = STANDARD.decode(body["signature"].as_str().expect("a signature")).expect("base64");
        (signature, body["id"].as_str().expect("an id").to_owned())
    }
}

/// Options of `openssl genpkey`.
const P256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// The smallest health book.
const CONTENT: &[u8] = include_bytes!("../../testvectors/documents/health-book-small.json");

fn order(packaging: &str) -> Value {
    json!({
        "kind": "health-book", "document": base64(CONTENT), "mediaType": "application/fhir+json",
        "format": "cades", "packaging": packaging, "level": "B-B", "metadata": {"batch": 7}
    })
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
