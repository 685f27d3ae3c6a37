//! Multipart bodies (RFC 7578), part by part.
//!
//! The parser keeps what it cannot hand on yet, however much that is, and takes all that has arrived at once. So it is fed here: one piece at
//! a time, and no more while too much of what it got was neither a part's head nor content.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use axum::{
    body::{Body, Bytes},
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use futures_util::{StreamExt, stream};
use http_body_util::Limited;

use super::limits::{BodyError, BodyLimits};

/// Octets which the parser has and can make nothing of, beyond which it gets no more: of the head of a part, of what comes before the
/// first.
const HELD: usize = 16 * 1024;

/// The parts of a body, one after the other.
pub struct MultipartBody {
    parts: Multipart,
    fed: Fed,
    limits: BodyLimits,
}

/// One of them.
pub struct Part<'a> {
    field: Field<'a>,
    fed: Fed,
    limits: BodyLimits,
}

/// Octets that the parser got since it last gave something.
#[derive(Clone, Default)]
struct Fed(Arc<AtomicUsize>);

impl Fed {
    fn is_too_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) > HELD
    }

    fn error(&self, error: &MultipartError, limits: BodyLimits) -> BodyError {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return BodyError::TooLarge { limit: limits.bytes };
        }
        if self.is_too_much() {
            return BodyError::Multipart(format!("the head of a part, or what is before it, is over {HELD} bytes"));
        }
        BodyError::Multipart(error.body_text())
    }
}

impl MultipartBody {
    /// To be read within the time of `limits`; the size of the whole is held. `whole`: at most so many octets.
    pub(super) async fn open(request: Request, whole: usize, limits: BodyLimits) -> Result<Self, BodyError> {
        let fed = Fed::default();
        let request = request.map(|body| rationed(Body::new(Limited::new(body, whole)), fed.clone()));
        let opened = Multipart::from_request(request, &()).await;
        let parts = opened.map_err(|rejection| BodyError::Multipart(rejection.body_text()))?;
        Ok(Self { parts, fed, limits })
    }

    pub async fn next_part(&mut self) -> Result<Option<Part<'_>>, BodyError> {
        let Self { parts, fed, limits } = self;
        let field = parts.next_field().await.map_err(|error| fed.error(&error, *limits))?;
        fed.0.store(0, Ordering::Relaxed);
        Ok(field.map(|field| Part { field, fed: fed.clone(), limits: *limits }))
    }
}

impl Part<'_> {
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// As its sender calls the file.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The next piece of its content; `None` at its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        let piece = self.field.chunk().await.map_err(|error| self.fed.error(&error, self.limits))?;
        self.fed.0.store(0, Ordering::Relaxed);
        Ok(piece)
    }
}

/// The body, of which each question gets one piece: the parser asks until it is told to wait.
fn rationed(body: Body, fed: Fed) -> Body {
    let mut pieces = body.into_data_stream();
    let mut was_given = false;
    Body::from_stream(stream::poll_fn(move |waiting| {
        if std::mem::take(&mut was_given) {
            waiting.waker().wake_by_ref();
            return Poll::Pending;
        }
        if fed.is_too_much() {
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other("no end of a head")))));
        }
        let piece = pieces.poll_next_unpin(waiting);
        if let Poll::Ready(Some(Ok(piece))) = &piece {
            fed.0.fetch_add(piece.len(), Ordering::Relaxed);
            was_given = true;
        }
        piece
    }))
}
