//! A PDF as one revision shows it: every object at its one place.

mod object_stream;
mod revisions;
mod writing;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use object_stream::ObjectStream;

use crate::core::pdf::cross_references::{self, Place, Sections};
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::syntax::Cursor;
use crate::core::pdf::{filter, stream};

/// Octets of objects read for one judgement.
const READ: usize = 64 << 20;
/// What reading an object costs beside its octets.
const READ_ONE: usize = 64;
/// What a value costs at least: it takes more memory than it may have octets.
const READ_VALUE: usize = 24;
/// Octets of all streams that are decompressed.
const DECOMPRESSED: usize = 64 << 20;

/// The file up to the end of a revision.
pub struct Document<'a> {
    octets: &'a [u8],
    sections: Rc<Sections>,
    /// Sections that are newer than this part of the file.
    newer: usize,
    streams: RefCell<HashMap<u32, Rc<ObjectStream>>>,
    left: Rc<Allowance>,
    /// Object streams that are being read: their length may not stand in them.
    opening: RefCell<HashSet<u32>>,
}

/// What may still be read.
struct Allowance {
    objects: Cell<usize>,
    /// The same for objects of which only the end is asked.
    ends: Cell<usize>,
    decompressed: Cell<usize>,
}

impl Allowance {
    fn new() -> Rc<Self> {
        Rc::new(Self { objects: Cell::new(READ), ends: Cell::new(READ), decompressed: Cell::new(DECOMPRESSED) })
    }
}

/// A stream that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    pub dictionary: Dictionary,
    /// Decompressed.
    pub octets: Vec<u8>,
    /// Where the whole object stands in the file, to the end of `endstream`.
    pub span: std::ops::Range<usize>,
}

/// An indirect object.
#[derive(Clone, Debug, PartialEq)]
pub struct Indirect {
    pub value: Value,
    /// It stands in the file itself, so that `span` says where.
    pub is_in_file: bool,
    /// It is the dictionary of a stream.
    pub is_stream: bool,
}

impl<'a> Document<'a> {
    /// Reads the cross-references of a file that ends with these octets.
    pub fn read(octets: &'a [u8]) -> Result<Self, PdfFault> {
        if !octets.starts_with(b"%PDF-") {
            return Err(PdfFault { at: 0, kind: PdfFaultKind::Syntax });
        }
        Ok(Self::part(octets, Rc::new(cross_references::sections(octets)?), 0, Allowance::new()))
    }

    fn part(octets: &'a [u8], sections: Rc<Sections>, newer: usize, left: Rc<Allowance>) -> Self {
        Self { octets, sections, newer, streams: RefCell::default(), left, opening: RefCell::default() }
    }

    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The newest trailer.
    pub fn trailer(&self) -> &Dictionary {
        &self.sections()[0].trailer
    }

    /// The object that is referred to; `None` if it is null or nowhere (§7.3.10).
    pub fn object(&self, reference: Reference) -> Result<Option<Indirect>, PdfFault> {
        let (found, values) = match self.place(reference.number) {
            None | Some(Place::Free) => return Ok(None),
            // Some readers follow it all the same.
            Some(Place::At { offset, generation }) if generation != reference.generation => {
                return Err(PdfFault { at: offset, kind: PdfFaultKind::OtherObject });
            }
            Some(Place::At { offset, .. }) => {
                let (found, cursor) = self.at(reference, offset)?;
                (found, cursor.values())
            }
            Some(Place::In { .. }) if reference.generation != 0 => {
                return Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject });
            }
            Some(Place::In { stream, index }) => {
                let stream = self.object_stream(stream)?;
                let fault = PdfFault { at: 0, kind: PdfFaultKind::OtherObject };
                let at = stream.objects.get(index as usize).filter(|(number, _)| *number == reference.number);
                let mut cursor = Cursor::new(&stream.octets, at.ok_or(fault)?.1);
                let value = cursor.value()?;
                (Indirect { value, is_in_file: false, is_stream: false }, cursor.values())
            }
        };
        let cost = found.value.span.len().max(values * READ_VALUE) + READ_ONE;
        let limit = PdfFault { at: found.value.span.start, kind: PdfFaultKind::Limit };
        self.left.objects.set(self.left.objects.get().checked_sub(cost).ok_or(limit)?);
        if found.value.object.as_reference().is_some() {
            // Some readers follow it, and some do not.
            return Err(PdfFault { at: found.value.span.start, kind: PdfFaultKind::Type });
        }
        Ok(Some(found).filter(|found| found.value.object != Object::Null))
    }

    /// The object at its offset, and a cursor behind it.
    fn at(&self, reference: Reference, offset: usize) -> Result<(Indirect, Cursor<'a>), PdfFault> {
        let fault = PdfFault { at: offset, kind: PdfFaultKind::OtherObject };
        let mut cursor = Cursor::new(self.octets, offset);
        cursor.skip_space();
        if cursor.object_header().ok() != Some(reference) {
            return Err(fault);
        }
        let value = cursor.value()?;
        let mut end = cursor;
        end.skip_space();
        let is_stream = end.keyword(b"stream").is_ok();
        if !is_stream && end.keyword(b"endobj").is_err() {
            return Err(PdfFault { at: end.at, kind: PdfFaultKind::Syntax });
        }
        Ok((Indirect { value, is_in_file: true, is_stream }, cursor))
    }

    /// The value, or what it refers to.
    pub fn resolve(&self, value: &Value) -> Result<Option<Indirect>, PdfFault> {
        match value.object {
            Object::Reference(reference) => self.object(reference),
            Object::Null => Ok(None),
            _ => Ok(Some(Indirect { value: value.clone(), is_in_file: false, is_stream: false })),
        }
    }

    /// What stands under the key, resolved; `None` if nothing does.
    pub fn get(&self, dictionary: &Dictionary, key: &[u8]) -> Result<Option<Object>, PdfFault> {
        let Some(value) = dictionary.get(key) else { return Ok(None) };
        Ok(self.resolve(value)?.map(|found| found.value.object))
    }

    /// The dictionary under the key; a fault if it is something else.
    pub fn dictionary(&self, dictionary: &Dictionary, key: &[u8]) -> Result<Option<Dictionary>, PdfFault> {
        match self.get(dictionary, key)? {
            None => Ok(None),
            Some(Object::Dictionary(found)) => Ok(Some(found)),
            Some(_) => Err(self.type_fault(dictionary, key)),
        }
    }

    /// The array under the key; a fault if it is something else.
    pub fn array(&self, dictionary: &Dictionary, key: &[u8]) -> Result<Option<Vec<Value>>, PdfFault> {
        match self.get(dictionary, key)? {
            None => Ok(None),
            Some(Object::Array(found)) => Ok(Some(found)),
            Some(_) => Err(self.type_fault(dictionary, key)),
        }
    }

    fn type_fault(&self, dictionary: &Dictionary, key: &[u8]) -> PdfFault {
        PdfFault { at: dictionary.get(key).map_or(0, |value| value.span.start), kind: PdfFaultKind::Type }
    }

    /// The catalogue (§7.7.2).
    pub fn catalogue(&self) -> Result<Dictionary, PdfFault> {
        let missing = PdfFault { at: self.sections()[0].at, kind: PdfFaultKind::Type };
        self.dictionary(self.trailer(), b"Root")?.ok_or(missing)
    }

    /// The stream that is referred to, decompressed; `None` if the object is null or no stream. All that are read share one allowance.
    pub fn stream(&self, reference: Reference) -> Result<Option<Stream>, PdfFault> {
        let Some(Place::At { offset, generation }) = self.place(reference.number) else { return Ok(None) };
        let fault = |kind| PdfFault { at: offset, kind };
        if generation != reference.generation {
            return Err(fault(PdfFaultKind::OtherObject));
        }
        let (found, mut cursor) = self.at(reference, offset)?;
        let Object::Dictionary(dictionary) = found.value.object else { return Ok(None) };
        if !found.is_stream {
            return Ok(None);
        }
        let length = match self.get(&dictionary, b"Length")? {
            Some(Object::Integer(length)) => usize::try_from(length).map_err(|_| fault(PdfFaultKind::Stream))?,
            _ => return Err(fault(PdfFaultKind::Stream)),
        };
        let data = stream::data(&mut cursor, length)?;
        let decompressed = &self.left.decompressed;
        let octets = filter::decoded(&dictionary, data, decompressed.get()).map_err(fault)?;
        let left = decompressed.get().checked_sub(octets.len()).ok_or_else(|| fault(PdfFaultKind::Limit))?;
        decompressed.set(left);
        Ok(Some(Stream { dictionary, octets, span: offset..cursor.at }))
    }
}
