//! What happens to every request, whatever its address: an id, a time limit, one line in the log, figures.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use metrics::{Counter, Histogram};
use tower::Service;

use super::{
    audited::{Auditable, Trail},
    auth::Caller,
    batch::Streamed,
    problem::{Problem, ProblemCode},
};
use crate::audit::AuditLog;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a path that are logged.
const LOGGED_PATH: usize = 96;

/// Until when a request is waited for. What is still arriving may put it off.
#[derive(Clone)]
pub struct Deadline(Arc<Mutex<tokio::time::Instant>>);

impl Deadline {
    fn after(time: Duration) -> Self {
        Self(Arc::new(Mutex::new(tokio::time::Instant::now() + time)))
    }

    fn time(&self) -> tokio::time::Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn no_sooner_than(&self, time: tokio::time::Instant) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *until = time.max(*until);
    }

    /// Drives `work` until then; `None`: the time is over.
    async fn hold<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let until = self.time();
            match tokio::time::timeout_at(until, work.as_mut()).await {
                Ok(done) => return Some(done),
                Err(_) if self.time() > until => {}
                Err(_) => return None,
            }
        }
    }
}

/// One listener's way in.
pub struct Door {
    pub name: &'static str,
    pub router: Router,
    pub deadline: Duration,
    pub log_requests: bool,
    /// `None`: decisions are not written down.
    audit: Option<Arc<AuditLog>>,
    ids: RequestIds,
    figures: Figures,
}

/// The figures of one listener, looked up once.
struct Figures {
    /// By hundreds of the status code: 2xx, 4xx, 5xx, other.
    requests: [Counter; 4],
    seconds: Histogram,
}

impl Figures {
    fn new(listener: &'static str) -> Self {
        let requests = ["2xx", "4xx", "5xx", "other"]
            .map(|class| metrics::counter!("antin_http_requests_total", "listener" => listener, "status" => class));
        Self { requests, seconds: metrics::histogram!("antin_http_request_seconds", "listener" => listener) }
    }

    fn count(&self, status: StatusCode, elapsed: Duration) {
        let [success, refused, failed, other] = &self.requests;
        let class = match status.as_u16() {
            200..=299 => success,
            400..=499 => refused,
            500..=599 => failed,
            _ => other,
        };
        class.increment(1);
        self.seconds.record(elapsed.as_secs_f64());
    }
}

/// Request ids: 64 random bits of this door, and a number.
struct RequestIds {
    prefix: u64,
    next: AtomicU64,
}

/// Of these requests one makes several decisions, each written down by itself.
fn has_trail(path: &str) -> bool {
    path.ends_with("/batch") || path.ends_with("/signHash") || path == "/check"
}

impl Door {
    pub fn new(
        name: &'static str,
        router: Router,
        deadline: Duration,
        log_requests: bool,
        audit: Option<Arc<AuditLog>>,
    ) -> Self {
        let mut prefix = [0; 8];
        // Without randomness ids repeat after a restart, which harms nothing but the reading of logs.
        let _ = openssl::rand::rand_bytes(&mut prefix);
        let ids = RequestIds { prefix: u64::from_be_bytes(prefix), next: AtomicU64::new(0) };
        Self { name, router, deadline, log_requests, audit, ids, figures: Figures::new(name) }
    }

    /// Answers one request, whatever happens inside.
    pub async fn respond(&self, mut request: Request<Body>, caller: Caller) -> Response {
        let started = Instant::now();
        let id = format!("{:016x}{:08x}", self.ids.prefix, self.ids.next.fetch_add(1, Ordering::Relaxed));
        let logged = self.log_requests && tracing::enabled!(target: "antin::http", tracing::Level::INFO);
        let asked = self.audit.as_deref().and_then(|audit| {
            let asked = Auditable::of(request.method(), request.uri().path())?;
            Some((audit, asked, caller.clone()))
        });
        let described = logged.then(|| (request.method().clone(), request.uri().clone(), caller.clone()));
        if has_trail(request.uri().path()) {
            let trail = Trail { request: id.clone(), listener: self.name, audit: self.audit.clone() };
            request.extensions_mut().insert(trail);
        }
        let deadline = Deadline::after(self.deadline);
        request.extensions_mut().insert(deadline.clone());
        request.extensions_mut().insert(caller);
        let mut router = self.router.clone();
        let work = AssertUnwindSafe(async move { Service::call(&mut router, request).await }).catch_unwind();
        let mut response = match deadline.hold(work).await {
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(never))) => match never {},
            Some(Err(_)) => {
                tracing::error!(request_id = %id, "a request ended in a panic");
                Problem::internal().into_response()
            }
            None => Problem::deadline(self.deadline.as_secs()).into_response(),
        };
        // The lines of a batch are written down each by itself.
        let asked = asked.filter(|_| response.extensions().get::<Streamed>().is_none());
        if let Some((audit, asked, caller)) = asked {
            let decided = asked.decided((&id, self.name, caller.name()), &response);
            if let Err(problem) = decided.record(audit).await {
                response = problem.into_response();
            }
        }
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID.clone(), value);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        let elapsed = started.elapsed();
        self.figures.count(response.status(), elapsed);
        if let Some((method, uri, caller)) = described {
            let code = response.extensions().get::<ProblemCode>().map_or("", |code| &code.0);
            tracing::info!(
                target: "antin::http",
                request_id = %id,
                listener = self.name,
                client = caller.name(),
                method = %method,
                path = loggable(uri.path()),
                status = response.status().as_u16(),
                code,
                microseconds = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
                "request"
            );
        }
        response
    }
}

/// Paths name things of this service only: the letters of its routes. Anything else is somebody's attempt, and is not repeated.
fn loggable(path: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte);
    if path.len() <= LOGGED_PATH && path.bytes().all(plain) { path } else { "?" }
}
