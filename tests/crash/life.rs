//! One life of the service: it runs in a copy of this program until it is killed, at a step of signing or at any moment.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use antin::{
    cli::{dev, serve},
    config::PostgresSettings,
    core::{
        algorithm::{DigestAlgorithm, SignatureAlgorithm},
        cms::document_reference::DocumentReference,
        lookup::LookupDigest,
        time::Time,
        x509::Certificate,
    },
    http,
    registry::{
        Again, Answer, Append, Backlog, Begun, DocumentId, DocumentStatus, Due, Intent, IssuanceQueue, Issued,
        IssuedDocument, Lead, Listed, LogHead, Loggable, Newest, Raised, Registry, Sha256, StatusChange, StatusPlace,
        Unlogged,
    },
    signing::{CadesRequest, IssuingKey, SigningError, seal::SealImage},
};

use crate::kit::postgres;

/// Where the service's folder is.
pub const FOLDER: &str = "ANTIN_TEST_CRASH_FOLDER";
/// Of a registry on PostgreSQL.
pub const DATABASE: &str = "ANTIN_TEST_CRASH_DATABASE";
/// The step, and how often it may be passed: `complete-after 7`.
pub const STEP: &str = "ANTIN_TEST_CRASH_STEP";
/// Seconds of a lease on PostgreSQL.
pub const LEASE: u64 = 2;

/// The steps of signing, and of giving positions in the issuance log, at which a life can end, in their order.
pub const STEPS: [&str; 8] = [
    "begin-before",
    "begin-after",
    "key-before",
    "key-after",
    "complete-before",
    "complete-after",
    "append-before",
    "append-after",
];

/// Not a test of its own: what a copy of this program does when a test started it.
#[test]
fn life() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let free: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let mut config = dev::settings(Path::new(&folder), free, free);
        config.log.requests = false;
        if let Ok(url) = std::env::var(DATABASE) {
            config.registry.postgres = Some(PostgresSettings { lease_seconds: LEASE, ..postgres::settings(&url) });
        }
        let mut parts = serve::load(config, Some(PathBuf::from(&folder).join("pki"))).await.expect("parts");
        let death = Arc::new(Death::from_environment());
        parts.registry = Arc::new(MortalRegistry { inner: parts.registry, death: Arc::clone(&death) });
        let mortal = |inner| Arc::new(MortalKey { inner, death: Arc::clone(&death) }) as Arc<dyn IssuingKey>;
        parts.keys = parts.keys.into_iter().map(mortal).collect();
        let running = http::boot(parts).await.expect("a service");
        say(&format!("ready {}", running.mutual_tls.expect("a mutual-TLS listener")));
        tokio::time::sleep(Duration::from_secs(120)).await;
    });
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("\n> {line}\n").as_bytes()).expect("someone reads");
}

/// What kills this process, once.
struct Death {
    step: String,
    /// How often the step may still be passed.
    left: AtomicI64,
}

impl Death {
    fn from_environment() -> Self {
        let wanted = std::env::var(STEP).unwrap_or_default();
        let (step, count) = wanted.split_once(' ').unwrap_or_default();
        Self { step: step.to_owned(), left: AtomicI64::new(count.parse().unwrap_or(i64::MAX)) }
    }

    /// SIGKILL: nothing is closed, flushed or told.
    fn at(&self, step: &str) {
        if step != self.step || self.left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return;
        }
        let own = std::process::id().to_string();
        Command::new("kill").args(["-KILL", &own]).status().expect("kill");
        loop {
            std::thread::park();
        }
    }
}

struct MortalKey {
    inner: Arc<dyn IssuingKey>,
    death: Arc<Death>,
}

impl MortalKey {
    fn around<T>(&self, request: &CadesRequest<'_>, work: impl FnOnce() -> T) -> T {
        self.death.at("key-before");
        if let Some(document) = request.document {
            say(&format!("key {}", document.id()));
        }
        let made = work();
        self.death.at("key-after");
        made
    }
}

impl IssuingKey for MortalKey {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn certificate(&self) -> &Arc<Certificate> {
        self.inner.certificate()
    }

    fn digest_algorithm(&self) -> DigestAlgorithm {
        self.inner.digest_algorithm()
    }

    fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.inner.signature_algorithm()
    }

    fn sign_cades(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError> {
        self.around(request, || self.inner.sign_cades(request))
    }

    fn sign_in_pdf(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError> {
        self.around(request, || self.inner.sign_in_pdf(request))
    }

    fn seal_image(&self) -> Option<&Arc<SealImage>> {
        self.inner.seal_image()
    }

    fn room(&self, document: Option<&DocumentReference>) -> usize {
        self.inner.room(document)
    }
}

struct MortalRegistry {
    inner: Arc<dyn Registry>,
    death: Arc<Death>,
}

impl Registry for MortalRegistry {
    fn begin(&self, intent: Intent) -> Answer<'_, Begun> {
        Box::pin(async move {
            self.death.at("begin-before");
            let (id, key) = (intent.document_id, intent.idempotency_key.clone());
            let begun = self.inner.begin(intent).await?;
            if begun == Begun::Fresh {
                say(&format!("begun {id} {key}"));
                self.death.at("begin-after");
            }
            Ok(begun)
        })
    }

    fn complete(&self, document_id: DocumentId, issued: Issued) -> Answer<'_, ()> {
        Box::pin(async move {
            self.death.at("complete-before");
            let done = self.inner.complete(document_id, issued).await;
            self.death.at("complete-after");
            done
        })
    }

    fn abandon(&self, document_id: DocumentId) -> Answer<'_, ()> {
        self.inner.abandon(document_id)
    }

    fn mark_unknown(&self, document_id: DocumentId) -> Answer<'_, ()> {
        self.inner.mark_unknown(document_id)
    }

    fn recover(&self) -> Answer<'_, Vec<Intent>> {
        self.inner.recover()
    }

    fn leave(&self) -> Answer<'_, ()> {
        self.inner.leave()
    }

    fn document(&self, document_id: DocumentId) -> Answer<'_, Option<IssuedDocument>> {
        self.inner.document(document_id)
    }

    fn newest(&self, document_id: DocumentId) -> Answer<'_, Option<Newest>> {
        self.inner.newest(document_id)
    }

    fn due(&self, now: Time, most: usize) -> Answer<'_, Vec<Due>> {
        self.inner.due(now, most)
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        self.inner.backlog()
    }

    fn raise(&self, document_id: DocumentId, raised: Raised) -> Answer<'_, ()> {
        self.inner.raise(document_id, raised)
    }

    fn renew(&self, before: Time, now: Time) -> Answer<'_, ()> {
        self.inner.renew(before, now)
    }

    fn put_off(&self, document_id: DocumentId, again: Again) -> Answer<'_, ()> {
        self.inner.put_off(document_id, again)
    }

    fn status(&self, document_id: DocumentId) -> Answer<'_, Option<DocumentStatus>> {
        self.inner.status(document_id)
    }

    fn set_status(&self, document_id: DocumentId, change: StatusChange) -> Answer<'_, DocumentStatus> {
        self.inner.set_status(document_id, change)
    }

    fn lease_status_places(&self) -> Answer<'_, u32> {
        self.inner.lease_status_places()
    }

    fn status_blocks(&self) -> Answer<'_, u32> {
        self.inner.status_blocks()
    }

    fn listed(&self, since: Option<Time>, after: Option<StatusPlace>, most: usize) -> Answer<'_, Vec<Listed>> {
        self.inner.listed(since, after, most)
    }

    fn look_up(&self, digests: Vec<LookupDigest>) -> Answer<'_, Vec<DocumentId>> {
        self.inner.look_up(digests)
    }

    fn find_by_digest(&self, document_digest: Sha256) -> Answer<'_, Vec<DocumentId>> {
        self.inner.find_by_digest(document_digest)
    }

    fn issuance_queue(&self) -> &dyn IssuanceQueue {
        self
    }
}

impl IssuanceQueue for MortalRegistry {
    fn log_head(&self) -> Answer<'_, LogHead> {
        self.inner.issuance_queue().log_head()
    }

    fn confirmed_head(&self) -> Answer<'_, LogHead> {
        self.inner.issuance_queue().confirmed_head()
    }

    fn lead(&self, lease: Duration) -> Answer<'_, Option<Lead>> {
        self.inner.issuance_queue().lead(lease)
    }

    fn waiting(&self, most: usize) -> Answer<'_, Vec<Loggable>> {
        self.inner.issuance_queue().waiting(most)
    }

    fn append(&self, append: Append) -> Answer<'_, bool> {
        Box::pin(async move {
            self.death.at("append-before");
            let done = self.inner.issuance_queue().append(append).await;
            self.death.at("append-after");
            done
        })
    }

    fn sequenced(&self, from: u64, most: usize) -> Answer<'_, Vec<Loggable>> {
        self.inner.issuance_queue().sequenced(from, most)
    }

    fn loggable(&self, document_id: DocumentId) -> Answer<'_, Option<Loggable>> {
        self.inner.issuance_queue().loggable(document_id)
    }

    fn unlogged(&self, after: Option<DocumentId>, most: usize) -> Answer<'_, Unlogged> {
        self.inner.issuance_queue().unlogged(after, most)
    }

    fn enlist(&self, documents: Vec<(DocumentId, [u8; 32])>, now: Time) -> Answer<'_, ()> {
        self.inner.issuance_queue().enlist(documents, now)
    }
}
