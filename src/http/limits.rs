//! How much of the service one request may take: body size and time, room for all bodies together, requests in work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{body::Bytes, extract::Request, http::header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{auth::Caller, multipart::MultipartBody, problem::Problem};

/// A body below this size needs no reserved room, so that slow large uploads do not shut out small requests.
const UNRESERVED: usize = 64 * 1024;
/// Octets a second of a line over which people still send files.
const PACE: usize = 16 * 1024;
/// Room is reserved in these steps.
const STEP: usize = 4 * 1024;

/// Why a body was not read.
#[derive(Debug)]
pub enum BodyError {
    TooLarge {
        limit: usize,
    },
    Slow {
        seconds: u64,
    },
    /// The bodies being read fill all the room there is.
    NoRoom,
    /// Ended early, or framed wrongly.
    Broken,
    /// So many lines could not be read; the rest are not looked at.
    Senseless {
        lines: usize,
    },
    /// Not multipart as RFC 7578 has it; the parser's words.
    Multipart(String),
}

/// Room for request bodies, and for answers that wait to be taken, in steps.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    /// Of `all`, what those together who share this room may take.
    share: Option<Arc<Semaphore>>,
}

/// What one request occupies; given back when dropped.
pub struct Reservation {
    room: Room,
    permits: Vec<OwnedSemaphorePermit>,
    /// Bytes covered.
    covered: usize,
    used: usize,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { all: Self::steps(bytes), share: None }
    }

    /// The same room for some, who leave to others all but so many bytes of it.
    pub fn share(&self, bytes: usize) -> Self {
        Self { all: Arc::clone(&self.all), share: Some(Self::steps(bytes)) }
    }

    fn steps(bytes: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(bytes.div_ceil(STEP).min(Semaphore::MAX_PERMITS)))
    }

    /// For a body.
    pub fn reserve(&self) -> Reservation {
        Reservation { room: self.clone(), permits: Vec::new(), covered: UNRESERVED, used: 0 }
    }

    /// For what waits, of which many may be there for one connection.
    pub fn reserve_all(&self) -> Reservation {
        Reservation { covered: 0, ..self.reserve() }
    }
}

impl Reservation {
    /// Makes room for `more` bytes.
    pub fn grow(&mut self, more: usize) -> Result<(), BodyError> {
        self.used = self.used.saturating_add(more);
        if self.used <= self.covered {
            return Ok(());
        }
        let steps = (self.used - self.covered).div_ceil(STEP);
        let count = u32::try_from(steps).map_err(|_| BodyError::NoRoom)?;
        let taken: Result<Vec<_>, _> = std::iter::once(&self.room.all)
            .chain(&self.room.share)
            .map(|steps| Arc::clone(steps).try_acquire_many_owned(count))
            .collect();
        let taken = taken.map_err(|_| BodyError::NoRoom)?;
        if self.permits.is_empty() {
            self.permits = taken;
        } else {
            self.permits.iter_mut().zip(taken).for_each(|(held, more)| held.merge(more));
        }
        self.covered += steps * STEP;
        Ok(())
    }

    /// Bytes for which room was made.
    pub const fn used(&self) -> usize {
        self.used
    }
}

/// What applies to the body of one request.
#[derive(Clone, Copy)]
pub struct BodyLimits {
    pub bytes: usize,
    /// Of content that is hashed as it arrives, beside the rest.
    pub streamed: usize,
    pub time: Duration,
}

impl BodyLimits {
    /// Refuses by `Content-Length` before a byte is read.
    fn check_announced(request: &Request, limit: usize) -> Result<(), BodyError> {
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        match announced.and_then(|text| text.parse::<u64>().ok()) {
            Some(length) if length > limit as u64 => Err(BodyError::TooLarge { limit }),
            _ => Ok(()),
        }
    }

    /// The same for a body that comes over a slow line: as long as it keeps coming at [`PACE`] it may take its time. `received` counts its octets.
    pub async fn at_pace<T, E: From<BodyError>>(
        &self,
        received: &AtomicUsize,
        reading: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = Instant::now();
        let mut reading = std::pin::pin!(reading);
        loop {
            let earned = Duration::from_secs((received.load(Ordering::Relaxed) / PACE) as u64);
            let deadline = started + self.time + earned;
            match tokio::time::timeout_at(deadline.into(), &mut reading).await {
                Ok(read) => return read,
                // Meanwhile it may have earned more.
                Err(_) if Duration::from_secs((received.load(Ordering::Relaxed) / PACE) as u64) > earned => {}
                Err(_) => return Err(self.slow().into()),
            }
        }
    }

    /// Refuses a body that says of itself that it is too large.
    pub fn admit(&self, request: &Request) -> Result<(), BodyError> {
        Self::check_announced(request, self.bytes)
    }

    /// Reads what nobody wants, and drops it: a browser takes no answer before it has sent all it has. What is beyond `most` octets, or comes too
    /// late, stays unread.
    pub async fn pass_over(&self, request: Request, most: usize) {
        let reading = async {
            let mut body = request.into_body();
            let mut left = most;
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    return;
                }
            }
        };
        let _in_time = tokio::time::timeout(self.time, reading).await;
    }

    pub const fn slow(&self) -> BodyError {
        BodyError::Slow { seconds: self.time.as_secs() }
    }

    /// Runs what reads the body, for as long as a body may take.
    pub async fn within<T, E: From<BodyError>>(&self, reading: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        tokio::time::timeout(self.time, reading).await.unwrap_or_else(|_| Err(self.slow().into()))
    }

    /// The whole body, and the room it takes.
    pub async fn read(&self, request: Request, room: &Room) -> Result<(Bytes, Reservation), BodyError> {
        Self::check_announced(&request, self.bytes)?;
        let mut reservation = room.reserve();
        let reading = async {
            let mut body = request.into_body();
            let mut first = Bytes::new();
            let mut whole: Vec<u8> = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(piece) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
                if first.len() + whole.len() + piece.len() > self.bytes {
                    return Err(BodyError::TooLarge { limit: self.bytes });
                }
                reservation.grow(piece.len())?;
                // A body in one piece is not copied.
                if whole.is_empty() && first.is_empty() {
                    first = piece;
                } else {
                    if whole.is_empty() {
                        whole.reserve((first.len() + piece.len()) * 2);
                        whole.extend_from_slice(&std::mem::take(&mut first));
                    }
                    whole.extend_from_slice(&piece);
                }
            }
            Ok(if whole.is_empty() { first } else { Bytes::from(whole) })
        };
        let bytes = self.within(reading).await?;
        Ok((bytes, reservation))
    }

    /// The parts of a multipart body, to be read [`within`](Self::within) the time; the size is held.
    pub async fn multipart(&self, request: Request) -> Result<MultipartBody, BodyError> {
        self.parts_within(request, self.bytes).await
    }

    /// The same where one part may be hashed as it arrives; the others are bounded as they are buffered.
    pub async fn streamed_multipart(&self, request: Request) -> Result<MultipartBody, BodyError> {
        self.parts_within(request, self.streamed.saturating_add(self.bytes)).await
    }

    async fn parts_within(&self, request: Request, limit: usize) -> Result<MultipartBody, BodyError> {
        Self::check_announced(&request, limit)?;
        MultipartBody::open(request, limit, *self).await
    }
}

/// Requests in work: of a listener, and of one client.
pub struct Admission {
    _listener: OwnedSemaphorePermit,
    _client: Option<OwnedSemaphorePermit>,
}

/// Lets a request in whose body has arrived, or says when to come again.
pub fn admit(work: &Arc<Semaphore>, caller: &Caller) -> Result<Admission, Problem> {
    let client = match caller {
        Caller::Client(client) => {
            let permit = Arc::clone(&client.concurrency).try_acquire_owned();
            Some(permit.map_err(|_| Problem::client_concurrency())?)
        }
        Caller::Anyone | Caller::UnknownClient => None,
    };
    let listener = Arc::clone(work).try_acquire_owned().map_err(|_| Problem::overloaded())?;
    Ok(Admission { _listener: listener, _client: client })
}

/// The same for one of many requests in one body: it waits for its turn.
pub async fn wait_for_turn(work: &Arc<Semaphore>, caller: &Caller) -> Result<Admission, Problem> {
    let closed = |_| Problem::internal();
    let client = match caller {
        Caller::Client(client) => Some(Arc::clone(&client.concurrency).acquire_owned().await.map_err(closed)?),
        Caller::Anyone | Caller::UnknownClient => None,
    };
    Ok(Admission { _listener: Arc::clone(work).acquire_owned().await.map_err(closed)?, _client: client })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_in_steps_and_given_back() {
        let room = Room::new(2 * STEP);
        let strangers = room.share(STEP);
        let (mut one, mut other) = (strangers.reserve_all(), strangers.reserve_all());
        assert!(one.grow(1).is_ok() && matches!(other.grow(1), Err(BodyError::NoRoom)), "their share");
        assert!(room.reserve_all().grow(STEP).is_ok(), "leaves as much to others");
        drop((one, other));
        let mut small = room.reserve();
        assert!(small.grow(UNRESERVED).is_ok());
        let mut large = room.reserve();
        assert!(large.grow(UNRESERVED).is_ok() && large.grow(1).is_ok() && large.grow(STEP).is_ok());
        assert!(matches!(small.grow(1), Err(BodyError::NoRoom)));
        drop(large);
        assert!(room.reserve().grow(UNRESERVED + 2 * STEP).is_ok());
        assert!(room.reserve().grow(UNRESERVED + 2 * STEP + 1).is_err());
    }
}
