//! Asking the sources: one task for each, so that no source is asked twice at once and a slow one holds up no other.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::admission::{Admission, Admitted, Origin};
use super::candidate::Refusal;
use super::schedule::{Schedule, random};
use super::turn::Turn;
use crate::clock;
use crate::net::shared::SharedFetcher;
use crate::net::{FetchError, FetchRequest};

/// How often a file is looked at.
const WATCH: Duration = Duration::from_millis(500);

/// Where one authority publishes.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub place: Place,
    pub origin: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Urls(Vec<String>),
    File(PathBuf),
}

/// Why a source gave no list that counts.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Fetch(#[from] Arc<FetchError>),
    #[error("the file cannot be read: {0}")]
    File(io::ErrorKind),
    #[error("the file is no regular file")]
    NotAFile,
    #[error("the file is longer than {0} octets")]
    TooLong(usize),
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The process is stopping.
    #[error("stopped before the list was judged")]
    Stopped,
}

impl SourceError {
    /// The kind of failure, for metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.code(),
            Self::File(_) => "file",
            Self::NotAFile => "not-a-file",
            Self::TooLong(_) => "too-long",
            Self::Refused(refusal) => refusal.code(),
            Self::Stopped => "stopped",
        }
    }

    /// How long asking again is useless, where that is known.
    fn wait(&self) -> Option<Duration> {
        match self {
            Self::Fetch(error) => error.wait(),
            _ => None,
        }
    }
}

impl Source {
    /// The first URL or the path: what an operator knows the source by.
    pub fn label(&self) -> String {
        match &self.place {
            Place::Urls(urls) => urls.first().cloned().unwrap_or_default(),
            Place::File(path) => path.display().to_string(),
        }
    }
}

/// What the tasks share.
pub(super) struct Refresher {
    pub admission: Arc<Admission>,
    pub fetcher: Arc<SharedFetcher>,
    pub maximum_bytes: usize,
}

impl Refresher {
    /// Asks one source for as long as the process lives; tells when the first answer was judged.
    pub async fn run(
        self: Arc<Self>,
        source: Source,
        mut schedule: Schedule,
        mut turn: Turn,
        mut trust_changed: watch::Receiver<()>,
        first: oneshot::Sender<()>,
    ) {
        let mut first = Some(first);
        let mut report = Report { label: source.label(), failing: None };
        loop {
            let seen = match &source.place {
                Place::File(path) => identity(path).await,
                Place::Urls(_) => None,
            };
            let outcome = Arc::clone(&self).ask(&source).await;
            report.tell(&outcome);
            if let Some(first) = first.take() {
                // Nobody waits for it after the start.
                let _ = first.send(());
            }
            turn.asked(outcome.as_ref().ok().map(|admitted| admitted.next_update));
            let wait = match outcome {
                Ok(admitted) => schedule.after_success(admitted.next_update, clock::now(), random()),
                // A host that is left alone is asked as soon as it is not.
                Err(error) => error.wait().unwrap_or_else(|| schedule.after_failure(random())),
            };
            tokio::select! {
                () = turn.due(wait) => {}
                () = changed(&source.place, seen) => {}
                Ok(()) = trust_changed.changed() => {}
            }
        }
    }

    async fn ask(self: Arc<Self>, source: &Source) -> Result<Admitted, SourceError> {
        let urls = match &source.place {
            Place::File(path) => {
                let (path, origin) = (path.clone(), source.origin);
                return blocking(move || self.read_file(&path, origin)).await;
            }
            Place::Urls(urls) => urls,
        };
        let mut fault = None;
        for url in urls {
            let answer = match self.fetcher.fetch(FetchRequest::get(url, self.maximum_bytes)).await {
                Ok(bytes) => {
                    let (admission, origin) = (Arc::clone(&self.admission), source.origin);
                    blocking(move || Ok(admission.offer_all(&bytes, origin)?)).await
                }
                Err(error) => Err(error.into()),
            };
            match answer {
                Ok(admitted) => return Ok(admitted),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        Err(fault.unwrap_or(SourceError::Stopped))
    }

    /// Reads and offers one file; blocks.
    pub fn read_file(&self, path: &Path, origin: Origin) -> Result<Admitted, SourceError> {
        let failed = |error: io::Error| SourceError::File(error.kind());
        // Asked before it is opened: opening a pipe waits for its other end.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(SourceError::NotAFile);
        }
        let mut bytes = Vec::new();
        let limit = self.maximum_bytes;
        File::open(path).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
        if bytes.len() > limit {
            return Err(SourceError::TooLong(limit));
        }
        Ok(self.admission.offer_all(&bytes, origin)?)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    spawn_blocking(work).await.unwrap_or(Err(SourceError::Stopped))
}

/// Device, inode, length, and the times of the last change of content and of state, in nanoseconds.
type Identity = (u64, u64, u64, (i64, i64), (i64, i64));

async fn identity(path: &Path) -> Option<Identity> {
    let data = tokio::fs::metadata(path).await.ok()?;
    let times = ((data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec()));
    Some((data.dev(), data.ino(), data.len(), times.0, times.1))
}

/// Returns when the file is another than the one seen; never for URLs.
async fn changed(place: &Place, seen: Option<Identity>) {
    let Place::File(path) = place else { return std::future::pending().await };
    loop {
        sleep(WATCH).await;
        if identity(path).await != seen {
            return;
        }
    }
}

/// One line for each change of a source's state, metrics for each answer.
struct Report {
    label: String,
    failing: Option<(&'static str, Instant)>,
}

impl Report {
    fn tell(&mut self, outcome: &Result<Admitted, SourceError>) {
        let source = self.label.clone();
        match outcome {
            Ok(_) => {
                metrics::counter!("antin_revocation_refreshes_total", "source" => source).increment(1);
                if let Some((_, since)) = self.failing.take() {
                    let seconds = since.elapsed().as_secs();
                    info!(target: "antin::revocation", source = ?self.label, seconds, "the source answers again");
                }
            }
            Err(error) => {
                let code = error.code();
                metrics::counter!("antin_revocation_failures_total", "source" => source, "reason" => code).increment(1);
                let since = self.failing.map(|(_, since)| since);
                if self.failing.is_none_or(|(before, _)| before != code) {
                    warn!(
                        target: "antin::revocation", source = ?self.label, code, cause = %error,
                        "the source gives no CRL that counts; what is held serves until its nextUpdate"
                    );
                }
                self.failing = Some((code, since.unwrap_or_else(Instant::now)));
            }
        }
    }
}
