//! Fields that were there (ISO 32000-2 §12.7.4): empty signature fields that were signed, others that were filled.

use std::collections::HashSet;

use super::form::starts_with;
use super::{Addition, Change, Checked, Comparison, Zone, allowed, difference, reference, same_values};
use crate::core::pdf::document::Indirect;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::occupied::{Extent, extent};
use crate::core::pdf::references::Key;
use crate::core::pdf::text;

/// How deep fields stand in each other.
const DEPTH: usize = 32;
/// What signing an empty field changes in it, and filling any other.
const SIGNED: [&[u8]; 3] = [b"V", b"AP", b"M"];
const FILLED: [&[u8]; 5] = [b"V", b"AP", b"AS", b"M", b"I"];
/// Flags of fields that nobody fills: read-only, push buttons (tables 227, 229).
const NOT_FILLED: i64 = 1 | 1 << 16;

/// What a field has of itself and those above it, as it was signed.
#[derive(Default)]
pub(super) struct Above {
    pub name: String,
    pub reference: Option<Reference>,
    depth: usize,
    kind: Option<Vec<u8>>,
    /// `Ff`, or what nobody fills if it is unreadable.
    flags: i64,
    is_signature: bool,
    was_signed: bool,
    /// As it is now: the value, if it is an object.
    is_signed: bool,
    value: Option<Reference>,
}

impl Above {
    /// Of a field below it.
    pub fn full_name(&self, part: String) -> String {
        match (self.name.is_empty(), part.is_empty()) {
            (true, _) => part,
            (_, true) => self.name.clone(),
            _ => format!("{}.{part}", self.name),
        }
    }

    /// It is only a name for the fields below it.
    fn has_no_kind(&self, field: &Dictionary) -> bool {
        let is_widget = [&b"V"[..], b"Rect", b"AP", b"Subtype"].iter().any(|key| field.get(key).is_some());
        self.kind.is_none() && !self.was_signed && !is_widget && field.get(b"Kids").is_some()
    }
}

impl Comparison<'_, '_> {
    pub(super) fn partial_name(&self, field: &Value) -> Result<String, PdfFault> {
        let Some(found) = self.now.resolve(field)? else { return Ok(String::new()) };
        let Object::Dictionary(dictionary) = &found.value.object else { return Ok(String::new()) };
        Ok(match self.now.get(dictionary, b"T")? {
            Some(Object::String { octets, .. }) => text::string(&octets),
            _ => String::new(),
        })
    }

    /// A field that was there, and those below it.
    pub(super) fn kept_field(&mut self, field: &Value, above: &Above) -> Checked<()> {
        if above.depth == DEPTH {
            return Err(PdfFault { at: field.span.start, kind: PdfFaultKind::Depth });
        }
        let (before, after) = (self.signed.resolve(field)?, self.now.resolve(field)?);
        if before.is_none() && after.is_some() {
            return Ok(Err(Change::Form.key(b"Fields")));
        }
        let (Some(old), Some(new)) = (field_dictionary(before), field_dictionary(after)) else {
            return Ok(Ok(()));
        };
        let part = self.partial_name(field)?;
        let own = Above {
            name: above.full_name(part),
            depth: above.depth + 1,
            reference: field.object.as_reference(),
            kind: old.name(b"FT").map(<[u8]>::to_vec).or_else(|| above.kind.clone()),
            flags: match self.signed.get(&old, b"Ff")? {
                None => above.flags,
                Some(Object::Integer(flags)) => flags,
                Some(_) => NOT_FILLED,
            },
            is_signature: old
                .get(b"FT")
                .map_or(above.is_signature, |kind| kind.object == Object::Name(b"Sig".to_vec())),
            was_signed: above.was_signed || old.get(b"V").is_some(),
            is_signed: above.is_signed || new.get(b"V").is_some(),
            value: reference(new.get(b"V")).or(above.value),
        };
        if let Some(reference) = field.object.as_reference()
            && self.written.contains(&reference.number)
        {
            // Readers go up by this, and find kind and value there.
            let is_widget = new.get(b"T").is_none() && above.reference.is_some_and(|above| leads_to(&new, above));
            if !is_widget && new.get(b"Parent").map(|above| above.object.as_reference()) != above.reference.map(Some) {
                return Ok(Err(Change::Form.at(format!("{}/Parent", own.name))));
            }
            allowed!(if own.has_no_kind(&old) {
                self.extended_field(&old, &new, reference, &own)?
            } else if own.is_signature {
                self.signed_field(&old, &new, reference, &own)?
            } else {
                self.filled_field(&old, &new, reference, &own)?
            });
        }
        // What came after these has been looked at.
        let kids = self.signed.array(&old, b"Kids")?.unwrap_or_default();
        for kid in &kids {
            allowed!(self.kept_field(kid, &own)?);
        }
        Ok(Ok(()))
    }

    /// A field that has nothing but fields below it, and one more: a signature.
    fn extended_field(&mut self, old: &Dictionary, new: &Dictionary, own: Reference, field: &Above) -> Checked<()> {
        if let Some(key) = difference(old, new, &[b"Kids"]) {
            return Ok(Err(Change::Form.at(format!("{}/{}", field.name, String::from_utf8_lossy(&key)))));
        }
        let (before, after) = (self.signed.array(old, b"Kids")?, self.now.array(new, b"Kids")?);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        if !self.is_kept(old.get(b"Kids"), new.get(b"Kids")) || !starts_with(&after, &before) {
            return Ok(Err(Change::Form.at(format!("{}/Kids", field.name))));
        }
        self.explain(own.number, Zone::Field);
        if let Some(kids) = reference(new.get(b"Kids")) {
            self.explain(kids.number, Zone::Signature);
        }
        let mut names = HashSet::new();
        for kid in &before {
            names.insert(self.partial_name(kid)?);
        }
        for kid in &after[before.len()..] {
            if !names.insert(self.partial_name(kid)?) {
                return Ok(Err(Change::Form.key(b"T")));
            }
            allowed!(self.added_field(kid, field)?);
        }
        Ok(Ok(()))
    }

    /// An empty signature field that was signed, or its widget, where that stands below it.
    fn signed_field(&mut self, old: &Dictionary, new: &Dictionary, own: Reference, field: &Above) -> Checked<()> {
        let name = &field.name;
        if field.was_signed {
            return Ok(Err(Change::Signature.at(name)));
        }
        if let Some(key) = difference(old, new, &SIGNED) {
            return Ok(Err(Change::Form.at(format!("{name}/{}", String::from_utf8_lossy(&key)))));
        }
        if !self.has_own_widgets(new, own)? {
            return Ok(Err(Change::Form.at(format!("{name}/Kids"))));
        }
        self.explain(own.number, Zone::Field);
        if new.get(b"V").is_some() {
            return self.signature(new, own, name);
        }
        if !field.is_signed {
            return Ok(Err(Change::Annotation.at(name)));
        }
        allowed!(self.appearances(new, name)?);
        self.look(new, own, (name, field.value));
        self.explain_below(new, &[b"AP"])
    }

    /// What inherits the value of a signature field are its widgets: they have no name, kind or value of their own, and lead to it alone
    /// (§12.7.4.1).
    fn has_own_widgets(&self, field: &Dictionary, own: Reference) -> Result<bool, PdfFault> {
        let kids = self.now.array(field, b"Kids")?.unwrap_or_default();
        let mut known = HashSet::new();
        for kid in &kids {
            let Some(reference) = kid.object.as_reference() else { return Ok(false) };
            let Some(widget) = field_dictionary(self.now.object(reference)?) else { return Ok(false) };
            let is_named = [&b"T"[..], b"V", b"Kids"].iter().any(|key| widget.get(key).is_some());
            let is_signature = widget.get(b"FT").is_none() || widget.name(b"FT") == Some(b"Sig");
            if is_named || !is_signature || !leads_to(&widget, own) {
                return Ok(false);
            }
            known.insert(reference.number);
        }
        let mut children = self.referrers.of(own.number).unwrap_or_default().iter().filter(|by| by.is_at(Key::Parent));
        Ok(children.all(|child| child.from.is_some_and(|from| known.contains(&from))))
    }

    /// Another field that has another value, or a widget that shows one.
    fn filled_field(&mut self, old: &Dictionary, new: &Dictionary, own: Reference, field: &Above) -> Checked<()> {
        let name = &field.name;
        if let Some(key) = difference(old, new, &FILLED) {
            return Ok(Err(Change::Form.at(format!("{name}/{}", String::from_utf8_lossy(&key)))));
        }
        if !self.rules.allow_form_filling() {
            return Ok(Err(Change::FormFilled.at(name)));
        }
        if self.rules.permissions.locks(name) {
            return Ok(Err(Change::Locked.at(name)));
        }
        if field.flags & NOT_FILLED != 0 || !matches!(field.kind.as_deref(), Some(b"Tx" | b"Ch" | b"Btn")) {
            return Ok(Err(Change::Form.at(format!("{name}/Ff"))));
        }
        allowed!(self.appearances(new, name)?);
        // Its look stays in its place.
        let is_button = field.kind.as_deref() == Some(b"Btn");
        if !same_values(old.get(b"AP"), new.get(b"AP")) && (is_button || extent(self.now, new) == Extent::Unknown) {
            return Ok(Err(Change::Form.at(format!("{name}/AP"))));
        }
        let has_new_look = !same_values(old.get(b"AP"), new.get(b"AP"));
        if has_new_look && same_values(old.get(b"V"), new.get(b"V")) {
            // It would show another value than it has.
            return Ok(Err(Change::Form.at(format!("{name}/AP"))));
        }
        let value = new.get(b"V").map(|value| self.now.resolve(value)).transpose()?.flatten();
        if value.is_some_and(|value| value.is_stream) {
            return Ok(Err(Change::Form.at(format!("{name}/V"))));
        }
        // A button shows the state that it has.
        let state = new.name(b"V").filter(|_| is_button);
        if state.is_some_and(|state| new.name(b"AS").is_some_and(|shown| shown != state)) {
            return Ok(Err(Change::Form.at(format!("{name}/AS"))));
        }
        self.explain(own.number, Zone::Field);
        self.additions.push(Addition::FormFilled);
        if !is_button {
            self.filled_look(new, own, name);
        }
        self.explain_below(new, &[b"V", b"AP"])
    }
}

/// A field, or its widget, and nothing else besides.
pub(super) fn field_dictionary(found: Option<Indirect>) -> Option<Dictionary> {
    let Indirect { value: Value { object: Object::Dictionary(dictionary), .. }, is_stream: false, .. } = found? else {
        return None;
    };
    let is = |key: &[u8], kind: &[u8]| dictionary.get(key).is_none() || dictionary.name(key) == Some(kind);
    (is(b"Type", b"Annot") && is(b"Subtype", b"Widget")).then_some(dictionary)
}

/// A widget leads up to its field, or nowhere: some writers leave that out.
pub(super) fn leads_to(widget: &Dictionary, field: Reference) -> bool {
    widget.get(b"Parent").is_none_or(|above| above.object.as_reference() == Some(field))
}
