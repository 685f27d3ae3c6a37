//! Object streams (ISO 32000-2 §7.5.7), decompressed once.

use std::rc::Rc;

use super::{Document, Stream};
use crate::core::pdf::cross_references::Place;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::filter;
use crate::core::pdf::object::Reference;
use crate::core::pdf::syntax::Cursor;

/// Objects in one object stream.
const IN_ONE_STREAM: usize = 100_000;

/// Decompressed, and where its objects begin.
pub(super) struct ObjectStream {
    pub octets: Vec<u8>,
    /// Where the first may begin, and what names them ends.
    pub first: usize,
    pub objects: Vec<(u32, usize)>,
}

impl Document<'_> {
    /// Every object in this object stream is one that some section says to be there.
    pub fn names_all_of(&self, stream: u32) -> Result<bool, PdfFault> {
        let objects = &self.object_stream(stream)?.objects;
        let mut places = objects.iter().zip(0_u32..).map(|((number, _), index)| (*number, Place::In { stream, index }));
        Ok(places.all(|(number, place)| self.sections.says(number, place)))
    }

    /// An object stream (§7.5.7), decompressed once.
    pub(super) fn object_stream(&self, number: u32) -> Result<Rc<ObjectStream>, PdfFault> {
        if let Some(known) = self.streams.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        if !self.opening.borrow_mut().insert(number) {
            return Err(PdfFault { at: 0, kind: PdfFaultKind::Circle });
        }
        let stream = Rc::new(self.open(number)?);
        self.opening.borrow_mut().remove(&number);
        self.streams.borrow_mut().insert(number, Rc::clone(&stream));
        Ok(stream)
    }

    fn open(&self, number: u32) -> Result<ObjectStream, PdfFault> {
        let Some(Place::At { offset, generation: 0 }) = self.place(number) else {
            return Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject });
        };
        let fault = |kind| PdfFault { at: offset, kind };
        let stream = self.stream(Reference { number, generation: 0 })?.ok_or_else(|| fault(PdfFaultKind::Type))?;
        let Stream { dictionary, octets, .. } = stream;
        if dictionary.name(b"Type") != Some(b"ObjStm") || !filter::is_plain(&dictionary) {
            return Err(fault(PdfFaultKind::Type));
        }
        let number_of = |key: &[u8]| {
            let number = dictionary.integer(key).and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| fault(PdfFaultKind::Type))
        };
        let (count, first) = (number_of(b"N")?, number_of(b"First")?);
        if count > IN_ONE_STREAM || first > octets.len() {
            return Err(fault(PdfFaultKind::Limit));
        }
        let mut objects = Vec::new();
        let mut cursor = Cursor::new(&octets[..first], 0);
        for _ in 0..count {
            cursor.skip_space();
            let number = u32::try_from(cursor.unsigned()?).map_err(|_| fault(PdfFaultKind::Type))?;
            cursor.skip_space();
            let at = usize::try_from(cursor.unsigned()?).map_err(|_| fault(PdfFaultKind::Type))?;
            objects.push((number, first.saturating_add(at)));
        }
        let mut numbers: Vec<u32> = objects.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(fault(PdfFaultKind::TwoPlaces));
        }
        Ok(ObjectStream { octets, first, objects })
    }
}
