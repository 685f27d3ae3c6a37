//! How much of the machine the page may take: so much for each address, so many files at one time, and a short row of those that wait. What is beyond is
//! sent away with a word when to come again. Files are judged on threads that the kernel lets run when no others want to, so that agencies are served
//! as if there were no page.

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
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

/// As far behind as a thread can be put (`nice`).
const BEHIND: i32 = 19;

/// Who may go on.
pub struct Turns {
    started: Instant,
    origins: Buckets,
    working: Arc<Semaphore>,
    waiting: Semaphore,
    /// `Some` until it is dropped.
    threads: Option<Runtime>,
}

impl Turns {
    /// `a_minute`: files that one address may have checked.
    /// # Errors
    /// No thread can be had.
    pub fn new(a_minute: u32) -> io::Result<Self> {
        let rate =
            Rate { burst: u64::from(a_minute).clamp(1, MOST_AT_ONCE), each: Duration::from_secs(60) / a_minute.max(1) };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("page")
            .on_thread_start(|| {
                if let Err(error) = rustix::process::nice(BEHIND) {
                    tracing::warn!(%error, "a thread of the page is not put behind the others");
                }
            })
            .enable_all()
            .build()?;
        Ok(Self {
            started: Instant::now(),
            origins: Buckets::new(rate),
            working: Arc::new(Semaphore::new(cores * EACH)),
            waiting: Semaphore::new(WAITING),
            threads: Some(threads),
        })
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

    /// Does this once it has its turn, behind all that others want. It goes on, and has its turn, when nobody waits for it any more.
    pub async fn run<T, W>(&self, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let turn = self.turn().await?;
        let threads = self.threads.as_ref().ok_or_else(Problem::internal)?;
        let done = threads.spawn(async move {
            let _turn = turn;
            work.await
        });
        done.await.map_err(|_| Problem::internal())?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(turn) = Arc::clone(&self.working).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Problem::overloaded())?;
        match timeout(PATIENCE, Arc::clone(&self.working).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::overloaded()),
        }
    }
}

/// A runtime cannot wait for its end within another.
impl Drop for Turns {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let turns = Turns::new(30).expect("threads");
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().expect("one"), "2001:db8::1".parse().expect("other"));
        let admitted = (0..100).filter(|_| turns.admit(one).is_ok()).count();
        assert_eq!(admitted as u64, MOST_AT_ONCE);
        let refused = turns.admit(one).expect_err("refused");
        assert_eq!((refused.status, &*refused.code), (StatusCode::TOO_MANY_REQUESTS, "check-limit"));
        assert!(refused.retry_after.is_some_and(|seconds| (1..=2).contains(&seconds)), "{refused:?}");
        assert!(turns.admit(other).is_ok());
    }

    #[tokio::test]
    async fn files_are_judged_behind_the_others() {
        let turns = Turns::new(30).expect("threads");
        let niceness = async || rustix::process::getpriority_process(None).map_err(|_| Problem::internal());
        let blocking = turns.run(async {
            let own = tokio::task::spawn_blocking(|| rustix::process::getpriority_process(None)).await;
            own.map_err(|_| Problem::internal())?.map_err(|_| Problem::internal())
        });
        assert_eq!(blocking.await.ok(), Some(BEHIND));
        assert_eq!(turns.run(niceness()).await.ok(), Some(BEHIND));
        assert!(niceness().await.is_ok_and(|own| own < BEHIND));
    }

    #[tokio::test]
    async fn a_row_has_an_end() {
        let turns = Arc::new(Turns::new(30).expect("threads"));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut taken = Vec::new();
        for _ in 0..cores {
            taken.push(turns.turn().await.expect("a turn"));
        }
        let wait = || {
            let turns = Arc::clone(&turns);
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
