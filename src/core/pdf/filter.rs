//! Decompressing the streams that say where objects are (ISO 32000-2 §7.4.4), within bounds.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::fault::PdfFaultKind;
use super::object::{Dictionary, Object};

/// Octets of one stream, decompressed.
const LONGEST: usize = 16 << 20;

/// Its octets are in another file (§7.3.8.2), or some readers take these for `DecodeParms`.
const ELSEWHERE: [&[u8]; 4] = [b"F", b"FFilter", b"FDecodeParms", b"DP"];

/// Parameters of FlateDecode (table 8): what else is there, some readers take for a fault.
const PARAMETERS: [&[u8]; 4] = [b"Predictor", b"Colors", b"BitsPerComponent", b"Columns"];

/// Filters of one stream.
const FILTERS: usize = 2;

/// The octets of a stream with this dictionary: as they are, or by FlateDecode with a predictor, ASCII85Decode or ASCIIHexDecode, two of
/// them at the most. No other filter is read. `most`: octets that may come of each.
pub fn decoded(dictionary: &Dictionary, data: &[u8], most: usize) -> Result<Vec<u8>, PdfFaultKind> {
    let most = most.min(LONGEST);
    if ELSEWHERE.iter().any(|key| dictionary.get(key).is_some()) {
        return Err(PdfFaultKind::Filter);
    }
    let names: Vec<&[u8]> = match dictionary.get(b"Filter").map(|value| &value.object) {
        None => Vec::new(),
        Some(Object::Name(name)) => vec![name],
        Some(Object::Array(names)) if names.len() <= FILTERS => {
            let names: Option<Vec<&[u8]>> = names
                .iter()
                .map(|value| match &value.object {
                    Object::Name(name) => Some(name.as_slice()),
                    _ => None,
                })
                .collect();
            names.ok_or(PdfFaultKind::Filter)?
        }
        Some(_) => return Err(PdfFaultKind::Filter),
    };
    let is_list = matches!(dictionary.get(b"Filter").map(|value| &value.object), Some(Object::Array(_)));
    let parameters = |index: usize| -> Result<Option<&Dictionary>, PdfFaultKind> {
        match dictionary.get(b"DecodeParms").map(|value| &value.object) {
            None => Ok(None),
            // One for one filter, a list for a list: readers pass over what does not fit.
            Some(Object::Dictionary(one)) if !is_list => Ok(Some(one)),
            Some(Object::Array(all)) if is_list && all.len() == names.len() => match &all[index].object {
                Object::Dictionary(one) => Ok(Some(one)),
                Object::Null => Ok(None),
                _ => Err(PdfFaultKind::Filter),
            },
            Some(_) => Err(PdfFaultKind::Filter),
        }
    };
    if names.is_empty() {
        return if data.len() <= most { Ok(data.to_vec()) } else { Err(PdfFaultKind::Limit) };
    }
    let mut octets: Option<Vec<u8>> = None;
    for (index, name) in names.iter().enumerate() {
        let coded = octets.as_deref().unwrap_or(data);
        let own = match *name {
            b"FlateDecode" | b"Fl" => inflated(coded, parameters(index)?, most)?,
            b"ASCII85Decode" | b"A85" => of_base_85(coded, most)?,
            b"ASCIIHexDecode" | b"AHx" => of_digits(coded, most)?,
            _ => return Err(PdfFaultKind::Filter),
        };
        octets = Some(own);
    }
    Ok(octets.unwrap_or_default())
}

/// Compressed as all writers compress what says where objects are, or not at all.
pub fn is_plain(stream: &Dictionary) -> bool {
    let is_flate = |object: &Object| *object == Object::Name(b"FlateDecode".to_vec());
    let is_known = |value: &Object| match value {
        Object::Dictionary(one) => {
            one.iter().all(|(key, own)| PARAMETERS.contains(&key) && matches!(own.object, Object::Integer(_)))
        }
        other => *other == Object::Null,
    };
    let has_known = stream.get(b"DecodeParms").is_none_or(|parameters| match &parameters.object {
        Object::Array(all) => all.iter().all(|one| is_known(&one.object)),
        one => is_known(one),
    });
    has_known
        && stream.get(b"Filter").is_none_or(|filter| match &filter.object {
            Object::Array(filters) => filters.len() <= 1 && filters.iter().all(|one| is_flate(&one.object)),
            filter => is_flate(filter),
        })
}

/// White space in what is coded as text; some readers end at any other.
const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// FlateDecode (§7.4.4).
fn inflated(data: &[u8], parameters: Option<&Dictionary>, most: usize) -> Result<Vec<u8>, PdfFaultKind> {
    let mut octets = Vec::new();
    let limit = most as u64 + 1;
    ZlibDecoder::new(data).take(limit).read_to_end(&mut octets).map_err(|_| PdfFaultKind::Filter)?;
    if octets.len() > most {
        return Err(PdfFaultKind::Limit);
    }
    match parameters {
        Some(parameters) => unpredicted(parameters, octets),
        None => Ok(octets),
    }
}

/// ASCIIHexDecode (§7.4.2): pairs of digits up to `>`.
fn of_digits(data: &[u8], most: usize) -> Result<Vec<u8>, PdfFaultKind> {
    let end = memchr::memchr(b'>', data).ok_or(PdfFaultKind::Filter)?;
    let mut digits: Vec<u8> = data[..end].iter().copied().filter(|octet| !is_blank(*octet)).collect();
    if digits.len() % 2 == 1 {
        digits.push(b'0');
    }
    let octets = hex::decode(&digits).map_err(|_| PdfFaultKind::Filter)?;
    if octets.len() <= most { Ok(octets) } else { Err(PdfFaultKind::Limit) }
}

/// ASCII85Decode (§7.4.3): groups of five letters up to `~>`, `z` for four zeros.
fn of_base_85(data: &[u8], most: usize) -> Result<Vec<u8>, PdfFaultKind> {
    let end = memchr::memmem::find(data, b"~>").ok_or(PdfFaultKind::Filter)?;
    let mut octets = Vec::with_capacity(end / 5 * 4 + 4);
    let mut group: Vec<u8> = Vec::with_capacity(5);
    let mut take = |group: &mut Vec<u8>| -> Result<(), PdfFaultKind> {
        let count = group.len();
        group.resize(5, 84);
        let value = group.iter().try_fold(0_u32, |value, digit| value.checked_mul(85)?.checked_add(u32::from(*digit)));
        octets.extend_from_slice(&value.ok_or(PdfFaultKind::Filter)?.to_be_bytes()[..count - 1]);
        group.clear();
        if octets.len() <= most { Ok(()) } else { Err(PdfFaultKind::Limit) }
    };
    for octet in data[..end].iter().copied().filter(|octet| !is_blank(*octet)) {
        match octet {
            b'!'..=b'u' => group.push(octet - b'!'),
            b'z' if group.is_empty() => group.extend([0; 5]),
            _ => return Err(PdfFaultKind::Filter),
        }
        if group.len() == 5 {
            take(&mut group)?;
        }
    }
    match group.len() {
        0 => {}
        // One letter is no octet.
        1 => return Err(PdfFaultKind::Filter),
        _ => take(&mut group)?,
    }
    Ok(octets)
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

#[cfg(test)]
mod tests {
    use super::super::object::Value;
    use super::*;

    fn read(filters: &[&str], data: &[u8], most: usize) -> Result<Vec<u8>, PdfFaultKind> {
        let names = filters.iter().map(|name| Value { span: 0..0, object: Object::of_name(name) }).collect();
        decoded(&Dictionary::default().with("Filter", Object::Array(names)), data, most)
    }

    #[test]
    fn letters_and_digits_are_read_as_they_were_written() {
        assert_eq!(read(&["ASCII85Decode"], b"87cUR\n D]i,\"Ebo80~>", 100), Ok(b"Hello World!".to_vec()));
        assert_eq!(read(&["ASCII85Decode"], b"z87cURDZ~>", 100), Ok(b"\0\0\0\0Hello".to_vec()));
        assert_eq!(read(&["ASCIIHexDecode"], b"48 65 6C6c 6F2>", 100), Ok(b"Hello ".to_vec()));
        for wrong in [&b"87cUR"[..], b"8~>", b"uuuuu~>", b"8z~>", b"87c}R~>"] {
            assert_eq!(read(&["ASCII85Decode"], wrong, 100), Err(PdfFaultKind::Filter), "{wrong:?}");
        }
        assert_eq!(read(&["ASCIIHexDecode"], b"4g>", 100), Err(PdfFaultKind::Filter));
        assert_eq!(read(&["ASCIIHexDecode", "ASCII85Decode"], b"7A 7E 3E>", 100), Ok(vec![0; 4]));
    }

    #[test]
    fn no_more_than_allowed_and_no_third_filter() {
        assert_eq!(read(&["ASCII85Decode"], b"zzz~>", 11), Err(PdfFaultKind::Limit));
        assert_eq!(read(&["ASCIIHexDecode"], b"0000>", 1), Err(PdfFaultKind::Limit));
        assert_eq!(read(&[], b"0000", 3), Err(PdfFaultKind::Limit));
        let three = ["ASCIIHexDecode"; 3];
        assert_eq!(read(&three, b"00>", 10), Err(PdfFaultKind::Filter));
        assert_eq!(read(&["LZWDecode"], b"00>", 10), Err(PdfFaultKind::Filter));
    }
}
