//! Attacks on CMS signatures, signed PDF files, certification paths and revocation, and what must become of them: one test or more a row of
//! `rows.tsv`, the row in its name; those on the service and on issuing (A, H, L) stand with its other tests. Here it is against `validate` or `find_path` as they are called by every door of the service.
//!
//! Nothing here may ever be TOTAL-PASSED but the controls; where the way a verdict is reached determines which other verdict it
//! is, that very verdict is demanded.

mod additions;
mod algorithms;
mod archives;
mod attributes;
mod controls;
mod costs;
mod countersignatures;
mod crls;
mod disguise;
mod encoding;
mod evidence;
mod ladders;
mod ocsp;
mod path;
mod path_costs;
mod path_names;
mod pdf_certified;
mod pdf_controls;
mod pdf_dictionary;
mod pdf_plain;
mod pdf_revisions;
mod pdf_roles;
mod pdf_shadow;
mod pdf_spelling;
mod pdf_states;
mod pdf_structure;
mod signer;
mod timestamp_answers;
mod timestamps;
mod trust;
mod values;

use std::fs;
use std::path::Path;

/// Rows without a test yet, each with the reason.
const PENDING: [(&str, &str); 0] = [];

#[test]
fn every_row_has_a_test() {
    let mut sources = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut sources);
    let rows: Vec<String> = include_str!("rows.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').next().unwrap_or_default().to_lowercase())
        .collect();
    assert_eq!(rows.len(), 86, "a row was lost");
    for row in rows {
        let tests =
            sources.matches(&format!("]\nfn {row}_")).count() + sources.matches(&format!("]\nasync fn {row}_")).count();
        let pending = PENDING.iter().any(|(pending, _)| *pending == row);
        assert_eq!(tests == 0, pending, "{row} has {tests} tests");
    }
}

/// The text of every source below a folder.
fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).expect("a source"));
        }
    }
}
