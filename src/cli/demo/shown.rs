//! How the answers of the service are shown to the visitor, and held against what the story tells.

use serde_json::Value;

use super::office::Failure;
use crate::cli::exit;
use crate::core::report::text::Language;
use crate::core::report::{Text, message};

/// How answers are shown to the visitor.
pub struct Shown {
    pub colour: bool,
    pub language: Language,
}

impl Shown {
    /// Shows an answer with its reason; an answer with another code than the story tells ends it.
    pub fn expect(&self, name: &str, answer: &Value, code: &str) -> Result<(), Failure> {
        let reliance = &answer["reliance"];
        let outcome = reliance["outcome"].as_str().unwrap_or_default();
        let (sign, colour) = match outcome {
            "ACCEPT" => ("✔", "\x1b[1;32m"),
            "REJECT" => ("✘", "\x1b[1;31m"),
            _ => ("?", "\x1b[1;33m"),
        };
        let (start, end) = if self.colour { (colour, "\x1b[0m") } else { ("", "") };
        let language = if self.language == Language::Vietnamese { "vi" } else { "en" };
        let indication = answer["verdict"]["indication"].as_str().unwrap_or_default();
        let sub = answer["verdict"]["subIndication"].as_str().map(|sub| format!(" / {sub}")).unwrap_or_default();
        let message = reliance["message"][language].as_str().unwrap_or_default();
        exit::print(&format!("  {start}{sign} {name:23}{outcome:13}{end}{indication}{sub}\n{:27}{message}\n", ""));
        if reliance["code"] == code { Ok(()) } else { Err(format!("{name}: expected {code}, got {answer:#}").into()) }
    }
}

impl Shown {
    /// What an answer warns of though it is a pass.
    pub fn warnings(&self, answer: &Value) {
        let checks = answer["signatures"].as_array().into_iter().flatten();
        let checks = checks.filter_map(|signature| signature["checks"].as_array()).flatten();
        let warned = checks.filter(|check| check["result"] == "warning").filter_map(|check| check["code"].as_str());
        for code in warned.filter_map(|code| message::codes().find(|known| *known == code)) {
            let Text { vi, en, .. } = message::of(code).message;
            exit::print(&format!("{:27}! {}\n", "", self.language.pick(vi, en)));
        }
    }
}
