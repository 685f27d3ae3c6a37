//! Our time-stamping authority and our signatures at B-T, as OpenSSL, pyHanko and Bouncy Castle see them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use antin::clock;
use antin::core::cms::SignedData;
use antin::core::oid;
use antin::pki::Algorithm;
use antin::pki::tsa::TimeStampingAuthority;

use super::bouncy_castle::Oracle;
use super::pyhanko::{SCRIPT, pyhanko_verify};
use super::tree::{Answer, DOCUMENT, Tree, antin};
use super::{command, python_with_pyhanko, run};
use crate::revocation::responder::{Answer as Reply, Responder};

fn authority(tree: &Tree) -> TimeStampingAuthority {
    let certificate = tree.path("tsa.crt");
    let directory = Path::new(&certificate).parent().expect("a folder");
    TimeStampingAuthority::load(directory).expect("an authority")
}

/// The authority behind HTTP on loopback.
fn served(tree: &Tree) -> Responder {
    let authority = authority(tree);
    Responder::start(Reply::Made(Arc::new(move |query| authority.answer(query, clock::now()).expect("an answer"))))
}

/// The document signed with our authority at hand, and the path of the result.
pub(super) fn signed(tree: &Tree, name: &str, options: &[&str]) -> String {
    let served = served(tree);
    let url = format!("{}/tsa", served.base_url());
    tree.sign(name, &[&["--tsa", &url], options].concat())
}

#[test]
fn openssl_verifies_the_tokens_of_our_authority() {
    if command("openssl").is_none() {
        return;
    }
    for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
        let tree = Tree::of(algorithm);
        let authority = authority(tree);
        let number = AtomicUsize::new(0);
        let ask = |options: &[&str]| {
            let stem = tree.path(&format!("ts-own-{}", number.fetch_add(1, Ordering::Relaxed)));
            let (query, reply) = (format!("{stem}.tsq"), format!("{stem}.tsr"));
            let ask = [&["ts", "-query", "-data", DOCUMENT, "-out", &query][..], options].concat();
            assert!(run("openssl", &ask).status.success());
            let answer = authority.answer(&fs::read(&query).expect("a query"), clock::now()).expect("an answer");
            fs::write(&reply, answer).expect("written");
            (query, reply)
        };
        let (anchor, ca) = (tree.path("root.crt"), tree.path("ca.crt"));
        let verify = |query: &str, reply: &str, more: &[&str]| {
            let verify = ["ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", &anchor];
            run("openssl", &[&verify[..], more].concat())
        };
        for digest in ["-sha256", "-sha384", "-sha512", "-sha3-256"] {
            let (query, reply) = ask(&[digest, "-cert"]);
            let verified = verify(&query, &reply, &[]);
            assert!(verified.status.success(), "{algorithm:?} {digest}: {verified:?}");
            // The same answer to another question.
            let (other, _) = ask(&[digest, "-cert"]);
            let verified = verify(&other, &reply, &[]);
            assert!(String::from_utf8_lossy(&verified.stderr).contains("nonce mismatch"), "{verified:?}");
        }
        // Without certificates, which whoever verifies then has to have.
        let (query, reply) = ask(&["-sha256", "-no_nonce"]);
        assert!(!verify(&query, &reply, &[]).status.success());
        let chain = tree.path("tsa-chain.pem");
        let both = [tree.path("tsa.crt"), ca.clone()].map(|path| fs::read(path).expect("a certificate")).concat();
        fs::write(&chain, both).expect("written");
        let verified = verify(&query, &reply, &["-untrusted", &chain]);
        assert!(verified.status.success(), "{verified:?}");
        // What we refuse OpenSSL reads as a refusal, with its reason.
        for (options, reason) in [
            (&["-sha1"][..], "unrecognized or unsupported algorithm"),
            (&["-sha256", "-tspolicy", "1.2.3.4"], "policy is not supported"),
        ] {
            let (_, reply) = ask(options);
            let text = run("openssl", &["ts", "-reply", "-in", &reply, "-text"]);
            let text = String::from_utf8_lossy(&text.stdout).into_owned();
            assert!(text.contains("Rejected") && text.contains(reason), "{text}");
        }
    }
}

#[test]
fn what_is_signed_at_b_t_is_accepted_by_all() {
    for (algorithm, paddings) in [(Algorithm::P256, &["pss"][..]), (Algorithm::Rsa2048, &["pss", "pkcs1"])] {
        let tree = Tree::of(algorithm);
        for padding in paddings {
            for detached in [true, false] {
                let mut options =
                    vec!["--level", "B-T", "--rsa-padding", padding, "--kind", "health-book", "--id", "SK-999-0001"];
                options.extend(detached.then_some("--detached"));
                let file = signed(tree, &format!("b-t-{padding}-{detached}.p7s"), &options);
                let content: &[&str] = if detached { &["--content", DOCUMENT] } else { &[] };
                let anchor = tree.path("tsa.crt");
                let answer = tree.verify(&file, &[&["--timestamp-anchor", &anchor], content].concat());
                assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
                let signature = &answer.report["signatures"][0];
                assert_eq!(signature["format"], "CAdES-BASELINE-T");
                let stamp = &signature["timestamps"][0];
                assert_eq!((&stamp["code"], &stamp["time"]), (&"passed".into(), &signature["bestSignatureTime"]));
                let proved = signature["bestSignatureTime"].as_str().expect("a time");
                if let Some(oracle) = Oracle::compiled() {
                    let theirs = oracle.verify(tree, &file, detached.then_some(DOCUMENT));
                    assert_eq!(theirs, format!("VALID {proved}"), "{algorithm:?} {options:?}");
                }
                let Some(python) = python_with_pyhanko() else { continue };
                let theirs = pyhanko_verify(&python, tree, &file, detached.then_some(DOCUMENT));
                assert_eq!(theirs["bottom_line"], true, "{algorithm:?} {options:?}: {theirs}");
                assert_eq!(theirs["timestamp_valid"], true, "{theirs}");
                let time = theirs["timestamp"].as_str().expect("a time");
                assert!(time.starts_with(proved.trim_end_matches('Z')), "{theirs}");
            }
        }
    }
}

#[test]
fn we_accept_the_time_stamps_that_pyhanko_has_made_over_content_and_signature() {
    let Some(python) = python_with_pyhanko() else { return };
    let tree = Tree::of(Algorithm::P256);
    let served = served(tree);
    let url = format!("{}/tsa", served.base_url());
    let [key, certificate, ca] = ["signers/health.key", "signers/health.crt", "ca.crt"].map(|name| tree.path(name));
    let anchor = tree.path("tsa.crt");
    for options in [&["--detached"][..], &[], &["--digest", "sha512"]] {
        let file = tree.path(&format!("pyhanko-stamped-{}.p7s", options.join("")));
        let fixed = [SCRIPT, "sign", "--cades", "--tsa", &url, "--key", &key, "--cert", &certificate, "--chain", &ca];
        let signed = run(&python, &[&fixed[..], options, &["--out", &file, DOCUMENT]].concat());
        assert!(signed.status.success(), "{options:?}: {}", String::from_utf8_lossy(&signed.stderr));
        let content: &[&str] = if options.contains(&"--detached") { &["--content", DOCUMENT] } else { &[] };
        let answer = tree.verify(&file, &[&["--timestamp-anchor", &anchor], content].concat());
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{options:?}: {answer:?}");
        let stamps = answer.report["signatures"][0]["timestamps"].as_array().expect("a list");
        let said: Vec<_> = stamps.iter().map(|stamp| (stamp["type"].as_str(), stamp["code"].as_str())).collect();
        assert_eq!(said, [(Some("signature"), Some("passed")), (Some("content"), Some("passed"))], "{options:?}");
    }
}

#[test]
fn openssl_verifies_the_time_stamp_in_our_signature() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let file = signed(tree, "b-t-taken-apart.p7s", &["--level", "B-T", "--detached"]);
    let octets = fs::read(&file).expect("signed");
    let message = SignedData::decode(&octets).expect("a message");
    let signer = &message.signer_infos[0];
    let tokens = signer.unsigned_values(oid::SIGNATURE_TIME_STAMP);
    let (token, value, anchor) = (format!("{file}.token"), format!("{file}.value"), tree.path("root.crt"));
    fs::write(&token, tokens[0]).expect("written");
    fs::write(&value, signer.signature).expect("written");
    let verify = ["ts", "-verify", "-data", &value, "-token_in", "-in", &token, "-CAfile", &anchor];
    let verified = run("openssl", &verify);
    assert!(tokens.len() == 1 && verified.status.success(), "{verified:?}");
    // And the message is still one to OpenSSL.
    let chain = tree.path("chain.pem");
    let cms = ["cms", "-verify", "-inform", "DER", "-in", &file, "-content", DOCUMENT, "-binary", "-CAfile", &chain];
    let verified = run("openssl", &[&cms[..], &["-purpose", "any", "-out", "/dev/null"]].concat());
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn without_a_time_stamp_nothing_is_signed_at_b_t() {
    let tree = Tree::of(Algorithm::P256);
    let (key, certificate) = (tree.path("signers/health.key"), tree.path("signers/health.crt"));
    let out = tree.path("b-t-nothing.p7s");
    let sign = |options: &[&str]| {
        let arguments = ["sign", "--key", &key, "--cert", &certificate, "--out", &out];
        let output = antin(&[&arguments[..], options, &[DOCUMENT]].concat());
        assert!(!Path::new(&out).exists(), "{options:?}");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let gone = Responder::start(Reply::Status(500));
    let url = gone.base_url();
    let (code, said) = sign(&["--level", "B-T", "--tsa", &url]);
    assert!(code == Some(70) && said.contains("status"), "{said}");
    for options in [&["--level", "B-T"][..], &["--tsa", &url], &["--level", "B-T", "--tsa", "ftp://tsa.example.vn/"]] {
        assert_eq!(sign(options).0, Some(64), "{options:?}");
    }
    for level in ["B-LT", "B-LTA"] {
        assert_eq!(sign(&["--level", level, "--tsa", &url]).0, Some(70), "{level}");
    }
    // Still what it says without evidence: B-T by its form alone.
    let file = signed(tree, "b-t-unknown.p7s", &["--level", "B-T", "--detached"]);
    let stranger = tree.path("root.crt");
    let answer = Answer::of(&["verify", "--format", "json", "--trust-anchor", &stranger, "--content", DOCUMENT, &file]);
    assert_eq!(answer.exit, 2);
}
