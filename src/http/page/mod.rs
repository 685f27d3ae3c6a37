//! The page for people, on the public listener: files are checked, papers looked up, and nothing is kept. Plain HTML from here, with a style and a
//! module that can be done without; words are data (`config/page.toml`).
//!
//! | file | what |
//! |---|---|
//! | `check`, `upload` | the form for files, and what comes of it |
//! | `answer`, `card`, `signature`, `drawing` | the answer about one file |
//! | `trouble` | what went wrong, in words for people |
//! | `lookup` | the five fields, of any document or of the one in a QR code |
//! | `docs` | the API, for who writes software |
//! | `status` | how the service fares, for its operator |
//! | `layout`, `foreign`, `words`, `assets` | what is around, text by others, words, style and module |
//! | `turns` | how much of the machine all this may take |

mod answer;
mod assets;
mod card;
mod check;
mod docs;
mod drawing;
mod foreign;
mod layout;
mod lookup;
mod signature;
mod status;
mod trouble;
mod turns;
mod upload;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::Method,
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};

use super::{App, accept, problem::Problem};
use layout::Reader;

pub use turns::Turns;

/// For the operator, on the internal listener.
pub fn operating() -> Router<Arc<App>> {
    Router::new()
        .route("/status", get(status::status))
        .route("/assets/{name}", get(assets::asset))
        .layer(map_response(layout::guarded))
}

/// Where nothing is: a page for who came to read one, a problem for everybody else.
pub async fn nowhere(app: Arc<App>, request: Request) -> Response {
    let headers = request.headers();
    if !app.config.page.enabled || request.method() != Method::GET || !accept::wants_page(headers) {
        return Problem::not_found().into_response();
    }
    let missing = lookup::missing(&app, Reader::of(request.uri(), headers));
    layout::guarded(missing).await
}

/// Every address of the page; none if the settings want none.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if !app.config.page.enabled {
        return Router::new();
    }
    Router::new()
        .route("/", get(check::form))
        .route("/check", get(check::again).post(check::check))
        .route("/lookup", get(lookup::form).post(lookup::ask))
        .route("/d/{id}", get(lookup::form_of_document).post(lookup::ask_about_document))
        .route("/docs", get(docs::docs))
        .route("/assets/{name}", get(assets::asset))
        .layer(map_response(layout::guarded))
}
