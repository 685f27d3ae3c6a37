//! What a signature says may still be changed (ISO 32000-2 §12.8.2.2, §12.8.2.4, §12.7.5.5): certification, locked fields.

use super::document::Document;
use super::fault::PdfFault;
use super::object::{Dictionary, Object};
use super::text;

/// References to transforms that are looked at, and names of fields.
const TRANSFORMS: usize = 16;
const NAMES: usize = 1000;

/// What one signature, or several together, leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `P` of its DocMDP transform: 1 nothing, 2 forms and signatures, 3 annotations too. It certifies the document.
    pub certification: Option<u8>,
    /// `P` of its field's `Lock`, likewise, from its signature on.
    pub lock: Option<u8>,
    pub locked: Vec<LockedFields>,
}

/// Fields whose values may not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedFields {
    All,
    Include(Vec<String>),
    Exclude(Vec<String>),
}

impl LockedFields {
    /// By the full name of a field; a name stands for the fields below it too.
    fn locks(&self, field: &str) -> bool {
        let is_among = |names: &[String]| {
            names.iter().any(|name| {
                field.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        match self {
            Self::All => true,
            Self::Include(names) => is_among(names),
            Self::Exclude(names) => !is_among(names),
        }
    }
}

impl Permissions {
    /// What both leave open.
    pub fn and(mut self, other: &Self) -> Self {
        let least = |one: Option<u8>, two: Option<u8>| one.into_iter().chain(two).min();
        self.certification = least(self.certification, other.certification);
        self.lock = least(self.lock, other.lock);
        self.locked.extend(other.locked.iter().cloned());
        self
    }

    /// The least of what is left open; 3 if nothing is said.
    pub fn level(&self) -> u8 {
        self.certification.into_iter().chain(self.lock).min().unwrap_or(3)
    }

    pub fn locks(&self, field: &str) -> bool {
        self.locked.iter().any(|locked| locked.locks(field))
    }
}

/// Of a signature dictionary in its field.
pub fn of(document: &Document<'_>, signature: &Dictionary, field: &Dictionary) -> Result<Permissions, PdfFault> {
    let mut permissions = Permissions::default();
    for reference in document.array(signature, b"Reference")?.unwrap_or_default().iter().take(TRANSFORMS) {
        let Some(found) = document.resolve(reference)? else { continue };
        let Object::Dictionary(reference) = found.value.object else { continue };
        let parameters = document.dictionary(&reference, b"TransformParams")?.unwrap_or_default();
        match document.get(&reference, b"TransformMethod")? {
            Some(Object::Name(name)) if name == b"DocMDP" => {
                let own = level(document, &parameters)?.unwrap_or(2);
                permissions.certification = permissions.certification.into_iter().chain([own]).min();
            }
            Some(Object::Name(name)) if name == b"FieldMDP" => {
                permissions.locked.push(locked(document, &parameters)?);
            }
            _ => {}
        }
    }
    if let Some(lock) = document.dictionary(field, b"Lock")? {
        permissions.locked.push(locked(document, &lock)?);
        permissions.lock = level(document, &lock)?;
    }
    Ok(permissions)
}

/// `P`; what is none of the three allows nothing.
fn level(document: &Document<'_>, parameters: &Dictionary) -> Result<Option<u8>, PdfFault> {
    Ok(match document.get(parameters, b"P")? {
        None => None,
        Some(Object::Integer(level @ 1..=3)) => Some(level as u8),
        Some(_) => Some(1),
    })
}

/// What cannot be read locks all.
fn locked(document: &Document<'_>, parameters: &Dictionary) -> Result<LockedFields, PdfFault> {
    let names = || -> Result<Option<Vec<String>>, PdfFault> {
        let Some(Object::Array(fields)) = document.get(parameters, b"Fields")? else { return Ok(None) };
        let mut names = Vec::new();
        for field in &fields {
            match document.resolve(field)?.map(|found| found.value.object) {
                Some(Object::String { octets, .. }) if names.len() < NAMES => names.push(text::string(&octets)),
                _ => return Ok(None),
            }
        }
        Ok(Some(names))
    };
    let Some(Object::Name(action)) = document.get(parameters, b"Action")? else { return Ok(LockedFields::All) };
    let locked = match action.as_slice() {
        b"Include" => names()?.map(LockedFields::Include),
        b"Exclude" => names()?.map(LockedFields::Exclude),
        _ => None,
    };
    Ok(locked.unwrap_or(LockedFields::All))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_fields_below_them() {
        let names = || vec!["a.b".to_owned()];
        for (field, is_among) in [("a.b", true), ("a.b.c", true), ("a.bc", false), ("a", false)] {
            assert_eq!(LockedFields::Include(names()).locks(field), is_among, "{field}");
            assert_eq!(LockedFields::Exclude(names()).locks(field), !is_among, "{field}");
            assert!(LockedFields::All.locks(field));
        }
    }

    #[test]
    fn the_least_that_is_left_open_counts() {
        let of = |certification, lock| Permissions { certification, lock, locked: Vec::new() };
        assert_eq!(Permissions::default().level(), 3);
        assert_eq!(of(Some(2), None).and(&of(None, Some(1))).level(), 1);
        assert_eq!(of(Some(3), None).and(&of(Some(2), None)).level(), 2);
    }
}
