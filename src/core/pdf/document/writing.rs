//! How objects are written: where they end, and whether all readers take them for the same.

use super::{Document, READ_ONE, READ_VALUE};
use crate::core::pdf::cross_references::Place;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Object, Reference, Value};
use crate::core::pdf::stream;
use crate::core::pdf::syntax::Cursor;

impl Document<'_> {
    /// The octet before is an end of line.
    fn begins_line(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| matches!(self.octets.get(before), Some(b'\r' | b'\n')))
    }

    /// The octet behind `endobj` of the object that begins there, whatever its number, if it is written so that all readers take it for
    /// the same: at the beginning of a line, nothing but a blank between the words that begin it, no comments.
    pub fn end_of_plain_object(&self, offset: usize) -> Result<usize, PdfFault> {
        let mut cursor = Cursor::plain(self.octets, offset);
        let Reference { number, generation } = cursor.object_header()?;
        let is_alone = self.octets[offset..cursor.at] == *format!("{number} {generation} obj").as_bytes();
        if !is_alone || !self.begins_line(offset) {
            return Err(PdfFault { at: offset, kind: PdfFaultKind::Syntax });
        }
        self.end_of(cursor, offset)
    }

    /// The object is written so that all readers take it for the same.
    ///
    /// # Errors
    /// It is not, or is in no use.
    pub fn check_plain(&self, number: u32) -> Result<(), PdfFault> {
        match self.place(number) {
            None | Some(Place::Free) => Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject }),
            Some(Place::At { offset, .. }) => {
                let mut cursor = Cursor::plain(self.octets, offset);
                cursor.skip_space();
                cursor.object_header()?;
                self.pay_for_end(&cursor.value()?, &cursor)
            }
            Some(Place::In { stream, index }) => {
                let stream = self.object_stream(stream)?;
                let fault = PdfFault { at: 0, kind: PdfFaultKind::OtherObject };
                let (_, at) = stream.objects.get(index as usize).ok_or(fault)?;
                let mut cursor = Cursor::plain(&stream.octets, *at);
                self.pay_for_end(&cursor.value()?, &cursor)
            }
        }
    }

    fn pay_for_end(&self, value: &Value, behind: &Cursor<'_>) -> Result<(), PdfFault> {
        let cost = value.span.len().max(behind.values() * READ_VALUE) + READ_ONE;
        let limit = PdfFault { at: value.span.start, kind: PdfFaultKind::Limit };
        self.left.ends.set(self.left.ends.get().checked_sub(cost).ok_or(limit)?);
        Ok(())
    }

    /// The octet behind `endobj` of the object that begins there; what a stream says of its length must be right.
    pub fn end_of_object(&self, offset: usize) -> Result<usize, PdfFault> {
        let mut cursor = Cursor::new(self.octets, offset);
        cursor.skip_space();
        cursor.object_header()?;
        self.end_of(cursor, offset)
    }

    fn end_of(&self, mut cursor: Cursor<'_>, offset: usize) -> Result<usize, PdfFault> {
        let value = cursor.value()?;
        self.pay_for_end(&value, &cursor)?;
        let mut after = cursor;
        after.skip_space();
        if let Object::Dictionary(dictionary) = &value.object
            && after.keyword(b"stream").is_ok()
        {
            let fault = PdfFault { at: offset, kind: PdfFaultKind::Stream };
            let length = match self.get(dictionary, b"Length")? {
                Some(Object::Integer(length)) => usize::try_from(length).map_err(|_| fault)?,
                _ => return Err(fault),
            };
            let data = stream::data(&mut cursor, length)?;
            let end = cursor.at - cursor.at.min(b"endstream".len());
            if cursor.is_plain() && !data.is_empty() && !self.begins_line(end) {
                return Err(PdfFault { at: end, kind: PdfFaultKind::Stream });
            }
        }
        cursor.skip_space();
        cursor.keyword(b"endobj")?;
        Ok(cursor.at)
    }

    /// The objects in this object stream stand one behind the other, in the order in which they are named, and nothing stands between; if
    /// it is plain, all readers take them for the same.
    pub fn is_in_order(&self, stream: u32, is_plain: bool) -> Result<bool, PdfFault> {
        let stream = self.object_stream(stream)?;
        let (mut head, mut cursor) = match is_plain {
            true => (Cursor::plain(&stream.octets[..stream.first], 0), Cursor::plain(&stream.octets, stream.first)),
            false => (Cursor::new(&stream.octets[..stream.first], 0), Cursor::new(&stream.octets, stream.first)),
        };
        for (_, at) in &stream.objects {
            for _ in 0..2 {
                head.skip_space();
                head.unsigned()?;
            }
            cursor.skip_space();
            if cursor.at != *at || cursor.value().is_err() {
                return Ok(false);
            }
        }
        head.skip_space();
        cursor.skip_space();
        Ok(head.rest().is_empty() && cursor.rest().is_empty())
    }
}
