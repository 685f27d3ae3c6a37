//! Marks on a surface: text and thin lines, in colours of device-independent RGB.

use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point};
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;

use super::typeface::{ShapedText, Style, Typefaces};

const BORDER_WIDTH: f32 = 0.6;

pub fn black() -> rgb::Color {
    rgb::Color::new(0, 0, 0)
}

pub fn red() -> rgb::Color {
    rgb::Color::new(190, 20, 20)
}

/// Draws shaped text from a point on its baseline.
#[expect(clippy::too_many_arguments, reason = "the parts of one mark, named at the two places of use")]
pub fn draw(
    surface: &mut Surface,
    faces: &Typefaces,
    at: (f32, f32),
    size: f32,
    style: Style,
    text: &str,
    shaped: &ShapedText,
    colour: rgb::Color,
) {
    surface.set_fill(Some(Fill { paint: colour.into(), ..Fill::default() }));
    surface.set_stroke(None);
    surface.draw_glyphs(Point::from_xy(at.0, at.1), &shaped.glyphs, faces.font(style), text, size, false);
}

/// Draws a thin line through the points.
pub fn rule(surface: &mut Surface, points: &[(f32, f32)], colour: rgb::Color) {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        if index == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: colour.into(), width: BORDER_WIDTH, ..Stroke::default() }));
    // A path without extent is drawn as nothing.
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

/// The font size at which text `width` em wide is at most `room` points: `wanted` or smaller.
pub fn fitting(width: f32, wanted: f32, room: f32) -> f32 {
    if width * wanted > room { room / width } else { wanted }
}
