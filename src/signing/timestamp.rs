//! Asking time-stamping authorities (RFC 3161 §3.4): one after the other, within bounds, and believing no answer before it is
//! checked.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::clock;
use crate::config::{TimeStampAuthority, TimeStamping};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::timestamp_exchange::{QUERY_MEDIA_TYPE, TimeStampRequest};
use crate::core::validation::timestamp_answer::{self, AnswerFault, TimeStampAnswer};
use crate::core::{crypto, oid};
use crate::net::{AllowedHost, FetchError, FetchLimits, FetchRequest, Fetcher, FetcherError};

/// Octets of the longest answer taken: a token with its authority's chain has some 10 KiB.
const ANSWER_LIMIT: usize = 256 * 1024;
/// Octets of a nonce, drawn at random for each request: 126 bits.
const NONCE: usize = 16;
/// Between two rounds through the authorities.
const PAUSE: Duration = Duration::from_secs(1);

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TimeStampClientError {
    #[error("time-stamping.authorities: {0:?} is no http:// or https:// URL with a host")]
    Url(String),
    #[error("time-stamping.authorities: {0:?} is no policy: give dotted numbers, as in 1.3.6.1")]
    Policy(String),
    #[error("time-stamping.tls-authorities: cannot read {}", path.display())]
    TlsAuthorities { path: PathBuf, source: std::io::Error },
    #[error("time-stamping: {0}")]
    Fetcher(#[from] FetcherError),
}

/// Why there is no time-stamp.
#[derive(Debug, thiserror::Error)]
pub enum TimeStampError {
    /// Of each authority that was asked, the last fault.
    #[error("no time-stamping authority gave a time-stamp that counts: {}", .0.iter().map(Fault::text).collect::<Vec<_>>().join(", "))]
    NotGiven(Vec<Fault>),
    #[error("no random number could be had")]
    Random(#[source] openssl::error::ErrorStack),
}

/// What an authority did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Host and port.
    pub authority: String,
    /// As in figures and logs: of the transport, or of the answer.
    pub code: &'static str,
}

impl Fault {
    fn text(&self) -> String {
        format!("{}: {}", self.authority, self.code)
    }
}

impl TimeStampError {
    /// The last fault, for figures and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotGiven(faults) => faults.last().map_or("timed-out", |fault| fault.code),
            Self::Random(_) => "random",
        }
    }
}

/// What a time-stamp is to be over.
#[derive(Clone, Copy, Debug)]
pub struct Imprint<'a> {
    pub algorithm: DigestAlgorithm,
    pub digest: &'a [u8],
    /// Content octets of the INTEGER that the token is to repeat; `None`: one is drawn.
    pub nonce: Option<&'a [u8]>,
}

impl<'a> Imprint<'a> {
    pub const fn of_sha256(digest: &'a [u8; 32]) -> Self {
        Self { algorithm: DigestAlgorithm::Sha256, digest, nonce: None }
    }
}

/// Asks the authorities of the settings.
pub struct TimeStampClient {
    authorities: Vec<Authority>,
    total: Duration,
    attempts: u32,
}

struct Authority {
    /// Host and port.
    name: String,
    url: String,
    policy: Option<Vec<u8>>,
    /// Asks this host alone.
    fetcher: Fetcher,
}

/// Judges a token beyond its being the answer: whether its authority is trusted. Err: a code for figures and logs.
pub type Acceptance<'a> = &'a (dyn Fn(&TimeStampAnswer) -> Result<(), &'static str> + Send + Sync);

impl TimeStampClient {
    /// # Errors
    /// Of settings that did not come through [`crate::config::parse`], and of the file of TLS authorities.
    pub fn new(settings: &TimeStamping) -> Result<Self, TimeStampClientError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| TimeStampClientError::TlsAuthorities { path: path.clone(), source })
        };
        let tls_authorities = settings.tls_authorities.as_ref().map(read).transpose()?;
        let limits = FetchLimits {
            maximum_bytes: ANSWER_LIMIT,
            connect: Duration::from_secs(settings.connect_timeout_seconds),
            total: Duration::from_secs(settings.timeout_seconds),
        };
        let authority = |one: &TimeStampAuthority| Authority::new(one, limits, tls_authorities.as_deref());
        Ok(Self {
            authorities: settings.authorities.iter().map(authority).collect::<Result<_, _>>()?,
            total: Duration::from_secs(settings.total_seconds),
            attempts: settings.attempts,
        })
    }

    /// Can anybody be asked?
    pub const fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }

    /// A time-stamp over the SHA-256 of `octets`: the first that answers what was asked and that `accept` takes. Each authority is
    /// asked in its turn, at most so often and for so long as the settings say.
    pub async fn stamp(&self, octets: &[u8], accept: Acceptance<'_>) -> Result<TimeStampAnswer, TimeStampError> {
        self.stamp_imprint(&Imprint::of_sha256(&crypto::sha256(octets)), accept).await
    }

    /// As [`Self::stamp`], over octets that nobody here need have.
    pub async fn stamp_imprint(
        &self,
        imprint: &Imprint<'_>,
        accept: Acceptance<'_>,
    ) -> Result<TimeStampAnswer, TimeStampError> {
        let deadline = Instant::now() + self.total;
        let mut faults: Vec<Fault> = Vec::new();
        for round in 0..self.attempts {
            if round > 0 && timeout_at(deadline, sleep(PAUSE)).await.is_err() {
                break;
            }
            for authority in &self.authorities {
                let drawn = draw_nonce().map_err(TimeStampError::Random)?;
                let request = TimeStampRequest {
                    algorithm: imprint.algorithm,
                    digest: imprint.digest,
                    policy: authority.policy.as_deref(),
                    nonce: Some(imprint.nonce.unwrap_or(&drawn)),
                    wants_certificate: true,
                };
                let started = Instant::now();
                let asked = timeout_at(deadline, authority.ask(&request)).await;
                let answer = asked.unwrap_or(Err("timed-out")).and_then(|answer| accept(&answer).map(|()| answer));
                let outcome = answer.as_ref().err().copied().unwrap_or("stamped");
                tell(authority, outcome, started.elapsed());
                match answer {
                    Ok(answer) => return Ok(answer),
                    Err(code) => {
                        faults.retain(|fault| fault.authority != authority.name);
                        faults.push(Fault { authority: authority.name.clone(), code });
                    }
                }
                if Instant::now() >= deadline {
                    return Err(TimeStampError::NotGiven(faults));
                }
            }
        }
        Err(TimeStampError::NotGiven(faults))
    }
}

impl Authority {
    fn new(
        settings: &TimeStampAuthority,
        limits: FetchLimits,
        tls_authorities: Option<&[u8]>,
    ) -> Result<Self, TimeStampClientError> {
        let host = AllowedHost::of_url(&settings.url, settings.allow_private);
        let host = host.ok_or_else(|| TimeStampClientError::Url(settings.url.clone()))?;
        let policy = |text: &String| oid::parse(text).ok_or_else(|| TimeStampClientError::Policy(text.clone()));
        Ok(Self {
            name: format!("{}:{}", host.host, host.port),
            url: settings.url.clone(),
            policy: settings.policy.as_ref().map(policy).transpose()?,
            fetcher: Fetcher::new(vec![host], limits, tls_authorities)?,
        })
    }

    async fn ask(&self, request: &TimeStampRequest<'_>) -> Result<TimeStampAnswer, &'static str> {
        let asked = clock::now();
        let body = Some((QUERY_MEDIA_TYPE, request.encode()));
        let fetched = self.fetcher.fetch(&FetchRequest { body, ..FetchRequest::get(&self.url, ANSWER_LIMIT) }).await;
        let octets = fetched.map_err(|error: FetchError| error.code())?;
        let checked = timestamp_answer::check(&octets, request, asked, clock::now());
        checked.map_err(|fault: AnswerFault| fault.code())
    }
}

/// Content octets of a positive INTEGER of full length.
fn draw_nonce() -> Result<[u8; NONCE], openssl::error::ErrorStack> {
    let mut octets = [0; NONCE];
    openssl::rand::rand_bytes(&mut octets)?;
    octets[0] = (octets[0] & 0x3F) | 0x40;
    Ok(octets)
}

fn tell(authority: &Authority, outcome: &'static str, elapsed: Duration) {
    let name = || authority.name.clone();
    metrics::counter!("antin_timestamps_total", "authority" => name(), "outcome" => outcome).increment(1);
    metrics::histogram!("antin_timestamp_seconds", "authority" => name()).record(elapsed.as_secs_f64());
    if outcome != "stamped" {
        tracing::warn!(target: "antin::signing", authority = authority.name, code = outcome, "no time-stamp that counts");
    }
}
