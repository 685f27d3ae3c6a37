//! Columns of lines: text of mixed styles, broken to a width.
//!
//! All lengths are points (1/72 inch) unless said otherwise.

use super::typeface::{RenderError, Style, Typefaces};

/// From one baseline to the next, in units of the font size.
const LEADING: f32 = 1.38;
/// Between a border and the text inside it.
pub const PADDING: f32 = 4.0;

/// A piece of text in one style.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub style: Style,
    pub text: &'a str,
}

/// Short for a [`Run`] in `Style::Regular`.
pub fn regular(text: &str) -> Run<'_> {
    Run { style: Style::Regular, text }
}

/// Short for a [`Run`] in `Style::Bold`.
pub fn bold(text: &str) -> Run<'_> {
    Run { style: Style::Bold, text }
}

/// Short for a [`Run`] in `Style::Italic`.
pub fn italic(text: &str) -> Run<'_> {
    Run { style: Style::Italic, text }
}

/// Where a line stands in its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Centre,
}

/// Part of a line in one style.
pub struct Span {
    pub style: Style,
    pub text: String,
}

/// One line, broken to its cell's width.
pub struct Line {
    pub spans: Vec<Span>,
    /// Length of the centred rule under this line, as a share of the line's width.
    pub underline: Option<f32>,
}

/// A column of lines at a place across the page.
pub struct Cell {
    pub left: f32,
    pub width: f32,
    pub size: f32,
    pub align: Align,
    pub lines: Vec<Line>,
}

impl Cell {
    /// An empty cell from `left`, `width` wide, to be set in `size` points.
    pub fn new(left: f32, width: f32, size: f32, align: Align) -> Self {
        Self { left, width, size, align, lines: Vec::new() }
    }

    /// Adds a paragraph, broken at spaces; a word wider than the cell is broken between characters. Runs meet without a
    /// space unless one of them has it.
    pub fn paragraph(mut self, faces: &Typefaces, runs: &[Run]) -> Result<Self, RenderError> {
        let mut breaker =
            Breaker { room: self.width / self.size, used: 0.0, spans: Vec::new(), lines: &mut self.lines };
        let mut spaced = false;
        for run in runs {
            let mut rest = run.text;
            while let Some(character) = rest.chars().next() {
                let space = character.is_whitespace();
                let end = rest.find(|next: char| next.is_whitespace() != space).unwrap_or(rest.len());
                let (piece, after) = rest.split_at(end);
                if !space {
                    breaker.word(faces, run.style, piece, spaced)?;
                }
                spaced = space;
                rest = after;
            }
        }
        breaker.finish();
        Ok(self)
    }

    /// Adds empty lines: room for a signature.
    pub fn blank(mut self, lines: usize) -> Self {
        self.lines.extend((0..lines).map(|_| Line { spans: Vec::new(), underline: None }));
        self
    }

    /// Draws a centred rule under the last line, `share` of its width long.
    pub fn underlined(mut self, share: f32) -> Self {
        if let Some(line) = self.lines.last_mut() {
            line.underline = Some(share);
        }
        self
    }

    /// From one line to the next.
    pub fn pitch(&self) -> f32 {
        self.size * LEADING
    }
}

/// Fills lines with words. Widths are in units of the font size.
struct Breaker<'a> {
    room: f32,
    used: f32,
    spans: Vec<Span>,
    lines: &'a mut Vec<Line>,
}

impl Breaker<'_> {
    fn word(&mut self, faces: &Typefaces, style: Style, word: &str, spaced: bool) -> Result<(), RenderError> {
        let width = faces.shape(style, word)?.width;
        let gap = if spaced && !self.spans.is_empty() { faces.shape(style, " ")?.width } else { 0.0 };
        if self.used + gap + width <= self.room {
            if gap > 0.0 {
                self.push(style, " ", gap);
            }
            self.push(style, word, width);
            return Ok(());
        }
        self.finish();
        if width <= self.room {
            self.push(style, word, width);
            return Ok(());
        }
        // Marks of decomposed letters are zero wide when measured alone, so they stay with their letter.
        let mut buffer = [0; 4];
        for character in word.chars() {
            let text: &str = character.encode_utf8(&mut buffer);
            let width = faces.shape(style, text)?.width;
            if self.used + width > self.room && !self.spans.is_empty() {
                self.finish();
            }
            self.push(style, text, width);
        }
        Ok(())
    }

    fn push(&mut self, style: Style, text: &str, width: f32) {
        self.used += width;
        match self.spans.last_mut() {
            Some(span) if span.style == style => span.text.push_str(text),
            _ => self.spans.push(Span { style, text: text.to_owned() }),
        }
    }

    fn finish(&mut self) {
        if !self.spans.is_empty() {
            self.lines.push(Line { spans: std::mem::take(&mut self.spans), underline: None });
        }
        self.used = 0.0;
    }
}

/// Cells for a table from `left`, `width` wide, their widths in proportion to `shares`.
pub fn table_cells((mut left, width): (f32, f32), shares: &[f32], size: f32, align: Align) -> Vec<Cell> {
    let total: f32 = shares.iter().sum();
    let cell = |share: &f32| {
        let outer = width * share / total;
        let cell = Cell::new(left + PADDING, outer - 2.0 * PADDING, size, align);
        left += outer;
        cell
    };
    shares.iter().map(cell).collect()
}
