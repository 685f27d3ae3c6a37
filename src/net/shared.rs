//! The one door to the outside for everything in the process that fetches: a URL is asked for once for all who want it, a host by
//! a few at a time, and one that does not answer is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

use super::breaker::{Breaker, BreakerLimits, Change};
use super::flights::Flights;
use super::{FetchError, FetchRequest, Fetcher};

/// Requests to one host at one time.
const AT_ONCE: usize = 8;
/// Beside them, requests to one host for URLs that nobody vouches for.
const UNVOUCHED_AT_ONCE: usize = 2;

/// How long a URL that nobody vouches for waits while its host is left alone.
const UNVOUCHED_WAIT: Duration = Duration::from_secs(5);

/// The body of an answer, or why there is none, for all who asked.
pub type Fetched = Result<Arc<[u8]>, Arc<FetchError>>;

pub struct SharedFetcher {
    fetcher: Fetcher,
    flights: Arc<Flights<Fetched>>,
    /// Those that are allowed, and no others.
    hosts: HashMap<(String, u16), Host>,
}

struct Host {
    breaker: Mutex<Breaker>,
    permits: Semaphore,
    unvouched_permits: Semaphore,
}

impl SharedFetcher {
    pub fn new(fetcher: Fetcher, limits: BreakerLimits) -> Self {
        let host = || Host {
            breaker: Mutex::new(Breaker::new(limits)),
            permits: Semaphore::new(AT_ONCE),
            unvouched_permits: Semaphore::new(UNVOUCHED_AT_ONCE),
        };
        let hosts = fetcher.allowed().map(|allowed| ((allowed.host.clone(), allowed.port), host())).collect();
        Self { fetcher, flights: Flights::new(), hosts }
    }

    /// The URL is of a form and of a host that may be asked; its addresses are checked when it is.
    pub fn may_ask(&self, url: &str) -> bool {
        self.fetcher.target(url).is_ok()
    }

    /// Host and port of a URL that may be asked.
    pub fn host(&self, url: &str) -> Option<(String, u16)> {
        self.fetcher.target(url).ok().map(|target| (target.host, target.port))
    }

    /// The body of a 200 answer, at most the request's octets, from a request that was under way or from a new one.
    pub async fn fetch(self: &Arc<Self>, request: FetchRequest) -> Fetched {
        let key = request.identity();
        let this = Arc::clone(self);
        let work = async move { this.alone(&request).await.map(Arc::from).map_err(Arc::new) };
        self.flights.join(&key, work).await.unwrap_or_else(|| Err(Arc::new(FetchError::Busy)))
    }

    async fn alone(&self, request: &FetchRequest) -> Result<Vec<u8>, FetchError> {
        let target = self.fetcher.target(&request.url)?;
        let Some(host) = self.hosts.get(&(target.host.clone(), target.port)) else {
            return Err(FetchError::NotAllowed { host: target.host, port: target.port });
        };
        let permits = if request.vouched { &host.permits } else { &host.unvouched_permits };
        let limit = self.fetcher.limits.total;
        let Ok(Ok(_permit)) = timeout(limit, permits.acquire()).await else { return Err(FetchError::Busy) };
        host.admit(request.vouched).map_err(|wait| FetchError::Resting { host: target.host.clone(), wait })?;
        let outcome = self.fetcher.fetch(request).await;
        let answered = outcome.as_ref().err().is_none_or(FetchError::host_answers);
        // A stranger who knows a URL that hangs could else have the host left alone.
        let change = request.vouched.then(|| host.breaker().record(Instant::now(), answered)).flatten();
        tell(&format!("{}:{}", target.host, target.port), outcome.as_ref().err(), change);
        outcome
    }
}

impl Host {
    /// Whether it may be asked, or how long not; the trial that ends a rest is never left to a URL that nobody vouches for.
    fn admit(&self, vouched: bool) -> Result<(), Duration> {
        let mut breaker = self.breaker();
        match vouched {
            true => breaker.admit(Instant::now()),
            false if breaker.is_closed() => Ok(()),
            false => Err(UNVOUCHED_WAIT),
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // A breaker whose holder panicked holds one whole state.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FetchError {
    /// The host is there and says something, if not what was wanted: asking it for other things makes sense.
    const fn host_answers(&self) -> bool {
        match self {
            Self::Unresolved { .. } | Self::Connection(_) | Self::TimedOut | Self::Transfer(_) => false,
            Self::Status(status) => *status < 500 && *status != 429,
            Self::Url
            | Self::NotAllowed { .. }
            | Self::AddressRefused { .. }
            | Self::Redirect(_)
            | Self::TreeSize(_)
            | Self::Compressed
            | Self::TooLong(_)
            | Self::Resting { .. }
            | Self::Busy => true,
        }
    }

    /// How long asking again is useless, where that is known.
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Resting { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

fn tell(host: &str, error: Option<&FetchError>, change: Option<Change>) {
    let outcome = error.map_or("fetched", FetchError::code);
    metrics::counter!("antin_fetches_total", "host" => host.to_owned(), "outcome" => outcome).increment(1);
    let resting = |resting: f64| metrics::gauge!("antin_fetch_host_resting", "host" => host.to_owned()).set(resting);
    match (change, error) {
        (Some(Change::Opened), Some(cause)) => {
            resting(1.0);
            warn!(target: "antin::net", host, code = outcome, %cause, "the host does not answer and is left alone for a while");
        }
        (Some(Change::Closed), _) => {
            resting(0.0);
            info!(target: "antin::net", host, "the host answers again");
        }
        _ => {}
    }
}
