//! Papers that are printed: what their QR code leads to, and what is told of them once something has happened to their signer.

use std::time::{Duration, Instant};

use antin::{
    clock,
    pki::{self, Member, Reason},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{base64, client::Request, lookup::asked};

const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");

fn lookup() -> Value {
    json!({
        "fileCode": "LLTP-2026-00012", "fullName": "Trần Văn Đức", "birthDate": "ngày 17 tháng 11 năm 1978",
        "gender": "nam", "identityNumber": "001078012345"
    })
}

/// Form 1 as a PDF with a seal, to be found or not.
fn order(lookup: Option<Value>) -> Value {
    let mut order = json!({
        "kind": "judicial-certificate-1", "document": base64(PAPER), "mediaType": "application/pdf", "format": "pades",
        "level": "B-B", "pdf": {"appearance": {}}
    });
    if let Some(lookup) = lookup {
        order["lookup"] = lookup;
    }
    order
}

/// What the code on the first page says.
fn code_on(document: &[u8]) -> Option<String> {
    let path = crate::signing::seal::written(document, "lookup-paper.pdf");
    let picture = crate::signing::seal::picture(&path);
    let read = std::process::Command::new("zbarimg").args(["--quiet", "--raw"]).arg(picture).output().expect("zbarimg");
    let text = String::from_utf8(read.stdout).expect("text");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_leads_to_papers_that_are_found_and_a_revoked_signer_is_in_doubt() {
    let service = asked(|config| {
        config.public.verification_url = Some("https://kiemtra.thunghiem.example/d".to_owned());
    })
    .await;
    let signed = async |key: &str, lookup| {
        let answer = service.sign(key, &order(lookup)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        let document: Vec<u8> = STANDARD.decode(body["document"].as_str().expect("a PDF")).expect("base64");
        (document, body["id"].as_str().expect("an id").to_owned())
    };
    let (unfound, _) = signed("one", None).await;
    assert_eq!(code_on(&unfound), None, "it would lead to nothing");
    let (document, id) = signed("two", Some(lookup())).await;
    assert_eq!(code_on(&document), Some(format!("https://kiemtra.thunghiem.example/d/{id}")));

    let ask = async || {
        let mut question = lookup();
        question["documentId"] = json!(id);
        service.ask_from("192.0.2.1", &question).await.json()
    };
    let told = ask().await;
    assert_eq!((&told["code"], &told["legality"]), (&json!("lookup-in-force"), &json!("issued")), "{told}");
    let certificate = Member::Judicial.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    let started = Instant::now();
    loop {
        let answer = service.public(Request::post("/v1/verify", "application/pdf", document.clone())).await;
        if answer.reliance().0 != "ACCEPT" {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "nobody hears of the revocation");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let told = ask().await;
    assert_eq!((&told["code"], &told["legality"]), (&json!("lookup-in-doubt"), &json!("in-doubt")), "{told}");
    service.running.shutdown().await;
}
