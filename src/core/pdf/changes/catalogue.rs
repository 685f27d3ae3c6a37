//! The catalogue, the document security store, and what the document says of itself.

use std::collections::HashSet;

use super::{
    Addition, Change, Checked, Comparison, Zone, allowed, difference, keys, metadata, reference, refers, same_values,
};
use crate::core::pdf::document::Stream;
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};

/// Keys of the information dictionary that whoever writes a revision changes (ISO 32000-2 §14.3.3).
const OF_WRITER: [&[u8]; 2] = [b"ModDate", b"Producer"];

/// Keys of a document security store (EN 319 142-1 §5.4.2.2).
const OF_STORE: [&[u8]; 4] = [b"Certs", b"CRLs", b"OCSPs", b"VRI"];

impl Comparison<'_, '_> {
    pub(super) fn catalogue(&mut self, root: Reference) -> Checked<()> {
        let (old, new) = (self.signed.catalogue()?, self.now.catalogue()?);
        self.explain(root.number, Zone::Catalogue);
        for key in keys(&old, &new) {
            let (before, after) = (old.get(&key), new.get(&key));
            match key.as_slice() {
                b"DSS" => self.validation_data(after)?,
                b"AcroForm" => allowed!(self.form(before, after)?),
                b"Metadata" => {
                    let (Some(was), Some(is)) = (reference(before), reference(after)) else {
                        if same_values(before, after) {
                            continue;
                        }
                        return Ok(Err(Change::Metadata.key(&key)));
                    };
                    if was != is || self.written.contains(&is.number) {
                        let (old, new) = (self.signed.stream(was)?, self.now.stream(is)?);
                        let says =
                            |stream: &Option<Stream>| stream.as_ref().map_or(Vec::new(), |found| found.octets.clone());
                        if !metadata::say_the_same(&says(&old), &says(&new)) {
                            return Ok(Err(Change::Metadata.key(&key)));
                        }
                    }
                    self.explain(is.number, Zone::Metadata);
                }
                b"Extensions" if after.is_some_and(|value| !refers(&value.object)) => {}
                b"Version" if new.name(b"Version").is_some() => {}
                _ if same_values(before, after) => {}
                _ => return Ok(Err(Change::Catalogue.key(&key))),
            }
        }
        Ok(Ok(()))
    }

    /// Everything below the document security store.
    fn validation_data(&mut self, store: Option<&Value>) -> Result<(), super::PdfFault> {
        let mut open: Vec<Value> = store.cloned().into_iter().collect();
        let mut seen = HashSet::new();
        let mut is_written = false;
        while let Some(value) = open.pop() {
            match value.object {
                Object::Reference(reference) if seen.insert(reference) => {
                    is_written |= self.written.contains(&reference.number);
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
        Ok(())
    }

    /// Stores that another has taken the place of: dictionaries of theirs that nothing refers to any more.
    pub(super) fn earlier_stores(&mut self) -> Result<(), super::PdfFault> {
        let mut numbers: Vec<u32> = self.written.iter().copied().collect();
        numbers.retain(|number| !self.explained.contains_key(number) && self.is_new(*number));
        numbers.sort_unstable();
        for number in numbers {
            let Some(reference) = self.now.in_use(number) else { continue };
            if !self.referrers.referrers(number).is_empty() {
                continue;
            }
            let Some(found) = self.now.object(reference)? else { continue };
            let is_store = found.value.object.as_dictionary().is_some_and(|dictionary| {
                !found.is_stream
                    && dictionary.name(b"Type").is_none_or(|kind| kind == b"DSS")
                    && dictionary.keys().any(|key| OF_STORE.contains(&key))
                    && dictionary.keys().all(|key| key == b"Type" || OF_STORE.contains(&key))
            });
            if is_store {
                let store = Value { span: found.value.span, object: Object::Reference(reference) };
                self.validation_data(Some(&store))?;
            }
        }
        Ok(())
    }

    /// The information dictionary: who wrote it last and when may change, and not its title.
    pub(super) fn information(&mut self) -> Checked<()> {
        let (before, after) = (self.signed.trailer().get(b"Info"), self.now.trailer().get(b"Info"));
        let (old, new) = (self.signed.dictionary(self.signed.trailer(), b"Info")?, self.now.trailer());
        let new = self.now.dictionary(new, b"Info")?.unwrap_or_default();
        if let Some(key) = difference(&old.unwrap_or_else(Dictionary::default), &new, &OF_WRITER) {
            return Ok(Err(Change::Metadata.key(&key)));
        }
        if let (_, Some(reference)) | (Some(reference), None) = (reference(before), reference(after)) {
            self.explain(reference.number, Zone::Metadata);
        }
        Ok(Ok(()))
    }
}
