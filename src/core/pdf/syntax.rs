//! Reading objects from octets (ISO 32000-2 §7.2, §7.3): no deeper than 48 in each other, each octet once.

use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Reference, Value};

/// Arrays and dictionaries in each other.
const DEPTH: usize = 48;
/// Values in one object.
const VALUES: usize = 200_000;

/// Octets of a name (annex C), and of a number, where they are to be the same to all readers.
const LONGEST_NAME: usize = 127;
const LONGEST_NUMBER: usize = 32;

pub const fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

pub const fn is_delimiter(octet: u8) -> bool {
    matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

const fn is_regular(octet: u8) -> bool {
    !is_space(octet) && !is_delimiter(octet)
}

/// A place in the octets.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    octets: &'a [u8],
    pub at: usize,
    /// Values that the object being read may still have.
    left: usize,
    /// Takes for a fault of syntax what readers take for different things.
    is_plain: bool,
}

impl<'a> Cursor<'a> {
    pub const fn new(octets: &'a [u8], at: usize) -> Self {
        Self { octets, at, left: VALUES, is_plain: false }
    }

    /// Takes for a fault of syntax what readers take for different things: comments, white space and digits that some do not know, long
    /// words, and `null` in a dictionary, which to some is not the same as nothing.
    pub const fn plain(octets: &'a [u8], at: usize) -> Self {
        Self { octets, at, left: VALUES, is_plain: true }
    }

    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Values that the last object read has.
    pub const fn values(&self) -> usize {
        VALUES - self.left
    }

    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    const fn fault(&self, kind: PdfFaultKind) -> PdfFault {
        PdfFault { at: self.at, kind }
    }

    pub const fn syntax(&self) -> PdfFault {
        self.fault(PdfFaultKind::Syntax)
    }

    /// Passes white space and comments.
    pub fn skip_space(&mut self) {
        while let Some(octet) = self.octets.get(self.at) {
            if self.is_plain && matches!(octet, b'%' | 0 | 0x0C) {
                break;
            }
            if *octet == b'%' {
                let end = self.rest().iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                self.at += end.unwrap_or(self.rest().len());
            } else if is_space(*octet) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// Passes ends of lines and spaces, which is all that stands beside `startxref` to every reader (§7.5.5).
    pub fn skip_line_ends(&mut self) {
        self.at += self.rest().iter().take_while(|octet| matches!(octet, b'\r' | b'\n' | b' ')).count();
    }

    /// Passes a keyword that ends there.
    pub fn keyword(&mut self, word: &[u8]) -> Result<(), PdfFault> {
        let ends = self.rest().get(word.len()).is_none_or(|next| !is_regular(*next));
        if !self.rest().starts_with(word) || !ends {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(())
    }

    /// Digits alone, at most ten.
    pub fn unsigned(&mut self) -> Result<u64, PdfFault> {
        let digits = self.rest().iter().take_while(|octet| octet.is_ascii_digit()).count();
        let text = &self.rest()[..digits];
        let ends = self.rest().get(digits).is_none_or(|next| !is_regular(*next));
        if !(1..=10).contains(&digits) || !ends {
            return Err(self.syntax());
        }
        self.at += digits;
        Ok(text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
    }

    /// `N G obj`.
    pub fn object_header(&mut self) -> Result<Reference, PdfFault> {
        let begin = *self;
        let reference = self.two_numbers().ok_or_else(|| begin.syntax())?;
        self.skip_space();
        self.keyword(b"obj")?;
        Ok(reference)
    }

    fn two_numbers(&mut self) -> Option<Reference> {
        let number = u32::try_from(self.unsigned().ok()?).ok()?;
        self.skip_space();
        let generation = u16::try_from(self.unsigned().ok()?).ok()?;
        Some(Reference { number, generation })
    }

    /// The next object, white space before it passed over.
    pub fn value(&mut self) -> Result<Value, PdfFault> {
        self.left = VALUES;
        self.value_within(DEPTH)
    }

    fn value_within(&mut self, depth: usize) -> Result<Value, PdfFault> {
        self.skip_space();
        self.left = self.left.checked_sub(1).ok_or_else(|| self.fault(PdfFaultKind::Limit))?;
        let begin = self.at;
        let object = match self.rest() {
            [b'<', b'<', ..] => Object::Dictionary(self.dictionary(depth)?),
            [b'<', ..] => self.hex_string()?,
            [b'(', ..] => self.literal_string()?,
            [b'/', ..] => Object::Name(self.name()?),
            [b'[', ..] => self.array(depth)?,
            [b'+' | b'-' | b'.' | b'0'..=b'9', ..] => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { span: begin..self.at, object })
    }

    fn word(&mut self) -> Result<Object, PdfFault> {
        for (word, object) in
            [(&b"null"[..], Object::Null), (b"true", Object::Boolean(true)), (b"false", Object::Boolean(false))]
        {
            if self.keyword(word).is_ok() {
                return Ok(object);
            }
        }
        Err(self.syntax())
    }

    fn deeper(&self, depth: usize) -> Result<usize, PdfFault> {
        depth.checked_sub(1).ok_or_else(|| self.fault(PdfFaultKind::Depth))
    }

    fn array(&mut self, depth: usize) -> Result<Object, PdfFault> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_space();
            if self.rest().first() == Some(&b']') {
                self.at += 1;
                return Ok(Object::Array(values));
            }
            values.push(self.value_within(depth)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Dictionary, PdfFault> {
        let depth = self.deeper(depth)?;
        self.at += 2;
        let mut entries: Vec<(Vec<u8>, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            self.skip_space();
            match self.rest() {
                [b'>', b'>', ..] => {
                    self.at += 2;
                    return Ok(Dictionary(entries));
                }
                [b'/', ..] => {
                    let begin = *self;
                    let key = self.name()?;
                    if !seen.insert(key.clone()) {
                        return Err(begin.fault(PdfFaultKind::KeyTwice));
                    }
                    let value = self.value_within(depth)?;
                    if self.is_plain && value.object == Object::Null {
                        return Err(begin.syntax());
                    }
                    entries.push((key, value));
                }
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Some readers cut longer words.
    const fn check_length(&self, length: usize, longest: usize) -> Result<(), PdfFault> {
        if self.is_plain && length > longest { Err(self.syntax()) } else { Ok(()) }
    }

    fn name(&mut self) -> Result<Vec<u8>, PdfFault> {
        self.at += 1;
        let length = self.rest().iter().take_while(|octet| is_regular(**octet)).count();
        self.check_length(length, LONGEST_NAME)?;
        let written = &self.rest()[..length];
        if self.is_plain && !written.is_ascii() {
            // Some readers take some of these for white space.
            return Err(self.syntax());
        }
        let mut name = Vec::with_capacity(length);
        let mut at = 0;
        while let Some(octet) = written.get(at) {
            match (octet, written.get(at + 1..at + 3).and_then(|digits| hex::decode(digits).ok())) {
                // No name has it (§7.3.5); to some readers it ends there.
                (b'#', Some(unescaped)) if unescaped == [0] => {
                    return Err(PdfFault { at: self.at + at, kind: PdfFaultKind::Syntax });
                }
                (b'#', Some(unescaped)) => {
                    name.extend(unescaped);
                    at += 3;
                }
                (b'#', None) => return Err(PdfFault { at: self.at + at, kind: PdfFaultKind::Syntax }),
                _ => {
                    name.push(*octet);
                    at += 1;
                }
            }
        }
        self.at += length;
        Ok(name)
    }

    fn hex_string(&mut self) -> Result<Object, PdfFault> {
        let begin = *self;
        self.at += 1;
        let mut digits = Vec::new();
        loop {
            match self.rest().first() {
                Some(b'>') => break,
                Some(octet) if octet.is_ascii_hexdigit() => digits.push(*octet),
                Some(0 | 0x0C) if self.is_plain => return Err(begin.syntax()),
                Some(octet) if is_space(*octet) => {}
                _ => return Err(begin.syntax()),
            }
            self.at += 1;
        }
        self.at += 1;
        if digits.len() % 2 == 1 {
            digits.push(b'0');
        }
        let octets = hex::decode(&digits).map_err(|_| begin.syntax())?;
        Ok(Object::String { octets, is_hex: true })
    }

    fn literal_string(&mut self) -> Result<Object, PdfFault> {
        let begin = *self;
        self.at += 1;
        let (mut octets, mut open) = (Vec::new(), 1_usize);
        loop {
            let Some(octet) = self.octets.get(self.at) else { return Err(begin.syntax()) };
            self.at += 1;
            match octet {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Object::String { octets, is_hex: false });
                    }
                }
                b'\\' if self.is_plain && matches!(self.rest().first(), Some(b'\r' | b'\n')) => {
                    return Err(begin.syntax());
                }
                b'\\' => {
                    self.escape(&mut octets).ok_or_else(|| begin.syntax())?;
                    continue;
                }
                // Some readers keep it.
                b'\r' if self.is_plain => return Err(begin.syntax()),
                b'\r' => {
                    // Every end of line is one line feed (§7.3.4.2).
                    self.at += usize::from(self.rest().first() == Some(&b'\n'));
                    octets.push(b'\n');
                    continue;
                }
                _ => {}
            }
            octets.push(*octet);
        }
    }

    /// What follows a backslash (§7.3.4.2, table 3).
    fn escape(&mut self, octets: &mut Vec<u8>) -> Option<()> {
        let octet = *self.octets.get(self.at)?;
        self.at += 1;
        match octet {
            b'n' => octets.push(b'\n'),
            b'r' => octets.push(b'\r'),
            b't' => octets.push(b'\t'),
            b'b' => octets.push(8),
            b'f' => octets.push(0x0C),
            b'\r' => self.at += usize::from(self.rest().first() == Some(&b'\n')),
            b'\n' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(octet - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.rest().first() else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                if self.is_plain && value > 0xFF {
                    return None;
                }
                octets.push((value & 0xFF) as u8);
            }
            other => octets.push(other),
        }
        Some(())
    }

    fn number(&mut self) -> Result<Object, PdfFault> {
        let begin = *self;
        if let Some(reference) = self.reference() {
            return Ok(Object::Reference(reference));
        }
        let length = self.rest().iter().take_while(|octet| is_regular(**octet)).count();
        self.check_length(length, LONGEST_NUMBER)?;
        let text = std::str::from_utf8(&self.rest()[..length]).map_err(|_| begin.syntax())?;
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        self.at += length;
        if unsigned.bytes().all(|octet| octet.is_ascii_digit()) {
            return text.parse().map(Object::Integer).map_err(|_| begin.syntax());
        }
        let is_real = unsigned.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
        text.parse().ok().filter(|_| is_real).map(Object::Real).ok_or_else(|| begin.syntax())
    }

    /// `N G R`; stays where it is if there is none.
    fn reference(&mut self) -> Option<Reference> {
        let mut ahead = *self;
        let reference = ahead.two_numbers()?;
        ahead.skip_space();
        ahead.keyword(b"R").ok()?;
        *self = ahead;
        Some(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Object, PdfFaultKind> {
        Cursor::new(text, 0).value().map(|value| value.object).map_err(|fault| fault.kind)
    }

    #[test]
    fn reads_each_kind_of_object() {
        let string = |octets: &[u8], is_hex| Ok(Object::String { octets: octets.to_vec(), is_hex });
        assert_eq!(read(b" % a comment\n null"), Ok(Object::Null));
        assert_eq!((read(b"true"), read(b"false]")), (Ok(Object::Boolean(true)), Ok(Object::Boolean(false))));
        assert_eq!((read(b"+17"), read(b"-0 ")), (Ok(Object::Integer(17)), Ok(Object::Integer(0))));
        assert_eq!((read(b"-.5"), read(b"4.")), (Ok(Object::Real(-0.5)), Ok(Object::Real(4.0))));
        assert_eq!(read(b"(a(b)\\)\\101\\n\\\r\nc\r\nd)"), string(b"a(b))A\nc\nd", false));
        assert_eq!((read(b"<4 1 4>"), read(b"<>")), (string(b"A@", true), string(b"", true)));
        assert_eq!(read(b"/A#42 "), Ok(Object::Name(b"AB".to_vec())));
        assert_eq!(read(b"12 0 R"), Ok(Object::Reference(Reference { number: 12, generation: 0 })));
        let Ok(Object::Array(values)) = read(b"[1 2 3 0 R 4]") else { panic!("no array") };
        assert_eq!((values.len(), values[1].span.clone()), (4, 3..4));
        let Ok(Object::Dictionary(dictionary)) = read(b"<</A 1/B<</C null>>>>") else { panic!("no dictionary") };
        assert_eq!(dictionary.integer(b"A"), Some(1));
        let inner = dictionary.get(b"B").and_then(|value| value.object.as_dictionary()).expect("inside");
        assert_eq!((inner.get(b"C"), inner.keys().count()), (None, 1));
    }

    #[test]
    fn what_readers_take_for_different_things_is_not_plain() {
        let long = format!("{:0>33}", 1);
        for text in [
            &b"%\n1"[..],
            b"\0 1",
            b"<4\x0C1>",
            b"<</A null>>",
            b"(\\400)",
            b"(\r)",
            b"(a\\\nb)",
            b"/\x80",
            long.as_bytes(),
            &[b'/'; 1],
            b"[\0]",
        ] {
            let is_plain = Cursor::plain(text, 0).value().is_ok();
            assert_eq!((is_plain, read(text).is_ok()), (text == b"/", true), "{}", String::from_utf8_lossy(text));
        }
        assert!(Cursor::plain(b"<</A[null](\\377)/B 1>>", 0).value().is_err());
        assert!(Cursor::plain(b"<</A[null(\\377)]/B 1>>", 0).value().is_ok());
    }

    #[test]
    fn what_is_no_object_has_its_reason() {
        for text in [
            &b""[..],
            b"nulls",
            b"(a",
            b"<4",
            b"<4g>",
            b"[1",
            b"<</A>>",
            b"<<1 2>>",
            b"1e5",
            b"--1",
            b"/A#4",
            b"]",
            b"1.2.3",
        ] {
            assert_eq!(read(text), Err(PdfFaultKind::Syntax), "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(read(b"<</A 1 /#41 2>>"), Err(PdfFaultKind::KeyTwice));
        assert_eq!(read(&b"[".repeat(1_000_000)), Err(PdfFaultKind::Depth));
        assert_eq!(read(&b"<</A".repeat(1_000_000)), Err(PdfFaultKind::Depth));
        let nested = [b"[".repeat(DEPTH), b"]".repeat(DEPTH)].concat();
        assert!(read(&nested).is_ok());
        assert_eq!(read(b"99999999999999999999"), Err(PdfFaultKind::Syntax));
    }
}
