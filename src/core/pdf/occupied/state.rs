//! The graphics state as far as it says where something is painted (ISO 32000-2 §8.4, §9.3).

use std::rc::Rc;

use super::font::Font;
use crate::core::pdf::geometry::{Matrix, Rectangle};

/// What `q` saves.
#[derive(Clone)]
pub struct State {
    pub matrix: Matrix,
    pub line_width: f64,
    pub miter_limit: f64,
    /// What is filled is filled evenly: no pattern, no mask, not cut by anything but rectangles as large as the page.
    pub has_pattern: bool,
    pub has_mask: bool,
    pub is_cut: bool,
    pub font: Option<Rc<Font>>,
    pub font_size: f64,
    pub character_space: f64,
    pub word_space: f64,
    /// A factor, not the percentage.
    pub scaling: f64,
    pub leading: f64,
    pub rise: f64,
    pub rendering: i64,
}

impl State {
    pub const fn new() -> Self {
        Self {
            matrix: Matrix::IDENTITY,
            line_width: 1.0,
            miter_limit: 10.0,
            has_pattern: false,
            has_mask: false,
            is_cut: false,
            font: None,
            font_size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            scaling: 1.0,
            leading: 0.0,
            rise: 0.0,
            rendering: 0,
        }
    }

    /// How far a line reaches beside its path: half its width, farther at corners, the thinnest a point (§8.4.3).
    pub fn reach(&self, has_corners: bool) -> f64 {
        let farther = if has_corners { self.miter_limit.abs().max(1.5) } else { 1.5 };
        1.0 + self.line_width.abs() / 2.0 * self.matrix.growth() * farther
    }
}

/// The path that is being made, in the coordinates of the page.
#[derive(Default)]
pub struct Path {
    bounds: Option<Rectangle>,
    /// It is this upright rectangle and nothing else.
    only: Option<Rectangle>,
    /// Lines that meet each other since the last `m`.
    lines: usize,
    /// Lines meet in it, in other angles than those of a rectangle.
    has_corners: bool,
    /// `W` was said: it will cut.
    pub cuts: bool,
}

impl Path {
    pub const fn is_empty(&self) -> bool {
        self.bounds.is_none()
    }

    pub const fn bounds(&self) -> Option<Rectangle> {
        self.bounds
    }

    pub const fn upright_rectangle(&self) -> Option<Rectangle> {
        self.only
    }

    /// Whether a line along it has corners that reach out, once it is closed or as it is.
    pub const fn has_corners(&self, is_closed: bool) -> bool {
        self.has_corners || is_closed && self.lines > 0
    }

    fn add(&mut self, points: impl IntoIterator<Item = (f64, f64)>) {
        let added = Rectangle::around(points);
        self.bounds = match (self.bounds, added) {
            (Some(before), Some(added)) => Some(before.united(added)),
            (before, added) => before.or(added),
        };
        self.only = None;
    }

    /// `m`.
    pub fn begin(&mut self, point: (f64, f64)) {
        self.add([point]);
        self.lines = 0;
    }

    /// `l`.
    pub fn add_line(&mut self, point: (f64, f64)) {
        self.add([point]);
        self.lines += 1;
        self.has_corners |= self.lines > 1;
    }

    /// A curve lies within its points.
    pub fn add_curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>) {
        self.add(points);
        self.lines += 1;
        self.has_corners = true;
    }

    /// `h`.
    pub const fn close(&mut self) {
        self.has_corners |= self.lines > 0;
        self.lines = 1;
        self.only = None;
    }

    /// `re`.
    pub fn add_rectangle(&mut self, matrix: &Matrix, [x, y, width, height]: [f64; 4]) {
        let corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
        let is_first = self.is_empty();
        self.add(corners.map(|corner| matrix.apply(corner)));
        self.lines = 1;
        if !matrix.is_upright() {
            self.has_corners = true;
        } else if is_first {
            self.only = self.bounds;
        }
    }
}

/// Of a text object: where its line begins, and between which places along it the pen is.
pub struct TextPlace {
    pub line: Matrix,
    pub pen: (f64, f64),
}

impl TextPlace {
    pub const fn new() -> Self {
        Self { line: Matrix::IDENTITY, pen: (0.0, 0.0) }
    }

    /// `Td`: the beginning of another line.
    pub fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::moved(x, y).then(self.line);
        self.pen = (0.0, 0.0);
    }
}
