//! Decompressing the streams that say where objects are (ISO 32000-2 §7.4.4), within bounds.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::fault::PdfFaultKind;
use super::object::{Dictionary, Object};

/// Octets of one stream, decompressed.
const LONGEST: usize = 16 << 20;

/// The octets of a stream with this dictionary: as they are, or by FlateDecode with a predictor. No other filter is read, nor two.
/// `most`: octets that may come of it.
pub fn decoded(dictionary: &Dictionary, data: &[u8], most: usize) -> Result<Vec<u8>, PdfFaultKind> {
    let most = most.min(LONGEST);
    if dictionary.get(b"F").is_some() {
        // Its octets are in another file.
        return Err(PdfFaultKind::Filter);
    }
    let filter = match dictionary.get(b"Filter").map(|value| &value.object) {
        None => return if data.len() <= most { Ok(data.to_vec()) } else { Err(PdfFaultKind::Limit) },
        Some(Object::Name(name)) => name.as_slice(),
        Some(Object::Array(names)) => match names.as_slice() {
            [] => return if data.len() <= most { Ok(data.to_vec()) } else { Err(PdfFaultKind::Limit) },
            [only] => match &only.object {
                Object::Name(name) => name,
                _ => return Err(PdfFaultKind::Filter),
            },
            _ => return Err(PdfFaultKind::Filter),
        },
        Some(_) => return Err(PdfFaultKind::Filter),
    };
    if filter != b"FlateDecode" && filter != b"Fl" {
        return Err(PdfFaultKind::Filter);
    }
    let mut octets = Vec::new();
    let limit = most as u64 + 1;
    ZlibDecoder::new(data).take(limit).read_to_end(&mut octets).map_err(|_| PdfFaultKind::Filter)?;
    if octets.len() > most {
        return Err(PdfFaultKind::Limit);
    }
    let parameters = match dictionary.get(b"DecodeParms").map(|value| &value.object) {
        Some(Object::Array(all)) => all.first().and_then(|first| first.object.as_dictionary()),
        Some(Object::Dictionary(one)) => Some(one),
        None => None,
        Some(_) => return Err(PdfFaultKind::Filter),
    };
    parameters.map_or(Ok(octets.clone()), |parameters| unpredicted(parameters, octets))
}

/// Undoes a PNG predictor (§7.4.4.4).
fn unpredicted(parameters: &Dictionary, octets: Vec<u8>) -> Result<Vec<u8>, PdfFaultKind> {
    let number = |key: &[u8], default: usize| match parameters.get(key) {
        None => Ok(default),
        Some(_) => parameters.integer(key).and_then(|number| usize::try_from(number).ok()).ok_or(PdfFaultKind::Filter),
    };
    let predictor = number(b"Predictor", 1)?;
    if predictor == 1 {
        return Ok(octets);
    }
    let (colors, bits, columns) = (number(b"Colors", 1)?, number(b"BitsPerComponent", 8)?, number(b"Columns", 1)?);
    if !(10..=15).contains(&predictor) || colors != 1 || bits != 8 || !(1..=1 << 16).contains(&columns) {
        return Err(PdfFaultKind::Filter);
    }
    let mut rows: Vec<u8> = Vec::with_capacity(octets.len());
    let mut above = vec![0_u8; columns];
    for row in octets.chunks(columns + 1) {
        let (Some(kind), Some(coded)) = (row.first(), row.get(1..).filter(|coded| coded.len() == columns)) else {
            return Err(PdfFaultKind::Filter);
        };
        let mut line = vec![0_u8; columns];
        for index in 0..columns {
            let left = if index > 0 { line[index - 1] } else { 0 };
            let corner = if index > 0 { above[index - 1] } else { 0 };
            let predicted = match kind {
                0 => 0,
                1 => left,
                2 => above[index],
                3 => u16::midpoint(u16::from(left), u16::from(above[index])) as u8,
                4 => paeth(left, above[index], corner),
                _ => return Err(PdfFaultKind::Filter),
            };
            line[index] = coded[index].wrapping_add(predicted);
        }
        rows.extend(&line);
        above = line;
    }
    Ok(rows)
}

/// PNG 1.2 §6.6.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |octet: u8| (estimate - i16::from(octet)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}
