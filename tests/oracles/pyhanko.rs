//! pyHanko and antin, each judging what the other signs; pyHanko is spoken to through `pyhanko_oracle.py`.

use std::path::Path;

use antin::pki::Algorithm;
use serde_json::Value;

use super::tree::{DOCUMENT, Tree, tampered};
use super::{python_with_pyhanko, run};

pub(super) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/pyhanko_oracle.py");

/// What pyHanko thinks of a signature under the tree's root, revocation required.
pub(super) fn pyhanko_verify(python: &Path, tree: &Tree, file: &str, content: Option<&str>) -> Value {
    pyhanko_verify_one(python, tree, file, content, &[])
}

/// With options of the script, such as which signer is meant: pyHanko itself takes messages of one signer only.
pub(super) fn pyhanko_verify_one(
    python: &Path,
    tree: &Tree,
    file: &str,
    content: Option<&str>,
    options: &[&str],
) -> Value {
    let [root, ca, root_crl, ca_crl] = ["root.crt", "ca.crt", "crl/root.crl", "crl/ca.crl"].map(|name| tree.path(name));
    let mut arguments = vec![SCRIPT, "verify", "--root", &root, "--chain", &ca, "--crl", &root_crl, "--crl", &ca_crl];
    arguments.extend(content.map(|content| ["--content", content]).into_iter().flatten());
    arguments.extend(options);
    arguments.push(file);
    let output = run(python, &arguments);
    let answer = serde_json::from_slice(&output.stdout);
    answer.unwrap_or_else(|_| panic!("{file}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn pyhanko_accepts_what_we_sign_and_nothing_changed() {
    let Some(python) = python_with_pyhanko() else { return };
    for (algorithm, paddings) in [(Algorithm::P256, &["pss"][..]), (Algorithm::Rsa2048, &["pss", "pkcs1"])] {
        let tree = Tree::of(algorithm);
        for padding in paddings {
            for detached in [true, false] {
                let mut options = vec!["--rsa-padding", padding, "--kind", "health-book", "--id", "SK-999-0001"];
                options.extend(detached.then_some("--detached"));
                let file = tree.sign(&format!("pyhanko-{padding}-{detached}.p7s"), &options);
                let answer = pyhanko_verify(&python, tree, &file, detached.then_some(DOCUMENT));
                assert_eq!(answer["bottom_line"], true, "{algorithm:?} {options:?}: {answer}");
                assert_eq!(answer["summary"], "INTACT:TRUSTED");
                // The changed content alone: each call takes a second.
                let (changed, content) = tampered(&file, detached).pop().expect("three of them");
                let answer = pyhanko_verify(&python, tree, &changed, content.as_deref());
                assert_eq!(answer["bottom_line"], false, "{algorithm:?} {options:?}: {answer}");
                assert_eq!(answer["intact"], false);
            }
        }
    }
}

#[test]
fn we_accept_what_pyhanko_signs() {
    let Some(python) = python_with_pyhanko() else { return };
    let (ec, rsa) = (Algorithm::P256, Algorithm::Rsa2048);
    let cases: [(Algorithm, &[&str], &str); 8] = [
        (ec, &["--cades", "--detached"], "ecdsa-with-sha-256"),
        (ec, &["--cades"], "ecdsa-with-sha-256"),
        (ec, &["--detached"], "ecdsa-with-sha-256"),
        (ec, &["--cades", "--digest", "sha3_256"], "ecdsa-with-sha3-256"),
        (ec, &["--cades", "--digest", "sha512"], "ecdsa-with-sha-512"),
        (rsa, &["--cades", "--detached"], "rsa-pkcs1-with-sha-256"),
        (rsa, &["--cades", "--pss"], "rsa-pss-with-sha-256"),
        (rsa, &["--cades", "--pss", "--digest", "sha384", "--detached"], "rsa-pss-with-sha-384"),
    ];
    for (index, (algorithm, options, expected)) in cases.into_iter().enumerate() {
        let tree = Tree::of(algorithm);
        let file = tree.path(&format!("pyhanko-theirs-{index}.p7s"));
        let [key, certificate, ca] = ["signers/health.key", "signers/health.crt", "ca.crt"].map(|name| tree.path(name));
        let fixed = [SCRIPT, "sign", "--key", &key, "--cert", &certificate, "--chain", &ca, "--out", &file];
        let signed = run(&python, &[&fixed[..], options, &[DOCUMENT]].concat());
        assert!(signed.status.success(), "{options:?}: {}", String::from_utf8_lossy(&signed.stderr));
        let detached = options.contains(&"--detached");
        let answer = tree.verify(&file, if detached { &["--content", DOCUMENT] } else { &[] });
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{options:?}: {answer:?}");
        let signature = &answer.report["signatures"][0];
        assert_eq!((&signature["format"], &signature["algorithm"]), (&"CAdES-BASELINE-B".into(), &expected.into()));
        for (changed, content) in tampered(&file, detached) {
            let ours = content.as_deref().map(|content| ["--content", content]);
            let answer = tree.verify(&changed, ours.as_ref().map_or(&[], |option| &option[..]));
            assert_eq!(answer.exit, 1, "{changed}: {answer:?}");
        }
    }
}
