//! One piece of work on one connection: its time limit, its repetition where other work was in the way, its end.

use std::{sync::atomic::Ordering, time::Duration};

use deadpool_postgres::{Client, Object, Pool, Transaction};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::IsolationLevel;

use super::{
    connect::Warnings,
    fault::{Fault, SessionFault, sort_pool_error},
};
use crate::registry::RegistryError;

/// The most requests that wait for a connection.
const MOST_WAITING: usize = 4096;
/// How often work is done again that other work was in the way of.
const MOST_COLLISIONS: u32 = 30;
/// The pause after the first collision is up to this, then up to twice as much, and so on to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Where connections come from.
pub(super) struct Sessions {
    pub(super) pool: Pool,
    pub(super) warnings: Warnings,
    pub(super) limit: Duration,
}

/// A connection for one piece of work.
pub(super) struct Session {
    client: Client,
    until: Instant,
    warnings: Warnings,
    warned: u64,
}

/// How often one piece of work met other work.
pub(super) struct Collisions {
    met: u32,
    until: Instant,
}

impl Sessions {
    pub(super) fn begin(&self) -> Collisions {
        Collisions { met: 0, until: Instant::now() + self.limit }
    }

    /// Waits for a connection, or makes one.
    pub(super) async fn take(&self, collisions: &Collisions) -> Result<Session, RegistryError> {
        let status = self.pool.status();
        if status.waiting >= MOST_WAITING {
            return Err(RegistryError::Overloaded);
        }
        let taken = timeout_at(collisions.until, self.pool.get()).await;
        let client = match taken {
            Ok(taken) => taken.map_err(sort_pool_error)?,
            // It was waited for one that is free, or for one that was being made.
            Err(_) if status.available == 0 && status.size >= status.max_size => return Err(RegistryError::Overloaded),
            Err(_) => return Err(SessionFault::NotConnected.into()),
        };
        let warned = self.warnings.load(Ordering::SeqCst);
        Ok(Session { client, until: collisions.until, warnings: self.warnings.clone(), warned })
    }
}

impl Session {
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// A transaction that behaves as if it were alone.
    pub(super) async fn serializable(&mut self) -> Result<Transaction<'_>, Fault> {
        Ok(self.client.build_transaction().isolation_level(IsolationLevel::Serializable).start().await?)
    }

    /// When the work must be done.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// Gives the connection back if it can be used again, and says what came of the work; `None` of the outcome: it took too long.
    pub(super) fn end<T>(self, outcome: Option<Result<T, Fault>>) -> Result<T, Fault> {
        let usable = match &outcome {
            Some(Ok(_)) => true,
            Some(Err(fault)) => fault.leaves_connection(),
            None => false,
        };
        if !usable {
            // What is on its way there is lost with it; the server undoes it, or has done it.
            drop(Object::take(self.client));
        }
        let value = outcome.ok_or(SessionFault::Late)??;
        if self.warnings.load(Ordering::SeqCst) != self.warned {
            return Err(SessionFault::NotReplicated.into());
        }
        Ok(value)
    }
}

impl Collisions {
    /// Whether the work is to be done once more; then waits a little, not as long as the other who waits too.
    pub(super) async fn again(&mut self, fault: &Fault) -> bool {
        if !fault.is_collision() || self.met >= MOST_COLLISIONS {
            return false;
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.met.min(10)).min(LONGEST_PAUSE);
        self.met += 1;
        let mut drawn = [0];
        // Without a random number all wait as long as they may.
        let share = openssl::rand::rand_bytes(&mut drawn).map_or(u32::from(u8::MAX), |()| u32::from(drawn[0]));
        let pause = longest * share / u32::from(u8::MAX);
        if Instant::now() + pause >= self.until {
            return false;
        }
        sleep(pause).await;
        true
    }

    /// What is told in the end: work that met other work every time was not done.
    pub(super) fn told(fault: Fault) -> Fault {
        if fault.is_collision() { SessionFault::Collisions.into() } else { fault }
    }
}

/// Does one piece of work within the time limit, and again where other work was in the way: `attempt!(sessions, session => work)`
/// gives a `Result<_, Fault>`. A macro, because the work borrows the session and must be made anew each time.
macro_rules! attempt {
    ($sessions:expr, $session:ident => $work:expr) => {{
        let sessions: &$crate::registry::postgres::session::Sessions = $sessions;
        let mut collisions = sessions.begin();
        loop {
            #[allow(unused_mut, reason = "transactions alone change it")]
            let mut $session = match sessions.take(&collisions).await {
                Ok(session) => session,
                Err(error) => break Err($crate::registry::postgres::fault::Fault::Registry(error)),
            };
            let outcome = tokio::time::timeout_at($session.until(), $work).await.ok();
            match $session.end(outcome) {
                Err(fault) if collisions.again(&fault).await => {}
                Err(fault) => break Err($crate::registry::postgres::session::Collisions::told(fault)),
                Ok(value) => break Ok(value),
            }
        }
    }};
}
pub(super) use attempt;
