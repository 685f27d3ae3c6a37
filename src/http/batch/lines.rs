//! A body in lines (NDJSON): each within its size, its time and the room there is, whatever the others are.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::http::limits::{BodyError, Reservation, Room};

/// Octets from which on a line has memory of its own.
const LONG: usize = 64 * 1024;

/// Reads lines as they arrive.
pub struct Lines {
    body: Body,
    arrived: BytesMut,
    /// For what has arrived.
    occupied: Reservation,
    room: Room,
    /// Octets of `arrived` that are known to hold no end of a line.
    searched: usize,
    /// Octets of one line.
    longest: usize,
    /// How long the next line may take.
    patience: Duration,
    /// What arrives belongs to a line that is too long, or has no room.
    skipping: bool,
    ended: bool,
}

impl Lines {
    pub fn new(body: Body, longest: usize, patience: Duration, room: Room) -> Self {
        let (arrived, occupied) = (BytesMut::new(), room.reserve());
        Self { body, arrived, occupied, room, searched: 0, longest, patience, skipping: false, ended: false }
    }

    /// The next line that is not empty, without its end, and the room it takes; `None` after the last. One that is too long, or that there is
    /// no room for, is told once and passed over; after any other error there is no next line.
    pub async fn next(&mut self) -> Option<Result<(Bytes, Reservation), BodyError>> {
        let until = Instant::now() + self.patience;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.arrived[self.searched..]) {
                let line = self.take(self.searched + at + 1);
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                match self.whole(line) {
                    Some(line) => return Some(line),
                    None => continue,
                }
            }
            self.searched = self.arrived.len();
            if self.skipping {
                self.take(self.searched);
            } else if self.arrived.len() > self.longest {
                self.skipping = true;
                return Some(Err(BodyError::TooLarge { limit: self.longest }));
            }
            if self.ended {
                let line = self.take(self.arrived.len());
                return if self.skipping { None } else { self.whole(line) };
            }
            match tokio::time::timeout_at(until, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    self.arrived.extend_from_slice(&piece);
                    if let Err(error) = self.occupied.grow(piece.len())
                        && !std::mem::replace(&mut self.skipping, true)
                    {
                        return Some(Err(error));
                    }
                }
                Ok(None) => self.ended = true,
                Ok(Some(Err(_))) => return self.end(BodyError::Broken),
                Err(_) => return self.end(BodyError::Slow { seconds: self.patience.as_secs() }),
            }
        }
    }

    fn end(&mut self, error: BodyError) -> Option<Result<(Bytes, Reservation), BodyError>> {
        self.ended = true;
        self.take(self.arrived.len());
        Some(Err(error))
    }

    /// The first octets of what has arrived, and the room of all of it. The rest came with the last of them: a piece, of which the body
    /// is asked for one at a time.
    fn take(&mut self, octets: usize) -> (Bytes, Reservation) {
        self.searched = 0;
        let taken = self.arrived.split_to(octets).freeze();
        if octets > LONG {
            // What is left would keep all that the line took. It is a piece at most, and not copied for every short line in it.
            self.arrived = BytesMut::from(&self.arrived[..]);
        }
        (taken, std::mem::replace(&mut self.occupied, self.room.reserve()))
    }

    /// `None`: nothing but white space.
    fn whole(&self, (mut line, occupied): (Bytes, Reservation)) -> Option<Result<(Bytes, Reservation), BodyError>> {
        if line.ends_with(b"\n") {
            line.truncate(line.len() - 1);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let too_long = line.len() > self.longest;
        Some(if too_long { Err(BodyError::TooLarge { limit: self.longest }) } else { Ok((line, occupied)) })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    /// What is read of a body that arrives in these pieces, lines of up to 8 octets.
    async fn read(pieces: Vec<Vec<u8>>) -> Vec<Result<String, &'static str>> {
        let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
        let mut lines =
            Lines::new(Body::from_stream(stream::iter(pieces)), 8, Duration::from_secs(5), Room::new(1 << 20));
        let mut read = Vec::new();
        while let Some(line) = lines.next().await {
            read.push(match line {
                Ok((line, _)) => Ok(String::from_utf8(line.to_vec()).expect("text")),
                Err(BodyError::TooLarge { limit: 8 }) => Err("too long"),
                Err(_) => Err("other"),
            });
        }
        read
    }

    #[tokio::test]
    async fn lines_are_the_same_however_they_arrive() {
        let text = b"one\n\n \r\n12345678\n123456789\ntwo\r\n1234567890123456789\n\nlast";
        let expected: Vec<Result<String, &str>> = vec![
            Ok("one".into()),
            Ok("12345678".into()),
            Err("too long"),
            Ok("two\r".into()),
            Err("too long"),
            Ok("last".into()),
        ];
        for size in 1..=text.len() {
            assert_eq!(read(text.chunks(size).map(<[u8]>::to_vec).collect()).await, expected, "in pieces of {size}");
        }
        assert_eq!(read(vec![b"123456789".to_vec(), vec![b'x'; 100]]).await, [Err("too long")]);
        assert!(read(Vec::new()).await.is_empty());
    }

    #[tokio::test]
    async fn lines_take_room_while_they_arrive_and_give_it_back() {
        let piece = || Bytes::from(vec![b'x'; 100_000]);
        let pieces = [piece(), piece(), piece(), Bytes::from_static(b"\nnext\n"), piece(), Bytes::from_static(b"\n")];
        let pieces = pieces.map(Ok::<_, Infallible>);
        // For a line of 128 KiB, beside the 64 KiB that every line has.
        let room = Room::new(128 * 1024);
        let body = Body::from_stream(stream::iter(pieces));
        let mut lines = Lines::new(body, 1 << 20, Duration::from_secs(5), room.clone());
        assert!(matches!(lines.next().await, Some(Err(BodyError::NoRoom))), "told before the line has ended");
        let (next, _) = lines.next().await.expect("a line").expect("room");
        assert_eq!(next, "next");
        let (_, held) = lines.next().await.expect("a line").expect("room");
        assert!(lines.next().await.is_none());
        let free = |octets| room.reserve().grow(octets).is_ok();
        assert!(!free(192 * 1024), "the line takes some as long as it is worked on");
        drop((held, lines));
        assert!(free(192 * 1024));
    }

    /// A piece with very many lines costs what it is, not its square: the allocation is the one in which it came.
    #[tokio::test]
    async fn short_lines_are_not_copied_and_long_ones_leave_nothing_behind() {
        let short = Bytes::from("a\n".repeat(200_000));
        let long = Bytes::from(vec![b'x'; 4 << 20]);
        let pieces = [short, long, Bytes::from_static(b"\nb\n")].map(Ok::<_, Infallible>);
        let body = Body::from_stream(stream::iter(pieces));
        let mut lines = Lines::new(body, 8 << 20, Duration::from_secs(60), Room::new(64 << 20));
        let mut places = Vec::new();
        for _ in 0..200_000 {
            let (line, _) = lines.next().await.expect("a line").expect("room");
            places.push(line.as_ptr() as usize);
        }
        assert!(places.windows(2).all(|pair| pair[1] == pair[0] + 2), "each lies behind the one before");
        let (line, _) = lines.next().await.expect("a line").expect("room");
        assert_eq!(line.len(), 4 << 20);
        assert!(lines.arrived.capacity() < LONG, "{}", lines.arrived.capacity());
        assert_eq!(lines.next().await.expect("a line").expect("room").0, "b");
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let never = stream::pending::<Result<Bytes, Infallible>>();
        let mut lines = Lines::new(Body::from_stream(never), 8, Duration::from_millis(20), Room::new(0));
        assert!(matches!(lines.next().await, Some(Err(BodyError::Slow { .. }))));
        assert!(lines.next().await.is_none());
    }
}
