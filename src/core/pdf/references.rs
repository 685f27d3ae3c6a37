//! Who refers to an object, and as what.

use std::collections::{HashMap, HashSet};

use super::document::Document;
use super::fault::PdfFault;
use super::object::{Object, Value};

/// Keys that say what an object is to the one that refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    AcroForm,
    Annots,
    /// What a signature's reference dictionary is about (table 256).
    Data,
    Dss,
    Fields,
    Info,
    Metadata,
    /// The structure element's object reference (§14.7.5.3).
    Obj,
    /// The page of an annotation.
    P,
    Parent,
    /// The page of a structure element.
    Pg,
    /// The reference dictionaries of a signature.
    Reference,
    Root,
    Other,
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"AcroForm" => Self::AcroForm,
            b"Annots" => Self::Annots,
            b"Data" => Self::Data,
            b"DSS" => Self::Dss,
            b"Fields" => Self::Fields,
            b"Info" => Self::Info,
            b"Metadata" => Self::Metadata,
            b"Obj" => Self::Obj,
            b"P" => Self::P,
            b"Parent" => Self::Parent,
            b"Pg" => Self::Pg,
            b"Reference" => Self::Reference,
            b"Root" => Self::Root,
            _ => Self::Other,
        }
    }
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The indirect object; `None`: the trailer.
    pub from: Option<u32>,
    /// That is the trailer, or a stream of cross-references, which has one for its dictionary.
    pub is_trailer: bool,
    /// The key at the top of that object; `None`: it is no dictionary.
    pub first: Option<Key>,
    /// The key that stands nearest to the reference.
    pub last: Option<Key>,
    /// Keys above it.
    pub depth: usize,
    /// It is a member of an array.
    pub is_member: bool,
}

const NOWHERE: Referrer =
    Referrer { from: None, is_trailer: false, first: None, last: None, depth: 0, is_member: false };

impl Referrer {
    /// It is the value of this key of the object itself.
    pub fn is_at(&self, key: Key) -> bool {
        self.depth == 1 && self.first == Some(key) && !self.is_member
    }
}

/// Everything in the document that refers to these objects.
pub fn referrers(document: &Document<'_>, wanted: &HashSet<u32>) -> Result<HashMap<u32, Vec<Referrer>>, PdfFault> {
    referrers_among(document, document.numbers(), wanted)
}

/// What refers to them of the trailer and of these objects.
pub fn referrers_among(
    document: &Document<'_>,
    numbers: impl Iterator<Item = u32>,
    wanted: &HashSet<u32>,
) -> Result<HashMap<u32, Vec<Referrer>>, PdfFault> {
    let mut found: HashMap<u32, Vec<Referrer>> = HashMap::new();
    let mut take = |number: u32, by: Referrer| {
        if wanted.contains(&number) {
            let known = found.entry(number).or_default();
            if known.last() != Some(&by) {
                known.push(by);
            }
        }
    };
    for (key, value) in document.trailer().iter() {
        collect(value, Key::of(key).below(Referrer { is_trailer: true, ..NOWHERE }), &mut take);
    }
    for number in numbers {
        let Some(reference) = document.in_use(number) else { continue };
        let Some(object) = document.object(reference)? else { continue };
        let dictionary = object.value.object.as_dictionary();
        let is_trailer = object.is_stream && dictionary.is_some_and(|own| own.name(b"Type") == Some(b"XRef"));
        collect(&object.value, Referrer { from: Some(number), is_trailer, ..NOWHERE }, &mut take);
    }
    Ok(found)
}

/// The numbers of all objects that this one refers to.
pub fn numbers_in(value: &Value) -> HashSet<u32> {
    let mut numbers = HashSet::new();
    collect(value, NOWHERE, &mut |number, _| {
        numbers.insert(number);
    });
    numbers
}

impl Key {
    /// The place of a value at this key of what stands there.
    fn below(self, above: Referrer) -> Referrer {
        Referrer {
            first: above.first.or(Some(self)),
            last: Some(self),
            depth: above.depth + 1,
            is_member: false,
            ..above
        }
    }
}

fn collect(value: &Value, at: Referrer, take: &mut impl FnMut(u32, Referrer)) {
    match &value.object {
        Object::Reference(reference) => take(reference.number, at),
        Object::Array(values) => {
            values.iter().for_each(|value| collect(value, Referrer { is_member: true, ..at }, take));
        }
        Object::Dictionary(dictionary) => {
            dictionary.iter().for_each(|(key, value)| collect(value, Key::of(key).below(at), take));
        }
        _ => {}
    }
}
