//! How later revisions are written: so that every reader takes them for the same. Readers differ in what they do with a file that is not as
//! it should be, and most look for objects in all of its octets then, also in the data of streams.

use super::{Change, Checked, Comparison, Document, same_values};
use crate::core::pdf::object::{Object, Value};
use crate::core::pdf::syntax::Cursor;

/// Octets of white space and comments between two objects.
const GAP: usize = 250;
/// Words that a comment may not have.
const WORDS: [&[u8]; 5] = [b"obj", b"xref", b"trailer", b"%%EOF", b"stream"];

/// Octets of each part of an identifier.
const HASH: usize = 128;

/// Keys of a trailer, and those of a stream that has one (ISO 32000-2 §7.5.5, §7.5.8.2).
const OF_TRAILER: [&[u8]; 5] = [b"Size", b"Prev", b"Root", b"Info", b"ID"];
const OF_STREAM: [&[u8]; 6] = [b"Type", b"W", b"Index", b"Length", b"Filter", b"DecodeParms"];

/// Where the octets behind white space and comments begin; `None`: some reader does not pass over them.
pub fn after_gap(octets: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match octets.get(at) {
            Some(b' ' | b'\r' | b'\n') => at += 1,
            Some(b'%') => {
                let line = octets[at..].split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
                let is_text = line.iter().all(|octet| matches!(octet, b' '..=b'~'));
                let has_word = WORDS.iter().any(|word| memchr::memmem::find(line, word).is_some());
                if !is_text || has_word {
                    return None;
                }
                at += line.len();
            }
            _ => return Some(at),
        }
        if at - from > GAP {
            return None;
        }
    }
}

/// The octet behind one end of line, a blank before it or not.
pub fn after_line(octets: &[u8], from: usize) -> Option<usize> {
    let rest = octets.get(from..)?;
    let line = rest.strip_prefix(b" ").unwrap_or(rest);
    let end = [&b"\r\n"[..], b"\n", b"\r"].iter().find_map(|end| line.strip_prefix(*end))?;
    Some(octets.len() - end.len())
}

/// A table of cross-references: lines of the words, two numbers, and entries of twenty octets (§7.5.4).
pub fn is_plain_table(octets: &[u8]) -> bool {
    let numbers = |at: usize| -> Option<(usize, u64)> {
        let mut cursor = Cursor::plain(octets, at);
        cursor.unsigned().ok()?;
        cursor.at += usize::from(cursor.rest().first() == Some(&b' '));
        let count = cursor.unsigned().ok()?;
        // An empty one may stand there alone.
        let is_named = count > 0 || octets[at..cursor.at] == *b"0 0";
        Some((after_line(octets, cursor.at).filter(|_| is_named)?, count))
    };
    let mut next = if octets.starts_with(b"xref") { after_line(octets, 4) } else { None };
    while let Some(at) = next {
        if let Some(rest) = octets[at..].strip_prefix(b"trailer") {
            let before = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\r' | b'\n')).count();
            let mut cursor = Cursor::plain(rest, before);
            return before <= 2
                && rest[before..].starts_with(b"<<")
                && cursor.value().is_ok()
                && cursor.rest().is_empty();
        }
        next = numbers(at).and_then(|(at, count)| {
            let end = at.checked_add(usize::try_from(count).ok()?.checked_mul(20)?)?;
            (end < octets.len()).then_some(end)
        });
    }
    false
}

/// Where something like a trailer stands that is none of a table of the document.
pub fn first_unlisted_trailer(document: &Document<'_>) -> Option<usize> {
    let octets = document.octets();
    let is_of = |at: usize| document.sections().iter().any(|section| (section.at..section.table_end).contains(&at));
    let is_one = |at: &usize| {
        let mut cursor = Cursor::new(octets, at + 7);
        cursor.skip_space();
        cursor.rest().starts_with(b"<<") && !is_of(*at)
    };
    memchr::memmem::find_iter(octets, b"trailer").find(is_one)
}

impl Comparison<'_, '_> {
    /// No later revision frees an object, or says of one that there is none: such an entry has octets that say nothing.
    pub(super) fn frees_nothing(&self) -> Checked<()> {
        let freed = self.now.freed_since(self.signed).find(|number| *number != 0);
        Ok(freed.map_or(Ok(()), |number| Err(Change::Structure.at(format!("object {number}")))))
    }

    /// What the trailers of later revisions say, and what a file says that is sent page by page.
    pub(super) fn trailers(&self) -> Checked<()> {
        let signed = self.signed.trailer();
        for section in self.now.sections_since(self.signed) {
            let is_stream = !self.now.octets()[section.at..].starts_with(b"xref");
            let is_known = |key: &[u8]| OF_TRAILER.contains(&key) || is_stream && OF_STREAM.contains(&key);
            // What was there before may stay.
            let is_same =
                |key: &[u8]| signed.get(key).is_some() && same_values(section.trailer.get(key), signed.get(key));
            let is_other = |key: &&[u8]| !is_known(key) && !is_same(key);
            if let Some(key) = section.trailer.keys().find(is_other) {
                return Ok(Err(Change::Structure.key(key)));
            }
            if !is_identifier(section.trailer.get(b"ID")) {
                return Ok(Err(Change::Structure.key(b"ID")));
            }
        }
        Ok(if is_linearized_since(self.signed) { Err(Change::Structure.key(b"Linearized")) } else { Ok(()) })
    }
}

/// Two strings, of hashes (§14.4).
fn is_identifier(value: Option<&Value>) -> bool {
    let is_hash = |value: &Value| matches!(&value.object, Object::String { octets, .. } if octets.len() <= HASH);
    value.is_none_or(|value| value.object.as_array().is_some_and(|parts| parts.len() == 2 && parts.iter().all(is_hash)))
}

/// The file says at its beginning that it is as long as more than what was signed of it: with that length, readers would begin with other
/// cross-references than those at the end (annex F).
fn is_linearized_since(signed: &Document<'_>) -> bool {
    let octets = signed.octets();
    let mut cursor = Cursor::new(octets, 0);
    cursor.skip_space();
    if cursor.object_header().is_err() {
        return false;
    }
    let Ok(value) = cursor.value() else {
        return memchr::memmem::find(&octets[..octets.len().min(4096)], b"Linearized").is_some();
    };
    let Object::Dictionary(dictionary) = &value.object else { return false };
    let length = dictionary.integer(b"L").and_then(|length| usize::try_from(length).ok());
    dictionary.get(b"Linearized").is_some() && length.is_none_or(|length| length >= octets.len())
}
