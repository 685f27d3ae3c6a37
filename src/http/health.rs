//! `/healthz`: the process answers. `/readyz`: it can do its work (not on the public listener).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, auth::Caller, problem::Problem};
use crate::clock;
use crate::core::x509::name::inert;
use crate::registry::Backlog;
use crate::service::readiness::{KeyHealth, ListHealth, Readiness};

#[derive(Serialize)]
struct ReadyBody {
    status: &'static str,
    keys: Vec<KeyBody>,
    /// Of the authorities whose lists the sources of the settings are to bring.
    lists: Vec<ListBody>,
    /// Signatures that wait for the level ordered; null where none above B-B can be made.
    levels: Option<LevelsBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LevelsBody {
    waiting: u32,
    oldest_seconds: u64,
    given_up: u32,
}

impl LevelsBody {
    fn new(backlog: Backlog) -> Self {
        let Backlog { waiting, given_up, .. } = backlog;
        Self { waiting, oldest_seconds: backlog.age(clock::now()).as_secs(), given_up }
    }
}

#[derive(Serialize)]
struct ListBody {
    issuer: String,
    /// Fingerprint of the authority's certificate.
    sha256: String,
    code: Option<&'static str>,
}

#[derive(Serialize)]
struct KeyBody {
    name: String,
    fault: Option<String>,
    /// Of the fault.
    code: Option<&'static str>,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "Alive", body = serde_json::Value)))]
pub async fn healthz() -> Response {
    Json(serde_json::json!({"status": "ok"})).into_response()
}

/// Every key signs a random digest and our own verifier accepts it, at most a minute ago; every key's certificate can be relied on
/// now, as signing demands; and of the authorities that sources are for one at least has a list that counts by the default policy. What
/// other authorities lack is told: the answers about their papers are undetermined, those about all others are not.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "Ready", body = serde_json::Value),
        (status = 503, description = "A key does not sign, or no list counts; `code` says why", body = serde_json::Value),
        (status = 403, description = "`client-unknown`"),
    )
)]
pub async fn readyz(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    caller.may_operate()?;
    let health = app.readiness.check().await;
    let lists = app.readiness.lists(clock::now());
    let ready = Readiness::is_ready(&health, &lists);
    let body = |key: KeyHealth| {
        let (fault, code) = key.fault.map(|fault| (fault.words, fault.code)).unzip();
        KeyBody { name: key.key, fault, code }
    };
    let keys = health.into_iter().map(body).collect();
    let list = |list: ListHealth| ListBody {
        issuer: inert(list.authority.display_name()),
        sha256: list.authority.fingerprint_text().to_owned(),
        code: list.fault,
    };
    let lists = lists.into_iter().map(list).collect();
    let levels = match &app.levels {
        Some(levels) => Some(LevelsBody::new(levels.backlog().await?)),
        None => None,
    };
    let (status, word) = if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not-ready") };
    Ok((status, Json(ReadyBody { status: word, keys, lists, levels })).into_response())
}
