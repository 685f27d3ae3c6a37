//! A circuit breaker: a host that does not answer is left alone for a while, then tried with one request.

use std::time::{Duration, Instant};

/// When a host is left alone.
#[derive(Clone, Copy, Debug)]
pub struct BreakerLimits {
    /// Failures in a row after which it is.
    pub failures: u32,
    /// For how long.
    pub rest: Duration,
}

/// Whether a host is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is; so many requests in a row failed.
    Closed { failures: u32 },
    /// It is not, until then.
    Open { until: Instant },
    /// One request is under way, which decides.
    HalfOpen { since: Instant },
}

/// A change that an operator wants to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Opened,
    Closed,
}

#[derive(Debug)]
pub struct Breaker {
    limits: BreakerLimits,
    state: State,
}

impl Breaker {
    pub const fn new(limits: BreakerLimits) -> Self {
        Self { limits, state: State::Closed { failures: 0 } }
    }

    /// May a request be made now? If not, how long to wait.
    pub fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Closed { .. } => return Ok(()),
            State::Open { until } if now < until => return Err(until - now),
            // A trial that never ended does not rest the host for good.
            State::HalfOpen { since } if now < since + self.limits.rest => return Err(since + self.limits.rest - now),
            State::Open { .. } | State::HalfOpen { .. } => {}
        }
        self.state = State::HalfOpen { since: now };
        Ok(())
    }

    /// Nothing speaks against the host.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Takes the outcome of a request: whether the host answered, rightly or wrongly.
    pub fn record(&mut self, now: Instant, answered: bool) -> Option<Change> {
        let before = self.state;
        self.state = match before {
            _ if answered => State::Closed { failures: 0 },
            State::Closed { failures } if failures + 1 < self.limits.failures => {
                State::Closed { failures: failures + 1 }
            }
            // Requests that were under way when it opened do not make it longer.
            State::Open { until } => State::Open { until },
            State::Closed { .. } | State::HalfOpen { .. } => State::Open { until: now + self.limits.rest },
        };
        match (before, self.state) {
            (State::Closed { .. }, State::Open { .. }) => Some(Change::Opened),
            (State::Open { .. } | State::HalfOpen { .. }, State::Closed { .. }) => Some(Change::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_and_closes_after_one_success() {
        let rest = Duration::from_secs(5);
        let mut breaker = Breaker::new(BreakerLimits { failures: 3, rest });
        let start = Instant::now();
        for answered in [false, false, true, false, false] {
            assert_eq!((breaker.admit(start), breaker.record(start, answered)), (Ok(()), None));
        }
        assert!(breaker.is_closed());
        assert_eq!(breaker.record(start, false), Some(Change::Opened));
        assert!(!breaker.is_closed());
        assert_eq!(breaker.admit(start + Duration::from_secs(1)), Err(Duration::from_secs(4)));
        // A request from before it opened does not change when it ends.
        assert_eq!(breaker.record(start + Duration::from_secs(2), false), None);
        let later = start + rest;
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(rest), "one trial at a time");
        assert_eq!(breaker.record(later, false), None);
        assert_eq!(breaker.admit(later), Err(rest));
        assert_eq!(breaker.admit(later + rest), Ok(()));
        assert_eq!(breaker.record(later + rest, true), Some(Change::Closed));
        assert_eq!(breaker.admit(later + rest), Ok(()));
        assert_eq!(breaker.admit(later + rest), Ok(()));
    }
}
