//! A second signature beside one of ours or another's: what OpenSSL and pyHanko make of both.

use std::fs;

use antin::pki::Algorithm;

use super::openssl_cms::{openssl_sign, openssl_verify};
use super::pyhanko::pyhanko_verify_one;
use super::tree::{DOCUMENT, Tree, tampered};
use super::{command, python_with_pyhanko, run};

const JUDICIAL: [&str; 2] = ["signers/judicial.crt", "signers/judicial.key"];

/// The judicial signer's message by us, and by OpenSSL in DER and in BER: each its file, and whether it is detached.
fn firsts(tree: &Tree) -> Vec<(String, bool)> {
    let [certificate, key] = JUDICIAL.map(|name| tree.path(name));
    let chain = tree.path("ca.crt");
    let mut files = vec![
        (tree.sign_as("first-ours.p7s", &key, &certificate, &["--detached", "--chain", &chain]), true),
        (tree.sign_as("first-ours.p7m", &key, &certificate, &["--chain", &chain]), false),
    ];
    for (name, options) in [
        ("first-der.p7s", &["-cades"][..]),
        ("first-sha512.p7s", &["-cades", "-md", "sha512"]),
        ("first-ber.p7m", &["-cades", "-nodetach", "-stream"]),
    ] {
        let file = openssl_sign(tree, name, JUDICIAL, options);
        let is_ber = fs::read(&file).expect("read").starts_with(&[0x30, 0x80]);
        assert_eq!(is_ber, name.contains("ber"), "{name}");
        files.push((file, !options.contains(&"-nodetach")));
    }
    files
}

/// Both signatures, ours the second.
fn with_ours(tree: &Tree, first: &str, detached: bool) -> String {
    let mut options = vec!["--add-to", first];
    options.extend(detached.then_some("--detached"));
    tree.sign(&format!("{}.both", first.rsplit('/').next().expect("a name")), &options)
}

#[test]
fn openssl_accepts_both_signatures_and_nothing_changed() {
    if command("openssl").is_none() {
        return;
    }
    for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
        let tree = Tree::of(algorithm);
        for (first, detached) in firsts(tree) {
            let both = with_ours(tree, &first, detached);
            let content = detached.then_some(DOCUMENT);
            let (accepted, text) = openssl_verify(tree, &both, "chain.pem", content, &["-cades"]);
            assert!(accepted, "{both}: {text}");
            let options = content.map(|content| ["--content", content]);
            let answer = tree.verify(&both, options.as_ref().map_or(&[], |options| &options[..]));
            assert_eq!((answer.exit, answer.report["signatures"].as_array().map(Vec::len)), (0, Some(2)), "{both}");
            for (changed, content) in tampered(&both, detached) {
                let (accepted, _) = openssl_verify(tree, &changed, "chain.pem", content.as_deref(), &[]);
                assert!(!accepted, "{changed}");
                let options = content.as_deref().map(|content| ["--content", content]);
                let answer = tree.verify(&changed, options.as_ref().map_or(&[], |options| &options[..]));
                assert_eq!(answer.exit, 1, "{changed}");
            }
        }
    }
}

/// And the other way round: OpenSSL adds to ours.
#[test]
fn we_accept_what_openssl_adds() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let first = tree.sign("resigned-first.p7m", &[]);
    let (out, [certificate, key]) = (tree.path("resigned.p7m"), JUDICIAL.map(|name| tree.path(name)));
    let arguments = ["cms", "-resign", "-inform", "DER", "-in", &first, "-outform", "DER", "-out", &out, "-cades"];
    let output = run("openssl", &[&arguments[..], &["-nodetach", "-signer", &certificate, "-inkey", &key]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer = tree.verify(&out, &[]);
    assert_eq!((answer.exit, answer.report["signatures"].as_array().map(Vec::len)), (0, Some(2)), "{answer:?}");
}

#[test]
fn pyhanko_accepts_each_of_both_signatures() {
    let Some(python) = python_with_pyhanko() else { return };
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    for (first, detached) in firsts(tree) {
        let both = with_ours(tree, &first, detached);
        for signer in ["0", "1"] {
            let content = detached.then_some(DOCUMENT);
            let answer = pyhanko_verify_one(&python, tree, &both, content, &["--signer", signer]);
            assert_eq!(
                (&answer["bottom_line"], &answer["summary"]),
                (&true.into(), &"INTACT:TRUSTED".into()),
                "{both}"
            );
        }
    }
}
