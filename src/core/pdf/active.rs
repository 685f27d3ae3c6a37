//! What can make a PDF show something else than it did when it was signed: programs, XFA forms, actions that start something, octets
//! in other files (ISO 32000-2 §12.6, §7.11.4).

use super::cross_references::Place;
use super::document::Document;
use super::fault::PdfFault;
use super::object::{Dictionary, Object, Reference};

/// Actions that show or start something else (§12.6.4).
const ACTIONS: [&[u8]; 9] = [
    b"JavaScript",
    b"Launch",
    b"ImportData",
    b"SubmitForm",
    b"ResetForm",
    b"Hide",
    b"SetOCGState",
    b"Rendition",
    b"RichMediaExecute",
];

/// Whether there is any, in whatever object, used or not. Every object must be readable.
pub fn content(document: &Document<'_>) -> Result<bool, PdfFault> {
    let mut numbers: Vec<u32> = document.sections.iter().flat_map(|section| section.places.keys().copied()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let generation = match document.place(number) {
            None | Some(Place::Free) => continue,
            Some(Place::At { generation, .. }) => generation,
            Some(Place::In { .. }) => 0,
        };
        if let Some(found) = document.object(Reference { number, generation })?
            && is_active(&found.value.object, found.is_stream)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Nested no deeper than the reader allows.
fn is_active(object: &Object, is_stream: bool) -> bool {
    match object {
        Object::Array(values) => values.iter().any(|value| is_active(&value.object, false)),
        Object::Dictionary(dictionary) => {
            starts_something(dictionary)
                || is_stream && dictionary.get(b"F").is_some()
                || dictionary.iter().any(|(_, value)| is_active(&value.object, false))
        }
        _ => false,
    }
}

fn starts_something(dictionary: &Dictionary) -> bool {
    let action = dictionary.name(b"S").is_some_and(|name| ACTIONS.contains(&name));
    action || dictionary.get(b"XFA").is_some() || dictionary.get(b"JS").is_some()
}
