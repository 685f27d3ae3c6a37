//! `POST /oauth2/token`: client credentials (RFC 6749 §4.4) by mutual TLS (RFC 8705 §2.1, `tls_client_auth`).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    super::{
        App,
        auth::Caller,
        form::{self, pairs},
        limits,
        problem::Problem,
    },
    Fault, certificate,
};
use crate::clock;

/// Octets of a body: three short parameters.
const LONGEST: usize = 4096;
/// The scope of the specification for all but the credential's authorisation, which is implicit here.
const SCOPE: &str = "service";

/// An access token for who shows a client certificate of the settings, bound to it.
pub async fn token(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    let invalid_client = |detail: String| Fault::new(StatusCode::UNAUTHORIZED, "invalid_client", detail);
    let client = caller.client().map_err(|problem| invalid_client(problem.detail))?;
    if request.uri().query().is_some() {
        return Err(Fault::invalid_request("parameters stand in the body, not in the address"));
    }
    if !is_form(&request) {
        return Err(Fault::invalid_request(format!("the content type must be {}", form::MEDIA_TYPE)));
    }
    if request.headers().contains_key(header::AUTHORIZATION) {
        return Err(Fault::invalid_request("the TLS client certificate says who asks: send no Authorization"));
    }
    let certificate = certificate(&request)?;
    let read = limits::BodyLimits { bytes: LONGEST, ..app.body_limits(&caller) };
    let (body, _room) = read.read(request, app.room(&caller)).await.map_err(Problem::from)?;
    let malformed = || Fault::invalid_request("the body is no form of UTF-8 text");
    let parameters = pairs(&body).ok_or_else(malformed)?;
    let [mut grant_type, mut client_id, mut scope] = [None, None, None];
    for (name, value) in &parameters {
        let place = match name.as_str() {
            "grant_type" => &mut grant_type,
            "client_id" => &mut client_id,
            "scope" => &mut scope,
            "client_secret" | "client_assertion" | "client_assertion_type" => {
                return Err(Fault::invalid_request(format!(
                    "{name}: the TLS client certificate says who asks, and nothing else"
                )));
            }
            // RFC 6749 §3.2: what is not known is passed over.
            _ => continue,
        };
        if place.replace(value.as_str()).is_some() {
            return Err(Fault::invalid_request(format!("{name} is given twice")));
        }
    }
    match grant_type {
        None => return Err(Fault::invalid_request("grant_type must be given: client_credentials")),
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "grant_type must be client_credentials";
            return Err(Fault::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", detail));
        }
    }
    // RFC 8705 §2: the client_id must be there; its certificate proves it.
    let client_id =
        client_id.ok_or_else(|| Fault::invalid_request("client_id must be given: the name in the settings"))?;
    if client_id != client.name {
        return Err(invalid_client("client_id is not the client of this TLS client certificate".to_owned()));
    }
    if scope.is_some_and(|scope| scope != SCOPE) {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "invalid_scope", "scope must be service, or be left out"));
    }
    let token = app.access_tokens.issue(&client.name, &certificate.0, clock::now()).map_err(|error| {
        tracing::error!(%error, "no access token could be made");
        Fault::from(Problem::internal())
    })?;
    let seconds = app.access_tokens.seconds();
    Ok(Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": SCOPE})))
}

/// Whatever its parameters.
fn is_form(request: &Request) -> bool {
    let told = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    told.and_then(|told| told.split(';').next()).is_some_and(|told| told.trim().eq_ignore_ascii_case(form::MEDIA_TYPE))
}
