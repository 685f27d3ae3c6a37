//! Files of saved evidence: whoever wrote one, it is read within bounds, and counts for no document but its own.
#![no_main]

use antin_fuzz::core::saved_evidence::SavedEvidence;
use antin_fuzz::core::validation::Content;
use antin_fuzz::documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match SavedEvidence::decode(bytes) {
    Ok(saved) => {
        assert!(saved.expect(b"a document that nobody saved evidence for", Content::None).is_err());
        documents::judge_by(&saved);
    }
    Err(fault) => assert!(!fault.to_string().is_empty()),
});
