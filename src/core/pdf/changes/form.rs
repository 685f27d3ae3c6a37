//! The form (ISO 32000-2 §12.7.3): what it says of its fields, and which there are.

use std::collections::HashSet;

use super::field::Above;
use super::{Change, Checked, Comparison, Zone, allowed, keys, reference, same, same_values};
use crate::core::pdf::document::Indirect;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Object, Reference, Value};

impl Comparison<'_, '_> {
    /// Fields that were added, values of fields, the flags.
    pub(super) fn form(&mut self, before: Option<&Value>, after: Option<&Value>) -> Checked<()> {
        let old = before.map(|value| self.signed.resolve(value)).transpose()?.flatten();
        let new = after.map(|value| self.now.resolve(value)).transpose()?.flatten();
        let dictionary = |found: Option<Indirect>| match found.filter(|found| !found.is_stream)?.value.object {
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        };
        let (old, new) = (dictionary(old).unwrap_or_default(), dictionary(new));
        let Some(new) = new else {
            return Ok(if same_values(before, after) { Ok(()) } else { Err(Change::Form.key(b"AcroForm")) });
        };
        if !self.is_kept(before, after) {
            return Ok(Err(Change::Form.key(b"AcroForm")));
        }
        if let Some(reference) = reference(after) {
            self.leads(reference.number, Zone::Form);
        }
        let old_fields = self.signed.array(&old, b"Fields")?.unwrap_or_default();
        for key in keys(&old, &new) {
            let is_allowed = match key.as_slice() {
                b"Fields" => true,
                // How values of fields are drawn, where there are none.
                b"DA" | b"DR" | b"Q" if same_values(old.get(&key), new.get(&key)) => true,
                b"DA" | b"DR" | b"Q" if old.get(&key).is_none() && self.draws_nothing(reference(before))? => {
                    allowed!(self.explain_below(&new, &[&key])?);
                    true
                }
                b"SigFlags" => new.integer(b"SigFlags").is_some_and(|flags| (1..=3).contains(&flags)),
                _ => same_values(old.get(&key), new.get(&key)),
            };
            if !is_allowed {
                return Ok(Err(Change::Form.key(&key)));
            }
        }
        if !self.is_kept(old.get(b"Fields"), new.get(b"Fields")) {
            return Ok(Err(Change::Form.key(b"Fields")));
        }
        if let Some(reference) = reference(new.get(b"Fields")) {
            self.leads(reference.number, Zone::Fields);
        }
        let new_fields = self.now.array(&new, b"Fields")?.unwrap_or_default();
        if !starts_with(&new_fields, &old_fields) {
            return Ok(Err(Change::Form.key(b"Fields")));
        }
        let (kept, added) = new_fields.split_at(old_fields.len());
        let mut names = HashSet::new();
        for field in kept {
            names.insert(self.partial_name(field)?);
            allowed!(self.kept_field(field, &Above::default())?);
        }
        for field in added {
            // Two fields of one name are one, to some.
            if !names.insert(self.partial_name(field)?) {
                return Ok(Err(Change::Form.key(b"T")));
            }
            allowed!(self.added_field(field, &Above::default())?);
        }
        Ok(Ok(()))
    }

    /// The same object as before, or one that came for it.
    pub(super) fn is_kept(&self, before: Option<&Value>, after: Option<&Value>) -> bool {
        reference(after).is_none_or(|after| reference(before) == Some(after) || self.is_new(after.number))
    }

    /// Nothing was there that viewers draw as the form says: no field but signatures, no annotation but those and links.
    fn draws_nothing(&self, form: Option<Reference>) -> Result<bool, PdfFault> {
        let root = reference(self.signed.trailer().get(b"Root"));
        for number in self.signed.numbers() {
            let Some(own) = self.signed.in_use(number) else { continue };
            let Some(found) = self.signed.object(own)? else { continue };
            let is_drawn = match &found.value.object {
                // What the form says itself.
                Object::Dictionary(dictionary) if Some(own) == form || Some(own) == root => {
                    dictionary.iter().any(|(key, value)| key != b"AcroForm" && key != b"DA" && is_drawn(&value.object))
                }
                object => is_drawn(object),
            };
            if is_drawn {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The first of `list` are the same.
pub(super) fn starts_with(list: &[Value], first: &[Value]) -> bool {
    list.len() >= first.len() && first.iter().zip(list).all(|(one, other)| same(&one.object, &other.object))
}

/// There is something in it that the form could say how to draw: a field or an annotation, signatures and links excepted.
fn is_drawn(object: &Object) -> bool {
    match object {
        Object::Array(values) => values.iter().any(|value| is_drawn(&value.object)),
        Object::Dictionary(dictionary) => {
            let is_signature = dictionary.name(b"FT") == Some(b"Sig");
            let kind = dictionary.name(b"Subtype");
            let is_plain =
                is_signature && kind == Some(b"Widget") || dictionary.get(b"FT").is_none() && kind == Some(b"Link");
            let is_drawn_itself = dictionary.get(b"DA").is_some()
                || dictionary.get(b"FT").is_some() && !is_signature
                || dictionary.get(b"Rect").is_some() && !is_plain;
            is_drawn_itself || dictionary.iter().any(|(_, value)| is_drawn(&value.object))
        }
        _ => false,
    }
}
