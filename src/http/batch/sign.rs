//! `POST /v1/sign/batch`, on the mutual-TLS listener alone.

use std::sync::{Arc, atomic::AtomicUsize};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};

use super::{Answered, Batch, Line, check_media_type, name_in, trail};
use crate::{
    config,
    http::{
        App,
        audited::Operation,
        auth::Caller,
        field::Fields,
        problem::Problem,
        sign::{LINE_FIELDS, Parts, SignedBody, audited, check_idempotency_key, order},
    },
};

/// Many orders, one a line; answers in order of completion.
///
/// A line is a JSON order as `POST /v1/sign` takes it, and `idempotencyKey` in place of the header. The line of its answer has
/// `idempotencyKey`, `httpStatus` and the members of the answer, or of the problem (RFC 9457). Lines are read as answers are taken. A batch
/// that was cut off is sent again as it is: what was signed is answered with the same signature.
#[utoipa::path(
    post,
    path = "/v1/sign/batch",
    request_body(description = "One order a line", content((String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "One answer a line, in order of completion", content_type = "application/x-ndjson", body = String),
        (status = 403, description = "Not permitted to this client"),
        (status = 415, description = "Another content type"),
    )
)]
pub async fn sign_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, Problem> {
    caller.permitted(config::Operation::Sign)?;
    check_media_type(&request)?;
    let trail = trail(&mut request)?;
    let batch = Batch {
        app,
        caller,
        trail,
        operation: Operation::Sign,
        name: "idempotencyKey",
        unreadable: AtomicUsize::new(0),
    };
    batch.begin(request, |batch, line| async move { answer_line(&batch, line).await })
}

async fn answer_line(batch: &Batch, Line { text, occupied }: Line) -> Answered {
    let mut name = None;
    let mut read = || {
        let fields = Fields::read(&text, LINE_FIELDS)?;
        let key = fields.text("idempotencyKey")?;
        let key = fields.required("idempotencyKey", key)?.into_owned();
        check_idempotency_key("idempotencyKey", key.as_bytes())?;
        name = fields.identifier("idempotencyKey")?;
        let client = Arc::clone(batch.caller.permitted(config::Operation::Sign)?);
        order(&fields, Parts::default(), client, key)
    };
    let order = read();
    if name.is_none() {
        name = name_in(&text, batch.name);
    }
    drop(text);
    let outcome = match order {
        Err(problem) => Err(problem),
        Ok(order) => {
            let app = Arc::clone(&batch.app);
            // Signing goes on when its client hangs up; what it occupies goes with it.
            let work = tokio::spawn(async move {
                let signed = app.sign.sign(order).await;
                drop(occupied);
                signed
            });
            work.await.map_err(|_| Problem::internal()).and_then(|signed| signed.map_err(Problem::from))
        }
    };
    let answered = outcome.and_then(|signed| {
        metrics::counter!("antin_sign_answers_total").increment(1);
        let said = audited(&signed);
        let members = SignedBody::whole(&signed).map_err(|_| Problem::internal())?;
        Ok((StatusCode::CREATED, members, said))
    });
    Answered { name: (batch.name, name), outcome: answered }
}
