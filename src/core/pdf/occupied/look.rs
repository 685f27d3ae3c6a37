//! Where the look of a field is drawn by every viewer, however it scales or clips (ISO 32000-2 §12.5.5).

use super::balance::is_balanced;
use crate::core::pdf::document::Document;
use crate::core::pdf::geometry::{Rectangle, number};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::page::numbers;

/// `NoZoom`, `NoRotate`: it is drawn outside of its rectangle too.
const LEAVES: i64 = 8 | 16;
/// What its frame may take beside it, in points.
const FRAME: f64 = 1.0;

/// How a look is made where there is none (tables 176, 187, 188).
const FRAMES: [&[u8]; 3] = [b"MK", b"BS", b"Border"];

/// Coordinates of a look and its place, its sides, and the scales of its matrix, with which readers calculate alike.
const FARTHEST: f64 = 32_767.0;
const SMALLEST: f64 = 0.1;
const SCALES: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

/// Where something can be seen of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    Nowhere,
    In(Rectangle),
    /// Viewers differ.
    Unknown,
}

/// Of a widget, hidden or not: that can be another way on paper. Only a normal appearance with a box of its own is drawn in the rectangle by all.
pub fn extent(document: &Document<'_>, widget: &Dictionary) -> Extent {
    judged(document, widget).unwrap_or(Extent::Unknown)
}

fn judged(document: &Document<'_>, widget: &Dictionary) -> Option<Extent> {
    let flags = match document.get(widget, b"F").ok()? {
        None => 0,
        Some(Object::Integer(flags)) => flags,
        Some(_) => return None,
    };
    let rectangle = match document.get(widget, b"Rect").ok()? {
        None => None,
        Some(corners) => Some(Rectangle::of_corners(&numbers(document, &corners).ok()??)?),
    };
    let has_room = rectangle.filter(|own| own.width() > 0.0 && own.height() > 0.0);
    let appearances = document.dictionary(widget, b"AP").ok()?.unwrap_or_default();
    if appearances.keys().any(|key| key != b"N") {
        return None;
    }
    let Some(normal) = appearances.get(b"N") else {
        // Some viewers make a look of these.
        let is_plain = FRAMES.iter().all(|key| widget.get(key).is_none_or(says_nothing));
        return is_plain.then(|| has_room.map_or(Extent::Nowhere, |own| Extent::In(own.expanded(FRAME))));
    };
    let look = normal.object.as_reference()?;
    let stream = document.stream(look).ok()??;
    let Some(own) = has_room else {
        return paints_nothing(&stream.octets).then_some(Extent::Nowhere);
    };
    let is_sound = is_exact(&own) && is_bounded(document, look, &stream.dictionary)? && flags & LEAVES == 0;
    is_sound.then(|| Extent::In(own.expanded(FRAME)))
}

/// Every reader scales it to its place and cuts it there: its box, its matrix and its content are such.
pub fn is_bounded(document: &Document<'_>, reference: Reference, look: &Dictionary) -> Option<bool> {
    let corners = document.get(look, b"BBox").ok()??;
    let bounds = Rectangle::of_corners(&numbers(document, &corners).ok()??)?;
    let is_upright = match document.array(look, b"Matrix").ok()? {
        None => true,
        Some(matrix) => {
            let numbers: Vec<f64> = matrix.iter().filter_map(|value| number(&value.object)).collect();
            match numbers.as_slice() {
                [a, b, c, d, e, f] => {
                    let is_sound = |scale: &f64| *scale == 0.0 || SCALES.contains(&scale.abs());
                    [a, b, c, d].into_iter().all(is_sound)
                        && e.abs() <= FARTHEST
                        && f.abs() <= FARTHEST
                        && ((*b == 0.0 && *c == 0.0 && *a != 0.0 && *d != 0.0)
                            || (*a == 0.0 && *d == 0.0 && *b != 0.0 && *c != 0.0))
                }
                _ => false,
            }
        }
    };
    Some(is_exact(&bounds) && is_upright && is_balanced(document, reference))
}

/// Numbers of 32 bits have it where it is.
fn is_exact(rectangle: &Rectangle) -> bool {
    let is_near = rectangle.corners().iter().all(|(x, y)| x.abs() <= FARTHEST && y.abs() <= FARTHEST);
    is_near && rectangle.width() >= SMALLEST && rectangle.height() >= SMALLEST
}

fn says_nothing(value: &Value) -> bool {
    match &value.object {
        Object::Dictionary(dictionary) => dictionary.keys().next().is_none(),
        Object::Array(values) => values.iter().all(|value| number(&value.object) == Some(0.0)),
        object => *object == Object::Null,
    }
}

/// Only comments, as Acrobat writes them, and white space.
fn paints_nothing(content: &[u8]) -> bool {
    let mut lines = content.split(|octet| matches!(octet, b'\r' | b'\n'));
    lines.all(|line| line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with(b"%"))
}
