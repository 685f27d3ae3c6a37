//! What a PDF says about itself in its metadata: that it is PDF/A (ISO 19005, XMP `pdfaid:part`).

use super::document::Document;
use super::fault::PdfFault;

/// Octets of the metadata that are looked through.
const METADATA: usize = 4 << 20;

/// The part of ISO 19005 that the document claims to keep, 1 to 4: the lowest if it claims several. `None`: none.
///
/// # Errors
/// Its catalogue or its metadata cannot be read.
pub fn claimed_part(document: &Document<'_>) -> Result<Option<u8>, PdfFault> {
    let catalogue = document.catalogue()?;
    let Some(metadata) = catalogue.get(b"Metadata").and_then(|value| value.object.as_reference()) else {
        return Ok(None);
    };
    let Some(stream) = document.stream(metadata)? else { return Ok(None) };
    // Also of what is written in UTF-16 or UTF-32 the letters remain.
    let letters: Vec<u8> = stream.octets.iter().copied().take(METADATA).filter(|octet| *octet != 0).collect();
    Ok(memchr::memmem::find_iter(&letters, b":part").filter_map(|at| part(&letters, at)).min())
}

/// `pdfaid:part>2<` or `pdfaid:part="2"`, whatever the prefix, if it is the namespace of PDF/A.
fn part(letters: &[u8], at: usize) -> Option<u8> {
    const NAMESPACE: &[u8] = b"http://www.aiim.org/pdfa/ns/id/";
    memchr::memmem::find(letters, NAMESPACE)?;
    let rest = &letters[at + b":part".len()..];
    let rest = rest
        .iter()
        .copied()
        .skip_while(|octet| octet.is_ascii_whitespace() || matches!(octet, b'>' | b'=' | b'"' | b'\''));
    let digits: Vec<u8> = rest.take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok().filter(|part| (1..=4).contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::pdf::sample;

    #[test]
    fn reads_the_part_however_it_is_written() {
        let claimed = |xmp: &str| {
            let file = sample::file(&[
                "<</Type/Catalog/Metadata 2 0 R>>".to_owned(),
                sample::stream("/Type/Metadata/Subtype/XML", xmp),
            ]);
            claimed_part(&Document::read(&file).expect("a file")).expect("metadata")
        };
        let space = "xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\"";
        assert_eq!(claimed(&format!("<x {space}><pdfaid:part>2</pdfaid:part></x>")), Some(2));
        assert_eq!(claimed(&format!("<x {space} pdfaid:part='3' pdfaid:conformance='U'/>")), Some(3));
        assert_eq!(claimed(&format!("<x {space}><pdfaid:part> 1 </pdfaid:part><b:part>3</b:part></x>")), Some(1));
        for none in ["", "<b:part>1</b:part>", space, &format!("{space}<pdfaid:part>9</pdfaid:part>")] {
            assert_eq!(claimed(none), None, "{none}");
        }
    }
}
