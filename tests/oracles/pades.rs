//! PDFs that we sign, in the eyes of pyHanko, which is spoken to through `pyhanko_pdf.py`, and their messages in those of Bouncy Castle.

use std::path::Path;

use antin::core::pdf::document::Document;
use antin::core::pdf::signature;
use antin::signing::pades::message_in;
use serde_json::Value;

use super::bouncy_castle::Oracle;
use super::{python_with_pyhanko, run};
use crate::signing::office::{Office, PAPER, rewritten};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/pyhanko_pdf.py");

/// What pyHanko says of each signature of each file, by the CRLs of the office, or by what is in the files alone.
fn pyhanko(python: &Path, office: &Office, how: &str, files: &[&[u8]]) -> Vec<Vec<Value>> {
    let [root, ca, root_crl, ca_crl] =
        ["root.crt", "ca.crt", "crl/root.crl", "crl/ca.crl"].map(|name| office.text(&format!("pki/{name}")));
    let mut arguments = vec![SCRIPT, how, "--root", &root];
    if how == "judge" {
        arguments.extend(["--chain", &ca, "--crl", &root_crl, "--crl", &ca_crl]);
    }
    let names: Vec<String> =
        files.iter().enumerate().map(|(index, file)| office.lay(&format!("{how}-{index}.pdf"), file)).collect();
    arguments.extend(names.iter().map(String::as_str));
    let output = run(python, &arguments);
    let answer = serde_json::from_slice(&output.stdout);
    answer.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn pyhanko_accepts_what_we_sign_and_what_we_add() {
    let Some(python) = python_with_pyhanko() else { return };
    let office = Office::open();
    let mut files = Vec::new();
    for file in [PAPER.to_vec()].into_iter().chain(rewritten(&office, PAPER, &["--object-streams=generate"])) {
        let once = office.sign("judicial", &file, &["--reason", "Cấp phiếu"]).expect("signed");
        let twice = office.sign("health", &once, &[]).expect("signed");
        let certified = office.sign("judicial", &file, &["--certify", "2"]).expect("signed");
        let approved = office.sign("health", &certified, &["--level", "B-T"]).expect("signed");
        files.extend([once, twice, approved]);
    }
    let closed = office.sign("judicial", PAPER, &["--certify", "1"]).expect("signed");
    files.push(office.extend(&closed, "B-LTA").expect("raised"));
    let asked: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let answers = pyhanko(&python, &office, "judge", &asked);
    for (index, answer) in answers.iter().enumerate() {
        let last = answer.len() - 1;
        for (place, signature) in answer.iter().enumerate() {
            assert_eq!(signature["bottom_line"], true, "{index}: {signature}");
            assert_eq!(signature["docmdp"], true, "{index}: {signature}");
            let level = signature["level"].as_str().expect("a level");
            let expected = if place < last { "FORM_FILLING" } else { "NONE" };
            assert_eq!(level, if index == 6 { "LTA_UPDATES" } else { expected }, "{index}: {signature}");
        }
    }
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 2, 1, 2, 2, 1]);
    assert!([&answers[2][1], &answers[5][1]].iter().all(|stamped| stamped["timestamp"] == true));

    let mut changed = files[1].clone();
    changed[PAPER.len() / 2] ^= 1;
    for signature in &pyhanko(&python, &office, "judge", &[&changed])[0] {
        assert_eq!(signature["bottom_line"], false, "{signature}");
    }
}

#[test]
fn pyhanko_needs_nothing_but_the_root_for_what_is_kept_in_the_document() {
    let Some(python) = python_with_pyhanko() else { return };
    let office = Office::open();
    let long_term = office.sign("judicial", PAPER, &["--level", "B-LT"]).expect("signed");
    let archived = office.sign("judicial", PAPER, &["--level", "B-LTA"]).expect("signed");
    let again = office.extend(&archived, "B-LTA").expect("raised");
    for answer in pyhanko(&python, &office, "stored", &[&long_term, &archived, &again]) {
        let [signature] = answer.as_slice() else { panic!("{answer:?}") };
        assert_eq!((&signature["bottom_line"], &signature["timestamp"]), (&true.into(), &true.into()), "{signature}");
        assert_eq!(signature["level"], "LTA_UPDATES", "{signature}");
    }
    for answer in pyhanko(&python, &office, "archived", &[&archived, &again]) {
        assert_eq!(answer[0]["indication"], "AdESPassed.OK", "{answer:?}");
        assert!(answer[0]["bottom_line"] == true && answer[0]["oldest"].is_string(), "{answer:?}");
    }
}

#[test]
fn bouncy_castle_reads_the_message_and_finds_it_over_what_the_byte_range_says() {
    let Some(oracle) = Oracle::compiled() else { return };
    let office = Office::open();
    for level in [&[][..], &["--level", "B-T"]] {
        let signed = office.sign("judicial", PAPER, level).expect("signed");
        let message = office.lay("message.p7s", &message_in(&signed[PAPER.len()..]).expect("a message"));
        let document = Document::read(&signed).expect("readable");
        let fields = signature::fields(&document).expect("readable");
        let range = fields[0].dictionary.as_ref().expect("sound").byte_range;
        let mut content = [&signed[..range.first], &signed[range.second..range.end]].concat();
        let certificate = office.text("pki/signers/judicial.crt");
        let file = office.lay("content", &content);
        // With a time-stamp it says its time too.
        let answer = oracle.verify_by(&certificate, &message, Some(&file));
        assert_eq!((answer.starts_with("VALID"), answer.len() > 5), (true, !level.is_empty()), "{answer}");
        content[PAPER.len()] ^= 1;
        let file = office.lay("content", &content);
        let answer = oracle.verify_by(&certificate, &message, Some(&file));
        assert!(answer.starts_with("INVALID "), "{answer}");
    }
}
