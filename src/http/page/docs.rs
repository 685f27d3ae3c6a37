//! `/docs`: the API for who writes software, with what can be tried here and now.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};
use utoipa::openapi::{OpenApi, path::Operation};

use super::{
    super::{App, router},
    layout::{Around, Page, Reader},
};

/// What can be asked of anybody without a body.
const TRIED: [&str; 5] = ["/v1/trust", "/v1/kinds", "/status-lists", "/healthz", "/openapi.json"];

static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(router::description);

pub async fn docs(State(app): State<Arc<App>>, request: Request) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    let base = app.config.public.base_url.as_str();
    let content = html! {
        h1 { (reader.say("docs.title")) }
        p.lead { (reader.say("docs.lead")) " " a href="/openapi.json" { "/openapi.json" } "." }
        h2 { (reader.say("docs.examples")) }
        (example(reader.say("docs.verify-pdf"), &format!("curl --data-binary @document.pdf -H 'Content-Type: application/pdf' {base}/v1/verify")))
        (example(reader.say("docs.verify-detached"), &format!("curl -F signature=@document.p7s -F document=@document.json {base}/v1/verify")))
        (example(reader.say("docs.verify-digest"), &format!(
            "printf '{{\"signature\":\"%s\",\"digests\":[{{\"algorithm\":\"sha-256\",\"value\":\"%s\"}}]}}' \\\n  \
             \"$(base64 -w0 document.p7s)\" \"$(openssl dgst -sha256 -binary document.json | base64)\" |\n  \
             curl -H 'Content-Type: application/json' --data-binary @- {base}/v1/verify"
        )))
        @if let Some(base) = for_clients(&app) {
            (example(reader.say("docs.sign"), &format!(
                "curl --cacert server-ca.crt --cert client.crt --key client.key -H 'Idempotency-Key: 1' \\\n  \
                 -F kind=referral -F mediaType=application/json -F format=cades -F packaging=detached -F level=B-B \\\n  \
                 -F document=@document.json {base}/v1/sign"
            )))
        }
        h2 { (reader.say("docs.try")) }
        form method="post" action="/v1/verify" enctype="multipart/form-data" {
            p.field {
                label for="tried" { (reader.say("docs.try-file")) }
                input #tried type="file" name="document" required;
            }
            button type="submit" { "POST /v1/verify" }
        }
        ul {
            @for path in TRIED.into_iter().filter(|path| *path != "/status-lists" || app.status_lists.is_some()) { li { a href=(path) { "GET " (path) } } }
        }
        h2 { (reader.say("docs.all")) }
        p { (reader.say("docs.errors")) }
        @for (path, item) in &DESCRIPTION.paths.paths {
            @for (method, operation) in [("GET", &item.get), ("POST", &item.post)] {
                @if let Some(operation) = operation { (described(method, path, operation)) }
            }
        }
    };
    let title = reader.say("docs.title");
    Page { reader, path: "/docs", title, around: Around::of(&app), content }.response(StatusCode::OK)
}

/// Where clients are answered: as the settings have it, or else on the host of the public address.
fn for_clients(app: &App) -> Option<String> {
    let config = &app.config;
    if !config.mutual_tls.enabled {
        return None;
    }
    if let Some(base) = &config.remote_signing.base_url {
        return Some(base.clone());
    }
    let authority = config.public.base_url.split_once("://")?.1.split('/').next()?;
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let host = authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host);
    Some(format!("https://{host}:{}", config.mutual_tls.address.port()))
}

fn example(title: &str, command: &str) -> Markup {
    html! {
        h3 { (title) }
        pre tabindex="0" { code { (command) } }
    }
}

/// An operation as its own description has it, which is in English.
fn described(method: &str, path: &str, operation: &Operation) -> Markup {
    let paragraphs = operation.description.as_deref().unwrap_or_default();
    html! {
        details lang="en" {
            summary { code { (method) " " (path) } " " (operation.summary.as_deref().unwrap_or_default()) }
            @for paragraph in paragraphs.split("\n\n").filter(|text| !text.is_empty()) { p { (paragraph) } }
            dl {
                @for (status, response) in &operation.responses.responses {
                    @if let utoipa::openapi::RefOr::T(response) = response {
                        dt { code { (status) } }
                        dd { (response.description) }
                    }
                }
            }
        }
    }
}
