//! CRLs: decoded, and every entry that is listed is found.
#![no_main]

use antin_fuzz::core::der::{Reader, tag};
use antin_fuzz::core::x509::CertificateList;
use antin_fuzz::der::assert_written_alike;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(list) = CertificateList::decode(bytes) else { return };
    assert_eq!(list.der(), bytes);
    assert_written_alike(bytes);
    let mut found = 0;
    for serial_number in serial_numbers(bytes) {
        assert!(
            list.extensions.is_indirect() || list.entry(&list.issuer, serial_number).is_some(),
            "listed and not found"
        );
        found += 1;
    }
    assert_eq!(found, list.len());
    assert!(list.len() > 0 || list.entry(&list.issuer, &[1]).is_none());
});

/// Of the entries, read independently of the decoder: the one SEQUENCE after the times.
fn serial_numbers(list: &[u8]) -> Vec<&[u8]> {
    let whole = Reader::single(list, tag::SEQUENCE).expect("it was decoded");
    let mut fields = whole.reader().read().expect("it was decoded").reader();
    let mut after_times = false;
    while let Ok(field) = fields.read() {
        match field.tag {
            tag::UTC_TIME | tag::GENERALIZED_TIME => after_times = true,
            tag::SEQUENCE if after_times => {
                let mut entries = field.reader();
                let mut found = Vec::new();
                while let Ok(entry) = entries.read() {
                    found.extend(entry.reader().read().map(|serial_number| serial_number.value));
                }
                return found;
            }
            _ => {}
        }
    }
    Vec::new()
}
