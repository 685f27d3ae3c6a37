//! The operators of a content stream with their operands (ISO 32000-2 §7.8.2).

use crate::core::pdf::object::Object;
use crate::core::pdf::syntax::{Cursor, is_delimiter, is_space};

/// Operands before one operator: the most that any of them has is 33 (`scn`, §8.6.8).
const OPERANDS: usize = 40;

/// All operators (annex A).
const OPERATORS: [&[u8]; 73] = [
    b"b", b"B", b"b*", b"B*", b"BDC", b"BI", b"BMC", b"BT", b"BX", b"c", b"cm", b"CS", b"cs", b"d", b"d0", b"d1",
    b"Do", b"DP", b"EI", b"EMC", b"ET", b"EX", b"f", b"F", b"f*", b"G", b"g", b"gs", b"h", b"i", b"ID", b"j", b"J",
    b"K", b"k", b"l", b"m", b"M", b"MP", b"n", b"q", b"Q", b"re", b"RG", b"rg", b"ri", b"s", b"S", b"SC", b"sc",
    b"SCN", b"scn", b"sh", b"T*", b"Tc", b"Td", b"TD", b"Tf", b"Tj", b"TJ", b"TL", b"Tm", b"Tr", b"Ts", b"Tw", b"Tz",
    b"v", b"w", b"W", b"W*", b"y", b"'", b"\"",
];

/// Octets behind an inline image that are looked at.
const AFTER_IMAGE: usize = 64;

/// Operators one after another.
pub struct Operators<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Operators<'a> {
    pub const fn new(content: &'a [u8]) -> Self {
        Self { cursor: Cursor::plain(content, 0) }
    }

    /// The next operator and its operands, `Some(None)` at the end; `None`: it is not understood.
    #[expect(clippy::option_option, reason = "the outer one is the fault")]
    pub fn next(&mut self) -> Option<Option<(&'a [u8], Vec<Object>)>> {
        let mut operands = Vec::new();
        loop {
            self.skip_comments();
            let Some(first) = self.cursor.rest().first() else {
                // Operands of nothing.
                return operands.is_empty().then_some(None);
            };
            let is_value = is_delimiter(*first) || matches!(first, b'+' | b'-' | b'.' | b'0'..=b'9');
            if !is_value {
                let word = self.word();
                if word.is_empty() {
                    // White space that some readers do not know.
                    return None;
                }
                if !matches!(word, b"true" | b"false" | b"null") {
                    self.cursor.at += word.len();
                    return Some(Some((word, operands)));
                }
            }
            if operands.len() == OPERANDS {
                return None;
            }
            operands.push(self.cursor.value().ok()?.object);
        }
    }

    /// Between operators and operands, not within one.
    fn skip_comments(&mut self) {
        self.cursor.skip_space();
        while self.cursor.rest().first() == Some(&b'%') {
            let line = self.cursor.rest().iter().take_while(|octet| !matches!(octet, b'\r' | b'\n'));
            self.cursor.at += line.count();
            self.cursor.skip_space();
        }
    }

    /// It ends behind an operator.
    pub fn are_whole(mut self) -> bool {
        loop {
            match self.next() {
                Some(None) => return true,
                Some(Some((b"BI", _))) if self.pass_inline_image().is_none() => return false,
                Some(Some(_)) => {}
                None => return false,
            }
        }
    }

    fn word(&self) -> &'a [u8] {
        let rest = self.cursor.rest();
        let length = rest.iter().take_while(|octet| !is_space(**octet) && !is_delimiter(**octet)).count();
        &rest[..length]
    }

    /// Passes an inline image behind its `BI` (§8.9.7), whose length is certain: it is not compressed, and only its end looks like one.
    pub fn pass_inline_image(&mut self) -> Option<()> {
        let mut entries: Vec<(Vec<u8>, Object)> = Vec::new();
        loop {
            self.cursor.skip_space();
            if self.cursor.rest().first() != Some(&b'/') {
                break;
            }
            let Object::Name(key) = self.cursor.value().ok()?.object else { return None };
            let value = self.cursor.value().ok()?.object;
            if entries.len() == OPERANDS || entries.iter().any(|(known, _)| *known == key) {
                return None;
            }
            entries.push((key, value));
        }
        self.cursor.keyword(b"ID").ok()?;
        let length = image_length(&entries)?;
        let rest = self.cursor.rest();
        let data = rest.get(1..length.checked_add(1)?).filter(|_| is_space(rest[0]))?;
        let behind = &rest[1 + length..];
        let spaces = behind.iter().take_while(|octet| is_space(**octet)).count();
        let after = behind.get(spaces..)?.strip_prefix(b"EI")?;
        let ends = after.first().is_none_or(|octet| matches!(octet, b' ' | b'\r' | b'\n'));
        // Some readers look on for another end if something else than letters follows.
        let is_text = after.iter().take(AFTER_IMAGE).all(|octet| matches!(octet, b' '..=b'~' | b'\r' | b'\n'));
        if spaces == 0 || !ends || !is_text || memchr::memmem::find(data, b"EI").is_some() {
            return None;
        }
        self.cursor.at += 1 + length + spaces + 2;
        Some(())
    }
}

/// What follows would belong to a comment.
pub fn ends_in_comment(content: &[u8]) -> bool {
    let line = content.iter().rev().take_while(|octet| !matches!(octet, b'\r' | b'\n'));
    line.into_iter().any(|octet| *octet == b'%')
}

/// With nothing between them, the last operator of the one could go on in the other.
pub fn may_merge(one: &[u8], other: &[u8]) -> bool {
    let is_regular = |octet: &u8| !is_space(*octet) && !is_delimiter(*octet);
    let Some(next) = other.first().filter(|octet| is_regular(octet)) else { return false };
    let begin = one.len() - one.iter().rev().take_while(|octet| is_regular(octet)).count();
    let together = [&one[begin..], &[*next]].concat();
    begin < one.len() && OPERATORS.iter().any(|operator| operator.starts_with(&together))
}

/// Octets of an image that is not compressed, in one of the plain colour spaces.
fn image_length(entries: &[(Vec<u8>, Object)]) -> Option<usize> {
    let get = |names: [&[u8]; 2]| {
        let mut found = entries.iter().filter(|(key, _)| names.contains(&key.as_slice()));
        (found.next().map(|(_, value)| value), found.next().is_some())
    };
    // Under both of its names it would be one thing here and another there.
    let one = |names: [&[u8]; 2]| match get(names) {
        (_, true) => None,
        (value, false) => Some(value),
    };
    let number = |names: [&[u8]; 2]| match one(names)? {
        Some(Object::Integer(number)) => usize::try_from(*number).ok().filter(|number| *number < 1 << 16),
        _ => None,
    };
    if one([b"F", b"Filter"])?.is_some() {
        return None;
    }
    let is_mask = match one([b"IM", b"ImageMask"])? {
        None | Some(Object::Boolean(false)) => false,
        Some(Object::Boolean(true)) => true,
        Some(_) => return None,
    };
    // Some readers calculate with these in spite of it.
    if is_mask && (one([b"CS", b"ColorSpace"])?.is_some() || one([b"BPC", b"BitsPerComponent"])?.is_some()) {
        return None;
    }
    let (width, height) = (number([b"W", b"Width"])?, number([b"H", b"Height"])?);
    let bits = if is_mask {
        1
    } else {
        let components = match one([b"CS", b"ColorSpace"])? {
            Some(Object::Name(name)) => match name.as_slice() {
                b"G" | b"DeviceGray" => 1,
                b"RGB" | b"DeviceRGB" => 3,
                b"CMYK" | b"DeviceCMYK" => 4,
                _ => return None,
            },
            _ => return None,
        };
        let bits = number([b"BPC", b"BitsPerComponent"])?;
        components * [1, 2, 4, 8, 16].into_iter().find(|own| *own == bits)?
    };
    (width * bits).div_ceil(8).checked_mul(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(content: &[u8]) -> Option<Vec<(String, usize)>> {
        let mut operators = Operators::new(content);
        let mut found = Vec::new();
        while let Some((word, operands)) = operators.next()? {
            found.push((String::from_utf8_lossy(word).into_owned(), operands.len()));
            if word == b"BI" {
                operators.pass_inline_image()?;
            }
        }
        Some(found)
    }

    #[test]
    fn reads_operators_with_their_operands() {
        let found =
            words(b"q 1 0 0 1 5 -.5 cm % a remark\n/F1 12 Tf [(a)-20(b)]TJ(x)' true Q").map(|found| found.len());
        assert_eq!(found, Some(6));
        assert_eq!(words(b"(x)' T*").unwrap(), [("'".to_owned(), 1), ("T*".to_owned(), 0)]);
        assert!(!Operators::new(b"q \0 Q").are_whole() && Operators::new(b"q %\n Q").are_whole());
        for wrong in [
            &b"q \0 Q"[..],
            b"\x0Cq",
            b"1 2",
            b"1 0 0 1 5 20cm",
            b"(a",
            b"] Tj",
            b"<< /A 1 /A 2 >> BDC",
            b"1.2.3 w",
            b"--5 w",
        ] {
            assert_eq!(words(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn parts_of_a_content_may_stand_side_by_side() {
        for (one, other) in [("BT ET", "BT"), ("q", "1 0"), ("f", "q"), ("Q ", "q"), ("(a) Tj", "ET"), ("", "q")] {
            assert!(!may_merge(one.as_bytes(), other.as_bytes()), "{one}{other}");
        }
        for (one, other) in [("0 0 1 1 re B", "T*"), ("0 0 m s", "c"), ("0 0 1 1 re W", "* n")] {
            assert!(may_merge(one.as_bytes(), other.as_bytes()), "{one}{other}");
        }
        assert!(ends_in_comment(b"q %x") && !ends_in_comment(b"q %x\n"));
    }

    #[test]
    fn passes_an_inline_image_of_certain_length_alone() {
        let names =
            |found: Option<Vec<(String, usize)>>| found.map(|all| all.into_iter().map(|(name, _)| name).collect());
        let image = |keys: &str, data: &str| names(words(format!("BI {keys} ID {data} EI Q").as_bytes()));
        let passed = Some(vec!["BI".to_owned(), "Q".to_owned()]);
        assert_eq!(image("/W 4 /H 2 /BPC 8 /CS /G", "12345678"), passed);
        assert_eq!(image("/Width 9 /Height 2 /ImageMask true", "1234"), passed);
        for (keys, data) in [
            ("/W 4 /H 2 /BPC 8 /CS /G", "1 EI 678"),
            ("/W 4 /H 2 /BPC 8 /CS /G", "1234567"),
            ("/W 4 /H 2 /BPC 8 /CS /G", "12345678 EI (\u{80}) Tj q %"),
            ("/W 4 /H 2 /BPC 8 /CS /G", "12345678 EI \0 q %"),
            ("/W 4 /H 2 /BPC 8 /CS /G /F /Fl", "12345678"),
            ("/W 4 /H 2 /BPC 8 /CS /G /W 3", "12345678"),
            ("/W 4 /Width 4 /H 2 /BPC 8 /CS /G", "12345678"),
            ("/W 65535 /H 65535 /BPC 8 /CS /RGB", "12345678"),
            ("/W 4 /H 2 /BPC 8 /CS /Cs1", "12345678"),
        ] {
            assert_eq!(image(keys, data), None::<Vec<String>>, "{keys}");
        }
    }
}
