//! What a PDF has that could show something else than it did when it was signed: programs, XFA forms, actions that start something,
//! octets in other files (ISO 32000-2 §12.6, §7.11.4); and what is there and not shown, so that a later revision could show it.

use std::collections::HashSet;
use std::ops::Range;

use super::document::{Document, Indirect};
use super::fault::PdfFault;
use super::object::{Dictionary, Object, Reference, Value};

/// Actions that show or start something else (§12.6.4).
const ACTIONS: [&[u8]; 9] = [
    b"JavaScript",
    b"Launch",
    b"ImportData",
    b"SubmitForm",
    b"ResetForm",
    b"Hide",
    b"SetOCGState",
    b"Rendition",
    b"RichMediaExecute",
];

/// Annotations that play something else (§12.5.6).
const PLAYERS: [&[u8]; 4] = [b"RichMedia", b"3D", b"Movie", b"Screen"];

/// Flags of an annotation that is not shown: Hidden, NoView (§12.5.3).
const NOT_SHOWN: i64 = 2 | 32;

/// Octets before the word in which its numbers are looked for.
const HEADER: usize = 4096;
/// Octets around an escape that may be a part of a word.
const ESCAPED: usize = 24;

/// Data of streams that are longer are not searched for objects.
const LONG: usize = 64 << 10;

/// What was found in all objects, used or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// What it shows can change without its octets.
    pub is_active: bool,
    /// Pages, pictures, fonts, annotations or other content that nothing refers to, or objects that no cross-reference names.
    pub unused: bool,
    /// Layers that are switched off, or may be.
    pub hidden_layers: bool,
    /// Annotations that are not shown, signatures excepted.
    pub hidden_annotations: bool,
}

/// Looks at every object once; each must be readable.
pub fn survey(document: &Document<'_>) -> Result<Survey, PdfFault> {
    let mut found = Survey::default();
    let mut seen = HashSet::new();
    let mut open: Vec<u32> = Vec::new();
    let mut data: Vec<Range<usize>> = Vec::new();
    for (_, value) in document.trailer().iter() {
        references(value, &mut open);
    }
    while let Some(number) = open.pop() {
        if seen.insert(number)
            && let Some(object) = read(document, number)?
        {
            references(&object.value, &mut open);
            data.extend(long_data(&object));
            found.look(&object);
        }
    }
    for number in document.numbers() {
        if !seen.contains(&number)
            && let Some(object) = read(document, number)?
        {
            found.unused |= is_content(&object);
            data.extend(long_data(&object));
            found.look(&object);
        }
    }
    found.unused |= has_unlisted(document, data);
    Ok(found)
}

/// The data of a stream in the file that is long and says how long it is.
fn long_data(object: &Indirect) -> Option<Range<usize>> {
    let Object::Dictionary(dictionary) = &object.value.object else { return None };
    let length = dictionary.integer(b"Length").and_then(|length| usize::try_from(length).ok());
    let length = length.filter(|length| object.is_stream && *length > LONG)?;
    let begin = object.value.span.end;
    Some(begin..begin.checked_add(length)?)
}

/// Something like an object stands in the file where no section says that one is; not in these data.
fn has_unlisted(document: &Document<'_>, mut data: Vec<Range<usize>>) -> bool {
    let (octets, listed) = (document.octets(), document.offsets());
    data.sort_unstable_by_key(|range| range.start);
    let mut from = 0;
    let mut found = false;
    for range in data.into_iter().filter(|range| range.end <= octets.len()) {
        found |= from < range.start && first_unlisted_in(octets, from..range.start, &listed).is_some();
        from = from.max(range.end);
    }
    found || first_unlisted_in(octets, from..octets.len(), &listed).is_some()
}

/// The beginning of one as some reader takes it that repairs a file: two numbers with signs or points, and anything between them that is not
/// written in letters, or comments.
pub(super) fn first_unlisted_in(octets: &[u8], range: Range<usize>, listed: &[usize]) -> Option<usize> {
    memchr::memmem::find_iter(&octets[range.clone()], b"obj").find_map(|at| {
        let end = range.start + at;
        let window = &octets[end.saturating_sub(HEADER)..end];
        let shift = end - window.len();
        let after_generation = before_space(window, shift > 0);
        let generation = before_number(after_generation);
        let after_number = before_space(generation, shift > 0);
        let number = before_number(after_number);
        if shift > 0 && [after_generation, generation, after_number, number].iter().any(|rest| rest.is_empty()) {
            // It goes on before what is looked at.
            return Some(end);
        }
        let is_one = generation.len() < after_generation.len()
            && after_number.len() < generation.len()
            && number.len() < after_number.len();
        (is_one && listed.binary_search(&(shift + number.len())).is_err()).then_some(shift + number.len())
    })
}

/// Without the digits of a number at the end.
fn before_number(octets: &[u8]) -> &[u8] {
    &octets[..octets.len() - octets.iter().rev().take_while(|octet| octet.is_ascii_digit()).count()]
}

/// Without what some reader takes for white space at the end, signs, points, and comments; nothing, if the beginning `is_cut` off and a
/// comment could begin there.
fn before_space(octets: &[u8], is_cut: bool) -> &[u8] {
    let is_loose = |octet: &&u8| !(0x21..0x7F).contains(*octet) || matches!(octet, b'+' | b'-' | b'.');
    let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    let mut rest = octets;
    loop {
        let loose = rest.iter().rev().take_while(is_loose).count();
        let (before, space) = rest.split_at(rest.len() - loose);
        if !space.iter().any(is_end) {
            return before;
        }
        let begin = match memchr::memrchr2(b'\r', b'\n', before) {
            Some(end) => end + 1,
            None if is_cut => return &[],
            None => 0,
        };
        match memchr::memchr(b'%', &before[begin..]) {
            Some(at) => rest = &before[..begin + at],
            None => return before,
        }
    }
}

/// Words with which readers that repair begin an object or a trailer, written with escapes.
pub(super) fn has_escaped_word(octets: &[u8]) -> bool {
    memchr::memchr_iter(b'#', octets).any(|at| {
        let window = &octets[at.saturating_sub(ESCAPED)..octets.len().min(at + ESCAPED)];
        let unescaped = unescaped(window);
        [&b"obj"[..], b"trailer"].iter().any(|word| {
            memchr::memmem::find_iter(&unescaped, word).count() > memchr::memmem::find_iter(window, word).count()
        })
    })
}

/// `#62` is `b`, as in names.
fn unescaped(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        match octets.get(at + 1..at + 3).filter(|_| *octet == b'#').and_then(|digits| hex::decode(digits).ok()) {
            Some(own) => {
                out.extend(own);
                at += 3;
            }
            None => {
                out.push(*octet);
                at += 1;
            }
        }
    }
    out
}

fn read(document: &Document<'_>, number: u32) -> Result<Option<Indirect>, PdfFault> {
    document.in_use(number).map_or(Ok(None), |reference: Reference| document.object(reference))
}

fn references(value: &Value, open: &mut Vec<u32>) {
    match &value.object {
        Object::Reference(reference) => open.push(reference.number),
        Object::Array(values) => values.iter().for_each(|value| references(value, open)),
        Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| references(value, open)),
        _ => {}
    }
}

impl Survey {
    fn look(&mut self, object: &Indirect) {
        self.is_active |= is_active(&object.value.object, object.is_stream);
        if let Object::Dictionary(dictionary) = &object.value.object {
            let flags = dictionary.integer(b"F").unwrap_or(0);
            let is_signature = dictionary.name(b"FT") == Some(b"Sig");
            self.hidden_annotations |= dictionary.get(b"Rect").is_some() && !is_signature && flags & NOT_SHOWN != 0;
            self.hidden_layers |= dictionary.name(b"Type") == Some(b"OCG") || dictionary.get(b"OCGs").is_some();
        }
    }
}

/// What a page could show.
fn is_content(object: &Indirect) -> bool {
    let Object::Dictionary(dictionary) = &object.value.object else { return false };
    match dictionary.name(b"Type") {
        Some(b"Page" | b"Pages" | b"XObject" | b"Font" | b"Annot") => true,
        // The file's own structure, and what is never shown.
        Some(b"XRef" | b"ObjStm" | b"Metadata") => false,
        // The hints of a linearised file (annex F).
        _ => object.is_stream && dictionary.get(b"S").is_none(),
    }
}

/// Nested no deeper than the reader allows.
fn is_active(object: &Object, is_stream: bool) -> bool {
    match object {
        Object::Array(values) => values.iter().any(|value| is_active(&value.object, false)),
        Object::Dictionary(dictionary) => {
            starts_something(dictionary)
                || is_stream && dictionary.get(b"F").is_some()
                || dictionary.iter().any(|(_, value)| is_active(&value.object, false))
        }
        _ => false,
    }
}

fn starts_something(dictionary: &Dictionary) -> bool {
    let action = dictionary.name(b"S").is_some_and(|name| ACTIONS.contains(&name));
    let subtype = dictionary.name(b"Subtype").unwrap_or_default();
    let is_player = dictionary.get(b"Rect").is_some() && PLAYERS.contains(&subtype);
    // A form that shows a page of another file (§8.10.4).
    let is_elsewhere = subtype == b"Form" && dictionary.get(b"Ref").is_some();
    action || is_player || is_elsewhere || dictionary.get(b"XFA").is_some() || dictionary.get(b"JS").is_some()
}
