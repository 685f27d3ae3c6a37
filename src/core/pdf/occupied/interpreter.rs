//! Follows the operators of a page as far as they say where something is painted (ISO 32000-2 §8, §9).
//!
//! Whatever is not understood to the last operand ends with `None`: then anything may be anywhere. Programs mend broken content in
//! different ways, and one of them may show what another does not.

use std::collections::HashMap;
use std::rc::Rc;

use super::font::Font;
use super::painted::Painted;
use super::state::{Path, State, TextPlace};
use super::tokens::Operators;
use crate::core::pdf::document::{Document, Stream};
use crate::core::pdf::geometry::{Matrix, Rectangle, number};
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::page::numbers;

/// Operators and characters of one page.
const WORK: usize = 1_000_000;
/// Forms in each other.
const FORMS: usize = 16;
/// States that are saved.
const SAVED: usize = 256;

pub struct Interpreter<'a, 'd> {
    document: &'a Document<'d>,
    pub painted: Painted,
    streams: HashMap<Reference, Rc<Stream>>,
    fonts: HashMap<Reference, Rc<Font>>,
    /// Images are `None`.
    externals: HashMap<Reference, Option<Rc<Stream>>>,
    left: usize,
}

/// One content stream, with what it may name.
struct Content<'r> {
    resources: Option<&'r Dictionary>,
    /// What was looked up in them, by kind.
    named: HashMap<&'static [u8], HashMap<Vec<u8>, Value>>,
    state: State,
    saved: Vec<State>,
    path: Path,
    text: Option<TextPlace>,
    depth: usize,
}

/// So many numbers and nothing else.
fn exactly<const N: usize>(operands: &[Object]) -> Option<[f64; N]> {
    let operands: &[Object; N] = operands.try_into().ok()?;
    let mut numbers = [0.0; N];
    for (operand, place) in operands.iter().zip(&mut numbers) {
        *place = number(operand)?;
    }
    Some(numbers)
}

/// What it costs to look at a value again, in operators: of one that is referred to, the document keeps account.
fn size(value: &Value) -> usize {
    value.span.len() / 8
}

/// What stands under the key is read alike by all, if it is an object of its own.
pub fn plainly_led(document: &Document<'_>, dictionary: &Dictionary, key: &[u8]) -> Option<()> {
    match dictionary.get(key).and_then(|value| value.object.as_reference()) {
        Some(reference) if document.in_use(reference.number).is_some() => document.check_plain(reference.number).ok(),
        _ => Some(()),
    }
}

fn name(operands: &[Object]) -> Option<&[u8]> {
    match operands {
        [Object::Name(name)] => Some(name),
        _ => None,
    }
}

fn text(operand: &Object) -> Option<&[u8]> {
    match operand {
        Object::String { octets, .. } => Some(octets),
        _ => None,
    }
}

impl<'a, 'd> Interpreter<'a, 'd> {
    pub fn new(document: &'a Document<'d>, painted: Painted) -> Self {
        let (streams, fonts, externals) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { document, painted, streams, fonts, externals, left: WORK }
    }

    fn work(&mut self, amount: usize) -> Option<()> {
        self.left = self.left.checked_sub(amount)?;
        Some(())
    }

    pub fn stream(&mut self, reference: Reference) -> Option<Rc<Stream>> {
        if let Some(known) = self.streams.get(&reference) {
            return Some(Rc::clone(known));
        }
        self.document.check_plain(reference.number).ok()?;
        let stream = Rc::new(self.document.stream(reference).ok()??);
        self.streams.insert(reference, Rc::clone(&stream));
        Some(stream)
    }

    /// A resource by its name.
    fn named(&mut self, content: &mut Content<'_>, kind: &'static [u8], name: &[u8]) -> Option<Value> {
        if !content.named.contains_key(kind) {
            self.work(content.resources?.get(kind).map_or(0, size))?;
            plainly_led(self.document, content.resources?, kind)?;
            let all = self.document.dictionary(content.resources?, kind).ok()??;
            let all: HashMap<Vec<u8>, Value> = all.iter().map(|(name, value)| (name.to_vec(), value.clone())).collect();
            self.work(16 + all.len())?;
            content.named.insert(kind, all);
        }
        let found = content.named.get(kind)?.get(name)?;
        self.work(size(found))?;
        Some(found.clone())
    }

    /// The content of the page.
    pub fn run(&mut self, octets: &[u8], resources: Option<&Dictionary>) -> Option<()> {
        self.content(octets, resources, State::new(), FORMS)
    }

    fn content(&mut self, octets: &[u8], resources: Option<&Dictionary>, state: State, depth: usize) -> Option<()> {
        let path = Path::default();
        let mut content =
            Content { resources, named: HashMap::new(), state, saved: Vec::new(), path, text: None, depth };
        let mut operators = Operators::new(octets);
        while let Some((operator, operands)) = operators.next()? {
            self.work(1 + operands.len())?;
            if operator == b"BI" {
                operators.pass_inline_image()?;
                self.image(&content);
            } else {
                self.operator(&mut content, operator, &operands)?;
            }
        }
        Some(())
    }

    fn operator(&mut self, content: &mut Content<'_>, operator: &[u8], operands: &[Object]) -> Option<()> {
        let is_path = matches!(operator, b"m" | b"l" | b"c" | b"v" | b"y" | b"h" | b"re" | b"W" | b"W*");
        let is_paint = matches!(operator, b"S" | b"s" | b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"n");
        if is_path {
            return Self::path(content, operator, operands);
        }
        if is_paint {
            return if operands.is_empty() { self.paint(content, operator) } else { None };
        }
        // Between a path and its painting nothing else may stand (§8.5.2.1).
        if !content.path.is_empty() {
            return None;
        }
        match operator {
            b"q" if operands.is_empty() && content.text.is_none() => {
                content.saved.push(content.state.clone());
                (content.saved.len() <= SAVED).then_some(())
            }
            b"Q" if operands.is_empty() && content.text.is_none() => {
                content.state = content.saved.pop()?;
                Some(())
            }
            b"cm" if content.text.is_none() => {
                content.state.matrix = Matrix(exactly(operands)?).then(content.state.matrix);
                Some(())
            }
            b"w" => {
                [content.state.line_width] = exactly(operands)?;
                Some(())
            }
            b"M" => {
                [content.state.miter_limit] = exactly(operands)?;
                Some(())
            }
            b"gs" => self.parameters(content, name(operands)?),
            b"Do" if content.text.is_none() => self.external(content, name(operands)?),
            // The colour of a shading goes as far as what cuts it.
            b"sh" => None,
            b"g" | b"rg" | b"k" | b"cs" | b"sc" | b"scn" => {
                // The first colour of a pattern space is none at all.
                content.state.has_pattern = matches!(operands, [.., Object::Name(_)]) && operator != b"cs";
                Some(())
            }
            b"J" | b"j" | b"d" | b"ri" | b"i" | b"G" | b"RG" | b"K" | b"CS" | b"SC" | b"SCN" | b"BMC" | b"BDC"
            | b"EMC" | b"MP" | b"DP" => Some(()),
            _ => self.text_operator(content, operator, operands),
        }
    }

    fn path(content: &mut Content<'_>, operator: &[u8], operands: &[Object]) -> Option<()> {
        if content.text.is_some() {
            return None;
        }
        let (matrix, path) = (content.state.matrix, &mut content.path);
        let at = |x: f64, y: f64| matrix.apply((x, y));
        match operator {
            b"m" | b"l" => {
                let [x, y] = exactly(operands)?;
                if operator == b"m" { path.begin(at(x, y)) } else { path.add_line(at(x, y)) }
            }
            b"c" => {
                let [x1, y1, x2, y2, x3, y3] = exactly(operands)?;
                path.add_curve([at(x1, y1), at(x2, y2), at(x3, y3)]);
            }
            b"v" | b"y" => {
                let [x1, y1, x2, y2] = exactly(operands)?;
                path.add_curve([at(x1, y1), at(x2, y2)]);
            }
            b"re" => path.add_rectangle(&matrix, exactly(operands)?),
            b"h" if operands.is_empty() => path.close(),
            b"W" | b"W*" if operands.is_empty() => path.cuts = true,
            _ => return None,
        }
        Some(())
    }

    fn paint(&mut self, content: &mut Content<'_>, operator: &[u8]) -> Option<()> {
        if content.text.is_some() {
            return None;
        }
        let path = std::mem::take(&mut content.path);
        let state = &mut content.state;
        if let Some(bounds) = path.bounds() {
            match operator {
                b"n" => {}
                b"f" | b"F" | b"f*" => match path.upright_rectangle() {
                    Some(rectangle) if !state.has_pattern && !state.has_mask && !state.is_cut => {
                        self.painted.fill(rectangle);
                    }
                    _ => self.painted.add(bounds.expanded(1.0)),
                },
                _ => {
                    let is_closed = matches!(operator, b"s" | b"b" | b"b*");
                    self.painted.add(bounds.expanded(state.reach(path.has_corners(is_closed))));
                }
            }
        }
        if path.cuts {
            let cuts_nothing = path.upright_rectangle().is_some_and(|rectangle| self.painted.is_all(&rectangle));
            state.is_cut |= !cuts_nothing;
        }
        Some(())
    }

    /// `gs` (§8.4.5).
    fn parameters(&mut self, content: &mut Content<'_>, name: &[u8]) -> Option<()> {
        let parameters = self.named(content, b"ExtGState", name)?;
        let Object::Dictionary(parameters) = self.document.resolve(&parameters).ok()??.value.object else {
            return None;
        };
        self.work(16)?;
        if let Some(width) = self.document.get(&parameters, b"LW").ok()? {
            content.state.line_width = number(&width)?;
        }
        if let Some(limit) = self.document.get(&parameters, b"ML").ok()? {
            content.state.miter_limit = number(&limit)?;
        }
        if let Some(mask) = self.document.get(&parameters, b"SMask").ok()? {
            content.state.has_mask = mask != Object::Name(b"None".to_vec());
        }
        if let Some(font) = self.document.array(&parameters, b"Font").ok()? {
            let [font, size] = font.as_slice() else { return None };
            content.state.font_size = number(&size.object)?;
            content.state.font = Some(self.font(font.object.as_reference()?)?);
        }
        Some(())
    }

    /// `Do` (§8.8).
    fn external(&mut self, content: &mut Content<'_>, name: &[u8]) -> Option<()> {
        let reference = self.named(content, b"XObject", name)?.object.as_reference()?;
        let known = match self.externals.get(&reference) {
            Some(known) => known.clone(),
            None => {
                self.document.check_plain(reference.number).ok()?;
                let found = self.document.object(reference).ok()??;
                let dictionary = found.value.object.as_dictionary().filter(|_| found.is_stream)?;
                let form = match dictionary.name(b"Subtype")? {
                    b"Image" => None,
                    // A page of another file would be in its place (§8.10.4).
                    b"Form" if dictionary.get(b"Ref").is_none() => Some(self.stream(reference)?),
                    _ => return None,
                };
                self.externals.insert(reference, form.clone());
                form
            }
        };
        match known {
            Some(form) => self.form(content, &form),
            None => {
                self.image(content);
                Some(())
            }
        }
    }

    /// A unit square (§8.9.5).
    fn image(&mut self, content: &Content<'_>) {
        let unit = Rectangle { left: 0.0, bottom: 0.0, right: 1.0, top: 1.0 };
        self.painted.add(content.state.matrix.around(&unit).expanded(1.0));
    }

    /// A form (§8.10). Whatever it paints counts, also outside of its box.
    fn form(&mut self, content: &Content<'_>, stream: &Stream) -> Option<()> {
        let depth = content.depth.checked_sub(1)?;
        let mut state = content.state.clone();
        if let Some(matrix) = self.document.array(&stream.dictionary, b"Matrix").ok()? {
            let matrix = numbers(self.document, &Object::Array(matrix)).ok()??;
            state.matrix = Matrix(matrix.try_into().ok()?).then(state.matrix);
        }
        // It is cut to its box.
        let corners = self.document.array(&stream.dictionary, b"BBox").ok()??;
        let corners = numbers(self.document, &Object::Array(corners)).ok()??;
        let visible = state.matrix.around(&Rectangle::of_corners(&corners)?);
        state.is_cut |= !(state.matrix.is_upright() && self.painted.is_all(&visible));
        self.work(stream.dictionary.get(b"Resources").map_or(0, size))?;
        plainly_led(self.document, &stream.dictionary, b"Resources")?;
        // Without resources of its own it would take those of the page, or of the form around it.
        let resources = self.document.dictionary(&stream.dictionary, b"Resources").ok()?;
        self.content(&stream.octets, resources.as_ref(), state, depth)
    }

    fn font(&mut self, reference: Reference) -> Option<Rc<Font>> {
        if let Some(known) = self.fonts.get(&reference) {
            return Some(Rc::clone(known));
        }
        self.document.check_plain(reference.number).ok()?;
        let found = self.document.object(reference).ok()??;
        let font = Rc::new(Font::read(self.document, found.value.object.as_dictionary()?)?);
        self.fonts.insert(reference, Rc::clone(&font));
        Some(font)
    }

    fn text_operator(&mut self, content: &mut Content<'_>, operator: &[u8], operands: &[Object]) -> Option<()> {
        match operator {
            b"BT" if operands.is_empty() && content.text.is_none() => {
                content.text = Some(TextPlace::new());
                return Some(());
            }
            b"ET" if operands.is_empty() => return content.text.take().map(|_| ()),
            b"Tf" => {
                let [Object::Name(name), size] = operands else { return None };
                content.state.font_size = number(size)?;
                let font = self.named(content, b"Font", name)?.object.as_reference()?;
                content.state.font = Some(self.font(font)?);
                return Some(());
            }
            b"Tj" | b"TJ" | b"'" | b"\"" => return self.show(content, operator, operands),
            _ => {}
        }
        if matches!(operator, b"Tc" | b"Tw" | b"Tz" | b"TL" | b"Ts" | b"Tr") {
            let [value] = exactly(operands)?;
            match operator {
                b"Tc" => content.state.character_space = value,
                b"Tw" => content.state.word_space = value,
                b"Tz" => content.state.scaling = value / 100.0,
                b"TL" => content.state.leading = value,
                b"Ts" => content.state.rise = value,
                _ => content.state.rendering = value as i64,
            }
            return Some(());
        }
        let text = content.text.as_mut()?;
        match operator {
            b"Td" | b"TD" => {
                let [x, y] = exactly(operands)?;
                if operator == b"TD" {
                    content.state.leading = -y;
                }
                text.next_line(x, y);
            }
            b"Tm" => *text = TextPlace { line: Matrix(exactly(operands)?), pen: (0.0, 0.0) },
            b"T*" if operands.is_empty() => text.next_line(0.0, -content.state.leading),
            _ => return None,
        }
        Some(())
    }

    fn show(&mut self, content: &mut Content<'_>, operator: &[u8], operands: &[Object]) -> Option<()> {
        match (operator, operands) {
            (b"Tj", [shown]) => self.text(content, text(shown)?),
            (b"'", [shown]) => {
                content.text.as_mut()?.next_line(0.0, -content.state.leading);
                self.text(content, text(shown)?)
            }
            (b"\"", [word_space, character_space, shown]) => {
                content.state.word_space = number(word_space)?;
                content.state.character_space = number(character_space)?;
                content.text.as_mut()?.next_line(0.0, -content.state.leading);
                self.text(content, text(shown)?)
            }
            (b"TJ", [Object::Array(parts)]) => {
                for part in parts {
                    if let Some(by) = number(&part.object) {
                        let by = -by / 1000.0 * content.state.font_size * content.state.scaling;
                        let pen = &mut content.text.as_mut()?.pen;
                        *pen = (pen.0 + by, pen.1 + by);
                        self.work(1)?;
                    } else {
                        self.text(content, text(&part.object)?)?;
                    }
                }
                Some(())
            }
            _ => None,
        }
    }

    /// One string: as one rectangle around all its glyphs, wherever the pen can be (§9.4.4).
    fn text(&mut self, content: &mut Content<'_>, shown: &[u8]) -> Option<()> {
        self.work(shown.len())?;
        let (state, place) = (&mut content.state, content.text.as_mut()?);
        let font = Rc::clone(state.font.as_ref()?);
        let (size, scaling) = (state.font_size, state.scaling);
        let span = |low: f64, high: f64, factor: f64| {
            let (one, other) = (low * factor, high * factor);
            (one.min(other), one.max(other))
        };
        let (mut low, mut high) = place.pen;
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        for glyph in font.glyphs(shown) {
            let reach = span(font.left + glyph.least.min(0.0), font.right.max(glyph.most + 0.25), size * scaling);
            left = left.min(low + reach.0);
            right = right.max(high + reach.1);
            let advance = span(glyph.least, glyph.most, size * scaling);
            let count = |(least, most): (usize, usize), by: f64| span(least as f64, most as f64, by * scaling);
            let characters = count(glyph.characters, state.character_space);
            let spaces = count(glyph.spaces, state.word_space);
            low += advance.0 + characters.0 + spaces.0;
            high += advance.1 + characters.1 + spaces.1;
            left = left.min(low + reach.0);
            right = right.max(high + reach.1);
        }
        place.pen = (low, high);
        if shown.is_empty() {
            return Some(());
        }
        let (bottom, top) = span(font.bottom, font.top, size);
        let around = Rectangle { left, bottom: bottom + state.rise, right, top: top + state.rise };
        let around = place.line.then(state.matrix).around(&around);
        let reach = if matches!(state.rendering, 0 | 3 | 4 | 7) { 1.0 } else { state.reach(true) };
        self.painted.add(around.expanded(reach));
        // Its shapes may cut what follows (§9.3.6).
        state.is_cut |= state.rendering >= 4;
        Some(())
    }
}
