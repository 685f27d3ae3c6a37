//! Revisions between the one that was signed and the newest: what some readers find there, or who cuts the file, is nothing else.

use super::{Change, Checked, Comparison, Zone, difference, form};
use crate::core::pdf::document::Document;
use crate::core::pdf::object::{Dictionary, Object};

/// What additions change in objects that were there: the catalogue, pages, the form, fields, the store, the information dictionary.
const OF_ADDITIONS: [&[u8]; 23] = [
    b"DSS",
    b"AcroForm",
    b"Metadata",
    b"Extensions",
    b"Version",
    b"Annots",
    b"Fields",
    b"SigFlags",
    b"DA",
    b"DR",
    b"Q",
    b"Certs",
    b"CRLs",
    b"OCSPs",
    b"VRI",
    b"V",
    b"AP",
    b"AS",
    b"M",
    b"I",
    b"Kids",
    b"ModDate",
    b"Producer",
];

impl Comparison<'_, '_> {
    /// What one later revision wrote and another wrote anew: the same but for what additions change.
    pub(super) fn replaced(&self) -> Checked<()> {
        for view in self.now.views_since(self.signed).skip(1) {
            for number in view.numbers_of_newest() {
                if view.place(number) == self.now.place(number) {
                    continue;
                }
                let object = |document: &Document<'_>| {
                    document.in_use(number).map(|own| document.object(own)).transpose().map(Option::flatten)
                };
                let (Some(before), Some(after)) = (object(&view)?, object(self.now)?) else {
                    return Ok(Err(Change::Object.at(format!("object {number}"))));
                };
                let is_alike = before.is_stream == after.is_stream
                    && match (&before.value.object, &after.value.object) {
                        (Object::Dictionary(_), Object::Dictionary(_)) if before.is_stream => {
                            matches!(self.explained.get(&number), Some(Zone::ValidationData | Zone::Metadata))
                        }
                        (Object::Dictionary(before), Object::Dictionary(after)) if !is_of_signatures(before) => {
                            difference(before, after, &OF_ADDITIONS).is_none()
                        }
                        (Object::Dictionary(_), Object::Dictionary(_)) => true,
                        (Object::Array(before), Object::Array(after)) => {
                            self.explained.get(&number) == Some(&Zone::ValidationData)
                                || form::starts_with(after, before)
                        }
                        (before, after) => before == after,
                    };
                if !is_alike {
                    return Ok(Err(Change::Object.at(format!("object {number}, as a revision between has it"))));
                }
            }
        }
        Ok(Ok(()))
    }
}

fn is_of_signatures(dictionary: &Dictionary) -> bool {
    // Its keys for signatures are their digests, in hexadecimal digits.
    let is_digest = |key: &[u8]| key.len() == 40 && key.iter().all(u8::is_ascii_hexdigit);
    let mut keys = dictionary.keys();
    dictionary.keys().next().is_some() && keys.all(|key| key == b"Type" || is_digest(key))
}
