//! A tiny web site on a free port of this machine, for the tests of the browser itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

/// Path, policy (CSP) and what is between the tags of `body`.
pub(super) type Page = (&'static str, &'static str, &'static str);

/// Forbids a page everything but the icon that it names.
pub(super) const NOTHING: &str = "default-src 'none'; img-src data:";

/// Forbids a page nothing.
pub(super) const ANYTHING: &str = "";

/// Ends with the runtime of the test.
pub(super) struct Site {
    address: SocketAddr,
    asked: Arc<Asked>,
}

struct Asked {
    pages: &'static [Page],
    /// Path and `Accept-Language` of each request.
    heads: Mutex<Vec<(String, String)>>,
}

impl Site {
    pub(super) async fn start(pages: &'static [Page]) -> Self {
        let asked = Arc::new(Asked { pages, heads: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&asked));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `Accept-Language` of the first request for a path.
    pub(super) fn language_asked_for(&self, path: &str) -> Option<String> {
        let heads = self.asked.heads.lock().expect("no panic meanwhile");
        heads.iter().find(|(asked, _)| asked == path).map(|(_, language)| language.clone())
    }
}

async fn answer(State(asked): State<Arc<Asked>>, request: Request) -> Response {
    let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let path = request.uri().path();
    asked.heads.lock().expect("no panic meanwhile").push((path.to_owned(), language.unwrap_or_default().to_owned()));
    let Some((_, policy, body)) = asked.pages.iter().find(|(known, ..)| *known == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>Thử</title>\
                <link rel='icon' href='data:,'>";
    let text = format!("<!doctype html><html lang='vi'><head>{head}</head><body>{body}</body></html>");
    ([(header::CONTENT_TYPE, "text/html"), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response()
}
