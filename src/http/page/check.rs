//! Checking files: the form, and the answers to it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{StatusCode, Uri, header},
    response::{Redirect, Response},
};
use maud::{Markup, html};

use super::{
    super::{
        App,
        accept::Form,
        audited::{self, Audited, Trail},
        auth::Caller,
        body_type, limits,
        origin::Peer,
        problem::{Problem, ProblemCode},
        receipt,
        verify::{self, Judged, Question},
    },
    answer::{self, Receipt},
    card,
    layout::{Around, Page, Reader, named},
    upload::{self, GivenFile, MOST_FILES},
};
use crate::core::report::Outcome;

const MEGABYTE: usize = 1_000_000;
/// Octets of a form that is refused, read all the same so that its sender hears why.
const MOST_UNWANTED: usize = 256 << 20;
/// The most files that the module sends, each in a request of its own.
const MOST_IN_TURN: usize = 50;

/// `GET /`.
pub async fn form(State(app): State<Arc<App>>, request: Request) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    let (app, limit) = (&app, app.config.limits.body_bytes);
    let content = html! {
        h1 { (reader.say("check-title")) }
        p.lead { (reader.say("check-lead")) }
        form #check method="post" action=(reader.link("/check")) enctype="multipart/form-data" data-limit=(limit) data-most=(MOST_IN_TURN)
            data-hashing=(reader.say("hashing")) data-uploading=(reader.say("uploading")) data-checking=(reader.say("checking"))
            data-waiting=(reader.say("waiting")) data-too-many=(reader.say("too-many-files")) data-one-only=(reader.say("one-file-only"))
            data-nothing=(reader.say("nothing-chosen")) data-accept=(reader.say("accept")) data-reject=(reader.say("reject"))
            data-undetermined=(reader.say("undetermined")) {
            div.drop {
                label for="document" { (reader.say("choose")) }
                input #document type="file" name="document" multiple aria-describedby="document-hint";
                label.scripted.here for="document" hidden { (reader.say("drop")) }
                p #document-hint .hint {
                    span.scriptless { (reader.say("choose-many")) " " (MOST_FILES) " " (reader.say("files")) ", " (reader.say("limit-together")) }
                    span.scripted hidden { (reader.say("choose-many")) " " (MOST_IN_TURN) " " (reader.say("files")) ", " (reader.say("limit-each")) }
                    " " (limit / MEGABYTE) " MB."
                }
            }
            (purposes(app, reader))
            details {
                summary { (reader.say("detached")) }
                p #signature-hint .hint { (reader.say("detached-hint")) }
                p.hint.local hidden { (reader.say("detached-local")) }
                p.hint.sent { (reader.say("detached-sent")) }
                label for="signature" { (reader.say("signature-file")) }
                input #signature type="file" name="signature" aria-describedby="signature-hint";
            }
            @if app.receipts.is_some() {
                p { label.choice { input type="checkbox" name="receipt" value="1"; (reader.say("receipt-wanted")) } }
            }
            p #message .open role="alert" {}
            button type="submit" { (reader.say("check-button")) }
            p.progress hidden { progress aria-labelledby="stage" {} span #stage {} }
        }
        // What the module shows of files that are not sent, or not answered.
        @for key in ["interrupted", "too-large", "unreadable", "unsigned"] {
            template id={ "card-" (key) } { (answer::open(reader, "", key)) }
        }
        div #live .unseen role="status" aria-live="polite" {}
        section #answers aria-label=(reader.say("answers")) {}
        details {
            summary { (reader.say("what-else")) }
            p { (reader.say("what-else-text")) @if app.lookup.is_some() { " " (reader.say("what-else-paper")) } }
        }
    };
    page(app, reader, "/", reader.say("check-title"), content).response(StatusCode::OK)
}

/// What the paper is to be used for, if that makes a difference to any kind.
fn purposes(app: &App, reader: Reader) -> Markup {
    let purposes = app.verify.purposes();
    html! {
        @if !purposes.is_empty() {
            p.field {
                label for="purpose" { (reader.say("purpose")) }
                select #purpose name="purpose" {
                    option value="" { (reader.say("purpose-none")) }
                    @for purpose in purposes { option value=(purpose) { (answer::purpose(reader, purpose)) } }
                }
            }
        }
    }
}

/// `GET /check`: whoever comes back to the address of an answer.
pub async fn again(uri: Uri) -> Redirect {
    let query = uri.query().filter(|query| ["lang=vi", "lang=en"].contains(query));
    Redirect::to(&query.map_or_else(|| "/".to_owned(), |query| format!("/?{query}")))
}

/// `POST /check`: one answer for each file.
pub async fn check(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    let answered = answers(&app, &caller, peer, reader, request).await;
    let Checked { content, title, status, said, code } = answered.unwrap_or_else(|problem| {
        let content = answer::refused(&app, reader, "", &problem);
        let (title, code) = (reader.say("undetermined"), Some(ProblemCode(problem.code.clone())));
        Checked { content, title, status: (problem.status, problem.retry_after), said: None, code }
    });
    let content = html! {
        h1 { (reader.say("answers")) }
        section #answers aria-label=(reader.say("answers")) { (content) }
        p { a.button href=(reader.link("/")) { (reader.say("again")) } }
    };
    let mut response = page(&app, reader, "/", title, content).response(status.0);
    if let Some(seconds) = status.1 {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(said) = said {
        response.extensions_mut().insert(said);
    }
    named(response, code)
}

/// The answers to a form.
struct Checked {
    content: Markup,
    /// The outcome, where there is one: who cannot see the colour hears it first.
    title: &'static str,
    /// With the seconds after which the same may succeed.
    status: (StatusCode, Option<u32>),
    said: Option<Audited>,
    code: Option<ProblemCode>,
}

async fn answers(
    app: &Arc<App>,
    caller: &Caller,
    peer: Peer,
    reader: Reader,
    request: Request,
) -> Result<Checked, Problem> {
    caller.may_verify()?;
    if body_type(&request)? != "multipart/form-data" {
        return Err(Problem::media_type("multipart/form-data"));
    }
    let origin = peer.origin(request.headers(), &app.config.public.trusted_proxies);
    let trail = request.extensions().get::<Trail>().cloned().ok_or_else(Problem::internal)?;
    let limits = app.body_limits(caller);
    let admitted = app.page.admit(origin).and_then(|()| Ok(limits.admit(&request)?));
    if let Err(problem) = admitted {
        limits.pass_over(request, MOST_UNWANTED).await;
        return Err(problem);
    }
    let sent = upload::read(app, caller, request).await?;
    if sent.files.is_empty() {
        let (title, content) = (reader.say("answers"), html! { p.open { (reader.say("nothing-chosen")) } });
        return Ok(Checked { content, title, status: (StatusCode::BAD_REQUEST, None), said: None, code: None });
    }
    let is_alone = sent.files.len() == 1;
    let mut checked = Checked {
        content: html! {},
        title: reader.say("answers"),
        status: (StatusCode::OK, None),
        said: None,
        code: None,
    };
    let (mut articles, mut outcomes) = (Vec::new(), Vec::new());
    for (number, GivenFile { name, question }) in (1..).zip(sent.files) {
        // The first was let in with the request.
        let admitted = if number == 1 { Ok(()) } else { app.page.admit(origin) };
        let judged = match (admitted, question) {
            (Err(problem), _) => Err(problem),
            (Ok(()), None) => {
                checked.title = if is_alone { reader.say("undetermined") } else { checked.title };
                outcomes.push(Outcome::Undetermined);
                articles.push(answer::open(reader, &name, "empty"));
                continue;
            }
            (Ok(()), Some(question)) => judge(app, caller, question, sent.wants_receipt).await,
        };
        let (said, status) = match judged {
            Ok((judged, receipt)) => {
                outcomes.push(judged.report.reliance.outcome);
                articles.push(answer::judged(app, reader, (&name, sent.purpose.as_deref()), &judged.report, receipt));
                checked.title =
                    if is_alone { card::outcome(reader.speech, judged.report.reliance.outcome) } else { checked.title };
                (Audited::of(&judged.report), StatusCode::OK)
            }
            Err(problem) => {
                checked.title = if is_alone { reader.say("undetermined") } else { checked.title };
                outcomes.push(Outcome::Undetermined);
                articles.push(answer::refused(app, reader, &name, &problem));
                if is_alone {
                    checked.status = (problem.status, problem.retry_after);
                    checked.code = Some(ProblemCode(problem.code.clone()));
                }
                (Audited { code: problem.code.into_owned(), ..Audited::default() }, problem.status)
            }
        };
        // Of several files each has a line of its own.
        if let (false, Some(audit)) = (is_alone, &trail.audit) {
            let request = format!("{}-{number}", trail.request);
            let who = (request.as_str(), trail.listener, caller.name());
            audited::Operation::Verify.decided(who, status, None, said).record(audit).await?;
        } else {
            checked.said = Some(said);
        }
    }
    checked.content = html! {
        @if !is_alone { p.counted { (counted(reader, &outcomes)) } }
        @for article in articles { (article) }
    };
    Ok(checked)
}

/// How many came out how.
fn counted(reader: Reader, outcomes: &[Outcome]) -> String {
    let of = |one: Outcome| {
        format!("{}: {}", card::outcome(reader.speech, one), outcomes.iter().filter(|own| **own == one).count())
    };
    [Outcome::Accept, Outcome::Reject, Outcome::Undetermined].map(of).join(" · ")
}

async fn judge(
    app: &Arc<App>,
    caller: &Caller,
    question: Question,
    wants_receipt: bool,
) -> Result<(Judged, Receipt), Problem> {
    let (turns, app, caller) = (&app.page, Arc::clone(app), caller.clone());
    let work = async move { judge_now(&app, &caller, question, wants_receipt).await };
    turns.run(work).await
}

async fn judge_now(
    app: &Arc<App>,
    caller: &Caller,
    question: Question,
    wants_receipt: bool,
) -> Result<(Judged, Receipt), Problem> {
    let wanted = wants_receipt && app.receipts.is_some();
    // Beyond what may be signed for strangers there is an answer without a receipt.
    let receipt =
        wanted.then(|| receipt::admit(app, caller, Form::Receipt, &question.document, question.purpose.as_deref()));
    let occupied = (app.room(caller).reserve(), limits::admit(app.work(caller), caller)?);
    let judged = verify::judge(app, caller, question, occupied).await?;
    let receipt = match receipt {
        None | Some(Ok(None)) => None,
        Some(Err(problem)) => Some(Err(problem)),
        Some(Ok(Some(receipt))) => Some(receipt.octets(app, &judged.report).await),
    };
    Ok((judged, receipt))
}

fn page<'a>(app: &App, reader: Reader, path: &'a str, title: &'a str, content: Markup) -> Page<'a> {
    Page { reader, path, title, around: Around::of(app), content }
}
