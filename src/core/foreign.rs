//! Other kinds of documents, recognised where they have no place.
//!
//! A message is one file, and only a part of it is signed. Whoever changes the rest can make a file that opens as a PDF, an office
//! document or a web page of his own, while the signature over the part that nobody sees is good.

use std::sync::LazyLock;

use memchr::{memchr_iter, memmem::Finder};

/// Longest distance between the digits and the word of `12 0 obj` that is looked at.
const OBJECT_NUMBER: usize = 24;

/// What PDF readers look for to find their way.
static PDF: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| ["%PDF-", "%%EOF", "startxref"].map(Finder::new));
static PDF_OBJECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("obj"));
/// The records of a file, of its entry in the directory, and of the directory's end.
static ZIP: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06"].map(Finder::new));

/// Do these octets hold what makes readers open a file as a PDF (ISO 32000-2 §7.5), a ZIP archive, of which office documents are
/// made (APPNOTE 4.3), or HTML? In other octets such marks do not occur by chance.
pub fn holds_document(octets: &[u8]) -> bool {
    PDF.iter().any(|mark| mark.find(octets).is_some())
        || PDF_OBJECT.find_iter(octets).any(|at| follows_object_number(&octets[..at]))
        || ZIP.iter().all(|mark| mark.find(octets).is_some())
        || memchr_iter(b'<', octets).any(|at| opens_html(&octets[at + 1..]))
}

/// `12 0 ` stands before.
fn follows_object_number(before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(OBJECT_NUMBER)..];
    let mut words = before.rsplit(|octet| octet.is_ascii_whitespace() || *octet == 0).filter(|word| !word.is_empty());
    let number = |word: Option<&[u8]>| word.and_then(<[u8]>::last).is_some_and(u8::is_ascii_digit);
    let generation = words.next();
    generation.is_some_and(|word| word.iter().all(u8::is_ascii_digit)) && number(words.next())
}

fn opens_html(rest: &[u8]) -> bool {
    let is = |word: &[u8]| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    [&b"html"[..], b"!doctype", b"script", b"body"].into_iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_recognised_and_other_octets_are_not() {
        for document in [
            &b"..%PDF-1.7.."[..],
            b"\n%%EOF",
            b"startxref\n12",
            b"x12 0 obj<<",
            b"1\r\n0\tobj",
            b"<HTML>",
            b"<!DOCTYPE html>",
            b"<script src=x>",
            b"PK\x03\x04..PK\x01\x02..PK\x05\x06",
        ] {
            assert!(holds_document(document), "{}", document.escape_ascii());
        }
        for other in [
            &b""[..],
            b"object 12",
            b"0 obj",
            b"a b obj",
            b"%PD",
            b"PK\x03\x04",
            b"PK\x05\x06",
            b"http://example.org/%20a?b<c",
            b"<",
            b"P",
            b"o",
            b"s",
        ] {
            assert!(!holds_document(other), "{}", other.escape_ascii());
        }
    }
}
