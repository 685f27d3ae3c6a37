//! Where a seal goes on a page, and turned with it.

use super::DrawnSeal;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::geometry::Rectangle;
use crate::core::pdf::object::{Object, Reference};
use crate::core::pdf::occupied::free_area;
use crate::core::pdf::page::{page, pages};
use crate::core::pdf::update::NewObject;

/// Between a seal and whatever else is on the page, and its edges: 3 mm.
const MARGIN: f64 = 3.0 / 25.4 * 72.0;

/// Where a seal is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Position {
    /// Where nothing is.
    Free,
    /// Its lower left corner, in points from the lower left corner of the page as it is looked at.
    At(f64, f64),
}

/// A seal on its page.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedSeal {
    pub page: Reference,
    /// In default user space.
    pub rectangle: Rectangle,
    /// The first one is the form.
    pub form: Vec<NewObject>,
}

/// Why a seal could not be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("the document has {count} pages, no page {wanted}")]
    NoSuchPage { wanted: usize, count: usize },
    #[error("page {page} has no free area for a seal of {width} x {height} points; name a position")]
    NoRoom { page: usize, width: i64, height: i64 },
    #[error("a seal of {width} x {height} points at {x}, {y} is not on page {page}")]
    Outside { page: usize, width: i64, height: i64, x: i64, y: i64 },
    #[error("where the pages are cannot be read: {fault}")]
    Pages { fault: PdfFault },
}

impl From<PdfFault> for PlaceError {
    fn from(fault: PdfFault) -> Self {
        Self::Pages { fault }
    }
}

/// Puts a seal on the page of that number, counted from 1.
///
/// # Errors
/// There is no such page, no room on it, or the seal would leave it.
pub fn place(
    document: &Document<'_>,
    number: usize,
    seal: &DrawnSeal,
    position: Position,
) -> Result<PlacedSeal, PlaceError> {
    let all = pages(document)?;
    let missing = PlaceError::NoSuchPage { wanted: number, count: all.len() };
    let reference = *number.checked_sub(1).and_then(|index| all.get(index)).ok_or(missing)?;
    let page = page(document, reference)?;
    let (width, height) = (seal.width, seal.height);
    let unit = page.user_unit;
    let rectangle = match position {
        Position::Free => free_area(document, reference, (width / unit, height / unit), MARGIN / unit)?
            .ok_or(PlaceError::NoRoom { page: number, width: width as i64, height: height as i64 })?,
        Position::At(x, y) => {
            let seen =
                Rectangle { left: x / unit, bottom: y / unit, right: (x + width) / unit, top: (y + height) / unit };
            let rectangle = page.unturned(&seen);
            if !page.crop_box.expanded(0.01).contains(&rectangle) {
                let [width, height, x, y] = [width, height, x, y].map(|length| length as i64);
                return Err(PlaceError::Outside { page: number, width, height, x, y });
            }
            rectangle
        }
    };
    Ok(PlacedSeal { page: reference, rectangle, form: turned(&seal.form, page.rotation) })
}

/// The form, upright for who looks at a page that is turned (ISO 32000-2 §12.5.5: what its matrix makes of its box goes into the
/// rectangle of the annotation).
fn turned(form: &[NewObject], rotation: u16) -> Vec<NewObject> {
    let mut form = form.to_vec();
    let matrix: [i64; 4] = match rotation {
        90 => [0, 1, -1, 0],
        180 => [-1, 0, 0, -1],
        270 => [0, -1, 1, 0],
        _ => return form,
    };
    if let Some(NewObject { object: Object::Dictionary(dictionary), .. }) = form.first_mut() {
        let [a, b, c, d] = matrix;
        dictionary.set(b"Matrix", Object::of_array([a, b, c, d, 0, 0].map(Object::Integer)));
    }
    form
}
