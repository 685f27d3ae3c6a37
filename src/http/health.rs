//! `/healthz`: the process answers. `/readyz`: it can do its work (not on the public listener).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::App;

#[derive(Serialize)]
struct ReadyBody {
    status: &'static str,
    keys: Vec<KeyBody>,
}

#[derive(Serialize)]
struct KeyBody {
    name: String,
    fault: Option<String>,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "Alive", body = serde_json::Value)))]
pub async fn healthz() -> Response {
    Json(serde_json::json!({"status": "ok"})).into_response()
}

/// Every key signs a random digest and our own verifier accepts it; the answer is at most a minute old.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "Ready", body = serde_json::Value),
        (status = 503, description = "A key does not sign", body = serde_json::Value),
    )
)]
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    let health = app.readiness.check().await;
    let ready = health.iter().all(|key| key.fault.is_none());
    let keys = health.iter().map(|key| KeyBody { name: key.key.clone(), fault: key.fault.clone() }).collect();
    let (status, word) = if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not-ready") };
    (status, Json(ReadyBody { status: word, keys })).into_response()
}
