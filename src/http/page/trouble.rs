//! What went wrong, in words for people: those for software speak of fields, headers and operators, of which somebody before a page has none.

use super::{
    super::{App, problem::Problem, words},
    card::Said,
    upload::MOST_FILES,
    words::Speech,
};
use crate::core::report::{Text, message};

/// What to do about a code of an answer: as the page puts it, else as everybody is told.
pub fn remedy(speech: Speech, code: &str, usual: Text) -> &'static str {
    let own = speech.say(&format!("remedies.{code}"));
    if own.is_empty() { speech.0.pick(usual.vi, usual.en) } else { own }
}

/// What is meant by a code, and what to do.
pub fn of_code(speech: Speech, code: &'static str) -> Said {
    let words = message::of(code);
    Said::new(speech.0.pick(words.message.vi, words.message.en), remedy(speech, code, words.remedy))
}

/// Why there is no answer.
pub fn of_problem(app: &App, speech: Speech, problem: &Problem) -> Said {
    let code = &*problem.code;
    let Some(key) = key(code) else {
        let words = words::of(code).unwrap_or_else(|| message::of(""));
        return Said::new(
            speech.0.pick(words.message.vi, words.message.en),
            speech.0.pick(words.remedy.vi, words.remedy.en),
        );
    };
    let told = |what: &str| {
        let field = problem.field.as_deref().and_then(|field| label(speech, field)).unwrap_or_default();
        speech
            .say(&format!("trouble.{key}{what}"))
            .replace("{seconds}", &problem.retry_after.unwrap_or(1).to_string())
            .replace("{megabytes}", &(app.config.limits.body_bytes / 1_000_000).to_string())
            .replace("{files}", &MOST_FILES.to_string())
            .replace("{field}", field)
    };
    Said { sentence: told(""), remedy: told("-do") }
}

/// The words of the page for a code; `None`: those for everybody serve people too.
fn key(code: &str) -> Option<&'static str> {
    let is_of_paper = LABELS.iter().any(|(_, prefix, _)| code.starts_with(prefix));
    Some(match code {
        "check-limit" | "lookup-limit" | "receipt-limit" => "limit",
        "overloaded" | "registry-overloaded" | "deadline-exceeded" | "client-concurrency" => "busy",
        "body-too-large" => "large",
        "body-broken" | "body-timeout" | "invalid-multipart" => "broken",
        "document-too-many" => "many",
        "document-conflict" => "pair",
        "lookup-differs" => return None,
        _ if is_of_paper && (code.ends_with("-missing") || code.ends_with("-empty")) => "missing",
        _ if is_of_paper => "field",
        _ if FORM.contains(&code) || FORM_ENDINGS.iter().any(|ending| code.ends_with(ending)) => "form",
        _ => return None,
    })
}

/// Fields of a paper by their names in the API, in codes, and in the words of the page.
const LABELS: [(&str, &str, &str); 5] = [
    ("fileCode", "file-code-", "lookup.file-code"),
    ("fullName", "full-name-", "lookup.full-name"),
    ("birthDate", "birth-date-", "lookup.birth-date"),
    ("gender", "gender-", "lookup.gender"),
    ("identityNumber", "identity-number-", "lookup.identity-number"),
];
/// A form that no browser makes of the page's own: its sender cannot mend it.
const FORM: [&str; 7] = [
    "unknown-field",
    "duplicate-field",
    "invalid-json",
    "unsupported-media-type",
    "unsupported-content-encoding",
    "not-acceptable",
    "policy-unknown",
];
const FORM_ENDINGS: [&str; 9] = [
    "-missing",
    "-wrong-type",
    "-not-base64",
    "-wrong-length",
    "-unknown-value",
    "-wrong-text",
    "-conflict",
    "-too-many",
    "-empty",
];

fn label(speech: Speech, field: &str) -> Option<&'static str> {
    LABELS.iter().find(|(name, ..)| *name == field).map(|(.., key)| speech.say(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::text::Language;

    /// What somebody before a page cannot see, or has none of.
    const FOREIGN: [&str; 11] = [
        "quản trị",
        "vận hành",
        "operator",
        "administrator",
        "retryAt",
        "Retry-After",
        " in detail",
        "trong detail",
        "detail says",
        "detail names",
        " field",
    ];

    fn table(text: &str) -> toml::Table {
        toml::from_str(text).expect("TOML")
    }

    #[test]
    fn nobody_is_told_to_do_what_only_others_can() {
        for (code, words) in table(include_str!("../../../config/messages.toml")) {
            let usual = |key: &str| words[key].as_str().expect("text").to_owned();
            for (language, key) in [(Language::Vietnamese, "remedy_vi"), (Language::English, "remedy_en")] {
                let own = Speech(language).say(&format!("remedies.{code}"));
                let read = if own.is_empty() { usual(key) } else { own.to_owned() };
                let foreign: Vec<_> = FOREIGN.iter().filter(|word| read.contains(*word)).collect();
                assert!(foreign.is_empty(), "{code}: {read}: {foreign:?}");
            }
        }
    }

    #[test]
    fn what_software_is_told_of_fields_people_are_told_otherwise() {
        for (code, words) in table(include_str!("../../../config/problems.toml")) {
            let speaks_to_software = ["remedy_vi", "remedy_en"]
                .iter()
                .any(|key| words[key].as_str().is_some_and(|text| FOREIGN.iter().any(|word| text.contains(word))));
            let can_be_met = !NOT_MET.iter().any(|part| code.contains(part));
            let code = if code.starts_with('-') { format!("document{code}") } else { code };
            assert!(!speaks_to_software || !can_be_met || key(&code).is_some(), "{code}");
        }
        for key in ["limit", "busy", "large", "broken", "many", "pair", "missing", "field", "form"] {
            for part in ["", "-do"] {
                assert!(!Speech(Language::English).say(&format!("trouble.{key}{part}")).is_empty(), "{key}{part}");
            }
        }
    }

    /// Of signing, logs and lists, about which the page asks nothing; and what is the operator's matter whoever reads it.
    const NOT_MET: [&str; 25] = [
        "level",
        "timestamp",
        "pdf-",
        "signer",
        "issuer",
        "kind",
        "idempotency",
        "existing",
        "further-",
        "log-",
        "checkpoint",
        "status-",
        "client",
        "operation",
        "signature-",
        "reference",
        "media-type-",
        "packaging",
        "digest-",
        "key-",
        "signing",
        "document-malformed",
        "receipt-not",
        "registry-unavailable",
        "internal-error",
    ];
}
