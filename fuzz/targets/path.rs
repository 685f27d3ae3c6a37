//! The search for a path among certificates, CRLs, OCSP responses and anchors.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| antin_fuzz::paths::search(bytes));
