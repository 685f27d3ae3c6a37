//! Placed marks to a PDF file: PDF/A-2u, fonts embedded as subsets, every glyph mapped back to its text.
//!
//! The same marks and imprint give the same bytes: nothing is read from the clock, and no number is random.

use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{Point, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};

use super::sheet::{LEFT, Mark, PAGE_HEIGHT, PAGE_WIDTH, RIGHT};
use crate::typesetting::draw::{black, draw, fitting, red, rule};
use crate::typesetting::typeface::{RenderError, Style, Typefaces};

const FOOTER_SIZE: f32 = 8.0;
const NOTICE_SIZE: f32 = 9.0;

/// What stands around the text of the paper.
pub struct Imprint<'a> {
    pub title: String,
    pub author: String,
    /// Year, month and day of the PDF's creation date.
    pub created: (u16, u8, u8),
    /// In a red frame on top of every page.
    pub notice: Option<&'a str>,
    /// Large, pale and slanted behind the text; drawn as shapes, so that text extraction does not meet it.
    pub watermark: Option<&'a str>,
}

/// Draws the pages, numbers them, and writes the file.
pub fn write(faces: &Typefaces, imprint: &Imprint, pages: Vec<Vec<Mark>>) -> Result<Vec<u8>, RenderError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_U)
        .finish()
        .expect("PDF/A-2u alone contradicts no other standard or version");
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let (year, month, day) = imprint.created;
    document.set_metadata(
        Metadata::new()
            .title(imprint.title.clone())
            .authors(vec![imprint.author.clone()])
            .creator("antin".to_owned())
            .language("vi-VN".to_owned())
            .creation_date(DateTime::new(year).month(month).day(day)),
    );
    let count = pages.len();
    for (index, marks) in pages.into_iter().enumerate() {
        let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).expect("A4 is a positive size");
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        if let Some(text) = imprint.watermark {
            watermark(&mut surface, faces, text)?;
        }
        for mark in marks {
            match mark {
                Mark::Text { left, baseline, size, style, text, shaped } => {
                    draw(&mut surface, faces, (left, baseline), size, style, &text, &shaped, black());
                }
                Mark::Rule { from, to } => rule(&mut surface, &[from, to], black()),
            }
        }
        if let Some(text) = imprint.notice {
            notice(&mut surface, faces, text)?;
        }
        footer(&mut surface, faces, index + 1, count)?;
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|source| RenderError::Write { source })
}

/// The specimen notice, framed, centred above the text area; shrunk if it would be wider than that.
fn notice(surface: &mut Surface, faces: &Typefaces, text: &str) -> Result<(), RenderError> {
    const BASELINE: f32 = 38.0;
    let shaped = faces.shape(Style::Bold, text)?;
    let size = fitting(shaped.width, NOTICE_SIZE, RIGHT - LEFT - 16.0);
    let width = shaped.width * size;
    let left = (LEFT + RIGHT - width) / 2.0;
    draw(surface, faces, (left, BASELINE), size, Style::Bold, text, &shaped, red());
    let (from, to, top, bottom) = (left - 8.0, left + width + 8.0, BASELINE - 13.0, BASELINE + 7.0);
    rule(surface, &[(from, top), (to, top), (to, bottom), (from, bottom), (from, top)], red());
    Ok(())
}

fn watermark(surface: &mut Surface, faces: &Typefaces, text: &str) -> Result<(), RenderError> {
    // The cosine and sine of 45 degrees, written out: the same bytes whatever the machine's sine.
    const EIGHTH_TURN: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let shaped = faces.shape(Style::Bold, text)?;
    let size = fitting(shaped.width, 58.0, 580.0);
    let turn =
        Transform::from_row(EIGHTH_TURN, -EIGHTH_TURN, EIGHTH_TURN, EIGHTH_TURN, PAGE_WIDTH / 2.0, PAGE_HEIGHT / 2.0);
    surface.push_transform(&turn);
    surface.set_fill(Some(Fill { paint: rgb::Color::new(252, 240, 240).into(), ..Fill::default() }));
    surface.set_stroke(None);
    let start = Point::from_xy(-shaped.width * size / 2.0, size * 0.35);
    surface.draw_glyphs(start, &shaped.glyphs, faces.font(Style::Bold), text, size, true);
    surface.pop();
    Ok(())
}

fn footer(surface: &mut Surface, faces: &Typefaces, page: usize, count: usize) -> Result<(), RenderError> {
    let text = format!("Trang {page}/{count}");
    let shaped = faces.shape(Style::Regular, &text)?;
    let left = RIGHT - shaped.width * FOOTER_SIZE;
    draw(surface, faces, (left, PAGE_HEIGHT - 32.0), FOOTER_SIZE, Style::Regular, &text, &shaped, black());
    Ok(())
}
