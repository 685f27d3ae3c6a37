//! A strict DER reader over borrowed bytes (X.690 §8, §10, §11).

use std::fmt;

use super::tag;
use crate::core::time::Time;

/// Content octets of the longest OBJECT IDENTIFIER accepted. Unknown ones are printed in answers, several times as long, so that
/// whoever writes a document must not choose their length; those in use stay below 40 octets.
pub const OBJECT_IDENTIFIER_LIMIT: usize = 256;

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerFault {
    /// The bytes end inside an element.
    Truncated,
    /// A length is indefinite, not minimal, or needs more than four octets (X.690 §10.1).
    Length,
    /// An identifier is not in its shortest form (X.690 §8.1.2.4).
    Identifier,
    /// Another type than the grammar demands stands here.
    UnexpectedTag,
    /// Bytes are left over after the last element of a structure.
    Trailing,
    /// A primitive value is not in its one canonical form (X.690 §11).
    Value,
    /// More levels, elements or members than the limit allows.
    Limit,
    /// A member occurs twice that may occur once.
    Duplicate,
}

/// A fault and the byte at which it stands, counted from the start of the outermost input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerError {
    pub offset: usize,
    pub fault: DerFault,
}

impl fmt::Display for DerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            DerFault::Truncated => "the data ends inside an element",
            DerFault::Length => "a length is not in DER form",
            DerFault::Identifier => "an identifier is not in DER form",
            DerFault::UnexpectedTag => "an element of another type was expected",
            DerFault::Trailing => "bytes are left over after the last element",
            DerFault::Value => "a value is not in DER form",
            DerFault::Limit => "more levels or elements than allowed",
            DerFault::Duplicate => "an element occurs twice",
        };
        write!(formatter, "{what} (byte {})", self.offset)
    }
}

impl std::error::Error for DerError {}

/// One element: identifier octet, whole encoding, content octets.
#[derive(Clone, Copy, Debug)]
pub struct Tlv<'a> {
    /// The identifier octet; a high-tag-number element keeps its first octet, which no expected tag equals.
    pub tag: u8,
    /// Header and content.
    pub raw: &'a [u8],
    /// Content alone.
    pub value: &'a [u8],
    /// Where `value` starts in the outermost input.
    offset: usize,
}

/// Walks the elements of one level.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: usize,
}

impl<'a> Reader<'a> {
    /// Over a whole input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, base: 0 }
    }

    /// The one element that `bytes` consists of, of type `tag`.
    pub fn single(bytes: &'a [u8], tag: u8) -> Result<Tlv<'a>, DerError> {
        let mut reader = Self::new(bytes);
        let element = reader.expect(tag)?;
        reader.finish()?;
        Ok(element)
    }

    /// An error at the present position.
    pub fn error(&self, fault: DerFault) -> DerError {
        DerError { offset: self.base + self.position, fault }
    }

    pub fn is_empty(&self) -> bool {
        self.position == self.bytes.len()
    }

    /// The identifier octet of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    /// Fails if anything is left.
    pub fn finish(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(self.error(DerFault::Trailing)) }
    }

    /// The next element, whatever its type.
    pub fn read(&mut self) -> Result<Tlv<'a>, DerError> {
        let rest = &self.bytes[self.position..];
        let truncated = self.error(DerFault::Truncated);
        let tag = *rest.first().ok_or(truncated)?;
        let mut header = 1;
        if tag & 0x1F == 0x1F {
            header += high_tag_length(&rest[1..]).map_err(|fault| self.error(fault))?;
        }
        let first = *rest.get(header).ok_or(truncated)?;
        header += 1;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7F);
            let octets = match count {
                1..=4 => rest.get(header..header + count).ok_or(truncated)?,
                _ => return Err(self.error(DerFault::Length)),
            };
            header += count;
            let length = octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
            if octets[0] == 0 || length < 0x80 {
                return Err(self.error(DerFault::Length));
            }
            length
        };
        let end = header.checked_add(length).ok_or(truncated)?;
        let raw = rest.get(..end).ok_or(truncated)?;
        let offset = self.base + self.position + header;
        self.position += end;
        Ok(Tlv { tag, raw, value: &raw[header..], offset })
    }

    /// The next element, which must be of type `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        match self.peek() {
            Some(found) if found == tag => self.read(),
            Some(_) => Err(self.error(DerFault::UnexpectedTag)),
            None => Err(self.error(DerFault::Truncated)),
        }
    }

    /// The next element if it is of type `tag`.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        if self.peek() == Some(tag) { self.read().map(Some) } else { Ok(None) }
    }

    /// A `BOOLEAN DEFAULT FALSE`, which DER leaves out when false (X.690 §11.5).
    pub fn boolean_default_false(&mut self) -> Result<bool, DerError> {
        match self.optional(tag::BOOLEAN)? {
            None => Ok(false),
            Some(element) if element.value == [0xFF] => Ok(true),
            Some(element) => Err(element.error(DerFault::Value)),
        }
    }
}

/// Octets after the first of a high-tag-number identifier.
fn high_tag_length(rest: &[u8]) -> Result<usize, DerFault> {
    let count = 1 + rest.iter().take(5).position(|octet| octet & 0x80 == 0).ok_or(DerFault::Identifier)?;
    let minimal = rest[0] != 0x80 && (count > 1 || rest[0] >= 0x1F);
    if minimal { Ok(count) } else { Err(DerFault::Identifier) }
}

impl<'a> Tlv<'a> {
    /// An error at this element's content.
    pub fn error(&self, fault: DerFault) -> DerError {
        DerError { offset: self.offset, fault }
    }

    /// This element if it is of type `tag`.
    pub fn of(self, tag: u8) -> Result<Self, DerError> {
        if self.tag == tag { Ok(self) } else { Err(self.error(DerFault::UnexpectedTag)) }
    }

    /// The elements inside.
    pub fn reader(&self) -> Reader<'a> {
        Reader { bytes: self.value, position: 0, base: self.offset }
    }

    /// Reads all that is inside with `decode`, which must leave nothing over.
    pub fn read_all<T, E: From<DerError>>(&self, decode: impl FnOnce(&mut Reader<'a>) -> Result<T, E>) -> Result<T, E> {
        let mut reader = self.reader();
        let value = decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// The one element inside, of type `tag` (an `EXPLICIT` tag's content).
    pub fn inner(&self, tag: u8) -> Result<Tlv<'a>, DerError> {
        self.read_all(|reader| reader.expect(tag))
    }

    /// Content octets of an INTEGER or ENUMERATED in their one minimal form (X.690 §8.3.2), two's complement.
    pub fn integer(&self) -> Result<&'a [u8], DerError> {
        match self.value {
            [] | [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => Err(self.error(DerFault::Value)),
            octets => Ok(octets),
        }
    }

    /// An INTEGER that is not negative, its leading zero removed.
    pub fn unsigned(&self) -> Result<&'a [u8], DerError> {
        match self.integer()? {
            [0x80..=0xFF, ..] => Err(self.error(DerFault::Value)),
            [0x00, rest @ ..] if !rest.is_empty() => Ok(rest),
            octets => Ok(octets),
        }
    }

    /// A small INTEGER that is not negative.
    pub fn small(&self) -> Result<u32, DerError> {
        let octets = self.unsigned()?;
        if octets.len() > 4 {
            return Err(self.error(DerFault::Value));
        }
        Ok(octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet)))
    }

    /// Content octets of an OBJECT IDENTIFIER, each arc minimal (X.690 §8.19.2); at most [`OBJECT_IDENTIFIER_LIMIT`].
    pub fn object_identifier(&self) -> Result<&'a [u8], DerError> {
        let octets = self.of(tag::OBJECT_IDENTIFIER)?.value;
        if octets.len() > OBJECT_IDENTIFIER_LIMIT {
            return Err(self.error(DerFault::Limit));
        }
        let mut arc_starts = true;
        for octet in octets {
            if arc_starts && *octet == 0x80 {
                return Err(self.error(DerFault::Value));
            }
            arc_starts = octet & 0x80 == 0;
        }
        if octets.is_empty() || !arc_starts { Err(self.error(DerFault::Value)) } else { Ok(octets) }
    }

    /// A BIT STRING of whole octets.
    pub fn bit_string_octets(&self) -> Result<&'a [u8], DerError> {
        match self.bit_string()? {
            (0, octets) => Ok(octets),
            _ => Err(self.error(DerFault::Value)),
        }
    }

    /// A BIT STRING: the count of unused bits in the last octet, which must be zero (X.690 §11.2.1), and the octets.
    pub fn bit_string(&self) -> Result<(u8, &'a [u8]), DerError> {
        match self.value {
            [0, octets @ ..] => Ok((0, octets)),
            [unused @ 1..=7, octets @ .., last] if last.trailing_zeros() >= u32::from(*unused) => {
                let whole = &self.value[1..=octets.len() + 1];
                Ok((*unused, whole))
            }
            _ => Err(self.error(DerFault::Value)),
        }
    }

    /// A named-bit-list BIT STRING of at most 16 bits, first bit highest; DER drops trailing zero bits (X.690 §11.2.2).
    pub fn named_bits(&self) -> Result<u16, DerError> {
        let (unused, octets) = self.bit_string()?;
        let canonical = octets.last().is_none_or(|last| *last >> unused & 1 == 1);
        match octets {
            _ if !canonical => Err(self.error(DerFault::Value)),
            [] => Ok(0),
            [first] => Ok(u16::from_be_bytes([*first, 0])),
            [first, second] => Ok(u16::from_be_bytes([*first, *second])),
            _ => Err(self.error(DerFault::Value)),
        }
    }

    /// A `UTCTime` or `GeneralizedTime` in the form of RFC 5280 §4.1.2.5.
    pub fn time(&self) -> Result<Time, DerError> {
        let time = match self.tag {
            tag::UTC_TIME => Time::from_utc_time(self.value),
            tag::GENERALIZED_TIME => Time::from_generalized_time(self.value),
            _ => return Err(self.error(DerFault::UnexpectedTag)),
        };
        time.map_err(|_| self.error(DerFault::Value))
    }
}

/// Walks every element below `bytes` and fails on the first that is not DER: lengths and identifiers at each level,
/// and the canonical form of BOOLEAN, INTEGER, ENUMERATED, OBJECT IDENTIFIER, NULL, BIT STRING and strings, which are
/// never constructed. The order of SET OF members is not judged. At most `depth` levels.
pub fn check_canonical(bytes: &[u8], depth: usize) -> Result<(), DerError> {
    let mut levels = vec![Reader::new(bytes)];
    while let Some(reader) = levels.last_mut() {
        if reader.is_empty() {
            levels.pop();
            continue;
        }
        let element = reader.read()?;
        let constructed = element.tag & 0x20 != 0;
        if constructed {
            let universal_string = element.tag & 0xC0 == 0 && !matches!(element.tag, tag::SEQUENCE | tag::SET | 0x28);
            if universal_string {
                return Err(element.error(DerFault::Value));
            }
            if levels.len() >= depth {
                return Err(element.error(DerFault::Limit));
            }
            levels.push(element.reader());
            continue;
        }
        match element.tag {
            tag::BOOLEAN if !matches!(element.value, [0x00] | [0xFF]) => return Err(element.error(DerFault::Value)),
            tag::INTEGER | tag::ENUMERATED => drop(element.integer()?),
            tag::OBJECT_IDENTIFIER => drop(element.object_identifier()?),
            tag::NULL if !element.value.is_empty() => return Err(element.error(DerFault::Value)),
            tag::BIT_STRING => drop(element.bit_string()?),
            0x00 | tag::SEQUENCE_PRIMITIVE | tag::SET_PRIMITIVE => return Err(element.error(DerFault::Value)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> Option<DerFault> {
        Reader::new(bytes).read().err().map(|error| error.fault)
    }

    #[test]
    fn lengths_are_definite_and_minimal() {
        assert_eq!(fault(&[0x04, 0x80, 0x00, 0x00]), Some(DerFault::Length));
        assert_eq!(fault(&[0x04, 0x81, 0x01, 0xAA]), Some(DerFault::Length));
        assert_eq!(fault(&[0x04, 0x82, 0x00, 0x80]), Some(DerFault::Length));
        assert_eq!(fault(&[0x04, 0x85, 1, 0, 0, 0, 0]), Some(DerFault::Length));
        assert_eq!(fault(&[0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), Some(DerFault::Truncated));
        assert_eq!(fault(&[0x04, 0x02, 0xAA]), Some(DerFault::Truncated));
        assert_eq!(fault(&[0x1F, 0x1E, 0x00]), Some(DerFault::Identifier));
        assert_eq!(fault(&[0x1F, 0x80, 0x1F, 0x00]), Some(DerFault::Identifier));
        assert_eq!(fault(&[0x1F, 0x1F, 0x00]), None);
        assert_eq!(fault(&[]), Some(DerFault::Truncated));
    }

    #[test]
    fn primitives_have_one_form() {
        let integer = |bytes: &'static [u8]| Reader::single(bytes, tag::INTEGER).and_then(|element| element.integer());
        assert_eq!(integer(&[2, 1, 0]), Ok(&[0][..]));
        assert!(integer(&[2, 2, 0, 1]).is_err());
        assert!(integer(&[2, 2, 0xFF, 0x80]).is_err());
        assert!(integer(&[2, 0]).is_err());
        let bits =
            |bytes: &'static [u8]| Reader::single(bytes, tag::BIT_STRING).and_then(|element| element.named_bits());
        assert_eq!(bits(&[3, 2, 6, 0xC0]), Ok(0xC000));
        assert_eq!(bits(&[3, 3, 7, 0x00, 0x80]), Ok(0x0080));
        assert!(bits(&[3, 2, 5, 0xC0]).is_err(), "a trailing zero bit is kept");
        assert!(bits(&[3, 2, 6, 0xC1]).is_err(), "an unused bit is set");
        assert_eq!(bits(&[3, 1, 0]), Ok(0));
        assert!(bits(&[3, 0]).is_err());
        assert!(bits(&[3, 1, 1]).is_err());
        let identifier =
            |bytes: &'static [u8]| Reader::single(bytes, 6).and_then(|element| element.object_identifier());
        assert!(identifier(&[6, 0]).is_err());
        assert!(identifier(&[6, 2, 0x80, 0x01]).is_err());
        assert!(identifier(&[6, 2, 0x2A, 0x86]).is_err());
        assert!(identifier(&[6, 2, 0x86, 0x2A]).is_ok());
        let of_length = |length| super::super::writer::object_identifier(&vec![1; length]);
        let longest = of_length(OBJECT_IDENTIFIER_LIMIT);
        assert!(Reader::single(&longest, 6).and_then(|element| element.object_identifier()).is_ok());
        let longer = of_length(OBJECT_IDENTIFIER_LIMIT + 1);
        let refused = Reader::single(&longer, 6).and_then(|element| element.object_identifier());
        assert_eq!(refused.map_err(|error| error.fault), Err(DerFault::Limit));
    }

    #[test]
    fn canonical_walk_sees_every_level() {
        assert!(check_canonical(&[0x30, 0x03, 0x01, 0x01, 0xFF], 4).is_ok());
        assert!(check_canonical(&[0x30, 0x03, 0x01, 0x01, 0x01], 4).is_err());
        assert!(check_canonical(&[0x24, 0x03, 0x04, 0x01, 0xFF], 4).is_err());
        assert!(check_canonical(&[0x30, 0x80, 0x00, 0x00], 4).is_err());
        let deep: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 10_000).flatten().collect();
        assert!(check_canonical(&deep, 32).is_err());
        let mut nested = vec![0x05, 0x00];
        for _ in 0..40 {
            nested = super::super::writer::sequence(&[&nested]);
        }
        assert_eq!(check_canonical(&nested, 32).map_err(|error| error.fault), Err(DerFault::Limit));
        assert!(check_canonical(&nested, 64).is_ok());
    }
}
