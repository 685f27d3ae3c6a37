//! The card on which an answer stands: colour and sign, a sentence, what to do, and the same in the other language.

use maud::{Markup, html};

use super::{foreign::foreign, layout::Reader, words::Speech};
use crate::core::report::Outcome;

/// What is drawn for each outcome, beside its colour.
const fn mark(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Accept => ("accept", "✔"),
        Outcome::Reject => ("reject", "✘"),
        Outcome::Undetermined => ("undetermined", "!"),
    }
}

/// In a word or two.
pub fn outcome(speech: Speech, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accept => speech.say("accept"),
        Outcome::Reject => speech.say("reject"),
        Outcome::Undetermined => speech.say("undetermined"),
    }
}

/// In one language.
pub struct Said {
    pub sentence: String,
    pub remedy: String,
}

impl Said {
    pub fn new(sentence: &str, remedy: &str) -> Self {
        Self { sentence: sentence.to_owned(), remedy: remedy.to_owned() }
    }
}

/// `name` is that of the file, `code` what software calls the reason.
pub fn card(
    reader: Reader,
    (verdict, name): (Outcome, &str),
    said: impl Fn(Speech) -> Said,
    code: Option<&str>,
    below: &Markup,
) -> Markup {
    let (shade, sign) = mark(verdict);
    let own = said(reader.speech);
    html! {
        article.answer.(shade) {
            h2 {
                span.sign aria-hidden="true" { (sign) }
                span {
                    span.outcome { (outcome(reader.speech, verdict)) } " "
                    span.of { @if name.is_empty() { bdi.unnamed { (reader.say("unnamed")) } } @else { (foreign(reader, name)) } }
                }
            }
            p.sentence { (own.sentence) }
            p.remedy { strong { (reader.say("what-to-do")) ": " } (own.remedy) }
            (below)
            (translated(reader, Some(verdict), &said))
            @if let Some(code) = code { p.code { (reader.say("technical-code")) ": " code { (code) } } }
        }
    }
}

/// For who shows the answer to somebody who reads the other language: the page cannot be had again without the file.
pub fn translated(reader: Reader, verdict: Option<Outcome>, said: &impl Fn(Speech) -> Said) -> Markup {
    let speech = reader.speech.other();
    let Said { sentence, remedy } = said(speech);
    html! {
        details.translated lang=(speech.tag()) {
            summary { (reader.say("other-language")) }
            p {
                @if let Some(verdict) = verdict { strong { (outcome(speech, verdict)) } ". " }
                (sentence) ". " strong { (speech.say("what-to-do")) ": " } (remedy)
            }
        }
    }
}
