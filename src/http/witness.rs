//! `POST /witness/add-checkpoint`: this service as a witness of other logs (C2SP tlog-witness).

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};

use super::{App, auth::Caller, limits, limits::BodyLimits, problem::Problem};
use crate::{
    clock,
    core::log::witness::{AddCheckpoint, LONGEST_REQUEST, WitnessFault},
    issuance_log::{NoCosignature, Witness},
};

/// The witness, one request at a time: what it saw last decides, and is on the disk before the next.
pub type SharedWitness = Arc<Mutex<Witness>>;

/// The route, if this service is a witness.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.witness.is_none() {
        return Router::new();
    }
    Router::new().route("/witness/add-checkpoint", post(add_checkpoint))
}

async fn add_checkpoint(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let witness = app.witness.clone().ok_or_else(Problem::not_found)?;
    let limits = BodyLimits { bytes: LONGEST_REQUEST, ..app.body_limits(&caller) };
    let (body, _reservation) = limits.read(request, &app.room).await?;
    let _admission = limits::admit(app.work(&caller), &caller)?;
    let time = u64::try_from(clock::now().unix()).unwrap_or(0);
    let work = tokio::task::spawn_blocking(move || {
        let request =
            AddCheckpoint::parse(&body).map_err(|fault| NoCosignature::Fault(WitnessFault::Request(fault)))?;
        witness.lock().unwrap_or_else(PoisonError::into_inner).add_checkpoint(&request, time)
    });
    match work.await.map_err(|_| Problem::internal())? {
        Ok(line) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], line).into_response()),
        Err(error) => refused(error),
    }
}

/// The statuses are those of C2SP tlog-witness.
fn refused(error: NoCosignature) -> Result<Response, Problem> {
    match error {
        NoCosignature::Fault(WitnessFault::Conflict { size }) => Ok(newest_is(size)),
        NoCosignature::Fault(WitnessFault::Fork { size }) => {
            tracing::error!(size, "a log that this service witnesses has signed two histories");
            metrics::counter!("antin_witness_forks_total").increment(1);
            Ok(newest_is(size))
        }
        NoCosignature::Fault(WitnessFault::Request(fault)) => not_cosigned(StatusCode::BAD_REQUEST, &fault),
        NoCosignature::Fault(WitnessFault::UnknownLog) => {
            not_cosigned(StatusCode::NOT_FOUND, &"of a log that is not known here")
        }
        NoCosignature::Fault(WitnessFault::NotSigned(fault)) => not_cosigned(StatusCode::FORBIDDEN, &fault),
        NoCosignature::Fault(WitnessFault::Inconsistent(fault)) => {
            // Anybody can send a checkpoint of the log with a proof that does not belong to it.
            tracing::warn!(%fault, "a checkpoint was sent without a proof that it goes on from the last one seen");
            not_cosigned(StatusCode::UNPROCESSABLE_ENTITY, &fault)
        }
        NoCosignature::Log(fault) => {
            tracing::error!(%fault, "the witness cannot sign");
            Err(Problem::internal())
        }
        NoCosignature::State(error) => {
            tracing::error!(%error, "the state of the witness cannot be written");
            Err(Problem::internal())
        }
    }
}

fn newest_is(size: u64) -> Response {
    let media_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
    (StatusCode::CONFLICT, media_type, format!("{size}\n")).into_response()
}

fn not_cosigned(status: StatusCode, fault: &dyn std::fmt::Display) -> Result<Response, Problem> {
    let detail = format!("the checkpoint is not cosigned: {fault}");
    Err(Problem { status, ..Problem::new(StatusCode::BAD_REQUEST, "checkpoint-not-cosigned", detail) })
}
