//! How often strangers may ask by the five fields, and how much slower after wrong answers.
//!
//! Each origin (an IPv4 address, a /64 of IPv6) and each file code has a bucket, held as the time at which it will be full again (GCRA). A
//! question takes one from that of its origin, a wrong answer `WRONG` more and one from that of the file code. Who is refused pays
//! nothing, and no bucket is ever further down than `LONGEST_WAIT`: asking for ever shuts nobody out for longer.
//!
//! A file code that many guess at is refused, but not to origins whose own bucket is full: who holds the paper, and has not asked
//! lately, is let in at once, whatever others do to its file code. The price is one guess a code for each address of a botnet at each
//! time that its bucket has filled again, which the size of the other four fields has to bear.
//!
//! Memory is fixed, whoever asks: two rows of buckets, in which a keyed hash finds one each, and the fuller of the two counts. Who comes from many
//! addresses can so empty buckets of others, for `LONGEST_WAIT` at most, and never fill his own by having it forgotten. Of a
//! file code nothing is kept but which bucket it fell into, by a hash whose key dies with the process.
//!
//! It is a node's own: behind a balancer of `n` nodes an origin has `n` times as much. What is shared would have to be believed, or waited
//! for; the answers themselves rest on neither.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Buckets of a row: 512 KiB.
const BUCKETS: usize = 1 << 16;
/// What an origin may ask at one time, and how fast that fills again.
const ORIGIN: Rate = Rate { burst: 10, each: Duration::from_secs(6) };
/// The wrong answers about one file code at one time, likewise.
const FILE_CODE: Rate = Rate { burst: 20, each: Duration::from_secs(30) };
/// A wrong answer costs its origin so many questions more.
const WRONG: u64 = 2;
/// No bucket takes longer to hold one question again.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

struct Rate {
    burst: u64,
    each: Duration,
}

/// Ask again after this time, in whole seconds above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many questions; ask again in {0} seconds")]
pub struct AskLater(pub u64);

/// What was asked lately, by whom and about what.
pub struct Guesses {
    started: Instant,
    origins: Buckets,
    file_codes: Buckets,
}

impl Guesses {
    pub fn new(started: Instant) -> Self {
        Self { started, origins: Buckets::new(ORIGIN), file_codes: Buckets::new(FILE_CODE) }
    }

    /// Lets a question in, or says when it would be. The file code is the normalised one.
    ///
    /// # Errors
    /// [`AskLater`]; nothing was taken.
    pub fn admit(&self, origin: IpAddr, file_code: &str, now: Instant) -> Result<(), AskLater> {
        let now = self.milliseconds(now);
        self.origins.take_unless(&of_one_holder(origin), now, |is_full| {
            if is_full { None } else { self.file_codes.wait(&file_code, now) }
        })
    }

    /// The answer was that nothing was found, whatever the reason.
    pub fn note_wrong(&self, origin: IpAddr, file_code: &str, now: Instant) {
        let now = self.milliseconds(now);
        self.origins.take(&of_one_holder(origin), WRONG, now);
        self.file_codes.take(&file_code, 1, now);
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX / 2)
    }
}

/// One household or server has a /64 of IPv6 at least, and asks from any address of it (RFC 6177).
fn of_one_holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

/// When each bucket is full again, in milliseconds since the start.
struct Buckets {
    rate: Rate,
    keys: [RandomState; 2],
    full_at: Mutex<[Box<[u64]>; 2]>,
}

impl Buckets {
    fn new(rate: Rate) -> Self {
        let row = || vec![0; BUCKETS].into_boxed_slice();
        Self { rate, keys: [RandomState::new(), RandomState::new()], full_at: Mutex::new([row(), row()]) }
    }

    fn places(&self, key: &impl Hash) -> [usize; 2] {
        self.keys.each_ref().map(|state| state.hash_one(key) as usize % BUCKETS)
    }

    fn wait(&self, key: &impl Hash, now: u64) -> Option<AskLater> {
        self.with(key, |[one, other]| self.wait_of((*one).min(*other), now))
    }

    /// Takes one, if there is one and nothing else is against it; that is asked with whether the bucket is full.
    fn take_unless(
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

    fn take(&self, key: &impl Hash, count: u64, now: u64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "LLTP202600123";

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn ten_thousand_guesses_of_one_address_take_days() {
        let start = Instant::now();
        let (guesses, origin) = (Guesses::new(start), address("192.0.2.1"));
        let (mut now, mut refused) = (start, 0_u64);
        for guess in 0..10_000 {
            // Each about another file code, so that the origin alone is what slows.
            let code = format!("A{guess}");
            while let Err(AskLater(wait)) = guesses.admit(origin, &code, now) {
                assert!((1..=LONGEST_WAIT.as_secs()).contains(&wait), "{wait}");
                refused += 1;
                now += seconds(wait);
            }
            guesses.note_wrong(origin, &code, now);
        }
        let each = ORIGIN.each * u32::try_from(1 + WRONG).expect("small");
        let taken = now - start;
        assert!(taken >= each * 9_990 && taken <= each * 10_001, "{taken:?}");
        // Who waits as long as was said is let in.
        assert!(refused < 10_000, "{refused}");
        assert_eq!(
            guesses.origins.full_at.lock().expect("numbers").iter().map(|row| row.len()).sum::<usize>(),
            2 * BUCKETS
        );
    }

    #[test]
    fn who_is_refused_pays_nothing_and_waits_no_longer_than_said() {
        let start = Instant::now();
        let (guesses, origin) = (Guesses::new(start), address("192.0.2.1"));
        for _ in 0..ORIGIN.burst {
            guesses.admit(origin, CODE, start).expect("the burst");
        }
        for _ in 0..1000 {
            assert_eq!(guesses.admit(origin, CODE, start), Err(AskLater(ORIGIN.each.as_secs())));
        }
        assert!(guesses.admit(origin, CODE, start + ORIGIN.each - Duration::from_millis(1)).is_err());
        assert_eq!(guesses.admit(origin, CODE, start + ORIGIN.each), Ok(()));
        // However many wrong answers come in at one time.
        (0..1000).for_each(|_| guesses.note_wrong(origin, "X", start));
        assert_eq!(guesses.admit(origin, CODE, start), Err(AskLater(LONGEST_WAIT.as_secs())));
    }

    #[test]
    fn a_file_code_that_many_guess_at_stays_open_to_who_has_not_asked() {
        let start = Instant::now();
        let guesses = Guesses::new(start);
        let attackers: Vec<IpAddr> = (0..100).map(|number| address(&format!("198.51.100.{number}"))).collect();
        let mut admitted = 0;
        for round in 0..3 {
            for attacker in &attackers {
                if guesses.admit(*attacker, CODE, start).is_ok() {
                    admitted += 1;
                    guesses.note_wrong(*attacker, CODE, start);
                }
            }
            assert_eq!(admitted, 100, "round {round}: one each");
        }
        assert!(guesses.admit(attackers[0], "B1", start).is_ok(), "about another code it may ask on");
        assert_eq!(guesses.admit(address("203.0.113.7"), CODE, start), Ok(()));
    }

    #[test]
    fn an_origin_is_a_64_of_ipv6_and_one_address_of_ipv4_however_written() {
        let same = |one: &str, other: &str| of_one_holder(address(one)) == of_one_holder(address(other));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn many_addresses_do_not_have_one_forgotten() {
        let start = Instant::now();
        let (guesses, origin) = (Guesses::new(start), address("192.0.2.1"));
        (0..ORIGIN.burst).for_each(|_| guesses.admit(origin, CODE, start).expect("the burst"));
        for number in 0..50_000_u128 {
            let other = IpAddr::V6(Ipv6Addr::from((0x2001_0db8 << 96) | (number << 64)));
            // Whether it is let in depends on whose buckets it shares.
            let _ = guesses.admit(other, "B1", start);
        }
        assert!(guesses.admit(origin, CODE, start).is_err());
    }
}
