//! Places for connections. Who does nothing keeps nobody out: when all places are taken, the connections that have been idle for
//! longest give way to newcomers, after them those whose requests have been arriving for longest, last who came just now.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{Request, body::Incoming};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::arriving::{self, Arriving, Rest};

/// How long a newcomer waits before more of those that became idle meanwhile are asked to leave.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// As long as this a newcomer may take to ask for something before it counts as idle: it has just come, and speaks first.
const NEWCOMER: Duration = Duration::from_secs(1);
/// One in so many places is emptied at a time, so that looking for them costs each newcomer little.
const SHARE: usize = 16;

/// The places of one listener.
pub struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<HashMap<u64, Arc<Occupant>>>,
    count: usize,
    /// Counts what happens on all connections: the order in which they became idle.
    clock: AtomicU64,
}

/// What is known of the connection in one place.
#[derive(Default)]
struct Occupant {
    requests: AtomicUsize,
    /// Of these, requests whose bodies are not here yet.
    arriving: AtomicUsize,
    /// When a request last began or ended.
    since: AtomicU64,
    /// Asked to leave, and not yet gone.
    leaving: AtomicBool,
    leave: Notify,
    /// When the connection was accepted.
    accepted: Option<Instant>,
    was_asked: AtomicBool,
}

/// In which order places are emptied; within each the longest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Idle,
    /// A request is arriving.
    Arriving,
    Newcomer,
}

/// One connection's place; free again when dropped.
pub struct Place {
    places: Arc<Places>,
    number: u64,
    occupant: Arc<Occupant>,
    _permit: OwnedSemaphorePermit,
}

/// A request, from its head to its answer.
pub struct InWork {
    places: Arc<Places>,
    occupant: Arc<Occupant>,
    rest: Option<Rest>,
}

/// Lets a request of many parts say that some of them are in work, whatever of it is still arriving.
#[derive(Clone)]
pub struct Working(Arc<Occupant>);

/// Such a part, until this is dropped.
pub struct PartInWork(Arc<Occupant>);

/// A part of a request has yet to arrive, until this is dropped.
pub struct StillArriving(Arc<Occupant>);

impl Places {
    pub fn new(count: usize) -> Arc<Self> {
        let count = count.min(Semaphore::MAX_PERMITS);
        let (free, taken) = (Arc::new(Semaphore::new(count)), Mutex::default());
        Arc::new(Self { free, taken, count, clock: AtomicU64::new(0) })
    }

    /// Waits for a place; others make room, unless all of them have a request in work.
    pub async fn take(self: &Arc<Self>) -> Place {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            self.make_room();
            if let Ok(Ok(permit)) = timeout(LOOK_AGAIN, Arc::clone(&self.free).acquire_owned()).await {
                break permit;
            }
        };
        let number = self.tick();
        let occupant =
            Arc::new(Occupant { since: AtomicU64::new(number), accepted: Some(Instant::now()), ..Occupant::default() });
        self.taken().insert(number, Arc::clone(&occupant));
        Place { places: Arc::clone(self), number, occupant, _permit: permit }
    }

    /// Asks some to leave: the idle, then those that are sent something, then newcomers; the longest first.
    fn make_room(&self) {
        let (mut waiting, leaving) = {
            let taken = self.taken();
            let waiting = taken.values().filter_map(|occupant| Some((occupant.waiting()?, Arc::clone(occupant))));
            let waiting: Vec<((Rank, u64), Arc<Occupant>)> = waiting.collect();
            (waiting, taken.values().filter(|occupant| occupant.is_leaving()).count())
        };
        // Those that were asked before make room too, in a moment.
        let wanted = (self.count / SHARE).max(1).saturating_sub(leaving).min(waiting.len());
        if wanted == 0 {
            return;
        }
        waiting.select_nth_unstable_by_key(wanted - 1, |(rank, _)| *rank);
        for (_, occupant) in &waiting[..wanted] {
            occupant.leaving.store(true, Ordering::Relaxed);
            occupant.leave.notify_one();
        }
        metrics::counter!("antin_connections_gave_way_total").increment(wanted as u64);
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Occupant>>> {
        // A table of who is there is right at any point.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Occupant {
    /// A whole request is in work.
    fn is_working(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > self.arriving.load(Ordering::Relaxed)
    }

    /// Was asked to leave and is about to.
    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) && !self.is_working()
    }

    /// What it does, and since when nothing else happened; `None` if the place cannot be had, or soon will be.
    fn waiting(&self) -> Option<(Rank, u64)> {
        let is_new = || {
            !self.was_asked.load(Ordering::Relaxed)
                && self.accepted.is_some_and(|accepted| accepted.elapsed() < NEWCOMER)
        };
        let rank = match self.requests.load(Ordering::Relaxed) {
            0 if is_new() => Rank::Newcomer,
            0 => Rank::Idle,
            _ => Rank::Arriving,
        };
        let free = !self.is_working() && !self.leaving.load(Ordering::Relaxed);
        free.then(|| (rank, self.since.load(Ordering::Relaxed)))
    }
}

impl Place {
    /// A request begins: it is in work until the first part is dropped.
    pub fn begin(&self, request: Request<Incoming>) -> (InWork, Request<Arriving>) {
        let (rest, request) = Arriving::begin(request, || self.still_arriving());
        (self.in_work(rest), request)
    }

    pub fn working(&self) -> Working {
        Working(Arc::clone(&self.occupant))
    }

    fn still_arriving(&self) -> StillArriving {
        StillArriving::new(&self.occupant)
    }

    fn in_work(&self, rest: Option<Rest>) -> InWork {
        self.occupant.was_asked.store(true, Ordering::Relaxed);
        self.occupant.requests.fetch_add(1, Ordering::Relaxed);
        self.occupant.since.store(self.places.tick(), Ordering::Relaxed);
        InWork { places: Arc::clone(&self.places), occupant: Arc::clone(&self.occupant), rest }
    }

    /// A whole request is in work.
    pub fn is_working(&self) -> bool {
        self.occupant.is_working()
    }

    /// Waits until the place is wanted by another.
    pub async fn wanted(&self) {
        self.occupant.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().remove(&self.number);
    }
}

impl InWork {
    /// Takes in what was not read of the body, before the answer leaves. Meanwhile the place can be had.
    pub async fn take_rest(&self) {
        let Some(body) = self.rest.as_ref().and_then(Rest::take) else { return };
        let _still = StillArriving::new(&self.occupant);
        arriving::take_in(body).await;
    }
}

impl Working {
    pub fn begin(&self) -> PartInWork {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        PartInWork(Arc::clone(&self.0))
    }
}

impl Drop for PartInWork {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl StillArriving {
    fn new(occupant: &Arc<Occupant>) -> Self {
        occupant.arriving.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(occupant))
    }
}

impl Drop for StillArriving {
    fn drop(&mut self) {
        self.0.arriving.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.occupant.since.store(self.places.tick(), Ordering::Relaxed);
        self.occupant.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_idle_for_longest_give_way_and_no_others() {
        let places = Places::new(3);
        let (first, second, third) = (places.take().await, places.take().await, places.take().await);
        let working = first.in_work(None);
        drop(second.in_work(None));
        // The third has been idle for longest: it was never asked anything, and has had its time.
        tokio::time::sleep(NEWCOMER).await;
        let newcomer = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        third.wanted().await;
        drop(third);
        let newcomer = newcomer.await.expect("a place");
        assert!(
            timeout(Duration::from_millis(1), async { tokio::join!(first.wanted(), second.wanted()) }).await.is_err()
        );
        // With requests everywhere nobody gives way, until one ends.
        let all = (working, second.in_work(None), newcomer.in_work(None));
        let late = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        assert!(timeout(LOOK_AGAIN * 3, newcomer.wanted()).await.is_err());
        drop(all.1);
        second.wanted().await;
        drop(second);
        late.await.expect("a place");
    }

    #[tokio::test]
    async fn requests_on_their_way_give_way_after_the_idle_and_newcomers_last() {
        let places = Places::new(3);
        let (arriving, idle, newcomer) = (places.take().await, places.take().await, places.take().await);
        let request = (arriving.in_work(None), arriving.still_arriving());
        let part = arriving.working().begin();
        assert!(arriving.is_working());
        drop(part);
        assert!(!arriving.is_working());
        drop(idle.in_work(None));
        places.make_room();
        idle.wanted().await;
        drop(idle);
        assert!(timeout(LOOK_AGAIN, arriving.wanted()).await.is_err());
        places.make_room();
        arriving.wanted().await;
        drop((request, arriving));
        assert!(timeout(LOOK_AGAIN, newcomer.wanted()).await.is_err());
        places.make_room();
        newcomer.wanted().await;
    }
}
