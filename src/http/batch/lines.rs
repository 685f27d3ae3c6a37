//! A body in lines (NDJSON): each within its size and time, whatever the others are.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::http::limits::BodyError;

/// Reads lines as they arrive.
pub struct Lines {
    body: Body,
    arrived: BytesMut,
    /// Octets of `arrived` that are known to hold no end of a line.
    searched: usize,
    /// Octets of one line.
    longest: usize,
    /// How long the next octet may take.
    patience: Duration,
    /// What arrives belongs to a line that is too long.
    skipping: bool,
    ended: bool,
}

impl Lines {
    pub fn new(body: Body, longest: usize, patience: Duration) -> Self {
        Self { body, arrived: BytesMut::new(), searched: 0, longest, patience, skipping: false, ended: false }
    }

    /// The next line that is not empty, without its end; `None` after the last. One that is too long is told once and passed over; after any
    /// other error there is no next line.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.arrived[self.searched..]) {
                let line = self.arrived.split_to(self.searched + at + 1).freeze();
                self.searched = 0;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                match self.whole(line.slice(..line.len() - 1)) {
                    Some(line) => return Some(line),
                    None => continue,
                }
            }
            self.searched = self.arrived.len();
            if self.skipping {
                self.arrived.clear();
                self.searched = 0;
            } else if self.arrived.len() > self.longest {
                self.skipping = true;
                return Some(Err(BodyError::TooLarge { limit: self.longest }));
            }
            if self.ended {
                let line = self.arrived.split().freeze();
                self.searched = 0;
                return if self.skipping { None } else { self.whole(line) };
            }
            match tokio::time::timeout(self.patience, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        self.arrived.extend_from_slice(&piece);
                    }
                }
                Ok(None) => self.ended = true,
                Ok(Some(Err(_))) => return self.end(BodyError::Broken),
                Err(_) => return self.end(BodyError::Slow { seconds: self.patience.as_secs() }),
            }
        }
    }

    fn end(&mut self, error: BodyError) -> Option<Result<Bytes, BodyError>> {
        self.ended = true;
        self.arrived.clear();
        self.searched = 0;
        Some(Err(error))
    }

    /// `None`: nothing but white space.
    fn whole(&self, line: Bytes) -> Option<Result<Bytes, BodyError>> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let too_long = line.len() > self.longest;
        Some(if too_long { Err(BodyError::TooLarge { limit: self.longest }) } else { Ok(line) })
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
        let mut lines = Lines::new(Body::from_stream(stream::iter(pieces)), 8, Duration::from_secs(5));
        let mut read = Vec::new();
        while let Some(line) = lines.next().await {
            read.push(match line {
                Ok(line) => Ok(String::from_utf8(line.to_vec()).expect("text")),
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
    async fn who_says_nothing_is_not_waited_for() {
        let never = stream::pending::<Result<Bytes, Infallible>>();
        let mut lines = Lines::new(Body::from_stream(never), 8, Duration::from_millis(20));
        assert!(matches!(lines.next().await, Some(Err(BodyError::Slow { .. }))));
        assert!(lines.next().await.is_none());
    }
}
