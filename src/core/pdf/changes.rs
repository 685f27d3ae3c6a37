//! What changed in a PDF after a signature (ISO 32000-2 §12.8.2.2, §12.8.4; EN 319 142-1 §5.4): validation data, time-stamps and further
//! signatures may come, and nothing else.
//!
//! Every object that a later revision writes must be one that such an addition needs, and nothing else may refer to what was added or
//! changed: an object that is a certificate in one place and the content of a page in another is a page that can be changed.

use std::collections::{HashMap, HashSet};

use super::cross_references::Place;
use super::document::Document;
use super::fault::PdfFault;
use super::object::{Dictionary, Object, Reference, Value};
use super::references::{Referrer, referrers};
use super::same::same;

/// What was added, and may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Addition {
    /// The document security store.
    ValidationData,
    TimeStamp,
    Signature,
}

/// What was changed, and may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// The later revisions do not build on the one that was signed.
    Structure,
    /// An object was taken away.
    Removed(u32),
    /// Something else in the catalogue, in the form, in a page.
    Catalogue(Vec<u8>),
    Form(Vec<u8>),
    Page(Vec<u8>),
    /// A field was changed that is no empty signature field, or more of it than its value.
    Field,
    /// A signature that can be seen: it could hide what was signed.
    Visible,
    /// What was added is used for something else too.
    UsedElsewhere(u32),
    /// An object that no addition needs.
    Object(u32),
    /// The certification allows no further signature.
    Certified,
}

/// Compares the document as it was signed with the one that it is part of.
pub fn since(signed: &Document<'_>, now: &Document<'_>) -> Result<Result<Vec<Addition>, Forbidden>, PdfFault> {
    let mut comparison = match Comparison::new(signed, now) {
        Ok(comparison) => comparison,
        Err(forbidden) => return Ok(Err(forbidden)),
    };
    comparison.run()
}

struct Comparison<'a, 'd> {
    signed: &'a Document<'d>,
    now: &'a Document<'d>,
    /// Objects that are new or elsewhere than they were.
    written: HashSet<u32>,
    /// Of those, what each is written for.
    explained: HashMap<u32, Zone>,
    additions: Vec<Addition>,
}

/// What an object is written for; who may refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// The file's own structure; nobody refers to it.
    Structure,
    Catalogue,
    Metadata,
    ValidationData,
    Form,
    /// A signature field that was there and empty.
    Field,
    /// A new signature field, or what a signature consists of.
    Signature,
    Page,
    /// The annotations of a page, as an object of their own.
    Annotations,
}

type Checked<T> = Result<Result<T, Forbidden>, PdfFault>;

/// Passes on a forbidden change.
macro_rules! allowed {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(forbidden) => return Ok(Err(forbidden)),
        }
    };
}

impl<'a, 'd> Comparison<'a, 'd> {
    fn new(signed: &'a Document<'d>, now: &'a Document<'d>) -> Result<Self, Forbidden> {
        let end = signed.octets().len();
        let newer = now.sections.iter().take_while(|section| section.at >= end).count();
        let older = now.sections[newer..].iter().map(|section| section.at);
        if !older.eq(signed.sections.iter().map(|section| section.at)) {
            return Err(Forbidden::Structure);
        }
        let mut written = HashSet::new();
        for number in now.sections[..newer].iter().flat_map(|section| section.places.keys().copied()) {
            match (signed.place(number), now.place(number)) {
                (None | Some(Place::Free), None | Some(Place::Free)) => {}
                (Some(before), Some(after)) if before == after => {}
                (Some(_), None | Some(Place::Free)) => return Err(Forbidden::Removed(number)),
                // What stood in the signed part and was not in use there would be content that was only hidden.
                (_, Some(Place::At { offset, .. })) if offset < end => return Err(Forbidden::Structure),
                _ => {
                    written.insert(number);
                }
            }
        }
        Ok(Self { signed, now, written, explained: HashMap::new(), additions: Vec::new() })
    }

    fn run(&mut self) -> Checked<Vec<Addition>> {
        let (old_root, new_root) = (self.signed.trailer().get(b"Root"), self.now.trailer().get(b"Root"));
        let (Some(old_root), Some(new_root)) = (reference(old_root), reference(new_root)) else {
            return Ok(Err(Forbidden::Structure));
        };
        if old_root != new_root {
            return Ok(Err(Forbidden::Structure));
        }
        allowed!(self.structure()?);
        allowed!(self.catalogue(new_root)?);
        if let Some(unexplained) = self.written.iter().filter(|number| !self.explained.contains_key(number)).min() {
            return Ok(Err(Forbidden::Object(*unexplained)));
        }
        allowed!(self.uses(new_root)?);
        self.additions.sort_unstable();
        self.additions.dedup();
        Ok(Ok(std::mem::take(&mut self.additions)))
    }

    fn explain(&mut self, number: u32, zone: Zone) {
        if self.written.contains(&number) {
            self.explained.entry(number).or_insert(zone);
        }
    }

    /// It was not in use in what was signed.
    fn is_new(&self, number: u32) -> bool {
        matches!(self.signed.place(number), None | Some(Place::Free))
    }

    /// New cross-reference streams and object streams; the information dictionary.
    fn structure(&mut self) -> Checked<()> {
        let info = reference(self.now.trailer().get(b"Info")).map(|reference| reference.number);
        for number in self.written.clone() {
            let Some(found) = self.now.object(Reference { number, generation: 0 })? else { continue };
            let kind = found.value.object.as_dictionary().and_then(|dictionary| dictionary.name(b"Type"));
            if self.is_new(number) && found.is_stream && matches!(kind, Some(b"XRef" | b"ObjStm")) {
                self.explain(number, Zone::Structure);
            } else if info == Some(number) && !found.is_stream {
                self.explain(number, Zone::Metadata);
            }
        }
        Ok(Ok(()))
    }

    fn catalogue(&mut self, root: Reference) -> Checked<()> {
        let (old, new) = (self.signed.catalogue()?, self.now.catalogue()?);
        self.explain(root.number, Zone::Catalogue);
        for key in keys(&old, &new) {
            let (before, after) = (old.get(&key), new.get(&key));
            match key.as_slice() {
                b"DSS" => allowed!(self.validation_data(after)?),
                b"AcroForm" => allowed!(self.form(before, after)?),
                b"Metadata" => {
                    if let Some(reference) = reference(after) {
                        self.explain(reference.number, Zone::Metadata);
                    }
                }
                b"Extensions" if after.is_some_and(|value| !refers(&value.object)) => {}
                _ if same_values(before, after) => {}
                _ => return Ok(Err(Forbidden::Catalogue(key))),
            }
        }
        Ok(Ok(()))
    }

    /// Everything below the document security store.
    fn validation_data(&mut self, store: Option<&Value>) -> Checked<()> {
        let mut open: Vec<Value> = store.cloned().into_iter().collect();
        let mut seen = HashSet::new();
        let mut is_written = false;
        while let Some(value) = open.pop() {
            match value.object {
                Object::Reference(reference) if seen.insert(reference) => {
                    let is_new = self.written.contains(&reference.number);
                    is_written |= is_new;
                    self.explain(reference.number, Zone::ValidationData);
                    if let Some(found) = self.now.object(reference)? {
                        open.push(found.value);
                    }
                }
                Object::Array(values) => open.extend(values),
                Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value.clone())),
                _ => {}
            }
        }
        if is_written {
            self.additions.push(Addition::ValidationData);
        }
        Ok(Ok(()))
    }

    /// The form: fields that were added, values of signature fields, the flags.
    fn form(&mut self, before: Option<&Value>, after: Option<&Value>) -> Checked<()> {
        if let Some(reference) = reference(after) {
            self.explain(reference.number, Zone::Form);
        }
        let empty = Dictionary::default();
        let old = before.map(|value| self.signed.resolve(value)).transpose()?.flatten();
        let new = after.map(|value| self.now.resolve(value)).transpose()?.flatten();
        let dictionary = |found: Option<super::document::Indirect>| match found.map(|found| found.value.object) {
            Some(Object::Dictionary(dictionary)) => Some(dictionary),
            _ => None,
        };
        let (old, new) = (dictionary(old).unwrap_or(empty), dictionary(new));
        let Some(new) = new else {
            return Ok(if before.is_none() && after.is_none() { Ok(()) } else { Err(Forbidden::Form(Vec::new())) });
        };
        for key in keys(&old, &new) {
            let is_allowed = match key.as_slice() {
                b"Fields" => true,
                b"SigFlags" => new.integer(b"SigFlags").is_some_and(|flags| (1..=3).contains(&flags)),
                _ => same_values(old.get(&key), new.get(&key)),
            };
            if !is_allowed {
                return Ok(Err(Forbidden::Form(key)));
            }
        }
        if let Some(reference) = reference(new.get(b"Fields")) {
            self.explain(reference.number, Zone::Form);
        }
        let old_fields = self.signed.array(&old, b"Fields")?.unwrap_or_default();
        let new_fields = self.now.array(&new, b"Fields")?.unwrap_or_default();
        if new_fields.len() < old_fields.len()
            || !old_fields.iter().zip(&new_fields).all(|(old, new)| same(&old.object, &new.object))
        {
            return Ok(Err(Forbidden::Form(b"Fields".to_vec())));
        }
        for (index, field) in new_fields.iter().enumerate() {
            allowed!(self.field(field, index >= old_fields.len())?);
        }
        Ok(Ok(()))
    }

    /// A field at the top of the form, if it was written.
    fn field(&mut self, field: &Value, is_new: bool) -> Checked<()> {
        let Some(reference) = field.object.as_reference() else {
            return Ok(if is_new { Err(Forbidden::Field) } else { Ok(()) });
        };
        if !self.written.contains(&reference.number) {
            return Ok(if is_new { Err(Forbidden::Field) } else { Ok(()) });
        }
        let Some(Object::Dictionary(new)) = self.now.object(reference)?.map(|found| found.value.object) else {
            return Ok(Err(Forbidden::Field));
        };
        if new.name(b"FT") != Some(b"Sig") || new.get(b"Kids").is_some() {
            return Ok(Err(Forbidden::Field));
        }
        let old = match self.signed.object(reference)?.map(|found| found.value.object) {
            Some(Object::Dictionary(old)) if !is_new => Some(old),
            None if is_new => None,
            _ => return Ok(Err(Forbidden::Field)),
        };
        if let Some(old) = old {
            let is_empty = old.get(b"V").is_none();
            let others = keys(&old, &new).into_iter().filter(|key| ![&b"V"[..], b"AP", b"M"].contains(&key.as_slice()));
            if !is_empty || !others.into_iter().all(|key| same_values(old.get(&key), new.get(&key))) {
                return Ok(Err(Forbidden::Field));
            }
        }
        if is_visible(&new) {
            return Ok(Err(Forbidden::Visible));
        }
        self.explain(reference.number, if is_new { Zone::Signature } else { Zone::Field });
        self.signature(&new, reference)
    }

    /// What a signature field that was added or filled refers to: its value and its look, and its page.
    fn signature(&mut self, field: &Dictionary, own: Reference) -> Checked<()> {
        for key in [&b"V"[..], b"AP", b"Lock", b"SV", b"MK"] {
            let mut open: Vec<Value> = field.get(key).cloned().into_iter().collect();
            let mut seen = HashSet::new();
            while let Some(value) = open.pop() {
                match value.object {
                    // What was there before is no part of what was added.
                    Object::Reference(reference) if self.is_new(reference.number) && seen.insert(reference) => {
                        self.explain(reference.number, Zone::Signature);
                        if let Some(found) = self.now.object(reference)? {
                            open.push(found.value);
                        }
                    }
                    Object::Array(values) => open.extend(values),
                    Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value.clone())),
                    _ => {}
                }
            }
        }
        let value = field.get(b"V").map(|value| self.now.resolve(value)).transpose()?.flatten();
        let Some(Object::Dictionary(value)) = value.map(|found| found.value.object) else {
            return Ok(Err(Forbidden::Field));
        };
        let is_stamp = value.name(b"SubFilter") == Some(b"ETSI.RFC3161");
        // A reference dictionary is how a certification says what it allows; none comes after a signature (§12.8.2.2.1).
        if value.get(b"Reference").is_some() {
            return Ok(Err(Forbidden::Certified));
        }
        self.additions.push(if is_stamp { Addition::TimeStamp } else { Addition::Signature });
        match reference(field.get(b"P")) {
            Some(page) => self.page(page, own),
            None => Ok(Ok(())),
        }
    }

    /// A page may have this annotation more, and nothing else.
    fn page(&mut self, page: Reference, widget: Reference) -> Checked<()> {
        let (old, new) = (self.signed.object(page)?, self.now.object(page)?);
        let (Some(Object::Dictionary(old)), Some(Object::Dictionary(new))) =
            (old.map(|found| found.value.object), new.map(|found| found.value.object))
        else {
            return Ok(Err(Forbidden::Page(Vec::new())));
        };
        if old.name(b"Type") != Some(b"Page") {
            return Ok(Err(Forbidden::Page(b"Type".to_vec())));
        }
        let other =
            keys(&old, &new).into_iter().find(|key| key != b"Annots" && !same_values(old.get(key), new.get(key)));
        if let Some(key) = other {
            return Ok(Err(Forbidden::Page(key)));
        }
        let (before, after) = (self.signed.array(&old, b"Annots")?, self.now.array(&new, b"Annots")?);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let is_kept = before.iter().zip(&after).all(|(before, after)| same(&before.object, &after.object));
        let added = after.get(before.len()..).unwrap_or_default();
        let is_ours = |value: &Value| {
            value
                .object
                .as_reference()
                .is_some_and(|added| added == widget || self.explained.get(&added.number) == Some(&Zone::Signature))
        };
        if !is_kept || after.len() < before.len() || !added.iter().all(is_ours) {
            return Ok(Err(Forbidden::Page(b"Annots".to_vec())));
        }
        self.explain(page.number, Zone::Page);
        if let Some(annotations) = reference(new.get(b"Annots")) {
            self.explain(annotations.number, Zone::Annotations);
        }
        Ok(Ok(()))
    }

    /// Nothing refers to what was written but what it was written for.
    fn uses(&self, root: Reference) -> Checked<()> {
        for (number, by) in referrers(self.now, &self.written)? {
            let Some(zone) = self.explained.get(&number).copied() else { continue };
            let is_right = |by: &Referrer| {
                let of = by.from.and_then(|from| self.explained.get(&from).copied());
                let is_root = by.from == Some(root.number);
                let key = by.key.as_deref().unwrap_or_default();
                match zone {
                    // Pages, fields and the catalogue are what they were, and are referred to as they were.
                    Zone::Catalogue | Zone::Page | Zone::Field => true,
                    Zone::Annotations => key == b"Annots",
                    Zone::Structure => by.from.is_none(),
                    Zone::Metadata => by.from.is_none() || is_root && key == b"Metadata",
                    Zone::ValidationData => of == Some(Zone::ValidationData) || is_root && key == b"DSS",
                    Zone::Form => of == Some(Zone::Form) || is_root && key == b"AcroForm",
                    Zone::Signature => {
                        matches!(of, Some(Zone::Signature | Zone::Form))
                            || of == Some(Zone::Field)
                            || of == Some(Zone::Page) && key == b"Annots"
                            || of == Some(Zone::Annotations)
                            || is_root && key == b"AcroForm"
                    }
                }
            };
            if !by.iter().all(is_right) {
                return Ok(Err(Forbidden::UsedElsewhere(number)));
            }
        }
        Ok(Ok(()))
    }
}

fn reference(value: Option<&Value>) -> Option<Reference> {
    value.and_then(|value| value.object.as_reference())
}

fn same_values(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => same(&one.object, &other.object),
        _ => false,
    }
}

fn keys(one: &Dictionary, other: &Dictionary) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = one.keys().chain(other.keys()).map(<[u8]>::to_vec).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn refers(object: &Object) -> bool {
    match object {
        Object::Reference(_) => true,
        Object::Array(values) => values.iter().any(|value| refers(&value.object)),
        Object::Dictionary(dictionary) => dictionary.iter().any(|(_, value)| refers(&value.object)),
        _ => false,
    }
}

/// It has room on its page: a rectangle of some width and height (§12.5.2), not a hidden one.
fn is_visible(widget: &Dictionary) -> bool {
    let Some(corners) = widget.get(b"Rect").and_then(|value| value.object.as_array()) else { return false };
    let number = |value: &Value| match value.object {
        Object::Integer(number) => Some(number as f64),
        Object::Real(number) => Some(number),
        _ => None,
    };
    let corners: Option<Vec<f64>> = corners.iter().map(number).collect();
    match corners.as_deref() {
        Some([left, bottom, right, top]) => (left - right).abs() > f64::EPSILON && (bottom - top).abs() > f64::EPSILON,
        // What cannot be read may be anything.
        _ => true,
    }
}
