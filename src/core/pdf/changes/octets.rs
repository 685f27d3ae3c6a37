//! Every octet that later revisions wrote belongs to an object that they name, to their cross-references, or to white space.

use super::{Change, Checked, Comparison, Document, Forbidden, plain};
use crate::core::pdf::survey;
use crate::core::pdf::syntax::Cursor;

/// An end of line behind the last `%%EOF`.
const LAST: [&[u8]; 4] = [b"", b"\n", b"\r", b"\r\n"];

/// Numbers that a writer took and did not use.
const UNUSED: i64 = 1000;

impl Comparison<'_, '_> {
    /// Goes through them from the end of what was signed.
    pub(super) fn octets(&self) -> Checked<()> {
        let octets = self.now.octets();
        let mut from = self.signed.octets().len();
        // Readers that repair find objects and trailers in the data of streams too.
        let trailers = memchr::memmem::find_iter(&octets[from..], b"trailer").count();
        let tables = self.now.sections_since(self.signed).iter().filter(|own| octets[own.at..].starts_with(b"xref"));
        let listed = self.now.offsets_since(self.signed);
        let is_escaped = survey::has_escaped_word(&octets[from..]);
        if is_escaped
            || trailers != tables.count()
            || survey::first_unlisted_in(octets, from..octets.len(), &listed).is_some()
        {
            return Ok(Err(beside(from)));
        }
        let size = |document: &Document<'_>| document.trailer().integer(b"Size").unwrap_or(0);
        let largest = self.now.numbers_since(self.signed).last().map_or(0, i64::from);
        let least = size(self.signed).max(largest + 1);
        if !(least..=least + UNUSED).contains(&size(self.now)) || size(self.now) > plain::LARGEST_SIZE {
            return Ok(Err(Change::Structure.key(b"Size")));
        }
        for section in self.now.sections_since(self.signed).iter().rev() {
            if section.at_hidden.is_some() {
                // Which of its two parts counts first is not the same to all readers.
                return Ok(Err(Change::Structure.key(b"XRefStm")));
            }
            let mut begins = self.now.offsets_of(section);
            begins.push(section.at);
            begins.sort_unstable();
            begins.dedup();
            if begins.last() != Some(&section.at) {
                return Ok(Err(beside(section.at)));
            }
            for begin in begins {
                if plain::after_gap(octets, from) != Some(begin) {
                    return Ok(Err(beside(from)));
                }
                let is_table = begin == section.at && octets[begin.min(octets.len())..].starts_with(b"xref");
                from = match is_table {
                    true if plain::is_plain_table(&octets[begin..section.table_end], Cursor::plain) => {
                        section.table_end
                    }
                    true => return Ok(Err(Change::Structure.at(format!("the cross-references at offset {begin}")))),
                    false => match self.now.end_of_plain_object(begin) {
                        Ok(end) => end,
                        Err(_) => return Ok(Err(Change::Structure.at(format!("the object at offset {begin}")))),
                    },
                };
            }
            let Some(end) = end_of_revision(octets, from, section.at) else { return Ok(Err(beside(from))) };
            from = end;
        }
        Ok(if LAST.contains(&&octets[from..]) { Ok(()) } else { Err(beside(from)) })
    }
}

fn beside(at: usize) -> Forbidden {
    Change::Structure.at(format!("octets at offset {at} belong to nothing"))
}

/// Behind `startxref`, the number and `%%EOF`, each on a line of its own.
fn end_of_revision(octets: &[u8], from: usize, at: usize) -> Option<usize> {
    let word = plain::after_gap(octets, from)?;
    let number = plain::after_line(octets, word + octets.get(word..)?.starts_with(b"startxref").then_some(9)?)?;
    let digits = at.to_string();
    let end = octets.get(number..)?.starts_with(digits.as_bytes()).then(|| number + digits.len())?;
    let end = plain::after_line(octets, end)?;
    octets[end..].starts_with(b"%%EOF").then_some(end + 5)
}
