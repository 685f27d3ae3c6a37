//! What a development PKI publishes, at the addresses written into its certificates: `/crl/{root,ca}.crl`, `/crt/{root,ca}.crt`.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::{App, problem::Problem};
use crate::pki::{Authority, PkiError, file};

type Name = Result<Path<String>, PathRejection>;

/// The routes, if this service has a development PKI.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.published.is_none() {
        return Router::new();
    }
    Router::new().route("/crl/{file}", get(crl)).route("/crt/{file}", get(certificate))
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
    let read = tokio::task::spawn_blocking(move || read(directory, authority)).await;
    let der = read.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::error!(%error, "the development PKI cannot be read");
        Problem::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, media_type)], der).into_response())
}
