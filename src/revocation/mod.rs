//! Fresh revocation data: CRLs from the authorities' sources, shared through Redis, as an immutable snapshot in the process.
//!
//! ```text
//! sources (file, HTTP) --\
//!                         admission: decoded, verified, not older than the marks --> marks (file) --> snapshot --> verdicts
//! Redis ------------------/                                                                              \--> Redis
//! ```
//!
//! - [`candidate`]: bytes to a verified list; [`marks`]: nothing comes back; `kept`: nothing is forgotten; `durable`: files that
//!   are replaced as a whole; `admission`: the one way in; [`snapshot`]: what readers see; `refresh`, `schedule` and `turn`:
//!   asking the sources; [`configured`]: what they are to bring; `redis`: the shared memory.
//! - [`collect`]: what one validation wanted (`links`: issuers' certificates; `responder`: OCSP; `answers`:
//!   no OCSP answer goes back, nor after a restart (`kept_answers`); `allowance`: how much strangers may have asked;
//!   `discovered`: CRLs that certificates name, admitted and refreshed like those of sources; `outcome`: what asking gave).
//! - [`status_lists`]: status lists of others, shared and kept likewise.
//!
//! Whatever fails here, a verdict can become undetermined and never wrong: the core verifies each list again with the key of
//! the certificate's own issuer and asks for its freshness.

mod admission;
mod allowance;
mod answers;
pub mod candidate;
pub mod collect;
pub mod configured;
mod discovered;
mod durable;
mod kept;
mod kept_answers;
mod links;
pub mod marks;
mod outcome;
mod redis;
mod refresh;
pub mod reset;
mod responder;
mod schedule;
pub mod snapshot;
pub mod status_lists;
mod turn;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use der::pem;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, timeout_at};

use self::admission::{Admission, Origin};
pub use self::candidate::{CrlScope, Refusal};
use self::collect::Collector;
use self::configured::ConfiguredLists;
use self::kept::KeptLists;
use self::marks::{Marks, MarksError};
use self::redis::{Locks, RedisStore};
pub use self::refresh::SourceError;
use self::refresh::{Place, Refresher, Source};
use self::schedule::Schedule;
pub use self::snapshot::{CrlFreshness, SharedEvidence};
use self::turn::Turn;
use crate::clock;
use crate::config::revocation::{CrlSource, RevocationSettings, RevocationSettingsError};
use crate::core::memory::Memory;
use crate::core::x509::{Certificate, TrustStore};
use crate::net::breaker::BreakerLimits;
use crate::net::shared::SharedFetcher;
use crate::net::{AllowedHost, FetchLimits, Fetcher, FetcherError};

/// How often the trust store and the disk are looked at, and the ages told.
const ROUND: Duration = Duration::from_secs(1);

/// Why the cache cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] RevocationSettingsError),
    #[error(transparent)]
    Marks(#[from] MarksError),
    #[error(transparent)]
    Fetcher(#[from] FetcherError),
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} holds no certificate in PEM or DER", .0.display())]
    IssuerFile(PathBuf),
    #[error("revocation.redis cannot be used: check the URL and the TLS authorities")]
    RedisUrl,
    #[error("status-list-source.url-prefix {0:?} is no URL that may be asked")]
    StatusListUrl(String),
}

/// A file that gave no list that counts.
#[derive(Debug)]
pub struct FileFailure {
    pub path: PathBuf,
    pub error: SourceError,
}

/// The running cache; it stops when it is shut down or dropped.
pub struct RevocationCache {
    admission: Arc<Admission>,
    refresher: Arc<Refresher>,
    collector: Arc<Collector>,
    sources: Vec<Source>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl RevocationCache {
    /// Reads the marks, asks Redis and every source once, and goes on in the background. Waits for the first answers at most
    /// the start timeout; what is missing then comes later, and until then its certificates are undetermined.
    ///
    /// `trust` may be exchanged at any time. `memory` is the one verdicts are reached with: a list that was verified here need
    /// not be verified again there. Needs a Tokio runtime.
    pub async fn start(
        settings: &RevocationSettings,
        trust: Arc<ArcSwap<TrustStore>>,
        memory: Arc<Memory>,
    ) -> Result<Self, StartError> {
        settings.check()?;
        let sources = settings.sources.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        let fetcher = Arc::new(fetcher(settings)?);
        let marks = Marks::open(&settings.marks_file)?;
        let kept = KeptLists::beside(&settings.marks_file, settings.maximum_bytes);
        // Before anything is answered.
        let admission = Arc::new(Admission::new(marks, kept, trust, memory));
        let maximum_bytes = settings.maximum_bytes;
        let store = settings.redis.as_ref();
        let store = store.map(|redis| RedisStore::new(redis, maximum_bytes, Arc::clone(&admission))).transpose()?;
        let refresher =
            Arc::new(Refresher { admission: Arc::clone(&admission), fetcher: Arc::clone(&fetcher), maximum_bytes });
        let stop = watch::Sender::new(false);
        let trust_changed = watch::Sender::new(());
        let mut tasks = Vec::new();
        let mut firsts = Vec::new();
        let shared = settings.redis.as_ref().zip(store.as_ref());
        let mut locks = shared.map(|(redis, store)| Locks::new(redis, store.up())).transpose()?;
        let entrance = locks.as_ref().map(Locks::entrance);
        let collector = Arc::new(Collector::new(fetcher, Arc::clone(&admission), settings, entrance));
        for source in &sources {
            let (first, judged) = oneshot::channel();
            let turn = turn(settings, source, locks.as_mut());
            let schedule = Schedule::new(settings);
            let run = Arc::clone(&refresher).run(source.clone(), schedule, turn, trust_changed.subscribe(), first);
            tasks.push(spawn(run, &stop));
            firsts.push(judged);
        }
        if let Some(store) = store {
            let (first, read) = oneshot::channel();
            tasks.push(spawn(store.run(trust_changed.subscribe(), first), &stop));
            firsts.push(read);
        }
        if let Some(locks) = locks {
            tasks.push(tokio::spawn(locks.run(stop.subscribe())));
        }
        if collector.asks() {
            tasks.push(spawn(Arc::clone(&collector).keep(), &stop));
        }
        tasks.push(spawn(keep_house(Arc::clone(&admission), trust_changed), &stop));

        let deadline = Instant::now() + Duration::from_secs(settings.start_timeout_seconds);
        for first in firsts {
            // Late or not: the tasks go on.
            let _ = timeout_at(deadline, first).await;
        }
        Ok(Self { admission, refresher, collector, sources, stop, tasks })
    }

    /// The evidence of verdicts; load it anew for each.
    pub fn evidence(&self) -> SharedEvidence {
        Arc::clone(self.admission.evidence())
    }

    /// Knows what OCSP responders said, and asks for evidence that is missing.
    pub fn collector(&self) -> Arc<Collector> {
        Arc::clone(&self.collector)
    }

    /// How fresh each held list is.
    pub fn freshness(&self) -> Vec<CrlFreshness> {
        self.admission.freshness().to_vec()
    }

    /// What the sources of the settings are to bring.
    pub fn configured(&self) -> ConfiguredLists {
        ConfiguredLists::new(Arc::clone(&self.admission), &self.sources)
    }

    /// Reads every file source now, and returns those that gave no list that counts. Blocks for the disk and for signatures.
    pub fn reload_files_now(&self) -> Vec<FileFailure> {
        let mut failures = Vec::new();
        for source in &self.sources {
            if let Place::File(path) = &source.place
                && let Err(error) = self.refresher.read_file(path, source.origin)
            {
                failures.push(FileFailure { path: path.clone(), error });
            }
        }
        failures
    }

    /// Stops asking; the last evidence stays readable.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task ends at its next pause; one that panicked has ended.
            let _ = task.await;
        }
    }
}

/// With a shared memory one node asks a server for all; a file each node reads itself.
fn turn(settings: &RevocationSettings, source: &Source, locks: Option<&mut Locks>) -> Turn {
    match (&source.place, &settings.redis, locks) {
        (Place::Urls(urls), Some(redis), Some(locks)) => {
            let (turn, seat) = Turn::new(redis.follow_seconds, settings.ahead_seconds);
            locks.add(urls, source.label(), seat);
            turn
        }
        _ => Turn::own(),
    }
}

/// Runs until the cache stops.
fn spawn(work: impl Future<Output = ()> + Send + 'static, stop: &watch::Sender<bool>) -> JoinHandle<()> {
    let mut stop = stop.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            // Also when the sender is gone.
            _ = stop.wait_for(|stop| *stop) => {}
            () = work => {}
        }
    })
}

/// Follows the trust store, writes marks that could not be written, tells ages.
async fn keep_house(admission: Arc<Admission>, trust_changed: watch::Sender<()>) {
    let mut version = *admission.trust().version();
    loop {
        sleep(ROUND).await;
        let changed = version != *admission.trust().version();
        version = *admission.trust().version();
        let keeper = Arc::clone(&admission);
        let work = move || {
            if changed {
                keeper.follow_trust();
            }
            keeper.follow_marks();
            keeper.write_marks();
        };
        // It fails only while the process stops.
        let _ = spawn_blocking(work).await;
        if changed {
            trust_changed.send_replace(());
        }
        tell_ages(&admission);
    }
}

fn tell_ages(admission: &Admission) {
    let now = clock::now();
    for list in admission.freshness().iter() {
        let labels = [("issuer", hex::encode(&list.scope.issuer_key[..8])), ("partition", list.scope.partition())];
        metrics::gauge!("antin_revocation_crl_age_seconds", &labels).set(now.seconds_since(list.this_update) as f64);
        let left = list.next_update.map_or(f64::NEG_INFINITY, |end| end.seconds_since(now) as f64);
        metrics::gauge!("antin_revocation_crl_seconds_to_next_update", &labels).set(left);
    }
}

fn source(settings: &CrlSource) -> Result<Source, StartError> {
    let issuer = match &settings.issuer_file {
        Some(path) => Some(issuer_fingerprint(path)?),
        None => settings.fingerprint(),
    };
    let place = settings.file.clone().map_or_else(|| Place::Urls(settings.urls.clone()), Place::File);
    Ok(Source { place, origin: Origin::Source(issuer) })
}

fn issuer_fingerprint(path: &PathBuf) -> Result<[u8; 32], StartError> {
    let bytes = fs::read(path).map_err(|source| StartError::File { path: path.clone(), source })?;
    let der = match bytes.first() {
        Some(0x30) => Some(bytes),
        _ => pem::decode_vec(&bytes).ok().filter(|(label, _)| *label == "CERTIFICATE").map(|(_, der)| der),
    };
    let certificate = der.and_then(|der| Certificate::decode(&der).ok());
    certificate.map(|certificate| *certificate.fingerprint()).ok_or_else(|| StartError::IssuerFile(path.clone()))
}

fn fetcher(settings: &RevocationSettings) -> Result<SharedFetcher, StartError> {
    let allowed = settings.allowed_hosts.iter().map(|entry| AllowedHost {
        host: entry.host.clone(),
        port: entry.port,
        allow_private: entry.allow_private,
    });
    let (limits, breaker) = net_limits(settings);
    let authorities = tls_authorities(settings)?;
    Ok(SharedFetcher::new(Fetcher::new(allowed.collect(), limits, authorities.as_deref())?, breaker))
}

fn net_limits(settings: &RevocationSettings) -> (FetchLimits, BreakerLimits) {
    let limits = FetchLimits {
        maximum_bytes: settings.maximum_bytes,
        connect: Duration::from_secs(settings.connect_timeout_seconds),
        total: Duration::from_secs(settings.timeout_seconds),
    };
    let rest = Duration::from_secs(settings.breaker_rest_seconds);
    (limits, BreakerLimits { failures: settings.breaker_failures, rest })
}

fn tls_authorities(settings: &RevocationSettings) -> Result<Option<Vec<u8>>, StartError> {
    let read = |path: &PathBuf| fs::read(path).map_err(|source| StartError::File { path: path.clone(), source });
    settings.tls_authorities.as_ref().map(read).transpose()
}

/// A file beside the marks of CRLs.
fn beside_marks(marks_file: &std::path::Path, ending: &str) -> PathBuf {
    durable::beside(marks_file, ending)
}
