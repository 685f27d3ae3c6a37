//! PDFs that pyHanko and PDFBox sign, in our eyes.

use std::fs;
use std::path::Path;

use super::tree::scratch;
use super::{bouncy_castle, preflight, python_with_pyhanko, run};
use crate::signing::office::{Office, PAPER, rewritten};
use antin::cli::demo::{JUDICIAL_CERTIFICATE, judicial_pdf};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/pyhanko_sign_pdf.py");

fn signed(python: &Path, office: &Office, file: &[u8], ways: &[&str]) -> Vec<u8> {
    let text = |name: &str| office.text(&format!("pki/{name}"));
    let [key, certificate, ca, root] = ["signers/judicial.key", "signers/judicial.crt", "ca.crt", "root.crt"].map(text);
    let [root_crl, ca_crl] = ["crl/root.crl", "crl/ca.crl"].map(text);
    let (input, out) = (office.lay("unsigned.pdf", file), office.text("theirs.pdf"));
    let (authority, fixed) = (office.authority(), [SCRIPT, "--key", &key, "--cert", &certificate, "--chain", &ca]);
    let evidence = ["--root", &root, "--crl", &root_crl, "--crl", &ca_crl, "--tsa", &authority, "--out", &out];
    let output = run(python, &[&fixed[..], &evidence, ways, &[&input]].concat());
    assert!(output.status.success(), "{ways:?}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(out).expect("signed")
}

#[test]
fn we_accept_what_pyhanko_signs() {
    let Some(python) = python_with_pyhanko() else { return };
    let office = Office::open();
    let with_metadata =
        judicial_pdf::render(&serde_json::from_str(JUDICIAL_CERTIFICATE).expect("JSON")).expect("a PDF");
    for file in [PAPER, &with_metadata] {
        for (ways, formats) in [
            (&["adbe"][..], &["PDF-PKCS7"][..]),
            (&["visible", "visible", "pades"], &["PAdES-BASELINE-B"; 3]),
            (&["certified", "stamped"], &["PAdES-BASELINE-B", "PAdES-BASELINE-T"]),
            (&["long-term"], &["PAdES-BASELINE-LT"]),
            (&["archived", "archived"], &["PAdES-BASELINE-LTA"; 2]),
        ] {
            office.accepts(&signed(&python, &office, file, ways), formats);
        }
        // Ours under theirs, and theirs under ours.
        let ours = office.sign("judicial", file, &[]).expect("signed");
        office.accepts(&signed(&python, &office, &ours, &["pades"]), &["PAdES-BASELINE-B"; 2]);
        let theirs = signed(&python, &office, file, &["pades"]);
        office.accepts(&office.sign("health", &theirs, &[]).expect("signed"), &["PAdES-BASELINE-B"; 2]);
    }
}

#[test]
fn we_accept_what_pdfbox_signs() {
    let (Some(pdfbox), Some(bouncy_castle)) = (preflight(), bouncy_castle()) else { return };
    let classes = scratch("pdfbox");
    let classes = classes.to_str().expect("a path in UTF-8");
    let class_path = [&pdfbox, &bouncy_castle, classes].map(str::to_owned).join(":");
    let sources = ["BouncyCastleOracle", "PdfBoxOracle"]
        .map(|name| format!("{}/tests/oracles/{name}.java", env!("CARGO_MANIFEST_DIR")));
    let output = run("javac", &["-nowarn", "-d", classes, "-cp", &class_path, &sources[0], &sources[1]]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let office = Office::open();
    let signed = |file: &[u8], how: &str| {
        let [key, certificate, ca] =
            ["signers/judicial.key", "signers/judicial.crt", "ca.crt"].map(|name| office.text(&format!("pki/{name}")));
        let (input, out) = (office.lay("unsigned.pdf", file), office.text("pdfbox.pdf"));
        let java = ["-XX:TieredStopAtLevel=1", "-cp", &class_path, "PdfBoxOracle"];
        let output = run("java", &[&java[..], &[&key, &certificate, &ca, &input, &out, how]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(out).expect("signed")
    };
    let by_streams = rewritten(&office, PAPER, &["--object-streams=generate"]);
    for file in [Some(PAPER.to_vec()), by_streams].into_iter().flatten() {
        office.accepts(&signed(&file, "adbe"), &["PDF-PKCS7"]);
        let once = signed(&file, "pades");
        office.accepts(&once, &["PAdES-BASELINE-B"]);
        office.accepts(&signed(&once, "pades"), &["PAdES-BASELINE-B"; 2]);
        // Ours under theirs, and theirs under ours.
        let ours = office.sign("judicial", &file, &[]).expect("signed");
        office.accepts(&signed(&ours, "pades"), &["PAdES-BASELINE-B"; 2]);
        office.accepts(&office.sign("health", &once, &[]).expect("signed"), &["PAdES-BASELINE-B"; 2]);
        office.accepts(&office.extend(&once, "B-LTA").expect("raised"), &["PAdES-BASELINE-LTA"]);
    }
}
