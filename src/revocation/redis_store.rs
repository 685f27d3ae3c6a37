//! CRLs in Redis, shared by the nodes: fast memory that is never believed.
//!
//! Keys, each beginning with the configured prefix (`antin`) and a colon; `KEY` is the SHA-256 of the issuer's
//! SubjectPublicKeyInfo in hex, `PARTITION` is `complete` or the SHA-256 of the IssuingDistributionPoint in hex:
//!
//! ```text
//! antin:crl:KEY:PARTITION   the signed DER of the newest list; expires at nextUpdate and the grace
//! antin:partitions:KEY      the issuer's partitions other than `complete`, each followed by a line feed
//! antin:generation          a random token, another after each change: a node that sees a new one reads again
//! ```
//!
//! Commands: GETRANGE, SET, APPEND. Every read is bounded, whatever lies there; every list read is verified again and measured
//! against the marks. A node writes what it holds over what is missing, forged or older.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, TlsCertificates, cmd};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::StartError;
use super::admission::{Admission, Origin};
use super::candidate::{self, CrlScope, VerifiedCrl, key_digest};
use crate::clock;
use crate::config::revocation::RedisSettings;
use crate::core::crypto::sha256;

/// Longest time between two whole readings: notices may be lost or held back.
const WHOLE_READING: Duration = Duration::from_secs(30);
/// Longest whole reading.
const READING_LIMIT: Duration = Duration::from_secs(60);
/// Partitions read of one issuer.
const PARTITIONS: usize = 64;
const COMPLETE: &str = "complete";
/// A digest in hex and a line feed.
const PARTITION_LINE: usize = 65;
/// Octets of a token read.
const TOKEN: usize = 64;

/// Why Redis could not be used. Holds nothing that Redis sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreFault {
    TimedOut,
    /// Not reached, cut off, or no Redis.
    Connection,
    /// User or password refused.
    Authentication,
    /// A write was refused: read-only, full, or not allowed to the user.
    Write,
    Stopped,
}

impl StoreFault {
    const fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Connection => "connection",
            Self::Authentication => "authentication",
            Self::Write => "write",
            Self::Stopped => "stopped",
        }
    }

    fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Authentication,
            _ if error.is_timeout() => Self::TimedOut,
            _ => Self::Connection,
        }
    }
}

/// What one key holds.
enum Entry {
    /// Nothing, or a value of another type than a string.
    Unusable,
    Octets(Vec<u8>),
}

pub(super) struct RedisStore {
    client: Client,
    prefix: String,
    poll: Duration,
    command: Duration,
    grace: i64,
    maximum_bytes: usize,
    admission: Arc<Admission>,
    connection: Option<MultiplexedConnection>,
    /// The token at the last whole reading.
    generation: Vec<u8>,
    read_at: Option<Instant>,
    /// Digests of entries that were refused, so that each is told once.
    refused: BTreeMap<String, [u8; 32]>,
    failing: Option<(StoreFault, Instant)>,
}

impl RedisStore {
    pub fn new(settings: &RedisSettings, maximum_bytes: usize, admission: Arc<Admission>) -> Result<Self, StartError> {
        let url = settings.url.expose();
        let client = if url.starts_with("rediss:") {
            // The client takes the process's TLS provider; where one is chosen already, that one stays.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            let read =
                |path: &PathBuf| fs::read(path).map_err(|source| StartError::File { path: path.clone(), source });
            let root_cert = settings.tls_authorities.as_ref().map(read).transpose()?;
            Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert })
        } else {
            Client::open(url)
        };
        Ok(Self {
            client: client.map_err(|_| StartError::RedisUrl)?,
            prefix: settings.prefix.clone(),
            poll: Duration::from_secs(settings.poll_seconds),
            command: Duration::from_millis(settings.timeout_milliseconds),
            grace: i64::try_from(settings.grace_seconds).unwrap_or(i64::MAX),
            maximum_bytes,
            admission,
            connection: None,
            generation: Vec::new(),
            read_at: None,
            refused: BTreeMap::new(),
            failing: None,
        })
    }

    /// Follows Redis for as long as the process lives; tells when the first reading was tried.
    pub async fn run(mut self, mut trust_changed: watch::Receiver<()>, first: oneshot::Sender<()>) {
        let mut first = Some(first);
        let mut published = self.admission.published();
        loop {
            published.mark_unchanged();
            let outcome = timeout(READING_LIMIT, self.follow()).await.unwrap_or(Err(StoreFault::TimedOut));
            self.tell(outcome);
            if let Some(first) = first.take() {
                // Nobody waits for it after the start.
                let _ = first.send(());
            }
            if outcome.is_err() {
                self.connection = None;
                self.read_at = None;
                // A new snapshot is no reason to knock sooner at a closed door.
                sleep(self.poll).await;
                continue;
            }
            tokio::select! {
                () = sleep(self.poll) => {}
                Ok(()) = published.changed() => self.read_at = None,
                Ok(()) = trust_changed.changed() => self.read_at = None,
            }
        }
    }

    /// Reads everything if there is a new token, a new list of our own, or nothing was read for long.
    async fn follow(&mut self) -> Result<(), StoreFault> {
        let key = self.key("generation");
        let token = match self.entry(&key, TOKEN).await? {
            Entry::Octets(token) => token,
            Entry::Unusable => Vec::new(),
        };
        let recent = self.read_at.is_some_and(|at| at.elapsed() < WHOLE_READING);
        if recent && token == self.generation && !token.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let there = self.read_all().await?;
        let wrote = self.write_missing(&there).await?;
        self.generation = if wrote || token.is_empty() { self.announce().await? } else { token };
        self.read_at = Some(started);
        Ok(())
    }

    /// Offers every list that lies there; the keys under which one that counts was found.
    async fn read_all(&mut self) -> Result<BTreeSet<String>, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let held = blocking(move || admission.held()).await?;
        let trust = self.admission.trust();
        let keys: BTreeSet<[u8; 32]> = candidate::authorities(&trust).map(|issuer| key_digest(issuer)).collect();
        let mut there = BTreeSet::new();
        for issuer_key in keys {
            let mut partitions = self.partitions(issuer_key).await?;
            partitions.insert(COMPLETE.to_owned());
            let own = held.iter().map(VerifiedCrl::scope).filter(|scope| scope.issuer_key == issuer_key);
            partitions.extend(own.map(|scope| scope.partition()));
            for partition in partitions {
                let key = self.key(&format!("crl:{}:{partition}", hex::encode(issuer_key)));
                let Entry::Octets(octets) = self.entry(&key, self.maximum_bytes).await? else {
                    self.refused.remove(&key);
                    continue;
                };
                if self.counts(&key, octets, issuer_key, &partition).await? {
                    there.insert(key);
                }
            }
        }
        Ok(there)
    }

    /// Offers one entry; whether it is a list that counts, of the scope its key names.
    async fn counts(
        &mut self,
        key: &str,
        octets: Vec<u8>,
        issuer_key: [u8; 32],
        partition: &str,
    ) -> Result<bool, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let judge = move || (sha256(&octets), admission.offer(&octets, Origin::Redis));
        let (digest, judged) = blocking(judge).await?;
        match judged {
            Ok(admitted) => {
                self.refused.remove(key);
                Ok(admitted.scope.issuer_key == issuer_key && admitted.scope.partition() == partition)
            }
            Err(refusal) => {
                if self.refused.insert(key.to_owned(), digest) != Some(digest) {
                    warn!(
                        target: "antin::revocation", key, code = refusal.code(), cause = %refusal,
                        "an entry in Redis does not count"
                    );
                }
                Ok(false)
            }
        }
    }

    /// Writes the held lists that do not lie there; whether there were any.
    async fn write_missing(&mut self, there: &BTreeSet<String>) -> Result<bool, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let mut wrote = false;
        for list in blocking(move || admission.held()).await? {
            let CrlScope { issuer_key, .. } = list.scope();
            let (issuer, partition) = (hex::encode(issuer_key), list.scope().partition());
            let key = self.key(&format!("crl:{issuer}:{partition}"));
            if there.contains(&key) {
                continue;
            }
            let now = clock::now();
            let expiry = list.crl().next_update.unwrap_or(now).plus_seconds(self.grace);
            if expiry <= now {
                continue;
            }
            let set = cmd("SET").arg(&key).arg(list.crl().der()).arg("EXAT").arg(expiry.unix()).to_owned();
            self.write(set).await?;
            wrote = true;
            if partition != COMPLETE {
                self.enter_partition(issuer_key, &partition).await?;
            }
        }
        Ok(wrote)
    }

    /// The issuer's partitions that lie there, well-formed ones only.
    async fn partitions(&mut self, issuer_key: [u8; 32]) -> Result<BTreeSet<String>, StoreFault> {
        let key = self.key(&format!("partitions:{}", hex::encode(issuer_key)));
        let Entry::Octets(octets) = self.entry(&key, PARTITIONS * PARTITION_LINE).await? else {
            return Ok(BTreeSet::new());
        };
        let lines = octets.chunks_exact(PARTITION_LINE).filter_map(|line| std::str::from_utf8(line).ok());
        let digests = lines.filter_map(|line| line.strip_suffix('\n'));
        let is_digest = |text: &&str| text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        Ok(digests.filter(is_digest).map(str::to_owned).collect())
    }

    async fn enter_partition(&mut self, issuer_key: [u8; 32], partition: &str) -> Result<(), StoreFault> {
        let known = self.partitions(issuer_key).await?;
        let key = self.key(&format!("partitions:{}", hex::encode(issuer_key)));
        if known.contains(partition) {
            return Ok(());
        }
        let line = format!("{partition}\n");
        // What is not ours is replaced; else two nodes can add at once.
        let command = if known.is_empty() || known.len() == PARTITIONS { "SET" } else { "APPEND" };
        self.write(cmd(command).arg(key).arg(line).to_owned()).await
    }

    /// Sets a new token, so that the other nodes read.
    async fn announce(&mut self) -> Result<Vec<u8>, StoreFault> {
        let mut token = [0; 16];
        openssl::rand::rand_bytes(&mut token).map_err(|_| StoreFault::Stopped)?;
        let token = hex::encode(token);
        let key = self.key("generation");
        self.write(cmd("SET").arg(key).arg(&token).to_owned()).await?;
        Ok(token.into_bytes())
    }

    /// At most `limit` octets of a value; a longer one is cut, and so is no list.
    async fn entry(&mut self, key: &str, limit: usize) -> Result<Entry, StoreFault> {
        let command = cmd("GETRANGE").arg(key).arg(0).arg(limit - 1).to_owned();
        let connection = self.connection().await?;
        match command.query_async::<Vec<u8>>(connection).await {
            Ok(octets) if octets.is_empty() => Ok(Entry::Unusable),
            Ok(octets) => Ok(Entry::Octets(octets)),
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Entry::Unusable),
            Err(error) => Err(StoreFault::of(&error)),
        }
    }

    async fn write(&mut self, command: Cmd) -> Result<(), StoreFault> {
        let connection = self.connection().await?;
        let answer = command.query_async::<redis::Value>(connection).await;
        answer
            .map(drop)
            .map_err(|error| if error.code().is_some() { StoreFault::Write } else { StoreFault::of(&error) })
    }

    async fn connection(&mut self) -> Result<&mut MultiplexedConnection, StoreFault> {
        if self.connection.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(self.command))
                .set_response_timeout(Some(self.command));
            // The client's own limit covers the TCP connection; this one the greeting too.
            let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
            let connected = timeout(self.command * 2, connecting).await.map_err(|_| StoreFault::TimedOut)?;
            self.connection = Some(connected.map_err(|error| StoreFault::of(&error))?);
        }
        self.connection.as_mut().ok_or(StoreFault::Connection)
    }

    fn key(&self, rest: &str) -> String {
        format!("{}:{rest}", self.prefix)
    }

    /// One line for each change of state.
    fn tell(&mut self, outcome: Result<(), StoreFault>) {
        metrics::gauge!("antin_revocation_redis_up").set(if outcome.is_ok() { 1.0 } else { 0.0 });
        match outcome {
            Ok(()) => {
                if let Some((_, since)) = self.failing.take() {
                    let seconds = since.elapsed().as_secs();
                    info!(target: "antin::revocation", seconds, "Redis is back");
                }
            }
            Err(fault) => {
                metrics::counter!("antin_revocation_redis_failures_total", "reason" => fault.code()).increment(1);
                if self.failing.is_none_or(|(before, _)| before != fault) {
                    warn!(
                        target: "antin::revocation", code = fault.code(),
                        "Redis cannot be used; the CRLs held serve until their nextUpdate"
                    );
                }
                let since = self.failing.map_or_else(Instant::now, |(_, since)| since);
                self.failing = Some((fault, since));
            }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreFault> {
    spawn_blocking(work).await.map_err(|_| StoreFault::Stopped)
}
