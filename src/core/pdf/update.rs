//! Incremental updates (ISO 32000-2 §7.5.6): what is written behind a PDF, none of whose own octets changes.

use std::collections::{BTreeMap, HashMap};

use super::cross_references::{LARGEST_NUMBER, Place};
use super::document::Document;
use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Reference};
use super::syntax::Cursor;
use crate::core::crypto;

/// Octets of each part of a file identifier (§14.4).
const IDENTIFIER: usize = 16;
/// Largest offset that an entry of a table has room for (§7.5.4).
const LARGEST_OFFSET: usize = 9_999_999_999;

/// An object that is in no document yet. A list of them calls the first one 1 in its references, and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct NewObject {
    pub object: Object,
    /// It is a stream of these octets, and `object` its dictionary; `Length` need not stand there.
    pub data: Option<Vec<u8>>,
}

/// An update that is being put together.
pub struct Update<'a, 'd> {
    document: &'a Document<'d>,
    /// The next number that no object has.
    next: u32,
    written: BTreeMap<u32, (u16, NewObject)>,
}

/// An update to be put behind its document.
pub struct Appended {
    pub octets: Vec<u8>,
    /// Where each object begins, counted from the beginning of `octets`.
    pub places: HashMap<u32, usize>,
}

impl<'a, 'd> Update<'a, 'd> {
    /// Changes nothing yet.
    pub fn new(document: &'a Document<'d>) -> Self {
        let numbers = document.numbers();
        let size = document.trailer().integer(b"Size").and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        let next = numbers.last().map_or(1, |largest| largest.saturating_add(1)).max(size);
        Self { document, next, written: BTreeMap::new() }
    }

    /// A number for a new object, to be [`put`](Self::put).
    pub fn reserve(&mut self) -> Reference {
        let reference = Reference { number: self.next, generation: 0 };
        self.next = self.next.saturating_add(1);
        reference
    }

    /// Writes the object: a new one, or an existing one anew.
    pub fn put(&mut self, reference: Reference, object: Object) {
        self.written.insert(reference.number, (reference.generation, NewObject { object, data: None }));
    }

    /// Writes the stream; its `Length` is set.
    pub fn put_stream(&mut self, reference: Reference, dictionary: Dictionary, data: Vec<u8>) {
        let object = Object::Dictionary(dictionary);
        self.written.insert(reference.number, (reference.generation, NewObject { object, data: Some(data) }));
    }

    /// A new object.
    pub fn add(&mut self, object: Object) -> Reference {
        let reference = self.reserve();
        self.put(reference, object);
        reference
    }

    /// A new stream.
    pub fn add_stream(&mut self, dictionary: Dictionary, data: Vec<u8>) -> Reference {
        let reference = self.reserve();
        self.put_stream(reference, dictionary, data);
        reference
    }

    /// Takes a list of new objects: what each is called here, in their order. A reference to none of them becomes null.
    pub fn take(&mut self, objects: &[NewObject]) -> Vec<Reference> {
        let names: Vec<Reference> = objects.iter().map(|_| self.reserve()).collect();
        let here = |local: Reference| {
            let index = usize::try_from(local.number).unwrap_or(usize::MAX).wrapping_sub(1);
            names.get(index).map_or(Object::Null, |name| Object::Reference(*name))
        };
        for (name, new) in names.iter().zip(objects) {
            let object = new.object.with_references(&here);
            self.written.insert(name.number, (0, NewObject { object, data: new.data.clone() }));
        }
        names
    }

    /// The object as this update leaves it; `None` if it is null.
    pub fn object(&self, reference: Reference) -> Result<Option<Object>, PdfFault> {
        match self.written.get(&reference.number) {
            Some((_, new)) => Ok(Some(new.object.clone())),
            None => Ok(self.document.object(reference)?.map(|found| found.value.object)),
        }
    }

    /// The dictionary that is to be changed, as this update leaves it; a fault if the object is something else, or a stream.
    pub fn dictionary(&self, reference: Reference) -> Result<Dictionary, PdfFault> {
        match self.object(reference)? {
            Some(Object::Dictionary(dictionary)) if !self.is_stream(reference)? => Ok(dictionary),
            _ => Err(PdfFault { at: self.offset(reference), kind: PdfFaultKind::Type }),
        }
    }

    fn is_stream(&self, reference: Reference) -> Result<bool, PdfFault> {
        match self.written.get(&reference.number) {
            Some((_, new)) => Ok(new.data.is_some()),
            None => Ok(self.document.object(reference)?.is_some_and(|found| found.is_stream)),
        }
    }

    fn offset(&self, reference: Reference) -> usize {
        match self.document.place(reference.number) {
            Some(Place::At { offset, .. }) => offset,
            _ => 0,
        }
    }

    /// What is to be put behind the document: a newline if it does not end in one, the objects, and a cross-reference section of the
    /// kind that its newest one is (§7.5.8.4: a table, if it is hybrid).
    ///
    /// # Errors
    /// [`PdfFaultKind::Limit`]: there is no number or no offset for what was added.
    pub fn finish(mut self) -> Result<Appended, PdfFault> {
        let before = self.document.octets().len();
        let limit = PdfFault { at: before, kind: PdfFaultKind::Limit };
        let newest = self.document.sections()[0].at;
        let is_table = Cursor::new(self.document.octets(), newest).keyword(b"xref").is_ok();
        let own = if is_table { None } else { Some(self.reserve()) };
        if u64::from(self.next) > LARGEST_NUMBER + 1 {
            return Err(limit);
        }
        let mut octets = Vec::new();
        if !matches!(self.document.octets().last(), Some(b'\n' | b'\r')) {
            octets.push(b'\n');
        }
        let mut places = HashMap::new();
        for (number, (generation, new)) in &self.written {
            places.insert(*number, octets.len());
            write_object(*number, *generation, new, &mut octets);
        }
        let start = octets.len();
        let mut rows: Vec<Row> = self
            .written
            .iter()
            .map(|(number, (generation, _))| (*number, before + places[number], *generation))
            .collect();
        let trailer = self.trailer(&octets)?;
        match own {
            None => {
                octets.extend(b"xref\n");
                octets.extend(table(&rows));
                octets.extend(b"trailer\n");
                trailer.write(&mut octets);
                octets.push(b'\n');
            }
            Some(own) => {
                rows.push((own.number, before + start, 0));
                places.insert(own.number, start);
                let stream = stream(&trailer, &rows);
                write_object(own.number, 0, &stream, &mut octets);
            }
        }
        octets.extend(format!("startxref\n{}\n%%EOF\n", before + start).bytes());
        if before + octets.len() > LARGEST_OFFSET {
            return Err(limit);
        }
        Ok(Appended { octets, places })
    }

    /// `Size`, `Root`, `Info`, `ID`, `Prev` (§7.5.5).
    fn trailer(&self, octets: &[u8]) -> Result<Dictionary, PdfFault> {
        let old = self.document.trailer();
        let kept = |key: &[u8]| old.get(key).map(|value| value.object.clone());
        let mut trailer = Dictionary::default().with("Size", Object::Integer(i64::from(self.next)));
        for key in ["Root", "Info"] {
            if let Some(object) = kept(key.as_bytes()) {
                trailer = trailer.with(key, object);
            }
        }
        // §14.4: the second part is another with each change; what is appended to what says which it is.
        let parts = self.document.array(old, b"ID")?.unwrap_or_default();
        let part = |index: usize| match parts.get(index).map(|part| &part.object) {
            Some(Object::String { octets, .. }) => Some(octets.clone()),
            _ => None,
        };
        let changed = [&part(1).unwrap_or_default(), &self.document.octets().len().to_be_bytes()[..], octets].concat();
        let changed = crypto::sha256(&changed)[..IDENTIFIER].to_vec();
        let identifier = [part(0).unwrap_or_else(|| changed.clone()), changed];
        let newest = self.document.sections()[0].at;
        let previous = i64::try_from(newest).map_err(|_| PdfFault { at: newest, kind: PdfFaultKind::Limit })?;
        Ok(trailer
            .with("ID", Object::of_array(identifier.map(Object::of_octets)))
            .with("Prev", Object::Integer(previous)))
    }
}

/// Number, offset in the file, generation.
type Row = (u32, usize, u16);

fn write_object(number: u32, generation: u16, new: &NewObject, out: &mut Vec<u8>) {
    out.extend(format!("{number} {generation} obj\n").bytes());
    match (&new.object, &new.data) {
        (Object::Dictionary(dictionary), Some(data)) => {
            let length = i64::try_from(data.len()).unwrap_or(i64::MAX);
            dictionary.clone().with("Length", Object::Integer(length)).write(out);
            out.extend(b"\nstream\n");
            out.extend(data);
            out.extend(b"\nendstream");
        }
        (object, _) => object.write(out),
    }
    out.extend(b"\nendobj\n");
}

/// Consecutive numbers together.
fn subsections(rows: &[Row]) -> Vec<&[Row]> {
    rows.chunk_by(|one, next| one.0 + 1 == next.0).collect()
}

/// The entries of a table (§7.5.4).
fn table(rows: &[Row]) -> Vec<u8> {
    let mut out = String::new();
    for part in subsections(rows) {
        out.push_str(&format!("{} {}\n", part[0].0, part.len()));
        for (_, offset, generation) in part {
            out.push_str(&format!("{offset:010} {generation:05} n\r\n"));
        }
    }
    out.into_bytes()
}

/// A cross-reference stream (§7.5.8).
fn stream(trailer: &Dictionary, rows: &[Row]) -> NewObject {
    let index = subsections(rows).into_iter().flat_map(|part| [i64::from(part[0].0), part.len() as i64]);
    let mut data = Vec::with_capacity(rows.len() * 8);
    for (_, offset, generation) in rows {
        data.push(1);
        data.extend(&(*offset as u64).to_be_bytes()[4..]);
        data.extend(generation.to_be_bytes());
    }
    let dictionary = trailer
        .clone()
        .with("Type", Object::of_name("XRef"))
        .with("W", Object::of_array([1, 4, 2].map(Object::Integer)))
        .with("Index", Object::of_array(index.map(Object::Integer)));
    NewObject { object: Object::Dictionary(dictionary), data: Some(data) }
}

#[cfg(test)]
mod tests {
    use super::super::changes::{self, Change, History, Rules};
    use super::super::syntax::Cursor;
    use super::*;

    const PARTS: [&str; 3] = [
        "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9.5 9]>>\nendobj",
    ];

    /// A document of one page, with a table or a stream of cross-references.
    fn small(is_table: bool, identifier: &str) -> Vec<u8> {
        let mut octets = b"%PDF-1.7\n".to_vec();
        let mut offsets = Vec::new();
        for part in PARTS {
            offsets.push(octets.len());
            octets.extend(part.bytes());
        }
        octets.push(b'\n');
        let start = octets.len();
        if is_table {
            octets.extend(b"xref\n0 4\n0000000000 65535 f\r\n");
            octets.extend(offsets.iter().flat_map(|offset| format!("{offset:010} 00000 n\r\n").into_bytes()));
            octets.extend(format!("trailer\n<</Size 4/Root 1 0 R{identifier}>>\n").bytes());
        } else {
            let rows: Vec<u8> =
                [vec![0; 4], offsets.iter().chain([&start]).flat_map(|at| [1, 0, *at as u8, 0]).collect()].concat();
            let head = format!(
                "4 0 obj\n<</Type/XRef/Size 5/W[1 2 1]/Root 1 0 R/Length {}{identifier}>>\nstream\n",
                rows.len()
            );
            octets.extend(head.bytes());
            octets.extend(rows);
            octets.extend(b"\nendstream\nendobj\n");
        }
        octets.extend(format!("startxref\n{start}\n%%EOF").bytes());
        octets
    }

    fn dictionary(document: &Document<'_>, number: u32) -> Dictionary {
        let found = document.object(Reference { number, generation: 0 }).expect("readable").expect("there");
        found.value.object.as_dictionary().expect("a dictionary").clone()
    }

    #[test]
    fn what_was_put_is_found_and_the_rest_is_what_it_was() {
        for is_table in [true, false] {
            let before = small(is_table, "");
            let document = Document::read(&before).expect("readable");
            let mut update = Update::new(&document);
            let stream = update.add_stream(Dictionary::default(), b"endstream".to_vec());
            let plain = update.add(Object::of_text("ấn"));
            let page = Reference { number: 3, generation: 0 };
            let changed = update.dictionary(page).expect("a page").with("Rotate", Object::Integer(90));
            update.put(page, Object::Dictionary(changed));
            let appended = update.finish().expect("room");
            let after = [before.clone(), appended.octets].concat();
            assert_eq!(&after[before.len()..=before.len()], b"\n");
            let document = Document::read(&after).expect("readable");
            assert_eq!(document.sections().len(), 2);
            assert_eq!(dictionary(&document, 3).integer(b"Rotate"), Some(90));
            assert_eq!(
                dictionary(&document, 3).get(b"MediaBox").map(|value| value.object.written()),
                Some(b"[0 0 9.5 9]".to_vec())
            );
            assert_eq!(document.stream(stream).expect("readable").expect("a stream").octets, b"endstream");
            let found = document.object(plain).expect("readable").expect("there");
            assert_eq!(found.value.object, Object::of_text("ấn"));
            let mut cursor = Cursor::new(&after, before.len() + appended.places[&plain.number]);
            assert_eq!(cursor.object_header(), Ok(plain));
            assert_eq!(dictionary(&document, 2), dictionary(&Document::read(&before).expect("readable"), 2));
            // Twice as well as once.
            let again = Update::new(&document).finish().expect("room");
            let third = [after.clone(), again.octets].concat();
            let third = Document::read(&third).expect("readable");
            assert_eq!(third.sections().len(), 3);
            let signed = third.up_to(after.len()).expect("a revision");
            let history = History::since(&signed, &third).expect("readable");
            let since = changes::since(&signed, &third, &history, &Rules::default()).expect("readable");
            // Nothing else is found than that there is nothing in it.
            assert_eq!(
                since.map_err(|forbidden| forbidden.change).map(|additions| additions.kinds),
                Err(Change::Metadata)
            );
        }
    }

    #[test]
    fn the_identifier_changes_in_its_second_part() {
        let identifier = |octets: &[u8]| {
            let document = Document::read(octets).expect("readable");
            let parts = document.array(document.trailer(), b"ID").expect("readable").expect("there");
            parts.iter().map(|part| part.object.written()).collect::<Vec<_>>()
        };
        for given in ["", "/ID[<00><01>]"] {
            let first = small(true, given);
            let document = Document::read(&first).expect("readable");
            let second = [&first[..], &Update::new(&document).finish().expect("room").octets].concat();
            let document = Document::read(&second).expect("readable");
            let third = [&second[..], &Update::new(&document).finish().expect("room").octets].concat();
            let (second, third) = (identifier(&second), identifier(&third));
            assert_eq!(second[0], third[0]);
            assert_ne!(second[1], third[1]);
            assert_eq!(second[1].len(), 2 * IDENTIFIER + 2);
            assert_eq!(second[0] == b"<00>", !given.is_empty());
        }
    }

    #[test]
    fn a_list_of_objects_is_called_otherwise_here() {
        let before = small(true, "");
        let document = Document::read(&before).expect("readable");
        let mut update = Update::new(&document);
        update.reserve();
        let local = |number| Object::Reference(Reference { number, generation: 0 });
        let first = Dictionary::default().with("Next", local(2)).with("Nobody", local(3)).with("Zero", local(0));
        let list = [
            NewObject { object: Object::Dictionary(first), data: Some(b"q Q".to_vec()) },
            NewObject { object: Object::of_array([local(1)]), data: None },
        ];
        let names = update.take(&list);
        assert_eq!(names.iter().map(|name| name.number).collect::<Vec<_>>(), [5, 6]);
        let octets = update.finish().expect("room").octets;
        let after = [before.clone(), octets].concat();
        let document = Document::read(&after).expect("readable");
        let stream = document.stream(names[0]).expect("readable").expect("a stream");
        assert_eq!(stream.octets, b"q Q");
        assert_eq!(stream.dictionary.get(b"Next").map(|value| &value.object), Some(&Object::Reference(names[1])));
        assert_eq!((stream.dictionary.get(b"Nobody"), stream.dictionary.get(b"Zero")), (None, None));
        let back = document.object(names[1]).expect("readable").expect("there").value.object;
        assert_eq!(back.written(), b"[5 0 R]");
    }

    #[test]
    fn numbers_have_an_end() {
        let before = String::from_utf8(small(true, "")).expect("ASCII").replace("/Size 4", "/Size 8388608");
        let document = Document::read(before.as_bytes()).expect("readable");
        assert!(Update::new(&document).finish().is_ok());
        let mut update = Update::new(&document);
        update.add(Object::Null);
        assert_eq!(update.finish().err().map(|fault| fault.kind), Some(PdfFaultKind::Limit));
    }
}
