//! Who refers to what was written later, found once for all signatures of a document.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::{foundation, reference};
use crate::core::pdf::cross_references::Place;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Object, Reference};
use crate::core::pdf::references::{Key, Referrer, referrers};
use crate::core::pdf::signature;

/// Who refers to what was written after the first signature, and to what leads there.
pub struct Written {
    wanted: HashSet<u32>,
    referrers: HashMap<u32, Vec<Referrer>>,
    /// What the oldest signed document refers to of what was written since: from where, and where that stood then.
    pub(super) led: HashMap<u32, Vec<(u32, Option<Place>)>>,
    /// What was written since then.
    pub(super) numbers: Vec<u32>,
    /// Names and values of the signature fields that are judged.
    pub(super) signatures: Vec<(String, Option<Reference>)>,
    /// Where the first object or trailer stands that no section has, if there is one; behind the oldest signature each is looked for by itself.
    pub(super) unlisted: Option<usize>,
    /// Where objects end, by where they begin.
    ends: RefCell<HashMap<usize, usize>>,
}

impl Written {
    /// Looks through the whole document, once for all its signatures. `first`: as the oldest of them signed it.
    pub fn since(first: &Document<'_>, now: &Document<'_>) -> Result<Self, PdfFault> {
        let numbers: Vec<u32> = now.numbers_since(first).collect();
        let mut wanted: HashSet<u32> = numbers.iter().copied().collect();
        let mut led: HashMap<u32, Vec<(u32, Option<Place>)>> = HashMap::new();
        for (number, all) in referrers(first, &wanted)? {
            let places = all.iter().filter_map(|by| by.from).map(|from| (from, first.place(from)));
            led.insert(number, places.collect());
        }
        let catalogue = now.catalogue()?;
        let form = now.get(&catalogue, b"AcroForm")?;
        let fields = form.as_ref().and_then(Object::as_dictionary).and_then(|form| form.get(b"Fields"));
        let leading = [now.trailer().get(b"Root"), catalogue.get(b"AcroForm"), fields];
        wanted.extend(leading.into_iter().filter_map(reference).map(|reference| reference.number));
        let mut found = referrers(now, &wanted)?;
        // Pages whose annotations are an object of their own.
        let of_annotations = found.values().flatten().filter(|by| by.is_at(Key::Annots));
        let pages: Vec<u32> = of_annotations.filter_map(|by| by.from).filter(|from| !wanted.contains(from)).collect();
        if !pages.is_empty() {
            wanted.extend(pages);
            found = referrers(now, &wanted)?;
        }
        let unlisted = foundation::first_unlisted(now);
        let signatures = signature::fields(now)?.into_iter().map(|field| (field.name, field.value)).collect();
        Ok(Self { wanted, referrers: found, led, numbers, signatures, unlisted, ends: RefCell::default() })
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
