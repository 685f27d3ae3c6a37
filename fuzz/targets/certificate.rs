//! Certificates, strictly and tolerantly decoded.
#![no_main]

use antin_fuzz::core::x509::Certificate;
use antin_fuzz::der::assert_written_alike;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = Certificate::decode(bytes) {
        assert_eq!(certificate.der(), bytes);
        assert_written_alike(bytes);
        assert!(certificate.encoding_fault.is_none());
        // A key that can be used, or a reason; names that can be shown on one line.
        let _ = certificate.public_key();
        for name in [&certificate.issuer, &certificate.subject] {
            assert!(!name.text().contains(['\n', '\r', '\u{1b}']), "a name that is more than a line");
        }
        assert!(certificate.serial_number_text().len() == certificate.serial_number.len() * 2);
    }
    if let Ok(certificate) = Certificate::decode_tolerant(bytes) {
        let _ = certificate.public_key();
        assert!(Certificate::decode(bytes).is_ok() == certificate.encoding_fault.is_none());
    }
});
