//! What asking gave, remembered for a while: what was had is not fetched for every request, and what failed is not asked for again
//! at once. Bounded; nothing in it is believed, for the core verifies what it uses each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::core::x509::Certificate;
use crate::core::x509::ocsp::OcspResponse;

/// Outcomes kept.
const LIMIT: usize = 1024;
/// How long something that did not suffice is not fetched anew.
const AGAIN: Duration = Duration::from_secs(10);
/// How long what was had is kept at most.
const LONGEST: Duration = Duration::from_secs(3600);
/// First wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What one place gave.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Every certificate that lay there.
    Certificates(Arc<[Arc<Certificate>]>),
    /// A list that counts; it is in the snapshot.
    List,
    Response(Arc<OcspResponse>),
    /// Nothing of use; how long asking again is known to be useless.
    Nothing(Option<Duration>),
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub outcome: Outcome,
    pub at: Instant,
    until: Instant,
    failures: u32,
}

impl Kept {
    /// When it makes sense to ask again.
    pub fn again(&self) -> Instant {
        if matches!(self.outcome, Outcome::Nothing(_)) { self.until } else { self.at + AGAIN }
    }
}

pub(super) struct Outcomes {
    kept: Mutex<HashMap<String, Kept>>,
    longest_wait: Duration,
}

impl Outcomes {
    pub fn new(longest_wait: Duration) -> Self {
        Self { kept: Mutex::new(HashMap::new()), longest_wait }
    }

    pub fn get(&self, key: &str, now: Instant) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|kept| now < kept.until).cloned()
    }

    /// Keeps an outcome, for at most `lifetime` if it is a good one.
    pub fn keep(&self, key: &str, outcome: Outcome, lifetime: Duration, now: Instant) -> Kept {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = match outcome {
            Outcome::Nothing(_) => all.get(key).map_or(0, |before| before.failures).saturating_add(1),
            _ => 0,
        };
        let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.longest_wait);
        let lasts = match outcome {
            Outcome::Nothing(wait) => wait.unwrap_or_default().max(doubled),
            _ => lifetime.min(LONGEST),
        };
        let kept = Kept { outcome, at: now, until: now + lasts, failures };
        if all.len() >= LIMIT && !all.contains_key(key) {
            all.retain(|_, kept| now < kept.until);
        }
        if all.len() >= LIMIT && !all.contains_key(key) {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.at).map(|(key, _)| key.clone());
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(key.to_owned(), kept.clone());
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_the_memory_does_not() {
        let outcomes = Outcomes::new(Duration::from_secs(8));
        let start = Instant::now();
        let waits: Vec<u64> = (0..6)
            .map(|_| outcomes.keep("a", Outcome::Nothing(None), LONGEST, start).again().duration_since(start).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert!(outcomes.get("a", start + Duration::from_secs(7)).is_some());
        assert!(outcomes.get("a", start + Duration::from_secs(8)).is_none());
        assert_eq!(outcomes.keep("a", Outcome::List, LONGEST, start).again(), start + AGAIN);
        assert_eq!(outcomes.keep("a", Outcome::Nothing(None), LONGEST, start).failures, 1);
        for index in 0..2 * LIMIT {
            outcomes.keep(&index.to_string(), Outcome::List, LONGEST, start + Duration::from_millis(index as u64));
        }
        assert_eq!(outcomes.kept.lock().expect("a map").len(), LIMIT);
        assert!(outcomes.get("a", start).is_none() && outcomes.get("2047", start).is_some());
    }
}
