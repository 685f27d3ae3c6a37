//! Every octet that later revisions wrote belongs to an object that they name, to their cross-references, or to white space.

use super::{Change, Checked, Comparison, Document, Forbidden};
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::survey;
use crate::core::pdf::syntax::Cursor;

/// An end of line behind the last `%%EOF`.
const LAST: [&[u8]; 4] = [b"", b"\n", b"\r", b"\r\n"];

impl Comparison<'_, '_> {
    /// Goes through them from the end of what was signed.
    pub(super) fn octets(&self) -> Checked<()> {
        let octets = self.now.octets();
        let mut from = self.signed.octets().len();
        // Readers that repair find objects in the data of streams too.
        if survey::has_unlisted_in(octets, from..octets.len(), &self.now.offsets()) {
            return Ok(Err(beside(from)));
        }
        let size = |document: &Document<'_>| document.trailer().integer(b"Size").unwrap_or(0);
        let largest = self.now.numbers_since(self.signed).last().map_or(0, i64::from);
        if size(self.now) < size(self.signed) || size(self.now) <= largest {
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
            for begin in begins {
                let mut cursor = Cursor::new(octets, from);
                cursor.skip_space();
                let is_table = begin == section.at && octets[begin.min(octets.len())..].starts_with(b"xref");
                if cursor.at != begin {
                    return Ok(Err(beside(cursor.at)));
                }
                from = if is_table { section.table_end } else { self.now.end_of_object(begin)? };
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

/// Behind `startxref`, the number and `%%EOF`.
fn end_of_revision(octets: &[u8], from: usize, at: usize) -> Option<usize> {
    let read = || -> Result<Cursor<'_>, PdfFault> {
        let mut cursor = Cursor::new(octets, from);
        cursor.skip_space();
        cursor.keyword(b"startxref")?;
        cursor.skip_line_ends();
        if cursor.unsigned()? != at as u64 {
            return Err(cursor.syntax());
        }
        Ok(cursor)
    };
    let mut cursor = read().ok()?;
    cursor.skip_line_ends();
    let end = cursor.at;
    octets[end..].starts_with(b"%%EOF").then_some(end + 5)
}
