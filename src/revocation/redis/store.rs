//! The lists in Redis. Every read is bounded, whatever lies there; every list read is verified again and measured against the
//! marks. A node writes what it holds over what is missing, forged or older, unless another wrote there since it looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, cmd};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::StoreFault;
use super::connect::{Connection, Door};
use super::keys::{self, COMPLETE, Keys, PARTITION_LINE};
use super::notice::Notices;
use crate::clock;
use crate::config::revocation::RedisSettings;
use crate::core::crypto::sha256;
use crate::revocation::StartError;
use crate::revocation::admission::{Admission, Origin};
use crate::revocation::candidate::{self, CrlScope, key_digest};

/// Longest time between two whole readings: tokens and notices may be held back.
const WHOLE_READING: Duration = Duration::from_secs(30);
/// Longest whole reading.
const READING_LIMIT: Duration = Duration::from_secs(60);
/// Partitions read of one issuer.
const PARTITIONS: usize = 64;
/// Octets read of a token or a fence.
const TOKEN: usize = 64;

/// What one key holds.
enum Entry {
    /// Nothing, or a value of another type than a string.
    Unusable,
    Octets(Vec<u8>),
}

impl Entry {
    fn octets(self) -> Vec<u8> {
        match self {
            Self::Unusable => Vec::new(),
            Self::Octets(octets) => octets,
        }
    }
}

/// The lists that lie there.
#[derive(Default)]
struct Reading {
    /// Keys under which a list that counts was found.
    there: BTreeSet<String>,
    /// The fence of each list, read before the list.
    fences: BTreeMap<String, Vec<u8>>,
}

/// What came of writing.
#[derive(Default)]
struct Writing {
    wrote: bool,
    /// Another node wrote since the reading: read again.
    overtaken: bool,
}

pub(in crate::revocation) struct RedisStore {
    door: Door,
    keys: Keys,
    poll: Duration,
    grace: i64,
    maximum_bytes: usize,
    admission: Arc<Admission>,
    connection: Option<Connection>,
    notices: Option<Notices>,
    /// Whether lists come and go.
    up: watch::Sender<bool>,
    /// The token at the last whole reading.
    generation: Vec<u8>,
    read_at: Option<Instant>,
    /// Digests of entries that were refused, so that each is told once.
    refused: BTreeMap<String, [u8; 32]>,
    failing: Option<(StoreFault, Instant)>,
}

impl RedisStore {
    pub fn new(settings: &RedisSettings, maximum_bytes: usize, admission: Arc<Admission>) -> Result<Self, StartError> {
        Ok(Self {
            door: Door::new(settings)?,
            keys: Keys::new(&settings.prefix),
            poll: Duration::from_secs(settings.poll_seconds),
            grace: i64::try_from(settings.grace_seconds).unwrap_or(i64::MAX),
            maximum_bytes,
            admission,
            connection: None,
            notices: None,
            up: watch::Sender::new(false),
            generation: Vec::new(),
            read_at: None,
            refused: BTreeMap::new(),
            failing: None,
        })
    }

    /// Tells whether lists come and go.
    pub fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
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
                self.notices = None;
                self.read_at = None;
                // A new snapshot is no reason to knock sooner at a closed door.
                sleep(self.poll).await;
                continue;
            }
            tokio::select! {
                () = sleep(self.poll) => {}
                () = noticed(&mut self.notices) => {}
                Ok(()) = published.changed() => self.read_at = None,
                Ok(()) = trust_changed.changed() => self.read_at = None,
            }
        }
    }

    /// Reads everything if there is a new token, a new list of our own, or nothing was read for long.
    async fn follow(&mut self) -> Result<(), StoreFault> {
        let token = self.entry(&self.keys.generation(), TOKEN).await?.octets();
        let recent = self.read_at.is_some_and(|at| at.elapsed() < WHOLE_READING);
        if recent && token == self.generation && !token.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let reading = self.read_all().await?;
        let writing = self.write_missing(&reading).await?;
        self.generation = if writing.wrote || token.is_empty() { self.announce().await? } else { token };
        self.read_at = Some(started).filter(|_| !writing.overtaken);
        Ok(())
    }

    /// Offers every list that lies there.
    async fn read_all(&mut self) -> Result<Reading, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let held = blocking(move || admission.held()).await?;
        let trust = self.admission.authorities();
        let keys: BTreeSet<[u8; 32]> = candidate::authorities(&trust).map(|issuer| key_digest(issuer)).collect();
        let mut reading = Reading::default();
        for issuer_key in keys {
            let mut partitions = self.partitions(issuer_key).await?;
            partitions.insert(COMPLETE.to_owned());
            let own = held.iter().filter(|(list, _)| list.scope().issuer_key == issuer_key);
            let own: BTreeMap<String, bool> = own.map(|(list, found)| (list.scope().partition(), *found)).collect();
            partitions.extend(own.keys().cloned());
            for partition in partitions {
                let key = self.keys.list(issuer_key, &partition);
                let fence = self.entry(&self.keys.fence(issuer_key, &partition), TOKEN).await?.octets();
                reading.fences.insert(key.clone(), fence);
                let found = self.entry(&self.keys.given(issuer_key, &partition), TOKEN).await?.octets().is_empty();
                let here = own.get(&partition).copied();
                if found && here.is_none() {
                    // Others found it; nobody needs it here.
                    continue;
                }
                let Entry::Octets(octets) = self.entry(&key, self.maximum_bytes).await? else {
                    self.refused.remove(&key);
                    continue;
                };
                let counts = self.counts(&key, octets, found, issuer_key, &partition).await?;
                // What a source gave here is not only found: written over.
                if counts && !(found && here == Some(false)) {
                    reading.there.insert(key);
                }
            }
        }
        Ok(reading)
    }

    /// Offers one entry; whether it is a list that counts, of the scope its key names.
    async fn counts(
        &mut self,
        key: &str,
        octets: Vec<u8>,
        found: bool,
        issuer_key: [u8; 32],
        partition: &str,
    ) -> Result<bool, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let judge = move || (sha256(&octets), admission.offer(&octets, Origin::Redis { found }));
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

    /// Writes the held lists that do not lie there.
    async fn write_missing(&mut self, reading: &Reading) -> Result<Writing, StoreFault> {
        let admission = Arc::clone(&self.admission);
        let mut writing = Writing::default();
        for (list, found) in blocking(move || admission.held()).await? {
            let CrlScope { issuer_key, .. } = list.scope();
            let partition = list.scope().partition();
            let key = self.keys.list(issuer_key, &partition);
            // A scope that came up since the reading has no fence yet: the next reading is at hand.
            let Some(fence) = reading.fences.get(&key).filter(|_| !reading.there.contains(&key)) else { continue };
            let now = clock::now();
            let expiry = list.crl().next_update.unwrap_or(now).plus_seconds(self.grace);
            if expiry <= now {
                continue;
            }
            let crl = Arc::clone(list.crl());
            let der = blocking(move || crl.der()).await?;
            let mut write = cmd("EVAL");
            write.arg(keys::WRITE_LIST).arg(3).arg(&key).arg(self.keys.fence(issuer_key, &partition));
            write.arg(self.keys.given(issuer_key, &partition));
            write.arg(fence).arg(random_number()?).arg(der).arg(expiry.unix()).arg(u8::from(!found));
            if self.ask::<i64>(&write).await? != 1 {
                metrics::counter!("antin_revocation_redis_overtaken_total").increment(1);
                writing.overtaken = true;
                continue;
            }
            writing.wrote = true;
            if partition != COMPLETE {
                self.enter_partition(issuer_key, &partition).await?;
            }
        }
        Ok(writing)
    }

    /// The issuer's partitions that lie there, well-formed ones only.
    async fn partitions(&mut self, issuer_key: [u8; 32]) -> Result<BTreeSet<String>, StoreFault> {
        let key = self.keys.partitions(issuer_key);
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
        if known.contains(partition) {
            return Ok(());
        }
        let line = format!("{partition}\n");
        // What is not ours is replaced; else two nodes can add at once.
        let command = if known.is_empty() || known.len() == PARTITIONS { "SET" } else { "APPEND" };
        self.ask(cmd(command).arg(self.keys.partitions(issuer_key)).arg(line)).await
    }

    /// Sets a new token and tells of it, so that the other nodes read.
    async fn announce(&mut self) -> Result<Vec<u8>, StoreFault> {
        let mut token = [0; 16];
        openssl::rand::rand_bytes(&mut token).map_err(|_| StoreFault::Stopped)?;
        let token = hex::encode(token);
        self.ask::<redis::Value>(cmd("SET").arg(self.keys.generation()).arg(&token)).await?;
        self.ask::<redis::Value>(cmd("PUBLISH").arg(self.keys.changed()).arg(&token)).await?;
        Ok(token.into_bytes())
    }

    /// At most `limit` octets of a value; a longer one is cut, and so is no list.
    async fn entry(&mut self, key: &str, limit: usize) -> Result<Entry, StoreFault> {
        let mut command = cmd("GETRANGE");
        command.arg(key).arg(0).arg(limit - 1);
        match self.connection().await?.query::<Vec<u8>>(&command).await {
            Ok(octets) if octets.is_empty() => Ok(Entry::Unusable),
            Ok(octets) => Ok(Entry::Octets(octets)),
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Entry::Unusable),
            Err(error) => Err(StoreFault::of(&error)),
        }
    }

    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, StoreFault> {
        self.connection().await?.query(command).await.map_err(|error| StoreFault::of(&error))
    }

    /// The connection, opened if there is none, and with it the one that hears notices.
    async fn connection(&mut self) -> Result<&mut Connection, StoreFault> {
        if self.connection.is_none() {
            self.connection = Some(self.door.connect().await?);
        }
        if self.notices.is_none() {
            self.notices = Some(Notices::hear(&self.door, &self.keys.changed()).await?);
        }
        self.connection.as_mut().ok_or(StoreFault::Connection)
    }

    /// One line for each change of state.
    fn tell(&mut self, outcome: Result<(), StoreFault>) {
        self.up.send_if_modified(|up| std::mem::replace(up, outcome.is_ok()) != outcome.is_ok());
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

/// Returns at the next notice; a connection for notices that has ended is opened anew with the next command.
async fn noticed(notices: &mut Option<Notices>) {
    match notices {
        Some(hearing) => {
            if !hearing.next().await {
                *notices = None;
            }
        }
        None => std::future::pending().await,
    }
}

/// A positive number that no one foresees.
fn random_number() -> Result<u64, StoreFault> {
    let mut octets = [0; 8];
    openssl::rand::rand_bytes(&mut octets[2..]).map_err(|_| StoreFault::Stopped)?;
    Ok(u64::from_be_bytes(octets).max(1))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreFault> {
    spawn_blocking(work).await.map_err(|_| StoreFault::Stopped)
}
