//! `antin verify --status-list`: the standing of a document offline, by a signed list in a file.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use antin::clock;
use antin::core::evidence_file;
use antin::core::status_list::{StatusList, token::Claims};
use antin::core::time::Time;
use antin::core::x509::Certificate;
use antin::pki::{self, InitOptions, Member};
use antin::service::status_lists;
use antin::signing::CadesSigner;
use antin::signing::key::{RsaPadding, SoftwareKey};
use serde_json::Value;
use tempfile::TempDir;

pub const URI: &str = "https://papers.example.vn/status-lists/7";
pub const INDEX: usize = 77;

/// A PKI, a key for lists, and a document that names a place in one.
pub struct Publisher {
    pub directory: TempDir,
    signer: CadesSigner,
}

impl Publisher {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let pki = directory.path().join("pki");
        pki::init(&pki, &InitOptions::default(), clock::now()).expect("a PKI");
        let stem = directory.path().join("lists");
        pki::add_signer(&pki, &stem, "Lists", "http://127.0.0.1:8080", clock::now()).expect("a key");
        let read = |name: &str| fs::read(directory.path().join(name)).expect(name);
        let certificate = |name: &str| -> Arc<Certificate> {
            Arc::new(evidence_file::certificates(&read(name)).expect("a certificate").remove(0))
        };
        let own = certificate("lists.crt");
        let key = SoftwareKey::from_pem(&read("lists.key"), RsaPadding::Pss, &own).expect("a key");
        let signer = CadesSigner::new("lists", key, own, &[certificate("pki/ca.crt")]);
        fs::write(directory.path().join("paper"), "Giấy tờ").expect("written");
        let publisher = Self { directory, signer };
        let place = format!("{URI}#idx={INDEX}");
        let signed = publisher.run(&[
            "sign",
            "--key",
            "pki/signers/health.key",
            "--cert",
            "pki/signers/health.crt",
            "--kind",
            "health-book",
            "--id",
            "1",
            "--status-ref",
            &place,
            "--out",
            "paper.p7m",
            "paper",
        ]);
        assert!(signed.status.success(), "{signed:?}");
        publisher
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        command.current_dir(self.directory.path()).env("LANG", "C").args(arguments).output().expect("it runs")
    }

    /// A list that says this of the document, as `lists.cwt` and `lists.jwt`.
    pub fn publish(&self, uri: &str, status: u8, issued_at: Time) {
        let mut list = StatusList::new(1000);
        list.set(INDEX, status);
        let claims = Claims {
            subject: uri,
            issued_at,
            expires_at: issued_at.plus_seconds(600),
            time_to_live: 20,
            bits: 2,
            compressed: &list.compress(),
            aggregation_uri: None,
        };
        let (cwt, jwt) = status_lists::sign(&self.signer, &claims).expect("signed");
        fs::write(self.path("list.cwt"), cwt).expect("written");
        fs::write(self.path("list.jwt"), [&jwt[..], b"\n"].concat()).expect("written");
    }

    fn verify(&self, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let evidence = ["verify", "--trust-anchor", "pki/root.crt", "--intermediate", "pki/ca.crt", "--format", "json"];
        let crls = ["--crl", "pki/crl/root.crl", "--crl", "pki/crl/ca.crl"];
        let output = self.run(&[&evidence[..], &crls, arguments, &["paper.p7m"]].concat());
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn code(answer: &Value) -> &str {
    answer["reliance"]["code"].as_str().unwrap_or_default()
}

#[test]
fn a_document_is_judged_offline_by_a_list_in_a_file() {
    let publisher = Publisher::new();
    assert_eq!(publisher.verify(&[]).0, Some(0), "nobody asked for its standing");
    let now = clock::now();
    for (status, exit, expected, state) in [
        (0, 0, "valid", "in-force"),
        (1, 1, "document-withdrawn", "withdrawn"),
        (2, 2, "document-suspended", "suspended"),
        (3, 1, "document-used-or-superseded", "used-or-superseded"),
    ] {
        publisher.publish(URI, status, now);
        for file in ["list.cwt", "list.jwt"] {
            let (found, answer, said) = publisher.verify(&["--status-list", file, "--status-list-signer", "lists.crt"]);
            assert_eq!((found, code(&answer)), (Some(exit), expected), "{file}: {said}");
            let told = &answer["document"]["status"];
            assert_eq!((told["state"].as_str(), told["source"].as_str()), (Some(state), Some("status-list")));
            assert_eq!(told["checkedAt"], now.to_string());
        }
    }
}

#[test]
fn a_list_that_does_not_count_leaves_the_standing_unknown() {
    let publisher = Publisher::new();
    let asked = ["--status-list", "list.cwt", "--status-list-signer", "lists.crt"];
    let unknown = |arguments: &[&str], why: &str| {
        let (found, answer, said) = publisher.verify(arguments);
        assert_eq!((found, code(&answer)), (Some(2), "status-unknown"), "{answer} {said}");
        assert!(said.contains(why), "{said}");
    };
    let now = clock::now();
    publisher.publish(URI, 0, now);
    let later = now.plus_seconds(600).to_string();
    unknown(&[&asked[..], &["--at", &later]].concat(), "list.cwt does not count: it has expired");
    publisher.publish(URI, 0, now.plus_seconds(120));
    unknown(&asked, "it was issued later than now");
    publisher.publish("https://papers.example.vn/status-lists/8", 0, now);
    unknown(&asked, "");
    publisher.publish(URI, 0, now);
    let other = Member::Judicial.certificate_path(&publisher.path("pki"));
    let other = other.to_str().expect("text");
    unknown(&["--status-list", "list.jwt", "--status-list-signer", other], "nobody who was named as its signer");

    // Of two tokens of one list the newer one says what is.
    let older = fs::read(publisher.path("list.cwt")).expect("read");
    fs::write(publisher.path("older.cwt"), older).expect("written");
    publisher.publish(URI, 1, now.plus_seconds(1));
    let both = ["--status-list", "list.cwt", "--status-list", "older.cwt", "--status-list-signer", "lists.crt"];
    assert_eq!(code(&publisher.verify(&both).1), "document-withdrawn");

    let (found, _, said) = publisher.verify(&["--status-list", "list.cwt"]);
    assert_eq!(found, Some(64), "{said}");
    let (found, _, said) = publisher.verify(&["--status-list", "paper", "--status-list-signer", "lists.crt"]);
    assert_eq!(found, Some(65), "{said}");
    assert!(said.contains("neither a CWT nor a JWT"), "{said}");
}
