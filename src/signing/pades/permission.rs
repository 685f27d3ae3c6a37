//! What earlier signatures allow (ISO 32000-2 §12.8.2.2, §12.8.2.4).

use super::PadesError;
use super::form::Field;
use crate::core::pdf::document::Document;
use crate::core::pdf::object::{Dictionary, Object};
use crate::core::pdf::permissions;

/// `P` from which a certification takes further signatures (table 257).
const SIGNATURES: u8 = 2;

/// A signature in the field of this name may be added. What cannot be read allows nothing.
pub fn check(document: &Document<'_>, fields: &[Field], name: &str, certifies: bool) -> Result<(), PadesError> {
    let signed = fields.iter().filter(|field| field.is_signature);
    let signed: Vec<(&Object, &Dictionary)> =
        signed.filter_map(|field| Some((field.value.as_ref()?, &field.dictionary))).collect();
    let catalogue = document.catalogue()?;
    let permitted = document.dictionary(&catalogue, b"Perms")?.unwrap_or_default();
    let certified = document.get(&permitted, b"DocMDP")?;
    if certifies && (!signed.is_empty() || certified.is_some()) {
        return Err(PadesError::NotFirst);
    }
    let no_field = Dictionary::default();
    for (signature, field) in signed.into_iter().chain(certified.as_ref().map(|certified| (certified, &no_field))) {
        let Object::Dictionary(signature) = signature else { return Err(PadesError::Certified) };
        let permissions = permissions::of(document, signature, field)?;
        if permissions.level() < SIGNATURES {
            return Err(PadesError::Certified);
        }
        if permissions.locks(name) {
            return Err(PadesError::Locked(name.to_owned()));
        }
    }
    Ok(())
}
