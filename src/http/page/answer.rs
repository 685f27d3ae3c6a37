//! The answer about one file: a sentence and a colour, what to do, what is known of the document, and its signatures.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use super::{
    super::{App, problem::Problem},
    card::{Said, card},
    foreign::{foreign, when},
    layout::Reader,
    signature, trouble,
    words::Speech,
};
use crate::core::report::{CheckResult, Outcome, Report};

/// A receipt that was asked for: signed, or not to be had.
pub type Receipt = Option<Result<Vec<u8>, Problem>>;

/// Of a file that was judged.
pub fn judged(
    app: &App,
    reader: Reader,
    (name, purpose): (&str, Option<&str>),
    report: &Report,
    receipt: Receipt,
) -> Markup {
    let reliance = &report.reliance;
    let below = html! {
        (warnings(reader, report))
        dl {
            (facts(app, reader, report))
            @if let Some(purpose) = purpose {
                dt { (reader.say("purpose")) }
                dd { (self::purpose(reader, purpose)) }
            }
        }
        p.actions {
            button.print type="button" hidden { (reader.say("print")) }
            @match receipt {
                Some(Ok(octets)) => {
                    a.receipt download=(receipt_name(name)) href={ "data:application/pkcs7-mime;base64," (STANDARD.encode(octets)) } { (reader.say("receipt")) }
                }
                Some(Err(_)) => { span.open { (reader.say("receipt-none")) } }
                None => {}
            }
        }
        p.printed { (reader.say("printed")) " " (app.config.public.base_url) }
        @for (number, own) in (1..).zip(&report.signatures) { (signature::section(reader, (name, number), own, report.validation_time)) }
    };
    let said = |speech: Speech| Said {
        sentence: without_outcome(speech.0.pick(reliance.message.vi, reliance.message.en)),
        remedy: trouble::remedy(speech, reliance.code, reliance.remedy).to_owned(),
    };
    card(reader, (reliance.outcome, name), said, Some(reliance.code), &below)
}

/// What stands above it as the outcome is not said again.
fn without_outcome(sentence: &str) -> String {
    let rest = ["Chưa xác định – ", "Undetermined – "].iter().find_map(|outcome| sentence.strip_prefix(outcome));
    let mut letters = rest.unwrap_or(sentence).chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Of the receipt about a file: what is plain in the name of that, so that several can be told apart.
fn receipt_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain: String =
        stem.chars().filter(|letter| letter.is_alphanumeric() || ['-', '_', ' '].contains(letter)).take(60).collect();
    if plain.trim().is_empty() { "receipt.p7m".to_owned() } else { format!("{}-receipt.p7m", plain.trim()) }
}

/// What speaks against no signature, and who relies on the document should know.
fn warnings(reader: Reader, report: &Report) -> Markup {
    let checks = report.signatures.iter().flat_map(|signature| &signature.checks);
    let mut codes: Vec<&'static str> = Vec::new();
    for check in checks.filter(|check| check.result == CheckResult::Warning) {
        if !codes.contains(&check.code) {
            codes.push(check.code);
        }
    }
    html! {
        @for code in codes {
            @let said = trouble::of_code(reader.speech, code);
            p.open { "⚠ " (said.sentence) ". " (said.remedy) }
        }
    }
}

/// What a paper is used for: the words for it, or its name if there are none.
pub fn purpose(reader: Reader, name: &str) -> Markup {
    let words = reader.say(&format!("purposes.{name}"));
    html! { @if words.is_empty() { (foreign(reader, name)) } @else { (words) } }
}

/// Of a file that could not be judged.
pub fn refused(app: &App, reader: Reader, name: &str, problem: &Problem) -> Markup {
    let said = |speech| trouble::of_problem(app, speech, problem);
    card(reader, (Outcome::Undetermined, name), said, Some(&problem.code), &html! {})
}

/// Of a file that says why by itself: it is empty, or was not sent. `key` is that of the words.
pub fn open(reader: Reader, name: &str, key: &str) -> Markup {
    let said = |speech: Speech| Said::new(speech.say(&format!("open.{key}")), speech.say(&format!("open.{key}-do")));
    card(reader, (Outcome::Undetermined, name), said, None, &html! {})
}

fn facts(app: &App, reader: Reader, report: &Report) -> Markup {
    let document = &report.document;
    let title = document.kind.as_deref().and_then(|kind| app.kinds.get(kind)).map(|kind| &kind.title);
    html! {
        @if document.by_digest { dt {} dd { (reader.say("only-digest")) } }
        @if !report.signatures.is_empty() {
            dt { (reader.say("kind")) }
            dd {
                @match (title, &document.kind) {
                    (Some(title), _) => { (reader.speech.0.pick(&title.vi, &title.en)) }
                    (None, Some(kind)) => { (foreign(reader, kind)) }
                    (None, None) => { (reader.say("kind-unknown")) }
                }
            }
        }
        @if let Some(id) = &document.id {
            dt { (reader.say("document-id")) }
            dd { code { (foreign(reader, id)) } }
        }
        @if !report.signatures.is_empty() {
            dt { (reader.say("standing")) }
            dd {
                @match &document.status {
                    Some(status) => {
                        (state(reader, &status.state)) ", " (reader.say("as-of")) " " (when(reader, status.checked_at))
                    }
                    // Nobody asks for the standing of what is not what was signed.
                    None if report.verdict.indication == "TOTAL-PASSED" => { (reader.say("standing-unknown")) }
                    None => { (reader.say("standing-not-asked")) }
                }
            }
        }
        // Of what does not stand anyhow nobody asks how long it would.
        @let stands = document.status.as_ref().is_none_or(|status| status.state == "in-force");
        @if let Some(time) = document.valid_until.filter(|_| stands) {
            dt { (reader.say("valid-until")) }
            dd { (when(reader, time)) }
        }
        @if let Some(log) = &document.log {
            dt { (reader.say("logged")) }
            dd { (foreign(reader, &log.origin)) " " (log.index) "/" (log.tree_size) }
        }
        @for file in document.files.iter().flatten() {
            dt { (reader.say("embedded-files")) }
            dd { (foreign(reader, &file.name)) }
        }
        @if let Some(time) = report.reliance.retry_at {
            dt { (reader.say("retry-at")) }
            dd { (when(reader, time)) }
        }
        dt { (reader.say("checked-at")) }
        dd { (when(reader, report.validation_time)) }
        dt { (reader.say("policy")) }
        dd { (report.policy.id) " " (report.policy.version) }
        @if let Some(digest) = &document.sha256 {
            dt { @if report.signatures.is_empty() { (reader.say("digest-of-file")) } @else { (reader.say("digest")) } }
            dd { code.digest { (digest) } }
        }
    }
}

/// A standing by its name in the API.
pub fn state(reader: Reader, name: &str) -> Markup {
    let (shade, words) = match name {
        "in-force" => ("good", reader.say("in-force")),
        "suspended" => ("open", reader.say("suspended")),
        "withdrawn" => ("bad", reader.say("withdrawn")),
        "superseded" => ("bad", reader.say("superseded")),
        "used" => ("bad", reader.say("used")),
        "used-or-superseded" => ("bad", reader.say("used-or-superseded")),
        other => ("open", other),
    };
    html! { span.(shade) { (words) } }
}
