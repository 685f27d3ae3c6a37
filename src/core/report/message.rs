//! One plain sentence and one remedy per code, in Vietnamese and English (`config/messages.toml`).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The same words in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    pub vi: &'static str,
    pub en: &'static str,
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
    let entries: HashMap<String, Entry> = toml::from_str(text).expect("the messages in the tree are read by a test");
    let keep = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let message = |entry: Entry| Message {
        message: Text { vi: keep(entry.vi), en: keep(entry.en) },
        remedy: Text { vi: keep(entry.remedy_vi), en: keep(entry.remedy_en) },
    };
    entries.into_iter().map(|(code, entry)| (code, message(entry))).collect()
});

/// The words for a code; a code without words, which a test rules out, is shown as itself.
pub fn of(code: &'static str) -> Message {
    let bare = Text { vi: code, en: code };
    MESSAGES.get(code).copied().unwrap_or(Message { message: bare, remedy: bare })
}

/// Every code that has words.
pub fn codes() -> impl Iterator<Item = &'static str> {
    MESSAGES.keys().map(String::as_str)
}
