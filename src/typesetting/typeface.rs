//! The faces a paper is set in, and shaping: text in, positioned glyphs out.
//!
//! DejaVu Serif Condensed carries every Vietnamese letter with its marks. Shaping (HarfBuzz rules) composes decomposed
//! letters and kerns; measuring and drawing use the same glyphs, so a measured line is exactly as wide as the drawn one.

use harfrust::{Direction, FontRef, ShapeOptions, ShapePlan, ShaperData, UnicodeBuffer, script};
use krilla::error::KrillaError;
use krilla::text::{Font, GlyphId, KrillaGlyph};

/// Added to every space, in units of the font size: the horn of a capital Ư reaches over the narrow space of the
/// condensed faces, and words would seem to touch.
const WORD_SPACE: f32 = 0.06;

/// Which face of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Regular,
    Bold,
    Italic,
}

/// Why a paper could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("the embedded {style:?} font cannot be read; the program was built with a damaged font")]
    Font { style: Style },
    #[error("character {character:?} (U+{code:04X}) has no glyph in the embedded fonts; remove it from the data", code = u32::from(*character))]
    MissingGlyph { character: char },
    #[error("the paper needs more than {limit} pages; shorten the data")]
    TooManyPages { limit: usize },
    #[error("the PDF writer refused the paper: {source:?}")]
    Write { source: KrillaError },
}

/// Shaped text: glyphs in units of the font size, and their advance together.
pub struct ShapedText {
    pub glyphs: Vec<KrillaGlyph>,
    /// In units of the font size: multiply by points.
    pub width: f32,
}

struct Typeface {
    font: Font,
    reader: FontRef<'static>,
    shaper: ShaperData,
    /// Which rules of the font apply to left-to-right Latin text: worked out once, it is the costly part.
    plan: ShapePlan,
    units_per_em: f32,
}

impl Typeface {
    fn load(style: Style, bytes: &'static [u8]) -> Result<Self, RenderError> {
        let font = Font::new(bytes.into(), 0).ok_or(RenderError::Font { style })?;
        let reader = FontRef::new(bytes).map_err(|_| RenderError::Font { style })?;
        let shaper = ShaperData::new(&reader);
        let units_per_em = font.units_per_em();
        if units_per_em < 1.0 {
            return Err(RenderError::Font { style });
        }
        let plan =
            ShapePlan::new(&shaper.shaper(&reader).build(), Direction::LeftToRight, Some(script::LATIN), None, &[]);
        Ok(Self { font, reader, shaper, plan, units_per_em })
    }
}

/// The three faces, ready to shape with.
pub struct Typefaces {
    regular: Typeface,
    bold: Typeface,
    italic: Typeface,
}

impl Typefaces {
    /// Reads the embedded fonts.
    pub fn load() -> Result<Self, RenderError> {
        Ok(Self {
            regular: Typeface::load(Style::Regular, dejavu::serif_condensed::regular())?,
            bold: Typeface::load(Style::Bold, dejavu::serif_condensed::bold())?,
            italic: Typeface::load(Style::Italic, dejavu::serif_condensed::italic())?,
        })
    }

    fn face(&self, style: Style) -> &Typeface {
        match style {
            Style::Regular => &self.regular,
            Style::Bold => &self.bold,
            Style::Italic => &self.italic,
        }
    }

    /// The font that goes into the PDF (as a subset) for this face.
    pub fn font(&self, style: Style) -> Font {
        self.face(style).font.clone()
    }

    /// Shapes one line of left-to-right text. A character without a glyph is an error: an official paper must not show boxes.
    pub fn shape(&self, style: Style, text: &str) -> Result<ShapedText, RenderError> {
        let face = self.face(style);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(Direction::LeftToRight);
        buffer.set_script(script::LATIN);
        let shaped = face.shaper.shaper(&face.reader).build().shape(buffer, ShapeOptions::new().plan(Some(&face.plan)));

        let infos = shaped.glyph_infos();
        let mut glyphs = Vec::with_capacity(infos.len());
        let mut width = 0.0;
        for (index, (info, position)) in infos.iter().zip(shaped.glyph_positions()).enumerate() {
            let start = info.cluster as usize;
            if info.glyph_id == 0 {
                let character =
                    text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or(char::REPLACEMENT_CHARACTER);
                return Err(RenderError::MissingGlyph { character });
            }
            // Left to right, clusters ascend: a cluster ends where the next different one starts.
            let later = infos.get(index + 1..).unwrap_or_default();
            let end = later.iter().map(|next| next.cluster as usize).find(|&next| next != start).unwrap_or(text.len());
            let scaled = |units: i32| units as f32 / face.units_per_em;
            let space = if text.get(start..end) == Some(" ") { WORD_SPACE } else { 0.0 };
            let advance = scaled(position.x_advance) + space;
            width += advance;
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                advance,
                scaled(position.x_offset),
                scaled(position.y_offset),
                scaled(position.y_advance),
                start..end,
                None,
            ));
        }
        Ok(ShapedText { glyphs, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter that Vietnamese adds to Latin, in lower case.
    const LETTERS: &str = "áàảãạăắằẳẵặâấầẩẫậđéèẻẽẹêếềểễệíìỉĩịóòỏõọôốồổỗộơớờởỡợúùủũụưứừửữựýỳỷỹỵ";

    #[test]
    fn every_vietnamese_letter_has_one_glyph_in_every_face() {
        let faces = Typefaces::load().unwrap();
        for style in [Style::Regular, Style::Bold, Style::Italic] {
            for text in [LETTERS.to_owned(), LETTERS.to_uppercase()] {
                let shaped = faces.shape(style, &text).unwrap();
                assert_eq!(shaped.glyphs.len(), text.chars().count(), "{style:?}");
            }
        }
    }

    #[test]
    fn decomposed_letters_shape_to_the_composed_glyph() {
        let faces = Typefaces::load().unwrap();
        let composed = faces.shape(Style::Regular, "ộ").unwrap();
        let decomposed = faces.shape(Style::Regular, "o\u{323}\u{302}").unwrap();
        assert_eq!(composed.glyphs[0].glyph_id, decomposed.glyphs[0].glyph_id);
        assert_eq!(decomposed.glyphs.len(), 1);
    }

    #[test]
    fn a_character_without_a_glyph_is_named() {
        let faces = Typefaces::load().unwrap();
        let error = faces.shape(Style::Regular, "Nguyễn 漢").err().unwrap();
        assert_eq!(error, RenderError::MissingGlyph { character: '漢' });
    }
}
