//! The issuance log: its folder, its order in the registry, the service that keeps it, and whoever tampers with any of them.

mod queue;
mod tampering;

use std::path::Path;

use antin::{
    core::{
        log::{Entry, KeyKind, Opening, VerifierKey},
        time::Time,
    },
    issuance_log::{self, NoteSigner, Publisher},
};

const ORIGIN: &str = "example.vn/log";

/// A key of its own.
pub fn key() -> NoteSigner {
    let (pem, line) = issuance_log::generate(ORIGIN, KeyKind::Note).expect("a key");
    let key = NoteSigner::from_pem(ORIGIN, KeyKind::Note, &pem).expect("the key");
    assert_eq!(VerifierKey::parse(&line).as_ref(), Ok(key.verifier()));
    key
}

pub fn entry(number: u64) -> Entry {
    let mut document_id = [0; 16];
    document_id[8..].copy_from_slice(&number.to_be_bytes());
    let opening = Opening {
        document_id,
        kind: "referral".to_owned(),
        document_digest: [5; 32],
        signer_certificate_sha256: [(number % 3) as u8; 32],
        signed_at: Time::from_unix(1_780_000_000 + number as i64),
        salt: [9; 32],
    };
    opening.entry()
}

/// A log of so many entries, with a checkpoint after each `step`; gives all checkpoints.
pub fn grow(folder: &Path, key: &NoteSigner, size: u64, step: u64) -> Vec<(String, Vec<u8>)> {
    let mut publisher = Publisher::open(folder, key).expect("it opens");
    let mut checkpoints = Vec::new();
    while publisher.size() < size {
        let from = publisher.size();
        let entries: Vec<Entry> = (from..size.min(from + step)).map(entry).collect();
        publisher.add(&entries).expect("added");
        publisher.publish(key).expect("published");
        checkpoints.push((format!("at {}", publisher.size()), publisher.note().to_string().into_bytes()));
    }
    checkpoints
}
