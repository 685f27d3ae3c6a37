//! Raising signatures to the level that was ordered, after their release: a public time-stamping authority takes seconds to minutes,
//! for which nobody should have to wait. The queue is the registry's and survives this process; here is who works on it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{
        Notify, Semaphore,
        broadcast::{self, error::RecvError},
    },
    task::{Id, JoinSet},
    time::{Instant, interval, timeout_at},
};

use super::{existing::JudgedContent, steps::Steps};
use crate::{
    clock,
    config::TimeStamping,
    core::{algorithm::DigestAlgorithm, time::Time},
    registry::{Again, Backlog, DocumentId, Due, Level, Newest, Raised, Registry, RegistryError},
    signing::level::LevelError,
};

/// How often the queue is looked at without being told of anything new.
const TICK: Duration = Duration::from_secs(1);
/// Figures are renewed every so many ticks.
const FIGURES: u32 = 5;
/// Attempts at a signature that are its own fault.
const MOST_ATTEMPTS: u32 = 12;
/// Age of the oldest in the queue from which the log tells of it, and how often.
const LATE: Duration = Duration::from_secs(600);
/// Between two attempts to renew a time-stamp by an authority that would add nothing.
const NEXT_RENEWAL: Duration = Duration::from_secs(24 * 60 * 60);
/// Orders that wait for their level at one time; others are answered at once.
const WAITERS: usize = 64;
/// Notices of raised signatures that a waiter may be late to read; then it looks for itself.
const NOTICES: usize = 256;

/// Works on the queue.
pub struct LevelRaiser {
    registry: Arc<dyn Registry>,
    steps: Arc<Steps>,
    concurrency: usize,
    /// Seconds before the end of an archive time-stamp.
    renew_before: i64,
    longest_pause: Duration,
    ordered: Notify,
    raised: broadcast::Sender<DocumentId>,
    waiters: Semaphore,
}

/// Why a signature was not raised.
#[derive(Debug, thiserror::Error)]
enum RaiseError {
    #[error(transparent)]
    Level(#[from] LevelError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl RaiseError {
    fn code(&self) -> &'static str {
        match self {
            Self::Level(error) => error.code(),
            Self::Registry(_) => "registry",
        }
    }

    /// The fault lies with the document: others may fare better.
    const fn is_of_document(&self) -> bool {
        match self {
            Self::Level(error) => !error.is_of_authorities(),
            Self::Registry(error) => matches!(error, RegistryError::Invalid { .. } | RegistryError::UnknownDocument(_)),
        }
    }
}

impl LevelRaiser {
    pub fn new(settings: &TimeStamping, registry: Arc<dyn Registry>, steps: Arc<Steps>) -> Arc<Self> {
        Arc::new(Self {
            registry,
            steps,
            concurrency: settings.concurrency,
            renew_before: i64::from(settings.renew_before_days) * 86_400,
            longest_pause: Duration::from_secs(settings.backoff_seconds),
            ordered: Notify::new(),
            raised: broadcast::channel(NOTICES).0,
            waiters: Semaphore::new(WAITERS),
        })
    }

    /// What makes the steps, for who does not use the queue.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The highest level that can be reached.
    pub const fn highest(&self) -> Level {
        Level::Archival
    }

    /// There is something new in the queue.
    pub fn ordered(&self) {
        self.ordered.notify_one();
    }

    /// The newest signature of a document: as soon as it has the level wanted, or else when the time is over. Where too many wait
    /// already, at once.
    pub async fn wait(
        &self,
        document_id: DocumentId,
        wanted: Level,
        patience: Duration,
    ) -> Result<Option<Newest>, RegistryError> {
        let deadline = Instant::now() + patience;
        // Heard before it is looked, so that nothing is missed in between.
        let mut raised = self.raised.subscribe();
        let place = self.waiters.try_acquire();
        loop {
            let newest = self.registry.newest(document_id).await?;
            let reached = newest.as_ref().is_none_or(|newest| newest.level.reaches(wanted));
            if reached || place.is_err() {
                return Ok(newest);
            }
            loop {
                match timeout_at(deadline, raised.recv()).await {
                    Ok(Ok(other)) if other != document_id => {}
                    Ok(Ok(_) | Err(RecvError::Lagged(_))) => break,
                    Ok(Err(RecvError::Closed)) | Err(_) => return Ok(newest),
                }
            }
        }
    }

    /// How many signatures wait.
    pub async fn backlog(&self) -> Result<Backlog, RegistryError> {
        self.registry.backlog().await
    }

    /// Works until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut tasks: JoinSet<Result<Level, RaiseError>> = JoinSet::new();
        let mut in_work: HashMap<Id, Due> = HashMap::new();
        let mut rest = Rest::new(self.longest_pause);
        let mut ticks = interval(TICK);
        let mut figures = Figures::default();
        loop {
            let room = rest.room(Instant::now(), self.concurrency).saturating_sub(in_work.len());
            if room > 0 {
                let due = self.registry.due(clock::now(), room + in_work.len()).await;
                let due = due.unwrap_or_else(|error| {
                    tracing::error!(error = ?error, "the registry failed");
                    rest.failed(Instant::now());
                    Vec::new()
                });
                let is_in_work = |one: &Due| in_work.values().any(|other| other.document_id == one.document_id);
                let new: Vec<Due> = due.into_iter().filter(|one| !is_in_work(one)).take(room).collect();
                for one in new {
                    let raiser = Arc::clone(&self);
                    let task = tasks.spawn(async move { raiser.raise(one.document_id).await });
                    in_work.insert(task.id(), one);
                }
            }
            tokio::select! {
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let (id, outcome) = match ended {
                        Ok((id, outcome)) => (id, Some(outcome)),
                        // A defect, which must not stop the others.
                        Err(error) => (error.id(), None),
                    };
                    if let Some(due) = in_work.remove(&id) {
                        self.settle(due, outcome, &mut rest).await;
                    }
                }
                () = self.ordered.notified() => {}
                _ = ticks.tick() => self.show(&mut figures).await,
            }
        }
    }

    /// Notes what became of an attempt.
    async fn settle(&self, due: Due, outcome: Option<Result<Level, RaiseError>>, rest: &mut Rest) {
        let document_id = due.document_id;
        let (code, of_document, error) = match &outcome {
            Some(Ok(level)) => {
                // No authority was asked for what B-LT adds.
                if *level != Level::LongTerm {
                    rest.succeeded();
                }
                return;
            }
            Some(Err(error)) => (error.code(), error.is_of_document(), error.to_string()),
            None => ("panic", true, "the work ended in a panic".to_owned()),
        };
        metrics::counter!("antin_level_failures_total", "code" => code).increment(1);
        let after = |pause: Duration| clock::now().plus_seconds(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX));
        let again = if let Some(Err(RaiseError::Level(error))) = &outcome
            && error.waits_for_evidence()
        {
            tracing::debug!(%document_id, code, "a signature waits for revocation data");
            Again::Uncounted(after(waited(due.since, clock::now(), self.longest_pause)))
        } else if let Some(Err(RaiseError::Level(LevelError::NothingGained))) = &outcome {
            tracing::warn!(%document_id, code, "an archive time-stamp ends soon, and no authority gives one that ends later");
            Again::Uncounted(after(NEXT_RENEWAL))
        } else if of_document && due.attempts + 1 >= MOST_ATTEMPTS {
            tracing::error!(%document_id, code, error, "a signature cannot be raised to the level ordered, and is given up");
            Again::Never
        } else {
            tracing::warn!(%document_id, code, error, "a signature was not raised to the level ordered; it is tried again");
            if of_document {
                Again::At(after(doubled(due.attempts, self.longest_pause)))
            } else {
                rest.failed(Instant::now());
                // Behind the others; when they are tried is decided for all together.
                Again::Uncounted(after(TICK))
            }
        };
        if let Err(error) = self.registry.put_off(document_id, again).await {
            tracing::error!(%document_id, error = ?error, "the registry failed");
            rest.failed(Instant::now());
        }
    }

    /// Raises one signature by one level, and records it; gives that level.
    async fn raise(&self, document_id: DocumentId) -> Result<Level, RaiseError> {
        let unknown = || RegistryError::UnknownDocument(document_id);
        let document = self.registry.document(document_id).await?.ok_or_else(unknown)?;
        let newest = self.registry.newest(document_id).await?.ok_or_else(unknown)?;
        let digest = (DigestAlgorithm::Sha256, document.intent.document_digest.to_vec());
        let (mut signature, content) = (newest.signature, JudgedContent::Digests(vec![digest]));
        let (steps, message) = (&self.steps, &mut signature);
        let (level, proves_until) = match newest.level {
            Level::Basic => {
                steps.timestamp(message, &content).await?;
                (Level::Timestamped, None)
            }
            Level::Timestamped => {
                steps.long_term(message, &content).await?;
                (Level::LongTerm, None)
            }
            Level::LongTerm => (Level::Archival, steps.archive(message, &content).await?),
            Level::Archival => (Level::Archival, steps.renew(message, &content).await?),
        };
        let raised = Raised { from_version: newest.version, level, signature, proves_until };
        match self.registry.raise(document_id, raised).await {
            // By whom does not matter.
            Ok(()) | Err(RegistryError::AlreadyRaised(_)) => {}
            Err(error) => return Err(error.into()),
        }
        metrics::counter!("antin_level_raised_total", "level" => level.name()).increment(1);
        // Nobody may be waiting.
        let _ = self.raised.send(document_id);
        Ok(level)
    }

    /// What waits, as figures, and in the log where it waits for long.
    async fn show(&self, figures: &mut Figures) {
        figures.ticks = figures.ticks.wrapping_add(1);
        if figures.ticks % FIGURES != 1 {
            return;
        }
        // The registry's failures are told by those who need it.
        let now = clock::now();
        if let Err(error) = self.registry.renew(now.plus_seconds(self.renew_before), now).await {
            tracing::error!(error = ?error, "the registry failed");
        }
        let Ok(backlog) = self.registry.backlog().await else { return };
        let age = backlog.age(clock::now());
        metrics::gauge!("antin_level_backlog").set(backlog.waiting);
        metrics::gauge!("antin_level_backlog_seconds").set(age.as_secs_f64());
        metrics::gauge!("antin_level_given_up").set(backlog.given_up);
        let told_lately = figures.told.is_some_and(|told| told.elapsed() < LATE);
        if age >= LATE && !told_lately {
            figures.told = Some(Instant::now());
            let (waiting, seconds) = (backlog.waiting, age.as_secs());
            tracing::warn!(
                waiting,
                seconds,
                "signatures wait for the level ordered; see the time-stamping authorities, and for B-LT the CRLs"
            );
        }
    }
}

impl Backlog {
    /// How long the oldest waits.
    pub fn age(&self, now: Time) -> Duration {
        let seconds = self.oldest.map_or(0, |oldest| now.seconds_since(oldest));
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }
}

#[derive(Default)]
struct Figures {
    ticks: u32,
    told: Option<Instant>,
}

/// One second, twice as long each time, up to the longest.
fn doubled(times: u32, longest: Duration) -> Duration {
    Duration::from_secs(1_u64.checked_shl(times.min(32)).unwrap_or(u64::MAX)).min(longest)
}

/// The longer a signature waits for evidence that comes by itself, the more seldom it is looked for: after a quarter of that time.
fn waited(since: Time, now: Time, longest: Duration) -> Duration {
    let age = u64::try_from(now.seconds_since(since)).unwrap_or(0);
    Duration::from_secs((age / 4).max(1)).min(longest)
}

/// While no authority gives time-stamps, one signature at a time tries, with growing pauses.
struct Rest {
    longest: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Rest {
    const fn new(longest: Duration) -> Self {
        Self { longest, failures: 0, until: None }
    }

    fn room(&self, now: Instant, usual: usize) -> usize {
        match self.until {
            None => usual,
            Some(until) if now >= until => 1,
            Some(_) => 0,
        }
    }

    fn failed(&mut self, now: Instant) {
        // What failed meanwhile was begun before.
        if self.until.is_some_and(|until| now < until) {
            return;
        }
        self.until = Some(now + doubled(self.failures, self.longest));
        self.failures = self.failures.saturating_add(1);
    }

    const fn succeeded(&mut self) {
        self.failures = 0;
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let longest = Duration::from_secs(300);
        let seconds: Vec<u64> = [0, 1, 2, 8, 9, 40, u32::MAX].map(|times| doubled(times, longest).as_secs()).to_vec();
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300, 300]);
    }

    #[test]
    fn what_waits_for_evidence_is_looked_at_ever_more_seldom() {
        let (released, longest) = (Time::from_unix(1_000), Duration::from_secs(300));
        let seconds =
            [-5, 0, 7, 60, 400, 100_000].map(|age| waited(released, released.plus_seconds(age), longest).as_secs());
        assert_eq!(seconds, [1, 1, 1, 15, 100, 300]);
    }

    #[test]
    fn after_a_failure_one_tries_and_after_a_success_all_do() {
        let mut rest = Rest::new(Duration::from_secs(4));
        let mut now = Instant::now();
        assert_eq!(rest.room(now, 8), 8);
        for pause in [1, 2, 4, 4] {
            rest.failed(now);
            assert_eq!(rest.room(now, 8), 0);
            now += Duration::from_millis(pause * 1000 - 1);
            assert_eq!(rest.room(now, 8), 0, "{pause}");
            rest.failed(now);
            now += Duration::from_millis(1);
            assert_eq!(rest.room(now, 8), 1);
        }
        rest.succeeded();
        assert_eq!(rest.room(now, 8), 8);
    }
}
