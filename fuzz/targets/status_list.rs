//! Status list tokens, as CWT and as JWT, and the lists in them.
#![no_main]

use std::sync::Arc;

use antin_fuzz::core::status_list::cbor::CborReader;
use antin_fuzz::core::status_list::{LONGEST_LIST, StatusList, StatusListReference, UnverifiedToken};
use antin_fuzz::core::x509::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = CborReader::new(bytes).skip();
    if let Ok(token) = UnverifiedToken::decode(bytes) {
        let at = token.issued_at();
        let nobody: [Arc<Certificate>; 0] = [];
        assert!(token.verify(&nobody, at).is_err(), "a token that nobody signed");
    }
    if let Some((first, rest)) = bytes.split_first()
        && let Ok(list) = StatusList::decompress(u64::from(*first), rest)
    {
        assert!(list.size() <= LONGEST_LIST);
        assert!(list.get(list.entries()).is_none());
        assert!(list.entries() == 0 || list.get(list.entries() - 1).is_some());
    }
    if let Some(text) = std::str::from_utf8(bytes).ok()
        && let Some(reference) = StatusListReference::parse(text)
    {
        assert_eq!(reference.to_string(), text, "two spellings of one place");
    }
});
