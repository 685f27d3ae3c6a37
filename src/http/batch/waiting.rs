//! Answers that wait to be taken: a bounded number, each with the room that it takes, and none for ever.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Poll,
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::{sync::mpsc, time::Instant};

use crate::http::limits::Reservation;

/// Answers that wait, beside those in work.
const WAITING: usize = 64;
/// How often it is looked at whether answers are taken, at least and at most.
const LOOKED_AT_EVERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

pub type Answers = mpsc::Sender<(Bytes, Reservation)>;

struct Waiting {
    answers: mpsc::Receiver<(Bytes, Reservation)>,
    /// Of the answer that was given last, which is on its way until the next is asked for.
    occupied: Option<Reservation>,
    /// How often one was asked for.
    asked: u64,
    /// Some were given up: the body has no good end.
    is_cut: bool,
}

/// Where answers are put, and the body that gives them. All are given up if none of those that wait is taken for as long as `patience`,
/// whatever else goes on on the connection, or if some wait when `until` has passed.
pub fn answers(patience: Duration, until: Option<Instant>) -> (Answers, Body) {
    let (put, answers) = mpsc::channel(WAITING);
    let waiting = Arc::new(Mutex::new(Waiting { answers, occupied: None, asked: 0, is_cut: false }));
    tokio::spawn(give_up(Arc::downgrade(&waiting), patience, until));
    let taken = stream::poll_fn(move |context| {
        let mut all = held(&waiting);
        all.asked += 1;
        all.occupied = None;
        if std::mem::take(&mut all.is_cut) {
            return Poll::Ready(Some(Err(io::Error::other("the answers were not taken"))));
        }
        let next = std::task::ready!(all.answers.poll_recv(context));
        let given = next.map(|(answer, occupied)| {
            all.occupied = Some(occupied);
            Ok(answer)
        });
        Poll::Ready(given)
    });
    (put, Body::from_stream(taken))
}

async fn give_up(waiting: Weak<Mutex<Waiting>>, patience: Duration, until: Option<Instant>) {
    let (least, most) = LOOKED_AT_EVERY;
    let mut seen = (0, Instant::now());
    while let Some(waiting) = waiting.upgrade() {
        let now = Instant::now();
        {
            let mut all = held(&waiting);
            let waits = !all.answers.is_empty();
            if !waits || all.asked != seen.0 {
                seen = (all.asked, now);
            }
            if waits && (now.duration_since(seen.1) >= patience || until.is_some_and(|until| now >= until)) {
                (all.is_cut, all.occupied) = (true, None);
                all.answers.close();
                while all.answers.try_recv().is_ok() {}
                return;
            }
        }
        drop(waiting);
        tokio::time::sleep((patience / 8).clamp(least, most)).await;
    }
}

/// Nothing that is held here breaks half-way.
fn held(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::http::limits::Room;

    fn answer(room: &Room) -> (Bytes, Reservation) {
        let mut occupied = room.reserve_all();
        occupied.grow(4096).expect("room");
        (Bytes::from_static(b"answer\n"), occupied)
    }

    #[tokio::test]
    async fn an_answer_takes_room_until_the_next_is_asked_for() {
        let room = Room::new(2 * 4096);
        let (put, body) = answers(Duration::from_secs(60), None);
        let mut taken = body.into_data_stream();
        put.send(answer(&room)).await.expect("taken");
        put.send(answer(&room)).await.expect("taken");
        let is_full = || room.reserve_all().grow(1).is_err();
        assert!(taken.next().await.is_some_and(|answer| answer.is_ok()) && is_full());
        assert!(taken.next().await.is_some_and(|answer| answer.is_ok()) && !is_full());
        drop(put);
        assert!(taken.next().await.is_none());
    }

    #[tokio::test]
    async fn what_nobody_takes_is_given_up_in_time_and_the_body_says_so() {
        let soon = Duration::from_millis(50);
        for (patience, until) in [(soon, None), (Duration::from_secs(60), Some(Instant::now() + soon))] {
            let room = Room::new(4096);
            let (put, body) = answers(patience, until);
            put.send(answer(&room)).await.expect("taken");
            tokio::time::timeout(Duration::from_secs(20), put.closed()).await.expect("given up");
            assert!(room.reserve_all().grow(4096).is_ok());
            let mut taken = body.into_data_stream();
            assert!(taken.next().await.is_some_and(|answer| answer.is_err()));
        }
    }

    /// Also one who had asked for the next when there was none, and takes nothing any more.
    #[tokio::test]
    async fn who_has_asked_and_does_not_come_back_is_not_waited_for() {
        let room = Room::new(2 * 4096);
        let (put, body) = answers(Duration::from_millis(50), None);
        let mut taken = body.into_data_stream();
        assert!(taken.next().now_or_never().is_none());
        put.send(answer(&room)).await.expect("taken");
        tokio::time::timeout(Duration::from_secs(20), put.closed()).await.expect("given up");
        assert!(room.reserve_all().grow(2 * 4096).is_ok());
        assert!(taken.next().await.is_some_and(|answer| answer.is_err()));
    }
}
