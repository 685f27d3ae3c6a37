//! A thread that owns a connection and answers requests from a bounded queue.
//!
//! The writer takes everything that waits and commits it together: one fsync serves all (group commit). While it runs,
//! the next group gathers, so that the group grows with the load and a lone request never waits for company.

use std::{collections::HashSet, io, sync::Arc, thread};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use crate::registry::{DocumentId, RegistryError};

/// The most requests that wait in a queue.
const QUEUE_LENGTH: usize = 4096;
/// The most requests in one commit: bounds what one failing commit takes with it, and the wait of the first in it.
const MOST_TOGETHER: usize = 256;

/// What a worker's requests work on.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// The number of this start of the service.
    pub(super) run: i64,
    /// Attempts of this run whose end could not be recorded: the key was used, so they are neither in progress nor to be
    /// taken back. Bounded by the attempts that were in flight when the store failed, for none begins while it fails.
    pub(super) doubtful: HashSet<DocumentId>,
}

/// What happens to a request for which the queue has no room.
#[derive(Clone, Copy)]
pub(super) enum Admission {
    /// Refused: it opens new work.
    Refuse,
    /// Waits: it ends work that was admitted before.
    Wait,
}

/// How a worker surrounds its requests.
#[derive(Clone, Copy)]
pub(super) enum Transactions {
    /// All that wait in one write transaction, each in a savepoint.
    Grouped,
    /// Each in a read transaction of its own: a consistent view of what is committed.
    Single,
}

/// A request on its way through the worker.
trait Job: Send {
    /// Does the work and keeps the outcome; an error is returned as well.
    fn run(&mut self, session: &Session) -> Result<(), RegistryError>;
    /// Sends the outcome, or the failure of the commit in its place.
    fn answer(self: Box<Self>, session: &mut Session, committed: &Result<(), RegistryError>);
}

struct Asked<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, RegistryError>>,
    reply: oneshot::Sender<Result<T, RegistryError>>,
    /// The attempt this request ends; in doubt if that could not be recorded.
    ends: Option<DocumentId>,
}

impl<T, W> Job for Asked<T, W>
where
    T: Send,
    W: FnOnce(&Session) -> Result<T, RegistryError> + Send,
{
    fn run(&mut self, session: &Session) -> Result<(), RegistryError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = work(session);
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.outcome = Some(outcome);
        told
    }

    fn answer(self: Box<Self>, session: &mut Session, committed: &Result<(), RegistryError>) {
        let outcome = match (self.outcome, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(shared)) => Err(shared.clone()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(RegistryError::Stopped),
        };
        match (self.ends, &outcome) {
            (Some(id), Ok(_)) => {
                session.doubtful.remove(&id);
            }
            (Some(id), Err(RegistryError::Unavailable { .. } | RegistryError::Damaged { .. })) => {
                session.doubtful.insert(id);
            }
            (_, _) => {}
        }
        // Nobody listens any more if the caller was cancelled; what was committed stays.
        drop(self.reply.send(outcome));
    }
}

/// The thread and the way to it.
pub(super) struct Worker {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(name: &str, transactions: Transactions, mut session: Session) -> io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel::<Box<dyn Job>>(QUEUE_LENGTH);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(first) = waiting.blocking_recv() {
                let mut jobs = vec![first];
                if matches!(transactions, Transactions::Grouped) {
                    while jobs.len() < MOST_TOGETHER {
                        let Ok(next) = waiting.try_recv() else { break };
                        jobs.push(next);
                    }
                }
                let done = match transactions {
                    Transactions::Grouped => commit_together(&session, &mut jobs),
                    Transactions::Single => read_alone(&session, &mut jobs),
                };
                for job in jobs {
                    job.answer(&mut session, &done);
                }
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Has `work` done in the worker's thread; the answer comes after the commit.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        admission: Admission,
        ends: Option<DocumentId>,
        work: impl FnOnce(&Session) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let queue = self.queue.as_ref().ok_or(RegistryError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Asked { work: Some(work), outcome: None, reply, ends });
        match admission {
            Admission::Refuse => queue.try_send(job).map_err(|refused| match refused {
                TrySendError::Full(_) => RegistryError::Overloaded,
                TrySendError::Closed(_) => RegistryError::Stopped,
            })?,
            Admission::Wait => queue.send(job).await.map_err(|_| RegistryError::Stopped)?,
        }
        answer.await.map_err(|_| RegistryError::Stopped)?
    }
}

impl Drop for Worker {
    /// Finishes what waits and closes the connection before it returns.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            drop(thread.join());
        }
    }
}

/// One transaction for all; a request that fails is undone alone, unless the engine gave up the whole transaction.
fn commit_together(session: &Session, jobs: &mut [Box<dyn Job>]) -> Result<(), RegistryError> {
    let outcome = run_together(session, jobs);
    if outcome.is_err() && !session.connection.is_autocommit() {
        // If this fails too, the next BEGIN fails and says so.
        drop(execute(&session.connection, "ROLLBACK"));
    }
    outcome
}

fn run_together(session: &Session, jobs: &mut [Box<dyn Job>]) -> Result<(), RegistryError> {
    let connection = &session.connection;
    execute(connection, "BEGIN IMMEDIATE")?;
    for job in jobs {
        execute(connection, "SAVEPOINT request")?;
        let outcome = job.run(session);
        if connection.is_autocommit() {
            // Disk full and input/output errors end the transaction of the whole group.
            outcome?;
            return Err(unavailable(rusqlite::Error::InvalidQuery));
        }
        if outcome.is_err() {
            execute(connection, "ROLLBACK TO request")?;
        }
        execute(connection, "RELEASE request")?;
    }
    execute(connection, "COMMIT")
}

fn read_alone(session: &Session, jobs: &mut [Box<dyn Job>]) -> Result<(), RegistryError> {
    for job in jobs {
        let view = session.connection.unchecked_transaction().map_err(unavailable)?;
        // A failed read is its own answer; there is nothing to undo.
        drop(job.run(session));
        view.finish().map_err(unavailable)?;
    }
    Ok(())
}

fn execute(connection: &Connection, statement: &str) -> Result<(), RegistryError> {
    connection.prepare_cached(statement).and_then(|mut prepared| prepared.execute([])).map(|_| ()).map_err(unavailable)
}

/// The store's failure as the registry tells it: damaged for good, or unusable for now.
pub(super) fn unavailable(source: rusqlite::Error) -> RegistryError {
    let damaged = match &source {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => true,
        other => {
            matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    };
    let source = Arc::new(source);
    if damaged { RegistryError::Damaged { source } } else { RegistryError::Unavailable { source } }
}
