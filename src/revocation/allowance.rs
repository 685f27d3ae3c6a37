//! How often URLs of certificates that nobody vouches for are asked: whoever sends a document could choose them. Each caller that
//! says who it is has a share of its own at each host, and all others have one together, so that nobody uses up another's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Fetches a minute of one share.
const A_MINUTE: u32 = 120;
const MINUTE: Duration = Duration::from_secs(60);

/// The fetches of each share since a minute began. As many shares as there are allowed hosts and named clients, at most.
pub(super) struct Allowance(Mutex<(Instant, HashMap<Share, u32>)>);

/// The client, none for all that are not known, and the host with its port.
type Share = (Option<String>, (String, u16));

impl Allowance {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new((now, HashMap::new())))
    }

    /// Counts one fetch, if the share has one left.
    pub fn spend(&self, client: Option<&str>, host: (String, u16), now: Instant) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(spent.0) >= MINUTE {
            *spent = (now, HashMap::new());
        }
        let count = spent.1.entry((client.map(str::to_owned), host)).or_default();
        let is_left = *count < A_MINUTE;
        *count += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_uses_up_the_share_of_another() {
        let start = Instant::now();
        let allowance = Allowance::new(start);
        let spend = |client, host: &str, now| allowance.spend(client, (host.to_owned(), 80), now);
        let left = (0..2 * A_MINUTE).filter(|_| spend(None, "a", start)).count();
        assert_eq!(left, A_MINUTE as usize);
        assert!(spend(Some("x"), "a", start) && spend(Some("y"), "a", start) && spend(None, "b", start));
        let later = start + MINUTE;
        assert!(!spend(None, "a", later - Duration::from_millis(1)) && spend(None, "a", later));
    }
}
