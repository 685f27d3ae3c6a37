//! Whose turn it is to ask a source: with a shared memory one node asks for all, and the others follow it.
//!
//! This is an economy and never a matter of right or wrong. A node asks by its own schedule until the source has once answered
//! it, and whenever nobody is known to ask for all. While it follows, it asks itself after `follow-seconds` at the latest, and
//! sooner once half of `ahead-seconds` before `nextUpdate` are gone: whoever forges or holds the lock delays, and stops nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::schedule::random;
use crate::clock;
use crate::core::time::Time;

/// When the one who asked for all is gone together with Redis, the nodes do not all ask in the same moment.
const SPREAD: Duration = Duration::from_secs(3);

/// Who asks a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Each node for itself: nobody is known to ask for all.
    Alone,
    /// This node for all.
    Leading,
    /// Another node for all.
    Following,
}

/// The turns of one source.
pub(super) struct Turn {
    role: watch::Receiver<Role>,
    /// The last asking brought a list that counts.
    succeeded: Arc<AtomicBool>,
    /// The source has answered this node once in its life.
    known: bool,
    /// What [`Turn::due_at`] saw last.
    before: Role,
    /// When it asks itself whoever else does.
    latest: Instant,
    next_update: Option<Time>,
    follow: Duration,
    ahead: i64,
}

/// The other end: what decides on the roles.
pub(super) struct Seat {
    role: watch::Sender<Role>,
    succeeded: Arc<AtomicBool>,
}

impl Seat {
    /// Tells the role; whether it is another than before.
    pub fn tell(&self, role: Role) -> bool {
        self.role.send_if_modified(|before| std::mem::replace(before, role) != role)
    }

    /// Whether this node may ask for all: only one that the source last answered.
    pub fn is_able(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// Whether nobody asks any more.
    pub fn is_left(&self) -> bool {
        self.role.is_closed()
    }
}

impl Turn {
    /// A turn and its other end; without that end the node asks for itself.
    pub fn new(follow_seconds: u64, ahead_seconds: u64) -> (Self, Seat) {
        let seat = Seat { role: watch::Sender::new(Role::Alone), succeeded: Arc::default() };
        let turn = Self {
            role: seat.role.subscribe(),
            succeeded: Arc::clone(&seat.succeeded),
            known: false,
            before: Role::Alone,
            latest: Instant::now(),
            next_update: None,
            follow: Duration::from_secs(follow_seconds),
            ahead: i64::try_from(ahead_seconds).unwrap_or(i64::MAX),
        };
        (turn, seat)
    }

    /// Nobody else asks.
    pub fn own() -> Self {
        Self::new(0, 0).0
    }

    /// Takes down what came of an asking: the `nextUpdate` of the list that counts, or none that does.
    pub fn asked(&mut self, answer: Option<Option<Time>>) {
        self.succeeded.store(answer.is_some(), Ordering::Relaxed);
        if let Some(next_update) = answer {
            self.known = true;
            self.next_update = next_update;
        }
        self.latest = Instant::now() + self.longest_following(clock::now());
    }

    /// When this node is to ask that would by itself at `own`, for those who look at the clock themselves: then, or later while
    /// another asks for all.
    pub fn due_at(&mut self, own: Instant) -> Instant {
        let role = *self.role.borrow_and_update();
        match (std::mem::replace(&mut self.before, role), role) {
            (_, Role::Following) if self.known => own.max(self.latest),
            (Role::Following, Role::Alone) => own.max(Instant::now() + SPREAD.mul_f64(random())),
            _ => own,
        }
    }

    /// Another asks for all, as far as was seen last.
    pub const fn follows(&self) -> bool {
        self.known && matches!(self.before, Role::Following)
    }

    /// Returns when this node is to ask: after its own `wait`, or later while another asks for all.
    pub async fn due(&mut self, wait: Duration) {
        let asked = Instant::now();
        let mut own = asked + wait;
        let at_latest = own.max(asked + self.longest_following(clock::now()));
        let mut before = Role::Alone;
        loop {
            let role = *self.role.borrow_and_update();
            if (before, role) == (Role::Following, Role::Alone) {
                own = own.max(Instant::now() + SPREAD.mul_f64(random()));
            }
            before = role;
            let follows = self.known && role == Role::Following;
            let at = if follows { at_latest } else { own };
            tokio::select! {
                () = sleep_until(at) => return,
                Ok(()) = self.role.changed() => {}
            }
        }
    }

    /// From now on.
    fn longest_following(&self, now: Time) -> Duration {
        let until_urgent = self.next_update.map(|end| end.plus_seconds(-(self.ahead / 2)).seconds_since(now));
        let until_urgent =
            until_urgent.map_or(Duration::MAX, |left| Duration::from_secs(u64::try_from(left).unwrap_or(0)));
        self.follow.min(until_urgent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_ends_with_the_time_set_and_with_half_of_ahead() {
        let (mut turn, seat) = Turn::new(300, 3600);
        let now = Time::from_unix(1_800_000_000);
        let longest = |turn: &Turn| turn.longest_following(now).as_secs();
        assert_eq!(longest(&turn), 300);
        for (left, seconds) in [(86_400, 300), (2000, 200), (1800, 0), (-5, 0)] {
            turn.asked(Some(Some(now.plus_seconds(left))));
            assert_eq!(longest(&turn), seconds, "{left}");
        }
        assert!(seat.is_able());
        turn.asked(None);
        assert!(!seat.is_able() && turn.known);
        assert!(seat.tell(Role::Leading) && !seat.tell(Role::Leading));
    }

    #[tokio::test]
    async fn who_looks_at_the_clock_waits_as_long() {
        let (mut turn, seat) = Turn::new(300, 0);
        let own = Instant::now() + Duration::from_secs(1);
        seat.tell(Role::Following);
        assert_eq!(turn.due_at(own), own, "the source has not answered yet");
        turn.asked(Some(None));
        assert!(turn.due_at(own) > own + Duration::from_secs(290) && turn.follows());
        seat.tell(Role::Leading);
        assert_eq!(turn.due_at(own), own);
        seat.tell(Role::Following);
        assert!(turn.due_at(own) > own);
        seat.tell(Role::Alone);
        let late = Instant::now();
        let spread = turn.due_at(late);
        assert!(spread >= late && spread < late + SPREAD + Duration::from_secs(1) && !turn.follows());
        assert_eq!(turn.due_at(own), own, "once");
        assert!(!seat.is_left());
        drop(turn);
        assert!(seat.is_left());
    }

    #[tokio::test]
    async fn a_node_waits_for_others_only_once_it_knows_the_source() {
        let (mut turn, seat) = Turn::new(2, 0);
        seat.tell(Role::Following);
        let wait = Duration::from_millis(20);
        let seconds = async |turn: &mut Turn| {
            let started = Instant::now();
            turn.due(wait).await;
            started.elapsed().as_secs_f64()
        };
        turn.asked(None);
        assert!(seconds(&mut turn).await < 1.0);
        turn.asked(Some(None));
        assert!(seconds(&mut turn).await >= 2.0, "whoever holds the lock is waited for no longer than follow-seconds");
        seat.tell(Role::Leading);
        assert!(seconds(&mut turn).await < 1.0);
        let (mut turn, seat) = Turn::new(60, 0);
        turn.asked(Some(None));
        seat.tell(Role::Following);
        let leave = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            seat.tell(Role::Alone);
        };
        let (took, ()) = tokio::join!(seconds(&mut turn), leave);
        assert!(took < SPREAD.as_secs_f64() + 1.0, "{took}");
        drop(seat);
        assert!(seconds(&mut Turn::own()).await < 1.0);
    }
}
