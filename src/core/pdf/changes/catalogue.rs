//! The catalogue, the document security store, and what the document says of itself.

use std::collections::HashSet;

use super::{Addition, Change, Checked, Comparison, Zone, allowed, difference, keys, metadata, reference, same_values};
use crate::core::pdf::document::{Document, Stream};
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};

/// Keys of the information dictionary that whoever writes a revision changes (ISO 32000-2 §14.3.3).
const OF_WRITER: [&[u8]; 2] = [b"ModDate", b"Producer"];
/// Octets of each.
const WRITER: usize = 512;

/// Keys of a developer's extension (table 49).
const OF_EXTENSION: [&[u8]; 5] = [b"Type", b"BaseVersion", b"ExtensionLevel", b"URL", b"ExtensionRevision"];

/// Keys of a stream that say how its data are written.
const OF_CODING: [&[u8]; 3] = [b"Length", b"Filter", b"DecodeParms"];

/// Keys of a document security store (EN 319 142-1 §5.4.2.2).
const OF_STORE: [&[u8]; 4] = [b"Certs", b"CRLs", b"OCSPs", b"VRI"];

impl Comparison<'_, '_> {
    pub(super) fn catalogue(&mut self, root: Reference) -> Checked<()> {
        let (old, new) = (self.signed.catalogue()?, self.now.catalogue()?);
        self.leads(root.number, Zone::Catalogue);
        for key in keys(&old, &new) {
            let (before, after) = (old.get(&key), new.get(&key));
            match key.as_slice() {
                b"DSS" => allowed!(self.validation_data(before, after)?),
                b"AcroForm" => allowed!(self.form(before, after)?),
                b"Metadata" => {
                    if let (None, Some(is)) = (before, reference(after))
                        && self.is_new(is.number)
                        && self.now.stream(is)?.is_some_and(|own| is_of_writer(&own))
                    {
                        self.explain(is.number, Zone::Metadata);
                        continue;
                    }
                    let (Some(was), Some(is)) = (reference(before), reference(after)) else {
                        if same_values(before, after) {
                            continue;
                        }
                        return Ok(Err(Change::Metadata.key(&key)));
                    };
                    if was != is || self.written.contains(&is.number) {
                        let streams = self.signed.stream(was)?.zip(self.now.stream(is)?);
                        let are_alike = |(old, new): (Stream, Stream)| {
                            difference(&old.dictionary, &new.dictionary, &OF_CODING).is_none()
                                && metadata::say_the_same(&old.octets, &new.octets)
                        };
                        if !self.is_kept(before, after) || !streams.is_some_and(are_alike) {
                            return Ok(Err(Change::Metadata.key(&key)));
                        }
                    }
                    self.explain(is.number, Zone::Metadata);
                }
                b"Extensions" if after.is_some_and(are_extensions) => {}
                b"Version" if new.name(b"Version").is_some_and(|version| version.len() == 3) => {}
                _ if same_values(before, after) => {}
                _ => return Ok(Err(Change::Catalogue.key(&key))),
            }
        }
        Ok(Ok(()))
    }

    /// The document security store: lists of streams, and no more (EN 319 142-1 §5.4.2.2).
    fn validation_data(&mut self, before: Option<&Value>, after: Option<&Value>) -> Checked<()> {
        let Some(store) = after else {
            return Ok(if before.is_none() { Ok(()) } else { Err(Change::Catalogue.key(b"DSS")) });
        };
        let mut known = HashSet::new();
        if let Some(before) = before {
            reach(self.signed, before, &mut known)?;
        }
        let found = allowed!(self.of_store(store, &known)?);
        let Some(store) = found else { return Ok(Err(Change::Catalogue.key(b"DSS"))) };
        for (key, value) in store.iter() {
            let is_right = match key {
                b"Type" => matches!(value.object, Object::Name(_)) && is_short(value),
                b"Certs" | b"CRLs" | b"OCSPs" => allowed!(self.list(value, &known)?),
                b"VRI" => {
                    let Some(of_signatures) = allowed!(self.of_store(value, &known)?) else {
                        return Ok(Err(Change::Catalogue.key(b"VRI")));
                    };
                    for (name, one) in of_signatures.iter() {
                        if name == b"Type" && is_short(one) {
                            continue;
                        }
                        // The digest of the signature that it is about.
                        if name.len() != 40 || !name.iter().all(u8::is_ascii_hexdigit) {
                            return Ok(Err(Change::Catalogue.key(b"VRI")));
                        }
                        let Some(one) = allowed!(self.of_store(one, &known)?) else {
                            return Ok(Err(Change::Catalogue.key(b"VRI")));
                        };
                        for (key, value) in one.iter() {
                            let is_right = match key {
                                b"Type" | b"TU" => is_short(value),
                                b"TS" => allowed!(self.stream(value, &known)?),
                                b"Cert" | b"CRL" | b"OCSP" => allowed!(self.list(value, &known)?),
                                _ => false,
                            };
                            if !is_right {
                                return Ok(Err(Change::Catalogue.key(b"VRI")));
                            }
                        }
                    }
                    true
                }
                _ => false,
            };
            if !is_right {
                return Ok(Err(Change::Catalogue.key(key)));
            }
        }
        Ok(Ok(()))
    }

    /// A dictionary of the store, itself or referred to; it is new, or was part of the store.
    fn of_store(&mut self, value: &Value, known: &HashSet<u32>) -> Checked<Option<Dictionary>> {
        allowed!(self.explain_validation_data(value, known)?);
        let found = self.now.resolve(value)?.filter(|found| !found.is_stream);
        Ok(Ok(found.and_then(|found| match found.value.object {
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        })))
    }

    fn list(&mut self, value: &Value, known: &HashSet<u32>) -> Checked<bool> {
        allowed!(self.explain_validation_data(value, known)?);
        let Some(found) = self.now.resolve(value)? else { return Ok(Ok(true)) };
        let Object::Array(members) = found.value.object else { return Ok(Ok(false)) };
        for member in &members {
            if !allowed!(self.stream(member, known)?) {
                return Ok(Ok(false));
            }
        }
        Ok(Ok(true))
    }

    /// A stream that is nothing else: what pages show says what it is.
    fn stream(&mut self, value: &Value, known: &HashSet<u32>) -> Checked<bool> {
        let Some(reference) = value.object.as_reference() else { return Ok(Ok(false)) };
        allowed!(self.explain_validation_data(value, known)?);
        let Some(found) = self.now.object(reference)? else { return Ok(Ok(false)) };
        let Object::Dictionary(dictionary) = &found.value.object else { return Ok(Ok(false)) };
        if let Some(length) = dictionary.get(b"Length") {
            allowed!(self.explain_validation_data(length, known)?);
        }
        if !found.is_stream {
            return Ok(Ok(false));
        }
        if known.contains(&reference.number) {
            return Ok(Ok(true));
        }
        let is_plain = dictionary.keys().all(|key| OF_CODING.contains(&key));
        Ok(Ok(is_plain && self.referrers.is_one_value(self.now, reference)?))
    }

    fn explain_validation_data(&mut self, value: &Value, known: &HashSet<u32>) -> Checked<()> {
        let Some(reference) = value.object.as_reference() else { return Ok(Ok(())) };
        let number = reference.number;
        if self.written.contains(&number) {
            if !self.is_new(number) && !known.contains(&number) {
                return Ok(Err(super::forbidden::describe(self.signed, self.now, number)?));
            }
            self.explain(number, Zone::ValidationData);
            self.additions.push(Addition::ValidationData);
        }
        Ok(Ok(()))
    }

    /// Stores that another has taken the place of: dictionaries of theirs that nothing refers to any more.
    pub(super) fn earlier_stores(&mut self) -> Checked<()> {
        let mut numbers: Vec<u32> = self.written.iter().copied().collect();
        numbers.retain(|number| !self.explained.contains_key(number) && self.is_new(*number));
        numbers.sort_unstable();
        for number in numbers {
            let Some(reference) = self.now.in_use(number) else { continue };
            if !self.referrers.of(number).is_some_and(<[_]>::is_empty) {
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
                allowed!(self.validation_data(None, Some(&store))?);
            }
        }
        Ok(Ok(()))
    }

    /// The information dictionary: who wrote it last and when may change, and not its title.
    pub(super) fn information(&mut self) -> Checked<()> {
        let (before, after) = (self.signed.trailer().get(b"Info"), self.now.trailer().get(b"Info"));
        let (old, new) = (self.signed.dictionary(self.signed.trailer(), b"Info")?, self.now.trailer());
        let new = self.now.dictionary(new, b"Info")?;
        if new.is_none() && !same_values(before, after) {
            // Some readers take a trailer that leads nowhere for a broken one.
            return Ok(Err(Change::Metadata.key(b"Info")));
        }
        let new = new.unwrap_or_default();
        let old = old.unwrap_or_else(Dictionary::default);
        if let Some(key) = difference(&old, &new, &OF_WRITER) {
            return Ok(Err(Change::Metadata.key(&key)));
        }
        let is_text = |value: &Value| matches!(&value.object, Object::String { octets, .. } if octets.len() <= WRITER);
        let is_right = |key: &&[u8]| new.get(key).is_none_or(is_text) || same_values(old.get(key), new.get(key));
        if let Some(key) = OF_WRITER.iter().find(|key| !is_right(key)) {
            return Ok(Err(Change::Metadata.key(key)));
        }
        if let (_, Some(reference)) | (Some(reference), None) = (reference(before), reference(after)) {
            self.explain(reference.number, Zone::Metadata);
        }
        Ok(Ok(()))
    }
}

/// Metadata that say who wrote the document last, and nothing else of it.
fn is_of_writer(metadata: &Stream) -> bool {
    let is_known = |key: &[u8]| OF_CODING.contains(&key) || matches!(key, b"Type" | b"Subtype");
    metadata.dictionary.keys().all(is_known) && metadata::say_nothing(&metadata.octets)
}

/// Names of developers, and which of their extensions are used (§7.12).
fn are_extensions(value: &Value) -> bool {
    let is_one = |value: &Value| {
        value
            .object
            .as_dictionary()
            .is_some_and(|one| one.iter().all(|(key, own)| OF_EXTENSION.contains(&key) && is_short(own)))
    };
    let is_right = |(key, value): (&[u8], &Value)| match &value.object {
        Object::Name(_) => key == b"Type",
        Object::Array(several) => several.len() <= 8 && several.iter().all(is_one),
        _ => is_one(value),
    };
    value.object.as_dictionary().is_some_and(|all| all.keys().count() <= 16 && all.iter().all(is_right))
}

fn is_short(value: &Value) -> bool {
    match &value.object {
        Object::Name(octets) | Object::String { octets, .. } => octets.len() <= 64,
        Object::Integer(_) => true,
        _ => false,
    }
}

/// The numbers of all objects below a value.
fn reach(document: &Document<'_>, value: &Value, seen: &mut HashSet<u32>) -> Result<(), PdfFault> {
    let mut open: Vec<Value> = vec![value.clone()];
    while let Some(value) = open.pop() {
        match value.object {
            Object::Reference(reference) => {
                if seen.insert(reference.number)
                    && let Some(found) = document.object(reference)?
                {
                    open.push(found.value);
                }
            }
            Object::Array(values) => open.extend(values),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value.clone())),
            _ => {}
        }
    }
    Ok(())
}
