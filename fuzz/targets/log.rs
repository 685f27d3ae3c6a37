//! The texts and names of the issuance log: what is read has one form, and is written as it was read.
#![no_main]

use antin_fuzz::core::log::witness::AddCheckpoint;
use antin_fuzz::core::log::{Checkpoint, Entry, LogProof, Note, Opening, TileName, VerifierKey, tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
            assert_eq!(checkpoint.to_string(), note.text);
        }
    }
    if let Ok(proof) = LogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
    if let Ok(opening) = Opening::from_json(bytes) {
        assert_eq!(opening.to_json().as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text.trim());
    }
    if let Ok(name) = text.parse::<TileName>() {
        assert_eq!(name.to_string(), text);
        assert!(!text.contains(".."));
    }
    let bundle = TileName { kind: tile::TileKind::Entries, index: 0, width: 3 };
    if let Ok(entries) = tile::decode_entries(&bundle, bytes) {
        assert_eq!(tile::encode_entries(entries).expect("as long as they were"), bytes);
    }
});
