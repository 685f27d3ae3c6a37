//! Text by others, and times, as the page shows them.

use maud::{Markup, html};
use unicode_normalization::char::is_combining_mark;

use super::layout::Reader;
use crate::core::{report::text::Language, time::Time, x509::name};

/// Characters of a text that are shown.
const LONGEST: usize = 400;
/// Stands for marks that are not shown; it is odd itself.
const HEAPED: char = '\u{FFFD}';

/// A letter or digit as Vietnamese and English are written in; those that look like one of these are not.
fn is_plain(letter: char) -> bool {
    match letter {
        // Dotless i, kra, long s, and the Icelandic letter that looks like Đ.
        '\u{131}' | '\u{138}' | '\u{17F}' | '\u{D0}' => false,
        '\u{C0}'..='\u{17F}' | '\u{1A0}' | '\u{1A1}' | '\u{1AF}' | '\u{1B0}' | '\u{1EA0}'..='\u{1EF9}' => true,
        // The marks of Vietnamese, when they stand alone; others draw over what is around them.
        '\u{300}' | '\u{301}' | '\u{302}' | '\u{303}' | '\u{306}' | '\u{309}' | '\u{31B}' | '\u{323}' => true,
        // Signs that the page itself speaks with.
        '✔' | '✓' | '✘' | '⚠' => false,
        other => other.is_ascii() || !(other.is_alphanumeric() || is_combining_mark(other)),
    }
}

fn is_odd(letter: char) -> bool {
    letter == HEAPED || !is_plain(letter) || name::inert(letter.encode_utf8(&mut [0; 4])).chars().ne([letter])
}

/// It has look-alike or hidden characters.
pub fn has_odd(text: &str) -> bool {
    without_towers(text).into_iter().any(is_odd)
}

/// Inert and bounded, for a drawing: `…` stands for what is left out.
pub fn short(text: &str, most: usize) -> String {
    let shown = name::inert(text);
    if shown.chars().count() <= most {
        return shown;
    }
    shown.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A letter of Vietnamese has two marks at most: what more are heaped on it is left out, and a sign stands for them.
fn without_towers(text: &str) -> Vec<char> {
    let mut shown = Vec::new();
    let mut marks = 0;
    for letter in text.chars().take(LONGEST) {
        marks = if is_combining_mark(letter) { marks + 1 } else { 0 };
        match marks {
            0..=2 => shown.push(letter),
            3 => shown.push(HEAPED),
            _ => {}
        }
    }
    shown
}

/// Inert; a mark that is not of Vietnamese stands on a circle of its own.
fn written(run: &[char]) -> String {
    let is_foreign_mark = |letter: char| is_combining_mark(letter) && !is_plain(letter);
    let letters =
        run.iter().flat_map(|letter| is_foreign_mark(*letter).then_some('\u{25CC}').into_iter().chain([*letter]));
    name::inert(&letters.collect::<String>())
}

/// On a page: on one line, keeping its direction to itself, what is easily mistaken marked, with a word of warning.
pub fn foreign(reader: Reader, text: &str) -> Markup {
    let shown = without_towers(text);
    let runs = shown.chunk_by(|one, next| is_odd(*one) == is_odd(*next));
    html! {
        bdi {
            @for run in runs {
                @let written = written(run);
                @if run.first().is_some_and(|letter| is_odd(*letter)) { mark.odd { (written) } } @else { (written) }
            }
            @if text.chars().nth(LONGEST).is_some() { "…" }
        }
        @if has_odd(text) { " " strong.warning { "⚠ " (reader.say("odd-letters")) } }
    }
}

/// As clocks in Vietnam show it.
pub fn when(reader: Reader, time: Time) -> Markup {
    html! { time datetime=(time) { (clock_text(reader, time)) } }
}

/// `23/11/2026 14:05:33 (GMT+7)`, in English `2026-11-23 14:05:33 +07:00`.
pub fn clock_text(reader: Reader, time: Time) -> String {
    let there = time.in_vietnam();
    let parts: Vec<&str> = there.split([' ', '-']).collect();
    match (reader.speech.0, &parts[..]) {
        (Language::Vietnamese, [year, month, day, clock, _]) => format!("{day}/{month}/{year} {clock} (GMT+7)"),
        _ => there,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Uri};

    use super::*;

    fn reader(language: &str) -> Reader {
        Reader::of(&format!("/?lang={language}").parse::<Uri>().expect("an address"), &HeaderMap::new())
    }

    #[test]
    fn names_of_vietnam_are_plain_and_look_alikes_are_marked() {
        for plain in
            ["Sở Y tế TP. Hồ Chí Minh", "Nguyễn Thị Ánh Đào (1990)", "Nguyê\u{303}n", "ƠƯăâđêôơưẠỹ", "A–B № 1, ™"]
        {
            let plain_page = foreign(reader("vi"), plain).into_string();
            assert!(!has_odd(plain) && !plain_page.contains("mark"), "{plain_page}");
        }
        for odd in [
            "B\u{43E} Y t\u{1EBF}",
            "abc\u{202E}fdp.exe",
            "a\u{200B}b",
            "１２３",
            "Ðào",
            "ı",
            "a\nb",
            "Α",
            "ɑ",
            "a\u{300}\u{301}\u{302}",
            "a\u{338}",
            "✔ Valid",
        ] {
            let page = foreign(reader("en"), odd).into_string();
            assert!(has_odd(odd) && page.contains("<mark class=\"odd\">") && page.contains("Careful"), "{page}");
            assert!(!page.contains(['\u{202E}', '\u{200B}', '\n']), "{page}");
        }
    }

    #[test]
    fn markup_is_text_and_long_text_ends() {
        let page = foreign(reader("en"), "<script>alert(1)</script>\"'&").into_string();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
        assert!(foreign(reader("en"), &"a".repeat(100_000)).into_string().len() < 1000);
        assert_eq!(short(&"ộ".repeat(50), 10), "ộộộộộộộộộ…");
    }

    #[test]
    fn times_are_those_of_vietnam() {
        let time = Time::from_unix(1_763_881_533);
        assert_eq!(clock_text(reader("vi"), time), "23/11/2025 14:05:33 (GMT+7)");
        assert_eq!(clock_text(reader("en"), time), "2025-11-23 14:05:33 +07:00");
    }
}
