//! The data of a stream (ISO 32000-2 §7.3.8).

use super::fault::{PdfFault, PdfFaultKind};
use super::syntax::{Cursor, is_space};

/// The so many octets of a stream whose dictionary ends at the cursor. Its length must be right: readers that mend wrong ones do so in
/// different ways.
pub fn data<'a>(cursor: &mut Cursor<'a>, length: usize) -> Result<&'a [u8], PdfFault> {
    cursor.skip_space();
    let fault = PdfFault { at: cursor.at, kind: PdfFaultKind::Stream };
    let rest = cursor.rest().strip_prefix(b"stream").ok_or_else(|| fault.clone())?;
    // A lone carriage return would leave open where the data begin.
    let data = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).ok_or_else(|| fault.clone())?;
    if length > data.len() {
        return Err(fault);
    }
    let (data, after) = data.split_at(length);
    let ends =
        [&b"\r\n"[..], b"\n", b"\r", b""].iter().find_map(|end| after.strip_prefix(*end)?.strip_prefix(b"endstream"));
    // Some readers do not see the word if another follows without a gap.
    let after = ends.filter(|after| after.first().is_some_and(|next| is_space(*next))).ok_or(fault)?;
    cursor.at += cursor.rest().len() - after.len();
    Ok(data)
}
