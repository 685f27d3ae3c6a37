//! A connection whose other side must go on: hyper waits without limit for an HTTP/2 preface and for a reader that does not read,
//! and places for connections are few.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Ends in [`io::ErrorKind::TimedOut`] when the other side keeps silent at the beginning, or takes nothing for too long.
pub struct Patient<T> {
    inner: T,
    /// Until the first octets came that were asked for.
    opening: Option<Opening>,
    /// How long one octet may wait to be taken.
    patience: Duration,
    /// Runs while an octet waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

struct Opening {
    octets: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<T> Patient<T> {
    pub const fn new(inner: T, patience: Duration) -> Self {
        Self { inner, opening: None, patience, waiting: None }
    }

    /// The first `octets` must arrive within `time` from now.
    pub fn opening_within(self, octets: usize, time: Duration) -> Self {
        Self { opening: Some(Opening { octets, deadline: Box::pin(sleep(time)) }), ..self }
    }

    /// What became of writing; time runs while nothing was taken.
    fn hold<R>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let Some(opening) = &mut self.opening else { return read };
        if read.is_ready() {
            opening.octets = opening.octets.saturating_sub(buffer.filled().len() - before);
            if opening.octets == 0 {
                self.opening = None;
            }
            return read;
        }
        opening.deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.hold(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, pieces);
        self.hold(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.hold(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
        self.hold(context, outcome)
    }
}
