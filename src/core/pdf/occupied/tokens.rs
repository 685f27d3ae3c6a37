//! The operators of a content stream with their operands (ISO 32000-2 §7.8.2).

use crate::core::pdf::object::Object;
use crate::core::pdf::syntax::{Cursor, is_delimiter, is_space};

/// Operands before one operator: the most that any of them has is 33 (`scn`, §8.6.8).
const OPERANDS: usize = 40;

/// Operators one after another.
pub struct Operators<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Operators<'a> {
    pub const fn new(content: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(content, 0) }
    }

    /// The next operator and its operands, `Some(None)` at the end; `None`: it is not understood.
    #[expect(clippy::option_option, reason = "the outer one is the fault")]
    pub fn next(&mut self) -> Option<Option<(&'a [u8], Vec<Object>)>> {
        let mut operands = Vec::new();
        loop {
            self.cursor.skip_space();
            let Some(first) = self.cursor.rest().first() else {
                // Operands of nothing.
                return operands.is_empty().then_some(None);
            };
            let is_value = is_delimiter(*first) || matches!(first, b'+' | b'-' | b'.' | b'0'..=b'9');
            if !is_value {
                let word = self.word();
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
        let ends = after.first().is_none_or(|octet| is_space(*octet));
        if spaces == 0 || !ends || memchr::memmem::find(data, b"EI").is_some() {
            return None;
        }
        self.cursor.at += 1 + length + spaces + 2;
        Some(())
    }
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
        components * number([b"BPC", b"BitsPerComponent"])?.min(16)
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
        for wrong in [&b"1 2"[..], b"1 0 0 1 5 20cm", b"(a", b"] Tj", b"<< /A 1 /A 2 >> BDC", b"1.2.3 w", b"--5 w"] {
            assert_eq!(words(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
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
