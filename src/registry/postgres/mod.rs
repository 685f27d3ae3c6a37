//! The registry on a PostgreSQL server, or one that speaks its protocol and plain SQL, for many nodes at one time.
//!
//! Every statement is durable when the server confirms it (`synchronous_commit`; a server with `fsync = off` is refused). What takes
//! one statement is one, and its own transaction; the rest is serializable and done again where other work was in the way. A node
//! holds a lease, by the server's clock: while it does, its unfinished attempts are in progress for every other node, and unknown
//! afterwards. Whether an attempt may still be completed is decided by its row alone.

mod connect;
mod exchange;
mod fault;
mod faults;
mod issuing;
mod lease;
mod listing;
mod logging;
mod lookup;
mod migrate;
mod raising;
mod session;
mod standing;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::PoolError;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::Instant,
};
use tokio_postgres::Row;

pub use exchange::{Occupied, PostgresReader, PostgresWriter};
pub use fault::OpenError;

use connect::Door;
use fault::{Fault, SessionFault, sort_pool_error};
use issuing::Earlier;
use session::{Sessions, attempt};

use super::{
    Again, Answer, Backlog, Begun, DocumentId, DocumentStatus, Due, Intent, IssuanceQueue, Issued, IssuedDocument,
    Listed, MOST_FOUND, Newest, Raised, Registry, RegistryError, Sha256, StatusChange, StatusPlace,
};
use crate::{
    config::PostgresSettings,
    core::{lookup::LookupDigest, time::Time},
};

/// One start of one node.
type RunId = [u8; 16];

/// How often an intent is inserted whose key is taken and free again in turn.
const MOST_ROUNDS: u32 = 10;
/// The most attempts remembered whose end could not be recorded.
const MOST_LOOSE: usize = 10_000;

/// The registry in a database.
///
/// [`leave`](Registry::leave) gives the lease back; so does dropping it, if the runtime lives long enough.
pub struct PostgresRegistry {
    shared: Arc<Shared>,
    /// Heard by the task that keeps the lease.
    stop: watch::Sender<bool>,
    keeping: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    sessions: Sessions,
    /// A connection of its own, so that the lease is renewed however busy the others are.
    upkeep: Sessions,
    run: RunId,
    started_at: Time,
    lease: Duration,
    /// What dead nodes left was asked for once; from then on it is taken over whenever a node dies.
    recovered: AtomicBool,
    /// Attempts of this run whose end could not be recorded although the key was used: neither in progress nor to be taken back.
    doubtful: Mutex<HashMap<DocumentId, Instant>>,
    /// Intents of this run that may be recorded and for which nothing was or will be signed: to be taken back.
    unsigned: Mutex<HashMap<DocumentId, Instant>>,
    /// There is something new in one of the two.
    loose_end: Notify,
}

impl Shared {
    fn doubtful(&self) -> MutexGuard<'_, HashMap<DocumentId, Instant>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsigned(&self) -> MutexGuard<'_, HashMap<DocumentId, Instant>> {
        self.unsigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to be ended that is not older than this, or in doubt.
    fn has_loose_ends(&self, age: Duration) -> bool {
        !self.doubtful().is_empty() || self.unsigned().values().any(|since| since.elapsed() < age)
    }

    fn is_unsigned(&self, document_id: DocumentId) -> bool {
        self.unsigned().contains_key(&document_id)
    }

    /// The intent may be there and nobody signs: it is taken back when that can be done.
    fn leave_unsigned(&self, document_id: DocumentId) {
        remember(&mut self.unsigned(), document_id);
        self.loose_end.notify_one();
    }

    /// What became of a request that ends an attempt whose key was used.
    fn settle(&self, document_id: DocumentId, outcome: Result<(), RegistryError>) -> Result<(), RegistryError> {
        // The work was admitted before; who asks again after this answer does right.
        let outcome = outcome.map_err(|error| match error {
            RegistryError::Overloaded => SessionFault::Late.into(),
            other => other,
        });
        match &outcome {
            Ok(()) => {
                self.doubtful().remove(&document_id);
            }
            Err(RegistryError::Unavailable { .. } | RegistryError::Damaged { .. }) => {
                remember(&mut self.doubtful(), document_id);
                self.loose_end.notify_one();
            }
            Err(_) => {}
        }
        outcome
    }
}

/// Bounded; what is forgotten is in progress until this process ends.
fn remember(kept: &mut HashMap<DocumentId, Instant>, document_id: DocumentId) {
    if kept.len() < MOST_LOOSE || kept.contains_key(&document_id) {
        kept.insert(document_id, Instant::now());
    }
}

impl PostgresRegistry {
    /// Connects, brings the schema up to date, and begins a lease.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(settings: &PostgresSettings, started_at: Time) -> Result<Self, OpenError> {
        let door = Door::new(settings)?;
        let sessions = |connections| Sessions {
            pool: door.pool(connections),
            warnings: Arc::clone(&door.warnings),
            limit: settings.timeout(),
        };
        let (sessions, upkeep) = (sessions(settings.connections), sessions(1));
        let mut run = [0; 16];
        openssl::rand::rand_bytes(&mut run).map_err(OpenError::Random)?;
        let mut client = sessions.pool.get().await.map_err(unreachable)?;
        migrate::migrate(&mut client).await?;
        let begun = lease::renew(&client, &run, started_at, settings.lease()).await;
        begun.map_err(|fault| OpenError::Unreachable { source: Arc::new(RegistryError::from(fault)) })?;
        drop(client);
        let shared = Arc::new(Shared {
            sessions,
            upkeep,
            run,
            started_at,
            lease: settings.lease(),
            recovered: AtomicBool::new(false),
            doubtful: Mutex::default(),
            unsigned: Mutex::default(),
            loose_end: Notify::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let keeping = Mutex::new(Some(tokio::spawn(lease::keep(Arc::clone(&shared), stopped))));
        Ok(Self { shared, stop, keeping })
    }
}

/// A question, or a change of one statement: `answer!(self, client => work)`.
macro_rules! answer {
    ($registry:expr, $client:ident => $work:expr) => {
        Box::pin(async move {
            let done: Result<_, Fault> = attempt!(&$registry.shared.sessions, session => {
                let $client = session.client();
                $work
            });
            Ok(done?)
        })
    };
}

impl Registry for PostgresRegistry {
    fn begin(&self, intent: Intent) -> Answer<'_, Begun> {
        Box::pin(async move {
            intent.check()?;
            let (shared, mut was_asked) = (&*self.shared, false);
            let begun: Result<Begun, Fault> = attempt!(&shared.sessions, session => {
                was_asked = true;
                begin(shared, session.client(), &intent)
            });
            if let Err(fault) = &begun
                && was_asked
                && !matches!(fault, Fault::Registry(RegistryError::DocumentIdTaken(_)))
            {
                shared.leave_unsigned(intent.document_id);
            }
            Ok(begun?)
        })
    }

    fn complete(&self, document_id: DocumentId, issued: Issued) -> Answer<'_, ()> {
        Box::pin(async move {
            issued.check()?;
            let shared = &*self.shared;
            let done: Result<(), Fault> = attempt!(&shared.sessions, session =>
                issuing::complete(session.client(), document_id, &issued, &shared.run)
            );
            shared.settle(document_id, done.map_err(RegistryError::from))
        })
    }

    fn abandon(&self, document_id: DocumentId) -> Answer<'_, ()> {
        Box::pin(async move {
            let shared = &*self.shared;
            if shared.doubtful().contains_key(&document_id) {
                return Err(RegistryError::NotInProgress(document_id));
            }
            let taken: Result<bool, Fault> = attempt!(&shared.sessions, session =>
                issuing::take_back(session.client(), document_id, &shared.run)
            );
            match taken {
                Ok(true) => Ok(()),
                Ok(false) => Err(RegistryError::NotInProgress(document_id)),
                Err(fault) => {
                    shared.leave_unsigned(document_id);
                    Err(fault.into())
                }
            }
        })
    }

    fn mark_unknown(&self, document_id: DocumentId) -> Answer<'_, ()> {
        Box::pin(async move {
            let shared = &*self.shared;
            let marked: Result<bool, Fault> = attempt!(&shared.sessions, session =>
                issuing::mark_unknown(session.client(), document_id, &shared.run)
            );
            let marked = marked.map_err(RegistryError::from).and_then(|marked| match marked {
                true => Ok(()),
                false => Err(RegistryError::NotInProgress(document_id)),
            });
            shared.settle(document_id, marked)
        })
    }

    fn recover(&self) -> Answer<'_, Vec<Intent>> {
        Box::pin(async move {
            let left: Result<Vec<Intent>, Fault> = attempt!(&self.shared.sessions, session => async {
                raising::revive(session.client()).await?;
                lease::take_over(session.client(), &self.shared.run).await
            });
            self.shared.recovered.store(true, Ordering::Relaxed);
            Ok(left?)
        })
    }

    fn leave(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.stop.send_replace(true);
            let keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(keeping) = keeping {
                // A panic there was reported when it happened; the lease ends by itself.
                drop(keeping.await);
            }
            Ok(())
        })
    }

    fn document(&self, document_id: DocumentId) -> Answer<'_, Option<IssuedDocument>> {
        answer!(self, client => issuing::read_document(client, document_id))
    }

    fn newest(&self, document_id: DocumentId) -> Answer<'_, Option<Newest>> {
        answer!(self, client => raising::newest(client, document_id))
    }

    fn due(&self, now: Time, most: usize) -> Answer<'_, Vec<Due>> {
        answer!(self, client => raising::due(client, now, most, &self.shared.run, self.shared.lease))
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        answer!(self, client => raising::backlog(client))
    }

    fn raise(&self, document_id: DocumentId, raised: Raised) -> Answer<'_, ()> {
        Box::pin(async move {
            raised.check()?;
            let done: Result<(), Fault> = attempt!(&self.shared.sessions, session => async {
                let transaction = session.serializable().await?;
                raising::raise(&transaction, document_id, &raised).await?;
                Ok(transaction.commit().await?)
            });
            Ok(done?)
        })
    }

    fn renew(&self, before: Time, now: Time) -> Answer<'_, ()> {
        answer!(self, client => async {
            if raising::ends_before(client, before).await? { raising::renew(client, before, now).await } else { Ok(()) }
        })
    }

    fn put_off(&self, document_id: DocumentId, again: Again) -> Answer<'_, ()> {
        answer!(self, client => raising::put_off(client, document_id, again))
    }

    fn status(&self, document_id: DocumentId) -> Answer<'_, Option<DocumentStatus>> {
        answer!(self, client => standing::read_status(client, document_id))
    }

    fn set_status(&self, document_id: DocumentId, change: StatusChange) -> Answer<'_, DocumentStatus> {
        Box::pin(async move {
            change.check()?;
            let done: Result<DocumentStatus, Fault> = attempt!(&self.shared.sessions, session => async {
                let transaction = session.serializable().await?;
                let status = standing::set_status(&transaction, document_id, change.clone()).await?;
                transaction.commit().await?;
                Ok(status)
            });
            Ok(done?)
        })
    }

    fn lease_status_places(&self) -> Answer<'_, u32> {
        answer!(self, client => async {
            for _ in 0..MOST_ROUNDS {
                if let Some(block) = listing::lease(client, &self.shared.run).await? {
                    return Ok(block);
                }
            }
            Err(SessionFault::Collisions.into())
        })
    }

    fn status_blocks(&self) -> Answer<'_, u32> {
        answer!(self, client => listing::next_block(client))
    }

    fn listed(&self, since: Option<Time>, after: Option<StatusPlace>, most: usize) -> Answer<'_, Vec<Listed>> {
        answer!(self, client => listing::listed(client, since, after, most))
    }

    fn look_up(&self, digests: Vec<LookupDigest>) -> Answer<'_, Vec<DocumentId>> {
        answer!(self, client => lookup::find(client, &digests))
    }

    fn find_by_digest(&self, document_digest: Sha256) -> Answer<'_, Vec<DocumentId>> {
        answer!(self, client => async {
            let statement = client
                .prepare_cached(
                    "SELECT id FROM antin.document WHERE document_digest = $1 AND progress = 'issued' \
                     ORDER BY signed_at DESC, id LIMIT $2",
                )
                .await?;
            let rows = client.query(&statement, &[&&document_digest[..], &(MOST_FOUND as i64)]).await?;
            rows.iter().map(|row| octets(row, 0).map(DocumentId::from_bytes)).collect()
        })
    }

    fn issuance_queue(&self) -> &dyn IssuanceQueue {
        self
    }
}

/// Inserts the intent, or says what is there in its place.
async fn begin(shared: &Shared, client: &deadpool_postgres::Client, intent: &Intent) -> Result<Begun, Fault> {
    for _ in 0..MOST_ROUNDS {
        if issuing::insert(client, intent, &shared.run).await? {
            return Ok(Begun::Fresh);
        }
        let earlier = issuing::earlier(client, intent).await?;
        // What was begun for nobody does not stand in the way of who asks again.
        if let Earlier::Found { document_id, run, .. } = &earlier
            && *run == shared.run
            && shared.is_unsigned(*document_id)
            && issuing::take_back(client, *document_id, run).await?
        {
            shared.unsigned().remove(document_id);
            continue;
        }
        let ended_here = |id: &DocumentId| shared.doubtful().contains_key(id);
        if let Some(begun) = issuing::judge(client, intent, earlier, &shared.run, ended_here).await? {
            return Ok(begun);
        }
    }
    Err(SessionFault::Collisions.into())
}

/// Why there is no first connection.
fn unreachable(error: PoolError) -> OpenError {
    match &error {
        PoolError::PostCreateHook(deadpool_postgres::HookError::Message(message)) => {
            if let Some(encoding) = message.strip_prefix(fault::OTHER_ENCODING) {
                return OpenError::Encoding { encoding: encoding.to_owned() };
            }
            let setting = message.strip_prefix(fault::NOT_DURABLE).unwrap_or(message);
            OpenError::NotDurable { setting: setting.to_owned() }
        }
        _ => OpenError::Unreachable { source: Arc::new(sort_pool_error(error)) },
    }
}

/// A column of so many octets.
fn octets<const LENGTH: usize>(row: &Row, column: usize) -> Result<[u8; LENGTH], Fault> {
    let found: &[u8] = row.try_get(column).map_err(Fault::Damaged)?;
    found.try_into().map_err(|_| contradiction("an id or a digest of another length"))
}

/// A column that holds a name of a closed set.
fn named<T>(row: &Row, column: usize, from_name: fn(&str) -> Option<T>) -> Result<T, Fault> {
    let name: &str = row.try_get(column).map_err(Fault::Damaged)?;
    from_name(name).ok_or_else(|| contradiction("a name that this version does not know"))
}

/// A column that holds a small number.
fn small(row: &Row, column: usize) -> Result<u32, Fault> {
    let number: i64 = row.try_get(column).map_err(Fault::Damaged)?;
    u32::try_from(number).map_err(|_| contradiction("a number out of range"))
}

fn contradiction(what: &'static str) -> Fault {
    let source: Box<dyn std::error::Error + Send + Sync> = what.into();
    Fault::Registry(RegistryError::Damaged { source: source.into() })
}
