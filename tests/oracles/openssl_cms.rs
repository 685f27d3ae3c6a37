//! `openssl cms` and antin, each judging what the other signs.

use std::fs;

use antin::pki::Algorithm;

use super::tree::{Answer, DOCUMENT, Tree, tampered};
use super::{command, run};

/// `openssl cms -verify`, every certificate below the root checked against its CRL: did it accept, and what did it say?
///
/// `-purpose any`: OpenSSL's default for CMS is S/MIME, and a signer of documents has no emailProtection.
pub(super) fn openssl_verify(
    tree: &Tree,
    file: &str,
    anchors: &str,
    content: Option<&str>,
    options: &[&str],
) -> (bool, String) {
    // `cms` has no option for CRLs; those in the file of anchors are found.
    let (trusted, out) = (format!("{file}.trusted.pem"), format!("{file}.content"));
    let parts = [anchors, "crls.pem"].map(|name| fs::read(tree.path(name)).expect("laid"));
    fs::write(&trusted, parts.concat()).expect("written");
    let mut arguments = vec!["cms", "-verify", "-binary", "-inform", "DER", "-in", file, "-out", &out];
    arguments.extend(["-CAfile", &trusted, "-crl_check_all", "-purpose", "any"]);
    arguments.extend(content.map(|content| ["-content", content]).into_iter().flatten());
    arguments.extend(options);
    let output = run("openssl", &arguments);
    let accepted = output.status.success();
    if accepted {
        assert!(fs::read(&out).expect("content") == fs::read(DOCUMENT).expect("document"), "{file}: other content");
    }
    (accepted, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Every way `antin sign` signs with keys of one algorithm, and what both sides make of a changed octet.
fn openssl_accepts_what_we_sign(algorithm: Algorithm, paddings: &[&str]) {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(algorithm);
    let ca = tree.path("ca.crt");
    for padding in paddings {
        for detached in [true, false] {
            for chain in [false, true] {
                let mut options = vec!["--rsa-padding", padding];
                options.extend(detached.then_some("--detached"));
                options.extend(chain.then_some(["--chain", &ca]).into_iter().flatten());
                let signature = tree.sign(&format!("openssl-{padding}-{detached}-{chain}.p7s"), &options);
                // A chain that is not in the message OpenSSL takes from its file of anchors; it still goes on to the root.
                let anchors = if chain { "root.crt" } else { "chain.pem" };
                for cades in [&[][..], &["-cades"]] {
                    let content = detached.then_some(DOCUMENT);
                    let (accepted, text) = openssl_verify(tree, &signature, anchors, content, cades);
                    assert!(accepted, "{options:?} {cades:?}: {text}");
                }
                for (file, content) in tampered(&signature, detached) {
                    let (accepted, _) = openssl_verify(tree, &file, anchors, content.as_deref(), &[]);
                    assert!(!accepted, "{file}, {content:?}");
                    let ours = content.as_deref().map(|content| ["--content", content]);
                    let answer = tree.verify(&file, ours.as_ref().map_or(&[], |option| &option[..]));
                    assert_eq!(answer.exit, 1, "{file}, {content:?}: {answer:?}");
                }
            }
        }
    }
}

#[test]
fn openssl_accepts_our_p256_signatures() {
    openssl_accepts_what_we_sign(Algorithm::P256, &["pss"]);
}

#[test]
fn openssl_accepts_our_rsa_2048_signatures() {
    openssl_accepts_what_we_sign(Algorithm::Rsa2048, &["pss", "pkcs1"]);
}

#[test]
fn openssl_accepts_our_rsa_3072_signatures() {
    openssl_accepts_what_we_sign(Algorithm::Rsa3072, &["pss", "pkcs1"]);
}

#[test]
fn openssl_refuses_our_signature_without_its_root() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let signature = tree.sign("openssl-other-root.p7s", &["--chain", &tree.path("ca.crt")]);
    let (accepted, text) = openssl_verify(tree, &signature, "signers/judicial.crt", None, &[]);
    assert!(!accepted && text.contains("unable to get local issuer certificate"), "{text}");
}

/// `openssl cms -sign` of the document with a key of the tree. `name` is the file it writes; its path comes back.
pub(super) fn openssl_sign(tree: &Tree, name: &str, signer: [&str; 2], options: &[&str]) -> String {
    let (out, [certificate, key]) = (tree.path(name), signer.map(|file| tree.path(file)));
    let arguments = ["cms", "-sign", "-binary", "-in", DOCUMENT, "-outform", "DER", "-out", &out];
    let output = run("openssl", &[&arguments, &["-signer", &certificate, "-inkey", &key][..], options].concat());
    assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    out
}

const HEALTH: [&str; 2] = ["signers/health.crt", "signers/health.key"];

/// What OpenSSL signs with these options: the algorithm we read in it, after the verdict was found to be a pass, of a baseline
/// signature, without a warning; and the message.
fn accepted(algorithm: Algorithm, name: &str, options: &[&str]) -> (String, Vec<u8>) {
    let tree = Tree::of(algorithm);
    let file = openssl_sign(tree, name, HEALTH, options);
    let attached = options.contains(&"-nodetach");
    let answer = tree.verify(&file, if attached { &[] } else { &["--content", DOCUMENT] });
    assert_eq!((answer.exit, answer.code()), (0, "valid"), "{options:?}: {answer:?}");
    let signature = &answer.report["signatures"][0];
    assert_eq!(signature["format"], "CAdES-BASELINE-B", "{options:?}");
    assert!(answer.checks(0, "warning").is_empty(), "{options:?}: {answer:?}");
    let algorithm = signature["algorithm"].as_str().expect("the algorithm is known").to_owned();
    for (changed, content) in tampered(&file, !attached) {
        let ours = content.as_deref().map(|content| ["--content", content]);
        let answer = tree.verify(&changed, ours.as_ref().map_or(&[], |option| &option[..]));
        // A changed octet can also break the shape of an ECDSA value; neither way is a pass.
        assert_eq!(answer.exit, 1, "{changed}, {content:?}: {answer:?}");
    }
    (algorithm, fs::read(&file).expect("read"))
}

#[test]
fn we_accept_what_openssl_signs_as_cades() {
    if command("openssl").is_none() {
        return;
    }
    let (ec, rsa) = (Algorithm::P256, Algorithm::Rsa2048);
    let pss = ["-cades", "-keyopt", "rsa_padding_mode:pss"];
    let cases: [(Algorithm, &[&str], &str); 13] = [
        (ec, &["-cades"], "ecdsa-with-sha-256"),
        (ec, &["-cades", "-nodetach"], "ecdsa-with-sha-256"),
        (ec, &["-cades", "-keyid"], "ecdsa-with-sha-256"),
        (ec, &["-cades", "-nosmimecap"], "ecdsa-with-sha-256"),
        (ec, &["-cades", "-md", "sha384"], "ecdsa-with-sha-384"),
        (ec, &["-cades", "-md", "sha512"], "ecdsa-with-sha-512"),
        (rsa, &["-cades"], "rsa-pkcs1-with-sha-256"),
        (rsa, &["-cades", "-keyid", "-md", "sha512"], "rsa-pkcs1-with-sha-512"),
        // OpenSSL has no identifier for ECDSA with SHA-3 in a CMS message.
        (rsa, &["-cades", "-md", "sha3-256"], "rsa-pkcs1-with-sha3-256"),
        (rsa, &pss, "rsa-pss-with-sha-256"),
        (rsa, &[&pss[..], &["-md", "sha384", "-nodetach"]].concat(), "rsa-pss-with-sha-384"),
        (rsa, &[&pss[..], &["-keyopt", "rsa_pss_saltlen:20"]].concat(), "rsa-pss-with-sha-256"),
        (rsa, &[&pss[..], &["-keyopt", "rsa_mgf1_md:sha512"]].concat(), "rsa-pss-with-sha-256"),
    ];
    for (index, (algorithm, options, expected)) in cases.into_iter().enumerate() {
        assert_eq!(accepted(algorithm, &format!("theirs-{index}.p7s"), options).0, expected, "{options:?}");
    }
}

#[test]
fn we_accept_the_ber_that_openssl_streams() {
    if command("openssl").is_none() {
        return;
    }
    // RSA-PSS is not among these: OpenSSL 3.0 cannot write its parameters while it streams.
    for (index, algorithm) in [Algorithm::P256, Algorithm::Rsa2048].into_iter().enumerate() {
        for (packaging, options) in
            [["-cades", "-stream"].as_slice(), &["-cades", "-nodetach", "-indef"]].iter().enumerate()
        {
            let (_, message) = accepted(algorithm, &format!("theirs-stream-{index}-{packaging}.p7s"), options);
            assert_eq!(message[..2], [0x30, 0x80], "the point of this test is an indefinite length");
        }
    }
}

#[test]
fn we_accept_keys_on_p384_and_p521_that_openssl_makes() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    for (curve, digest) in [("P-384", "sha384"), ("P-521", "sha512")] {
        let (key_name, certificate_name) = (format!("{curve}.key"), format!("{curve}.crt"));
        let key = tree.path(&key_name);
        let parameters = format!("ec_paramgen_curve:{curve}");
        let made = run("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", &parameters, "-out", &key]);
        assert!(made.status.success(), "{made:?}");
        let public = run("openssl", &["pkey", "-in", &key, "-pubout", "-outform", "DER"]);
        let certificate = tree.certify(&certificate_name, &public.stdout);
        let signer = [certificate_name.as_str(), &key_name];
        let theirs = openssl_sign(tree, &format!("theirs-{curve}.p7s"), signer, &["-cades", "-md", digest]);
        let answer = tree.verify(&theirs, &["--content", DOCUMENT]);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{curve}: {answer:?}");
        // And the way back.
        let ours = tree.sign_as(&format!("ours-{curve}.p7s"), &key, &certificate, &["--detached"]);
        let (accepted, text) = openssl_verify(tree, &ours, "chain.pem", Some(DOCUMENT), &["-cades"]);
        assert!(accepted, "{curve}: {text}");
    }
}

#[test]
fn every_signer_of_an_openssl_message_is_judged() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let [second, key] = ["signers/judicial.crt", "signers/judicial.key"].map(|name| tree.path(name));
    let file = openssl_sign(tree, "theirs-two.p7s", HEALTH, &["-cades", "-signer", &second, "-inkey", &key]);
    let answer = tree.verify(&file, &["--content", DOCUMENT]);
    assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
    let signatures = answer.report["signatures"].as_array().expect("a list");
    let mut signed_by: Vec<_> = signatures.iter().map(|signature| signature["signedBy"].to_string()).collect();
    signed_by.dedup();
    assert_eq!(signed_by.len(), 2, "{signed_by:?}");
    // A second signer that leads nowhere: the document is not relied on for the sake of the first.
    let stranger = tree.stranger("theirs-stranger");
    let stranger = ["-signer", &stranger[0], "-inkey", &stranger[1]];
    let file = openssl_sign(tree, "theirs-stranger.p7s", HEALTH, &[&["-cades"], &stranger[..]].concat());
    let answer = tree.verify(&file, &["--content", DOCUMENT]);
    assert_eq!((answer.exit, answer.code()), (2, "no-trusted-path"), "{answer:?}");
}

#[test]
fn without_a_certificate_reference_we_warn_and_the_strict_policy_does_not_accept() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::P256);
    let judged = |options: &[&str]| -> Answer {
        let plain = tree.path("theirs-plain.p7s");
        tree.verify(&plain, &[&["--content", DOCUMENT], options].concat())
    };
    openssl_sign(tree, "theirs-plain.p7s", HEALTH, &[]);
    let answer = judged(&["--policy", "any-ades"]);
    assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
    assert_eq!(answer.checks(0, "warning"), ["signing-certificate-missing"]);
    assert_eq!(answer.report["signatures"][0]["format"], "CMS");
    let answer = judged(&["--policy", "strict"]);
    assert_eq!((answer.exit, answer.code()), (2, "signing-certificate-missing"), "{answer:?}");
    assert_eq!(answer.report["verdict"]["subIndication"], "SIG_CONSTRAINTS_FAILURE");
    // The counterpart: with the reference the strict policy does accept.
    let file = openssl_sign(tree, "theirs-cades.p7s", HEALTH, &["-cades"]);
    let answer = tree.verify(&file, &["--content", DOCUMENT, "--policy", "strict"]);
    assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
}

#[test]
fn we_refuse_what_openssl_signs_without_attributes_or_with_a_weak_digest() {
    if command("openssl").is_none() {
        return;
    }
    let tree = Tree::of(Algorithm::Rsa2048);
    let cases: [(&[&str], i32, &str, &str); 3] = [
        (&["-noattr"], 1, "signed-attributes-missing", "FORMAT_FAILURE"),
        (&["-cades", "-md", "sha1"], 2, "signature-algorithm-weak", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
        (&["-cades", "-md", "sha224"], 2, "signature-algorithm-weak", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
    ];
    for (index, (options, exit, code, sub_indication)) in cases.into_iter().enumerate() {
        let file = openssl_sign(tree, &format!("theirs-refused-{index}.p7s"), HEALTH, options);
        let answer = tree.verify(&file, &["--content", DOCUMENT]);
        assert_eq!((answer.exit, answer.code()), (exit, code), "{options:?}: {answer:?}");
        assert_eq!(answer.report["verdict"]["subIndication"], sub_indication, "{options:?}");
    }
    // Without the signer's certificate in the message: found if given, and said to be missing if not.
    let file = openssl_sign(tree, "theirs-nocerts.p7s", HEALTH, &["-cades", "-nocerts"]);
    let answer = tree.verify(&file, &["--content", DOCUMENT]);
    assert_eq!((answer.exit, answer.code()), (2, "signing-certificate-not-found"), "{answer:?}");
    let answer = tree.verify(&file, &["--content", DOCUMENT, "--intermediate", &tree.path("signers/health.crt")]);
    assert_eq!((answer.exit, answer.code()), (0, "valid"), "{answer:?}");
}
