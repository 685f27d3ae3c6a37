//! The one place where BER is accepted: the envelope of a CMS message (RFC 5652 §2 allows it; `openssl cms -stream` and
//! Bouncy Castle write it).
//!
//! [`normalise_content_info`] rewrites the envelope to DER once: indefinite and long lengths, OCTET STRINGs in pieces,
//! padded INTEGERs. What somebody signed is copied octet for octet (certificates, CRLs, signed attributes, attribute
//! values), so that the strict reader judges exactly what came in. Linear in the input but for the depth of nesting.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{DerError, DerFault, Reader, tag, writer};

/// Levels of nesting that are followed.
const DEPTH: usize = 48;

/// Where in the message an element stands; decides what is done with its content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    ContentInfo,
    ContentInfoContent,
    SignedData,
    /// Of these lists each member is [`Place::Signed`] or [`Place::Verbatim`].
    Certificates,
    Crls,
    AttributeValues,
    EncapContentInfo,
    EncapContent,
    SignerInfos,
    SignerInfo,
    /// `subjectKeyIdentifier`, an OCTET STRING under its implicit tag, in pieces.
    KeyIdentifier,
    UnsignedAttributes,
    UnsignedAttribute,
    /// Nothing here is signed: rewritten through and through.
    Plain,
    /// Copied octet for octet.
    Verbatim,
    /// Signed and so DER: copied octet for octet; if it does not even begin as DER, then inside an element of type `opaque`,
    /// which the strict reader passes over as another kind of object or refuses as attributes.
    Signed {
        opaque: u8,
    },
}

impl Place {
    /// The place of the child with identifier `tag`, `index` counting from zero.
    fn child(self, index: usize, tag: u8) -> Self {
        match (self, tag) {
            (Self::ContentInfo, 0xA0) => Self::ContentInfoContent,
            (Self::ContentInfoContent, tag::SEQUENCE) => Self::SignedData,
            (Self::SignedData, tag::SEQUENCE) => Self::EncapContentInfo,
            (Self::SignedData, 0xA0) => Self::Certificates,
            (Self::SignedData, 0xA1) => Self::Crls,
            (Self::Certificates, _) => Self::Signed { opaque: tag::context(3) },
            (Self::Crls, _) => Self::Signed { opaque: tag::context(1) },
            (Self::UnsignedAttribute, tag::SET) => Self::AttributeValues,
            (Self::SignedData, tag::SET) if index > 1 => Self::SignerInfos,
            (Self::EncapContentInfo, 0xA0) => Self::EncapContent,
            (Self::EncapContent, tag::OCTET_STRING | CONSTRUCTED_OCTET_STRING) => Self::Plain,
            (Self::SignerInfos, tag::SEQUENCE) => Self::SignerInfo,
            (Self::SignerInfo, 0xA0) if index == 1 => Self::KeyIdentifier,
            (Self::SignerInfo, 0xA1) => Self::UnsignedAttributes,
            (Self::SignerInfo, 0xA0) => Self::Signed { opaque: tag::context(0) },
            (Self::AttributeValues | Self::EncapContent, _) => Self::Verbatim,
            (Self::UnsignedAttributes, tag::SEQUENCE) => Self::UnsignedAttribute,
            _ => Self::Plain,
        }
    }
}

const CONSTRUCTED_OCTET_STRING: u8 = 0x24;

/// The DER form of a BER `ContentInfo` holding `SignedData`. Fails if the bytes are not one BER element.
pub fn normalise_content_info(bytes: &[u8]) -> Result<Vec<u8>, DerError> {
    normalise(bytes, Place::ContentInfo)
}

/// The DER form of any BER element: to look into something that should have been DER, never to accept it.
pub fn normalise_element(bytes: &[u8]) -> Result<Vec<u8>, DerError> {
    normalise(bytes, Place::Plain)
}

fn normalise(bytes: &[u8], place: Place) -> Result<Vec<u8>, DerError> {
    let ends = RefCell::default();
    let mut reader = BerReader { bytes, position: 0, end: bytes.len(), ends: &ends };
    let element = reader.read()?;
    if reader.position != bytes.len() {
        return Err(reader.error(DerFault::Trailing));
    }
    let mut normalised = Vec::with_capacity(bytes.len());
    rewrite(&reader, &element, place, DEPTH, &mut normalised)?;
    Ok(normalised)
}

/// The whole BER elements that `content` consists of, and nothing else, without looking into them.
pub fn elements(content: &[u8]) -> Result<Vec<&[u8]>, DerFault> {
    let ends = RefCell::default();
    let mut reader = BerReader { bytes: content, position: 0, end: content.len(), ends: &ends };
    let mut elements = Vec::new();
    while reader.position < reader.end {
        let element = reader.read().map_err(|error| error.fault)?;
        if element.tag == 0 {
            return Err(DerFault::UnexpectedTag);
        }
        elements.push(&content[element.start..element.end]);
    }
    Ok(elements)
}

/// What one whole BER element consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub tag: u8,
    /// Without the end-of-contents octets.
    pub content: &'a [u8],
    pub indefinite: bool,
}

/// Takes the one BER element that `bytes` consists of apart, without looking into it.
pub fn split(bytes: &[u8]) -> Result<Parts<'_>, DerError> {
    let ends = RefCell::default();
    let mut reader = BerReader { bytes, position: 0, end: bytes.len(), ends: &ends };
    let element = reader.read()?;
    if reader.position != bytes.len() {
        return Err(reader.error(DerFault::Trailing));
    }
    let indefinite = element.content_end != element.end;
    Ok(Parts { tag: element.tag, content: &bytes[element.content_start..element.content_end], indefinite })
}

/// One BER element as positions in the input; `content_end` excludes end-of-contents octets.
struct BerElement {
    tag: u8,
    start: usize,
    content_start: usize,
    content_end: usize,
    end: usize,
}

struct BerReader<'a> {
    bytes: &'a [u8],
    position: usize,
    end: usize,
    ends: &'a RefCell<Ends>,
}

/// Where the content and the whole of each indefinite element ends that was walked over, by the start of its content: what is
/// nested is walked once.
type Ends = HashMap<usize, (usize, usize)>;

impl<'a> BerReader<'a> {
    /// Over the content of an element of the same input.
    fn inside(&self, element: &BerElement) -> Self {
        Self { position: element.content_start, end: element.content_end, ..*self }
    }

    fn error(&self, fault: DerFault) -> DerError {
        DerError { offset: self.position, fault }
    }

    fn octet(&self, at: usize) -> Result<u8, DerError> {
        if at < self.end { Ok(self.bytes[at]) } else { Err(self.error(DerFault::Truncated)) }
    }

    /// Identifier, start of content, and length (`None`: indefinite).
    fn header(&self, start: usize) -> Result<(u8, usize, Option<usize>), DerError> {
        let tag = self.octet(start)?;
        if tag & 0x1F == 0x1F {
            return Err(self.error(DerFault::Identifier));
        }
        let first = self.octet(start + 1)?;
        let mut at = start + 2;
        let length = match first {
            0x80 if tag & 0x20 == 0 => return Err(self.error(DerFault::Length)),
            0x80 => None,
            0..=0x7F => Some(usize::from(first)),
            0xFF => return Err(self.error(DerFault::Length)),
            _ => {
                let mut length = 0_usize;
                for _ in 0..first & 0x7F {
                    if length >> 32 != 0 {
                        return Err(self.error(DerFault::Length));
                    }
                    length = length << 8 | usize::from(self.octet(at)?);
                    at += 1;
                }
                Some(length)
            }
        };
        Ok((tag, at, length))
    }

    /// The next element; an indefinite one is walked to its end-of-contents octets.
    fn read(&mut self) -> Result<BerElement, DerError> {
        let start = self.position;
        let (tag, content_start, length) = self.header(start)?;
        let (content_end, end) = match length {
            Some(length) => {
                let end = content_start.checked_add(length).filter(|end| *end <= self.end);
                let end = end.ok_or(self.error(DerFault::Truncated))?;
                (end, end)
            }
            None => {
                let known = self.ends.borrow().get(&content_start).copied();
                known.map_or_else(|| self.indefinite_end(content_start), Ok)?
            }
        };
        if end > self.end {
            return Err(self.error(DerFault::Truncated));
        }
        self.position = end;
        Ok(BerElement { tag, start, content_start, content_end, end })
    }

    /// Where the content of an indefinite-length element ends, before and after its end-of-contents octets.
    fn indefinite_end(&self, content_start: usize) -> Result<(usize, usize), DerError> {
        let mut at = content_start;
        let mut open = vec![content_start];
        loop {
            if self.octet(at)? == 0 && self.octet(at + 1)? == 0 {
                let ends = (at, at + 2);
                self.ends.borrow_mut().extend(open.pop().map(|start| (start, ends)));
                if open.is_empty() {
                    return Ok(ends);
                }
                at += 2;
                continue;
            }
            let (_, content, length) = self.header(at)?;
            match length {
                Some(length) => {
                    let next = content.checked_add(length).filter(|next| *next <= self.end);
                    at = next.ok_or(self.error(DerFault::Truncated))?;
                }
                None if open.len() == DEPTH => return Err(self.error(DerFault::Limit)),
                None => {
                    open.push(content);
                    at = content;
                }
            }
        }
    }
}

/// Appends the DER form of `element`.
fn rewrite(
    input: &BerReader<'_>,
    element: &BerElement,
    place: Place,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), DerError> {
    let whole = &input.bytes[element.start..element.end];
    let content = &input.bytes[element.content_start..element.content_end];
    if place == Place::Verbatim {
        out.extend_from_slice(whole);
        return Ok(());
    }
    if let Place::Signed { opaque } = place {
        if Reader::single(whole, element.tag).is_err() {
            writer::push_header(out, opaque, whole.len());
        }
        out.extend_from_slice(whole);
        return Ok(());
    }
    if element.tag & 0x20 == 0 {
        let content = if element.tag == tag::INTEGER { minimal_integer(content) } else { content };
        writer::push_header(out, element.tag, content.len());
        out.extend_from_slice(content);
        return Ok(());
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DerError { offset: element.start, fault: DerFault::Limit });
    };
    let mut inside = Vec::with_capacity(content.len());
    let mut reader = input.inside(element);
    let mut index = 0;
    let joined_tag = match element.tag {
        CONSTRUCTED_OCTET_STRING => Some(tag::OCTET_STRING),
        _ if place == Place::KeyIdentifier => Some(tag::context_primitive(0)),
        _ => None,
    };
    while reader.position < reader.end {
        let child = reader.read()?;
        if joined_tag.is_some() {
            append_pieces(input, &child, depth, &mut inside)?;
        } else {
            rewrite(input, &child, place.child(index, child.tag), depth, &mut inside)?;
        }
        index += 1;
    }
    writer::push_header(out, joined_tag.unwrap_or(element.tag), inside.len());
    out.extend_from_slice(&inside);
    Ok(())
}

/// Appends the octets of one piece of an OCTET STRING in pieces (X.690 §8.7.3).
fn append_pieces(input: &BerReader<'_>, piece: &BerElement, depth: usize, out: &mut Vec<u8>) -> Result<(), DerError> {
    match piece.tag {
        tag::OCTET_STRING => out.extend_from_slice(&input.bytes[piece.content_start..piece.content_end]),
        CONSTRUCTED_OCTET_STRING if depth > 0 => {
            let mut reader = input.inside(piece);
            while reader.position < reader.end {
                let inner = reader.read()?;
                append_pieces(input, &inner, depth - 1, out)?;
            }
        }
        _ => return Err(DerError { offset: piece.start, fault: DerFault::UnexpectedTag }),
    }
    Ok(())
}

/// An INTEGER's content without superfluous leading octets; the value stays.
fn minimal_integer(mut content: &[u8]) -> &[u8] {
    while let [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] = content {
        content = &content[1..];
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_pieces_and_fixes_lengths() {
        let ber = [
            0x30, 0x80, 0x06, 0x01, 0x2A, 0xA0, 0x80, 0x30, 0x80, 0x02, 0x02, 0x00, 0x01, 0x31, 0x81, 0x00, 0x30, 0x80,
            0x06, 0x01, 0x2A, 0xA0, 0x80, 0x24, 0x80, 0x04, 0x01, 0xAA, 0x24, 0x03, 0x04, 0x01, 0xBB, 0, 0, 0, 0, 0, 0,
            0xA0, 0x80, 0x30, 0x81, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let normalised = normalise_content_info(&ber).expect("BER");
        assert!(super::super::reader::Reader::single(&normalised, tag::SEQUENCE).is_ok());
        assert!(normalised.windows(4).any(|window| window == [0x04, 0x02, 0xAA, 0xBB]));
        assert!(
            normalised.ends_with(&[0xA0, 0x05, 0xA3, 0x03, 0x30, 0x81, 0x00]),
            "a certificate that is no DER is none"
        );
        assert!(normalised.windows(3).any(|window| window == [0x02, 0x01, 0x01]));
    }

    #[test]
    fn rows_of_elements_are_whole() {
        assert_eq!(elements(&[]), Ok(Vec::new()));
        let indefinite = [0x30, 0x80, 0x05, 0x00, 0x00, 0x00];
        assert_eq!(elements(&[&[0x05, 0x00][..], &indefinite].concat()), Ok(vec![&[0x05, 0x00][..], &indefinite]));
        assert_eq!(elements(&[0x05, 0x00, 0x05]), Err(DerFault::Truncated));
        assert_eq!(elements(&[0x05, 0x00, 0x00, 0x00]), Err(DerFault::UnexpectedTag));
    }

    #[test]
    fn elements_are_taken_apart_as_they_are_written() {
        let parts = |tag, content: &'static [u8], indefinite| Ok(Parts { tag, content, indefinite });
        assert_eq!(split(&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00]), parts(0x30, &[0x05, 0x00], true));
        assert_eq!(split(&[0x30, 0x81, 0x02, 0x05, 0x00]), parts(0x30, &[0x05, 0x00], false));
        assert_eq!(split(&[0x05, 0x00, 0x05, 0x00]).map_err(|error| error.fault), Err(DerFault::Trailing));
        assert_eq!(split(&[0x30, 0x80, 0x05, 0x00]).map_err(|error| error.fault), Err(DerFault::Truncated));
    }

    #[test]
    fn is_bounded() {
        let bomb: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 100_000).flatten().collect();
        assert!(normalise_content_info(&bomb).is_err());
        let mut deep = Vec::new();
        for _ in 0..100 {
            deep = writer::element(tag::SEQUENCE, &deep);
        }
        assert_eq!(normalise_content_info(&deep).map_err(|error| error.fault), Err(DerFault::Limit));
        assert!(normalise_content_info(&[0x30, 0x80, 0x00]).is_err());
        assert!(normalise_content_info(&[0x04, 0x80, 0x00, 0x00]).is_err());
        assert!(normalise_content_info(&[0x30, 0x00, 0x00]).is_err());
    }
}
