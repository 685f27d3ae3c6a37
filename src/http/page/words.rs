//! The words of the page in both languages (`config/page.toml`).

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use crate::{core::report::text::Language, kinds::kind::Title};

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Words(Title),
    Table(HashMap<String, Title>),
}

static WORDS: LazyLock<HashMap<String, Title>> = LazyLock::new(|| {
    let text = include_str!("../../../config/page.toml");
    let entries: HashMap<String, Entry> = toml::from_str(text).expect("the words in the tree are read by a test");
    let mut words = HashMap::new();
    for (key, entry) in entries {
        match entry {
            Entry::Words(title) => drop(words.insert(key, title)),
            Entry::Table(table) => {
                words.extend(table.into_iter().map(|(inner, title)| (format!("{key}.{inner}"), title)))
            }
        }
    }
    words
});

/// Says things in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech(pub Language);

impl Speech {
    /// The words for a key, which a test knows to be there.
    pub fn say(self, key: &str) -> &'static str {
        static NONE: Title = Title { vi: String::new(), en: String::new() };
        let title = WORDS.get(key).unwrap_or(&NONE);
        self.0.pick(&title.vi, &title.en)
    }

    /// As BCP 47 has it.
    pub const fn tag(self) -> &'static str {
        self.0.pick("vi", "en")
    }

    pub const fn other(self) -> Self {
        Self(match self.0 {
            Language::Vietnamese => Language::English,
            Language::English => Language::Vietnamese,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The keys that stand in the source, and the beginnings of those that are put together.
    fn keys() -> BTreeSet<String> {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page");
        let mut keys = BTreeSet::new();
        for entry in fs::read_dir(room).expect("the room") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "rs") || path.ends_with("words.rs") {
                continue;
            }
            let source = fs::read_to_string(&path).expect("text");
            keys.extend(source.split("say(\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
            // Keys that a match chooses have a comment of their own.
            keys.extend(
                source.split("/* says */ \"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())),
            );
        }
        keys
    }

    #[test]
    fn every_key_has_words_and_no_words_lack_a_key() {
        let (keys, written): (_, BTreeSet<String>) = (keys(), WORDS.keys().cloned().collect());
        assert!(keys.len() > 80, "{keys:?}");
        let is_put_together = |key: &&String| {
            ["checks-of.", "open.", "purposes.", "remedies.", "trouble."].iter().any(|table| key.starts_with(table))
        };
        let unused: Vec<_> = written.difference(&keys).filter(|key| !is_put_together(key)).collect();
        let wordless: Vec<_> = keys.difference(&written).collect();
        assert!(wordless.is_empty() && unused.is_empty(), "without words: {wordless:?}; without a use: {unused:?}");
    }

    #[test]
    fn words_are_whole_and_in_two_languages() {
        for (key, Title { vi, en }) in &*WORDS {
            for text in [vi, en] {
                assert!(!text.is_empty() && text == text.trim(), "{key}");
                assert!(!text.contains(|letter| ('\u{300}'..='\u{36f}').contains(&letter)), "{key}: composed letters");
            }
            let is_name = ["product", "other-language"].contains(&key.as_str());
            assert!(is_name || en.chars().all(|letter| letter.is_ascii() || letter == '…'), "{key}: {en}");
            assert!(is_name || vi != en, "{key}");
        }
    }

    #[test]
    fn every_purpose_has_words() {
        let kinds = crate::kinds::Kinds::held();
        let named: BTreeSet<&String> = kinds.iter().flat_map(|kind| &kind.reliance.purposes).collect();
        let known: BTreeSet<&str> = WORDS.keys().filter_map(|key| key.strip_prefix("purposes.")).collect();
        assert_eq!(named.into_iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
    }

    #[test]
    fn every_check_has_words() {
        for step in crate::core::report::Step::ALL {
            let key = format!("checks-of.{}", step.name());
            assert!(WORDS.contains_key(&key), "{key}");
        }
        let known = WORDS.keys().filter(|key| key.starts_with("checks-of.")).count();
        assert_eq!(known, crate::core::report::Step::ALL.len());
    }
}
