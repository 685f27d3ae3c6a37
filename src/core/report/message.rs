//! One plain sentence and one remedy per code, in Vietnamese and English (`config/messages.toml`).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The same words in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    pub vi: &'static str,
    pub en: &'static str,
    /// `{"vi", "en"}`, rendered once: every answer repeats some.
    rendered: &'static RawValue,
}

impl Text {
    /// Kept for as long as the program runs.
    fn keep(vi: String, en: String) -> Self {
        #[derive(Serialize)]
        struct Languages<'a> {
            vi: &'a str,
            en: &'a str,
        }
        let rendered = to_raw_value(&Languages { vi: &vi, en: &en }).expect("texts have a JSON form");
        Self { vi: vi.leak(), en: en.leak(), rendered: Box::leak(rendered) }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rendered.serialize(serializer)
    }
}

/// What a code means, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub message: Text,
    pub remedy: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    vi: String,
    en: String,
    remedy_vi: String,
    remedy_en: String,
}

static MESSAGES: LazyLock<HashMap<String, Message>> = LazyLock::new(|| {
    let text = include_str!("../../../config/messages.toml");
    read(text).expect("the messages in the tree are read by a test")
});

/// Words by code, out of such a file; kept for as long as the program runs.
pub fn read(text: &str) -> Result<HashMap<String, Message>, toml::de::Error> {
    let entries: HashMap<String, Entry> = toml::from_str(text)?;
    let message = |entry: Entry| Message {
        message: Text::keep(entry.vi, entry.en),
        remedy: Text::keep(entry.remedy_vi, entry.remedy_en),
    };
    Ok(entries.into_iter().map(|(code, entry)| (code, message(entry))).collect())
}

/// The words for a code; a code without words, which a test rules out, has general ones.
pub fn of(code: &'static str) -> Message {
    static WORDLESS: LazyLock<Text> =
        LazyLock::new(|| Text::keep("Không có mô tả".to_owned(), "Not described".to_owned()));
    MESSAGES.get(code).copied().unwrap_or_else(|| Message { message: *WORDLESS, remedy: *WORDLESS })
}

/// Every code that has words.
pub fn codes() -> impl Iterator<Item = &'static str> {
    MESSAGES.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::core::lookup::LookupOutcome;
    use crate::core::path::PathFault;
    use crate::core::report::Obstacle;
    use crate::core::report::check::Remark;
    use crate::core::validation::countersignature::CountersignatureFault;
    use crate::core::validation::pades::Shadow;
    use crate::core::validation::timestamp::TimestampFault;
    use crate::core::verdict::{Indication, Verdict};

    fn codes_of(indication: Indication) -> BTreeSet<&'static str> {
        let verdicts = Verdict::every().into_iter().filter(|verdict| verdict.indication() == indication);
        verdicts.map(|verdict| verdict.code()).collect()
    }

    fn every_code() -> BTreeSet<&'static str> {
        let verdicts = Verdict::every().into_iter().map(|verdict| verdict.code());
        let remarks = Remark::every().into_iter().map(Remark::code);
        let obstacles = Obstacle::every().into_iter().map(Obstacle::code);
        let timestamps = TimestampFault::every().into_iter().map(|fault| fault.code());
        let countersignatures = CountersignatureFault::every().into_iter().map(|fault| fault.code());
        let lookups = LookupOutcome::ALL.map(LookupOutcome::code);
        verdicts.chain(remarks).chain(obstacles).chain(timestamps).chain(countersignatures).chain(lookups).collect()
    }

    #[test]
    fn every_code_has_words_and_no_words_lack_a_code() {
        let worded: BTreeSet<_> = codes().collect();
        let codes = every_code();
        let (wordless, unused): (Vec<_>, Vec<_>) =
            (codes.difference(&worded).collect(), worded.difference(&codes).collect());
        assert!(wordless.is_empty() && unused.is_empty(), "without words: {wordless:?}; without a code: {unused:?}");
    }

    #[test]
    fn words_are_whole_and_in_two_languages() {
        for code in codes() {
            let Message { message, remedy } = of(code);
            for text in [message.vi, message.en, remedy.vi, remedy.en] {
                assert!(
                    !text.is_empty() && text == text.trim() && !text.contains(char::is_control),
                    "{code}: {text:?}"
                );
            }
            for Text { vi, en, .. } in [message, remedy] {
                assert_ne!(vi, en, "{code}");
                let latin = |letter: char| letter.is_ascii() || letter == '–';
                assert!(en.chars().all(latin) && !vi.chars().all(latin), "{code}: a language in the other's place");
                // Composed letters: a search for a word finds it.
                assert!(!vi.contains(|letter| ('\u{300}'..='\u{36f}').contains(&letter)), "{code}: {vi}");
            }
            assert!(!message.vi.ends_with('.') && !message.en.ends_with('.'), "{code}: details may follow a message");
            assert!(remedy.vi.ends_with('.') && remedy.en.ends_with('.'), "{code}: a remedy is a sentence");
            assert!(!format!("{}{}", message.vi, remedy.vi).to_lowercase().contains("chứng thư số"), "{code}");
        }
    }

    /// *Hợp lệ* and *không hợp lệ* are the words of the law: only a verdict may use them.
    #[test]
    fn only_a_pass_sounds_valid_and_only_a_failure_sounds_invalid() {
        for code in every_code() {
            let Text { vi, en, .. } = of(code).message;
            let (vi, en) = (vi.to_lowercase(), en.to_lowercase());
            if codes_of(Indication::TotalPassed).contains(code) {
                assert!(vi.starts_with("chữ ký số hợp lệ") && en.starts_with("digital signature valid"), "{code}");
            } else if codes_of(Indication::TotalFailed).contains(code) {
                assert!(vi.starts_with("chữ ký số không hợp lệ: ") && en.starts_with("signature invalid: "), "{code}");
            } else {
                assert!(!vi.contains("hợp lệ") && !en.contains("invalid"), "{code}: {vi}");
            }
        }
        for code in codes_of(Indication::Indeterminate) {
            let Text { vi, en, .. } = of(code).message;
            let undetermined = vi.starts_with("Chưa xác định – ") && en.starts_with("Undetermined – ");
            // The first says so in the law's own words; the others are mere warnings under most policies.
            let named = ["no-signature", "signing-certificate-missing"].contains(&code)
                || Shadow::ALL.iter().any(|shadow| shadow.code() == code);
            assert!(undetermined != named, "{code}: {vi}");
        }
    }

    /// What the receiver's own system lacks costs the applicant nothing.
    #[test]
    fn what_this_system_lacks_is_not_the_applicants_matter() {
        // A suspended certificate is the signer's matter.
        let lacks = |fault: &PathFault| fault.is_undetermined() && !matches!(fault, PathFault::OnHold { .. });
        let lacks = PathFault::every().into_iter().filter(lacks).map(|fault| fault.code());
        for code in lacks.chain([Obstacle::StatusUnknown.code(), "signature-format-not-supported", "digest-not-given"])
        {
            let remedy = of(code).remedy;
            assert!(remedy.vi.contains("người nộp không cần làm gì"), "{code}: {}", remedy.vi);
            assert!(remedy.en.contains("the applicant need do nothing"), "{code}: {}", remedy.en);
        }
    }
}
