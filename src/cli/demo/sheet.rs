//! Flowing text onto A4 pages: rows of cells, broken over pages. Positions only; nothing is drawn here.
//!
//! All lengths are points (1/72 inch), x from the left edge, y from the top edge.

use crate::typesetting::cell::{self, Align, Cell, Line, PADDING};
use crate::typesetting::typeface::{RenderError, ShapedText, Style, Typefaces};

pub const PAGE_WIDTH: f32 = 595.28;
pub const PAGE_HEIGHT: f32 = 841.89;
/// Margins as Decree 30/2020 sets them for official papers: 30 mm left, 20 mm elsewhere.
pub const LEFT: f32 = 85.0;
pub const RIGHT: f32 = PAGE_WIDTH - 57.0;
const TOP: f32 = 64.0;
const BOTTOM: f32 = PAGE_HEIGHT - 57.0;
/// Enough for any real paper; data that needs more is refused rather than printed without end.
pub const MAX_PAGES: usize = 10;

/// From the top of a line to its baseline, in units of the font size.
const ASCENT: f32 = 1.02;

/// A cell as wide as the text area.
pub fn full_cell(size: f32, align: Align) -> Cell {
    Cell::new(LEFT, RIGHT - LEFT, size, align)
}

/// Cells for a table as wide as the text area, their widths in proportion to `shares`.
pub fn table_cells(shares: &[f32], size: f32, align: Align) -> Vec<Cell> {
    cell::table_cells((LEFT, RIGHT - LEFT), shares, size, align)
}

/// Something at a place on a page.
pub enum Mark {
    /// `text` is what the glyphs stand for: the PDF maps them back to it.
    Text { left: f32, baseline: f32, size: f32, style: Style, text: String, shaped: ShapedText },
    /// A thin straight line.
    Rule { from: (f32, f32), to: (f32, f32) },
}

/// How a row may be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// Fill the page, go on on the next.
    Flow,
    /// Start on a new page rather than be broken (a signature is never alone on half of its lines).
    Together,
    /// Like `Together`, with a border around every cell.
    Bordered,
}

/// Pages being filled from the top.
pub struct Sheet<'a> {
    faces: &'a Typefaces,
    pages: Vec<Vec<Mark>>,
    cursor: f32,
}

impl<'a> Sheet<'a> {
    pub fn new(faces: &'a Typefaces) -> Self {
        Self { faces, pages: vec![Vec::new()], cursor: TOP }
    }

    /// Leaves room before the next row; none at the top of a page.
    pub fn space(&mut self, points: f32) {
        if self.cursor > TOP {
            self.cursor += points;
        }
    }

    /// Places cells side by side, their tops in line, over as many pages as they need.
    pub fn row(&mut self, cells: Vec<Cell>, placing: Placing) -> Result<(), RenderError> {
        let padding = if placing == Placing::Bordered { PADDING } else { 0.0 };
        let height = cells.iter().map(|cell| cell.lines.len() as f32 * cell.pitch()).fold(0.0, f32::max);
        if placing != Placing::Flow && self.cursor + height + 2.0 * padding > BOTTOM && self.cursor > TOP {
            self.new_page()?;
        }
        let frames: Vec<(f32, f32)> = cells.iter().map(|cell| (cell.left, cell.width)).collect();
        let mut columns: Vec<_> = cells
            .into_iter()
            .map(|cell| (cell.left, cell.width, cell.size, cell.align, cell.pitch(), cell.lines.into_iter().peekable()))
            .collect();
        while columns.iter_mut().any(|column| column.5.peek().is_some()) {
            let top = self.cursor;
            let mut lowest = top;
            for (left, width, size, align, pitch, lines) in &mut columns {
                let mut line_top = top + padding;
                // At the top of a page a line is taken even if it were taller than the page: every turn makes progress.
                while line_top + *pitch + padding <= BOTTOM || (top <= TOP && line_top <= TOP + padding) {
                    let Some(line) = lines.next() else { break };
                    self.place(&line, (*left, *width), line_top + *size * ASCENT, *size, *align)?;
                    line_top += *pitch;
                }
                if line_top > top + padding {
                    lowest = lowest.max(line_top + padding);
                }
            }
            if placing == Placing::Bordered && lowest > top {
                self.border(&frames, top, lowest);
            }
            self.cursor = lowest;
            if columns.iter_mut().any(|column| column.5.peek().is_some()) {
                self.new_page()?;
            }
        }
        Ok(())
    }

    fn new_page(&mut self) -> Result<(), RenderError> {
        if self.pages.len() >= MAX_PAGES {
            return Err(RenderError::TooManyPages { limit: MAX_PAGES });
        }
        self.pages.push(Vec::new());
        self.cursor = TOP;
        Ok(())
    }

    fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("a sheet starts with one page and only gains more").push(mark);
    }

    fn place(
        &mut self,
        line: &Line,
        column: (f32, f32),
        baseline: f32,
        size: f32,
        align: Align,
    ) -> Result<(), RenderError> {
        let (left, room) = column;
        let shaped: Result<Vec<_>, _> =
            line.spans.iter().map(|span| self.faces.shape(span.style, &span.text)).collect();
        let shaped = shaped?;
        let width = shaped.iter().map(|piece| piece.width * size).sum::<f32>();
        let start = match align {
            Align::Left => left,
            Align::Centre => left + (room - width) / 2.0,
        };
        let mut at = start;
        for (span, shaped) in line.spans.iter().zip(shaped) {
            let advance = shaped.width * size;
            self.mark(Mark::Text { left: at, baseline, size, style: span.style, text: span.text.clone(), shaped });
            at += advance;
        }
        if let Some(share) = line.underline {
            let (middle, half, depth) = (start + width / 2.0, width * share / 2.0, baseline + size * 0.38);
            self.mark(Mark::Rule { from: (middle - half, depth), to: (middle + half, depth) });
        }
        Ok(())
    }

    fn border(&mut self, frames: &[(f32, f32)], top: f32, bottom: f32) {
        for &(left, width) in frames {
            // A cell's text starts one padding inside its frame.
            let (from, to) = (left - PADDING, left + width + PADDING);
            let corners = [(from, top), (to, top), (to, bottom), (from, bottom), (from, top)];
            for pair in corners.windows(2) {
                self.mark(Mark::Rule { from: pair[0], to: pair[1] });
            }
        }
    }

    /// The marks of each page, in drawing order; at least one page.
    pub fn into_pages(self) -> Vec<Vec<Mark>> {
        self.pages
    }
}
