//! Who refers to what was written, and as what.
//!
//! A file can be prepared so that one object is two things: the form and a drawing, a field and a list of drawings, an array of annotations
//! and a colour space. What may change in the one would then change the other. So each object that changed has one use, and whoever leads to
//! it too; and what was added was referred to by nothing that was signed.

use std::collections::HashSet;

use super::{Change, Checked, Comparison, Zone};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Reference, Value};
use crate::core::pdf::references::{Key, Referrer, numbers_in};

impl Comparison<'_, '_> {
    /// Nothing refers to what was written but what it was written for.
    pub(super) fn uses(&self, root: Reference) -> Checked<()> {
        let mut explained: Vec<(u32, Zone)> = self.explained.iter().map(|(number, zone)| (*number, *zone)).collect();
        explained.sort_unstable_by_key(|(number, _)| *number);
        for (number, zone) in explained {
            let is_known = |by: &Referrer| self.is_use_of(zone, by, root);
            if !self.referrers.of(number).is_some_and(|all| all.iter().all(is_known)) {
                return Ok(Err(Change::Object.at(format!("object {number} is used elsewhere too"))));
            }
        }
        match self.led_nowhere()? {
            Ok(()) => self.lead_somewhere(),
            forbidden => Ok(forbidden),
        }
    }

    /// What was written refers to what is there: some readers take a file for broken where it does not.
    fn lead_somewhere(&self) -> Checked<()> {
        let mut written: Vec<u32> = self.written.iter().copied().collect();
        written.sort_unstable();
        for number in written {
            let object = |document: &Document<'_>| {
                let found = document.in_use(number).map(|own| document.object(own)).transpose()?.flatten();
                Ok::<_, PdfFault>(found.map(|found| numbers_in(&found.value)).unwrap_or_default())
            };
            let mut missing = object(self.now)?;
            missing.retain(|other| self.now.in_use(*other).is_none());
            if missing.is_empty() {
                continue;
            }
            let before = object(self.signed)?;
            if let Some(other) = missing.into_iter().filter(|other| !before.contains(other)).min() {
                return Ok(Err(
                    Change::Object.at(format!("object {number} leads to object {other}, which is not there"))
                ));
            }
        }
        Ok(Ok(()))
    }

    /// What is written for this may be referred to from there.
    fn is_use_of(&self, zone: Zone, by: &Referrer, root: Reference) -> bool {
        let is_root = by.from == Some(root.number);
        let of = by.from.filter(|_| !is_root).and_then(|from| self.explained.get(&from).copied());
        match zone {
            Zone::Structure => false,
            Zone::Catalogue => {
                let is_of_signature = by.first == Some(Key::Reference) && by.last == Some(Key::Data);
                by.is_trailer && by.is_at(Key::Root) || is_of_signature && by.depth == 2 && !by.is_member
            }
            Zone::Metadata => by.is_trailer && by.is_at(Key::Info) || is_root && by.is_at(Key::Metadata),
            Zone::ValidationData => of == Some(Zone::ValidationData) || is_root && by.first == Some(Key::Dss),
            Zone::Form => is_root && by.is_at(Key::AcroForm),
            Zone::Fields => {
                let is_direct = by.first == Some(Key::AcroForm) && by.last == Some(Key::Fields) && by.depth == 2;
                of == Some(Zone::Form) && by.is_at(Key::Fields) || is_root && is_direct && !by.is_member
            }
            // Nowhere is a member of an array something that draws by its keys, or a list that others name by their keys.
            Zone::Field => by.is_member || matches!(by.last, Some(Key::Parent | Key::Obj)),
            Zone::Page => by.is_member || matches!(by.last, Some(Key::P | Key::Pg)),
            Zone::Annotations => of == Some(Zone::Page) && by.is_at(Key::Annots),
            Zone::Signature => match of {
                Some(Zone::Signature | Zone::Form | Zone::Fields | Zone::Field | Zone::Annotations) => true,
                Some(Zone::Page) => by.first == Some(Key::Annots),
                _ => is_root && by.first == Some(Key::AcroForm),
            },
        }
    }

    /// What was signed may refer to what was not there; then it may not come later.
    fn led_nowhere(&self) -> Checked<()> {
        let added: HashSet<u32> = self.written.iter().copied().filter(|number| self.is_new(*number)).collect();
        let forbidden = |number: u32| {
            Ok(Err(Change::Object.at(format!("object {number}, which was referred to before it was there"))))
        };
        // By what is as the oldest signature has it.
        for number in &added {
            let mut known = self.referrers.led.get(number).into_iter().flatten();
            if known.any(|(from, place)| self.signed.place(*from) == *place) {
                return forbidden(*number);
            }
        }
        // And by what was written since, up to this one.
        let mut values: Vec<Value> = self.signed.trailer().iter().map(|(_, value)| value.clone()).collect();
        for number in &self.referrers.numbers {
            let Some(reference) = self.signed.in_use(*number) else { continue };
            values.extend(self.signed.object(reference)?.map(|found| found.value));
        }
        match values.iter().flat_map(numbers_in).find(|number| added.contains(number)) {
            Some(number) => forbidden(number),
            None => Ok(Ok(())),
        }
    }
}
