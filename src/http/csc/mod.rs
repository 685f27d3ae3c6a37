//! Remote signing: the API of the Cloud Signature Consortium (2.0.0.2, and of 1.0.4.0 what tells of credentials), on the mutual-TLS listener
//! alone, where the settings have `[remote-signing]`. Its answers and errors are those of that specification.

mod credentials;
mod fault;
mod sign_doc;
mod sign_hash;
mod timestamp;
mod token;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, header},
    routing::post,
};
use serde_json::{Value, json};

use super::{
    App,
    auth::Caller,
    content_type,
    field::{FieldError, FieldFault, Fields},
    limits::Reservation,
    listener::ClientCertificate,
    problem::Problem,
};
use crate::{clock, service::permission::Client};
use fault::Fault;

/// The versions of the specification that are spoken.
const SPECS: [&str; 2] = ["1.0.4.0", "2.0.0.2"];
/// The methods that each of them has here.
const METHODS: [&[&str]; 2] = [
    &["credentials/list", "credentials/info", "oauth2/token"],
    &["credentials/list", "credentials/info", "signatures/signDoc", "oauth2/token"],
];

/// Every route; none if the settings name no service.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.config.remote_signing.name.is_none() {
        return Router::new();
    }
    let router = Router::new()
        .route("/csc/v1/info", post(info_v1))
        .route("/csc/v2/info", post(info_v2))
        .route("/csc/v1/credentials/list", post(credentials::list_v1))
        .route("/csc/v2/credentials/list", post(credentials::list_v2))
        .route("/csc/v1/credentials/info", post(credentials::info_v1))
        .route("/csc/v2/credentials/info", post(credentials::info_v2))
        .route("/csc/v2/signatures/signDoc", post(sign_doc::sign_doc))
        .route("/csc/v1/signatures/timestamp", post(timestamp::timestamp_v1))
        .route("/csc/v2/signatures/timestamp", post(timestamp::timestamp_v2))
        .route("/oauth2/token", post(token::token));
    if !app.config.remote_signing.sign_hash {
        return router;
    }
    router
        .route("/csc/v1/signatures/signHash", post(sign_hash::sign_hash_v1))
        .route("/csc/v2/signatures/signHash", post(sign_hash::sign_hash_v2))
}

async fn info_v1(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    info(&app, &caller, request, 0).await
}

async fn info_v2(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    info(&app, &caller, request, 1).await
}

/// What the service is and can. It takes no access token (§8.1 of 1.0.4.0, §11.1 of 2.0.0.2).
async fn info(app: &App, caller: &Caller, request: Request, version: usize) -> Result<Json<Value>, Fault> {
    let (body, _room) = body(app, caller, request).await?;
    Fields::read(&body, &["lang"])?.short_text("lang")?;
    let settings = &app.config.remote_signing;
    let blind = settings.sign_hash.then_some("signatures/signHash");
    let stamping = app.extending.as_ref().map(|_| "signatures/timestamp");
    let methods: Vec<&str> = METHODS[version].iter().copied().chain(blind).chain(stamping).collect();
    let mut info = json!({
        "specs": SPECS[version],
        "name": settings.name,
        "region": settings.region,
        "lang": settings.lang,
        "description": settings.description,
        "authType": ["oauth2client"],
        "oauth2": settings.base_url,
        "methods": methods,
    });
    if let Some(logo) = &settings.logo {
        info["logo"] = logo.as_str().into();
    }
    Ok(Json(info))
}

/// A JSON body; one that is empty says nothing.
async fn body(app: &App, caller: &Caller, request: Request) -> Result<(Bytes, Reservation), Fault> {
    let media_type = content_type(&request)?;
    let (body, room) = app.body_limits(caller).read(request, app.room(caller)).await.map_err(Problem::from)?;
    if !body.is_empty() && media_type != "application/json" {
        return Err(Problem::media_type("application/json").into());
    }
    Ok((if body.is_empty() { Bytes::from_static(b"{}") } else { body }, room))
}

/// The client, who shows a certificate of the settings and an access token that was given to it with that very certificate.
fn authorised<'a>(app: &App, caller: &'a Caller, request: &Request) -> Result<&'a Arc<Client>, Fault> {
    let token = bearer(request.headers())?;
    let client = caller.client().map_err(|problem| Fault::invalid_token(problem.detail))?;
    let certificate = certificate(request)?;
    let checked = app.access_tokens.check(token, &client.name, &certificate.0, clock::now());
    checked.map_err(|refusal| Fault::invalid_token(refusal.to_string()))?;
    Ok(client)
}

/// Of the connection on which the request came.
fn certificate(request: &Request) -> Result<ClientCertificate, Fault> {
    let certificate = request.extensions().get::<ClientCertificate>().copied();
    certificate.ok_or_else(|| Problem::client_unknown().into())
}

/// RFC 6750 §2.1.
fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let malformed = || Fault::invalid_request("Malformed authorization header: it is Bearer and one access token");
    let value = values.next().ok_or_else(Fault::no_token)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !scheme.eq_ignore_ascii_case("bearer") || !is_token(token) || values.next().is_some() {
        return Err(malformed());
    }
    Ok(token)
}

/// A member that the specification has and this service does not serve.
fn not_served(fields: &Fields<'_>, name: &str, rule: &'static str) -> Result<(), FieldError> {
    if fields.has(name) { Err(fields.error(name, FieldFault::Conflict(rule))) } else { Ok(()) }
}
