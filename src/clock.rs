//! The only reader of the wall clock (held by `disallowed-methods` in `clippy.toml`).

use std::time::{SystemTime, UNIX_EPOCH};

use crate::core::time::Time;

/// The present moment; a machine whose clock stands before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_unix(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}
