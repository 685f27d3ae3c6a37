//! The words for the codes of problems, in both languages (`config/problems.toml`).

use std::{collections::HashMap, sync::LazyLock};

use crate::core::report::message::{self, Message};

static WORDS: LazyLock<HashMap<String, Message>> = LazyLock::new(|| {
    let text = include_str!("../../config/problems.toml");
    message::read(text).expect("the words in the tree are read by a test")
});

/// The words for a code; of one that names a field, for how it ends.
pub fn of(code: &str) -> Option<Message> {
    let by_ending = || WORDS.iter().find(|(ending, _)| ending.starts_with('-') && code.ends_with(ending.as_str()));
    WORDS.get(code).or_else(|| by_ending().map(|(_, message)| message)).copied()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Every code that stands in the source of this room: what follows a status where a problem is made, and what matches in
    /// `problem.rs` choose, the endings among it.
    fn codes() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
        let below =
            |folder: &Path| fs::read_dir(folder).expect("the room").map(|entry| entry.expect("an entry").path());
        // The errors of remote signing are those of its specification, and no problems.
        let rooms = below(&folder).filter(|path| !path.ends_with("csc"));
        let files = rooms.flat_map(|path| if path.is_dir() { below(&path).collect() } else { vec![path] });
        let mut codes = BTreeSet::new();
        for path in files {
            if path.is_dir() {
                // What a browser gets is no source of codes.
                continue;
            }
            let source = fs::read_to_string(&path).expect("text");
            for rest in source.split("new(").skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix("StatusCode::") else { continue };
                let argument = rest.split_once(',').expect("a code follows").1.trim_start();
                // What is no literal was chosen by a match.
                let code = argument.strip_prefix('"').and_then(|rest| rest.split('"').next());
                codes.extend(code.map(str::to_owned));
            }
            if path.ends_with("problem.rs") {
                let chosen = source.lines().filter_map(|line| line.trim().split_once("=> \""));
                // Field names are no codes.
                let chosen = chosen.filter(|(case, _)| case.contains("::"));
                codes.extend(chosen.filter_map(|(case, rest)| {
                    let ending = if case.starts_with("FieldFault::") { "-" } else { "" };
                    Some(format!("{ending}{}", rest.split('"').next()?))
                }));
            }
        }
        codes.remove("");
        codes
    }

    #[test]
    fn every_problem_has_words_and_no_words_lack_a_problem() {
        let codes = codes();
        assert!(codes.len() > 45, "{codes:?}");
        let wordless: Vec<_> = codes.iter().filter(|code| of(code).is_none()).collect();
        let unused: Vec<_> = WORDS.keys().filter(|code| !codes.contains(*code)).collect();
        assert!(wordless.is_empty() && unused.is_empty(), "without words: {wordless:?}; without a code: {unused:?}");
        for code in ["document-missing", "digests-value-wrong-length", "idempotency-key-wrong-text"] {
            assert!(of(code).is_some(), "{code}");
        }
        assert!(of("nobody-knows").is_none());
    }

    #[test]
    fn words_are_whole_and_in_two_languages() {
        for (code, Message { message, remedy }) in &*WORDS {
            for text in [message, remedy] {
                let latin = |letter: char| letter.is_ascii();
                assert!(text.en.chars().all(latin) && !text.vi.chars().all(latin), "{code}: {text:?}");
                assert!(![text.vi, text.en].iter().any(|text| text.is_empty() || *text != text.trim()), "{code}");
                assert!(
                    !text.vi.contains(|letter| ('\u{300}'..='\u{36f}').contains(&letter)),
                    "{code}: composed letters"
                );
                assert!(!text.vi.to_lowercase().contains("chứng thư số"), "{code}");
            }
            assert!(!message.vi.ends_with('.') && !message.en.ends_with('.'), "{code}");
            assert!(remedy.vi.ends_with('.') && remedy.en.ends_with('.'), "{code}");
        }
    }
}
