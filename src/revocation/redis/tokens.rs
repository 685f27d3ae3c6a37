//! Status list tokens in Redis: put there by who signs them, taken by who has no newer one. What is taken is verified like what came
//! from anywhere.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, cmd};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::StoreFault;
use super::connect::{Connection, Door};
use crate::config::revocation::RedisSettings;
use crate::core::crypto::sha256;
use crate::core::time::Time;
use crate::revocation::StartError;

/// How long a Redis that failed is left alone.
const REST: Duration = Duration::from_secs(5);

pub(in crate::revocation) struct TokenStore {
    door: Door,
    prefix: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    rests_until: Option<Instant>,
}

impl TokenStore {
    pub fn new(settings: &RedisSettings) -> Result<Self, StartError> {
        Ok(Self { door: Door::new(settings)?, prefix: settings.prefix.clone(), state: Mutex::default() })
    }

    fn key(&self, uri: &str) -> String {
        format!("{}:status-list:{{{}}}", self.prefix, hex::encode(sha256(uri.as_bytes())))
    }

    /// What lies there for the list, at most so many octets.
    pub async fn get(&self, uri: &str, limit: usize) -> Option<Vec<u8>> {
        let mut command = cmd("GETRANGE");
        command.arg(self.key(uri)).arg(0).arg(limit);
        self.ask::<Vec<u8>>(&command).await.filter(|octets| !octets.is_empty())
    }

    /// Until it expires.
    pub async fn put(self: &Arc<Self>, uri: &str, token: &[u8], expires_at: Time) {
        let mut command = cmd("SET");
        command.arg(self.key(uri)).arg(token).arg("EXAT").arg(expires_at.unix());
        self.ask::<redis::Value>(&command).await;
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut state = self.state.lock().await;
        if state.rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let fault = match self.query(&mut state, command).await {
            Ok(value) => {
                state.rests_until = None;
                return Some(value);
            }
            Err(fault) => fault,
        };
        // A value of another type says nothing about Redis.
        if fault != StoreFault::Refused {
            state.connection = None;
            state.rests_until = Some(Instant::now() + REST);
        }
        metrics::counter!("antin_status_list_redis_failures_total", "reason" => fault.code()).increment(1);
        warn!(target: "antin::revocation", code = fault.code(), "status lists are not shared through Redis");
        None
    }

    async fn query<T: FromRedisValue>(&self, state: &mut State, command: &Cmd) -> Result<T, StoreFault> {
        let connection = match &mut state.connection {
            Some(connection) => connection,
            none => none.insert(self.door.connect().await?),
        };
        connection.query(command).await.map_err(|error| StoreFault::of(&error))
    }
}
