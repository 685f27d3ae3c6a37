//! `POST /v1/verify/batch`.

use std::sync::{Arc, atomic::AtomicUsize};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};

use super::{Answered, Batch, Line, check_media_type, name_in, trail};
use crate::http::{
    App, answer,
    audited::{Audited, Operation},
    auth::Caller,
    field::Fields,
    problem::Problem,
    verify::{LINE_FIELDS, judge, question},
};

/// Many questions, one a line; answers in order of completion.
///
/// A line is a JSON question as `POST /v1/verify` takes it, and `id`, by which its answer is known: a string of at most 256 bytes, or a whole
/// number. The line of its answer has `id`, `httpStatus` and the members of the answer, or of the problem (RFC 9457). Lines are read as
/// answers are taken.
#[utoipa::path(
    post,
    path = "/v1/verify/batch",
    request_body(description = "One question a line", content((String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "One answer a line, in order of completion", content_type = "application/x-ndjson", body = String),
        (status = 415, description = "Another content type"),
    )
)]
pub async fn verify_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, Problem> {
    caller.may_verify()?;
    check_media_type(&request)?;
    let trail = trail(&mut request)?;
    let batch = Batch { app, caller, trail, operation: Operation::Verify, name: "id", unreadable: AtomicUsize::new(0) };
    batch.begin(request, |batch, line| async move { answer_line(&batch, line).await })
}

async fn answer_line(batch: &Batch, Line { text, occupied }: Line) -> Answered {
    let mut id = None;
    let mut read = || {
        let fields = Fields::read(&text, LINE_FIELDS)?;
        let given = fields.identifier("id")?;
        let given = fields.required("id", given)?;
        id = Some(given);
        question(&fields)
    };
    let read = read();
    // What was taken apart is held by the question; the line itself is not any more.
    if id.is_none() {
        id = name_in(&text, batch.name);
    }
    drop(text);
    let outcome = match read {
        Err(error) => Err(Problem::from(error)),
        Ok(question) => judge(&batch.app, &batch.caller, question, occupied).await,
    };
    let answered = outcome.and_then(|judged| {
        let members = answer::json(&judged.report)?;
        Ok((StatusCode::OK, members, Audited::of(&judged.report)))
    });
    Answered { name: (batch.name, id), outcome: answered }
}
