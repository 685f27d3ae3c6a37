//! What a development PKI publishes, at the addresses written into its certificates: `/crl/{root,ca}.crl`, `/crt/{root,ca}.crt`;
//! and its time-stamping authority, `/tsa` (RFC 3161 §3.4).

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{App, auth::Caller, limits, limits::BodyLimits, problem::Problem};
use crate::{
    clock,
    core::cms::timestamp_exchange::{QUERY_MEDIA_TYPE, REPLY_MEDIA_TYPE},
    pki::{Authority, PkiError, file, tsa::TimeStampingAuthority},
};

/// Octets of the longest request for a time-stamp.
const QUERY_LIMIT: usize = 4096;

type Name = Result<Path<String>, PathRejection>;

/// The routes, if this service has a development PKI.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.published.is_none() {
        return Router::new();
    }
    let router = Router::new().route("/crl/{file}", get(crl)).route("/crt/{file}", get(certificate));
    router.route("/tsa", post(time_stamp))
}

/// A `TimeStampResp` to the `TimeStampReq` in the body; what cannot be met is a rejection in it.
async fn time_stamp(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    if !media_type.is_some_and(|given| given.eq_ignore_ascii_case(QUERY_MEDIA_TYPE.as_bytes())) {
        return Err(Problem::media_type(QUERY_MEDIA_TYPE));
    }
    let directory = app.published.clone().ok_or_else(Problem::not_found)?;
    let limits = BodyLimits { bytes: QUERY_LIMIT, ..app.body_limits(&caller) };
    let (query, _reservation) = limits.read(request, &app.public_room).await?;
    let _admission = limits::admit(app.work(&caller), &caller)?;
    let answer = move || TimeStampingAuthority::load(&directory)?.answer(&query, clock::now());
    let answer = finished(tokio::task::spawn_blocking(answer).await)?;
    Ok(([(header::CONTENT_TYPE, REPLY_MEDIA_TYPE)], answer).into_response())
}

fn finished<T>(work: Result<Result<T, PkiError>, tokio::task::JoinError>) -> Result<T, Problem> {
    work.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::error!(%error, "the development PKI cannot be read");
        Problem::internal()
    })
}

async fn crl(State(app): State<Arc<App>>, name: Name) -> Result<Response, Problem> {
    serve(&app, name, ".crl", "application/pkix-crl", |directory, authority| {
        file::read_crl(&authority.crl_path(&directory))
    })
    .await
}

async fn certificate(State(app): State<Arc<App>>, name: Name) -> Result<Response, Problem> {
    serve(&app, name, ".crt", "application/pkix-cert", |directory, authority| {
        file::read_certificate(&authority.member().certificate_path(&directory)).map(|found| found.der)
    })
    .await
}

/// DER. The name chooses among two; it never becomes part of a path.
async fn serve(
    app: &App,
    name: Name,
    ending: &str,
    media_type: &'static str,
    read: impl FnOnce(PathBuf, Authority) -> Result<Vec<u8>, PkiError> + Send + 'static,
) -> Result<Response, Problem> {
    let Ok(Path(name)) = name else { return Err(Problem::not_found()) };
    let stem = name.strip_suffix(ending).ok_or_else(Problem::not_found)?;
    let authority = Authority::ALL.into_iter().find(|authority| authority.member().stem() == stem);
    let (Some(authority), Some(directory)) = (authority, app.published.clone()) else {
        return Err(Problem::not_found());
    };
    let der = finished(tokio::task::spawn_blocking(move || read(directory, authority)).await)?;
    Ok(([(header::CONTENT_TYPE, media_type)], der).into_response())
}
