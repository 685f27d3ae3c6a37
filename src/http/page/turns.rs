//! How much of the machine the page may take: so much for each address, so many files in work. What is beyond is sent away with a word when to come
//! again. Files are judged on threads of which there are few, and which the kernel lets run when no others want to, so that agencies are served as if
//! there were no page; a file that waits for an answer of the network occupies none of them.

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
};

use super::super::problem::Problem;
use crate::service::buckets::{AskLater, Buckets, Rate, milliseconds_since, of_one_holder};

/// Files in work, whether they are judged or wait for the network.
const IN_WORK: usize = 256;
/// An address may have all its files of a minute checked at once, up to so many.
const MOST_AT_ONCE: u64 = 20;

/// Counts files that were not let in.
const REFUSED: &str = "antin_page_refused_total";
/// As far behind as a thread can be put (`nice`).
const BEHIND: i32 = 19;

/// Who may go on.
pub struct Turns {
    started: Instant,
    origins: Buckets,
    in_work: Arc<Semaphore>,
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
            .max_blocking_threads(cores)
            .thread_name("page")
            .on_thread_start(|| {
                if let Err(error) = rustix::process::nice(BEHIND) {
                    tracing::warn!(%error, "a thread of the page is not put behind the others");
                }
            })
            .enable_all()
            .build()?;
        // Nothing was refused yet, and that is told.
        for reason in ["limit", "busy"] {
            metrics::counter!(REFUSED, "reason" => reason).increment(0);
        }
        Ok(Self {
            started: Instant::now(),
            origins: Buckets::new(rate),
            in_work: Arc::new(Semaphore::new(IN_WORK)),
            threads: Some(threads),
        })
    }

    /// Lets a file of this address in.
    pub fn admit(&self, origin: IpAddr) -> Result<(), Problem> {
        let now = milliseconds_since(self.started, Instant::now());
        let admitted = self.origins.take_unless(&of_one_holder(origin), now, |_| None);
        admitted.map_err(|AskLater(seconds)| {
            metrics::counter!(REFUSED, "reason" => "limit").increment(1);
            let detail = format!("this address had as many files checked as it may: come again in {seconds} seconds");
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "check-limit", detail).retry_after(seconds)
        })
    }

    /// Does this behind all that others want. It goes on, and keeps its place, when nobody waits for it any more.
    pub async fn run<T, W>(&self, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let place = Arc::clone(&self.in_work).try_acquire_owned().map_err(|_| {
            metrics::counter!(REFUSED, "reason" => "busy").increment(1);
            Problem::overloaded()
        })?;
        let threads = self.threads.as_ref().ok_or_else(Problem::internal)?;
        let done = threads.spawn(async move {
            let _place = place;
            work.await
        });
        done.await.map_err(|_| Problem::internal())?
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
    use futures_util::FutureExt as _;

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
    async fn files_that_wait_for_others_stop_nobody_and_their_number_has_an_end() {
        let turns = Turns::new(30).expect("threads");
        let gate = Arc::new(Semaphore::new(0));
        let wait = || {
            let gate = Arc::clone(&gate);
            turns.run(async move { gate.acquire().await.map(drop).map_err(|_| Problem::internal()) })
        };
        let mut waiting: Vec<_> = (0..IN_WORK - 1).map(|_| Box::pin(wait())).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        assert_eq!(turns.run(async { Ok(1) }).await.ok(), Some(1));
        let mut last = Box::pin(wait());
        assert!((&mut last).now_or_never().is_none());
        let refused = turns.run(async { Ok(1) }).await.map_err(|problem| problem.status);
        assert_eq!(refused, Err(StatusCode::SERVICE_UNAVAILABLE));
        gate.add_permits(1);
        last.await.expect("done");
        for one in waiting {
            one.await.expect("done");
        }
    }
}
