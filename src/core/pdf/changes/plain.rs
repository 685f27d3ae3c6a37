//! How later revisions are written: so that every reader takes them for the same. Readers differ in what they do with a file that is not as
//! it should be, and most look for objects in all of its octets then, also in the data of streams.

use super::{Change, Checked, Comparison, same_values};
use crate::core::pdf::cross_references::{self, LARGEST_NUMBER, Place, Section};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::syntax::Cursor;

/// Octets of white space and comments between two objects.
const GAP: usize = 250;
/// Words that a comment may not have.
const WORDS: [&[u8]; 5] = [b"obj", b"xref", b"trailer", b"%%EOF", b"stream"];

/// One more than the largest number of an object (annex C).
pub const LARGEST_SIZE: i64 = LARGEST_NUMBER as i64 + 1;
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

/// A table of cross-references: lines of the words, two numbers, and entries of twenty octets (§7.5.4); `read` begins to read its trailer.
pub fn is_plain_table<'a>(octets: &'a [u8], read: fn(&'a [u8], usize) -> Cursor<'a>) -> bool {
    let numbers = |at: usize| -> Option<(usize, u64)> {
        let mut cursor = Cursor::plain(octets, at);
        let first = cursor.unsigned().ok()?;
        cursor.at += usize::from(cursor.rest().first() == Some(&b' '));
        let count = cursor.unsigned().ok()?;
        // An empty one may stand there alone.
        let is_named = count > 0 || octets[at..cursor.at] == *b"0 0";
        let entries = after_line(octets, cursor.at).filter(|_| is_named)?;
        // Readers take such an entry for that of object 0, and count from there.
        let is_shifted = first == 1 && octets.get(entries + 17) == Some(&b'f');
        (!is_shifted).then_some((entries, count))
    };
    let mut next = if octets.starts_with(b"xref") { after_line(octets, 4) } else { None };
    while let Some(at) = next {
        // Some writers leave a line empty before it.
        let word = after_line(octets, at).filter(|word| octets[*word..].starts_with(b"trailer")).unwrap_or(at);
        if let Some(rest) = octets[word..].strip_prefix(b"trailer") {
            let before = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\r' | b'\n')).count();
            let mut cursor = read(rest, before);
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

impl Comparison<'_, '_> {
    /// No later revision frees an object, or says of one that there is none: such an entry has octets that say nothing.
    pub(super) fn frees_nothing(&self) -> Checked<()> {
        let freed = self.now.freed_since(self.signed).find(|number| *number != 0);
        Ok(freed.map_or(Ok(()), |number| Err(Change::Structure.at(format!("object {number}")))))
    }

    /// A stream of cross-references that is none of the document: some writers leave one behind. It says what the others do.
    pub(super) fn is_left_behind(&self, reference: Reference) -> bool {
        let Some(Place::At { offset, .. }) = self.now.place(reference.number) else { return false };
        let Ok(section) = cross_references::section(self.now.octets(), offset) else { return false };
        let newest = self.now.trailer();
        let is_same =
            |key: &[u8]| section.trailer.get(key).is_none() || same_values(section.trailer.get(key), newest.get(key));
        let is_known = |key: &[u8]| OF_TRAILER.contains(&key) || OF_STREAM.contains(&key);
        section.trailer.keys().all(is_known)
            && is_same(b"Root")
            && is_same(b"Info")
            && is_identifier(section.trailer.get(b"ID"))
            && has_plain_widths(&section.trailer)
    }

    /// What the trailers of later revisions say.
    pub(super) fn trailers(&self) -> Checked<()> {
        let (signed, newest) = (self.signed.trailer(), self.now.trailer());
        let is_table = |section: &Section| self.now.octets()[section.at..].starts_with(b"xref");
        let was_table = is_table(&self.signed.sections()[0]);
        let had_information = self.signed.sections().iter().any(|section| section.trailer.get(b"Info").is_some());
        if signed.get(b"Info").is_none() && had_information && newest.get(b"Info").is_some() {
            // Some readers have that of an older trailer until then.
            return Ok(Err(Change::Metadata.key(b"Info")));
        }
        for section in self.now.sections_since(self.signed) {
            let is_stream = !is_table(section);
            if is_stream == was_table {
                // What a reader does with faults depends on the newest one (§7.5.8.1 wants one kind).
                return Ok(Err(Change::Structure.at("cross-references of another kind")));
            }
            if !same_values(section.trailer.get(b"Root"), newest.get(b"Root")) {
                return Ok(Err(Change::Structure.key(b"Root")));
            }
            // Some readers take from older trailers what the newest does not have.
            let information = section.trailer.get(b"Info");
            let is_none_yet = information.is_none() && signed.get(b"Info").is_none();
            if !is_none_yet && !same_values(information, newest.get(b"Info")) {
                return Ok(Err(Change::Metadata.key(b"Info")));
            }
            let is_known = |key: &[u8]| OF_TRAILER.contains(&key) || is_stream && OF_STREAM.contains(&key);
            // What was there before may stay.
            let is_same =
                |key: &[u8]| signed.get(key).is_some() && same_values(section.trailer.get(key), signed.get(key));
            let is_other = |key: &&[u8]| !is_known(key) && !is_same(key);
            if let Some(key) = section.trailer.keys().find(is_other) {
                return Ok(Err(Change::Structure.key(key)));
            }
            if is_stream && !has_plain_widths(&section.trailer) {
                return Ok(Err(Change::Structure.key(b"W")));
            }
            if !is_identifier(section.trailer.get(b"ID")) {
                return Ok(Err(Change::Structure.key(b"ID")));
            }
        }
        Ok(Ok(()))
    }
}

/// Two strings, of hashes (§14.4).
fn is_identifier(value: Option<&Value>) -> bool {
    let is_hash = |value: &Value| matches!(&value.object, Object::String { octets, .. } if octets.len() <= HASH);
    value.is_none_or(|value| value.object.as_array().is_some_and(|parts| parts.len() == 2 && parts.iter().all(is_hash)))
}

/// Widths of the three fields of an entry: some readers know no larger ones (§7.5.8.2).
pub(super) fn has_plain_widths(stream: &Dictionary) -> bool {
    let widths = stream.get(b"W").and_then(|widths| widths.object.as_array()).unwrap_or_default();
    let are_small = |(width, most): (&Value, i64)| matches!(width.object, Object::Integer(own) if own <= most);
    widths.iter().zip([1, 8, 4]).all(are_small)
}
