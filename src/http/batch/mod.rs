//! Many requests in one: a line in, a line out (NDJSON), in order of completion.
//!
//! No more lines are read than are being worked on, and a bounded number of answers waits to be taken, each of which takes room: who does not
//! read answers is read no further (back-pressure). When its connection is to end, because its client was revoked or the service stops, no further line is read. Each line is admitted, limited and written into the audit log like a request of its own.

mod lines;
mod sign;
mod verify;
mod waiting;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde_json::value::RawValue;
use tokio::{sync::Semaphore, time::Instant};

use super::{
    App,
    audited::{Audited, Operation, Trail},
    auth::Caller,
    body_type,
    field::Fields,
    limits::{self, Admission, BodyError, Reservation},
    listener::Closing,
    places::Working,
    problem::Problem,
};
use lines::Lines;
pub use sign::{__path_sign_batch, sign_batch};
pub use verify::{__path_verify_batch, verify_batch};

pub const NDJSON: &str = "application/x-ndjson";
/// Lines of one stranger's batch that cannot be read, each of which is written into the audit log.
const MOST_UNREADABLE: usize = 100;
/// Lines of one stranger's batch in work.
const OF_STRANGERS: usize = 4;

/// The answers of this body; the connection counts as being in work until it ends.
#[derive(Clone, Copy)]
pub struct Streamed;

/// One line, let in.
struct Line {
    text: Bytes,
    occupied: (Reservation, Admission),
}

/// What becomes of a line.
struct Answered {
    /// How its caller names it: the member, and its JSON text.
    name: (&'static str, Option<Box<RawValue>>),
    /// The members of the answer, as a JSON object.
    outcome: Result<(StatusCode, Vec<u8>, Audited), Problem>,
}

/// What does not change from line to line.
struct Batch {
    app: Arc<App>,
    caller: Caller,
    trail: Trail,
    operation: Operation,
    /// The member by which lines are named.
    name: &'static str,
    /// Lines that could not be read.
    unreadable: AtomicUsize,
}

impl Batch {
    /// Begins to answer the lines of a request. `answer` answers one line; it runs in a task of its own.
    fn begin<F, A>(self, mut request: Request, answer: F) -> Result<Response, Problem>
    where
        F: Fn(Arc<Self>, Line) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Answered> + Send + 'static,
    {
        let mut closing = request.extensions_mut().remove::<Closing>().ok_or_else(Problem::internal)?;
        let place = request.extensions_mut().remove::<Working>().ok_or_else(Problem::internal)?;
        // Who is a stranger has the time of one request.
        let limits = &self.app.config.limits;
        let (in_work, until) = match &self.caller {
            Caller::Client(client) => ((client.concurrency.available_permits() / 2).max(1), None),
            Caller::Anyone | Caller::UnknownClient => (OF_STRANGERS, Some(Instant::now() + limits.request())),
        };
        let body_limits = self.app.body_limits(&self.caller);
        let mut lines =
            Lines::new(request.into_body(), body_limits.bytes, body_limits.time, self.app.room(&self.caller).clone());
        let (answers, body) = waiting::answers(body_limits.time, until.map(|until| until + body_limits.time));
        let turns = Arc::new(Semaphore::new(in_work));
        let batch = Arc::new(self);
        tokio::spawn(async move {
            let mut number = 0_u64;
            loop {
                let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
                let next = async {
                    let Some(until) = until else { return lines.next().await };
                    let slow = BodyError::Slow { seconds: batch.app.config.limits.request().as_secs() };
                    tokio::time::timeout_at(until, lines.next()).await.unwrap_or(Some(Err(slow)))
                };
                let next = tokio::select! {
                    () = closing.wait() => return,
                    next = next => next,
                };
                let Some(line) = next else { return };
                number += 1;
                let is_senseless = until.is_some() && batch.unreadable.load(Ordering::Relaxed) >= MOST_UNREADABLE;
                let line = if is_senseless { Err(BodyError::Senseless { lines: MOST_UNREADABLE }) } else { line };
                let goes_on = |error: &BodyError| matches!(error, BodyError::TooLarge { .. } | BodyError::NoRoom);
                let is_last = line.as_ref().is_err_and(|error| !goes_on(error));
                let (batch, answers, answer) = (Arc::clone(&batch), answers.clone(), answer.clone());
                if answers.is_closed() {
                    return;
                }
                let in_work = place.begin();
                tokio::spawn(async move {
                    let answer = batch.answer(number, line, answer).await;
                    drop(in_work);
                    // Nobody listens any more: what was recorded is had again with its idempotency key.
                    drop(answers.send(answer).await);
                    drop(turn);
                });
                if is_last {
                    return;
                }
            }
        });
        let mut response = body.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
        response.extensions_mut().insert(Streamed);
        Ok(response)
    }

    /// The line of an answer, written into the audit log before, and the room that it takes until it was taken.
    async fn answer<F, A>(
        self: Arc<Self>,
        number: u64,
        line: Result<(Bytes, Reservation), BodyError>,
        answer: F,
    ) -> (Bytes, Reservation)
    where
        F: Fn(Arc<Self>, Line) -> A,
        A: Future<Output = Answered>,
    {
        let deadline = self.app.config.limits.request();
        let failed = |problem: Problem| Answered { name: (self.name, None), outcome: Err(problem) };
        let mut answered = match line {
            Err(error) => failed(error.into()),
            Ok((text, reservation)) => match self.let_in(text, reservation, deadline).await {
                Err(problem) => failed(problem),
                Ok(line) => {
                    let work = AssertUnwindSafe(answer(Arc::clone(&self), line)).catch_unwind();
                    match tokio::time::timeout(deadline, work).await {
                        Ok(Ok(answered)) => answered,
                        Ok(Err(_)) => {
                            tracing::error!(request_id = %self.trail.request, line = number, "a line of a batch ended in a panic");
                            failed(Problem::internal())
                        }
                        Err(_) => failed(Problem::deadline(deadline.as_secs())),
                    }
                }
            },
        };
        if answered.outcome.as_ref().is_err_and(|problem| problem.status.is_client_error()) {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        let mut occupied = self.app.room(&self.caller).reserve_all();
        let length = match &answered.outcome {
            Ok((_, members, _)) => members.len(),
            Err(problem) => problem.detail.len(),
        };
        if let Err(error) = occupied.grow(length) {
            // A signature is in the record: it is had again by its key.
            answered.outcome = Err(error.into());
        }
        if let Err(problem) = self.record(number, &answered.outcome).await {
            answered.outcome = Err(problem);
        }
        (answered.line(), occupied)
    }

    /// Lets a line in: a client's waits for its turn among all requests in work, a stranger's comes in if there is room.
    async fn let_in(&self, text: Bytes, reservation: Reservation, patience: Duration) -> Result<Line, Problem> {
        let work = self.app.work(&self.caller);
        let admission = match &self.caller {
            Caller::Client(_) => {
                let turn = tokio::time::timeout(patience, limits::wait_for_turn(work, &self.caller));
                turn.await.map_err(|_| Problem::overloaded())??
            }
            // Who waits goes before those who ask anew: strangers do not.
            Caller::Anyone | Caller::UnknownClient => limits::admit(work, &self.caller)?,
        };
        Ok(Line { text, occupied: (reservation, admission) })
    }

    async fn record(
        &self,
        number: u64,
        outcome: &Result<(StatusCode, Vec<u8>, Audited), Problem>,
    ) -> Result<(), Problem> {
        let Some(audit) = &self.trail.audit else { return Ok(()) };
        let (status, problem, said) = match outcome {
            Ok((status, _, said)) => (*status, None, said.clone()),
            Err(problem) => (problem.status, Some(problem.code.to_string()), Audited::default()),
        };
        let request = format!("{}-{number}", self.trail.request);
        let who = (request.as_str(), self.trail.listener, self.caller.name());
        self.operation.decided(who, status, problem, said).record(audit).await
    }
}

impl Answered {
    /// One line: how it is named, the status that a request of its own would have had, and its answer or problem.
    fn line(self) -> Bytes {
        let (status, members, retry_after) = match self.outcome {
            Ok((status, members, _)) => (status, members, None),
            Err(problem) => (problem.status, problem.body(), problem.retry_after),
        };
        let (name, value) = (self.name.0, self.name.1.as_ref().map_or("null", |value| value.get()));
        let mut line = format!("{{\"{name}\":{value},\"httpStatus\":{}", status.as_u16()).into_bytes();
        if let Some(seconds) = retry_after {
            line.extend_from_slice(format!(",\"retryAfter\":{seconds}").as_bytes());
        }
        // `{"a":1}` -> `,"a":1}`
        match members.strip_prefix(b"{") {
            Some(rest) if rest != b"}" => {
                line.push(b',');
                line.extend_from_slice(rest);
            }
            _ => line.push(b'}'),
        }
        line.push(b'\n');
        Bytes::from(line)
    }
}

/// How a line is named that cannot be read otherwise, if it is an object that names itself once.
fn name_in(text: &[u8], member: &'static str) -> Option<Box<RawValue>> {
    let fields = Fields::read_any(text).ok()?;
    if fields.times(member) == 1 { fields.identifier(member).ok()? } else { None }
}

/// The media type of a batch.
fn check_media_type(request: &Request) -> Result<(), Problem> {
    if request.uri().query().is_some() {
        return Err(Problem::query());
    }
    if body_type(request)? == NDJSON { Ok(()) } else { Err(Problem::media_type(NDJSON)) }
}

/// Who asked under which id, for the audit log.
fn trail(request: &mut Request) -> Result<Trail, Problem> {
    request.extensions_mut().remove::<Trail>().ok_or_else(Problem::internal)
}
