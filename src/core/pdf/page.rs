//! Pages and what they inherit (ISO 32000-2 §7.7.3).

use std::collections::HashSet;

use super::document::Document;
use super::fault::{PdfFault, PdfFaultKind};
use super::geometry::{Rectangle, number};
use super::object::{Dictionary, Object, Reference, Value};

/// Coordinates of a page, and its sides, in default user space.
const FARTHEST: f64 = 100_000.0;
const SMALLEST: f64 = 1.0;
/// Nodes above a page.
const DEPTH: usize = 64;
/// Nodes and pages of a tree.
const NODES: usize = 200_000;

/// A page of the tree, with what it inherits.
#[derive(Clone, Debug)]
pub struct Page {
    pub reference: Reference,
    pub dictionary: Dictionary,
    pub media_box: Rectangle,
    /// What is shown of it (§14.11.2): in the media box.
    pub crop_box: Rectangle,
    /// Clockwise, in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Of default user space, in 1/72 inch.
    pub user_unit: f64,
    pub resources: Option<Dictionary>,
}

/// As it is looked at: its rotation made, its lower left corner at the origin.
impl Page {
    /// Width and height.
    pub const fn turned_size(&self) -> (f64, f64) {
        let visible = self.crop_box;
        match self.rotation {
            90 | 270 => (visible.height(), visible.width()),
            _ => (visible.width(), visible.height()),
        }
    }

    /// Where a rectangle of default user space is looked at.
    pub fn turned(&self, rectangle: &Rectangle) -> Rectangle {
        let visible = self.crop_box;
        around(rectangle, |x, y| match self.rotation {
            90 => (y - visible.bottom, visible.right - x),
            180 => (visible.right - x, visible.top - y),
            270 => (visible.top - y, x - visible.left),
            _ => (x - visible.left, y - visible.bottom),
        })
    }

    /// In default user space, what is looked at there.
    pub fn unturned(&self, rectangle: &Rectangle) -> Rectangle {
        let visible = self.crop_box;
        around(rectangle, |x, y| match self.rotation {
            90 => (visible.right - y, x + visible.bottom),
            180 => (visible.right - x, visible.top - y),
            270 => (y + visible.left, visible.top - x),
            _ => (x + visible.left, y + visible.bottom),
        })
    }
}

fn around(rectangle: &Rectangle, point: impl Fn(f64, f64) -> (f64, f64)) -> Rectangle {
    Rectangle::around(rectangle.corners().map(|(x, y)| point(x, y))).unwrap_or(Rectangle::EVERYWHERE)
}

/// The pages in their order.
///
/// # Errors
/// The tree is none: a circle, a node in two places, something else than nodes and pages.
pub fn pages(document: &Document<'_>) -> Result<Vec<Reference>, PdfFault> {
    let root = root(document)?;
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let fault = |kind| PdfFault { at: 0, kind };
        if !seen.insert(node) {
            return Err(fault(PdfFaultKind::Circle));
        }
        let dictionary = dictionary(document, node)?;
        if dictionary.name(b"Type") == Some(b"Page") {
            found.push(node);
            continue;
        }
        let kids = document.array(&dictionary, b"Kids")?.ok_or_else(|| fault(PdfFaultKind::Type))?;
        if seen.len() + open.len() + kids.len() > NODES {
            return Err(fault(PdfFaultKind::Limit));
        }
        for kid in kids.iter().rev() {
            open.push(kid.object.as_reference().ok_or_else(|| fault(PdfFaultKind::Type))?);
        }
    }
    Ok(found)
}

/// One page, found from itself upwards: each node above must have it among its kids.
///
/// # Errors
/// It is not in the tree, or its boxes, rotation or unit are not what they must be.
pub fn page(document: &Document<'_>, reference: Reference) -> Result<Page, PdfFault> {
    let own = dictionary(document, reference)?;
    let fault = |kind| PdfFault { at: 0, kind };
    if own.name(b"Type") != Some(b"Page") {
        return Err(fault(PdfFaultKind::Type));
    }
    let root = root(document)?;
    let mut chain = vec![own.clone()];
    let mut at = reference;
    while at != root {
        if chain.len() > DEPTH {
            return Err(fault(PdfFaultKind::Depth));
        }
        let above = chain.last().and_then(|node| node.get(b"Parent")).and_then(|value| value.object.as_reference());
        let above = above.ok_or_else(|| fault(PdfFaultKind::Type))?;
        let node = dictionary(document, above)?;
        let kids = document.array(&node, b"Kids")?.unwrap_or_default();
        if !kids.iter().any(|kid| kid.object.as_reference() == Some(at)) {
            return Err(fault(PdfFaultKind::Type));
        }
        chain.push(node);
        at = above;
    }
    let inherited = |key: &[u8]| -> Result<Option<Object>, PdfFault> {
        for node in &chain {
            if let Some(found) = document.get(node, key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    let boxed = |key: &[u8]| match inherited(key)? {
        None => Ok(None),
        Some(object) => numbers(document, &object)?
            .and_then(|corners| Rectangle::of_corners(&corners))
            .map(Some)
            .ok_or_else(|| fault(PdfFaultKind::Type)),
    };
    let media_box = boxed(b"MediaBox")?.ok_or_else(|| fault(PdfFaultKind::Type))?;
    let crop_box = boxed(b"CropBox")?.map_or(media_box, |crop_box| crop_box.shared(media_box));
    let rotation = match inherited(b"Rotate")? {
        None => 0,
        Some(Object::Integer(degrees)) if degrees % 90 == 0 => degrees.rem_euclid(360) as u16,
        Some(_) => return Err(fault(PdfFaultKind::Type)),
    };
    let user_unit = match document.get(&own, b"UserUnit")? {
        None => 1.0,
        Some(object) => {
            number(&object).filter(|unit| (0.001..=75_000.0).contains(unit)).ok_or_else(|| fault(PdfFaultKind::Type))?
        }
    };
    let resources = match inherited(b"Resources")? {
        None => None,
        Some(Object::Dictionary(resources)) => Some(resources),
        Some(_) => return Err(fault(PdfFaultKind::Type)),
    };
    // Neither of them may be turned inside out, or so small or far away that numbers of 32 bits have it empty: readers have a page of their own
    // for that.
    let is_sound = |own: Rectangle| {
        let is_near = own.corners().iter().all(|(x, y)| x.abs() <= FARTHEST && y.abs() <= FARTHEST);
        is_near && own.width() >= SMALLEST && own.height() >= SMALLEST
    };
    if !is_sound(media_box) || !is_sound(crop_box) {
        return Err(fault(PdfFaultKind::Type));
    }
    Ok(Page { reference, dictionary: own, media_box, crop_box, rotation, user_unit, resources })
}

fn root(document: &Document<'_>) -> Result<Reference, PdfFault> {
    let pages = document.catalogue()?.get(b"Pages").and_then(|value| value.object.as_reference());
    pages.ok_or(PdfFault { at: 0, kind: PdfFaultKind::Type })
}

fn dictionary(document: &Document<'_>, reference: Reference) -> Result<Dictionary, PdfFault> {
    match document.object(reference)?.map(|found| found.value) {
        Some(Value { object: Object::Dictionary(dictionary), .. }) => Ok(dictionary),
        other => Err(PdfFault { at: other.map_or(0, |value| value.span.start), kind: PdfFaultKind::Type }),
    }
}

/// An array of numbers, each of which may be referred to; `None` if it is something else.
pub fn numbers(document: &Document<'_>, object: &Object) -> Result<Option<Vec<f64>>, PdfFault> {
    let Some(values) = object.as_array() else { return Ok(None) };
    let mut numbers = Vec::with_capacity(values.len());
    for value in values {
        let found = match number(&value.object) {
            Some(direct) => Some(direct),
            None => document.resolve(value)?.and_then(|found| number(&found.value.object)),
        };
        let Some(found) = found else { return Ok(None) };
        numbers.push(found);
    }
    Ok(Some(numbers))
}
