//! Levels of PDFs: time-stamps, the security store, document time-stamps, and again.

use antin::core::pdf::document::Document;
use antin::core::pdf::object::{Dictionary, Object};
use antin::core::pdf::signature;
use serde_json::Value;

use super::office::{Office, PAPER, foreign_programs_accept, rewritten};

/// The security store, and how many streams each of its lists has.
fn store(pdf: &[u8]) -> (Dictionary, [usize; 3]) {
    let document = Document::read(pdf).expect("readable");
    let catalogue = document.catalogue().expect("a catalogue");
    let store = document.dictionary(&catalogue, b"DSS").expect("readable").expect("a store");
    let count = |key: &[u8]| {
        let list = document.array(&store, key).expect("readable").unwrap_or_default();
        let streams = list.iter().filter_map(|value| document.stream(value.object.as_reference()?).expect("readable"));
        let mut contents: Vec<Vec<u8>> = streams.map(|stream| stream.octets).collect();
        assert_eq!(contents.len(), list.len());
        contents.sort();
        contents.dedup();
        assert_eq!(contents.len(), list.len(), "each once");
        list.len()
    };
    let counts = [count(b"Certs"), count(b"CRLs"), count(b"OCSPs")];
    (store, counts)
}

/// The names of the store for the signatures are those of what is in the file.
fn check_names(pdf: &[u8]) -> usize {
    let document = Document::read(pdf).expect("readable");
    let by_signature = document.dictionary(&store(pdf).0, b"VRI").expect("readable").expect("names");
    let fields = signature::fields(&document).expect("readable");
    let contents = fields.iter().map(|field| field.dictionary.as_ref().expect("sound").contents.clone());
    let names: Vec<String> = contents
        .map(|span| {
            let octets = hex::decode(&pdf[span.start + 1..span.end - 1]).expect("digits");
            hex::encode_upper(antin::core::crypto::digest(antin::core::algorithm::DigestAlgorithm::Sha1, &octets))
        })
        .collect();
    let known = by_signature.keys().filter(|key| names.iter().any(|name| name.as_bytes() == *key)).count();
    assert_eq!(known, by_signature.keys().count());
    for (_, value) in by_signature.iter() {
        let entry = document.resolve(value).expect("readable").expect("there").value.object;
        let Object::Dictionary(entry) = entry else { panic!("{entry:?}") };
        assert!(entry.get(b"Cert").is_some() && entry.get(b"CRL").is_some());
    }
    known
}

fn stamps(report: &Value) -> Vec<&str> {
    let stamps = report["signatures"][0]["timestamps"].as_array().expect("a list");
    stamps.iter().map(|stamp| stamp["type"].as_str().expect("a type")).collect()
}

#[test]
fn each_level_is_reached_at_once_or_step_by_step() {
    let office = Office::open();
    let mut basic = office.sign("judicial", PAPER, &[]).expect("signed");
    for (level, format, at_once) in [
        ("B-T", "PAdES-BASELINE-T", vec!["signature"]),
        ("B-LT", "PAdES-BASELINE-LT", vec!["signature"]),
        ("B-LTA", "PAdES-BASELINE-LTA", vec!["signature", "document"]),
    ] {
        let signed = office.sign("judicial", PAPER, &["--level", level]).expect(level);
        assert!(signed.starts_with(PAPER));
        assert_eq!(stamps(&office.accepts(&signed, &[format])), at_once, "{level}");
        foreign_programs_accept(&office, &signed, 1);
        // Two steps, so that each is made of what the other program run left.
        let raised = office.extend(&basic, level).expect(level);
        assert!(raised.starts_with(&basic), "{level}: nothing that was there is written again");
        office.accepts(&raised, &[format]);
        foreign_programs_accept(&office, &raised, 1);
        basic = raised;
    }
    assert!(check_names(&basic) >= 1);
}

#[test]
fn an_archived_document_is_archived_again_and_again() {
    let office = Office::open();
    let mut archived = office.sign("judicial", PAPER, &["--level", "B-LTA"]).expect("signed");
    for round in 2..4 {
        let again = office.extend(&archived, "B-LTA").expect("raised");
        assert!(again.starts_with(&archived));
        let report = office.accepts(&again, &["PAdES-BASELINE-LTA"]);
        assert_eq!(stamps(&report).iter().filter(|kind| **kind == "document").count(), round);
        foreign_programs_accept(&office, &again, 1);
        assert!(check_names(&again) >= 2, "the time-stamps of before have theirs");
        archived = again;
    }
    let (_, [certificates, crls, responses]) = store(&archived);
    assert!(certificates >= 4 && crls >= 2 && responses == 0, "{certificates} {crls} {responses}");
}

#[test]
fn whoever_signs_after_others_leaves_them_their_levels() {
    let office = Office::open();
    let files = [PAPER.to_vec()].into_iter().chain(rewritten(&office, PAPER, &["--object-streams=generate"]));
    for file in files {
        let first = office.sign("judicial", &file, &["--level", "B-LTA"]).expect("signed");
        let second = office.sign("health", &first, &["--level", "B-T"]).expect("signed");
        // The store has the list of its authority already.
        office.accepts(&second, &["PAdES-BASELINE-LTA", "PAdES-BASELINE-LT"]);
        let both = office.extend(&second, "B-LTA").expect("raised");
        office.accepts(&both, &["PAdES-BASELINE-LTA"; 2]);
        foreign_programs_accept(&office, &both, 2);
    }
}

#[test]
fn what_does_not_pass_is_not_raised() {
    let office = Office::open();
    let signed = office.sign("judicial", PAPER, &[]).expect("signed");
    let mut changed = signed.clone();
    changed[PAPER.len() - 700] ^= 1;
    for (file, exits) in [(PAPER.to_vec(), [2, 65]), (changed, [2, 65])] {
        let (exit, said) = office.extend(&file, "B-LT").unwrap_err();
        assert!(exits.contains(&exit), "{exit} {said}");
    }
}

#[test]
fn a_token_longer_than_the_room_for_it_gets_more() {
    let office = Office::with_long_tokens(40_000);
    let signed = office.sign("judicial", PAPER, &["--level", "B-LTA"]).expect("signed");
    let report = office.accepts(&signed, &["PAdES-BASELINE-LTA"]);
    assert_eq!(stamps(&report), ["signature", "document"]);
    foreign_programs_accept(&office, &signed, 1);
}
