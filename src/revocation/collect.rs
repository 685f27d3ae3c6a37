//! Collecting the evidence that a validation wanted, from where the certificates say that it is, if the operator allows the host.
//!
//! Certificates and OCSP responses go to the request that wanted them; certificates that lead to an anchor and CRLs, admitted like
//! those of sources, into the evidence of the process, so that the next request wants nothing. What two requests want is fetched
//! once, what failed is not asked for again at once, and nobody waits longer than until the deadline: what comes later serves
//! the next request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use super::admission::{Admission, Origin};
use super::allowance::Allowance;
use super::answers::Answers;
use super::candidate::{CrlScope, Refusal};
use super::discovered::Discovered;
use super::links;
use super::outcome::{Kept, Outcome, Outcomes};
use super::redis::Entrance;
use super::responder;
use crate::clock;
use crate::config::revocation::RevocationSettings;
use crate::core::evidence_file;
use crate::core::time::Time;
use crate::core::validation::Wanted;
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::OcspResponse;
use crate::net::FetchRequest;
use crate::net::flights::Flights;
use crate::net::shared::SharedFetcher;

/// Requests that wait for evidence at one time; another gets its answer without.
const WAITING: usize = 64;
/// Octets of the longest file of certificates taken.
const CERTIFICATES_LIMIT: usize = 256 * 1024;
/// Certificates of one file that are looked at.
const CERTIFICATES: usize = 32;
/// When to come again where that is not known: a fetch is still under way, or too much is.
const SOON: Duration = Duration::from_secs(5);
/// How often it is looked which lists are due.
const ROUND: Duration = Duration::from_secs(1);

/// What was had for one request, beside what went into the evidence of the process.
#[derive(Debug)]
pub struct Collected {
    pub certificates: Vec<Arc<Certificate>>,
    pub ocsp_responses: Vec<Arc<OcspResponse>>,
    /// Fingerprints of certificates whose issuer's certificate could not be had, though an allowed host should have it.
    pub issuers_unavailable: Vec<[u8; 32]>,
    /// When asking again makes sense, if something could not be had.
    pub retry_at: Option<Time>,
    /// The evidence of the last judgement is at least as new.
    judged: Instant,
}

impl Collected {
    pub fn has(&self, response: &OcspResponse) -> bool {
        self.ocsp_responses.iter().any(|known| known.fingerprint() == response.fingerprint())
    }
}

impl Default for Collected {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            ocsp_responses: Vec::new(),
            issuers_unavailable: Vec::new(),
            retry_at: None,
            judged: Instant::now(),
        }
    }
}

pub struct Collector {
    /// A host is allowed and questions may wait.
    asks: bool,
    fetcher: Arc<SharedFetcher>,
    admission: Arc<Admission>,
    maximum_bytes: usize,
    patience: Duration,
    waiting: Semaphore,
    flights: Arc<Flights<Kept>>,
    outcomes: Outcomes,
    answers: Arc<Answers>,
    /// How long an OCSP response is kept at most.
    refresh: Duration,
    discovered: Discovered,
    /// For certificates that nobody vouches for.
    unvouched: Allowance,
}

/// One thing to be asked for at one URL.
#[derive(Clone, Debug)]
enum Ask {
    Certificates,
    List,
    /// A list that was found before.
    Refresh,
    Response {
        certificate: Arc<Certificate>,
        issuer: Arc<Certificate>,
    },
}

/// What asking gave to one request.
#[derive(Default)]
struct Gain {
    certificates: Vec<Arc<Certificate>>,
    response: Option<Arc<OcspResponse>>,
    list: bool,
    /// The first moment at which one of the places may have more.
    again: Option<Instant>,
}

impl Gain {
    const fn is_some(&self) -> bool {
        !self.certificates.is_empty() || self.response.is_some() || self.list
    }

    fn nothing_until(again: Instant) -> Self {
        Self { again: Some(again), ..Self::default() }
    }

    /// This, or if it is nothing the other.
    fn or(self, other: Self) -> Self {
        if self.is_some() || other.is_some() {
            return if self.is_some() { self } else { other };
        }
        Self { again: [self.again, other.again].into_iter().flatten().min(), ..Self::default() }
    }
}

impl Collector {
    /// Reads the OCSP answers that are kept; blocks for the disk and for their signatures.
    pub(super) fn new(
        fetcher: Arc<SharedFetcher>,
        admission: Arc<Admission>,
        settings: &RevocationSettings,
        entrance: Option<Entrance>,
    ) -> Self {
        Self {
            asks: settings.collect_seconds > 0 && !settings.allowed_hosts.is_empty(),
            fetcher,
            admission,
            maximum_bytes: settings.maximum_bytes,
            patience: Duration::from_secs(settings.collect_seconds),
            waiting: Semaphore::new(WAITING),
            flights: Flights::new(),
            outcomes: Outcomes::new(Duration::from_secs(settings.backoff_seconds)),
            answers: Arc::new(Answers::beside(&settings.marks_file, clock::now())),
            refresh: Duration::from_secs(settings.refresh_seconds),
            discovered: Discovered::new(settings, entrance),
            unvouched: Allowance::new(Instant::now().into_std()),
        }
    }

    /// Whether anything is ever asked for.
    pub const fn asks(&self) -> bool {
        self.asks
    }

    /// How long one request may wait in all.
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// Asks for what is wanted until the deadline: whether judging again can give another answer. `client` is the name of the
    /// caller, if it is known. Needs a Tokio runtime.
    pub async fn collect(
        self: &Arc<Self>,
        wanted: &[Wanted],
        collected: &mut Collected,
        client: Option<&str>,
        deadline: Instant,
    ) -> bool {
        let judged = std::mem::replace(&mut collected.judged, Instant::now());
        // CRL and OCSP about one certificate are two ways to the same.
        let mut groups: HashMap<[u8; 32], Vec<&Wanted>> = HashMap::new();
        for wanted in wanted.iter().filter(|wanted| wanted.uris().iter().any(|uri| self.fetcher.may_ask(uri))) {
            groups.entry(*wanted.certificate().fingerprint()).or_default().push(wanted);
        }
        if groups.is_empty() {
            return false;
        }
        let permit = self.waiting.try_acquire();
        let asked = groups.values().map(|group| async {
            match permit {
                Ok(_) => self.group(group, collected, client, judged, deadline).await,
                Err(_) => Gain::nothing_until(Instant::now() + SOON),
            }
        });
        let gains = join_all(asked).await;

        let (had_unavailable, had_retry) = (collected.issuers_unavailable.len(), collected.retry_at.is_some());
        (collected.issuers_unavailable, collected.retry_at) = (Vec::new(), None);
        let mut gained = false;
        for (group, gain) in groups.values().zip(gains) {
            let is_issuer = group.iter().any(|wanted| matches!(wanted, Wanted::IssuerCertificate { .. }));
            let kind = if is_issuer { "issuer" } else { "status" };
            let outcome = if gain.is_some() { "had" } else { "missing" };
            metrics::counter!("antin_evidence_wanted_total", "wanted" => kind, "outcome" => outcome).increment(1);
            if gain.is_some() {
                gained = true;
                collected.ocsp_responses.extend(gain.response);
                for certificate in gain.certificates {
                    if !collected.certificates.contains(&certificate) {
                        collected.certificates.push(certificate);
                    }
                }
                continue;
            }
            if is_issuer {
                collected.issuers_unavailable.push(*group[0].certificate().fingerprint());
            }
            let wait = gain.again.map_or(SOON, |again| again.saturating_duration_since(Instant::now()));
            let retry_at = clock::now().plus_seconds(wait.as_secs_f64().ceil() as i64);
            collected.retry_at = collected.retry_at.max(Some(retry_at));
        }
        if !collected.certificates.is_empty() && gained {
            let (admission, certificates) = (Arc::clone(&self.admission), collected.certificates.clone());
            // It fails only while the process stops.
            let _ = spawn_blocking(move || admission.offer_links(&certificates)).await;
        }
        gained || collected.issuers_unavailable.len() != had_unavailable || collected.retry_at.is_some() != had_retry
    }

    /// The first that one of several ways gives.
    async fn group(
        self: &Arc<Self>,
        group: &[&Wanted],
        collected: &Collected,
        client: Option<&str>,
        judged: Instant,
        deadline: Instant,
    ) -> Gain {
        let mut ways: FuturesUnordered<_> =
            group.iter().map(|wanted| self.way(wanted, collected, client, judged)).collect();
        let mut gain = Gain::default();
        loop {
            match timeout_at(deadline, ways.next()).await {
                Ok(Some(found)) => gain = gain.or(found),
                Ok(None) => return gain,
                Err(_) => return gain.or(Gain::nothing_until(Instant::now() + SOON)),
            }
            if gain.is_some() {
                return gain;
            }
        }
    }

    /// Its places one after the other, until one gives something.
    async fn way(
        self: &Arc<Self>,
        wanted: &Wanted,
        collected: &Collected,
        client: Option<&str>,
        judged: Instant,
    ) -> Gain {
        let ask = match wanted {
            Wanted::IssuerCertificate { .. } => Ask::Certificates,
            Wanted::Crl { .. } => Ask::List,
            Wanted::Ocsp { certificate, issuer, .. } => {
                Ask::Response { certificate: Arc::clone(certificate), issuer: Arc::clone(issuer) }
            }
        };
        if let Ask::Response { certificate, issuer } = &ask
            && let Some(response) = self.revoking(certificate, issuer).filter(|response| !collected.has(response))
        {
            return Gain { response: Some(response), ..Gain::default() };
        }
        let mut gain = Gain::default();
        for url in wanted.uris().iter().filter(|url| self.fetcher.may_ask(url)) {
            let key = ask.key(url);
            let mut kept = self.outcomes.get(&key, Instant::now().into_std());
            let useful = |kept: &Kept| use_of(kept, wanted, collected, judged);
            let is_old = |kept: &Kept| Instant::now().into_std() >= kept.again();
            if kept.as_ref().is_none_or(|kept| !useful(kept).is_some() && is_old(kept)) {
                let is_admitted = !matches!(ask, Ask::Certificates) || self.admit_unvouched(url, &key, client);
                kept = if is_admitted { self.fetch(&ask, url, key).await } else { None };
            }
            let found = kept.map_or_else(|| Gain::nothing_until(Instant::now() + SOON), |kept| useful(&kept));
            gain = gain.or(found);
            if gain.is_some() {
                break;
            }
        }
        gain
    }

    async fn fetch(self: &Arc<Self>, ask: &Ask, url: &str, key: String) -> Option<Kept> {
        let (this, ask, url, flight) = (Arc::clone(self), ask.clone(), url.to_owned(), key.clone());
        let work = async move {
            let (outcome, lifetime) = this.ask(&ask, &url).await;
            this.outcomes.keep(&key, outcome, lifetime, Instant::now().into_std())
        };
        self.flights.join(&flight, work).await
    }

    /// What one place has, and how long that may be kept.
    async fn ask(&self, ask: &Ask, url: &str) -> (Outcome, Duration) {
        match ask {
            Ask::Certificates => {
                let fetched = self.fetcher.fetch(FetchRequest::get(url, CERTIFICATES_LIMIT).unvouched()).await;
                match fetched.map(|file| evidence_file::certificates(&file)) {
                    Ok(Ok(found)) => {
                        let found = found.into_iter().take(CERTIFICATES).map(Arc::new).collect();
                        (Outcome::Certificates(found), Duration::MAX)
                    }
                    Ok(Err(_)) => (Outcome::Nothing(None), Duration::ZERO),
                    Err(error) => (Outcome::Nothing(error.wait()), Duration::ZERO),
                }
            }
            Ask::List | Ask::Refresh => (self.list(url, matches!(ask, Ask::Refresh)).await, Duration::MAX),
            Ask::Response { certificate, issuer } => {
                let asked = responder::ask(&self.fetcher, url, certificate, issuer, &self.answers).await;
                (asked.0, asked.1.min(self.refresh))
            }
        }
    }

    /// Fetches a list and has it admitted; from then on it is kept fresh. One that was forgotten while it was refreshed stays so.
    async fn list(&self, url: &str, refresh: bool) -> Outcome {
        let octets = match self.fetcher.fetch(FetchRequest::get(url, self.maximum_bytes)).await {
            Ok(octets) => octets,
            Err(error) => {
                self.discovered.failed(url, Instant::now().into_std());
                return Outcome::Nothing(error.wait());
            }
        };
        let admission = Arc::clone(&self.admission);
        let offer = move || {
            let admitted = admission.offer_all(&octets, Origin::DistributionPoint)?;
            Ok((admitted, admission.deltas_named_by(admitted.scope)))
        };
        match spawn_blocking(offer).await {
            Ok(Ok((admitted, mut deltas))) => {
                let now = Instant::now().into_std();
                deltas.retain(|delta| self.fetcher.may_ask(delta));
                self.discovered.keep_deltas(&deltas, now);
                if let Some(scope) = self.discovered.found(url, &admitted, refresh, now) {
                    self.forget(vec![scope]).await;
                }
                Outcome::List
            }
            Ok(Err::<_, Refusal>(refusal)) => {
                tracing::warn!(
                    target: "antin::revocation", url, code = refusal.code(), cause = %refusal,
                    "a distribution point gives no CRL that counts"
                );
                self.discovered.failed(url, Instant::now().into_std());
                Outcome::Nothing(None)
            }
            Err(_) => Outcome::Nothing(None),
        }
    }

    /// Not where requests are served: it may have to wait for the disk.
    async fn forget(&self, scopes: Vec<CrlScope>) {
        if scopes.is_empty() {
            return;
        }
        let admission = Arc::clone(&self.admission);
        // It fails only while the process stops.
        let _ = spawn_blocking(move || scopes.into_iter().for_each(|scope| admission.forget(scope))).await;
    }

    /// What is under way already costs nothing.
    fn admit_unvouched(&self, url: &str, key: &str, client: Option<&str>) -> bool {
        let spend = |host| self.unvouched.spend(client, host, Instant::now().into_std());
        self.flights.is_running(key) || self.fetcher.host(url).is_some_and(spend)
    }

    /// An OCSP response that came before and revokes the certificate, or puts it on hold.
    pub fn revoking(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Arc<OcspResponse>> {
        self.answers.revoking(certificate, issuer)
    }

    /// A verdict rests on these certificates, each of a valid path: their lists stay, and stay fresh.
    pub fn used<'a>(&self, certificates: impl Iterator<Item = &'a Certificate>) {
        let sourced = self.admission.sourced();
        let is_kept = |certificate: &Certificate, url: &str| {
            sourced.contains(certificate.issuer.comparable()) || !self.fetcher.may_ask(url)
        };
        self.discovered.used(certificates, is_kept, Instant::now().into_std());
    }

    /// Keeps the lists that were found fresh, and forgets those that nobody uses.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            sleep(ROUND).await;
            let now = Instant::now().into_std();
            self.forget(self.discovered.forget(now)).await;
            for url in self.discovered.due(now) {
                let this = Arc::clone(&self);
                tokio::spawn(async move { this.fetch(&Ask::Refresh, &url, Ask::Refresh.key(&url)).await });
            }
            metrics::gauge!("antin_revocation_discovered_lists").set(self.discovered.len() as f64);
        }
    }
}

impl Ask {
    fn key(&self, url: &str) -> String {
        match self {
            Self::Certificates => format!("certificates {url}"),
            Self::List => format!("list {url}"),
            Self::Refresh => format!("refresh {url}"),
            Self::Response { certificate, issuer } => {
                format!("response {url} {} {}", certificate.fingerprint_text(), issuer.fingerprint_text())
            }
        }
    }
}

/// What something that was fetched, for this request or another, gives to this one.
fn use_of(kept: &Kept, wanted: &Wanted, collected: &Collected, judged: Instant) -> Gain {
    let mut gain = Gain { again: Some(kept.again().into()), ..Gain::default() };
    match &kept.outcome {
        Outcome::Certificates(found) => {
            gain.certificates = links::issuers_of(wanted.certificate(), found);
            if gain.certificates.iter().all(|certificate| collected.certificates.contains(certificate)) {
                gain.certificates.clear();
            }
        }
        Outcome::List => gain.list = kept.at >= judged.into_std(),
        Outcome::Response(response) => {
            gain.response = (!collected.has(response)).then(|| Arc::clone(response));
        }
        Outcome::Nothing(_) => {}
    }
    gain
}
