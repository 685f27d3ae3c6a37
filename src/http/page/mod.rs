//! The page for people, on the public listener: files are checked, papers looked up, and nothing is kept. Plain HTML from here, with a style and a
//! module that can be done without; words are data (`config/page.toml`).
//!
//! | file | what |
//! |---|---|
//! | `check`, `upload` | the form for files, and what comes of it |
//! | `answer`, `signature`, `drawing` | the answer about one file |
//! | `lookup` | the five fields, of any document or of the one in a QR code |
//! | `docs` | the API, for who writes software |
//! | `status` | how the service fares, for its operator |
//! | `layout`, `foreign`, `words`, `assets` | what is around, text by others, words, style and module |
//! | `turns` | how much of the machine all this may take |

mod answer;
mod assets;
mod check;
mod docs;
mod drawing;
mod foreign;
mod layout;
mod lookup;
mod signature;
mod status;
mod turns;
mod upload;
mod words;

use std::sync::Arc;

use axum::{Router, middleware::map_response, routing::get};

use super::App;

pub use turns::Turns;

/// For the operator, on the internal listener.
pub fn operating() -> Router<Arc<App>> {
    Router::new()
        .route("/status", get(status::status))
        .route("/assets/{name}", get(assets::asset))
        .layer(map_response(layout::guarded))
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
