//! What later revisions wrote, and who refers to it: found once for all signatures of a document.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::{foundation, reference};
use crate::core::der::{Reader, tag};
use crate::core::pdf::cross_references::Place;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Object, Reference};
use crate::core::pdf::references::{Key, Referrer, referrers, referrers_among};
use crate::core::pdf::signature;

/// All that came after the first signature.
pub struct History<'d> {
    pub(super) newest: Written,
    /// The document as it was after each revision but the newest one: what some readers find there, and who cuts the file.
    between: Vec<(Document<'d>, Written)>,
}

impl<'d> History<'d> {
    /// `first`: as the oldest signature signed it.
    pub fn since(first: &Document<'d>, now: &Document<'d>) -> Result<Self, PdfFault> {
        let newest = Written::since(first, now)?;
        let view = |view: Document<'d>| {
            let written = newest.as_of(first, &view, now)?;
            Ok((view, written))
        };
        let between = now.views_since(first).map(view).collect::<Result<_, PdfFault>>()?;
        Ok(Self { newest, between })
    }

    /// Those after this signature.
    pub(super) fn between(&self, signed: &Document<'_>) -> impl Iterator<Item = &(Document<'d>, Written)> {
        self.between.iter().filter(|(view, _)| view.is_later_than(signed))
    }
}

/// By number of what is referred to: from where, and where that stood.
type Led = HashMap<u32, Vec<(u32, Option<Place>)>>;

/// Who refers to what was written after the first signature, and to what leads there.
pub struct Written {
    wanted: HashSet<u32>,
    referrers: HashMap<u32, Vec<Referrer>>,
    /// What the oldest signed document refers to of what was written since.
    pub(super) led: Rc<Led>,
    /// What was written since then.
    pub(super) numbers: Vec<u32>,
    /// Names and values of the signature fields that are judged.
    pub(super) signatures: Vec<(String, Option<Reference>)>,
    /// Where the first object or trailer stands that no section has, if there is one; behind the oldest signature each is looked for by itself.
    pub(super) unlisted: Option<usize>,
    /// Where objects end, by where they begin.
    ends: RefCell<HashMap<usize, usize>>,
    /// Streams that were looked into, which is done once for all signatures and revisions.
    values: Rc<RefCell<HashMap<Reference, (Place, bool)>>>,
}

impl Written {
    /// Looks through the whole document, once for all its signatures. `first`: as the oldest of them signed it.
    fn since(first: &Document<'_>, now: &Document<'_>) -> Result<Self, PdfFault> {
        let numbers: Vec<u32> = now.numbers_since(first).collect();
        let mut wanted: HashSet<u32> = numbers.iter().copied().collect();
        let mut led: Led = HashMap::new();
        for (number, all) in referrers(first, &wanted)? {
            let places = all.iter().filter_map(|by| by.from).map(|from| (from, first.place(from)));
            led.insert(number, places.collect());
        }
        wanted.extend(leading(now)?);
        let mut found = referrers(now, &wanted)?;
        let pages = pages_above(&found, &wanted);
        if !pages.is_empty() {
            wanted.extend(pages);
            found = referrers(now, &wanted)?;
        }
        let unlisted = foundation::first_unlisted(now);
        Ok(Self {
            wanted,
            referrers: found,
            led: Rc::new(led),
            numbers,
            signatures: signatures(now)?,
            unlisted,
            ends: RefCell::default(),
            values: Rc::default(),
        })
    }

    /// The same as it was after an earlier revision: what stands at the same place is not looked through again.
    fn as_of(&self, first: &Document<'_>, view: &Document<'_>, now: &Document<'_>) -> Result<Self, PdfFault> {
        let leading = leading(view)?;
        let mut wanted = self.wanted.clone();
        let mut found = if leading.is_subset(&wanted) {
            let is_kept = |by: &&Referrer| by.from.is_some_and(|from| view.place(from) == now.place(from));
            let kept = |all: &Vec<Referrer>| all.iter().filter(is_kept).copied().collect();
            let mut found: HashMap<u32, Vec<Referrer>> =
                self.referrers.iter().map(|(number, all)| (*number, kept(all))).collect();
            let others = view.numbers().filter(|number| view.place(*number) != now.place(*number));
            for (number, own) in referrers_among(view, others, &wanted)? {
                found.entry(number).or_default().extend(own);
            }
            found
        } else {
            wanted.extend(leading);
            referrers(view, &wanted)?
        };
        let pages = pages_above(&found, &wanted);
        if !pages.is_empty() {
            wanted.extend(pages);
            found = referrers(view, &wanted)?;
        }
        Ok(Self {
            wanted,
            referrers: found,
            led: Rc::clone(&self.led),
            numbers: view.numbers_since(first).collect(),
            signatures: signatures(view)?,
            unlisted: None,
            ends: RefCell::default(),
            values: Rc::clone(&self.values),
        })
    }

    /// The stream is a certificate, a list or an answer, as far as can be seen from outside: one value in DER, and nothing behind it.
    pub(super) fn is_one_value(&self, now: &Document<'_>, reference: Reference) -> Result<bool, PdfFault> {
        let place = now.place(reference.number);
        if let Some((_, is_one)) = self.values.borrow().get(&reference).filter(|(known, _)| Some(*known) == place) {
            return Ok(*is_one);
        }
        let is_one = now.stream(reference)?.is_some_and(|own| Reader::single(&own.octets, tag::SEQUENCE).is_ok());
        if let Some(place) = place {
            self.values.borrow_mut().insert(reference, (place, is_one));
        }
        Ok(is_one)
    }

    /// The octet behind the object that begins there.
    pub(super) fn end_of(&self, now: &Document<'_>, offset: usize) -> Result<usize, PdfFault> {
        if let Some(end) = self.ends.borrow().get(&offset) {
            return Ok(*end);
        }
        let end = now.end_of_object(offset)?;
        self.ends.borrow_mut().insert(offset, end);
        Ok(end)
    }

    /// `None`: it was not looked for.
    pub(super) fn of(&self, number: u32) -> Option<&[Referrer]> {
        let known = self.referrers.get(&number).map(Vec::as_slice).unwrap_or_default();
        self.wanted.contains(&number).then_some(known)
    }
}

/// What leads to fields.
fn leading(document: &Document<'_>) -> Result<HashSet<u32>, PdfFault> {
    let catalogue = document.catalogue()?;
    let form = document.get(&catalogue, b"AcroForm")?;
    let fields = form.as_ref().and_then(Object::as_dictionary).and_then(|form| form.get(b"Fields"));
    let leading = [document.trailer().get(b"Root"), catalogue.get(b"AcroForm"), fields];
    Ok(leading.into_iter().filter_map(reference).map(|reference| reference.number).collect())
}

/// Pages whose annotations are an object of their own.
fn pages_above(found: &HashMap<u32, Vec<Referrer>>, wanted: &HashSet<u32>) -> Vec<u32> {
    let of_annotations = found.values().flatten().filter(|by| by.is_at(Key::Annots));
    of_annotations.filter_map(|by| by.from).filter(|from| !wanted.contains(from)).collect()
}

fn signatures(document: &Document<'_>) -> Result<Vec<(String, Option<Reference>)>, PdfFault> {
    Ok(signature::fields(document)?.into_iter().map(|field| (field.name, field.value)).collect())
}
