//! Evidence that is saved, and judged by again: the same answer, octet for octet, and never for another document.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use antin::clock;
use antin::pki::{self, InitOptions, Reason};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kit::CONTENT;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::List;
use crate::kit::timestamp::{Token, authority, signature_time_stamps};
use crate::kit::tree::{NOW, crl, tree};

const USAGE: i32 = 64;
const UNREADABLE: i32 = 65;

/// A folder with files in it, in which the program runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, octets: &[u8]) {
        fs::write(self.path(name), octets).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        command.current_dir(self.0.path()).env("LANG", "C").args(arguments).output().expect("it runs")
    }

    /// Judges, saving the evidence, and replays it where nothing else is: the answers, which are the same.
    fn replayed(&self, options: &[&str], document: &[&str]) -> (i32, Value) {
        let saving = [&["verify", "--format", "json", "--evidence-out", "saved.json"], options, document].concat();
        let saved = self.run(&saving);
        let elsewhere = Self::new();
        for name in document.iter().filter(|name| !name.starts_with("--")).chain([&"saved.json"]) {
            fs::copy(self.path(name), elsewhere.path(name)).expect("copied");
        }
        let replaying = [&["verify", "--format", "json", "--evidence", "saved.json"], document].concat();
        for _ in 0..3 {
            let replayed = elsewhere.run(&replaying);
            assert_eq!(String::from_utf8_lossy(&replayed.stdout), String::from_utf8_lossy(&saved.stdout), "{saved:?}");
            assert_eq!(replayed.status.code(), saved.status.code());
            let said = String::from_utf8_lossy(&replayed.stderr);
            assert!(said.contains("REPLAY of saved evidence") && said.contains("no judgement of today"), "{said}");
        }
        let answer = serde_json::from_slice(&saved.stdout).unwrap_or_else(|_| panic!("{saved:?}"));
        (saved.status.code().expect("a code"), answer)
    }
}

fn assert_ends(output: &Output, code: i32, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && said.contains(why), "{why}: {output:?}");
    assert!(output.stdout.is_empty(), "no answer: {output:?}");
}

/// The tree of the kit on a desk, with a paper that has a time-stamp and one that has none; `judge` are options for it.
fn desk() -> (Desk, Vec<&'static str>) {
    let (desk, tree) = (Desk::new(), tree());
    desk.put("root.crt", tree.root_certificate.der());
    desk.put("ca.crt", tree.ca_certificate.der());
    desk.put("root.crl", &List::default().der(&tree.root));
    desk.put("tsa.crt", authority().certificate.der());
    desk.put("ca.crl", &List::default().der(&tree.ca));
    desk.put("paper", CONTENT);
    let signer = SignerInfo::new(&tree.signer, CONTENT);
    desk.put("plain.p7s", &Message::detached(signer.clone()).encode());
    let mut stamped = signer;
    let value = stamped.signature_value();
    stamped.unsigned_attributes =
        Some(vec![signature_time_stamps(&[Token::over(&value).encode(), Token::over(b"x").encode()])]);
    stamped.signature = Some(value);
    desk.put("stamped.p7s", &Message::detached(stamped).encode());
    let judge =
        vec!["--trust-anchor", "root.crt", "--intermediate", "ca.crt", "--crl", "root.crl", "--crl", "ca.crl", "--at"];
    (desk, judge)
}

fn at(seconds: i64) -> String {
    NOW.plus_seconds(seconds).to_string()
}

#[test]
fn a_replay_gives_the_same_answer_octet_for_octet() {
    let (desk, judge) = desk();
    let (now, soon, late) = (at(0), at(1200), at(4 * 365 * 86_400));
    let plain = ["--content", "paper", "plain.p7s"];
    let stamped = ["--content", "paper", "stamped.p7s"];
    desk.put("other", b"other");
    for (options, document, code, expected) in [
        (vec![&*now], &plain[..], 0, "valid"),
        (vec![&*soon], &stamped[..], 0, "valid"),
        (vec![&*now, "--policy", "circular-15-2025"], &stamped[..], 0, "valid"),
        (vec![&*now, "--timestamp-anchor", "tsa.crt"], &stamped[..], 0, "valid"),
        (vec![&*now, "--timestamp-anchor", "root.crt"], &stamped[..], 0, "valid"),
        (vec![&*late], &plain[..], 2, "certificate-expired"),
        (vec![&*late, "--revocation", "off"], &stamped[..], 2, "certificate-expired"),
        (vec![&*late, "--revocation", "if-available"], &plain[..], 2, "certificate-expired"),
        (vec![&*now], &["plain.p7s"], 2, "signed-data-not-found"),
        (vec![&*now], &["--content", "other", "plain.p7s"], 1, "document-changed"),
    ] {
        let (found, answer) = desk.replayed(&[&judge[..], &options].concat(), document);
        assert_eq!((found, &answer["reliance"]["code"]), (code, &expected.into()), "{options:?} {document:?}");
        let root = tree().root_certificate.fingerprint_text();
        assert_eq!(answer["evidence"]["trustAnchors"][0], root, "whose anchors they were is said");
    }
    // Revoked, by a list that is saved with the rest.
    let mut revoking = pki::crl::RevocationList::first(NOW.plus_seconds(-600));
    let serial_number = x509_cert::serial_number::SerialNumber::new(&tree().signer.certificate.serial_number);
    revoking.revoke(&serial_number.expect("a number"), Reason::KeyCompromise, NOW.plus_seconds(-900)).expect("revoked");
    desk.put("ca.crl", &crl(&tree().ca, &revoking).der());
    let (code, answer) = desk.replayed(&[&judge[..], &[&now]].concat(), &plain);
    assert_eq!((code, &answer["reliance"]["code"]), (2, &"certificate-revoked".into()));
    let (code, answer) = desk.replayed(&[&judge[..], &[&now]].concat(), &stamped);
    assert_eq!((code, &answer["reliance"]["code"]), (0, &"valid".into()), "the time-stamp is older");
}

/// The default policy and the anchors held on this machine may change; the answer does not.
#[test]
fn a_replay_asks_nothing_of_its_machine() {
    let (desk, judge) = desk();
    let now = at(0);
    let lenient = include_str!("../config/policies/any-ades.toml").replace("any-ades", "our own");
    desk.put("own.toml", lenient.as_bytes());
    let (code, answer) =
        desk.replayed(&[&judge[..], &[&now, "--policy", "own.toml"]].concat(), &["--content", "paper", "plain.p7s"]);
    assert_eq!((code, &answer["policy"]["id"]), (0, &"our own".into()));
    // As XML too.
    let saving = ["--policy", "own.toml", "--evidence-out", "saved.json", "--format", "xml"];
    let paper = ["--content", "paper", "plain.p7s"];
    let saved = desk.run(&[&["verify"], &judge[..], &[&now], &saving, &paper].concat());
    let replayed = desk.run(&[&["verify", "--evidence", "saved.json", "--format", "xml"], &paper[..]].concat());
    assert!(saved.status.success() && saved.stdout == replayed.stdout, "{saved:?} {replayed:?}");
    assert!(String::from_utf8_lossy(&replayed.stdout).contains("<antin:SavedEvidence sha256="), "{replayed:?}");
    let over = ["--policy", "own.toml", "--evidence-out", "own.toml"];
    assert_ends(&desk.run(&[&["verify"], &judge[..], &[&now], &over, &paper].concat()), USAGE, "is an input too");
    // A fresh answer says that it is none.
    let fresh =
        desk.run(&[&["verify", "--format", "json"], &judge[..], &[&now, "--content", "paper", "plain.p7s"]].concat());
    let fresh: Value = serde_json::from_slice(&fresh.stdout).expect("JSON");
    assert!(fresh["evidence"].is_null(), "{fresh}");
    // People are told first.
    let text = desk.run(&["verify", "--evidence", "saved.json", "--content", "paper", "plain.p7s"]);
    let text = String::from_utf8(text.stdout).expect("text");
    let (notice, rest) = text.split_once("\n\n").expect("a notice");
    assert!(
        notice.starts_with("REPLAY of saved evidence") && notice.contains("(0 of them held on this machine)"),
        "{text}"
    );
    assert!(rest.starts_with("✔ ACCEPT") && rest.contains("saved evidence"), "{text}");
}

#[test]
fn evidence_counts_for_its_own_document_alone() {
    let (desk, judge) = desk();
    let now = at(0);
    desk.replayed(&[&judge[..], &[&now]].concat(), &["--content", "paper", "plain.p7s"]);
    desk.put("other", b"other");
    let replay = |document: &[&str]| desk.run(&[&["verify", "--evidence", "saved.json"], document].concat());
    assert_ends(&replay(&["--content", "paper", "stamped.p7s"]), UNREADABLE, "another document");
    assert_ends(&replay(&["--content", "other", "plain.p7s"]), UNREADABLE, "other content");
    assert_ends(&replay(&["plain.p7s"]), UNREADABLE, "--content");
    for option in
        [["--at", &*now], ["--policy", "strict"], ["--crl", "ca.crl"], ["--revocation", "off"], ["--evidence-out", "x"]]
    {
        let output = replay(&[&option[..], &["--content", "paper", "plain.p7s"]].concat());
        assert_ends(&output, USAGE, "cannot be used with");
    }
    let saving = |out: &str| {
        desk.run(&[&["verify", "--evidence-out", out], &judge[..], &[&now, "--content", "paper", "plain.p7s"]].concat())
    };
    for input in ["paper", "./plain.p7s", "ca.crl", "root.crt"] {
        let before = fs::read(desk.path(input)).expect("a file");
        assert_ends(&saving(input), USAGE, "is an input too");
        assert_eq!(fs::read(desk.path(input)).expect("a file"), before);
    }
}

/// Whoever hands over evidence chose whom it trusts.
#[test]
fn a_caller_can_say_whom_the_evidence_may_trust() {
    let (desk, judge) = desk();
    let now = at(0);
    let document = ["--content", "paper", "plain.p7s"];
    desk.replayed(&[&judge[..], &[&now]].concat(), &document);
    let replay = |options: &[&str]| desk.run(&[&["verify", "--evidence", "saved.json"], options, &document].concat());
    assert_eq!(replay(&["--trust-anchor", "root.crt"]).status.code(), Some(0));
    assert_ends(&replay(&["--trust-anchor", "ca.crt"]), UNREADABLE, "it trusts");
    assert_ends(&replay(&["--timestamp-anchor", "root.crt"]), UNREADABLE, "it trusts");
    assert_ends(&replay(&["--trust-anchor", "root.crt", "--timestamp-anchor", "ca.crt"]), UNREADABLE, "it trusts");
}

#[test]
fn damaged_evidence_is_refused_and_said_so() {
    let (desk, judge) = desk();
    let now = at(0);
    let document = ["--content", "paper", "plain.p7s"];
    desk.replayed(&[&judge[..], &[&now]].concat(), &document);
    let file = fs::read(desk.path("saved.json")).expect("evidence");
    let whole: Value = serde_json::from_slice(&file).expect("JSON");
    let replay = |octets: &[u8]| {
        desk.put("given.json", octets);
        desk.run(&[&["verify", "--evidence", "given.json"], &document[..]].concat())
    };
    for length in [0, 1, file.len() / 2, file.len() - 1] {
        assert_ends(&replay(&file[..length]), UNREADABLE, "given.json: not a file of saved evidence");
    }
    assert_ends(&replay(b"-----BEGIN X509 CRL-----"), UNREADABLE, "not a file of saved evidence");
    let changed = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        replay(&serde_json::to_vec(&changed).expect("JSON"))
    };
    assert_ends(&changed("/format", json!("antin-evidence-9")), UNREADABLE, "of the format antin-evidence-1");
    assert_ends(&changed("/crls/0", json!("AAAA")), UNREADABLE, "entry 1 of crls");
    assert_ends(&changed("/policy", json!("")), UNREADABLE, "its policy");
    assert_ends(&changed("/document/sha256", json!("0".repeat(64))), UNREADABLE, "another document");
    // What is well formed and says something else gives another answer: here nobody is trusted.
    let output = changed("/trust/anchors", json!([]));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // A list with a broken signature shows nothing.
    let mut crl = fs::read(desk.path("ca.crl")).expect("a list");
    let last = crl.len() - 1;
    crl[last] ^= 1;
    use base64::Engine as _;
    let crl = base64::engine::general_purpose::STANDARD.encode(crl);
    let index = whole["crls"].as_array().expect("a list").len() - 1;
    assert_eq!(changed(&format!("/crls/{index}"), json!(crl)).status.code(), Some(2));
}

/// With a PKI in files, as an operator has it.
#[test]
fn evidence_in_pem_is_saved_and_replayed() {
    let desk = Desk::new();
    pki::init(&desk.path("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    desk.put("paper", CONTENT);
    let (key, certificate) = ("pki/signers/health.key", "pki/signers/health.crt");
    let signed = desk.run(&["sign", "--key", key, "--cert", certificate, "--out", "paper.p7m", "paper"]);
    assert!(signed.status.success(), "{signed:?}");
    let options = ["--trust-anchor", "pki/root.crt", "--intermediate", "pki/ca.crt"];
    let lists = ["--crl", "pki/crl/root.crl", "--crl", "pki/crl/ca.crl"];
    let (code, answer) = desk.replayed(&[&options[..], &lists].concat(), &["paper.p7m"]);
    assert_eq!((code, &answer["reliance"]["code"]), (0, &"valid".into()));
}
