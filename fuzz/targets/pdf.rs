//! PDF files, recognised, through the reader, what is painted on their pages and what changed between their revisions, and through the
//! whole judgement: none passes.
#![no_main]

use antin_fuzz::core::pdf::changes::{self, History, Rules};
use antin_fuzz::core::pdf::document::Document;
use antin_fuzz::core::pdf::{self, occupied, page, security_store, signature, survey};
use antin_fuzz::documents;
use libfuzzer_sys::fuzz_target;

/// Pages that are interpreted, and revisions that are compared.
const LOOKED_AT: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let plain = bytes.windows(10).any(|window| window == b"/ByteRange");
    assert!(!plain || pdf::contains_byte_range(bytes), "a signature's byte range is overlooked");
    if !pdf::is_pdf(bytes) {
        return;
    }
    if let Ok(document) = Document::read(bytes) {
        read(&document);
    }
    documents::judge(bytes);
});

fn read(document: &Document<'_>) {
    let _ = signature::fields(document);
    let _ = security_store::read(document);
    let _ = survey::survey(document);
    for page in page::pages(document).unwrap_or_default().into_iter().take(LOOKED_AT) {
        if let Ok(painted) = occupied::occupied(document, page)
            && let Ok(Some(free)) = occupied::free_area(document, page, (100.0, 50.0), 5.0)
        {
            assert!(!occupied::overlaps(&painted, &free), "a free area is painted");
        }
    }
    let ends = revision_ends(document.octets());
    for signed in ends.into_iter().filter_map(|end| document.up_to(end)).take(LOOKED_AT) {
        if let Ok(history) = History::since(&signed, document) {
            let _ = changes::since(&signed, document, &history, &Rules::default());
        }
    }
}

/// Where revisions may end.
fn revision_ends(octets: &[u8]) -> Vec<usize> {
    octets.windows(5).enumerate().filter(|(_, window)| window == b"%%EOF").map(|(at, _)| at + 5).collect()
}
