//! pyHanko's client of the Cloud Signature Consortium has a PDF signed by us; it and we accept what came of it.

use std::{fs, process::Command};

use antin::pki::Member;
use serde_json::json;

use super::{Service, base64, blind_signing};
use crate::oracles::python_with_pyhanko;

const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/csc_oracle.py");

#[tokio::test(flavor = "multi_thread")]
async fn pyhanko_signs_a_pdf_through_us() {
    let Some(python) = python_with_pyhanko() else { return };
    let service = Service::with(blind_signing::blindly).await;
    let (pki, folder) = (service.pki(), service.directory.path().to_owned());
    let (source, out) = (folder.join("in.pdf"), folder.join("out.pdf"));
    fs::write(&source, PAPER).expect("written");
    let member = Member::IssuingSystem;
    let mut command = Command::new(python);
    command.arg(SCRIPT).arg(format!("https://localhost:{}", service.mutual_tls().port()));
    command.args([Member::Root.certificate_path(&pki), member.certificate_path(&pki), member.key_path(&pki)]);
    command.args(["issuing-system", blind_signing::KEY]).args([&source, &out]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signed = fs::read(&out).expect("a PDF");
    let answer = service.verify(&json!({"document": base64(&signed)})).await;
    assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{}", answer.json());
    let signature = &answer.json()["signatures"][0];
    assert_eq!(signature["format"], "PAdES-BASELINE-B", "{signature}");
    service.running.shutdown().await;
}
