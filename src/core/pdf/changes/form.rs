//! The form: signature fields that were added or signed, and fields that were filled.

use std::collections::HashSet;

use super::{
    Addition, Change, Checked, Comparison, Key, Look, Zone, allowed, difference, keys, reference, same, same_values,
};
use crate::core::pdf::document::Indirect;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::{permissions, text};

/// How deep fields stand in each other.
const DEPTH: usize = 32;
/// What signing an empty field changes in it, and filling any other.
const SIGNED: [&[u8]; 3] = [b"V", b"AP", b"M"];
const FILLED: [&[u8]; 6] = [b"V", b"AP", b"AS", b"M", b"RV", b"I"];

/// What a signature field that is a widget may have (tables 166, 191, 226, 232); nothing that is drawn elsewhere or starts something.
const OF_WIDGET: [&[u8]; 22] = [
    b"Type", b"Subtype", b"FT", b"T", b"TU", b"TM", b"V", b"Ff", b"F", b"Rect", b"P", b"AP", b"M", b"NM", b"Lock",
    b"SV", b"MK", b"BS", b"Border", b"DA", b"Q", b"H",
];

/// What a field has of those above it, as it was signed.
#[derive(Default)]
struct Above {
    name: String,
    reference: Option<Reference>,
    is_signature: bool,
    was_signed: bool,
    /// As it is now.
    is_signed: bool,
}

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
        if let Some(reference) = reference(after) {
            self.leads(reference.number, Zone::Form);
        }
        let old_fields = self.signed.array(&old, b"Fields")?.unwrap_or_default();
        for key in keys(&old, &new) {
            let is_allowed = match key.as_slice() {
                b"Fields" => true,
                // How values of fields are drawn, where there are none.
                b"DA" | b"DR" | b"Q" if same_values(old.get(&key), new.get(&key)) => true,
                b"DA" | b"DR" | b"Q" if self.draws_nothing(reference(before))? => {
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
            allowed!(self.kept_field(field, &Above::default(), DEPTH)?);
        }
        for field in added {
            // Two fields of one name are one, to some.
            if !names.insert(self.partial_name(field)?) {
                return Ok(Err(Change::Form.key(b"T")));
            }
            allowed!(self.added_field(field)?);
        }
        Ok(Ok(()))
    }

    /// Nothing was there that viewers draw as the form says: no field but signatures, no annotation of free text.
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

    fn partial_name(&self, field: &Value) -> Result<String, PdfFault> {
        let Some(found) = self.now.resolve(field)? else { return Ok(String::new()) };
        let Object::Dictionary(dictionary) = &found.value.object else { return Ok(String::new()) };
        Ok(match self.now.get(dictionary, b"T")? {
            Some(Object::String { octets, .. }) => text::string(&octets),
            _ => String::new(),
        })
    }

    /// A field that was there, and those below it.
    fn kept_field(&mut self, field: &Value, above: &Above, depth: usize) -> Checked<()> {
        let depth = depth.checked_sub(1).ok_or(PdfFault { at: field.span.start, kind: PdfFaultKind::Depth })?;
        let (before, after) = (self.signed.resolve(field)?, self.now.resolve(field)?);
        let (Some(old), Some(new)) = (field_dictionary(before), field_dictionary(after)) else {
            return Ok(Ok(()));
        };
        let part = self.partial_name(field)?;
        let own = Above {
            name: match (above.name.is_empty(), part.is_empty()) {
                (true, _) => part,
                (_, true) => above.name.clone(),
                _ => format!("{}.{part}", above.name),
            },
            reference: field.object.as_reference(),
            is_signature: old
                .get(b"FT")
                .map_or(above.is_signature, |kind| kind.object == Object::Name(b"Sig".to_vec())),
            was_signed: above.was_signed || old.get(b"V").is_some(),
            is_signed: above.is_signed || new.get(b"V").is_some(),
        };
        if let Some(reference) = field.object.as_reference()
            && self.written.contains(&reference.number)
        {
            // Readers go up by this, and find kind and value there.
            if new.get(b"Parent").map(|above| above.object.as_reference()) != above.reference.map(Some) {
                return Ok(Err(Change::Form.at(format!("{}/Parent", own.name))));
            }
            allowed!(if own.is_signature {
                self.signed_field(&old, &new, reference, &own)?
            } else {
                self.filled_field(&old, &new, reference, &own.name)?
            });
        }
        for kid in self.now.array(&new, b"Kids")?.unwrap_or_default() {
            allowed!(self.kept_field(&kid, &own, depth)?);
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
        self.look(new, own, name);
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
            let leads_here = widget.get(b"Parent").and_then(|above| above.object.as_reference()) == Some(own);
            if is_named || !is_signature || !leads_here {
                return Ok(false);
            }
            known.insert(reference.number);
        }
        let mut children = self.referrers.of(own.number).unwrap_or_default().iter().filter(|by| by.is_at(Key::Parent));
        Ok(children.all(|child| child.from.is_some_and(|from| known.contains(&from))))
    }

    /// Another field that has another value, or a widget that shows one.
    fn filled_field(&mut self, old: &Dictionary, new: &Dictionary, own: Reference, name: &str) -> Checked<()> {
        if let Some(key) = difference(old, new, &FILLED) {
            return Ok(Err(Change::Form.at(format!("{name}/{}", String::from_utf8_lossy(&key)))));
        }
        if !self.rules.allow_form_filling() {
            return Ok(Err(Change::FormFilled.at(name)));
        }
        if self.rules.permissions.locks(name) {
            return Ok(Err(Change::Locked.at(name)));
        }
        allowed!(self.appearances(new, name)?);
        self.explain(own.number, Zone::Field);
        self.additions.push(Addition::FormFilled);
        self.explain_below(new, &[b"V", b"AP"])
    }

    /// A signature field that was added with its signature.
    fn added_field(&mut self, field: &Value) -> Checked<()> {
        let Some(own) = field.object.as_reference().filter(|own| self.is_new(own.number)) else {
            return Ok(Err(Change::Form.key(b"Fields")));
        };
        let Some(new) = field_dictionary(self.now.object(own)?) else {
            return Ok(Err(Change::Form.key(b"Fields")));
        };
        let name = self.partial_name(field)?;
        if new.name(b"FT") != Some(b"Sig") {
            return Ok(Err(Change::Form.at(name)));
        }
        if let Some(key) = new.keys().find(|key| !OF_WIDGET.contains(key)) {
            return Ok(Err(Change::Form.at(format!("{name}/{}", String::from_utf8_lossy(key)))));
        }
        self.explain(own.number, Zone::Signature);
        self.signature(&new, own, &name)
    }

    /// What a signature field refers to: its value and its look.
    fn signature(&mut self, field: &Dictionary, own: Reference, name: &str) -> Checked<()> {
        allowed!(self.appearances(field, name)?);
        allowed!(self.explain_below(field, &[b"V", b"AP", b"Lock", b"SV", b"MK"])?);
        let listed = (name.to_owned(), reference(field.get(b"V")));
        let value = field.get(b"V").map(|value| self.now.resolve(value)).transpose()?.flatten();
        let value = value.filter(|found| !found.is_stream && self.referrers.signatures.contains(&listed));
        let Some(Object::Dictionary(value)) = value.map(|found| found.value.object) else {
            return Ok(Err(Change::Form.at(name)));
        };
        let is_stamp = value.name(b"SubFilter") == Some(b"ETSI.RFC3161");
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
        self.widgets.insert(own.number);
        self.look(field, own, name);
        Ok(Ok(()))
    }

    /// They are a dictionary, and not the look itself.
    fn appearances(&self, widget: &Dictionary, name: &str) -> Checked<()> {
        let found = widget.get(b"AP").map(|value| self.now.resolve(value)).transpose()?.flatten();
        let is_right = found.is_none_or(|found| !found.is_stream && found.value.object.as_dictionary().is_some());
        Ok(if is_right { Ok(()) } else { Err(Change::Form.at(format!("{name}/AP"))) })
    }

    fn look(&mut self, widget: &Dictionary, own: Reference, field: &str) {
        if can_be_seen(widget) {
            let (field, dictionary) = (field.to_owned(), widget.clone());
            self.visible.push(Look { field, widget: own.number, pages: Vec::new(), dictionary });
        }
    }

    /// New objects below these keys are what a signature or the look of a field consists of.
    fn explain_below(&mut self, field: &Dictionary, keys: &[&[u8]]) -> Checked<()> {
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

/// The first of `list` are the same.
pub(super) fn starts_with(list: &[Value], first: &[Value]) -> bool {
    list.len() >= first.len() && first.iter().zip(list).all(|(one, other)| same(&one.object, &other.object))
}

/// A field, or its widget, and nothing else besides.
fn field_dictionary(found: Option<Indirect>) -> Option<Dictionary> {
    let Indirect { value: Value { object: Object::Dictionary(dictionary), .. }, is_stream: false, .. } = found? else {
        return None;
    };
    let is = |key: &[u8], kind: &[u8]| dictionary.get(key).is_none() || dictionary.name(key) == Some(kind);
    (is(b"Type", b"Annot") && is(b"Subtype", b"Widget")).then_some(dictionary)
}

/// There is a field that is no signature in it, or something that says how its own text is drawn.
fn is_drawn(object: &Object) -> bool {
    match object {
        Object::Array(values) => values.iter().any(|value| is_drawn(&value.object)),
        Object::Dictionary(dictionary) => {
            dictionary.get(b"DA").is_some()
                || dictionary.get(b"FT").is_some() && dictionary.name(b"FT") != Some(b"Sig")
                || dictionary.name(b"Subtype") == Some(b"FreeText")
                || dictionary.iter().any(|(_, value)| is_drawn(&value.object))
        }
        _ => false,
    }
}

/// It has a place on its page, or something to be drawn somewhere.
fn can_be_seen(widget: &Dictionary) -> bool {
    widget.get(b"Rect").is_some() || widget.get(b"AP").is_some()
}
