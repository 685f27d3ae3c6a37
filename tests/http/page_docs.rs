//! The examples of `/docs` run as they stand there.

use std::{fs, path::Path, process::Command};

use antin::pki::Member;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Service, base64, client::Request, lookup::REFERRAL, page::html};

const PDF: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");

/// The commands of the page, as whoever copies them gets them.
fn commands(page: &str) -> Vec<String> {
    let codes = page.split("<pre tabindex=\"0\"><code>").skip(1).filter_map(|rest| rest.split("</code>").next());
    let plain = |code: &str| {
        let code = code.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        code.replace("&amp;", "&")
    };
    codes.map(plain).collect()
}

fn run(command: &str, folder: &Path) -> Value {
    let output = Command::new("bash").args(["-c", command]).current_dir(folder).output().expect("bash");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command}\n{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command}\n{error}: {said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_for_integrators_shows_can_be_typed() {
    let service = Service::with(|config| config.verify.document_kinds = None).await;
    let folder = service.directory.path().join("integrator");
    fs::create_dir(&folder).expect("made");
    let put = |name: &str, octets: &[u8]| fs::write(folder.join(name), octets).expect("written");
    let order = json!({"kind": "judicial-certificate-1", "document": base64(PDF), "mediaType": "application/pdf",
        "format": "pades", "level": "B-B"});
    let signed = service.sign("pdf", &order).await.json();
    put("document.pdf", &STANDARD.decode(signed["document"].as_str().expect("a PDF")).expect("base64"));
    put("document.json", REFERRAL.as_bytes());
    let pki = service.pki();
    for (name, from) in [
        ("server-ca.crt", Member::Root.certificate_path(&pki)),
        ("client.crt", Member::IssuingSystem.certificate_path(&pki)),
        ("client.key", Member::IssuingSystem.key_path(&pki)),
    ] {
        fs::copy(from, folder.join(name)).expect("copied");
    }
    let page = html(&service.public(Request::get("/docs")).await);
    let [pdf, detached, digest, sign] = commands(&page).try_into().expect("four commands");
    // The addresses of the settings are those of this test's machine: others than where it listens.
    let here = |command: &str| {
        let command = command.replace("http://127.0.0.1:8080", &format!("http://{}", service.running.public));
        command.replace("https://127.0.0.1:0", &format!("https://localhost:{}", service.mutual_tls().port()))
    };
    let answer = run(&here(&sign), &folder);
    put("document.p7s", &STANDARD.decode(answer["signature"].as_str().expect("a signature")).expect("base64"));
    for command in [pdf, detached, digest] {
        let answer = run(&here(&command), &folder);
        assert_eq!(answer["reliance"]["outcome"], "ACCEPT", "{command}: {answer}");
    }
    service.running.shutdown().await;
}
