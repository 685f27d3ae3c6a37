//! One node asks a source for all: who holds the source's lock. It lives for seconds and is renewed; a node that dies, hangs or
//! loses Redis loses it. A node that the source did not answer does not take it.

use std::time::Duration;

use redis::cmd;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tracing::info;

use super::StoreFault;
use super::connect::{Connection, Door};
use super::keys::{self, Keys};
use crate::config::revocation::RedisSettings;
use crate::revocation::StartError;
use crate::revocation::turn::{Role, Seat};

/// The life of a lock that is not renewed.
const LIFE: Duration = Duration::from_secs(6);
/// How often it is renewed, or tried.
const ROUND: Duration = Duration::from_secs(2);

/// Places of one node: each costs one command a round, and all must be done within the life of a lock.
const PLACES: usize = 512;

/// One source that may be asked by one node for all.
struct Place {
    key: String,
    /// Of a configured source.
    label: Option<String>,
    seat: Seat,
    role: Role,
}

/// The locks of all sources.
pub(in crate::revocation) struct Locks {
    door: Door,
    keys: Keys,
    /// Random, so that nobody renews or frees another's.
    name: String,
    /// Whether lists come and go: who cannot share them asks for no one.
    up: watch::Receiver<bool>,
    places: Vec<Place>,
    connection: Option<Connection>,
    /// The other end of [`Entrance`].
    coming: mpsc::UnboundedReceiver<(Vec<String>, Seat)>,
    entrance: Entrance,
}

/// By which the lists come that are found while the node runs.
#[derive(Clone)]
pub(in crate::revocation) struct Entrance(mpsc::UnboundedSender<(Vec<String>, Seat)>);

impl Entrance {
    /// Takes part for what is at this URL, until its turn is dropped.
    pub fn join(&self, url: &str, seat: Seat) {
        // While the node stops each turn is its own.
        let _ = self.0.send((vec![url.to_owned()], seat));
    }
}

impl Locks {
    pub fn new(settings: &RedisSettings, up: watch::Receiver<bool>) -> Result<Self, StartError> {
        let mut name = [0; 16];
        // Without randomness there is no lock, and each node asks for itself.
        let name = openssl::rand::rand_bytes(&mut name).map(|()| hex::encode(name)).unwrap_or_default();
        let (door, keys) = (Door::new(settings)?, Keys::new(&settings.prefix));
        let (entrance, coming) = mpsc::unbounded_channel();
        let entrance = Entrance(entrance);
        Ok(Self { door, keys, name, up, places: Vec::new(), connection: None, coming, entrance })
    }

    pub fn entrance(&self) -> Entrance {
        self.entrance.clone()
    }

    /// Takes part for the source with these URLs.
    pub fn add(&mut self, urls: &[String], label: String, seat: Seat) {
        self.places.push(Place { key: self.keys.lock(urls), label: Some(label), seat, role: Role::Alone });
    }

    /// Takes and renews until told to stop; then frees what is held.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let started = Instant::now();
            tokio::select! {
                // Also when the sender is gone.
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.round() => {}
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep(ROUND.saturating_sub(started.elapsed())) => {}
                Ok(()) = self.up.changed() => {}
            }
        }
        // A lock that cannot be freed ends by itself.
        let _ = self.release().await;
    }

    async fn round(&mut self) {
        self.come_and_go().await;
        let mut reached = *self.up.borrow_and_update() && !self.name.is_empty();
        if !reached {
            // Who still gets through leaves the locks to those who can share.
            let _ = self.release().await;
        }
        for index in 0..self.places.len() {
            let claimed = if reached { self.claim(index).await } else { Err(StoreFault::Stopped) };
            // The fault itself is told by the store, which goes the same way.
            reached &= claimed.is_ok();
            let role = claimed.unwrap_or(Role::Alone);
            self.places[index].take(role);
        }
        if !reached {
            self.connection = None;
        }
    }

    /// Takes in what was found, and leaves what nobody asks for any more to the other nodes.
    async fn come_and_go(&mut self) {
        for index in (0..self.places.len()).rev() {
            if self.places[index].seat.is_left() {
                if self.places[index].role == Role::Leading {
                    // A lock that cannot be freed ends by itself.
                    let _ = self.free(index).await;
                }
                self.places.remove(index);
            }
        }
        while let Ok((urls, seat)) = self.coming.try_recv() {
            // Where there is no place, each node asks for itself.
            if self.places.len() < PLACES && !seat.is_left() {
                self.places.push(Place { key: self.keys.lock(&urls), label: None, seat, role: Role::Alone });
            }
        }
    }

    async fn claim(&mut self, index: usize) -> Result<Role, StoreFault> {
        let place = &self.places[index];
        let able = place.seat.is_able();
        let mut claim = cmd("EVAL");
        claim.arg(keys::CLAIM).arg(1).arg(&place.key).arg(&self.name);
        claim.arg(LIFE.as_millis() as u64).arg(u8::from(able));
        if place.role == Role::Leading && !able {
            self.free(index).await?;
        }
        match self.ask(&claim).await? {
            1 => Ok(Role::Leading),
            0 => Ok(Role::Following),
            _ => Ok(Role::Alone),
        }
    }

    async fn free(&mut self, index: usize) -> Result<(), StoreFault> {
        let mut release = cmd("EVAL");
        release.arg(keys::RELEASE).arg(1).arg(&self.places[index].key).arg(&self.name);
        self.ask(&release).await.map(drop)
    }

    async fn release(&mut self) -> Result<(), StoreFault> {
        for index in 0..self.places.len() {
            if self.places[index].role == Role::Leading {
                self.free(index).await?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, command: &redis::Cmd) -> Result<i64, StoreFault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.door.connect().await?),
        };
        connection.query(command).await.map_err(|error| StoreFault::of(&error))
    }
}

impl Place {
    fn take(&mut self, role: Role) {
        self.role = role;
        let leading = if role == Role::Leading { 1.0 } else { 0.0 };
        let changed = self.seat.tell(role);
        let Some(label) = &self.label else { return };
        metrics::gauge!("antin_revocation_leading", "source" => label.clone()).set(leading);
        if changed {
            let who = match role {
                Role::Alone => "each node for itself",
                Role::Leading => "this node for all",
                Role::Following => "another node for all",
            };
            info!(target: "antin::revocation", source = ?label, who, "who asks the source has changed");
        }
    }
}
