//! Asking witnesses to cosign the checkpoints of our log (C2SP tlog-witness, as a log).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::issuance::{IssuanceError, IssuanceLog};
use crate::config;
use crate::core::log::note::{LONGEST_NOTE, NoteSignature};
use crate::core::log::witness::AddCheckpoint;
use crate::core::log::{KeyKind, LogFault, Note, VerifierKey};
use crate::net::{AllowedHost, FetchError, FetchLimits, FetchRequest, Fetcher, FetcherError};

/// How often checkpoints that witnesses have not seen are sent to them.
const EVERY: Duration = Duration::from_secs(1);
/// The pause after a witness that did not cosign; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const LIMITS: FetchLimits =
    FetchLimits { maximum_bytes: LONGEST_NOTE, connect: Duration::from_secs(5), total: Duration::from_secs(20) };

/// A witness that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    #[error("issuance-log.witnesses: {0:?} is no http or https URL")]
    Url(String),
    #[error("issuance-log.witnesses: {url}: {source}")]
    Key { url: String, source: LogFault },
    #[error("issuance-log.witnesses")]
    Fetcher(#[from] FetcherError),
}

struct Witness {
    url: String,
    key: VerifierKey,
    fetcher: Fetcher,
    /// The size that it cosigned last, as far as we know.
    cosigned: u64,
    /// The size of which it was asked for last with success.
    done: Option<u64>,
    pause: Duration,
    rest: Duration,
}

/// All that are asked.
pub struct Witnesses(Vec<Witness>);

impl Witnesses {
    /// # Errors
    /// [`WitnessesError`].
    pub fn new(settings: &[config::LogWitness], authorities: Option<&[u8]>) -> Result<Self, WitnessesError> {
        let witness = |entry: &config::LogWitness| {
            let host = AllowedHost::of_url(&entry.url, entry.allow_private);
            let host = host.ok_or_else(|| WitnessesError::Url(entry.url.clone()))?;
            let key = VerifierKey::parse(&entry.key).and_then(|key| match key.kind() {
                KeyKind::Cosignature => Ok(key),
                KeyKind::Note => Err(LogFault::Form { of: "verifier key", rule: "be the key of a witness" }),
            });
            let key = key.map_err(|source| WitnessesError::Key { url: entry.url.clone(), source })?;
            let fetcher = Fetcher::new(vec![host], LIMITS, authorities)?;
            let url = format!("{}/add-checkpoint", entry.url.trim_end_matches('/'));
            Ok(Witness { url, key, fetcher, cosigned: 0, done: None, pause: FIRST_PAUSE, rest: Duration::ZERO })
        };
        settings.iter().map(witness).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has each new checkpoint cosigned; for ever.
    pub async fn run(mut self, log: Arc<IssuanceLog>) {
        // What they cosigned before this start stands in the checkpoint, if it is still the newest.
        let published = log.published();
        for witness in &mut self.0 {
            if published.note.witnessed(&witness.key).is_some() {
                (witness.cosigned, witness.done) = (published.checkpoint.size, Some(published.checkpoint.size));
            }
        }
        loop {
            for witness in &mut self.0 {
                if !witness.rest.is_zero() {
                    witness.rest = witness.rest.saturating_sub(EVERY);
                } else if let Err(reason) = witness.ask(&log).await {
                    metrics::counter!("antin_issuance_log_witness_failures_total").increment(1);
                    tracing::warn!(witness = witness.key.name(), reason, "a witness did not cosign the issuance log");
                    (witness.rest, witness.pause) = (witness.pause, (witness.pause * 2).min(LONGEST_PAUSE));
                }
            }
            sleep(EVERY).await;
        }
    }
}

impl Witness {
    async fn ask(&mut self, log: &Arc<IssuanceLog>) -> Result<(), String> {
        let published = log.published();
        let size = published.checkpoint.size;
        if size == 0 || self.done == Some(size) {
            return Ok(());
        }
        // Once more if it has seen another size than we thought.
        for _ in 0..2 {
            let (_, path) = log.consistency(self.cosigned, size).await.map_err(|error| match error {
                IssuanceError::Size(_) => {
                    "it saw a larger tree: this log has gone back, or it is another one".to_owned()
                }
                other => other.to_string(),
            })?;
            let request = AddCheckpoint { old: self.cosigned, path, checkpoint: published.note.to_string() };
            let body = Some(("text/plain; charset=utf-8", request.to_string().into_bytes()));
            let asked = FetchRequest { body, ..FetchRequest::get(&self.url, LONGEST_NOTE) };
            let answer = match self.fetcher.fetch(&asked).await {
                Ok(answer) => answer,
                Err(FetchError::TreeSize(seen)) if seen != self.cosigned => {
                    self.cosigned = seen;
                    continue;
                }
                Err(error) => return Err(error.to_string()),
            };
            let own = self.own(&published.note, &answer)?;
            log.add_cosignatures(&published.note.text, vec![own]).await.map_err(|error| error.to_string())?;
            (self.cosigned, self.done, self.pause) = (size, Some(size), FIRST_PAUSE);
            return Ok(());
        }
        Err("it has seen another size each time".to_owned())
    }

    /// Its signature among the lines, verified.
    fn own(&self, note: &Note, answer: &[u8]) -> Result<NoteSignature, String> {
        let lines = std::str::from_utf8(answer).map_err(|_| "its answer is no text".to_owned())?;
        let signatures = NoteSignature::parse_all(lines).map_err(|fault| fault.to_string())?;
        let mut verified = HashMap::new();
        for signature in signatures {
            let one = Note { text: note.text.clone(), signatures: vec![signature.clone()] };
            if let Some(time) = one.witnessed(&self.key) {
                verified.insert(time, signature);
            }
        }
        let newest = verified.into_iter().max_by_key(|(time, _)| *time);
        newest.map(|(_, signature)| signature).ok_or_else(|| "its answer has no signature of its key".to_owned())
    }
}

/// The authorities of the settings, if there are any.
///
/// # Errors
/// The file cannot be read.
pub fn authorities(path: Option<&Path>) -> std::io::Result<Option<Vec<u8>>> {
    path.map(std::fs::read).transpose()
}
