//! Every route, and on which listener it is.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    routing::get,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App, batch, csc, documents, extend, health, issuance_log, kinds, lookup, metrics, openapi, page, problem::Problem,
    published, sign, siva, status_lists, trust, verify, witness,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "antin",
    description = "Verification and trust service for digitally signed public documents. Errors are RFC 9457 problem \
                   details with a stable `code`.",
    license(name = "see the project")
))]
struct Description;

/// For everyone: verifying.
pub fn public(app: &Arc<App>) -> Router {
    let (router, _) = verifying().merge(asking()).split_for_parts();
    let router = router
        .merge(published::router(app))
        .merge(issuance_log::router(app))
        .merge(witness::router(app))
        .merge(page::router(app))
        .route("/openapi.json", get(openapi::openapi));
    let own = Arc::clone(app);
    finish(router, app).fallback(move |request: Request| page::nowhere(own, request))
}

/// For identified clients: everything.
pub fn mutual_tls(app: &Arc<App>) -> Router {
    let (router, _) = everything().split_for_parts();
    finish(router.merge(csc::router(app)).route("/openapi.json", get(openapi::openapi)), app)
}

/// For the operator: health, readiness, figures, a page about them.
pub fn internal(app: &Arc<App>) -> Router {
    let (router, _) = operating().routes(routes!(health::healthz)).split_for_parts();
    finish(router.merge(page::operating()), app)
}

/// The description of all routes.
pub fn description() -> utoipa::openapi::OpenApi {
    everything().merge(asking()).split_for_parts().1
}

fn everything() -> OpenApiRouter<Arc<App>> {
    verifying()
        .merge(operating())
        .routes(routes!(sign::sign))
        .routes(routes!(batch::sign_batch))
        .routes(routes!(extend::extend))
        .routes(routes!(documents::document))
        .routes(routes!(documents::signature))
        .routes(routes!(documents::set_status))
        .routes(routes!(issuance_log::proof))
}

fn verifying() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(verify::verify))
        .routes(routes!(batch::verify_batch))
        .routes(routes!(siva::validate))
        .routes(routes!(siva::health))
        .routes(routes!(siva::heartbeat))
        .routes(routes!(trust::trust))
        .routes(routes!(kinds::kinds))
        .routes(routes!(kinds::schema))
        .routes(routes!(issuance_log::consistency))
        .routes(routes!(health::healthz))
        .routes(routes!(status_lists::status_lists))
        .routes(routes!(status_lists::status_list))
}

/// For those who hold a paper, and for nobody else's machines.
fn asking() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(lookup::lookup))
}

fn operating() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(health::readyz)).routes(routes!(metrics::metrics))
}

fn finish(router: Router<Arc<App>>, app: &Arc<App>) -> Router {
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        // Each handler reads its body within the limits of the settings.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(app))
}
