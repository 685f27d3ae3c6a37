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
//! Of a file code nothing is kept but which bucket it fell into, by a hash whose key dies with the process.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::buckets::{AskLater, Buckets, Rate, milliseconds_since, of_one_holder};

/// What an origin may ask at one time, and how fast that fills again.
const ORIGIN: Rate = Rate { burst: 10, each: Duration::from_secs(6) };
/// The wrong answers about one file code at one time, likewise.
const FILE_CODE: Rate = Rate { burst: 20, each: Duration::from_secs(30) };
/// A wrong answer costs its origin so many questions more.
const WRONG: u64 = 2;

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
        let now = milliseconds_since(self.started, now);
        self.origins.take_unless(&of_one_holder(origin), now, |is_full| {
            if is_full { None } else { self.file_codes.wait(&file_code, now) }
        })
    }

    /// The answer was that nothing was found, whatever the reason.
    pub fn note_wrong(&self, origin: IpAddr, file_code: &str, now: Instant) {
        let now = milliseconds_since(self.started, now);
        self.origins.take(&of_one_holder(origin), WRONG, now);
        self.file_codes.take(&file_code, 1, now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::{
        super::buckets::{BUCKETS, LONGEST_WAIT},
        *,
    };

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
        assert_eq!(guesses.origins.size(), 2 * BUCKETS);
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
