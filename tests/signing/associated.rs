//! Files embedded in a PDF, as other programs see them.

use std::path::Path;

use antin::cli::demo::HEALTH_BOOK;
use antin::core::pdf::associated::{embedded, names};
use antin::core::pdf::document::Document;
use antin::core::pdf::object::{Dictionary, Object};
use antin::core::pdf::update::Update;
use antin::core::time::Time;
use antin::signing::pades::associated::{AssociatedError, AssociatedFile, Relationship, embed};

use super::office::Office;
use super::seal::{empty, output, paper, written};

fn bundle<'a>(name: &'a str, octets: &'a [u8]) -> AssociatedFile<'a> {
    AssociatedFile {
        name,
        media_type: "application/fhir+json",
        relationship: Relationship::Data,
        description: Some("Sổ sức khỏe điện tử"),
        modified: Time::parse_rfc3339("2026-11-22T10:40:05Z").expect("sound"),
        octets,
    }
}

fn embedded_in(paper: &[u8], file: &AssociatedFile<'_>) -> Vec<u8> {
    [paper, &embed(paper, file).expect("sound")].concat()
}

#[test]
fn an_embedded_bundle_is_found_by_us_and_by_others() {
    let bundle_octets = HEALTH_BOOK.as_bytes();
    let first = embedded_in(&empty(0), &bundle("sổ-sức-khỏe.json", bundle_octets));
    let second = embedded_in(&first, &bundle("a.json", b"{}"));
    let document = Document::read(&second).expect("sound");
    let found = embedded(&document).expect("sound");
    assert_eq!(found.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["sổ-sức-khỏe.json", "a.json"]);
    for file in &found {
        let content = file.content.clone().expect("sound");
        assert!(file.is_associated);
        assert_eq!(file.media_type.as_deref(), Some("application/fhir+json"));
        assert_eq!(file.relationship.as_deref(), Some("Data"));
        assert_eq!((content.has_stated_size, content.has_stated_checksum), (Some(true), Some(true)));
    }
    let stream = document.stream(found[0].stream.expect("sound")).expect("sound").expect("sound");
    assert_eq!(stream.octets, bundle_octets);
    assert_eq!(names(&document).expect("sound").len(), 2);

    let path = written(&second, "associated.pdf");
    let path = path.to_str().expect("sound");
    output("qpdf", &["--check", path]);
    let listed = output("pdfdetach", &["-list", path]);
    assert!(listed.contains("2 embedded files") && listed.contains("sổ-sức-khỏe.json"), "{listed}");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("associated.json");
    output("pdfdetach", &["-save", "2", "-o", out.to_str().expect("sound"), path]);
    assert_eq!(std::fs::read(out).expect("sound"), bundle_octets);
}

#[test]
fn nothing_is_embedded_where_it_may_not_be() {
    let file = bundle("a.json", b"{}");
    assert!(matches!(embed(&paper(), &file), Err(AssociatedError::Archival { part: 2 })));
    let once = embedded_in(&empty(0), &file);
    assert!(matches!(embed(&once, &file), Err(AssociatedError::Exists { .. })));
    for name in ["", "a\nb", &"x".repeat(300)] {
        assert!(matches!(embed(&empty(0), &bundle(name, b"{}")), Err(AssociatedError::Text { what: "name" })));
    }
    let certified = empty(0);
    let document = Document::read(&certified).expect("sound");
    let mut update = Update::new(&document);
    let root = document.trailer().get(b"Root").expect("sound").object.as_reference().expect("sound");
    let catalogue = document.catalogue().expect("sound").with("Perms", Object::Dictionary(Dictionary::default()));
    update.put(root, Object::Dictionary(catalogue));
    let certified = [&certified[..], &update.finish().expect("sound").octets].concat();
    assert!(matches!(embed(&certified, &file), Err(AssociatedError::Signed)));
}

#[test]
fn the_command_line_embeds_and_signs_and_verifying_finds_it() {
    let office = Office::open();
    let bundle = office.lay("so-suc-khoe.json", HEALTH_BOOK.as_bytes());
    let signed = office.sign("health", &empty(0), &["--embed", &bundle]).expect("signed");
    let report = office.accepts(&signed, &["PAdES-BASELINE-B"]);
    let file = &report["document"]["files"][0];
    assert_eq!((&file["name"], &file["mediaType"]), (&"so-suc-khoe.json".into(), &"application/fhir+json".into()));
    assert_eq!(file["relationship"], "Source");
    // Nothing is embedded behind a signature, nor in a paper that may hold no such file.
    for (paper, word) in [(&signed[..], "signed"), (&paper(), "PDF/A-2")] {
        let (code, said) = office.sign("health", paper, &["--embed", &bundle]).expect_err("refused");
        assert_eq!(code, 65, "{said}");
        assert!(said.contains(word), "{said}");
    }
    let (code, said) = office.sign("health", &empty(0), &["--embed", "/nowhere.json"]).expect_err("refused");
    assert_eq!(code, 65, "{said}");
}
