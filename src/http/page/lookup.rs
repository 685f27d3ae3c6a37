//! Asking about a paper by five fields: of any document, or of the one to which a QR code led.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::Response,
};
use maud::{Markup, html};

use super::{
    super::{
        App,
        audited::Audited,
        auth::Caller,
        body_type,
        form::{self, pairs},
        limits,
        lookup::{outcome, valid_until},
        origin::Peer,
        problem::{Problem, ProblemCode},
        words,
    },
    answer::state,
    card::translated,
    foreign::{foreign, when},
    layout::{Around, Page, Reader, named},
    trouble,
};
use crate::{
    core::{lookup::LookupOutcome, report::message},
    registry::DocumentId,
    service::lookup::{FoundDocument, GivenFields},
};

/// Octets of a form: five short fields.
const LONGEST_FORM: usize = 8 * 1024;
/// As the form and the API name them; with the key of their words.
const FIELDS: [&str; 5] = ["fileCode", "fullName", "birthDate", "gender", "identityNumber"];

type Id = Result<Path<String>, PathRejection>;

/// `GET /lookup`.
pub async fn form(State(app): State<Arc<App>>, request: Request) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    if app.lookup.is_none() {
        return missing(&app, reader);
    }
    shown(&app, reader, "/lookup", StatusCode::OK, questions(&app, reader, "/lookup", &HashMap::new(), None))
}

/// `GET /d/{id}`: the same page for every id there can be.
pub async fn form_of_document(State(app): State<Arc<App>>, id: Id, request: Request) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    match document(&app, id) {
        Some(id) => {
            let path = format!("/d/{id}");
            shown(&app, reader, &path, StatusCode::OK, questions(&app, reader, &path, &HashMap::new(), None))
        }
        None => missing(&app, reader),
    }
}

/// `POST /lookup`.
pub async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    answer(&app, &caller, peer, request, ("/lookup".to_owned(), None)).await
}

/// `POST /d/{id}`.
pub async fn ask_about_document(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(peer): Extension<Peer>,
    id: Id,
    request: Request,
) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    match document(&app, id) {
        Some(id) => answer(&app, &caller, peer, request, (format!("/d/{id}"), Some(id))).await,
        None => missing(&app, reader),
    }
}

/// What is no id leads nowhere, whoever asks; nor does any where nobody can ask.
fn document(app: &App, id: Id) -> Option<DocumentId> {
    app.lookup.as_ref()?;
    id.ok()?.0.parse().ok()
}

async fn answer(
    app: &App,
    caller: &Caller,
    peer: Peer,
    request: Request,
    (path, only): (String, Option<DocumentId>),
) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    let mut given = HashMap::new();
    let asked = ask_by(app, caller, peer, request, only, &mut given).await;
    match asked {
        Ok(found) => {
            let outcome = outcome(found.as_ref());
            let (words, content) = (message::of(outcome.code()).message, told(reader, &path, outcome, found.as_ref()));
            // Who cannot see the colour hears the answer first.
            let title = reader.speech.0.pick(words.vi, words.en);
            let page = Page { reader, path: &path, title, around: Around::of(app), content };
            let mut response = page.response(StatusCode::OK);
            response.extensions_mut().insert(Audited { code: outcome.code().to_owned(), ..Audited::default() });
            response
        }
        Err(problem) => {
            let content = questions(app, reader, &path, &given, Some(&problem));
            let mut response = shown(app, reader, &path, problem.status, content);
            if let Some(seconds) = problem.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            named(response, Some(ProblemCode(problem.code)))
        }
    }
}

async fn ask_by(
    app: &App,
    caller: &Caller,
    peer: Peer,
    request: Request,
    only: Option<DocumentId>,
    given: &mut HashMap<String, String>,
) -> Result<Option<FoundDocument>, Problem> {
    let lookup = app.lookup.as_ref().ok_or_else(Problem::not_found)?;
    if body_type(&request)? != form::MEDIA_TYPE {
        return Err(Problem::media_type(form::MEDIA_TYPE));
    }
    let origin = peer.origin(request.headers(), &app.config.public.trusted_proxies);
    let mut body_limits = app.body_limits(caller);
    body_limits.bytes = body_limits.bytes.min(LONGEST_FORM);
    let (body, _room) = body_limits.read(request, app.room(caller)).await?;
    *given = pairs(&body).unwrap_or_default().into_iter().collect();
    let field = |name: &str| given.get(name).cloned().unwrap_or_default();
    let fields = GivenFields {
        file_code: field("fileCode"),
        full_name: field("fullName"),
        birth_date: field("birthDate"),
        gender: field("gender"),
        identity_number: field("identityNumber"),
    };
    let _admission = limits::admit(app.work(caller), caller)?;
    Ok(lookup.ask(&fields, only, origin).await?)
}

/// The form, with what was entered before, and what was wrong with it.
fn questions(
    app: &App,
    reader: Reader,
    path: &str,
    given: &HashMap<String, String>,
    problem: Option<&Problem>,
) -> Markup {
    let wrong = problem.and_then(|problem| problem.field.as_deref()).filter(|field| FIELDS.contains(field));
    let said = problem.map(|problem| trouble::of_problem(app, reader.speech, problem));
    let value = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let text = |name: &'static str, label: &'static str, hint: Option<&'static str>| {
        let is_wrong = wrong == Some(name);
        html! {
            p.field {
                label for=(name) { (label) }
                input type="text" id=(name) name=(name) value=(value(name)) required maxlength="200" autocomplete="off" spellcheck="false"
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described(is_wrong, hint.map(|_| "birth-date-hint"))];
                @if let Some(hint) = hint { span #birth-date-hint .hint { (hint) } }
            }
        }
    };
    html! {
        h1 { (reader.say("lookup.title")) }
        p.lead { @if path == "/lookup" { (reader.say("lookup.lead")) } @else { (reader.say("lookup.lead-document")) } }
        @if let Some(said) = said {
            div #problem .answer.undetermined role="alert" {
                p.sentence { (said.sentence) }
                p.remedy { (said.remedy) }
            }
        }
        form #lookup method="post" action=(reader.link(path)) {
            (text("fileCode", reader.say("lookup.file-code"), None))
            (text("fullName", reader.say("lookup.full-name"), None))
            (text("birthDate", reader.say("lookup.birth-date"), Some(reader.say("lookup.birth-date-hint"))))
            p.field {
                label for="gender" { (reader.say("lookup.gender")) }
                select #gender name="gender" required aria-invalid=[(wrong == Some("gender")).then_some("true")] {
                    option value="" { (reader.say("lookup.choose")) }
                    @for (code, words) in [
                        ("male", reader.say("lookup.male")), ("female", reader.say("lookup.female")), ("other", reader.say("lookup.other")),
                    ] {
                        option value=(code) selected[value("gender") == code] { (words) }
                    }
                }
            }
            (text("identityNumber", reader.say("lookup.identity-number"), None))
            button type="submit" { (reader.say("lookup.button")) }
            p.hint { (reader.say("lookup.privacy")) }
        }
    }
}

/// Which elements describe a field.
fn described(is_wrong: bool, hint: Option<&str>) -> Option<String> {
    let ids: Vec<&str> = is_wrong.then_some("problem").into_iter().chain(hint).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

fn told(reader: Reader, path: &str, outcome: LookupOutcome, found: Option<&FoundDocument>) -> Markup {
    let said = |speech| trouble::of_code(speech, outcome.code());
    let own = said(reader.speech);
    let (shade, sign) = match outcome {
        // Not green: nobody has seen the sheet in front of the reader.
        LookupOutcome::InForce => ("issued", "i"),
        LookupOutcome::NotInForce | LookupOutcome::Expired => ("reject", "✘"),
        LookupOutcome::Issued | LookupOutcome::InDoubt | LookupOutcome::NotFound => ("undetermined", "!"),
    };
    html! {
        h1 { (reader.say("lookup.title")) }
        article.answer.(shade) {
            h2 { span.sign aria-hidden="true" { (sign) } (own.sentence) }
            p.remedy { strong { (reader.say("what-to-do")) ": " } (own.remedy) }
            @if let Some(found) = found {
                dl { (facts(reader, found)) }
                p.open { (reader.say("lookup.paper-note")) }
            }
            (translated(reader, None, &said))
        }
        p { a.button href=(reader.link(path)) { (reader.say("lookup.again")) } }
    }
}

fn facts(reader: Reader, found: &FoundDocument) -> Markup {
    html! {
        @if let Some(is_lawful) = found.is_lawful {
            dt { (reader.say("lookup.legality")) }
            dd {
                @if is_lawful { span.good { (reader.say("lookup.lawful")) } } @else { span.bad { (reader.say("lookup.in-doubt")) } }
            }
        }
        @if let Some(standing) = &found.standing {
            dt { (reader.say("standing")) }
            dd { (state(reader, standing.state.name())) ", " (reader.say("lookup.since")) " " (when(reader, standing.since)) }
        }
        @if let Some(time) = valid_until(found) {
            dt { (reader.say("valid-until")) }
            dd { (when(reader, time)) }
        }
        @if let Some(time) = found.issued_at {
            dt { (reader.say("lookup.issued-at")) }
            dd { (when(reader, time)) }
        }
        @if let Some(issuer) = &found.issuer {
            dt { (reader.say("lookup.issuer")) }
            dd { (foreign(reader, issuer)) }
        }
    }
}

fn shown(app: &App, reader: Reader, path: &str, status: StatusCode, content: Markup) -> Response {
    let title = reader.say("lookup.title");
    Page { reader, path, title, around: Around::of(app), content }.response(status)
}

/// There is nothing at this address.
pub fn missing(app: &App, reader: Reader) -> Response {
    let problem = Problem::not_found();
    let words = words::of(&problem.code).unwrap_or_else(|| message::of(""));
    let title = reader.speech.0.pick(words.message.vi, words.message.en);
    let content = html! {
        h1 { (title) }
        p { a.button href=(reader.link("/")) { (reader.say("nav-check")) } }
    };
    let page = Page { reader, path: "/", title, around: Around::of(app), content };
    named(page.response(StatusCode::NOT_FOUND), Some(ProblemCode(problem.code)))
}
