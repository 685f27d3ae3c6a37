//! A request's body on its way, and what becomes of the rest of one that nobody wants to read.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    header,
};
use tokio::time::timeout;

use super::places::StillArriving;

/// How long what nobody wants to read of a body is taken all the same: who is still sending when the connection closes may never
/// see the answer.
const REST: Duration = Duration::from_secs(2);
/// And how long nothing of it may arrive.
const REST_PAUSE: Duration = Duration::from_millis(500);
/// Octets that do not arrive in that time anyway are not waited for.
const REST_OCTETS: u64 = 64 << 20;

/// Where a body that was not read to its end is left.
#[derive(Clone, Default)]
pub struct Rest(Arc<Mutex<Option<Incoming>>>);

impl Rest {
    /// Of this request, if it can be had: who waits for leave to send a body has not sent it.
    fn of(request: &Request<Incoming>) -> Option<Self> {
        let is_sent = !request.body().is_end_stream() && !request.headers().contains_key(header::EXPECT);
        (is_sent && request.body().size_hint().lower() <= REST_OCTETS).then(Self::default)
    }

    fn put(&self, body: Incoming) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    /// What was left, once.
    pub fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Takes in what was not read of a body; not for long.
pub async fn take_in(mut body: Incoming) {
    let all = async { while let Ok(Some(Ok(_))) = timeout(REST_PAUSE, body.frame()).await {} };
    let _ = timeout(REST, all).await;
}

/// A request's body on its way. Once it is here, the connection is not asked to leave before the answer.
pub struct Arriving {
    /// Taken when this is dropped.
    body: Option<Incoming>,
    still: Option<StillArriving>,
    rest: Option<Rest>,
}

impl Arriving {
    /// The same request, its body counted by `still` until it is here; and where the rest of it is left.
    pub fn begin(request: Request<Incoming>, still: impl FnOnce() -> StillArriving) -> (Option<Rest>, Request<Self>) {
        let rest = Rest::of(&request);
        let still = (!request.body().is_end_stream()).then(still);
        let own = rest.clone();
        (rest, request.map(|body| Self { body: Some(body), still, rest: own }))
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.still = None;
        if let (Some(rest), Some(body)) = (&self.rest, self.body.take())
            && !body.is_end_stream()
        {
            rest.put(body);
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        if frame.is_none() || body.is_end_stream() {
            self.still = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
