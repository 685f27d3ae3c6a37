//! Answers that wait to be taken: a bounded number, each with the room that it takes. A stranger's do not wait for ever.

use std::{io, sync::Arc, sync::Weak, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::http::limits::Reservation;

/// Answers that wait, beside those in work.
const WAITING: usize = 64;
/// How often it is tried again to give up answers, while the body is being asked for the next.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub type Answers = mpsc::Sender<(Bytes, Reservation)>;

struct Waiting {
    answers: mpsc::Receiver<(Bytes, Reservation)>,
    /// Some were given up: the body has no good end.
    is_cut: bool,
}

/// Where answers are put, and the body that gives them. `until`: what was not taken then is given up.
pub fn answers(until: Option<Instant>) -> (Answers, Body) {
    let (put, answers) = mpsc::channel(WAITING);
    let waiting = Arc::new(Mutex::new(Waiting { answers, is_cut: false }));
    if let Some(until) = until {
        tokio::spawn(give_up(Arc::downgrade(&waiting), until));
    }
    let taken = stream::unfold((waiting, None::<Reservation>), |(waiting, occupied)| async move {
        let mut all = waiting.lock().await;
        let next = all.answers.recv().await;
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

async fn give_up(waiting: Weak<Mutex<Waiting>>, until: Instant) {
    tokio::time::sleep_until(until).await;
    while let Some(waiting) = waiting.upgrade() {
        // Locked, none waits: the body has asked for the next.
        if let Ok(mut all) = waiting.try_lock() {
            all.is_cut = true;
            all.answers.close();
            while all.answers.try_recv().is_ok() {}
            return;
        }
        drop(waiting);
        tokio::time::sleep(TRIED_AGAIN_AFTER).await;
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
        let (put, body) = answers(None);
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
        let room = Room::new(4096);
        let (put, body) = answers(Some(Instant::now() + Duration::from_millis(50)));
        put.send(answer(&room)).await.expect("taken");
        tokio::time::timeout(Duration::from_secs(20), put.closed()).await.expect("given up");
        assert!(room.reserve_all().grow(4096).is_ok());
        let mut taken = body.into_data_stream();
        assert!(taken.next().await.is_some_and(|answer| answer.is_err()));
    }
}
