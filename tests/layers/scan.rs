//! Reading Rust source word by word: what is code, what is test code, which paths are named. No parser, but exact about
//! comments and literals.

use std::ops::Range;

/// Words that may stand right before a path that begins with `::`.
const KEYWORDS_BEFORE_PATHS: &[&str] = &["as", "dyn", "for", "impl", "in", "mut", "return", "use"];

/// A path as written, groups spread out: `use a::{b, c::*}` is `[a, b]` and `[a, c, *]`.
pub(super) struct NamedPath {
    pub(super) at: usize,
    pub(super) segments: Vec<String>,
}

pub(super) fn paths_in(code: &str) -> Vec<NamedPath> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut after_use = false;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            after_use &= bytes[at].is_ascii_whitespace() || bytes[at] == b':';
            at += 1;
            continue;
        }
        let mut spread = Vec::new();
        let end = spread_path(code, at, &[], &mut spread);
        found.extend(spread.into_iter().filter(|path| path.segments.len() > 1 || after_use));
        after_use = &code[at..end] == "use";
        at = end;
    }
    found
}

/// Reads one path from `at`, which stands on a word, `*` or `{`; returns where it ends.
fn spread_path(code: &str, at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let bytes = code.as_bytes();
    let mut segments = prefix.to_vec();
    let mut next = at;
    loop {
        match bytes.get(next) {
            Some(b'{') => {
                next = skip_spaces(bytes, next + 1);
                while next < bytes.len() && bytes[next] != b'}' {
                    let end = spread_path(code, next, &segments, found);
                    // Past an `as` name and the comma, to the next element of the group.
                    let step = bytes[end..].iter().position(|byte| matches!(byte, b',' | b'}'));
                    next = step.map_or(bytes.len(), |step| end + step);
                    if bytes.get(next) == Some(&b',') {
                        next = skip_spaces(bytes, next + 1);
                    }
                }
                return (next + 1).min(bytes.len());
            }
            Some(b'*') => {
                segments.push("*".to_owned());
                next += 1;
                break;
            }
            Some(&byte) if is_word(byte) => {
                let length = bytes[next..].iter().take_while(|byte| is_word(**byte)).count();
                segments.push(code[next..next + length].trim_start_matches("r#").to_owned());
                next += length;
                let colons = skip_spaces(bytes, next);
                // In `use ::std` the colons belong to what follows.
                let is_keyword = KEYWORDS_BEFORE_PATHS.contains(&segments[0].as_str());
                if is_keyword || !code[colons..].starts_with("::") {
                    break;
                }
                let after = skip_spaces(bytes, colons + 2);
                match bytes.get(after) {
                    Some(&byte) if is_word(byte) || matches!(byte, b'{' | b'*') => next = after,
                    _ => break, // a turbofish
                }
            }
            _ => break,
        }
    }
    found.push(NamedPath { at, segments });
    next.max(at + 1)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

pub(super) fn line_of(code: &str, at: usize) -> usize {
    code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The same length in bytes and the same lines, with spaces for comments and for what stands in string and character literals.
pub(super) fn blank_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut blanked = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let in_word = at > 0 && is_word(bytes[at - 1]);
        let length = if rest.starts_with(b"//") {
            rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment_length(rest)
        } else if rest[0] == b'"' {
            string_length(rest)
        } else if !in_word && let Some(length) = raw_string_length(rest) {
            length
        } else if rest[0] == b'\'' {
            character_length(text, at)
        } else {
            at += 1;
            continue;
        };
        for byte in &mut blanked[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length;
    }
    String::from_utf8(blanked).expect("whole literals and comments were blanked")
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, and the same after `b` or `c`.
fn raw_string_length(rest: &[u8]) -> Option<usize> {
    let letters = usize::from(matches!(rest[0], b'b' | b'c'));
    if rest.get(letters) != Some(&b'r') {
        return None;
    }
    let hashes = rest[letters + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = letters + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let inside = rest[open + 1..].windows(close.len()).position(|window| window == close);
    Some(inside.map_or(rest.len(), |inside| open + 1 + inside + close.len()))
}

/// A character literal's length; 1 for the quote of a lifetime.
fn character_length(text: &str, at: usize) -> usize {
    let inside = &text[at + 1..];
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map_or(inside.len() + 1, |close| close + 4);
    }
    let mut characters = inside.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some('\'')) => first.len_utf8() + 2,
        _ => 1,
    }
}

/// Where the items under `#[cfg(test)]` or `#[cfg(all(test, …))]` stand, attribute and all. Takes blanked code.
pub(super) fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for opening in ["#[cfg(test)]", "#[cfg(all(test,"] {
        for (start, _) in code.match_indices(opening) {
            let mut depth = 0_isize;
            let length = code[start..].bytes().position(|byte| {
                depth += match byte {
                    b'(' | b'[' | b'{' => 1,
                    b')' | b']' | b'}' => -1,
                    _ => 0,
                };
                matches!(byte, b';' | b'}') && depth <= 0
            });
            items.push(start..length.map_or(code.len(), |length| start + length + 1));
        }
    }
    items
}

pub(super) fn blank_test_items(code: &str) -> String {
    let mut blanked = code.as_bytes().to_vec();
    for byte in test_items(code).into_iter().flat_map(|item| item.into_iter()) {
        if blanked[byte] != b'\n' {
            blanked[byte] = b' ';
        }
    }
    String::from_utf8(blanked).expect("whole items were blanked")
}
