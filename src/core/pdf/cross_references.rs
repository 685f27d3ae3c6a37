//! Where objects are: cross-reference tables and streams (ISO 32000-2 §7.5.4, §7.5.8), the newest first.

use std::collections::HashSet;

use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Value};
use super::syntax::{Cursor, is_space};
use super::{filter, stream};

/// How far before the end `startxref` may stand: other readers look no further.
const END_WINDOW: usize = 1024;
/// Revisions of one file.
const SECTIONS: usize = 1024;
/// Entries of all sections together.
const ENTRIES: usize = 400_000;
/// The largest number of an object (Annex C).
pub(super) const LARGEST_NUMBER: u64 = 8_388_607;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Free,
    At {
        offset: usize,
        generation: u16,
    },
    /// In an object stream, as its so-manieth.
    In {
        stream: u32,
        index: u32,
    },
}

/// One cross-reference section with its trailer.
#[derive(Debug)]
pub struct Section {
    /// Where it begins, and the octet behind all of it.
    pub at: usize,
    pub end: usize,
    /// The octet behind the trailer of a table.
    pub table_end: usize,
    /// Where the stream of a hybrid file begins.
    pub at_hidden: Option<usize>,
    /// What its table calls free and that stream does not: there for some readers, and not for others.
    pub hidden: Vec<u32>,
    pub trailer: Dictionary,
    /// Sorted by number, each once.
    places: Vec<(u32, Place)>,
}

/// All sections of a file, the newest first, and where they say that objects are.
#[derive(Debug)]
pub struct Sections {
    pub list: Vec<Section>,
    /// Number, section, place: sorted.
    entries: Vec<(u32, u32, Place)>,
}

impl Sections {
    /// The place of an object as the section `from` and those older than it have it; `None`: nowhere.
    pub fn place(&self, number: u32, from: usize) -> Option<Place> {
        let first = self.entries.partition_point(|(known, section, _)| (*known, *section as usize) < (number, from));
        self.entries.get(first).filter(|(known, ..)| *known == number).map(|(_, _, place)| *place)
    }

    /// What the section `from` and those older than it say.
    pub fn places(&self, from: usize) -> impl Iterator<Item = (u32, Place)> {
        let own = self.entries.iter().filter(move |(_, section, _)| *section as usize >= from);
        own.map(|(number, _, place)| (*number, *place))
    }

    /// Object streams that objects of these sections are in, in use or not.
    pub fn containers(&self, from: usize) -> HashSet<u32> {
        let own = self.entries.iter().filter(|(_, section, _)| *section as usize >= from);
        own.filter_map(|(_, _, place)| if let Place::In { stream, .. } = place { Some(*stream) } else { None })
            .collect()
    }

    /// Some section says that the object is there.
    pub fn says(&self, number: u32, wanted: Place) -> bool {
        let first = self.entries.partition_point(|(known, ..)| *known < number);
        self.entries[first..].iter().take_while(|(known, ..)| *known == number).any(|(_, _, place)| *place == wanted)
    }

    /// Where the bodies of objects begin that one section names.
    pub fn offsets_in(&self, wanted: usize) -> Vec<usize> {
        let own = self.entries.iter().filter(|(_, section, _)| *section as usize == wanted);
        let offset = |place: &Place| if let Place::At { offset, .. } = place { Some(*offset) } else { None };
        own.filter_map(|(_, _, place)| offset(place)).collect()
    }

    /// Where the bodies of objects begin, in all sections from this one on, ascending.
    pub fn offsets(&self, from: usize) -> Vec<usize> {
        let of_objects = self.entries.iter().filter(|(_, section, _)| *section as usize >= from);
        let of_objects = of_objects.filter_map(|(_, _, place)| match place {
            Place::At { offset, .. } => Some(*offset),
            _ => None,
        });
        let mut offsets: Vec<usize> =
            of_objects.chain(self.list.iter().flat_map(|section| section.at_hidden)).collect();
        offsets.extend(self.list.iter().map(|section| section.at));
        offsets.sort_unstable();
        offsets
    }

    /// Where the section `from` and those older than it say that the object is in the file.
    pub fn offsets_of(&self, number: u32, from: usize) -> impl Iterator<Item = usize> {
        let first = self.entries.partition_point(|(known, section, _)| (*known, *section as usize) < (number, from));
        let own = self.entries[first..].iter().take_while(move |(known, ..)| *known == number);
        own.filter_map(|(_, _, place)| if let Place::At { offset, .. } = place { Some(*offset) } else { None })
    }

    /// The numbers that some of these sections call free, ascending.
    pub fn freed(&self, sections: std::ops::Range<usize>) -> impl Iterator<Item = u32> {
        let is_freed = move |(_, section, place): &&(u32, u32, Place)| {
            sections.contains(&(*section as usize)) && *place == Place::Free
        };
        self.entries.iter().filter(is_freed).map(|(number, ..)| *number)
    }

    /// The numbers that occur in some of these sections, ascending.
    pub fn numbers(&self, sections: std::ops::Range<usize>) -> impl Iterator<Item = u32> {
        let mut last = None;
        let is_in = move |(number, section, _): &&(u32, u32, Place)| {
            let is_new = sections.contains(&(*section as usize)) && last != Some(*number);
            if is_new {
                last = Some(*number);
            }
            is_new
        };
        self.entries.iter().filter(is_in).map(|(number, ..)| *number)
    }
}

/// The sections of a file that ends with these octets.
pub fn sections(octets: &[u8]) -> Result<Sections, PdfFault> {
    let mut next = Some(start(octets)?);
    let mut list: Vec<Section> = Vec::new();
    let mut entries: Vec<(u32, u32, Place)> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(at) = next {
        let fault = |kind| PdfFault { at, kind };
        if !seen.insert(at) {
            return Err(fault(PdfFaultKind::Circle));
        }
        if list.len() == SECTIONS {
            return Err(fault(PdfFaultKind::Limit));
        }
        let mut section = section(octets, at)?;
        if section.trailer.get(b"Encrypt").is_some() {
            return Err(fault(PdfFaultKind::Encrypted));
        }
        // A hybrid file: what the table calls free may be in the stream (§7.5.8.4), and nothing else.
        if let Some(hidden) = offset_of(&section.trailer, b"XRefStm").map_err(fault)? {
            if !Cursor::new(octets, at).rest().starts_with(b"xref") {
                // Of a stream nobody follows it.
                return Err(fault(PdfFaultKind::CrossReferences));
            }
            if !seen.insert(hidden) {
                return Err(fault(PdfFaultKind::Circle));
            }
            section.at_hidden = Some(hidden);
            let hidden = stream_section(octets, hidden)?;
            // Some readers follow its own trailer, and some the table's.
            let is_other =
                |key: &&[u8]| hidden.trailer.get(key).is_some_and(|own| !is_same(own, section.trailer.get(key)));
            let says_other = [&b"Prev"[..], b"Root", b"Encrypt", b"XRefStm"].iter().any(is_other);
            if says_other {
                return Err(fault(PdfFaultKind::CrossReferences));
            }
            section.end = section.end.max(hidden.end);
            let is_hidden = |number: u32| hidden.places.binary_search_by_key(&number, |(known, _)| *known).is_ok();
            let (free, places) = section.places.into_iter().partition(|(_, place)| *place == Place::Free);
            let (of_both, free): (Vec<_>, Vec<_>) =
                Vec::<(u32, Place)>::into_iter(free).partition(|(number, _)| is_hidden(*number));
            section.hidden = of_both.into_iter().map(|(number, _)| number).collect();
            section.places = Vec::<(u32, Place)>::into_iter(places).chain(free).collect();
            section.places.extend(hidden.places);
            section.places = sorted(section.places).map_err(fault)?;
        }
        if entries.len() + section.places.len() > ENTRIES {
            return Err(fault(PdfFaultKind::Limit));
        }
        let index = list.len() as u32;
        entries.extend(std::mem::take(&mut section.places).into_iter().map(|(number, place)| (number, index, place)));
        next = offset_of(&section.trailer, b"Prev").map_err(fault)?;
        list.push(section);
    }
    entries.sort_unstable_by_key(|(number, section, _)| (*number, *section));
    // Of two generations some readers take the higher, and some the newer.
    let generation = |place: Place| match place {
        Place::Free => None,
        Place::At { generation, .. } => Some(generation),
        Place::In { .. } => Some(0),
    };
    let mut newest: Option<(u32, u16)> = None;
    for (number, _, place) in &entries {
        let Some(own) = generation(*place) else { continue };
        match newest {
            Some((known, of_newer)) if known == *number => {
                if own > of_newer {
                    return Err(PdfFault { at: list[0].at, kind: PdfFaultKind::TwoPlaces });
                }
            }
            _ => newest = Some((*number, own)),
        }
    }
    Ok(Sections { list, entries })
}

fn is_same(one: &Value, other: Option<&Value>) -> bool {
    other.is_some_and(|other| one.object == other.object)
}

/// By number; none has two places.
fn sorted(mut places: Vec<(u32, Place)>) -> Result<Vec<(u32, Place)>, PdfFaultKind> {
    places.sort_by_key(|(number, _)| *number);
    places.dedup();
    let is_twice = places.windows(2).any(|pair| pair[0].0 == pair[1].0);
    if is_twice { Err(PdfFaultKind::TwoPlaces) } else { Ok(places) }
}

/// The number after the last `startxref`, behind which nothing stands but `%%EOF` and white space (§7.5.5).
pub fn start(octets: &[u8]) -> Result<usize, PdfFault> {
    const WORD: &[u8] = b"startxref";
    let from = octets.len().saturating_sub(END_WINDOW);
    let fault = PdfFault { at: from, kind: PdfFaultKind::End };
    let tail = &octets[from..];
    let last = memchr::memmem::rfind(tail, WORD).ok_or_else(|| fault.clone())?;
    let mut cursor = Cursor::new(octets, from + last + WORD.len());
    cursor.skip_line_ends();
    let start = cursor.unsigned().map_err(|_| fault.clone())?;
    cursor.skip_line_ends();
    let end = cursor.rest().strip_prefix(b"%%EOF").filter(|end| end.iter().all(|octet| is_space(*octet)));
    match (end, usize::try_from(start)) {
        (Some(_), Ok(start)) if start < octets.len() => Ok(start),
        _ => Err(fault),
    }
}

fn offset_of(trailer: &Dictionary, key: &[u8]) -> Result<Option<usize>, PdfFaultKind> {
    match trailer.get(key).map(|value| &value.object) {
        None => Ok(None),
        Some(Object::Integer(offset)) => usize::try_from(*offset).map(Some).map_err(|_| PdfFaultKind::CrossReferences),
        Some(_) => Err(PdfFaultKind::CrossReferences),
    }
}

/// The one that begins there.
pub fn section(octets: &[u8], at: usize) -> Result<Section, PdfFault> {
    let mut cursor = Cursor::new(octets, at);
    if cursor.keyword(b"xref").is_ok() { table_section(cursor, at) } else { stream_section(octets, at) }
}

/// `xref`, subsections, `trailer`.
fn table_section(mut cursor: Cursor<'_>, at: usize) -> Result<Section, PdfFault> {
    let mut places = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.keyword(b"trailer").is_ok() {
            break;
        }
        let begin = cursor.at;
        let fault = |kind| PdfFault { at: begin, kind };
        let first = cursor.unsigned()?;
        cursor.skip_space();
        let count = cursor.unsigned()?;
        cursor.skip_space();
        // Twenty octets each.
        if count > cursor.rest().len() as u64 / 20 || first + count > LARGEST_NUMBER + 1 {
            return Err(fault(PdfFaultKind::CrossReferences));
        }
        for number in first..first + count {
            let entry = entry(&cursor.rest()[..20.min(cursor.rest().len())]);
            let place = entry.ok_or(PdfFault { at: cursor.at, kind: PdfFaultKind::CrossReferences })?;
            cursor.at += 20;
            keep(&mut places, number, place).map_err(fault)?;
        }
    }
    let trailer = cursor.value()?;
    let Object::Dictionary(trailer) = trailer.object else {
        return Err(PdfFault { at: trailer.span.start, kind: PdfFaultKind::Type });
    };
    let places = sorted(places).map_err(|kind| PdfFault { at, kind })?;
    Ok(Section { at, end: cursor.at, table_end: cursor.at, at_hidden: None, hidden: Vec::new(), trailer, places })
}

/// `nnnnnnnnnn ggggg n`, two octets of end of line (§7.5.4).
fn entry(octets: &[u8]) -> Option<Place> {
    let number = |digits: &[u8]| -> Option<u64> {
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
    };
    let [offset @ .., b' ', _, _, _, _, _, b' ', kind, one, other] = octets else { return None };
    let generation = number(&octets[11..16])?;
    if offset.len() != 10 || ![[b' ', b'\r'], [b' ', b'\n'], [b'\r', b'\n']].contains(&[*one, *other]) {
        return None;
    }
    let offset = usize::try_from(number(offset)?).ok()?;
    match kind {
        b'n' => Some(Place::At { offset, generation: u16::try_from(generation).ok()? }),
        b'f' => Some(Place::Free),
        _ => None,
    }
}

fn keep(places: &mut Vec<(u32, Place)>, number: u64, place: Place) -> Result<(), PdfFaultKind> {
    let number = u32::try_from(number).map_err(|_| PdfFaultKind::CrossReferences)?;
    if places.len() == ENTRIES {
        return Err(PdfFaultKind::Limit);
    }
    places.push((number, place));
    Ok(())
}

/// A stream of type XRef.
fn stream_section(octets: &[u8], at: usize) -> Result<Section, PdfFault> {
    let fault = |kind| PdfFault { at, kind };
    let mut cursor = Cursor::new(octets, at);
    cursor.object_header().map_err(|_| fault(PdfFaultKind::CrossReferences))?;
    let value = cursor.value()?;
    let Object::Dictionary(trailer) = value.object else { return Err(fault(PdfFaultKind::CrossReferences)) };
    if trailer.name(b"Type") != Some(b"XRef") || !filter::is_plain(&trailer) {
        return Err(fault(PdfFaultKind::CrossReferences));
    }
    // Its length stands in it: a reference could not be followed yet.
    let length = trailer.integer(b"Length").and_then(|length| usize::try_from(length).ok());
    let data = stream::data(&mut cursor, length.ok_or_else(|| fault(PdfFaultKind::Stream))?)?;
    let rows = filter::decoded(&trailer, data, usize::MAX).map_err(fault)?;
    let places = stream_places(&trailer, &rows).and_then(sorted).map_err(fault)?;
    Ok(Section { at, end: cursor.at, table_end: cursor.at, at_hidden: None, hidden: Vec::new(), trailer, places })
}

fn stream_places(trailer: &Dictionary, rows: &[u8]) -> Result<Vec<(u32, Place)>, PdfFaultKind> {
    const BAD: PdfFaultKind = PdfFaultKind::CrossReferences;
    let numbers = |key: &[u8]| -> Result<Option<Vec<u64>>, PdfFaultKind> {
        let Some(value) = trailer.get(key) else { return Ok(None) };
        let values = value.object.as_array().ok_or(BAD)?;
        let number = |value: &super::object::Value| match value.object {
            Object::Integer(number) => u64::try_from(number).map_err(|_| BAD),
            _ => Err(BAD),
        };
        values.iter().map(number).collect::<Result<Vec<_>, _>>().map(Some)
    };
    let widths =
        numbers(b"W")?.filter(|widths| widths.len() == 3 && widths.iter().all(|width| *width <= 8)).ok_or(BAD)?;
    let widths = [widths[0] as usize, widths[1] as usize, widths[2] as usize];
    let width: usize = widths.iter().sum();
    let size = trailer.integer(b"Size").and_then(|size| u64::try_from(size).ok()).ok_or(BAD)?;
    let index = numbers(b"Index")?.unwrap_or_else(|| vec![0, size]);
    if width == 0 || !index.len().is_multiple_of(2) || !rows.len().is_multiple_of(width) {
        return Err(BAD);
    }
    let mut rows = rows.chunks_exact(width);
    let mut places = Vec::new();
    for part in index.chunks_exact(2) {
        let (first, count) = (part[0], part[1]);
        if first > LARGEST_NUMBER || count > rows.len() as u64 || first + count > LARGEST_NUMBER + 1 {
            return Err(BAD);
        }
        for (number, row) in (first..first + count).zip(rows.by_ref().take(count as usize)) {
            let (kind, rest) = row.split_at(widths[0]);
            let (second, third) = rest.split_at(widths[1]);
            let value = |octets: &[u8]| octets.iter().fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
            let (second, third) = (value(second), value(third));
            let place = match if kind.is_empty() { 1 } else { value(kind) } {
                0 => Place::Free,
                1 => Place::At {
                    offset: usize::try_from(second).map_err(|_| BAD)?,
                    generation: u16::try_from(third).map_err(|_| BAD)?,
                },
                2 => Place::In {
                    stream: u32::try_from(second).map_err(|_| BAD)?,
                    index: u32::try_from(third).map_err(|_| BAD)?,
                },
                // Of a kind that is not known: as good as null, to some (§7.5.8.3).
                _ => return Err(BAD),
            };
            keep(&mut places, number, place)?;
        }
    }
    if rows.next().is_some() { Err(BAD) } else { Ok(places) }
}
