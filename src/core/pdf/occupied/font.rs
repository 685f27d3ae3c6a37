//! How far text reaches: widths and extents of a font (ISO 32000-2 §9.6 to §9.8), too large rather than too small.

use crate::core::pdf::document::Document;
use crate::core::pdf::geometry::number;
use crate::core::pdf::object::{Dictionary, Object, Value};
use crate::core::pdf::page::numbers;

/// The widest glyph of a font that does not say how wide its glyphs are, in units of the font size.
const WIDEST: f64 = 1.25;
/// Ranges of the widths of a composite font.
const RANGES: usize = 100_000;

/// What of a font says where its text can be; lengths in units of the font size.
#[derive(Debug, PartialEq)]
pub struct Font {
    codes: Codes,
    /// Of any glyph, from its origin.
    pub left: f64,
    pub right: f64,
    pub bottom: f64,
    pub top: f64,
}

#[derive(Debug, PartialEq)]
enum Codes {
    /// One octet each, and how wide; `None`: not said.
    Simple(Vec<Option<f64>>),
    /// Two octets each. First and last code and the width, in order and apart.
    Double { ranges: Vec<(u16, u16, f64)>, default: f64 },
    /// One to four octets; from the narrowest to the widest.
    Some(f64, f64),
}

impl Font {
    /// Reads a font dictionary. `None`: what its text looks like is not understood (Type 3 fonts draw whatever they like; vertical text).
    pub fn read(document: &Document<'_>, font: &Dictionary) -> Option<Self> {
        match font.name(b"Subtype")? {
            b"Type1" | b"MMType1" | b"TrueType" => {
                let descriptor = document.dictionary(font, b"FontDescriptor").ok()?;
                let codes = simple(document, font, descriptor.as_ref())?;
                Self::with(document, codes, descriptor.as_ref())
            }
            b"Type0" => {
                let encoding = document.get(font, b"Encoding").ok()??;
                let descendants = document.array(font, b"DescendantFonts").ok()??;
                let [descendant] = descendants.as_slice() else { return None };
                let Object::Dictionary(descendant) = document.resolve(descendant).ok()??.value.object else {
                    return None;
                };
                let codes = composite(document, &encoding, &descendant)?;
                let descriptor = document.dictionary(&descendant, b"FontDescriptor").ok()?;
                Self::with(document, codes, descriptor.as_ref())
            }
            _ => None,
        }
    }

    fn with(document: &Document<'_>, codes: Codes, descriptor: Option<&Dictionary>) -> Option<Self> {
        let mut font = Self { codes, left: -0.5, right: WIDEST, bottom: -0.5, top: 1.25 };
        let Some(bounds) = descriptor.and_then(|descriptor| descriptor.get(b"FontBBox")) else { return Some(font) };
        let bounds = document.resolve(bounds).ok()??.value.object;
        let bounds = numbers(document, &bounds).ok()??;
        let [x, y, other_x, other_y] = bounds.as_slice() else { return None };
        font.left = font.left.min(x.min(*other_x) / 1000.0);
        font.right = font.right.max(x.max(*other_x) / 1000.0);
        font.bottom = font.bottom.min(y.min(*other_y) / 1000.0);
        font.top = font.top.max(y.max(*other_y) / 1000.0);
        Some(font)
    }

    /// Of each glyph of a text: the least and the most that it can move the pen on by, and whether a word space is added. A text of a font
    /// whose codes are not known is one glyph with all that it can be, and so many characters at the most.
    pub fn glyphs<'a>(&'a self, text: &'a [u8]) -> Box<dyn Iterator<Item = Glyph> + 'a> {
        match &self.codes {
            Codes::Simple(widths) => Box::new(text.iter().map(|code| {
                let (least, most) = widths[usize::from(*code)].map_or((0.0, WIDEST), |width| (width, width));
                Glyph { least, most, characters: (1, 1), spaces: if *code == b' ' { (1, 1) } else { (0, 0) } }
            })),
            Codes::Double { ranges, default } => Box::new(text.chunks(2).map(|code| {
                let [high, low] = *code else {
                    let most = default.max(WIDEST);
                    return Glyph { least: 0.0, most, characters: (0, 1), spaces: (0, 1) };
                };
                let code = u16::from_be_bytes([high, low]);
                let at = ranges.partition_point(|(_, last, _)| *last < code);
                let width =
                    ranges.get(at).filter(|(first, ..)| *first <= code).map_or(*default, |(_, _, width)| *width);
                Glyph { least: width, most: width, characters: (1, 1), spaces: (0, 0) }
            })),
            Codes::Some(least, most) => {
                let count = text.len();
                let most = (most * count as f64).max(0.0);
                let least = (least * count as f64).min(0.0);
                Box::new(std::iter::once(Glyph { least, most, characters: (0, count), spaces: (0, count) }))
            }
        }
    }
}

/// See [`Font::glyphs`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    pub least: f64,
    pub most: f64,
    pub characters: (usize, usize),
    pub spaces: (usize, usize),
}

/// The widths of a simple font (§9.6.2). Without them, or outside of them, a program takes those of the font that it has.
fn simple(document: &Document<'_>, font: &Dictionary, descriptor: Option<&Dictionary>) -> Option<Codes> {
    let mut all = vec![None; 256];
    let Some(widths) = font.get(b"Widths") else { return Some(Codes::Simple(all)) };
    let widths = document.resolve(widths).ok()??.value.object;
    let widths = numbers(document, &widths).ok()??;
    let Object::Integer(first) = document.get(font, b"FirstChar").ok()?? else { return None };
    let first = usize::try_from(first).ok()?;
    for (width, entry) in widths.iter().zip(all.get_mut(first..)?) {
        *entry = Some(width / 1000.0);
    }
    let missing = match descriptor.map(|descriptor| document.get(descriptor, b"MissingWidth")) {
        Some(Ok(Some(width))) => number(&width)?,
        Some(Err(_)) => return None,
        _ => 0.0,
    };
    // What is not listed is as wide as this, or as the font has it.
    let is_wide = missing.abs() > WIDEST * 1000.0;
    if is_wide { None } else { Some(Codes::Simple(all)) }
}

fn composite(document: &Document<'_>, encoding: &Object, descendant: &Dictionary) -> Option<Codes> {
    let Object::Name(encoding) = encoding else { return None };
    if !encoding.ends_with(b"-H") {
        return None;
    }
    let default = match document.get(descendant, b"DW").ok()? {
        None => 1.0,
        Some(width) => number(&width)? / 1000.0,
    };
    let mut ranges = match document.array(descendant, b"W").ok()? {
        None => Vec::new(),
        Some(widths) => ranges(document, &widths)?,
    };
    ranges.sort_unstable_by_key(|(first, last, _)| (*first, *last));
    let is_apart = ranges.windows(2).all(|pair| pair[0].1 < pair[1].0);
    if encoding == b"Identity-H" && is_apart {
        return Some(Codes::Double { ranges, default });
    }
    let all = || ranges.iter().map(|(_, _, width)| *width).chain([default]);
    Some(Codes::Some(all().fold(0.0, f64::min), all().fold(0.0, f64::max)))
}

/// `W` of §9.7.4.3: `first [widths]`, or `first last width`.
fn ranges(document: &Document<'_>, widths: &[Value]) -> Option<Vec<(u16, u16, f64)>> {
    let mut ranges: Vec<(u16, u16, f64)> = Vec::new();
    let mut rest = widths.iter();
    let code = |object: &Object| match object {
        Object::Integer(code) => u16::try_from(*code).ok(),
        _ => None,
    };
    while let Some(first) = rest.next() {
        let first = code(&document.resolve(first).ok()??.value.object)?;
        let second = document.resolve(rest.next()?).ok()??.value.object;
        if let Object::Array(_) = second {
            for (index, width) in numbers(document, &second).ok()??.into_iter().enumerate() {
                let code = u16::try_from(usize::from(first) + index).ok()?;
                ranges.push((code, code, width / 1000.0));
            }
        } else {
            let width = number(&document.resolve(rest.next()?).ok()??.value.object)? / 1000.0;
            let last = code(&second).filter(|last| *last >= first)?;
            ranges.push((first, last, width));
        }
        if ranges.len() > RANGES {
            return None;
        }
    }
    Some(ranges)
}
