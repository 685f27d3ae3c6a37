//! Signatures that are seen: signed by the program, judged by us and by others, rendered and read.

use antin::core::pdf::document::Document;
use antin::core::pdf::page::pages;
use serde_json::Value;

use super::office::{Office, foreign_programs_accept};
use super::seal::{ADDRESS, ORGANISATION, output, paper, picture, ring, written};

fn widgets(pdf: &[u8]) -> usize {
    let document = Document::read(pdf).unwrap();
    let page = antin::core::pdf::page::page(&document, pages(&document).unwrap()[0]).unwrap();
    document.array(&page.dictionary, b"Annots").unwrap().unwrap_or_default().len()
}

fn name(report: &Value, index: usize) -> String {
    report["signatures"][index]["signedBy"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_visible_signature_is_accepted_seen_and_read() {
    let office = Office::open();
    let image = office.lay("seal.png", &ring());
    let options = ["--visible", "--seal-image", &image, "--organisation", ORGANISATION, "--qr", ADDRESS];
    let signed = office.sign("judicial", &paper(), &options).unwrap();
    let report = office.accepts(&signed, &["PAdES-BASELINE-B"]);
    foreign_programs_accept(&office, &signed, 1);
    let path = written(&signed, "seal-signed.pdf");
    let text = output("pdftotext", &["-layout", path.to_str().unwrap(), "-"]);
    let time = report["signatures"][0]["claimedSigningTime"].as_str().unwrap();
    let time = antin::core::time::Time::parse_rfc3339(time).unwrap().in_vietnam();
    let (date, clock) = time.split_once(' ').unwrap();
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().unwrap();
    for expected in [ORGANISATION, "Người ký:", &format!("{day}/{month}/{year} {clock}")] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let found = output("zbarimg", &["--quiet", "--raw", picture(&path).to_str().unwrap()]);
    assert_eq!(found.trim(), ADDRESS);

    // Another one beside it: what the first covers is not hidden.
    let both = office.sign("health", &signed, &["--visible"]).unwrap();
    let report = office.accepts(&both, &["PAdES-BASELINE-B"; 2]);
    assert_ne!(name(&report, 0), name(&report, 1), "{report}");
    foreign_programs_accept(&office, &both, 2);
    assert_eq!(widgets(&both), 2);
    picture(&written(&both, "seal-both.pdf"));
}

#[test]
fn a_seal_that_would_hide_what_was_signed_is_not_made() {
    let office = Office::open();
    let position = ["--visible", "--at-position", "200,300"];
    // Nobody signed yet: who signs it sees it.
    let signed = office.sign("judicial", &paper(), &position).unwrap();
    office.accepts(&signed, &["PAdES-BASELINE-B"]);
    let (code, said) = office.sign("health", &signed, &["--visible", "--at-position", "100,500"]).unwrap_err();
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("pdf-seal: there the seal would hide what an earlier signature covers"), "{said}");
}

#[test]
fn a_seal_that_cannot_be_is_refused() {
    let office = Office::open();
    let text = office.lay("seal.txt", b"no picture");
    let long = "x".repeat(301);
    for (options, code, expected) in [
        (&["--visible", "--page", "9"][..], 64, "no page 9"),
        (&["--visible", "--at-position", "500,10"], 64, "is not on page 1"),
        (&["--visible", "--at-position", "500"], 64, "a comma between them"),
        (&["--visible", "--at-position=-1,5"], 64, "0 to 99999"),
        (&["--visible", "--organisation", "機關"], 64, "has no glyph"),
        (&["--visible", "--qr", &long], 64, "301 characters"),
        (&["--visible", "--seal-image", &text], 65, "no PNG"),
        (&["--qr", ADDRESS], 64, "--visible"),
        (&["--page", "2"], 64, "--visible"),
    ] {
        let (found, said) = office.sign("judicial", &paper(), options).unwrap_err();
        assert_eq!(found, code, "{options:?}: {said}");
        assert!(said.contains(expected), "{options:?}: {said}");
    }
}
