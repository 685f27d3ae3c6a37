//! A place where nothing is.

use super::{occupied, overlaps};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::geometry::Rectangle;
use crate::core::pdf::object::Reference;
use crate::core::pdf::page::{Page, page};

/// Steps across the longer side of a page.
const STEPS: f64 = 400.0;

/// A rectangle in default user space, so wide and high for who looks at the page, so far from its edges and from whatever is painted on it.
/// In the right half of the page if there is one, where official papers are signed, and as far down and right as it can be. All lengths in
/// default user space. `None`: there is no room, or it is not understood what is on the page.
///
/// # Errors
/// As [`occupied`].
pub fn free_area(
    document: &Document<'_>,
    reference: Reference,
    (width, height): (f64, f64),
    margin: f64,
) -> Result<Option<Rectangle>, PdfFault> {
    let page = page(document, reference)?;
    let occupied = occupied(document, reference)?;
    Ok(free(&page, &occupied, (width, height), margin))
}

fn free(page: &Page, occupied: &[Rectangle], (width, height): (f64, f64), margin: f64) -> Option<Rectangle> {
    let sizes = [width, height, margin];
    if !sizes.iter().all(|size| (0.0..1e6).contains(size)) || occupied.contains(&Rectangle::EVERYWHERE) {
        return None;
    }
    let (across, up) = page.turned_size();
    let step = (across.max(up) / STEPS).max(1.0);
    let grid = Grid::new(occupied.iter().map(|rectangle| page.turned(rectangle).expanded(margin)), (across, up), step);
    let columns = || steps(margin, across - margin - width, step).rev();
    let rows = || steps(margin, up - margin - height, step);
    let is_right = |left: f64| left >= across / 2.0 - width / 4.0;
    let candidates = rows()
        .flat_map(|bottom| columns().filter(|left| is_right(*left)).map(move |left| (left, bottom)))
        .chain(rows().flat_map(|bottom| columns().filter(|left| !is_right(*left)).map(move |left| (left, bottom))));
    for (left, bottom) in candidates {
        let candidate = Rectangle { left, bottom, right: left + width, top: bottom + height };
        if grid.is_free(&candidate) {
            let place = page.unturned(&candidate);
            // The grid is coarser than the truth, never finer.
            return Some(place).filter(|place| !overlaps(occupied, place));
        }
    }
    None
}

fn steps(from: f64, to: f64, step: f64) -> impl DoubleEndedIterator<Item = f64> {
    let count = if to < from { 0 } else { ((to - from) / step) as usize + 1 };
    (0..count).map(move |index| step.mul_add(index as f64, from))
}

/// How many rectangles touch the cells up to each one: whether a place is free is asked in four look-ups.
struct Grid {
    step: f64,
    columns: usize,
    /// One row and one column more than there are cells.
    sums: Vec<u32>,
}

impl Grid {
    fn new(rectangles: impl Iterator<Item = Rectangle>, (across, up): (f64, f64), step: f64) -> Self {
        let (columns, rows) = ((across / step) as usize + 1, (up / step) as usize + 1);
        let width = columns + 1;
        // What changes at a cell, then what is at it, then how many are taken up to it.
        let mut cells = vec![0_i32; width * (rows + 1)];
        for rectangle in rectangles {
            let first = |at: f64, count: usize| ((at / step).floor().max(0.0) as usize).min(count);
            let last = |at: f64, count: usize| ((at / step).floor() + 1.0).clamp(0.0, count as f64) as usize;
            let (left, right) = (first(rectangle.left, columns), last(rectangle.right, columns));
            let (bottom, top) = (first(rectangle.bottom, rows), last(rectangle.top, rows));
            if left < right && bottom < top {
                cells[bottom * width + left] += 1;
                cells[bottom * width + right] -= 1;
                cells[top * width + left] -= 1;
                cells[top * width + right] += 1;
            }
        }
        let mut sums = vec![0_u32; width * (rows + 1)];
        let mut above = vec![0_i32; columns];
        for row in 0..rows {
            let (mut here, mut taken) = (0, 0);
            for column in 0..columns {
                here += cells[row * width + column];
                above[column] += here;
                taken += u32::from(above[column] > 0);
                sums[(row + 1) * width + column + 1] = sums[row * width + column + 1] + taken;
            }
        }
        Self { step, columns, sums }
    }

    /// No cell that the rectangle touches is taken.
    fn is_free(&self, rectangle: &Rectangle) -> bool {
        let rows = self.sums.len() / (self.columns + 1) - 1;
        let from = |at: f64, count: usize| ((at / self.step) as usize).min(count);
        let to = |at: f64, count: usize| ((at / self.step) as usize + 1).min(count);
        let (left, right) = (from(rectangle.left, self.columns), to(rectangle.right, self.columns));
        let (bottom, top) = (from(rectangle.bottom, rows), to(rectangle.top, rows));
        let sum = |row: usize, column: usize| self.sums[row * (self.columns + 1) + column];
        sum(top, right) + sum(bottom, left) == sum(bottom, right) + sum(top, left)
    }
}
