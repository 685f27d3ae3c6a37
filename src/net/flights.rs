//! Single flight: who asks for what is being fetched waits for that fetch, and makes none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

/// Different things under way at one time.
const LIMIT: usize = 512;

/// What is under way, by key.
pub struct Flights<V: Clone> {
    running: Mutex<HashMap<String, Shared<BoxFuture<'static, Option<V>>>>>,
}

impl<V: Clone + Send + Sync + 'static> Flights<V> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { running: Mutex::new(HashMap::new()) })
    }

    /// The result of `work`, or of the work that is under way under the same key. It goes on when those who wait for it do not.
    /// `None`: it ended without a result, or too much is under way. Needs a Tokio runtime.
    pub async fn join(self: &Arc<Self>, key: &str, work: impl Future<Output = V> + Send + 'static) -> Option<V> {
        let flight = {
            let mut running = self.running();
            match running.get(key) {
                Some(flight) => flight.clone(),
                None if running.len() >= LIMIT => return None,
                None => {
                    let landing = Landing { flights: Arc::clone(self), key: key.to_owned() };
                    let task = tokio::spawn(async move {
                        let _landing = landing;
                        work.await
                    });
                    let flight = task.map(Result::ok).boxed().shared();
                    running.insert(key.to_owned(), flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    pub fn is_running(&self, key: &str) -> bool {
        self.running().contains_key(key)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Shared<BoxFuture<'static, Option<V>>>>> {
        // A map whose holder panicked between two whole changes is whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the key away when the work ends, however it ends.
struct Landing<V: Clone + Send + Sync + 'static> {
    flights: Arc<Flights<V>>,
    key: String,
}

impl<V: Clone + Send + Sync + 'static> Drop for Landing<V> {
    fn drop(&mut self) {
        self.flights.running().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn many_wait_for_one_and_the_next_starts_anew() {
        let (flights, started) = (Flights::new(), Arc::new(AtomicUsize::new(0)));
        let ask = |key: &'static str| {
            let (flights, started) = (Arc::clone(&flights), Arc::clone(&started));
            async move {
                let work = async move {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    started.fetch_add(1, Ordering::SeqCst) + 1
                };
                flights.join(key, work).await
            }
        };
        // The first who asked goes away; the others get its answer.
        let _ = tokio::time::timeout(Duration::from_millis(10), ask("a")).await;
        let all = futures_util::future::join_all((0..50).map(|_| ask("a"))).await;
        assert!(all.iter().all(|answer| *answer == Some(1)), "{all:?}");
        assert_eq!(ask("b").await, Some(2));
        assert_eq!(ask("a").await, Some(3));
        let broken: Arc<Flights<u8>> = Flights::new();
        assert_eq!(broken.join("a", async { panic!("a defect") }).await, None);
        assert_eq!(broken.join("a", async { 7 }).await, Some(7));
    }
}
