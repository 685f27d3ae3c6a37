//! The form of a PDF (ISO 32000-2 §12.7): its fields as they are, and one more.

use std::collections::HashSet;

use super::PadesError;
use super::error::FieldFault;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::text;
use crate::core::pdf::update::Update;

/// Fields that are looked at, and how deep they stand in each other.
const FIELDS: usize = 10_000;
const DEPTH: usize = 32;
/// Characters of the name of a new field.
const LONGEST_NAME: usize = 128;
/// `SigFlags` (table 225): there are signatures, and the file is only appended to.
const SIGNATURES_EXIST_APPEND_ONLY: i64 = 3;

/// A field without fields below it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its partial names from the top, joined by full stops (§12.7.4.2).
    pub name: String,
    /// `None`: it is no object of its own.
    pub reference: Option<Reference>,
    pub dictionary: Dictionary,
    pub is_signature: bool,
    /// Its value, own or of a field above.
    pub value: Option<Object>,
}

/// Every field of the form.
pub fn fields(document: &Document<'_>) -> Result<Vec<Field>, PdfFault> {
    let Some(form) = document.dictionary(&document.catalogue()?, b"AcroForm")? else { return Ok(Vec::new()) };
    let top = document.array(&form, b"Fields")?.unwrap_or_default();
    let mut walk = Walk { document, seen: HashSet::new(), left: FIELDS, found: Vec::new() };
    for field in &top {
        walk.field(field, &Inherited::default(), DEPTH)?;
    }
    Ok(walk.found)
}

#[derive(Clone, Default)]
struct Inherited {
    name: String,
    is_signature: bool,
    value: Option<Object>,
}

struct Walk<'a, 'd> {
    document: &'a Document<'d>,
    seen: HashSet<Reference>,
    left: usize,
    found: Vec<Field>,
}

impl Walk<'_, '_> {
    fn field(&mut self, field: &Value, above: &Inherited, depth: usize) -> Result<(), PdfFault> {
        let fault = |kind| PdfFault { at: field.span.start, kind };
        self.left = self.left.checked_sub(1).ok_or_else(|| fault(PdfFaultKind::Limit))?;
        let depth = depth.checked_sub(1).ok_or_else(|| fault(PdfFaultKind::Depth))?;
        let reference = field.object.as_reference();
        if reference.is_some_and(|reference| !self.seen.insert(reference)) {
            return Err(fault(PdfFaultKind::Circle));
        }
        let Some(found) = self.document.resolve(field)? else { return Ok(()) };
        let Object::Dictionary(dictionary) = found.value.object else { return Err(fault(PdfFaultKind::Type)) };
        let mut own = above.clone();
        if let Some(part) = self.document.get(&dictionary, b"T")? {
            let Object::String { octets, .. } = part else { return Err(fault(PdfFaultKind::Type)) };
            let part = text::string(&octets);
            own.name = if own.name.is_empty() { part } else { format!("{}.{part}", own.name) };
        }
        if let Some(kind) = self.document.get(&dictionary, b"FT")? {
            own.is_signature = kind == Object::of_name("Sig");
        }
        if let Some(value) = self.document.get(&dictionary, b"V")? {
            own.value = Some(value);
        }
        let mut has_fields = false;
        for kid in self.document.array(&dictionary, b"Kids")?.unwrap_or_default() {
            let is_field = match self.document.resolve(&kid)?.map(|kid| kid.value.object) {
                Some(Object::Dictionary(kid)) => kid.get(b"T").is_some(),
                _ => false,
            };
            if is_field {
                has_fields = true;
                self.field(&kid, &own, depth)?;
            }
        }
        if !has_fields {
            let Inherited { name, is_signature, value } = own;
            self.found.push(Field { name, reference, dictionary, is_signature, value });
        }
        Ok(())
    }
}

/// Where a signature goes.
pub enum Place {
    /// A field that is there, and empty.
    Existing { reference: Reference, dictionary: Dictionary },
    /// A field that is to be made, of this name.
    New(String),
}

/// The place of this name, or one that is free: `Signature1` and so on, `Timestamp1` for time-stamps.
pub fn place(fields: &[Field], wanted: Option<&str>, prefix: &str) -> Result<Place, PadesError> {
    let Some(name) = wanted else {
        // Also free of fields that have others below them.
        let top: HashSet<&str> = fields.iter().filter_map(|field| field.name.split('.').next()).collect();
        let free = (1_usize..).map(|number| format!("{prefix}{number}")).find(|name| !top.contains(name.as_str()));
        return Ok(Place::New(free.unwrap_or_default()));
    };
    let wrong = |fault| PadesError::Field { name: name.to_owned(), fault };
    let below = |field: &Field| field.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    match fields.iter().find(|field| field.name == name) {
        None if fields.iter().any(below) => Err(wrong(FieldFault::NoSignatureField)),
        None => {
            let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
            if !fits || name.contains('.') || name.chars().any(char::is_control) {
                return Err(wrong(FieldFault::Name));
            }
            Ok(Place::New(name.to_owned()))
        }
        Some(field) if !field.is_signature => Err(wrong(FieldFault::NoSignatureField)),
        Some(field) if field.value.is_some() => Err(wrong(FieldFault::Signed)),
        Some(field) if field.dictionary.get(b"SV").is_some() => Err(wrong(FieldFault::Demanding)),
        Some(Field { reference: None, .. }) => Err(wrong(FieldFault::Inline)),
        Some(Field { reference: Some(reference), dictionary, .. }) => {
            Ok(Place::Existing { reference: *reference, dictionary: dictionary.clone() })
        }
    }
}

/// Lists a new field, and says that there are signatures.
pub fn list(document: &Document<'_>, update: &mut Update<'_, '_>, field: Option<Reference>) -> Result<(), PdfFault> {
    let (root, catalogue) = catalogue(document, update)?;
    let (own, mut form) = match catalogue.get(b"AcroForm").map(|value| &value.object) {
        Some(Object::Reference(reference)) => (Some(*reference), update.dictionary(*reference)?),
        Some(Object::Dictionary(form)) => (None, form.clone()),
        Some(_) => return Err(PdfFault { at: 0, kind: PdfFaultKind::Type }),
        None => (Some(update.reserve()), Dictionary::default()),
    };
    let flags = form.integer(b"SigFlags").unwrap_or(0);
    form.set(b"SigFlags", Object::Integer(flags | SIGNATURES_EXIST_APPEND_ONLY));
    if let Some(field) = field {
        append(document, update, &mut form, b"Fields", field)?;
    }
    match own {
        Some(own) => {
            let is_new = catalogue.get(b"AcroForm").is_none();
            update.put(own, Object::Dictionary(form));
            if is_new {
                update.put(root, Object::Dictionary(catalogue.with("AcroForm", Object::Reference(own))));
            }
        }
        None => update.put(root, Object::Dictionary(catalogue.with("AcroForm", Object::Dictionary(form)))),
    }
    Ok(())
}

/// The catalogue as the update leaves it, and which object it is.
pub fn catalogue(document: &Document<'_>, update: &Update<'_, '_>) -> Result<(Reference, Dictionary), PdfFault> {
    let missing = PdfFault { at: document.sections()[0].at, kind: PdfFaultKind::Type };
    let root = document.trailer().get(b"Root").and_then(|root| root.object.as_reference()).ok_or(missing)?;
    Ok((root, update.dictionary(root)?))
}

/// One more reference in the array under this key: in the dictionary, or where the array stands as an object of its own.
pub fn append(
    document: &Document<'_>,
    update: &mut Update<'_, '_>,
    dictionary: &mut Dictionary,
    key: &[u8],
    new: Reference,
) -> Result<(), PdfFault> {
    let longer = |values: &[Value]| {
        Object::of_array(values.iter().map(|value| value.object.clone()).chain([Object::Reference(new)]))
    };
    let wrong = PdfFault { at: dictionary.get(key).map_or(0, |value| value.span.start), kind: PdfFaultKind::Type };
    match dictionary.get(key).map(|value| value.object.clone()) {
        None => dictionary.set(key, longer(&[])),
        Some(Object::Array(values)) => dictionary.set(key, longer(&values)),
        Some(Object::Reference(reference)) => match update.object(reference)? {
            Some(Object::Array(values)) => update.put(reference, longer(&values)),
            // A reference to a reference, or to nothing: the array is written anew where it is wanted.
            _ => {
                let values = document.array(dictionary, key)?.unwrap_or_default();
                dictionary.set(key, longer(&values));
            }
        },
        Some(_) => return Err(wrong),
    }
    Ok(())
}
