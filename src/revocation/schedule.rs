//! When a source is asked again.

use std::time::Duration;

use crate::config::revocation::RevocationSettings;
use crate::core::time::Time;

/// First wait after a failure; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest wait while `nextUpdate` is near or past.
const URGENT: Duration = Duration::from_secs(30);

/// The waits of one source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    refresh: Duration,
    ahead: i64,
    jitter: f64,
    longest_backoff: Duration,
    failures: u32,
}

impl Schedule {
    pub fn new(settings: &RevocationSettings) -> Self {
        Self {
            refresh: Duration::from_secs(settings.refresh_seconds),
            ahead: i64::try_from(settings.ahead_seconds).unwrap_or(i64::MAX),
            jitter: f64::from(settings.jitter_percent) / 100.0,
            longest_backoff: Duration::from_secs(settings.backoff_seconds),
            failures: 0,
        }
    }

    /// The wait after a list that counts: the refresh interval, or until `ahead` before `nextUpdate`.
    pub fn after_success(&mut self, next_update: Option<Time>, now: Time, random: f64) -> Duration {
        self.failures = 0;
        let until_due = next_update.map(|end| end.plus_seconds(-self.ahead).seconds_since(now));
        let wait = match until_due.map(u64::try_from) {
            None => self.refresh,
            Some(Ok(due)) => self.refresh.min(Duration::from_secs(due).max(URGENT.min(self.refresh))),
            Some(Err(_)) => self.refresh.min(URGENT),
        };
        self.shortened(wait, random)
    }

    /// The wait after a failure.
    pub fn after_failure(&mut self, random: f64) -> Duration {
        let wait = FIRST_BACKOFF.saturating_mul(1 << self.failures.min(20)).min(self.longest_backoff);
        self.failures = self.failures.saturating_add(1);
        self.shortened(wait, random)
    }

    /// `random` is in 0..1.
    fn shortened(&self, wait: Duration, random: f64) -> Duration {
        wait.mul_f64(1.0 - self.jitter * random)
    }
}

/// A number in 0..1 to spread waits with; its quality matters to no one.
pub(super) fn random() -> f64 {
    let mut octets = [0; 4];
    // Without randomness every node waits the whole time.
    let _ = openssl::rand::rand_bytes(&mut octets);
    f64::from(u32::from_be_bytes(octets)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_next_update_and_failures() {
        let mut schedule = Schedule::new(&RevocationSettings { refresh_seconds: 300, ..RevocationSettings::default() });
        let now = Time::from_unix(1_800_000_000);
        let seconds = |wait: Duration| wait.as_secs_f64();
        assert_eq!(seconds(schedule.after_success(None, now, 0.0)), 300.0);
        assert_eq!(seconds(schedule.after_success(Some(now.plus_seconds(86_400)), now, 0.0)), 300.0);
        assert_eq!(seconds(schedule.after_success(Some(now.plus_seconds(86_400)), now, 0.5)), 270.0);
        assert_eq!(seconds(schedule.after_success(Some(now.plus_seconds(3700)), now, 0.0)), 100.0);
        assert_eq!(seconds(schedule.after_success(Some(now.plus_seconds(60)), now, 0.0)), 30.0);
        assert_eq!(seconds(schedule.after_success(Some(now.plus_seconds(-60)), now, 0.0)), 30.0);
        let waits: Vec<f64> = (0..40).map(|_| seconds(schedule.after_failure(0.0))).collect();
        assert_eq!(waits[..5], [1.0, 2.0, 4.0, 8.0, 8.0]);
        assert_eq!(waits[39], 8.0);
        schedule.after_success(None, now, 0.0);
        assert_eq!(seconds(schedule.after_failure(0.0)), 1.0);
        assert!((0..100).map(|_| random()).all(|number| (0.0..1.0).contains(&number)));
    }
}
