//! Where something is painted on a page (ISO 32000-2 §8, §9, §12.5): to put a seal where nothing is, and to judge whether one that was
//! added hides what was signed.
//!
//! Rather too much than too little: what cuts is passed over, text is as large as its font can be, hidden layers count, and a page that is
//! not understood is painted everywhere. A background is no content: an even fill of nearly the whole page, below everything else.
//!
//! One thing is believed: that the glyphs of a font stay where its `FontBBox` says or near their line.

mod annotation;
mod balance;
mod font;
mod free;
mod interpreter;
mod look;
mod painted;
mod state;
#[cfg(test)]
mod tests;
mod tokens;

pub use free::free_area;
pub use look::{Extent, extent};

use super::document::Document;
use super::fault::{PdfFault, PdfFaultKind};
use super::geometry::Rectangle;
use super::object::{Object, Reference, Value};
use super::page::{Page, page};
use interpreter::{Interpreter, plainly_led};
use painted::Painted;
use tokens::Operators;

/// Annotations of one page.
const ANNOTATIONS: usize = 20_000;
/// A page and those above it.
const NODES: usize = 65;
/// Streams that one page's content is cut into, and its octets.
const CONTENTS: usize = 10_000;
const CONTENT: usize = 32 << 20;

/// The rectangles of a page, in its default user space, outside of which nothing is painted; [`Rectangle::EVERYWHERE`] if that cannot be
/// said.
///
/// # Errors
/// It is no page of the document, or its annotations cannot be read.
pub fn occupied(document: &Document<'_>, reference: Reference) -> Result<Vec<Rectangle>, PdfFault> {
    let mut rectangles = of_content(document, reference)?;
    rectangles.extend(of_annotations(document, reference, &[])?);
    Ok(rectangles)
}

/// Those of its content alone.
///
/// # Errors
/// It is no page of the document.
pub fn of_content(document: &Document<'_>, reference: Reference) -> Result<Vec<Rectangle>, PdfFault> {
    let page = page(document, reference)?;
    let mut interpreter = Interpreter::new(document, Painted::new(page.media_box, page.crop_box));
    if content(document, &page, &mut interpreter).is_none() {
        return Ok(vec![Rectangle::EVERYWHERE]);
    }
    Ok(interpreter.painted.into_rectangles())
}

/// Those of its annotations, but of these objects.
///
/// # Errors
/// It is no page of the document, or they cannot be read.
pub fn of_annotations(document: &Document<'_>, reference: Reference, but: &[u32]) -> Result<Vec<Rectangle>, PdfFault> {
    let page = page(document, reference)?;
    let fault = |kind| PdfFault { at: 0, kind };
    let annotations = document.array(&page.dictionary, b"Annots")?.unwrap_or_default();
    if annotations.len() > ANNOTATIONS {
        return Err(fault(PdfFaultKind::Limit));
    }
    let mut rectangles = Vec::new();
    for annotation in &annotations {
        if annotation.object.as_reference().is_some_and(|reference| but.contains(&reference.number)) {
            continue;
        }
        if annotation
            .object
            .as_reference()
            .is_some_and(|own| document.in_use(own.number).is_some() && document.check_plain(own.number).is_err())
        {
            rectangles.push(Rectangle::EVERYWHERE);
        }
        match document.resolve(annotation)?.map(|found| found.value.object) {
            None if annotation.object.as_reference().is_some_and(|own| document.is_freed(own.number)) => {
                rectangles.push(Rectangle::EVERYWHERE);
            }
            None => {}
            Some(Object::Dictionary(annotation)) => rectangles.extend(annotation::covered(document, &annotation)),
            Some(_) => return Err(fault(PdfFaultKind::Type)),
        }
    }
    Ok(rectangles)
}

/// Whether any of them shares more than an edge with this one.
pub fn overlaps(occupied: &[Rectangle], rectangle: &Rectangle) -> bool {
    occupied.iter().any(|other| other.overlaps(rectangle))
}

/// The page and the nodes above it, and what they lead to of what is inherited, are read alike by all.
fn is_plain(document: &Document<'_>, page: &Page) -> Option<()> {
    let mut at = Some(page.reference);
    for _ in 0..NODES {
        let Some(reference) = at else { return Some(()) };
        document.check_plain(reference.number).ok()?;
        let found = document.object(reference).ok()??;
        let node = found.value.object.as_dictionary()?;
        for key in [&b"Resources"[..], b"MediaBox", b"CropBox", b"Rotate", b"Annots"] {
            plainly_led(document, node, key)?;
        }
        at = node.get(b"Parent").and_then(|above| above.object.as_reference());
    }
    None
}

/// Follows the content of the page; `None` if it is not understood.
fn content(document: &Document<'_>, page: &Page, interpreter: &mut Interpreter<'_, '_>) -> Option<()> {
    is_plain(document, page)?;
    let Some(contents) = page.dictionary.get(b"Contents") else { return Some(()) };
    let parts: Vec<Value> = match contents.object {
        Object::Array(_) => document.array(&page.dictionary, b"Contents").ok()??,
        Object::Reference(_) => {
            let found = document.resolve(contents).ok()?;
            match found {
                None => return Some(()),
                Some(found) if found.is_stream => vec![contents.clone()],
                Some(_) => document.array(&page.dictionary, b"Contents").ok()??,
            }
        }
        _ => return None,
    };
    if parts.len() > CONTENTS {
        return None;
    }
    // No word goes over the end of a part (§7.8.2), but some readers put nothing between two of them, and some a blank.
    let mut octets: Vec<u8> = Vec::new();
    for part in parts {
        let stream = interpreter.stream(part.object.as_reference()?)?;
        if stream.octets.len() > CONTENT - octets.len().min(CONTENT) || !Operators::new(&stream.octets).are_whole() {
            return None;
        }
        if tokens::ends_in_comment(&octets) || tokens::may_merge(&octets, &stream.octets) {
            return None;
        }
        octets.extend_from_slice(&stream.octets);
        octets.push(b' ');
    }
    interpreter.run(&octets, page.resources.as_ref())
}
