//! How much of the machine the page may take: so much for each address, so many files at one time, and a short row of those that wait. What is beyond is
//! sent away with a word when to come again, so that agencies are served as if there were no page.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::super::problem::Problem;
use crate::service::buckets::{AskLater, Buckets, Rate, milliseconds_since, of_one_holder};

/// Files that are judged at one time for each processor, and files that wait.
const EACH: usize = 1;
const WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);
/// An address may have all its files of a minute checked at once, up to so many.
const MOST_AT_ONCE: u64 = 20;

/// Who may go on.
pub struct Turns {
    started: Instant,
    origins: Buckets,
    working: Semaphore,
    waiting: Semaphore,
}

impl Turns {
    /// `a_minute`: files that one address may have checked.
    pub fn new(a_minute: u32) -> Self {
        let rate =
            Rate { burst: u64::from(a_minute).clamp(1, MOST_AT_ONCE), each: Duration::from_secs(60) / a_minute.max(1) };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            started: Instant::now(),
            origins: Buckets::new(rate),
            working: Semaphore::new(cores * EACH),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// Lets a file of this address in.
    pub fn admit(&self, origin: IpAddr) -> Result<(), Problem> {
        let now = milliseconds_since(self.started, Instant::now());
        let admitted = self.origins.take_unless(&of_one_holder(origin), now, |_| None);
        admitted.map_err(|AskLater(seconds)| {
            let detail = format!("this address had as many files checked as it may: come again in {seconds} seconds");
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "check-limit", detail).retry_after(seconds)
        })
    }

    /// Waits for a turn, which ends when it is dropped.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        if let Ok(turn) = self.working.try_acquire() {
            return Ok(turn);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Problem::overloaded())?;
        match timeout(PATIENCE, self.working.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::overloaded()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let turns = Turns::new(30);
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().expect("one"), "2001:db8::1".parse().expect("other"));
        let admitted = (0..100).filter(|_| turns.admit(one).is_ok()).count();
        assert_eq!(admitted as u64, MOST_AT_ONCE);
        let refused = turns.admit(one).expect_err("refused");
        assert_eq!((refused.status, &*refused.code), (StatusCode::TOO_MANY_REQUESTS, "check-limit"));
        assert!(refused.retry_after.is_some_and(|seconds| (1..=2).contains(&seconds)), "{refused:?}");
        assert!(turns.admit(other).is_ok());
    }

    #[tokio::test]
    async fn a_row_has_an_end() {
        let turns = std::sync::Arc::new(Turns::new(30));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut taken = Vec::new();
        for _ in 0..cores {
            taken.push(turns.turn().await.expect("a turn"));
        }
        let wait = || {
            let turns = std::sync::Arc::clone(&turns);
            tokio::spawn(async move { turns.turn().await.map(drop).map_err(|problem| problem.status) })
        };
        let mut waiting: Vec<_> = (0..WAITING).map(|_| wait()).collect();
        while turns.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(wait().await.expect("no panic"), Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(taken);
        for waiting in waiting.drain(..) {
            assert_eq!(waiting.await.expect("no panic"), Ok(()));
        }
    }
}
