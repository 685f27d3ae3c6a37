//! PDFs signed at B-B: every kind of file, what stays of it, and what is not signed.

use antin::core::pdf::document::Document;
use antin::core::pdf::object::{Dictionary, Object};
use antin::core::pdf::syntax::Cursor;
use antin::core::pdf::update::Update;
use serde_json::Value;

use super::office::{Office, PAPER, foreign_programs_accept, rewritten};

/// A file whose table of cross-references is for readers of before there were streams, and whose stream has the rest (ISO 32000-2
/// §7.5.8.4): the page's annotations stand in an object stream.
fn hybrid(hidden: &str) -> Vec<u8> {
    let mut octets = b"%PDF-1.5\n".to_vec();
    let mut offsets = vec![0];
    let stream = "5 0 []";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/{hidden} 5 0 R/Resources<<>>>>"),
        format!("<</Type/ObjStm/N 1/First 4/Length {}>>\nstream\n{stream}\nendstream", stream.len()),
    ];
    for (index, object) in objects.iter().enumerate() {
        offsets.push(octets.len());
        octets.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let hidden = octets.len();
    octets.extend(
        b"6 0 obj\n<</Type/XRef/Size 7/W[1 2 1]/Index[5 1]/Length 4>>\nstream\n\x02\x00\x04\x00\nendstream\nendobj\n",
    );
    let start = octets.len();
    octets.extend(b"xref\n0 7\n0000000000 65535 f\r\n");
    octets.extend(offsets[1..].iter().flat_map(|offset| format!("{offset:010} 00000 n\r\n").into_bytes()));
    octets.extend(b"0000000000 00000 f\r\n0000000000 00000 f\r\n");
    octets.extend(format!("trailer\n<</Size 7/Root 1 0 R/XRefStm {hidden}>>\nstartxref\n{start}\n%%EOF\n").bytes());
    octets
}

/// The newest cross-references are a table.
fn ends_with_table(pdf: &[u8]) -> bool {
    let document = Document::read(pdf).expect("readable");
    Cursor::new(pdf, document.sections()[0].at).keyword(b"xref").is_ok()
}

/// What only some readers find would come to light for the others.
#[test]
fn what_a_hybrid_file_hides_is_not_written_again() {
    let office = Office::open();
    let refused = office.sign("judicial", &hybrid("Annots"), &[]).expect_err("its annotations are hidden");
    assert!(refused.1.contains("pdf-unreadable"), "{refused:?}");
}

#[test]
fn every_kind_of_file_is_signed_twice_and_stays_as_it_is_in_front() {
    let office = Office::open();
    let mut files = vec![("as it is", PAPER.to_vec()), ("hybrid", hybrid("B"))];
    for options in [
        &["--object-streams=generate"][..],
        &["--object-streams=disable"],
        &["--linearize"],
        &["--qdf", "--object-streams=preserve"],
        &["--object-streams=generate", "--linearize"],
    ] {
        files.extend(rewritten(&office, PAPER, options).map(|file| (options[0], file)));
    }
    // A line ending between the last octet and what is added.
    files.push(("without an end of line", PAPER.trim_ascii_end().to_vec()));
    for (name, file) in files {
        let once = office.sign("judicial", &file, &[]).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(once.starts_with(&file), "{name}");
        assert_eq!(ends_with_table(&once), ends_with_table(&file), "{name}");
        let report = office.accepts(&once, &["PAdES-BASELINE-B"]);
        assert_eq!(report["signatures"][0]["scope"], "full-document", "{name}: {report}");
        foreign_programs_accept(&office, &once, 1);
        let twice = office.sign("health", &once, &[]).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(twice.starts_with(&once), "{name}");
        office.accepts(&twice, &["PAdES-BASELINE-B"; 2]);
        foreign_programs_accept(&office, &twice, 2);
    }
}

/// The texts that a signature dictionary has.
fn dictionary(report: &Value) -> [&str; 2] {
    ["reason", "location"].map(|name| report["signatures"][0]["pdf"][name].as_str().unwrap_or_default())
}

#[test]
fn what_is_said_of_a_signature_is_read_as_it_was_written() {
    let office = Office::open();
    let options = ["--reason", "Cấp (bản sao) \\ số 1", "--location", "Ha Noi", "--field", "Chữ ký"];
    let options = [&options[..], &["--kind", "judicial-certificate", "--id", "LLTP-1"]].concat();
    let signed = office.sign("judicial", PAPER, &options).expect("signed");
    let report = office.accepts(&signed, &["PAdES-BASELINE-B"]);
    assert_eq!(dictionary(&report), ["Cấp (bản sao) \\ số 1", "Ha Noi"], "{report}");
    assert_eq!(report["signatures"][0]["pdf"]["field"], "Chữ ký");
    assert_eq!(report["document"]["id"], "LLTP-1");
    foreign_programs_accept(&office, &signed, 1);
    // The next signer states the same document, and no other.
    let second = office.sign("health", &signed, &[]).expect("signed");
    assert_eq!(office.accepts(&second, &["PAdES-BASELINE-B"; 2])["document"]["id"], "LLTP-1");
    let (code, said) = office.sign("health", &signed, &["--kind", "judicial-certificate", "--id", "X"]).unwrap_err();
    assert!(code == 64 && said.contains("existing-signature-conflict"), "{said}");
}

#[test]
fn what_is_no_plain_document_is_not_signed() {
    let office = Office::open();
    let signed = office.sign("judicial", PAPER, &[]).expect("signed");
    let mut changed = signed.clone();
    changed[PAPER.len() - 700] ^= 1;
    let with_script = {
        let document = Document::read(PAPER).expect("readable");
        let mut update = Update::new(&document);
        let root = document.trailer().get(b"Root").and_then(|root| root.object.as_reference()).expect("a catalogue");
        let script = Dictionary::default().with("S", Object::of_name("JavaScript")).with("JS", Object::of_text("1"));
        let catalogue = update.dictionary(root).expect("a catalogue");
        update.put(root, Object::Dictionary(catalogue.with("OpenAction", Object::Dictionary(script))));
        [PAPER, &update.finish().expect("room").octets].concat()
    };
    let mut cases = vec![
        (b"%PDF-1.7\nnothing\n".to_vec(), "pdf-unreadable"),
        (b"plain text".to_vec(), "pdf-unreadable"),
        (changed, "pdf-signature-broken"),
        (with_script, "pdf-active-content"),
        ([&signed[..], b"%\n"].concat(), "pdf-unreadable"),
    ];
    let encryption = ["--encrypt", "", "owner", "256", "--"];
    cases.extend(rewritten(&office, PAPER, &encryption).map(|file| (file, "pdf-encrypted")));
    for (file, code) in cases {
        let (exit, said) = office.sign("health", &file, &[]).unwrap_err();
        assert!(exit == 65 && said.contains(code), "{code}: {exit} {said}");
    }
    for options in [&["--detached"][..], &["--certify", "4"]] {
        assert_eq!(office.sign("health", PAPER, options).unwrap_err().0, 64, "{options:?}");
    }
    let long = "x".repeat(513);
    for reason in [long.as_str(), "a\tb"] {
        let (exit, said) = office.sign("health", PAPER, &["--reason", reason]).unwrap_err();
        assert!(exit == 64 && said.contains("pdf-wrong-text"), "{said}");
    }
}
