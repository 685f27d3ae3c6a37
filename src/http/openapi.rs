//! `GET /openapi.json`: the description of the interface, generated from the handlers.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

static DESCRIPTION: LazyLock<String> = LazyLock::new(|| super::router::description().to_json().unwrap_or_default());

pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION.as_str()).into_response()
}
