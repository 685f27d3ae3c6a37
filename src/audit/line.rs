//! The lines of the log: one JSON object each, written in one way only.

use serde::{Deserialize, Serialize};

use super::head::Signed;
use crate::core::crypto;

/// Characters of a text in a decision; longer ones are cut.
pub const LONGEST_TEXT: usize = 128;
/// Octets of a line.
pub const LONGEST_LINE: usize = 4096;
/// What the log is, in its first line.
pub const VERSION: u32 = 1;

/// One line without its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counted from 0, the beginning of the log.
    pub sequence: u64,
    /// SHA-256 of the line before, in hexadecimal digits; of the first line, zeros.
    pub previous: String,
    /// Seconds in UTC, as the clock of the machine has it.
    pub time: String,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Content {
    /// The first line. `log`: 128 random bits; `key`: SHA-256 of the public key of its heads.
    #[serde(rename_all = "camelCase")]
    Begin {
        version: u32,
        log: String,
        key: String,
    },
    Decision(Decision),
    /// All lines before this one are as they were.
    Head(Signed),
    /// What a start found after a crash: octets from a line on that was never whole, which were taken away; lines that no head was over; if
    /// none of that, the head beside the log was missing.
    Recovered {
        octets: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unsigned: Option<Unsigned>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<Cut>,
    },
    /// The head beside the log did not fit it, and its keeper had it go on all the same.
    Continued {
        /// Why, in the keeper's words.
        reason: String,
        /// The line that the head was over; none: it could not be read.
        known: Option<u64>,
        /// Where that head is kept, beside the log.
        kept: String,
    },
}

/// Octets with whole lines among them that stood behind a line that was never whole: a power failure left them, or somebody put them in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// SHA-256 of them, in hexadecimal digits.
    pub sha256: String,
    /// Where they are kept, beside the log.
    pub kept: String,
}

/// Lines that are chained, and that no head was over when the service started: a crash left them, or somebody put them in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsigned {
    /// The number of the first of them.
    pub first: u64,
    pub count: u64,
    /// SHA-256 of the last of them, which the chain leads to all; in hexadecimal digits.
    pub digest: String,
}

/// Who asked for what, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The request's id, as in its answer and in the service's log.
    pub request: String,
    pub listener: String,
    /// The name of the client in the settings; empty: nobody known.
    pub client: String,
    /// As `sign`, `verify`, `set-status`.
    pub operation: String,
    pub outcome: Outcome,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The code of the verdict or of the problem; empty: none.
    pub code: String,
    /// The kind of document; empty: none, or not known.
    pub kind: String,
    /// The id of a paper that was issued here, or `sha256:` and the digest of one that was judged; empty: none.
    pub subject: String,
    /// The name of the key that was to sign; empty: none.
    pub key: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// The caller may not, or asked wrongly.
    #[default]
    Refused,
    /// It could not be done.
    Failed,
}

impl Decision {
    /// With texts no longer than a line has room for.
    pub fn cut(mut self) -> Self {
        let texts = [
            &mut self.request,
            &mut self.listener,
            &mut self.client,
            &mut self.operation,
            &mut self.code,
            &mut self.kind,
            &mut self.subject,
            &mut self.key,
        ];
        for text in texts {
            if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
                text.truncate(end);
            }
        }
        self
    }
}

impl Line {
    /// As it stands in the file, without its end.
    pub fn encode(&self) -> String {
        // Strings and numbers alone: nothing that could not be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None`: it is not written as [`Self::encode`] writes it, so that one line has one form.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok().filter(|text| text.len() <= LONGEST_LINE)?;
        let line: Self = serde_json::from_str(text).ok()?;
        (line.encode() == text).then_some(line)
    }
}

/// What the next line has of this one.
pub fn digest(line: &str) -> String {
    hex::encode(crypto::sha256(line.as_bytes()))
}

/// Before the first line.
pub fn nothing() -> String {
    "0".repeat(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let decision = Decision { client: "issuing-system".to_owned(), ..Decision::default() };
        Line {
            sequence: 7,
            previous: nothing(),
            time: "2026-11-22T14:00:00Z".to_owned(),
            content: Content::Decision(decision),
        }
    }

    #[test]
    fn a_line_has_one_form() {
        let text = line().encode();
        assert_eq!(Line::decode(text.as_bytes()), Some(line()));
        for other in [
            format!(" {text}"),
            text.replace("\"sequence\":7", "\"sequence\": 7"),
            text.replace("\"sequence\":7", "\"sequence\":7,\"sequence\":7"),
            text.replace("\"sequence\":7", "\"sequence\":7,\"extra\":1"),
            text.replace("issuing", "\\u0069ssuing"),
            text.replace("refused", "allowed"),
            "x".repeat(LONGEST_LINE + 1),
        ] {
            assert_eq!(Line::decode(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn no_text_begins_a_line_of_its_own_or_is_longer_than_it_may_be() {
        let decision = Decision {
            client: "a\n{\"sequence\":8}\r\u{2028}".to_owned(),
            code: "ấ".repeat(1000),
            ..Decision::default()
        };
        let line = Line { content: Content::Decision(decision.cut()), ..line() };
        let text = line.encode();
        assert!(!text.contains(['\n', '\r']) && text.len() < LONGEST_LINE, "{text}");
        assert_eq!(Line::decode(text.as_bytes()), Some(line));
    }
}
