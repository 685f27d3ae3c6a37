//! PDF files, recognised, and through the whole judgement: none passes.
#![no_main]

use antin_fuzz::core::pdf;
use antin_fuzz::documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let plain = bytes.windows(10).any(|window| window == b"/ByteRange");
    assert!(!plain || pdf::contains_byte_range(bytes), "a signature's byte range is overlooked");
    if pdf::is_pdf(bytes) {
        documents::judge(bytes);
    }
});
