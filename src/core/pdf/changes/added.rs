//! Signatures that were added: their fields, their values and their looks.

use std::collections::HashSet;

use super::field::{Above, field_dictionary, leads_to};
use super::{Addition, Change, Checked, Comparison, Look, Zone, allowed, reference};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::permissions;
use crate::core::pdf::references::numbers_in;

/// What a signature field that is a widget may have (tables 166, 191, 226, 232); nothing that is drawn elsewhere or starts something.
const OF_WIDGET: [&[u8]; 23] = [
    b"Type", b"Subtype", b"FT", b"T", b"TU", b"TM", b"V", b"Ff", b"F", b"Rect", b"P", b"AP", b"M", b"NM", b"Lock",
    b"SV", b"MK", b"BS", b"Border", b"DA", b"Q", b"H", b"Parent",
];
/// What a signature field whose widgets stand below it may have, and what only it has.
const OF_FIELD: [&[u8]; 11] = [b"Type", b"FT", b"T", b"TU", b"TM", b"V", b"Ff", b"Lock", b"SV", b"Parent", b"Kids"];
const OF_FIELD_ALONE: [&[u8]; 7] = [b"T", b"TU", b"TM", b"V", b"Ff", b"Lock", b"SV"];
/// What the dictionary of a time-stamp and its field have that is not short, or leads elsewhere.
const OF_STAMP: [&[u8]; 1] = [b"Contents"];
const OF_STAMPED: [&[u8]; 5] = [b"V", b"AP", b"P", b"Parent", b"Kids"];
/// Octets of each other value, and keys.
const SHORT: usize = 256;
const KEYS: usize = 24;
/// Widgets of one field.
const WIDGETS: usize = 8;

impl Comparison<'_, '_> {
    /// A signature field that was added with its signature.
    pub(super) fn added_field(&mut self, field: &Value, above: &Above) -> Checked<()> {
        let Some(own) = field.object.as_reference().filter(|own| self.is_new(own.number)) else {
            return Ok(Err(Change::Form.key(b"Fields")));
        };
        let Some(new) = field_dictionary(self.now.object(own)?) else {
            return Ok(Err(Change::Form.key(b"Fields")));
        };
        let part = self.partial_name(field)?;
        if part.contains('.') {
            // It would have the full name of a field below another (§12.7.4.2).
            return Ok(Err(Change::Form.key(b"T")));
        }
        let name = above.full_name(part);
        if new.name(b"FT") != Some(b"Sig") || reference(new.get(b"Parent")) != above.reference {
            return Ok(Err(Change::Form.at(name)));
        }
        let kids = self.now.array(&new, b"Kids")?;
        let known: &[&[u8]] = if kids.is_some() { &OF_FIELD } else { &OF_WIDGET };
        if let Some(key) = new.keys().find(|key| !known.contains(key)) {
            return Ok(Err(Change::Form.at(format!("{name}/{}", String::from_utf8_lossy(key)))));
        }
        self.explain(own.number, Zone::Signature);
        let kids = kids.unwrap_or_default();
        if kids.len() > WIDGETS || !self.is_kept(None, new.get(b"Kids")) {
            return Ok(Err(Change::Form.at(format!("{name}/Kids"))));
        }
        if let Some(list) = reference(new.get(b"Kids")) {
            self.explain(list.number, Zone::Signature);
        }
        for kid in &kids {
            allowed!(self.added_widget(kid, (own, reference(new.get(b"V"))), &name)?);
        }
        self.signature(&new, own, &name)
    }

    /// A widget of a field that was added, where it stands apart from it.
    fn added_widget(
        &mut self,
        widget: &Value,
        (field, value): (Reference, Option<Reference>),
        name: &str,
    ) -> Checked<()> {
        let own = widget.object.as_reference().filter(|own| self.is_new(own.number));
        let found = own.map(|own| self.now.object(own)).transpose()?.and_then(field_dictionary);
        let (Some(own), Some(new)) = (own, found) else {
            return Ok(Err(Change::Form.at(format!("{name}/Kids"))));
        };
        let is_other = |key: &&[u8]| !OF_WIDGET.contains(key) || OF_FIELD_ALONE.contains(key);
        if let Some(key) = new.keys().find(is_other) {
            return Ok(Err(Change::Form.at(format!("{name}/Kids/{}", String::from_utf8_lossy(key)))));
        }
        let is_signature = new.get(b"FT").is_none() || new.name(b"FT") == Some(b"Sig");
        if !is_signature || !leads_to(&new, field) {
            return Ok(Err(Change::Form.at(format!("{name}/Kids"))));
        }
        self.explain(own.number, Zone::Signature);
        allowed!(self.appearances(&new, name)?);
        allowed!(self.explain_below(&new, &[b"AP", b"MK"])?);
        self.widgets.insert(own.number);
        self.look(&new, own, (name, value));
        Ok(Ok(()))
    }

    /// What a signature field refers to: its value and its look.
    pub(super) fn signature(&mut self, field: &Dictionary, own: Reference, name: &str) -> Checked<()> {
        allowed!(self.appearances(field, name)?);
        allowed!(self.explain_below(field, &[b"V", b"AP", b"Lock", b"SV", b"MK"])?);
        let listed = (name.to_owned(), reference(field.get(b"V")));
        let value = field.get(b"V").map(|value| self.now.resolve(value)).transpose()?.flatten();
        let value = value.filter(|found| !found.is_stream && self.referrers.signatures.contains(&listed));
        let Some(Object::Dictionary(value)) = value.map(|found| found.value.object) else {
            return Ok(Err(Change::Form.at(name)));
        };
        let is_stamp = value.name(b"SubFilter") == Some(b"ETSI.RFC3161");
        if is_stamp && !(has_no_more(&value, &OF_STAMP) && has_no_more(field, &OF_STAMPED)) {
            // No one has to sign it: anybody can have one.
            return Ok(Err(Change::Form.at(format!("{name}: more than a time-stamp"))));
        }
        if !is_stamp {
            // Only the first signature certifies (§12.8.2.2.1).
            if permissions::of(self.now, &value, field)?.certification.is_some() || self.rules.permissions.level() < 2 {
                return Ok(Err(Change::Certified.at(name)));
            }
            if self.rules.permissions.locks(name) {
                return Ok(Err(Change::Locked.at(name)));
            }
        }
        self.additions.push(if is_stamp { Addition::TimeStamp } else { Addition::Signature });
        if field.get(b"Kids").is_none() {
            self.widgets.insert(own.number);
            self.look(field, own, (name, reference(field.get(b"V"))));
        }
        Ok(Ok(()))
    }

    /// They are a dictionary, and not the look itself.
    pub(super) fn appearances(&self, widget: &Dictionary, name: &str) -> Checked<()> {
        let found = widget.get(b"AP").map(|value| self.now.resolve(value)).transpose()?.flatten();
        let is_right = found.is_none_or(|found| !found.is_stream && found.value.object.as_dictionary().is_some());
        Ok(if is_right { Ok(()) } else { Err(Change::Form.at(format!("{name}/AP"))) })
    }

    pub(super) fn look(&mut self, widget: &Dictionary, own: Reference, (field, value): (&str, Option<Reference>)) {
        if can_be_seen(widget) {
            let (field, dictionary) = (field.to_owned(), widget.clone());
            self.visible.push(Look {
                field,
                value,
                widget: own.number,
                pages: Vec::new(),
                dictionary,
                is_filled: false,
            });
        }
    }

    /// Of a field that was filled.
    pub(super) fn filled_look(&mut self, widget: &Dictionary, own: Reference, field: &str) {
        let (field, dictionary) = (field.to_owned(), widget.clone());
        self.visible.push(Look {
            field,
            value: None,
            widget: own.number,
            pages: Vec::new(),
            dictionary,
            is_filled: true,
        });
    }

    /// New objects below these keys are what a signature or the look of a field consists of.
    pub(super) fn explain_below(&mut self, field: &Dictionary, keys: &[&[u8]]) -> Checked<()> {
        let mut open: Vec<Value> = keys.iter().filter_map(|key| field.get(key).cloned()).collect();
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
        Ok(Ok(()))
    }
}

/// These keys may have anything; what the others say is short, and leads nowhere.
fn has_no_more(dictionary: &Dictionary, known: &[&[u8]]) -> bool {
    let is_short = |value: &Value| value.span.len() <= SHORT && numbers_in(value).is_empty();
    dictionary.iter().all(|(key, value)| known.contains(&key) || key.len() <= SHORT && is_short(value))
        && dictionary.keys().count() <= KEYS
}

/// It has a place on its page, or something to be drawn somewhere.
fn can_be_seen(widget: &Dictionary) -> bool {
    widget.get(b"Rect").is_some() || widget.get(b"AP").is_some()
}
