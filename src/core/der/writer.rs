//! DER from the inside out: each function returns or appends one whole element.

use super::tag;
use crate::core::time::Time;

/// One element of type `tag` around `content`.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    concatenated(tag, &[content])
}

/// A SEQUENCE of elements that are already encoded.
pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    concatenated(tag::SEQUENCE, elements)
}

/// A SET OF elements that are already encoded, in DER order (X.690 §11.6): ascending as octet
/// strings; no whole element is the beginning of another, so the padding rule never decides.
pub fn set_of<T: AsRef<[u8]>>(elements: &[T]) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = elements.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    concatenated(tag::SET, &sorted)
}

/// One element of type `tag` around several encoded pieces.
pub fn concatenated(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let length = pieces.iter().map(|piece| piece.len()).sum();
    let mut encoded = Vec::with_capacity(length + 6);
    push_header(&mut encoded, tag, length);
    for piece in pieces {
        encoded.extend_from_slice(piece);
    }
    encoded
}

/// Appends identifier and length octets.
pub fn push_header(encoded: &mut Vec<u8>, tag: u8, length: usize) {
    encoded.push(tag);
    if length < 0x80 {
        encoded.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let skip = octets.iter().take_while(|octet| **octet == 0).count();
        encoded.push(0x80 | (octets.len() - skip) as u8);
        encoded.extend_from_slice(&octets[skip..]);
    }
}

/// An INTEGER from the big-endian octets of a number that is not negative.
pub fn unsigned(octets: &[u8]) -> Vec<u8> {
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    match &octets[skip..] {
        [] => element(tag::INTEGER, &[0]),
        rest @ [0x80..=0xFF, ..] => concatenated(tag::INTEGER, &[&[0], rest]),
        rest => element(tag::INTEGER, rest),
    }
}

/// An OBJECT IDENTIFIER from its content octets.
pub fn object_identifier(content: &[u8]) -> Vec<u8> {
    element(tag::OBJECT_IDENTIFIER, content)
}

pub fn octet_string(content: &[u8]) -> Vec<u8> {
    element(tag::OCTET_STRING, content)
}

pub fn utf8_string(text: &str) -> Vec<u8> {
    element(tag::UTF8_STRING, text.as_bytes())
}

/// `UTCTime` through 2049, else `GeneralizedTime` (RFC 5280 §4.1.2.5, RFC 5652 §11.3).
pub fn time(time: Time) -> Vec<u8> {
    let (tag, text) = time.to_asn1();
    element(tag, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_grow_as_needed() {
        assert_eq!(element(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(element(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
    }

    #[test]
    fn sets_are_sorted() {
        assert_eq!(set_of(&[[5, 0], [2, 0]]), [0x31, 4, 2, 0, 5, 0]);
    }
}
