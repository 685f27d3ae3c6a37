//! Redis, shared by the nodes: fast memory that is never believed.
//!
//! - [`keys`]: every key, channel and script; [`connect`]: one server, Sentinel or Cluster; `store`: the lists; `notice`: news of
//!   the other nodes; `lock`: one node asks a source for all.
//!
//! Who owns Redis can make us slow, not wrong: every list read is verified again and measured against the marks, and a node asks
//! each source itself after `follow-seconds` at the latest, whoever says to be asking for all.

mod connect;
mod keys;
mod lock;
mod notice;
mod store;
mod tokens;

use redis::{ErrorKind, RedisError};

pub(super) use self::lock::{Entrance, Locks};
pub(super) use self::store::RedisStore;
pub(super) use self::tokens::TokenStore;

/// Why Redis could not be used. Holds nothing that Redis sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreFault {
    TimedOut,
    /// Not reached, cut off, or no Redis.
    Connection,
    /// User or password refused.
    Authentication,
    /// A command was refused: read-only, full, or not allowed to the user.
    Refused,
    Stopped,
}

impl StoreFault {
    const fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Connection => "connection",
            Self::Authentication => "authentication",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }

    fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Authentication,
            _ if error.is_timeout() => Self::TimedOut,
            _ if error.code().is_some() => Self::Refused,
            _ => Self::Connection,
        }
    }
}
