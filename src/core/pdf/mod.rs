//! PDF files (ISO 32000-2): recognised, and read as far as a verdict depends on it. A reader of our own, that mends nothing: what
//! other readers could take for something else is a fault.

pub mod archival;
pub mod associated;
pub mod changes;
pub mod cross_references;
pub mod document;
pub mod fault;
mod filter;
pub mod geometry;
pub mod object;
pub mod occupied;
pub mod page;
pub mod permissions;
mod references;
mod same;
#[cfg(test)]
mod sample;
pub mod security_store;
pub mod signature;
mod stream;
pub mod survey;
pub mod syntax;
pub mod text;
pub mod update;
mod write;

/// The header may stand anywhere in the first 1024 bytes (ISO 32000-1, implementation note of annex H.3).
const HEADER_WINDOW: usize = 1024;

/// Does this claim to be a PDF?
pub fn is_pdf(document: &[u8]) -> bool {
    let start = &document[..document.len().min(HEADER_WINDOW)];
    start.windows(5).any(|window| window == b"%PDF-")
}

/// Does the key of a signature's byte range occur anywhere? `#` escapes in the name are unfolded.
pub fn contains_byte_range(document: &[u8]) -> bool {
    const KEY: &[u8] = b"/ByteRange";
    let plain = memchr::memmem::find(document, KEY).is_some();
    plain || memchr::memchr(b'#', document).is_some() && unfolded_names(document).any(|name| name == b"ByteRange")
}

/// Names that use `#xx` escapes, unfolded (ISO 32000-2 §7.3.5).
fn unfolded_names(document: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    document.split(|byte| *byte == b'/').skip(1).filter(|rest| rest[..rest.len().min(40)].contains(&b'#')).map(|rest| {
        let mut name = Vec::new();
        let mut at = 0;
        while at < rest.len() && name.len() < 16 {
            let escaped = rest.get(at + 1..at + 3).and_then(|digits| hex::decode(digits).ok());
            match (rest[at], escaped) {
                (b'#', Some(octet)) => {
                    name.extend(octet);
                    at += 3;
                }
                (byte, _) if byte.is_ascii_alphanumeric() => {
                    name.push(byte);
                    at += 1;
                }
                _ => break,
            }
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_byte_range_however_it_is_written() {
        assert!(is_pdf(b"\n%PDF-1.7\n"));
        assert!(!is_pdf(b"PDF-1.7"));
        assert!(contains_byte_range(b"<< /ByteRange [0 1 2 3] >>"));
        assert!(contains_byte_range(b"<< /Byte#52ange[0 1 2 3] >>"));
        assert!(!contains_byte_range(b"<< /Byte#53ange[0 1 2 3] /Bytes >>"));
    }
}
