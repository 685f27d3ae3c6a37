//! `GET /v1/kinds`: what documents of each kind are, and who signs them; `GET /v1/schemas/{file}`: the JSON Schemas of their data.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, auth::Caller, problem::Problem};
use crate::{
    core::document_kind::Period,
    kinds::{
        DocumentKind,
        content::{Content, Form},
        kind::{Disclosure, Reliance, Title},
    },
};

#[derive(Serialize)]
struct KindsBody<'a> {
    kinds: Vec<KindBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KindBody<'a> {
    name: &'a str,
    title: &'a Title,
    law: &'a [String],
    /// A key of this service signs it.
    issued_here: bool,
    contents: Vec<ContentBody<'a>>,
    required_signers: Vec<PeriodBody<'a>>,
    reliance: &'a Reliance,
    disclosure: &'a Disclosure,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBody<'a> {
    media_type: &'a str,
    form: Form,
    maximum_bytes: usize,
    /// Where its JSON Schema is.
    schema: Option<String>,
}

#[derive(Serialize)]
struct PeriodBody<'a> {
    from: Option<String>,
    until: Option<String>,
    signers: &'a [Vec<String>],
}

impl<'a> KindBody<'a> {
    fn new(kind: &'a DocumentKind, issued_here: bool) -> Self {
        let content = |content: &'a Content| ContentBody {
            media_type: &content.media_type,
            form: content.form,
            maximum_bytes: content.maximum_bytes,
            schema: content.schema.as_ref().map(|schema| format!("/v1/schemas/{}", schema.name)),
        };
        let period = |period: &'a Period| PeriodBody {
            from: period.from.map(|time| time.to_string()),
            until: period.until.map(|time| time.to_string()),
            signers: &period.signers,
        };
        Self {
            name: &kind.name,
            title: &kind.title,
            law: &kind.law,
            issued_here,
            contents: kind.contents.iter().map(content).collect(),
            required_signers: kind.periods.iter().map(period).collect(),
            reliance: &kind.reliance,
            disclosure: &kind.disclosure,
        }
    }
}

/// The kinds of documents: media types, size, schema, required signers, what they are good for, what may be told of them.
#[utoipa::path(
    get,
    path = "/v1/kinds",
    responses((status = 200, description = "Every kind that is known here", body = serde_json::Value))
)]
pub async fn kinds(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    caller.may_operate()?;
    let issued = |kind: &DocumentKind| app.config.kinds.iter().any(|issued| issued.name == kind.name);
    let kinds = app.kinds.iter().map(|kind| KindBody::new(kind, issued(kind))).collect();
    Ok(Json(KindsBody { kinds }).into_response())
}

/// A JSON Schema (draft 2020-12) that documents are held against before they are signed.
#[utoipa::path(
    get,
    path = "/v1/schemas/{file}",
    params(("file" = String, Path, description = "As `/v1/kinds` and other schemas name it")),
    responses(
        (status = 200, description = "The schema", content_type = "application/schema+json", body = serde_json::Value),
        (status = 404, description = "There is no such schema"),
    )
)]
pub async fn schema(
    State(app): State<Arc<App>>,
    caller: Caller,
    file: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.may_operate()?;
    let schema = file.ok().and_then(|Path(file)| app.kinds.schema(&file)).ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema.to_string()).into_response())
}
