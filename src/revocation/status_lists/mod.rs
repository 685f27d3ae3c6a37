//! Status lists of others, by which their documents are judged: signed tokens out of Redis or from where they are published, kept in
//! memory as long as they may be, and believed only when their signature was verified by a signer of the settings.
//!
//! A list older than one that was seen does not count, nor after a restart (`marks`): whoever owns Redis or the way to the
//! publisher can make an answer undetermined, not wrong, and keep a change back no longer than the last token counts.

mod marks;

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::marks::ListMarks;
use super::redis::TokenStore;
use super::{StartError, beside_marks, net_limits, tls_authorities};
use crate::config::StatusListSource;
use crate::config::revocation::RevocationSettings;
use crate::core::evidence_file;
use crate::core::status_list::token::LONGEST_TOKEN;
use crate::core::status_list::{ListedState, StatusListReference, StatusListToken, TokenFault, UnverifiedToken};
use crate::core::time::Time;
use crate::core::x509::Certificate;
use crate::net::shared::SharedFetcher;
use crate::net::{AllowedHost, FetchRequest, Fetcher};

/// Lists in memory, each of at most 4 MiB and usually 256 KiB; beyond, that which was got first is let go.
const MOST_HELD: usize = 256;
/// How long a list that could not be had is not asked for again.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a list without `ttl` may be kept.
const DEFAULT_TIME_TO_LIVE: u64 = 60;
/// The longest that any list is kept before it is asked for again.
const LONGEST_TIME_TO_LIVE: u64 = 3600;

/// Whose lists count.
struct Source {
    prefix: String,
    signers: Vec<Arc<Certificate>>,
}

/// A verified list, and since when it is known to be the newest.
struct Held {
    token: StatusListToken,
    since: Instant,
}

impl Held {
    fn is_fresh(&self) -> bool {
        let time_to_live = self.token.time_to_live.unwrap_or(DEFAULT_TIME_TO_LIVE).min(LONGEST_TIME_TO_LIVE);
        self.since.elapsed() < Duration::from_secs(time_to_live)
    }
}

/// Why a token that was offered does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Token(TokenFault),
    /// It was issued before one that was seen.
    WentBack,
}

impl Refusal {
    const fn code(self) -> &'static str {
        match self {
            Self::Token(fault) => fault.code(),
            Self::WentBack => "went-back",
        }
    }
}

/// No step of the path leads out of the prefix: what is asked for is what the settings allow.
fn is_below(uri: &str, prefix: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet);
    let below = uri.strip_prefix(prefix).unwrap_or_default();
    below.bytes().all(is_plain) && !below.split('/').any(|step| ["", ".", ".."].contains(&step))
}

/// The lists of the sources in the settings.
pub struct StatusLists {
    sources: Vec<Source>,
    held: Mutex<HashMap<String, Arc<Held>>>,
    /// Lists that could not be had, and when.
    missed: Mutex<HashMap<String, Instant>>,
    marks: Arc<Mutex<ListMarks>>,
    fetcher: Arc<SharedFetcher>,
    shared: Option<Arc<TokenStore>>,
}

impl StatusLists {
    /// Reads the signers' certificates and the marks, which lie beside those of CRLs. Limits of fetching are those of CRLs.
    pub fn new(sources: &[StatusListSource], settings: &RevocationSettings) -> Result<Self, StartError> {
        let mut own = Vec::new();
        let mut allowed = Vec::new();
        for source in sources {
            let host = AllowedHost::of_url(&source.url_prefix, source.allow_private);
            allowed.push(host.ok_or_else(|| StartError::StatusListUrl(source.url_prefix.clone()))?);
            let mut signers = Vec::new();
            for path in &source.signers {
                let file = fs::read(path).map_err(|source| StartError::File { path: path.clone(), source })?;
                let read = evidence_file::certificates(&file).ok().filter(|read| !read.is_empty());
                signers.extend(read.ok_or_else(|| StartError::IssuerFile(path.clone()))?.into_iter().map(Arc::new));
            }
            own.push(Source { prefix: source.url_prefix.clone(), signers });
        }
        let (limits, breaker) = net_limits(settings);
        let fetcher = Fetcher::new(allowed, limits, tls_authorities(settings)?.as_deref())?;
        let marks = if sources.is_empty() {
            ListMarks::none()
        } else {
            ListMarks::open(&beside_marks(&settings.marks_file, ".status-lists"))?
        };
        let shared = settings.redis.as_ref().map(TokenStore::new).transpose()?.map(Arc::new);
        Ok(Self {
            sources: own,
            held: Mutex::default(),
            missed: Mutex::default(),
            marks: Arc::new(Mutex::new(marks)),
            fetcher: Arc::new(SharedFetcher::new(fetcher, breaker)),
            shared,
        })
    }

    /// A source of the settings publishes lists there: without its list a document that names one is not relied on.
    pub fn covers(&self, reference: &str) -> bool {
        self.source(reference).is_some()
    }

    fn source(&self, uri: &str) -> Option<&Source> {
        self.sources.iter().find(|source| uri.starts_with(&source.prefix))
    }

    /// What the newest list at hand says, and as of when; `None`: there is none that counts, or it says nothing about this place.
    pub async fn status(&self, reference: StatusListReference<'_>, now: Time) -> Option<(ListedState, Time)> {
        let source = self.source(reference.uri).filter(|source| is_below(reference.uri, &source.prefix))?;
        let counting = |held: Arc<Held>| (held.token.expires_at > now).then_some(held);
        let held = self.held(reference.uri).and_then(counting);
        let held = match held {
            Some(held) if held.is_fresh() => Some(held),
            older => {
                self.renew(source, reference.uri, now).await;
                self.held(reference.uri).and_then(counting).or(older)
            }
        }?;
        let status = held.token.list.get(usize::try_from(reference.index).ok()?)?;
        Some((ListedState::of(status)?, held.token.issued_at))
    }

    /// Tells the other nodes of a list signed here, if they share a Redis.
    pub fn publish(&self, uri: &str, token: bytes::Bytes, expires_at: Time) {
        if let Some(shared) = &self.shared {
            let (shared, uri) = (Arc::clone(shared), uri.to_owned());
            tokio::spawn(async move { shared.put(&uri, &token, expires_at).await });
        }
    }

    fn held(&self, uri: &str) -> Option<Arc<Held>> {
        lock(&self.held).get(uri).cloned()
    }

    /// Takes a newer list out of Redis, or asks where it is published.
    async fn renew(&self, source: &Source, uri: &str, now: Time) {
        if lock(&self.missed).get(uri).is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        if let Some(shared) = &self.shared
            && let Some(octets) = shared.get(uri, LONGEST_TOKEN).await
            && self.offer(source, uri, octets, now, true).await
            && self.held(uri).is_some_and(|held| held.is_fresh())
        {
            return;
        }
        match self.fetcher.fetch(FetchRequest::get(uri, LONGEST_TOKEN)).await {
            Ok(octets) if self.offer(source, uri, octets.to_vec(), now, false).await => {
                lock(&self.missed).remove(uri);
            }
            outcome => {
                if let Err(cause) = outcome {
                    tracing::warn!(target: "antin::revocation", uri, code = cause.code(), %cause, "a status list cannot be had");
                }
                let mut missed = lock(&self.missed);
                missed.retain(|_, at| at.elapsed() < PAUSE);
                missed.insert(uri.to_owned(), Instant::now());
            }
        }
    }

    /// Takes a token that counts and is no older than what is known; whether it does.
    async fn offer(&self, source: &Source, uri: &str, octets: Vec<u8>, now: Time, shared: bool) -> bool {
        let (signers, marks, wanted) = (source.signers.clone(), Arc::clone(&self.marks), uri.to_owned());
        let judged = spawn_blocking(move || judge(&octets, &signers, &marks, &wanted, now)).await;
        // It fails only while the process stops.
        let Ok(judged) = judged else { return false };
        let token = match judged {
            Ok(token) => token,
            Err(refusal) => {
                let origin = if shared { "redis" } else { "publisher" };
                metrics::counter!("antin_status_list_tokens_refused_total", "origin" => origin, "reason" => refusal.code())
                    .increment(1);
                tracing::warn!(target: "antin::revocation", uri, origin, code = refusal.code(), "a status list does not count");
                return false;
            }
        };
        // Who publishes says that it is the newest now; Redis may have kept it since it was issued.
        let age = if shared { u64::try_from(now.seconds_since(token.issued_at)).unwrap_or(0) } else { 0 };
        let since = Instant::now().checked_sub(Duration::from_secs(age)).unwrap_or_else(Instant::now);
        let mut held = lock(&self.held);
        let newer = held.get(uri).is_none_or(|held| held.token.issued_at <= token.issued_at);
        if newer {
            if held.len() >= MOST_HELD
                && !held.contains_key(uri)
                && let Some(first) = held.iter().min_by_key(|(_, held)| held.since).map(|(uri, _)| uri.clone())
            {
                held.remove(&first);
            }
            held.insert(uri.to_owned(), Arc::new(Held { token, since }));
        }
        newer
    }
}

/// Blocks for the disk and for a signature.
fn judge(
    octets: &[u8],
    signers: &[Arc<Certificate>],
    marks: &Mutex<ListMarks>,
    uri: &str,
    now: Time,
) -> Result<StatusListToken, Refusal> {
    let token = UnverifiedToken::decode(octets).map_err(Refusal::Token)?;
    if token.subject() != uri {
        return Err(Refusal::Token(TokenFault::Subject));
    }
    let token = token.verify(signers, now).map_err(Refusal::Token)?;
    if lock(marks).raise(uri, token.issued_at) { Ok(token) } else { Err(Refusal::WentBack) }
}

/// What a thread that panicked held is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn no_step_leads_out_of_the_prefix() {
        let prefix = "https://so.example/status-lists/";
        for below in ["0", "17", "2026/11", "a-b_c.d~e", "list.cwt"] {
            assert!(is_below(&format!("{prefix}{below}"), prefix), "{below}");
        }
        let out = ["", "../x", "a/../../x", "./x", "%2e%2e/x", "a//b", "a/", "..", "a?b", "a\\b", "a@b", "a b", "a#b"];
        for below in out {
            assert!(!is_below(&format!("{prefix}{below}"), prefix), "{below}");
        }
        assert!(!is_below("https://other.example/status-lists/0", prefix));
    }
}
