//! What was painted on a page so far.

use crate::core::pdf::geometry::Rectangle;

/// Rectangles that are kept apart.
const RECTANGLES: usize = 20_000;
/// The part of a page that a background covers.
const NEARLY_ALL: f64 = 0.95;
/// Farther from the origin nobody paints a background; programs may lose count there.
const FAR: f64 = 1e5;

/// Where something is; a background is not.
pub struct Painted {
    /// All that any program shows of the page.
    page: Rectangle,
    /// What most show.
    visible: Rectangle,
    rectangles: Vec<Rectangle>,
}

impl Painted {
    pub const fn new(page: Rectangle, visible: Rectangle) -> Self {
        Self { page, visible, rectangles: Vec::new() }
    }

    /// Something is there.
    pub fn add(&mut self, rectangle: Rectangle) {
        if !rectangle.overlaps(&self.page) {
            return;
        }
        let is_full = self.rectangles.len() == RECTANGLES;
        if let Some(last) = self.rectangles.last_mut()
            && (is_full || last.contains(&rectangle) || rectangle.contains(last))
        {
            *last = last.united(rectangle);
            return;
        }
        self.rectangles.push(rectangle);
    }

    /// An even colour in the whole of an upright rectangle, with nothing cut out of it: a background if it covers the page and lies below
    /// everything else.
    pub fn fill(&mut self, rectangle: Rectangle) {
        if !self.rectangles.is_empty() || !self.is_all(&rectangle) {
            self.add(rectangle.expanded(1.0));
        }
    }

    /// Whether it covers nearly all that is visible of the page.
    pub fn is_all(&self, rectangle: &Rectangle) -> bool {
        let shared = rectangle.shared(self.visible);
        let is_near =
            [rectangle.left, rectangle.bottom, rectangle.right, rectangle.top].iter().all(|at| at.abs() < FAR);
        is_near
            && shared.width() >= self.visible.width() * NEARLY_ALL
            && shared.height() >= self.visible.height() * NEARLY_ALL
    }

    pub fn into_rectangles(self) -> Vec<Rectangle> {
        self.rectangles
    }
}
