//! Real certificates and real products' signatures, judged through the binary. They belong to others and are not in the tree:
//! `$ANTIN_VECTORS` (`../shared/vectors` by default) holds them, and a test whose folder is missing says so and returns.

use std::fs;
use std::path::{Path, PathBuf};

use antin::core::evidence_file;
use serde_json::Value;

use super::notice;
use super::tree::{Answer, antin, scratch};

/// A folder of foreign vectors.
fn vectors(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ANTIN_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"), PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    notice(&format!("there is no {} (ANTIN_VECTORS names the folder of foreign vectors)", folder.display()));
    None
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A subordinate, its root, and the other root.
const VIETNAM: [[&str; 3]; 2] =
    [["cpcag2.crt", "rootcag2.crt", "vnrca256.crt"], ["vnpt-ca-sha2.crt", "vnrca256.crt", "rootcag2.crt"]];

#[test]
fn the_vietnamese_subordinates_lead_to_their_own_roots() {
    let Some(folder) = vectors("vietnam-pki") else { return };
    for names in VIETNAM {
        let [subordinate, own, other] = names.map(|name| folder.join(name));
        let judge = |anchor: &Path, options: &[&str]| {
            let fixed =
                ["validate-path", "--at", "2026-06-01T00:00:00Z", "--purpose", "any", "--trust-anchor", text(anchor)];
            Answer::of(&[&fixed[..], options, &[text(&subordinate)]].concat())
        };
        // Their CRLs are published on the network alone.
        let answer = judge(&own, &["--revocation", "off"]);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{names:?}: {answer:?}");
        assert_eq!(answer.report["path"].as_array().map(Vec::len), Some(2), "{names:?}: {answer:?}");
        let answer = judge(&own, &[]);
        assert_eq!((answer.exit, answer.code()), (2, "revocation-status-unknown"), "{names:?}: {answer:?}");
        let answer = judge(&other, &["--revocation", "off"]);
        assert_eq!((answer.exit, answer.code()), (2, "no-trusted-path"), "{names:?}: {answer:?}");
        let answer = judge(&own, &["--revocation", "off", "--at", "2012-01-01T00:00:00Z"]);
        assert_eq!(answer.exit, 64, "a second --at is refused: {answer:?}");
    }
}

#[test]
fn the_vietnamese_trees_are_held_as_the_manifest_pins_them() {
    let Some(folder) = vectors("vietnam-pki") else { return };
    for [subordinate, ..] in VIETNAM {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_antin"));
        command.args(["validate-path", "--at", "2026-06-01T00:00:00Z", "--purpose", "any", "--revocation", "off"]);
        let output = command.arg(folder.join(subordinate)).env("ANTIN_TRUST_ANCHORS", &folder).output().expect("run");
        assert_eq!(output.status.code(), Some(0), "{subordinate}: {output:?}");
        // The other way round: a subordinate that is held only links, and ends no path without its root.
        let alone = scratch(&format!("held-{subordinate}"));
        fs::copy(folder.join(subordinate), alone.join(subordinate)).expect("copied");
        let output = command.env("ANTIN_TRUST_ANCHORS", &alone).output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{subordinate}: {output:?}");
    }
}

/// A file of `wild/cades`, the content it is detached from, and without any anchor: exit code, code, claimed signing time.
const WILD: [(&str, Option<&str>, i32, &str); 11] = [
    ("bad-hello-enveloping-broken.p7m", None, 1, "document-changed"),
    // RSA-1024, and attributes that verify only in DER order.
    ("ber-reordered.p7m", None, 2, "signature-key-weak"),
    ("esteid-B-detached.p7s", Some("esteid.txt"), 2, "no-trusted-path"),
    ("esteid-T-detached.p7s", Some("esteid.txt"), 2, "no-trusted-path"),
    ("esteid-LT-detached.p7s", Some("esteid.txt"), 2, "no-trusted-path"),
    ("esteid-LTA-detached.p7s", Some("esteid.txt"), 2, "no-trusted-path"),
    ("hello-detached.p7s", Some("hello.txt"), 2, "no-trusted-path"),
    ("hello-enveloping.p7m", None, 2, "no-trusted-path"),
    ("lta-10.p7m", None, 2, "no-trusted-path"),
    ("test-attached.p7m", None, 2, "no-trusted-path"),
    ("test-detached.p7s", Some("test.txt"), 2, "no-trusted-path"),
];

#[test]
fn signatures_of_real_products_get_the_verdicts_that_are_known_of_them() {
    let Some(folder) = vectors("wild/cades") else { return };
    let made = scratch("wild-cades");
    for (name, content, exit, code) in WILD {
        let file = folder.join(name);
        let content = content.map(|content| folder.join(content));
        let judge = |content: Option<&Path>, options: &[&str]| {
            let mut arguments = vec!["verify", "--format", "json"];
            arguments.extend(content.map(|content| ["--content", text(content)]).into_iter().flatten());
            Answer::of(&[&arguments[..], options, &[text(&file)]].concat())
        };
        let answer = judge(content.as_deref(), &[]);
        assert_eq!((answer.exit, answer.code()), (exit, code), "{name}: {answer:?}");
        let signature = &answer.report["signatures"][0];
        if code != "no-trusted-path" {
            continue;
        }
        // Nothing but the anchor is missing: with the chain's top as anchor, at the time of signing, each passes.
        assert!(answer.checks(0, "failed").is_empty(), "{name}: {answer:?}");
        let anchor = made.join(format!("{name}.top.crt"));
        fs::write(&anchor, top_of_chain(&file, signature)).expect("written");
        let time = signature["claimedSigningTime"].as_str().expect("all of these claim one");
        // Their revocation data are OCSP responses, or later than the time of signing, or not there.
        let options = ["--trust-anchor", text(&anchor), "--at", time, "--revocation", "if-available"];
        let answer = judge(content.as_deref(), &options);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{name}: {answer:?}");
        // And over another content none does.
        if content.is_some() {
            let answer = judge(Some(&folder.join("lta-10.p7m")), &options);
            assert_eq!((answer.exit, answer.code()), (1, "document-changed"), "{name}: {answer:?}");
            let answer = judge(None, &options);
            assert_eq!((answer.exit, answer.code()), (2, "signed-data-not-found"), "{name}: {answer:?}");
        }
    }
}

/// The certificate of a message in which its chain was found to end.
fn top_of_chain(file: &Path, signature: &Value) -> Vec<u8> {
    let chain = signature["certificates"].as_array().expect("a list");
    let fingerprint = chain.last().expect("the signer's at least")["sha256"].as_str().expect("hex");
    let certificates =
        evidence_file::certificates(&fs::read(file).expect("read")).expect("certificates in the message");
    let top = certificates.iter().find(|certificate| hex::encode(certificate.fingerprint()) == fingerprint);
    top.expect("the report speaks of a certificate of the message").der().to_vec()
}

#[test]
fn a_doubled_signing_certificate_attribute_never_passes() {
    let Some(folder) = vectors("wild/cades") else { return };
    let file = folder.join("bad-double-signing-certificate.p7m");
    // It was cut out of a PDF with the zeros after it: not one message to its end.
    let output = antin(&["verify", text(&file)]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(65) && said.contains("left over"), "{output:?}");
    // Without the zeros it is one, and breaks the format.
    let octets = fs::read(&file).expect("read");
    let length = 4 + usize::from(octets[2]) * 256 + usize::from(octets[3]);
    assert!(octets[length..].iter().all(|octet| *octet == 0));
    let message = scratch("wild-double").join("message.p7s");
    fs::write(&message, &octets[..length]).expect("written");
    let answer = Answer::of(&["verify", "--format", "json", text(&message)]);
    assert_eq!((answer.exit, answer.code()), (1, "signed-attribute-twice"), "{answer:?}");
    assert_eq!(answer.report["verdict"]["subIndication"], "FORMAT_FAILURE");
}
