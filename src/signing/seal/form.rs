//! A page of a file that was written here becomes a form (ISO 32000-2 §8.10), with all that it needs.

use std::collections::HashMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::SealImage;
use crate::core::pdf::document::Document;
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::page;
use crate::core::pdf::update::NewObject;

/// Objects of a seal.
const OBJECTS: usize = 1000;

/// The image of a seal and its lower left corner, in points.
pub struct PlacedImage<'a> {
    pub image: &'a SealImage,
    pub left: f64,
    pub bottom: f64,
}

/// The form and the objects that it refers to. `None`: the file is none of those that are written here.
pub fn form(file: &[u8], (width, height): (f64, f64), image: Option<PlacedImage<'_>>) -> Option<Vec<NewObject>> {
    let document = Document::read(file).ok()?;
    let [page] = *page::pages(&document).ok()?.as_slice() else { return None };
    let page = page::page(&document, page).ok()?;
    let contents = page.dictionary.get(b"Contents")?.object.as_reference()?;
    let mut content = document.stream(contents).ok()??.octets;
    // The form comes first; what it refers to after it.
    let empty = NewObject { object: Object::Null, data: None };
    let mut taken = Taken { document: &document, numbers: HashMap::new(), objects: vec![empty] };
    let mut resources = Dictionary::default();
    for (key, value) in page.resources?.iter() {
        // What it said before PDF 1.4 (§14.2).
        if key != b"ProcSet" {
            resources.set(key, taken.object(&document.resolve(value).ok()??.value.object)?);
        }
    }
    if let Some(placed) = image {
        let space = rgb(&resources, &taken.objects)?;
        let name = taken.image(placed.image, space)?;
        resources.set(b"XObject", Object::Dictionary(Dictionary::default().with("Seal", name)));
        let (across, up) = (placed.image.width, placed.image.height);
        let painting = format!("q {across:.3} 0 0 {up:.3} {:.3} {:.3} cm /Seal Do Q\n", placed.left, placed.bottom);
        content = [painting.as_bytes(), &content].concat();
    }
    let dictionary = Dictionary::default()
        .with("Type", Object::of_name("XObject"))
        .with("Subtype", Object::of_name("Form"))
        .with("BBox", Object::of_array([0.0, 0.0, width, height].map(Object::Real)))
        .with("Resources", Object::Dictionary(resources));
    let mut objects = taken.objects;
    objects[0] = compressed(dictionary, &content)?;
    Some(objects)
}

fn compressed(dictionary: Dictionary, octets: &[u8]) -> Option<NewObject> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).ok()?;
    let dictionary = dictionary.with("Filter", Object::of_name("FlateDecode"));
    Some(NewObject { object: Object::Dictionary(dictionary), data: Some(encoder.finish().ok()?) })
}

/// A colour space of three components, which whatever is drawn here has: that of the file.
fn rgb(resources: &Dictionary, objects: &[NewObject]) -> Option<Object> {
    let spaces = resources.get(b"ColorSpace")?.object.as_dictionary()?;
    let taken = |local: Reference| objects.get((local.number as usize).wrapping_sub(1));
    let has_three = |space: &Object| {
        let profile = space.as_array().and_then(|parts| parts.get(1)).and_then(|profile| profile.object.as_reference());
        let profile = profile.and_then(taken);
        profile.and_then(|profile| profile.object.as_dictionary()).and_then(|profile| profile.integer(b"N")) == Some(3)
    };
    let resolved = |value: &Value| match &value.object {
        Object::Reference(local) => taken(*local).map(|new| new.object.clone()),
        direct => Some(direct.clone()),
    };
    spaces
        .iter()
        .find(|(_, value)| resolved(value).is_some_and(|space| has_three(&space)))
        .map(|(_, value)| value.object.clone())
}

/// What was taken from the file so far, and how it is called now.
struct Taken<'a, 'd> {
    document: &'a Document<'d>,
    numbers: HashMap<Reference, usize>,
    objects: Vec<NewObject>,
}

impl Taken<'_, '_> {
    fn add(&mut self, object: NewObject) -> Object {
        self.objects.push(object);
        local(self.objects.len())
    }

    /// The same object with references to what was taken.
    fn object(&mut self, object: &Object) -> Option<Object> {
        Some(match object {
            Object::Reference(reference) => {
                if let Some(known) = self.numbers.get(reference) {
                    return Some(local(*known));
                }
                if self.objects.len() >= OBJECTS {
                    return None;
                }
                let empty = NewObject { object: Object::Null, data: None };
                let name = self.add(empty);
                let index = self.objects.len();
                self.numbers.insert(*reference, index);
                self.objects[index - 1] = self.indirect(*reference)?;
                name
            }
            Object::Array(values) => {
                let values: Option<Vec<Object>> = values.iter().map(|value| self.object(&value.object)).collect();
                Object::of_array(values?)
            }
            Object::Dictionary(dictionary) => Object::Dictionary(self.dictionary(dictionary)?),
            plain => plain.clone(),
        })
    }

    fn dictionary(&mut self, dictionary: &Dictionary) -> Option<Dictionary> {
        let mut taken = Dictionary::default();
        for (key, value) in dictionary.iter() {
            taken.set(key, self.object(&value.object)?);
        }
        Some(taken)
    }

    fn indirect(&mut self, reference: Reference) -> Option<NewObject> {
        let Some(stream) = self.document.stream(reference).ok()? else {
            let object = self.document.object(reference).ok()??.value.object;
            return Some(NewObject { object: self.object(&object)?, data: None });
        };
        let mut dictionary = Dictionary::default();
        for (key, value) in stream.dictionary.iter() {
            if ![&b"Length"[..], b"Filter", b"DecodeParms"].contains(&key) {
                dictionary.set(key, self.object(&value.object)?);
            }
        }
        compressed(dictionary, &stream.octets)
    }

    /// The image, and as a stencil what of it is left out (§8.9.6.3): no transparency, which PDF/A-1 forbids.
    fn image(&mut self, image: &SealImage, space: Object) -> Option<Object> {
        let (across, up) = (i64::from(image.pixels.0), i64::from(image.pixels.1));
        let plain = || {
            Dictionary::default()
                .with("Type", Object::of_name("XObject"))
                .with("Subtype", Object::of_name("Image"))
                .with("Width", Object::Integer(across))
                .with("Height", Object::Integer(up))
        };
        let mut dictionary = plain().with("ColorSpace", space).with("BitsPerComponent", Object::Integer(8));
        if let Some(left_out) = &image.left_out {
            let stencil = plain().with("ImageMask", Object::Boolean(true)).with("BitsPerComponent", Object::Integer(1));
            dictionary.set(b"Mask", self.add(compressed(stencil, left_out)?));
        }
        Some(self.add(compressed(dictionary, &image.colours)?))
    }
}

fn local(number: usize) -> Object {
    Object::Reference(Reference { number: number as u32, generation: 0 })
}
