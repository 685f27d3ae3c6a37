//! A PDF as one revision shows it: every object at its one place.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::cross_references::{self, Place, Section, Sections};
use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Reference, Value};
use super::syntax::{Cursor, is_space};
use super::{filter, stream};

/// Octets of objects read for one judgement.
const READ: usize = 64 << 20;
/// What reading an object costs beside its octets.
const READ_ONE: usize = 64;
/// What a value costs at least: it takes more memory than it may have octets.
const READ_VALUE: usize = 24;
/// Octets of all streams that are decompressed.
const DECOMPRESSED: usize = 64 << 20;
/// Objects in one object stream.
const IN_ONE_STREAM: usize = 100_000;

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

/// Decompressed, and where its objects begin.
struct ObjectStream {
    octets: Vec<u8>,
    /// Where the first may begin, and what names them ends.
    first: usize,
    objects: Vec<(u32, usize)>,
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

    /// The document as it was when it ended there; `None` if no revision did, or the later ones do not build on it.
    pub fn up_to(&self, end: usize) -> Option<Self> {
        let octets = self.octets.get(..end)?;
        let start = cross_references::start(octets).ok()?;
        let list = &self.sections.list;
        let newer = self.newer + self.sections().iter().position(|section| section.at == start)?;
        let is_whole = list[newer..].iter().all(|section| section.end <= end);
        let are_later = list[self.newer..newer].iter().all(|section| section.at >= end);
        // Octets behind it that no revision has belong to nobody.
        let goes_on = newer > self.newer || end == self.octets.len();
        (is_whole && are_later && goes_on)
            .then(|| Self::part(octets, Rc::clone(&self.sections), newer, Allowance::new()))
    }

    /// The cross-reference sections, the newest first.
    pub fn sections(&self) -> &[Section] {
        &self.sections.list[self.newer..]
    }

    /// Object streams that its objects are in.
    pub fn containers(&self) -> HashSet<u32> {
        self.sections.containers(self.newer)
    }

    /// Every object in this object stream is one that some section says to be there.
    pub fn names_all_of(&self, stream: u32) -> Result<bool, PdfFault> {
        let objects = &self.object_stream(stream)?.objects;
        let mut places = objects.iter().zip(0_u32..).map(|((number, _), index)| (*number, Place::In { stream, index }));
        Ok(places.all(|(number, place)| self.sections.says(number, place)))
    }

    /// The sections of revisions later than this part of it, the newest first.
    pub fn sections_since(&self, signed: &Self) -> &[Section] {
        &self.sections.list[self.newer..signed.newer]
    }

    /// As it was after each of the later revisions than this part of it but the newest one, the newest first. What may be read is for all of
    /// them together.
    pub fn views_since(&self, signed: &Self) -> impl Iterator<Item = Self> {
        let left = Allowance::new();
        let view = move |newer| Self::part(self.octets, Rc::clone(&self.sections), newer, Rc::clone(&left));
        (self.newer + 1..signed.newer).map(view)
    }

    /// It has all that the other has, and more.
    pub const fn is_later_than(&self, other: &Self) -> bool {
        self.newer < other.newer
    }

    /// What all of its sections say, newest or not: the number of an object and its place.
    pub fn places(&self) -> impl Iterator<Item = (u32, Place)> {
        self.sections.places(self.newer)
    }

    /// Where the bodies of objects begin that this section names.
    pub fn offsets_of(&self, section: &Section) -> Vec<usize> {
        let index = self.sections.list.iter().position(|other| other.at == section.at);
        index.map(|index| self.sections.offsets_in(index)).unwrap_or_default()
    }

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

    /// Where the bodies of objects begin that some section names, ascending; not where white space before them does.
    pub fn offsets(&self) -> Vec<usize> {
        let mut offsets = self.sections.offsets(self.newer);
        for offset in &mut offsets {
            let rest = self.octets.get(*offset..).unwrap_or_default();
            *offset += rest.iter().take_while(|octet| is_space(**octet)).count();
        }
        offsets
    }

    /// Of those, the ones that stand in later revisions than this part of it.
    pub fn offsets_since(&self, signed: &Self) -> Vec<usize> {
        let later = self.sections_since(signed);
        let mut offsets: Vec<usize> = later.iter().flat_map(|section| self.offsets_of(section)).collect();
        offsets.extend(later.iter().map(|section| section.at));
        offsets.sort_unstable();
        offsets
    }

    /// The numbers of the objects that it has or had, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.sections.numbers(self.newer..self.sections.list.len())
    }

    /// Of the objects that stand in later revisions than this part of it.
    pub fn numbers_since(&self, signed: &Self) -> impl Iterator<Item = u32> {
        self.sections.numbers(self.newer..signed.newer)
    }

    /// It was there once and is free: some readers have it still.
    pub fn is_freed(&self, number: u32) -> bool {
        self.in_use(number).is_none() && self.offsets_of_number(number).next().is_some()
    }

    /// Where bodies of the object stand or stood, as its sections say.
    pub fn offsets_of_number(&self, number: u32) -> impl Iterator<Item = usize> {
        self.sections.offsets_of(number, self.newer)
    }

    /// Of the objects that later revisions than this part of it call free.
    pub fn freed_since(&self, signed: &Self) -> impl Iterator<Item = u32> {
        self.sections.freed(self.newer..signed.newer)
    }

    /// The reference to the object of that number that is in use.
    pub fn in_use(&self, number: u32) -> Option<Reference> {
        match self.place(number)? {
            Place::Free => None,
            Place::At { generation, .. } => Some(Reference { number, generation }),
            Place::In { .. } => Some(Reference { number, generation: 0 }),
        }
    }

    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The newest trailer.
    pub fn trailer(&self) -> &Dictionary {
        &self.sections()[0].trailer
    }

    /// Where the object is; `None`: nowhere, and so null.
    pub fn place(&self, number: u32) -> Option<Place> {
        self.sections.place(number, self.newer)
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

    /// An object stream (§7.5.7), decompressed once.
    fn object_stream(&self, number: u32) -> Result<Rc<ObjectStream>, PdfFault> {
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
