//! Where what stands in a seal: the image, the text, the code, side by side. Lengths are points, y from the top edge.

use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};

use super::form::PlacedImage;
use super::qr::Code;
use super::{Ink, Seal, SealError};
use crate::core::time::Time;
use crate::typesetting::cell::{Align, Cell, bold, regular};
use crate::typesetting::draw::{black, draw as draw_text, red, rule};
use crate::typesetting::typeface::{RenderError, Typefaces};

const SIZE: f32 = 9.0;
const TEXT_WIDTH: f32 = 150.0;
const GAP: f32 = 6.0;
/// Around everything; inside the frame if there is one.
const BORDER: f32 = 7.0;
/// From the top of a line to its baseline, in units of the font size.
const ASCENT: f32 = 1.02;

/// One page as large as the seal, and the image that is still to be put on it.
pub struct Drawn<'a> {
    pub file: Vec<u8>,
    pub width: f64,
    pub height: f64,
    pub image: Option<PlacedImage<'a>>,
}

pub fn draw<'a>(seal: &Seal<'a>) -> Result<Drawn<'a>, SealError> {
    let faces = Typefaces::load()?;
    let cell = text(&faces, seal)?;
    let code = match seal.address {
        None => None,
        Some(address) => {
            let length = address.chars().count();
            Some(Code::of(address).ok_or(SealError::TooLong { what: "verification address", length, limit: 300 })?)
        }
    };
    let image = seal.image.map(|image| (image.width as f32, image.height as f32));
    let text_height = cell.lines.len() as f32 * cell.pitch();
    let heights = [image.map(|(_, height)| height), Some(text_height), code.as_ref().map(Code::side)];
    let inner = heights.into_iter().flatten().fold(0.0, f32::max);
    let image_width = image.map_or(0.0, |(width, _)| width + GAP);
    let code_width = code.as_ref().map_or(0.0, |code| code.side() + GAP);
    let (width, height) =
        (2.0f32.mul_add(BORDER, image_width + TEXT_WIDTH + code_width).ceil(), 2.0f32.mul_add(BORDER, inner).ceil());
    let middle = height / 2.0;

    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A1_B)
        .finish()
        .expect("PDF/A-1b alone contradicts no other standard or version");
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    // Of the file nothing but the page is taken; the standard wants a title and a date.
    document.set_metadata(Metadata::new().title("seal".to_owned()).creation_date(DateTime::new(2000)));
    let mut page = document.start_page_with(PageSettings::from_wh(width, height).ok_or(SealError::Form)?);
    let mut surface = page.surface();
    if image.is_none() {
        let edge = 0.5;
        let corners =
            [(edge, edge), (width - edge, edge), (width - edge, height - edge), (edge, height - edge), (edge, edge)];
        rule(&mut surface, &corners, red());
        let inner = edge + 1.8;
        let corners = [
            (inner, inner),
            (width - inner, inner),
            (width - inner, height - inner),
            (inner, height - inner),
            (inner, inner),
        ];
        rule(&mut surface, &corners, red());
    }
    lines(&mut surface, &faces, &cell, (BORDER + image_width, middle - text_height / 2.0), seal.ink)?;
    if let Some(code) = &code {
        let corner = (width - BORDER - code.side(), middle - code.side() / 2.0);
        modules(&mut surface, code, corner);
    }
    surface.finish();
    page.finish();
    let file = document.finish().map_err(|source| RenderError::Write { source })?;
    let image = seal.image.map(|image| PlacedImage {
        image,
        left: f64::from(BORDER),
        bottom: f64::from(middle) - image.height / 2.0,
    });
    Ok(Drawn { file, width: f64::from(width), height: f64::from(height), image })
}

fn text(faces: &Typefaces, seal: &Seal<'_>) -> Result<Cell, RenderError> {
    let mut cell = Cell::new(0.0, TEXT_WIDTH, SIZE, Align::Left);
    cell = cell.paragraph(faces, &[regular("Người ký: "), bold(seal.signer)])?;
    if let Some(organisation) = seal.organisation {
        cell = cell.paragraph(faces, &[regular("Cơ quan: "), bold(organisation)])?;
    }
    // The time on a line of its own: it is never broken.
    let time = in_words(seal.signing_time);
    cell.paragraph(faces, &[regular("Thời gian ký:")])?.paragraph(faces, &[regular(&time)])
}

/// `dd/mm/yyyy hh:mm:ss +07:00`.
fn in_words(time: Time) -> String {
    let local = time.in_vietnam();
    match (local.get(..4), local.get(5..7), local.get(8..10), local.get(10..)) {
        (Some(year), Some(month), Some(day), Some(rest)) if local.is_ascii() => format!("{day}/{month}/{year}{rest}"),
        _ => local,
    }
}

fn lines(
    surface: &mut Surface<'_>,
    faces: &Typefaces,
    cell: &Cell,
    (left, top): (f32, f32),
    ink: Ink,
) -> Result<(), RenderError> {
    let colour = match ink {
        Ink::Black => black(),
        Ink::Blue => rgb::Color::new(10, 40, 150),
    };
    for (index, line) in cell.lines.iter().enumerate() {
        let baseline = (index as f32).mul_add(cell.pitch(), cell.size.mul_add(ASCENT, top));
        let mut at = left;
        for span in &line.spans {
            let shaped = faces.shape(span.style, &span.text)?;
            draw_text(surface, faces, (at, baseline), cell.size, span.style, &span.text, &shaped, colour);
            at += shaped.width * cell.size;
        }
    }
    Ok(())
}

/// Black on a white square that is its quiet zone, whatever is below.
fn modules(surface: &mut Surface<'_>, code: &Code, (left, top): (f32, f32)) {
    let mut fill = |rectangles: &[[f32; 4]], colour: rgb::Color| {
        let mut path = PathBuilder::new();
        for [x, y, width, height] in rectangles {
            if let Some(rectangle) = Rect::from_xywh(left + x, top + y, *width, *height) {
                path.push_rect(rectangle);
            }
        }
        surface.set_stroke(None);
        surface.set_fill(Some(Fill { paint: colour.into(), ..Fill::default() }));
        if let Some(path) = path.finish() {
            surface.draw_path(&path);
        }
    };
    fill(&[[0.0, 0.0, code.side(), code.side()]], rgb::Color::new(255, 255, 255));
    fill(&code.dark(), black());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_vietnam() {
        let time = Time::parse_rfc3339("2026-12-31T17:40:05Z").unwrap();
        assert_eq!(in_words(time), "01/01/2027 00:40:05 +07:00");
    }
}
