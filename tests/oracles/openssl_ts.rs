//! Tokens that `openssl ts` issues with the time-stamping authority of a development PKI, on our signatures.

use std::fs;

use antin::core::cms::SignedData;
use antin::pki::Algorithm;
use cms::content_info::ContentInfo;
use cms::signed_data::SignerInfos;
use der::asn1::{AnyRef, SetOfVec};
use der::{Decode, Encode};
use x509_cert::attr::Attribute;

use super::tree::{Answer, DOCUMENT, Tree};
use super::{command, run};

/// Settings of `openssl ts -reply`; the serial number stands in a file.
fn settings(tree: &Tree, digest: &str, chain: bool) -> String {
    let (serial, out) = (tree.path("tsa.serial"), tree.path(&format!("tsa-{digest}-{chain}.cnf")));
    let lines = [
        "[tsa]".to_owned(),
        "default_tsa = own".to_owned(),
        "[own]".to_owned(),
        format!("serial = {serial}"),
        format!("signer_cert = {}", tree.path("tsa.crt")),
        format!("signer_key = {}", tree.path("tsa.key")),
        format!("signer_digest = {digest}"),
        "default_policy = 1.2.3.4.5".to_owned(),
        "digests = sha256, sha384, sha512".to_owned(),
        "accuracy = secs:1, millisecs:500, microsecs:100".to_owned(),
        "clock_precision_digits = 3".to_owned(),
        format!("ordering = {}", if chain { "yes" } else { "no" }),
        format!("tsa_name = {}", if chain { "yes" } else { "no" }),
        format!("ess_cert_id_chain = {}", if chain { "yes" } else { "no" }),
        format!("ess_cert_id_alg = {digest}"),
    ];
    fs::write(&out, lines.join("\n") + "\n").expect("written");
    out
}

/// The token of `openssl ts` over the octets of a file.
fn token(tree: &Tree, stamped: &str, digest: &str, chain: bool) -> Vec<u8> {
    let (query, out) = (format!("{stamped}.tsq"), format!("{stamped}.token"));
    let settings = settings(tree, digest, chain);
    let algorithm = format!("-{digest}");
    let asked = run("openssl", &["ts", "-query", "-data", stamped, &algorithm, "-cert", "-out", &query]);
    assert!(asked.status.success(), "{asked:?}");
    let reply =
        ["ts", "-reply", "-config", &settings, "-section", "own", "-queryfile", &query, "-token_out", "-out", &out];
    let answered = run("openssl", &reply);
    assert!(answered.status.success(), "{answered:?}");
    fs::read(&out).expect("a token")
}

/// The message with the token as a signature time-stamp of its first signer; nothing else of it changes.
fn with_token(message: &[u8], token: &[u8]) -> Vec<u8> {
    let outer = ContentInfo::from_der(message).expect("a message");
    let mut data: cms::signed_data::SignedData = outer.content.decode_as().expect("signed data");
    let mut signers: Vec<_> = data.signer_infos.0.iter().cloned().collect();
    let value = AnyRef::from_der(token).expect("an element").into();
    let identifier = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
    let values = SetOfVec::try_from(vec![value]).expect("a set");
    let stamp = Attribute { oid: identifier, values };
    signers[0].unsigned_attrs = Some(SetOfVec::try_from(vec![stamp]).expect("a set"));
    data.signer_infos = SignerInfos(SetOfVec::try_from(signers).expect("a set"));
    let content = der::Any::encode_from(&data).expect("DER");
    ContentInfo { content, ..outer }.to_der().expect("DER")
}

/// Signs, has the signature time-stamped, and gives the path of the result.
fn stamped(tree: &Tree, name: &str, digest: &str, chain: bool, over: Option<&[u8]>) -> String {
    let signature = tree.sign(name, &["--detached"]);
    let message = fs::read(&signature).expect("signed");
    let value = SignedData::decode(&message).expect("a message").signer_infos[0].signature.to_vec();
    let octets = tree.path(&format!("{name}.value"));
    fs::write(&octets, over.unwrap_or(&value)).expect("written");
    let out = tree.path(&format!("{name}.stamped"));
    fs::write(&out, with_token(&message, &token(tree, &octets, digest, chain))).expect("written");
    out
}

fn timestamp(answer: &Answer) -> &serde_json::Value {
    &answer.report["signatures"][0]["timestamps"][0]
}

#[test]
fn tokens_of_openssl_prove_their_time() {
    if command("openssl").is_none() {
        return;
    }
    for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
        let tree = Tree::of(algorithm);
        for (digest, chain) in [("sha256", false), ("sha384", true), ("sha512", false)] {
            let file = stamped(tree, &format!("ts-{digest}.p7s"), digest, chain, None);
            // The fraction of the second is rounded up: that second must be over.
            std::thread::sleep(std::time::Duration::from_millis(2100));
            let answer = tree.verify(&file, &["--content", DOCUMENT]);
            assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
            let found = timestamp(&answer);
            assert_eq!(
                (&found["indication"], &found["code"]),
                (&"TOTAL-PASSED".into(), &"passed".into()),
                "{answer:?}"
            );
            assert_eq!(found["time"], answer.report["bestSignatureTime"]);
            assert_ne!(answer.report["bestSignatureTime"], answer.report["validationTime"]);
            assert_eq!(answer.report["signatures"][0]["format"], "CAdES-BASELINE-T");
            // OpenSSL takes the same token for what it is over.
            let token = format!("{}.value", tree.path(&format!("ts-{digest}.p7s")));
            let (data, reply) = (token.as_str(), format!("{token}.token"));
            let trusted = tree.path("chain.pem");
            let verify = ["ts", "-verify", "-data", data, "-in", &reply, "-token_in", "-CAfile", &trusted];
            assert!(run("openssl", &verify).status.success(), "OpenSSL's own token");
        }
    }
}

#[test]
fn tokens_of_openssl_over_other_data_or_under_other_anchors_prove_nothing() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let other = stamped(tree, "ts-other.p7s", "sha256", false, Some(b"something else"));
    let right = stamped(tree, "ts-right.p7s", "sha256", false, None);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let judged = |file: &str, options: &[&str]| {
        let answer = tree.verify(file, &[&["--content", DOCUMENT], options].concat());
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "the signature stays as it is: {answer:?}");
        let proved = answer.report["bestSignatureTime"] != answer.report["validationTime"];
        let code = timestamp(&answer)["code"].as_str().expect("a code").to_owned();
        assert_eq!(proved, code == "passed", "{answer:?}");
        code
    };
    assert_eq!(judged(&other, &[]), "timestamp-imprint-mismatch");
    // Anchors for time-stamps, where there are some, are the only ones for them, and for nothing else.
    let [stranger, _] = tree.stranger("ts-stranger");
    assert_eq!(judged(&right, &["--timestamp-anchor", &stranger]), "anchor-use-not-allowed");
    let root = tree.path("root.crt");
    assert_eq!(judged(&right, &["--timestamp-anchor", &root]), "passed");
    let own = tree.path("tsa.crt");
    assert_eq!(judged(&right, &["--timestamp-anchor", &own]), "passed");
    let signers = Answer::of(&[
        "verify",
        "--format",
        "json",
        "--trust-anchor",
        &stranger,
        "--timestamp-anchor",
        &root,
        "--crl",
        &tree.path("crls.pem"),
        "--intermediate",
        &tree.path("ca.crt"),
        "--content",
        DOCUMENT,
        &right,
    ]);
    assert_eq!(signers.exit, 2, "an anchor for time-stamps vouches for no signer: {signers:?}");
    assert_eq!(timestamp(&signers)["code"], "passed");
}
