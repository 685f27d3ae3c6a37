//! OCSP responses.
#![no_main]

use antin_fuzz::core::der::{Reader, tag};
use antin_fuzz::core::x509::ocsp::OcspResponse;
use antin_fuzz::der::assert_written_alike;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(response) = OcspResponse::decode(bytes) else { return };
    assert!(Reader::single(response.to_be_signed(), tag::SEQUENCE).is_ok());
    assert_written_alike(bytes);
    // What is signed is part of what was received, and of nothing else.
    let signed = response.to_be_signed();
    assert!(bytes.windows(signed.len()).any(|window| window == signed));
});
