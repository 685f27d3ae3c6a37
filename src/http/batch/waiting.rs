//! Answers that wait to be taken: a bounded number, each with the room that it takes, and none for ever.

use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::http::limits::Reservation;

/// Answers that wait, beside those in work.
const WAITING: usize = 64;
/// How often it is looked at whether answers are taken, at least and at most.
const LOOKED_AT_EVERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

pub type Answers = mpsc::Sender<(Bytes, Reservation)>;

struct Waiting {
    answers: mpsc::Receiver<(Bytes, Reservation)>,
    /// How many were taken.
    taken: u64,
    /// Some were given up: the body has no good end.
    is_cut: bool,
}

/// Where answers are put, and the body that gives them. All are given up if none of those that wait is taken for as long as `patience`,
/// whatever else goes on on the connection, or `until` has passed.
pub fn answers(patience: Duration, until: Option<Instant>) -> (Answers, Body) {
    let (put, answers) = mpsc::channel(WAITING);
    let waiting = Arc::new(Mutex::new(Waiting { answers, taken: 0, is_cut: false }));
    tokio::spawn(give_up(Arc::downgrade(&waiting), patience, until));
    let taken = stream::unfold((waiting, None::<Reservation>), |(waiting, occupied)| async move {
        let mut all = waiting.lock().await;
        let next = all.answers.recv().await;
        all.taken += 1;
        let is_cut = std::mem::take(&mut all.is_cut);
        drop(all);
        // What was given before is on its way.
        drop(occupied);
        match next {
            _ if is_cut => Some((Err(io::Error::other("the answers were not taken")), (waiting, None))),
            Some((answer, occupied)) => Some((Ok(answer), (waiting, Some(occupied)))),
            None => None,
        }
    });
    (put, Body::from_stream(taken))
}

async fn give_up(waiting: Weak<Mutex<Waiting>>, patience: Duration, until: Option<Instant>) {
    let (least, most) = LOOKED_AT_EVERY;
    let mut seen = (0, Instant::now());
    while let Some(waiting) = waiting.upgrade() {
        // Locked, none waits: the body has asked for the next.
        if let Ok(mut all) = waiting.try_lock() {
            let now = Instant::now();
            if all.answers.is_empty() || all.taken != seen.0 {
                seen = (all.taken, now);
            }
            if now.duration_since(seen.1) >= patience || until.is_some_and(|until| now >= until) {
                all.is_cut = true;
                all.answers.close();
                while all.answers.try_recv().is_ok() {}
                return;
            }
        } else {
            seen.1 = Instant::now();
        }
        drop(waiting);
        tokio::time::sleep((patience / 8).clamp(least, most)).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

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
}
