//! `GET /status-lists/{n}`: the signed status lists of the documents issued here; `GET /status-lists`: where all of them are
//! (draft-ietf-oauth-status-list §8 and §9).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, accept, problem::Problem};
use crate::{
    clock,
    core::status_list::{SignedForm, cwt, jwt},
    service::status_lists::Found,
};

const FORMS: [&str; 2] = [cwt::MEDIA_TYPE, jwt::MEDIA_TYPE];

#[derive(Serialize)]
struct Aggregation {
    status_lists: Vec<String>,
}

/// The standing of a million documents, two bits each: 0 in force, 1 withdrawn, 2 suspended, 3 used or superseded. Whoever caches it learns
/// the standing of a document and tells nobody which one it is. Its place is in the document's signed status reference.
#[utoipa::path(
    get,
    path = "/status-lists/{number}",
    params(("number" = String, Path, description = "The number of the list, from 0")),
    responses(
        (
            status = 200,
            description = "The signed list, as CWT or JWT by `Accept`; CWT for who asks for none",
            content((String = "application/statuslist+cwt"), (String = "application/statuslist+jwt"))
        ),
        (status = 304, description = "The caller has it (`If-None-Match`)"),
        (status = 404, description = "`status-list-unknown`"),
        (status = 406, description = "`not-acceptable`: neither form"),
        (status = 501, description = "`status-list-history`: lists of the past are not kept"),
        (status = 503, description = "`status-list-not-signed`: it cannot be signed now"),
    )
)]
pub async fn status_list(
    State(app): State<Arc<App>>,
    number: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    check_query(&request)?;
    let unknown = || {
        Problem::new(StatusCode::NOT_FOUND, "status-list-unknown", "no status list of this number is published here")
    };
    let Ok(Path(text)) = number else { return Err(unknown()) };
    let number: u32 = text.parse().ok().filter(|number: &u32| number.to_string() == text).ok_or_else(unknown)?;
    let publisher = app.status_lists.as_ref().ok_or_else(unknown)?;
    let media_type = accept::media_type(request.headers(), &FORMS)?;
    let published = match publisher.find(number, clock::now()) {
        Found::None => return Err(unknown()),
        Found::NotSigned => {
            let detail = "the list cannot be signed now; the operator finds the reason in the log: ask again later";
            let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "status-list-not-signed", detail);
            problem.retry_after = Some(5);
            return Err(problem);
        }
        Found::Some(published) => published,
    };
    let form = if media_type == jwt::MEDIA_TYPE { SignedForm::Jwt } else { SignedForm::Cwt };
    let token = published.token(form);
    let mut response = if has_it(request.headers(), &token.entity_tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = token.octets.clone().into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    };
    let headers = response.headers_mut();
    let mut put = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, &token.entity_tag);
    put(header::CACHE_CONTROL, &format!("public, max-age={}", publisher.time_to_live()));
    put(header::VARY, "Accept");
    // §8.1: for programs in browsers.
    put(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    Ok(response)
}

/// The URIs of all status lists (§9.3).
#[utoipa::path(
    get,
    path = "/status-lists",
    responses(
        (status = 200, description = "`{\"status_lists\": [URI]}`", body = serde_json::Value),
        (status = 404, description = "`status-list-unknown`: none are published here"),
    )
)]
pub async fn status_lists(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    check_query(&request)?;
    let Some(publisher) = &app.status_lists else {
        let detail = "no status lists are published here";
        return Err(Problem::new(StatusCode::NOT_FOUND, "status-list-unknown", detail));
    };
    let headers = [
        (header::CACHE_CONTROL, format!("public, max-age={}", publisher.time_to_live())),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    Ok((headers, Json(Aggregation { status_lists: publisher.uris() })).into_response())
}

/// The one parameter that the specification knows asks for a list of the past (§8.4).
fn check_query(request: &Request) -> Result<(), Problem> {
    match request.uri().query() {
        None => Ok(()),
        Some(query) if query.split('&').any(|pair| pair.starts_with("time=")) => {
            let detail = "lists of the past are not kept: ask without time";
            Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "status-list-history", detail))
        }
        Some(_) => Err(Problem::query()),
    }
}

/// RFC 9110 §13.1.2
fn has_it(headers: &HeaderMap, entity_tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim).take(64);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == entity_tag)
}
