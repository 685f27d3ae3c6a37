//! What was read strictly has one encoding: taken apart and written again, it is the same octets.

use crate::core::der::{Reader, writer};

/// Panics unless the writer makes the same octets of every element of `bytes`, which was decoded.
pub fn assert_written_alike(bytes: &[u8]) {
    let mut elements = Reader::new(bytes);
    let written = written(&mut elements);
    assert!(written == bytes, "decoded, and not the one encoding");
}

/// The elements of one level; those inside of them first.
fn written(elements: &mut Reader<'_>) -> Vec<u8> {
    let mut written_all = Vec::new();
    while !elements.is_empty() {
        let element = elements.read().expect("it was decoded");
        let content = if element.tag & 0x20 == 0 { element.value.to_vec() } else { written(&mut element.reader()) };
        // An identifier of several octets has no writer: nothing is ever written with one.
        if element.tag & 0x1F == 0x1F {
            written_all.extend_from_slice(element.raw);
        } else {
            written_all.extend(writer::element(element.tag, &content));
        }
    }
    written_all
}

/// Panics unless `normalised` is one element to the strict reader; what somebody signed inside was copied as it came.
pub fn assert_normalised(normalised: &[u8]) {
    let mut elements = Reader::new(normalised);
    assert!(elements.read().is_ok() && elements.is_empty(), "normalised, and not one element");
}
