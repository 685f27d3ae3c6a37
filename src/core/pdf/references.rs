//! Who refers to an object.

use std::collections::{HashMap, HashSet};

use super::document::Document;
use super::fault::PdfFault;
use super::object::{Object, Value};

/// Where a reference stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The indirect object; `None`: the trailer.
    pub from: Option<u32>,
    /// The key at the top of that object; `None`: it is an array.
    pub key: Option<Vec<u8>>,
}

/// Everything in the document that refers to these objects.
pub fn referrers(document: &Document<'_>, wanted: &HashSet<u32>) -> Result<HashMap<u32, Vec<Referrer>>, PdfFault> {
    let mut found: HashMap<u32, Vec<Referrer>> = HashMap::new();
    for (key, value) in document.trailer().iter() {
        collect(value, wanted, &Referrer { from: None, key: Some(key.to_vec()) }, &mut found);
    }
    for number in document.numbers() {
        let Some(reference) = document.in_use(number) else { continue };
        let Some(object) = document.object(reference)? else { continue };
        match &object.value.object {
            Object::Dictionary(dictionary) => {
                for (key, value) in dictionary.iter() {
                    let by = Referrer { from: Some(number), key: Some(key.to_vec()) };
                    collect(value, wanted, &by, &mut found);
                }
            }
            _ => collect(&object.value, wanted, &Referrer { from: Some(number), key: None }, &mut found),
        }
    }
    Ok(found)
}

fn collect(value: &Value, wanted: &HashSet<u32>, by: &Referrer, found: &mut HashMap<u32, Vec<Referrer>>) {
    match &value.object {
        Object::Reference(reference) if wanted.contains(&reference.number) => {
            let known = found.entry(reference.number).or_default();
            if !known.contains(by) {
                known.push(by.clone());
            }
        }
        Object::Array(values) => values.iter().for_each(|value| collect(value, wanted, by, found)),
        Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| collect(value, wanted, by, found)),
        _ => {}
    }
}
