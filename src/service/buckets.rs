//! How often each of very many may do something, in fixed memory.
//!
//! A bucket is held as the time at which it will be full again (GCRA). Memory is fixed, whoever asks: two rows of buckets, in which a keyed hash finds
//! one each, and the fuller of the two counts. Who comes from many addresses can so empty buckets of others, for [`LONGEST_WAIT`] at most, and never
//! fill his own by having it forgotten.
//!
//! They are a node's own: behind a balancer of `n` nodes an origin has `n` times as much. What is shared would have to be believed, or waited
//! for; the answers themselves rest on neither.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Buckets of a row: 512 KiB.
pub const BUCKETS: usize = 1 << 16;
/// No bucket takes longer to hold one question again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What a bucket holds, and how fast it fills again.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub burst: u64,
    /// For one.
    pub each: Duration,
}

/// Ask again after this time, in whole seconds above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many questions; ask again in {0} seconds")]
pub struct AskLater(pub u64);

/// As buckets count time.
pub fn milliseconds_since(started: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(started).as_millis()).unwrap_or(u64::MAX / 2)
}

/// One household or server has a /64 of IPv6 at least, and asks from any address of it (RFC 6177).
pub fn of_one_holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

/// When each bucket is full again, in milliseconds since the start.
pub struct Buckets {
    rate: Rate,
    keys: [RandomState; 2],
    full_at: Mutex<[Box<[u64]>; 2]>,
}

impl Buckets {
    pub fn new(rate: Rate) -> Self {
        let row = || vec![0; BUCKETS].into_boxed_slice();
        Self { rate, keys: [RandomState::new(), RandomState::new()], full_at: Mutex::new([row(), row()]) }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.full_at.lock().expect("numbers").iter().map(|row| row.len()).sum()
    }

    fn places(&self, key: &impl Hash) -> [usize; 2] {
        self.keys.each_ref().map(|state| state.hash_one(key) as usize % BUCKETS)
    }

    pub fn wait(&self, key: &impl Hash, now: u64) -> Option<AskLater> {
        self.with(key, |[one, other]| self.wait_of((*one).min(*other), now))
    }

    /// Takes one, if there is one and nothing else is against it; that is asked with whether the bucket is full.
    pub fn take_unless(
        &self,
        key: &impl Hash,
        now: u64,
        against: impl FnOnce(bool) -> Option<AskLater>,
    ) -> Result<(), AskLater> {
        self.with(key, |rows| {
            let full_at = (*rows[0]).min(*rows[1]);
            if let Some(wait) = self.wait_of(full_at, now).or_else(|| against(full_at <= now)) {
                return Err(wait);
            }
            rows.into_iter().for_each(|full_at| *full_at = self.after(*full_at, 1, now));
            Ok(())
        })
    }

    pub fn take(&self, key: &impl Hash, count: u64, now: u64) {
        self.with(key, |rows| rows.into_iter().for_each(|full_at| *full_at = self.after(*full_at, count, now)));
    }

    fn with<T>(&self, key: &impl Hash, work: impl FnOnce([&mut u64; 2]) -> T) -> T {
        let [first, second] = self.places(key);
        // Whoever panicked here left numbers, which are good whatever they are.
        let mut rows = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let [one, other] = &mut *rows;
        work([&mut one[first], &mut other[second]])
    }

    fn after(&self, full_at: u64, count: u64, now: u64) -> u64 {
        let lowest = now + self.last_but_one() + milliseconds(LONGEST_WAIT);
        (full_at.max(now) + count * milliseconds(self.rate.each)).min(lowest)
    }

    fn wait_of(&self, full_at: u64, now: u64) -> Option<AskLater> {
        let there_at = full_at.saturating_sub(self.last_but_one());
        (there_at > now).then(|| AskLater((there_at - now).div_ceil(1000)))
    }

    /// How long before it is full a bucket holds one.
    fn last_but_one(&self) -> u64 {
        (self.rate.burst - 1) * milliseconds(self.rate.each)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 4)
}
