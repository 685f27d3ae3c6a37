//! What every page has around its content, and the headers it goes out with.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    super::{App, accept, problem::ProblemCode},
    assets::ASSETS,
    words::Speech,
};
use crate::core::report::text::Language;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// For whom a page is made.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub speech: Speech,
    /// It was chosen in the address, not by the browser.
    is_chosen: bool,
}

impl Reader {
    /// `lang` of the query, or else what the browser asks for.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let chosen = pairs.filter(|(name, _)| *name == "lang").find_map(|(_, value)| match value {
            "vi" => Some(Language::Vietnamese),
            "en" => Some(Language::English),
            _ => None,
        });
        let language = chosen.unwrap_or_else(|| accept::language(headers));
        Self { speech: Speech(language), is_chosen: chosen.is_some() }
    }

    pub fn say(self, key: &str) -> &'static str {
        self.speech.say(key)
    }

    /// An address of ours, in this language if it was chosen.
    pub fn link(self, path: &str) -> String {
        if self.is_chosen { format!("{path}?lang={}", self.speech.tag()) } else { path.to_owned() }
    }
}

/// For whom there are links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// Whether papers can be looked up here.
    Public { has_lookup: bool },
    /// On a listener without the pages for everybody.
    Operator,
}

impl Around {
    pub fn of(app: &App) -> Self {
        Self::Public { has_lookup: app.lookup.is_some() }
    }
}

/// A page.
pub struct Page<'a> {
    pub reader: Reader,
    /// Its address, for the link to the other language.
    pub path: &'a str,
    pub title: &'a str,
    pub around: Around,
    pub content: Markup,
}

impl Page<'_> {
    pub fn response(self, status: StatusCode) -> Response {
        let mut response = (status, self.render().into_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.reader.speech.tag()));
        response
    }

    fn render(&self) -> Markup {
        let (reader, other) = (self.reader, self.reader.speech.other());
        let here = |path: &str| (self.path == path).then_some("page");
        html! {
            (DOCTYPE)
            html lang=(reader.speech.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " – " (reader.say("product")) }
                    link rel="stylesheet" href=(ASSETS.style.path());
                    link rel="icon" href=(ASSETS.sign.path()) type="image/svg+xml";
                    script type="module" src=(ASSETS.module.path()) {}
                }
                body {
                    a.skip href="#main" { (reader.say("skip")) }
                    header {
                        a.product href=(reader.link(if self.around == Around::Operator { "/status" } else { "/" })) { img src=(ASSETS.sign.path()) alt="" width="28" height="28"; (reader.say("product")) }
                        nav aria-label=(reader.say("nav")) {
                            @if let Around::Public { has_lookup } = self.around {
                                a href=(reader.link("/")) aria-current=[here("/")] { (reader.say("nav-check")) }
                                @if has_lookup {
                                    a href=(reader.link("/lookup")) aria-current=[here("/lookup")] { (reader.say("nav-lookup")) }
                                }
                                a href=(reader.link("/docs")) aria-current=[here("/docs")] { (reader.say("nav-docs")) }
                            }
                            a.language href={ (self.path) "?lang=" (other.tag()) } hreflang=(other.tag()) lang=(other.tag()) {
                                (reader.say("other-language"))
                            }
                        }
                    }
                    main id="main" tabindex="-1" { (self.content) }
                    @if self.around != Around::Operator { footer { p { (reader.say("footer")) } } }
                }
            }
        }
    }
}

/// Every answer of the page goes out with these.
pub async fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a problem is called in the log, as for machines.
pub fn named(mut response: Response, code: Option<ProblemCode>) -> Response {
    if let Some(code) = code {
        response.extensions_mut().insert(code);
    }
    response
}
