//! Distinguished names: comparison (RFC 5280 §7.1) and a readable form (RFC 4514).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;

/// Most attributes a name may have.
const ATTRIBUTE_LIMIT: usize = 64;

/// Octets of the readable form.
const TEXT_LIMIT: usize = 1024;

/// A decoded `Name`: the encoding, and the form in which names are compared.
#[derive(Clone, Debug)]
pub struct Name {
    der: Vec<u8>,
    comparable: Vec<u8>,
    /// The readable form, made when first asked for.
    text: std::sync::OnceLock<String>,
}

/// Equal under RFC 5280 §7.1: attribute by attribute, strings without regard to case and superfluous spaces.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.comparable == other.comparable
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.comparable.hash(state);
    }
}

impl Name {
    /// Decodes `RDNSequence ::= SEQUENCE OF SET SIZE (1..MAX) OF AttributeTypeAndValue`.
    pub fn decode(element: Tlv<'_>) -> Result<Self, DerError> {
        let mut comparable = Vec::with_capacity(element.raw.len() * 2);
        let mut count = 0;
        let mut names = element.of(tag::SEQUENCE)?.reader();
        while !names.is_empty() {
            let set = names.expect(tag::SET)?;
            // Members of one set in any order are one: each is written in place, and several are sorted afterwards.
            let start = comparable.len();
            let mut members = set.reader();
            let mut ends = 0;
            while !members.is_empty() {
                count += 1;
                if count > ATTRIBUTE_LIMIT {
                    return Err(set.error(DerFault::Limit));
                }
                let attribute = Attribute::decode(members.read()?)?;
                push_counted(&mut comparable, |form| {
                    push_counted(form, |form| form.extend_from_slice(attribute.oid));
                    attribute.push_comparable(form);
                });
                ends += 1;
            }
            match ends {
                0 => return Err(set.error(DerFault::Value)),
                1 => {}
                _ => sort_counted(&mut comparable, start),
            }
            comparable.push(ends as u8);
        }
        Ok(Self { der: element.raw.to_vec(), comparable, text: std::sync::OnceLock::new() })
    }

    /// The encoding as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// No attribute at all; no issuer may be named so (RFC 5280 §4.1.2.4).
    pub fn is_empty(&self) -> bool {
        self.comparable.is_empty()
    }

    /// The form in which names are compared, as a key for look-ups.
    pub fn comparable(&self) -> &[u8] {
        &self.comparable
    }

    /// This name lies in the subtree of `base`: it begins with the same relative names (RFC 5280 §7.1). Each relative name ends in
    /// the count of its attributes, which no attribute begins with, so that octets suffice.
    pub fn is_within(&self, base: &Self) -> bool {
        self.comparable.starts_with(&base.comparable)
    }

    /// Every value is of a string type compared as text. Others are equal by their encoding alone, so that unequal proves
    /// nothing about them.
    pub fn is_text(&self) -> bool {
        let mut all = true;
        self.for_each(|attribute| all &= attribute.is_checked_string());
        all
    }

    /// Every value of an attribute type, as text.
    pub fn attributes(&self, attribute_type: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        self.for_each(|attribute| {
            if attribute.oid == attribute_type {
                found.push(attribute.text());
            }
        });
        found
    }

    /// The last value of an attribute type, as text of at most some 1000 octets.
    pub fn attribute(&self, attribute_type: &[u8]) -> Option<String> {
        let mut found = None;
        self.for_each(|attribute| {
            if attribute.oid == attribute_type {
                let mut text = attribute.text();
                text.truncate(text.floor_char_boundary(TEXT_LIMIT));
                found = Some(text);
            }
        });
        found
    }

    fn for_each<'a>(&'a self, mut visit: impl FnMut(Attribute<'a>)) {
        // The encoding was decoded before, so that no error is left to report.
        let Ok(names) = Reader::single(&self.der, tag::SEQUENCE) else { return };
        let mut names = names.reader();
        while let Ok(set) = names.read() {
            let mut members = set.reader();
            while let Ok(member) = members.read() {
                if let Ok(attribute) = Attribute::decode(member) {
                    visit(attribute);
                }
            }
        }
    }
}

impl Name {
    /// RFC 4514 text in the order of the encoding (as `C=VN, O=…, CN=…`), control characters escaped: one safe line.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let mut text = String::with_capacity(self.der.len());
            self.for_each(|attribute| {
                if !text.is_empty() {
                    text.push_str(", ");
                }
                match attribute_name(attribute.oid) {
                    Some(name) => text.push_str(name),
                    None => text.push_str(&oid::dotted(attribute.oid)),
                }
                text.push('=');
                // Reports repeat names: none is longer than a person would read.
                if text.len() < TEXT_LIMIT {
                    push_escaped(&mut text, &attribute.text());
                }
            });
            if text.len() > TEXT_LIMIT {
                text.truncate(text.floor_char_boundary(TEXT_LIMIT));
                text.push('…');
            }
            text
        })
    }
}

/// [`Name::text`].
impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.text())
    }
}

/// `AttributeTypeAndValue`.
struct Attribute<'a> {
    oid: &'a [u8],
    value: Tlv<'a>,
    /// The value as Unicode text, if its type is a string and its octets fit the type.
    decoded: Option<Cow<'a, str>>,
}

impl<'a> Attribute<'a> {
    fn decode(element: Tlv<'a>) -> Result<Self, DerError> {
        element.of(tag::SEQUENCE)?.read_all(|reader| {
            let oid = reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let value = reader.read()?;
            let attribute = Self { oid, value, decoded: decoded(value) };
            if attribute.decoded.is_none() && attribute.is_checked_string() {
                return Err(value.error(DerFault::Value));
            }
            Ok(attribute)
        })
    }

    /// A string type whose repertoire is checked.
    fn is_checked_string(&self) -> bool {
        matches!(self.value.tag, tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::BMP_STRING)
    }

    fn text(&self) -> String {
        match &self.decoded {
            Some(text) => text.clone().into_owned(),
            None => format!("#{}", hex::encode(self.value.raw)),
        }
    }

    /// Appends the value in the form in which it is compared: strings of the directory types (PrintableString, UTF8String,
    /// BMPString, IA5String) by folded text, so that a change of the string type alone is no change of name (RFC 5280 §7.1,
    /// RFC 4518); everything else by its encoding.
    fn push_comparable(&self, form: &mut Vec<u8>) {
        if !self.is_checked_string() {
            form.push(1);
            form.extend_from_slice(self.value.raw);
            return;
        }
        form.push(0);
        push_folded(form, self.decoded.as_deref().unwrap_or_default());
    }
}

/// A text in the form in which values of names are compared: letters in lower case, white space at the ends dropped and elsewhere one
/// space. Composed and decomposed letters stay different.
pub fn fold(text: &str) -> Vec<u8> {
    let mut form = Vec::with_capacity(text.len());
    push_folded(&mut form, text);
    form
}

fn push_folded(form: &mut Vec<u8>, text: &str) {
    let mut pending_space = false;
    let mut any = false;
    for character in text.chars() {
        if character.is_whitespace() {
            pending_space = any;
            continue;
        }
        if std::mem::take(&mut pending_space) {
            form.push(b' ');
        }
        any = true;
        if character.is_ascii() {
            form.push(character.to_ascii_lowercase() as u8);
            continue;
        }
        let mut buffer = [0; 4];
        for lower in character.to_lowercase() {
            form.extend_from_slice(lower.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// A value as Unicode text, if its type is a string and its octets fit the type.
fn decoded(value: Tlv<'_>) -> Option<Cow<'_, str>> {
    let octets = value.value;
    match value.tag {
        tag::UTF8_STRING => std::str::from_utf8(octets).ok().map(Into::into),
        tag::PRINTABLE_STRING | tag::IA5_STRING => {
            std::str::from_utf8(octets).ok().filter(|text| text.is_ascii()).map(Into::into)
        }
        tag::BMP_STRING => {
            let (pairs, rest) = octets.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty()).map(Into::into)
        }
        // Read as Latin-1, which most issuers meant; used for showing only.
        tag::TELETEX_STRING => Some(octets.iter().map(|octet| char::from(*octet)).collect::<String>().into()),
        _ => None,
    }
}

/// Appends what `write` writes, its length before it.
fn push_counted(form: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = form.len();
    form.extend_from_slice(&[0; 4]);
    write(form);
    let length = (form.len() - start - 4) as u32;
    form[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Sorts the counted pieces from `start` on.
fn sort_counted(form: &mut Vec<u8>, start: usize) {
    let mut pieces = Vec::new();
    let mut rest = &form[start..];
    while let Some((count, after)) = rest.split_first_chunk::<4>() {
        let length = 4 + u32::from_be_bytes(*count) as usize;
        pieces.push(rest[..length].to_vec());
        rest = &after[length - 4..];
    }
    pieces.sort_unstable();
    form.truncate(start);
    form.extend(pieces.concat());
}

/// Escapes what RFC 4514 §2.4 escapes, and every control or bidirectional-format character.
fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => {
                text.push('\\');
                text.push(character);
            }
            _ => push_inert(text, character),
        }
    }
}

/// Text by others made safe to show on one line: control and bidirectional-format characters are written out.
pub fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push_inert(&mut shown, character);
    }
    shown
}

fn push_inert(shown: &mut String, character: char) {
    if is_inert(character) {
        shown.push(character);
    } else {
        let _ = write!(shown, "\\u{{{:04x}}}", u32::from(character));
    }
}

/// Neither a control character nor one that changes the direction or visibility of its neighbours.
fn is_inert(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn attribute_name(content: &[u8]) -> Option<&'static str> {
    Some(match content {
        oid::COMMON_NAME => "CN",
        oid::SURNAME => "SN",
        oid::SERIAL_NUMBER => "serialNumber",
        oid::COUNTRY => "C",
        oid::LOCALITY => "L",
        oid::STATE => "ST",
        oid::STREET => "street",
        oid::ORGANIZATION => "O",
        oid::ORGANIZATIONAL_UNIT => "OU",
        oid::TITLE => "title",
        oid::GIVEN_NAME => "GN",
        oid::DN_QUALIFIER => "dnQualifier",
        oid::PSEUDONYM => "pseudonym",
        oid::ORGANIZATION_IDENTIFIER => "organizationIdentifier",
        oid::USER_ID => "UID",
        oid::DOMAIN_COMPONENT => "DC",
        oid::EMAIL_ADDRESS => "emailAddress",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::der::writer::{element, object_identifier, sequence, set_of};

    fn name(parts: &[(&[u8], u8, &[u8])]) -> Name {
        let sets: Vec<Vec<u8>> = parts
            .iter()
            .map(|(oid, tag, value)| set_of(&[sequence(&[&object_identifier(oid), &element(*tag, value)])]))
            .collect();
        let encoded = sequence(&sets.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Name::decode(Reader::single(&encoded, tag::SEQUENCE).expect("a sequence")).expect("a name")
    }

    #[test]
    fn case_spaces_and_string_type_do_not_matter() {
        let upper = name(&[(oid::COMMON_NAME, tag::PRINTABLE_STRING, b"Root  CA ")]);
        let lower = name(&[(oid::COMMON_NAME, tag::UTF8_STRING, " root ca".as_bytes())]);
        assert_eq!(upper, lower);
        assert_ne!(upper, name(&[(oid::COMMON_NAME, tag::UTF8_STRING, b"rootca")]));
        assert_ne!(upper, name(&[(oid::ORGANIZATION, tag::UTF8_STRING, b"root ca")]));
        let vietnamese = name(&[(oid::ORGANIZATION, tag::UTF8_STRING, "BAN CƠ YẾU".as_bytes())]);
        assert_eq!(vietnamese, name(&[(oid::ORGANIZATION, tag::UTF8_STRING, "Ban Cơ yếu".as_bytes())]));
    }

    #[test]
    fn order_of_relative_names_matters() {
        let first = name(&[(oid::COUNTRY, tag::PRINTABLE_STRING, b"VN"), (oid::COMMON_NAME, tag::UTF8_STRING, b"A")]);
        let second = name(&[(oid::COMMON_NAME, tag::UTF8_STRING, b"A"), (oid::COUNTRY, tag::PRINTABLE_STRING, b"VN")]);
        assert_ne!(first, second);
        assert_eq!(first.to_string(), "C=VN, CN=A");
    }

    #[test]
    fn hostile_text_is_one_inert_line() {
        let hostile = name(&[(oid::COMMON_NAME, tag::UTF8_STRING, "a\r\n\u{1b}[31m\u{202E},O=x".as_bytes())]);
        assert_eq!(hostile.to_string(), "CN=a\\u{000d}\\u{000a}\\u{001b}[31m\\u{202e}\\,O\\=x");
    }
}
