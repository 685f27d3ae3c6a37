//! Where an annotation can be seen (ISO 32000-2 §12.5).

use super::look::is_bounded;
use crate::core::pdf::document::{Document, Indirect};
use crate::core::pdf::geometry::{Rectangle, number};
use crate::core::pdf::object::{Dictionary, Object, Value};
use crate::core::pdf::page::numbers;

const NO_ZOOM: i64 = 1 << 3;
const NO_ROTATE: i64 = 1 << 4;

/// Kinds whose place is their rectangle even without an appearance stream, and the keys that would say otherwise.
const IN_RECTANGLE: [&[u8]; 12] = [
    b"Link",
    b"Widget",
    b"Popup",
    b"Text",
    b"FileAttachment",
    b"FreeText",
    b"Square",
    b"Circle",
    b"Stamp",
    b"Sound",
    b"Movie",
    b"Screen",
];
/// Of those, what is drawn as an icon of the reader's own size.
const ICONS: [&[u8]; 3] = [b"Text", b"FileAttachment", b"Sound"];
const ELSEWHERE: [&[u8]; 5] = [b"QuadPoints", b"InkList", b"Vertices", b"L", b"CL"];

/// What an annotation covers at the most, hidden or not, for that can be another way on paper; `None`: nothing. What is not understood is
/// everywhere.
pub fn covered(document: &Document<'_>, annotation: &Dictionary) -> Option<Rectangle> {
    let Some(flags) = flags(document, annotation) else { return Some(Rectangle::EVERYWHERE) };
    let Some(own) = rectangle(document, annotation) else { return Some(Rectangle::EVERYWHERE) };
    let subtype = annotation.name(b"Subtype").unwrap_or_default();
    // A watermark may choose its place when the page is printed (§12.5.6.22).
    let is_there = subtype != b"Watermark"
        && has_bounded_looks(document, annotation)
        && (has_appearance(document, annotation)
            || IN_RECTANGLE.contains(&subtype) && ELSEWHERE.iter().all(|key| annotation.get(key).is_none()));
    if !is_there {
        return Some(Rectangle::EVERYWHERE);
    }
    if own.width() == 0.0 && own.height() == 0.0 {
        return None;
    }
    let Some(border) = border(document, annotation) else { return Some(Rectangle::EVERYWHERE) };
    // An icon that keeps its size or does not turn with the page leaves its rectangle.
    let is_icon = ICONS.contains(&subtype) && !has_appearance(document, annotation);
    let leaves =
        if flags & (NO_ZOOM | NO_ROTATE) == 0 && !is_icon { 0.0 } else { 24.0 + own.width().max(own.height()) };
    Some(own.expanded(1.0 + border + leaves))
}

fn flags(document: &Document<'_>, annotation: &Dictionary) -> Option<i64> {
    match document.get(annotation, b"F").ok()? {
        None => Some(0),
        Some(Object::Integer(flags)) => Some(flags),
        Some(_) => None,
    }
}

fn rectangle(document: &Document<'_>, annotation: &Dictionary) -> Option<Rectangle> {
    let corners = document.get(annotation, b"Rect").ok()??;
    Rectangle::of_corners(&numbers(document, &corners).ok()??)
}

/// There is a normal appearance to all viewers: a stream, or that of the state it is in (§12.5.5).
fn has_appearance(document: &Document<'_>, annotation: &Dictionary) -> bool {
    let Ok(Some(appearances)) = document.dictionary(annotation, b"AP") else { return false };
    let Some(Ok(Some(normal))) = appearances.get(b"N").map(|normal| document.resolve(normal)) else { return false };
    let Object::Dictionary(states) = &normal.value.object else { return false };
    let state = || annotation.name(b"AS").and_then(|state| states.get(state));
    normal.is_stream || state().is_some_and(|own| matches!(document.resolve(own), Ok(Some(found)) if found.is_stream))
}

/// Each of its looks, in each state, has a box of its own: some readers do not cut it else.
fn has_bounded_looks(document: &Document<'_>, annotation: &Dictionary) -> bool {
    let is_look = |value: &Value| -> Option<bool> {
        let found = document.resolve(value).ok()??;
        let dictionary = found.value.object.as_dictionary()?;
        if found.is_stream { is_bounded(document, value.object.as_reference()?, dictionary) } else { None }
    };
    let is_right = |value: &Value| match document.resolve(value) {
        Ok(Some(Indirect { value: Value { object: Object::Dictionary(states), .. }, is_stream: false, .. })) => {
            states.iter().all(|(_, state)| is_look(state) == Some(true))
        }
        _ => is_look(value) == Some(true),
    };
    match document.dictionary(annotation, b"AP") {
        Ok(None) => true,
        Ok(Some(looks)) => looks.iter().all(|(_, value)| is_right(value)),
        Err(_) => false,
    }
}

/// The widths of its border that it says, together.
fn border(document: &Document<'_>, annotation: &Dictionary) -> Option<f64> {
    let mut width = 1.0;
    if let Some(border) = document.array(annotation, b"Border").ok()?
        && let Some(value) = border.get(2)
    {
        width += number(&document.resolve(value).ok()??.value.object)?.abs();
    }
    if let Some(style) = document.dictionary(annotation, b"BS").ok()?
        && let Some(value) = document.get(&style, b"W").ok()?
    {
        width += number(&value)?.abs();
    }
    Some(width)
}
