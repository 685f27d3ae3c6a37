//! Who refers to what was written.

use super::{Change, Checked, Comparison, Zone};
use crate::core::pdf::object::Reference;
use crate::core::pdf::references::Referrer;

impl Comparison<'_, '_> {
    /// Nothing refers to what was written but what it was written for.
    pub(super) fn uses(&self, root: Reference) -> Checked<()> {
        let mut explained: Vec<(u32, Zone)> = self.explained.iter().map(|(number, zone)| (*number, *zone)).collect();
        explained.sort_unstable_by_key(|(number, _)| *number);
        for (number, zone) in explained {
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
                        matches!(of, Some(Zone::Signature | Zone::Form | Zone::Field | Zone::Annotations))
                            || of == Some(Zone::Page) && key == b"Annots"
                            || is_root && key == b"AcroForm"
                    }
                }
            };
            if !self.referrers.referrers(number).iter().all(is_right) {
                return Ok(Err(Change::Object.at(format!("object {number} is used elsewhere too"))));
            }
        }
        Ok(Ok(()))
    }
}
