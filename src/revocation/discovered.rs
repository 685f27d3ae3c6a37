//! CRLs found by what certificates name: kept fresh as long as something uses them, then forgotten. Bounded in number.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::admission::Admitted;
use super::candidate::CrlScope;
use super::redis::Entrance;
use super::schedule::{Schedule, random};
use super::turn::Turn;
use crate::clock;
use crate::config::revocation::RevocationSettings;
use crate::core::x509::Certificate;

/// How long a list that was asked for is not asked for again if no outcome is told.
const PUT_OFF: Duration = Duration::from_secs(60);

pub(super) struct Discovered {
    lists: Mutex<HashMap<String, Entry>>,
    schedule: Schedule,
    limit: usize,
    idle: Duration,
    /// With a shared memory one node asks for all.
    shared: Option<Shared>,
}

struct Shared {
    entrance: Entrance,
    follow_seconds: u64,
    ahead_seconds: u64,
}

struct Entry {
    /// Of the list that it gave.
    scope: Option<CrlScope>,
    used: Instant,
    due: Instant,
    schedule: Schedule,
    turn: Turn,
}

impl Discovered {
    /// `entrance`: to the locks of the sources, where nodes share them.
    pub fn new(settings: &RevocationSettings, entrance: Option<Entrance>) -> Self {
        let shared = settings.redis.as_ref().zip(entrance).map(|(redis, entrance)| Shared {
            entrance,
            follow_seconds: redis.follow_seconds,
            ahead_seconds: settings.ahead_seconds,
        });
        Self {
            lists: Mutex::new(HashMap::new()),
            schedule: Schedule::new(settings),
            limit: settings.discovered_lists,
            idle: Duration::from_secs(settings.discovered_idle_seconds),
            shared,
        }
    }

    /// Notes a list that counts: the scope that is to be forgotten for it, if one is. `refresh`: it was known, and is not taken
    /// in again if it no longer is.
    pub fn found(&self, url: &str, list: &Admitted, refresh: bool, now: Instant) -> Option<CrlScope> {
        let Admitted { scope, next_update } = *list;
        let mut lists = self.lists();
        let mut crowded_out = None;
        if refresh && !lists.contains_key(url) {
            return Some(scope).filter(|scope| !lists.values().any(|entry| entry.scope == Some(*scope)));
        }
        if lists.len() >= self.limit && !lists.contains_key(url) {
            let Some(idlest) = lists.iter().min_by_key(|(_, entry)| entry.used).map(|(url, _)| url.clone()) else {
                return Some(scope);
            };
            crowded_out = lists.remove(&idlest).and_then(|entry| entry.scope);
        }
        let entry = lists.entry(url.to_owned()).or_insert_with(|| self.entry(url, now));
        entry.scope = Some(scope);
        entry.turn.asked(Some(next_update));
        entry.due = now + entry.schedule.after_success(next_update, clock::now(), random());
        crowded_out.filter(|crowded_out| !lists.values().any(|entry| entry.scope == Some(*crowded_out)))
    }

    /// Puts the next request for a list off, after one in vain.
    pub fn failed(&self, url: &str, now: Instant) {
        if let Some(entry) = self.lists().get_mut(url) {
            entry.due = now + entry.schedule.after_failure(random());
            entry.turn.asked(None);
        }
    }

    fn entry(&self, url: &str, now: Instant) -> Entry {
        let turn = match &self.shared {
            Some(shared) => {
                let (turn, seat) = Turn::new(shared.follow_seconds, shared.ahead_seconds);
                shared.entrance.join(url, seat);
                turn
            }
            None => Turn::own(),
        };
        Entry { scope: None, used: now, due: now, schedule: self.schedule, turn }
    }

    /// The deltas of a list that was found are kept fresh as long as the list is: what they revoke is seen as soon.
    pub fn keep_deltas(&self, urls: &[String], now: Instant) {
        let mut lists = self.lists();
        for url in urls {
            if let Some(entry) = lists.get_mut(url) {
                entry.used = now;
            } else if lists.len() < self.limit {
                lists.insert(url.clone(), self.entry(url, now));
            }
        }
    }

    /// A verdict rests on these certificates, and so on their lists. `is_kept` says for which something else asks, or nobody may:
    /// of the others, the lists that are held without having been found here (a shared copy, from Redis) are kept fresh too.
    pub fn used<'a>(
        &self,
        certificates: impl Iterator<Item = &'a Certificate>,
        is_kept: impl Fn(&Certificate, &str) -> bool,
        now: Instant,
    ) {
        let mut lists = self.lists();
        for certificate in certificates {
            let points = certificate.extensions.crl_distribution_points.iter().flatten();
            let points = points.chain(&certificate.extensions.freshest_crl);
            for uri in points.flat_map(|point| point.uris()) {
                if let Some(entry) = lists.get_mut(uri) {
                    entry.used = now;
                } else if lists.len() < self.limit && !is_kept(certificate, uri) {
                    lists.insert(uri.to_owned(), self.entry(uri, now));
                }
            }
        }
    }

    /// URLs that are to be asked now, by this node; they are put off until their outcome is told.
    pub fn due(&self, now: Instant) -> Vec<String> {
        let mut lists = self.lists();
        let due = lists.iter_mut().filter_map(|(url, entry)| {
            let at = entry.turn.due_at(entry.due.into()).into_std();
            if !entry.turn.follows() {
                entry.due = at;
            }
            (at <= now).then_some((url, entry))
        });
        due.map(|(url, entry)| {
            entry.due = now + PUT_OFF;
            url.clone()
        })
        .collect()
    }

    /// Forgets what nobody uses: its scopes.
    pub fn forget(&self, now: Instant) -> Vec<CrlScope> {
        let mut lists = self.lists();
        let is_idle = |entry: &Entry| entry.used + self.idle <= now;
        let forgotten: Vec<CrlScope> =
            lists.values().filter(|entry| is_idle(entry)).filter_map(|entry| entry.scope).collect();
        lists.retain(|_, entry| !is_idle(entry));
        forgotten.into_iter().filter(|scope| !lists.values().any(|entry| entry.scope == Some(*scope))).collect()
    }

    pub fn len(&self) -> usize {
        self.lists().len()
    }

    fn lists(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // Each change is whole.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(number: u8) -> Admitted {
        Admitted { scope: scope(number), next_update: None }
    }

    const fn scope(number: u8) -> CrlScope {
        CrlScope { issuer_key: [number; 32], distribution_point: None }
    }

    #[test]
    fn the_number_is_bounded_and_what_is_idle_is_forgotten() {
        let settings =
            RevocationSettings { discovered_lists: 2, discovered_idle_seconds: 100, ..RevocationSettings::default() };
        let discovered = Discovered::new(&settings, None);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(discovered.found("a", &list(1), false, at(0)), None);
        assert_eq!(discovered.found("b", &list(2), false, at(1)), None);
        assert_eq!(discovered.found("a", &list(1), false, at(2)), None);
        assert!(discovered.due(at(3)).is_empty());
        assert_eq!(discovered.found("c", &list(3), false, at(3)), Some(scope(1)));
        // Refresh interval 300 s, shortened by at most a fifth.
        assert_eq!(discovered.due(at(400)).len(), 2);
        assert!(discovered.due(at(401)).is_empty(), "asked already");
        discovered.failed("b", at(401));
        assert_eq!(discovered.due(at(403)), ["b"]);
        assert_eq!((discovered.forget(at(100)), discovered.len()), (vec![], 2));
        assert_eq!((discovered.forget(at(101)), discovered.len()), (vec![scope(2)], 1));
        assert_eq!(discovered.found("b", &list(2), true, at(101)), Some(scope(2)), "forgotten meanwhile");
        assert_eq!((discovered.found("c", &list(3), true, at(101)), discovered.len()), (None, 1));
        let none = Discovered::new(&RevocationSettings { discovered_lists: 0, ..settings }, None);
        assert_eq!(none.found("a", &list(1), false, start), Some(scope(1)));
    }
}
