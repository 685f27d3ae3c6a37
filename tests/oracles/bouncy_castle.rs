//! Bouncy Castle and antin, each judging what the other signs; Bouncy Castle is spoken to through `BouncyCastleOracle.java`.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use antin::core::cms::SignedData;
use antin::pki::Algorithm;

use super::tree::{DOCUMENT, Tree, scratch, tampered};
use super::{bouncy_castle, run};

/// The compiled oracle and the class path to run it with; compiled once.
pub(super) struct Oracle {
    class_path: String,
}

impl Oracle {
    pub(super) fn compiled() -> Option<&'static Self> {
        static ORACLE: OnceLock<Option<Oracle>> = OnceLock::new();
        let compile = || {
            let class_path = bouncy_castle()?;
            let classes: PathBuf = scratch("bouncy-castle");
            let classes = classes.to_str().expect("a path in UTF-8");
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/BouncyCastleOracle.java");
            let output = run("javac", &["-d", classes, "-cp", &class_path, source]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(Self { class_path: format!("{class_path}:{classes}") })
        };
        ORACLE.get_or_init(compile).as_ref()
    }

    /// Runs it; what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let java = ["-XX:TieredStopAtLevel=1", "-cp", &self.class_path, "BouncyCastleOracle"];
        let output = run("java", &[&java[..], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(super) fn verify(&self, tree: &Tree, file: &str, content: Option<&str>) -> String {
        self.verify_by(&tree.path("signers/health.crt"), file, content)
    }

    /// By this certificate.
    pub(super) fn verify_by(&self, certificate: &str, file: &str, content: Option<&str>) -> String {
        let mut arguments = vec!["verify", certificate, file];
        arguments.extend(content);
        self.run(&arguments)
    }
}

#[test]
fn bouncy_castle_accepts_what_we_sign_and_nothing_changed() {
    let Some(oracle) = Oracle::compiled() else { return };
    for (algorithm, paddings) in [(Algorithm::P256, &["pss"][..]), (Algorithm::Rsa2048, &["pss", "pkcs1"])] {
        let tree = Tree::of(algorithm);
        for padding in paddings {
            for detached in [true, false] {
                let mut options = vec!["--rsa-padding", padding, "--kind", "health-book", "--id", "SK-999-0001"];
                options.extend(detached.then_some("--detached"));
                let file = tree.sign(&format!("bouncy-{padding}-{detached}.p7s"), &options);
                assert_eq!(
                    oracle.verify(tree, &file, detached.then_some(DOCUMENT)),
                    "VALID",
                    "{algorithm:?} {options:?}"
                );
                for (changed, content) in tampered(&file, detached) {
                    let answer = oracle.verify(tree, &changed, content.as_deref());
                    assert!(answer.starts_with("INVALID "), "{changed}, {content:?}: {answer}");
                }
            }
        }
    }
}

#[test]
fn we_accept_what_bouncy_castle_signs() {
    let Some(oracle) = Oracle::compiled() else { return };
    let (ec, rsa) = (Algorithm::P256, Algorithm::Rsa2048);
    let cases: [(Algorithm, &[&str], &str); 10] = [
        (ec, &["SHA256withECDSA"], "ecdsa-with-sha-256"),
        (ec, &["SHA256withECDSA", "detached"], "ecdsa-with-sha-256"),
        (ec, &["SHA256withECDSA", "cades"], "ecdsa-with-sha-256"),
        (ec, &["SHA3-256withECDSA", "cades"], "ecdsa-with-sha3-256"),
        (ec, &["SHA384withECDSA", "cades", "detached", "der", "keyid"], "ecdsa-with-sha-384"),
        (rsa, &["SHA256withRSA"], "rsa-pkcs1-with-sha-256"),
        (rsa, &["SHA512withRSA", "cades", "detached"], "rsa-pkcs1-with-sha-512"),
        (rsa, &["SHA256withRSAandMGF1", "cades"], "rsa-pss-with-sha-256"),
        (rsa, &["SHA512withRSAandMGF1", "cades", "detached"], "rsa-pss-with-sha-512"),
        (rsa, &["SHA3-256withRSAandMGF1", "cades"], "rsa-pss-with-sha3-256"),
    ];
    for (index, (algorithm, options, expected)) in cases.into_iter().enumerate() {
        let tree = Tree::of(algorithm);
        let [key, certificate] = ["signers/health.key", "signers/health.crt"].map(|name| tree.path(name));
        let file = tree.path(&format!("bouncy-theirs-{index}.p7s"));
        oracle.run(&[&["sign", &key, &certificate, &file, DOCUMENT], options].concat());
        let indefinite = fs::read(&file).expect("read").starts_with(&[0x30, 0x80]);
        assert_eq!(indefinite, !options.contains(&"der"), "{options:?}");
        let detached = options.contains(&"detached");
        let content: &[&str] = if detached { &["--content", DOCUMENT] } else { &[] };
        let answer = tree.verify(&file, content);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{options:?}: {answer:?}");
        let signature = &answer.report["signatures"][0];
        assert_eq!(signature["algorithm"], expected);
        let strict = tree.verify(&file, &[content, &["--policy", "strict"]].concat());
        if options.contains(&"cades") {
            assert_eq!((&signature["format"], strict.exit), (&"CAdES-BASELINE-B".into(), 0), "{options:?}: {strict:?}");
        } else {
            assert_eq!(signature["format"], "CMS");
            assert_eq!(answer.checks(0, "warning"), ["signing-certificate-missing"], "{options:?}");
            assert_eq!((strict.exit, strict.code()), (2, "signing-certificate-missing"), "{options:?}");
        }
        for (changed, content) in tampered(&file, detached) {
            let ours = content.as_deref().map(|content| ["--content", content]);
            let answer = tree.verify(&changed, ours.as_ref().map_or(&[], |option| &option[..]));
            assert_eq!(answer.exit, 1, "{changed}: {answer:?}");
        }
    }
}

#[test]
fn we_accept_counter_signatures_of_bouncy_castle_and_none_moved() {
    let Some(oracle) = Oracle::compiled() else { return };
    for (algorithm, name) in [(Algorithm::P256, "SHA384withECDSA"), (Algorithm::Rsa2048, "SHA256withRSAandMGF1")] {
        let tree = Tree::of(algorithm);
        let [key, certificate] = ["signers/judicial.key", "signers/judicial.crt"].map(|name| tree.path(name));
        let confirmed = |number: u8| {
            let file = tree.sign(&format!("bouncy-confirmed-{number}.p7m"), &[]);
            let out = tree.path(&format!("bouncy-confirmed-{number}.out.p7m"));
            oracle.run(&["countersign", &key, &certificate, &out, &file, name]);
            out
        };
        let (first, second) = (confirmed(1), confirmed(2));
        let verify = |file: &str| tree.verify(file, &["--intermediate", &certificate]);
        let answer = verify(&first);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{name}: {answer:?}");
        let shown = &answer.report["signatures"][0]["counterSignatures"][0];
        assert_eq!((&shown["code"], &shown["indication"]), (&"passed".into(), &"TOTAL-PASSED".into()), "{name}");
        // The attribute is the last field of the signer: the value of the counter-signature ends the file.
        let octets = fs::read(&first).expect("read");
        let mut changed = octets.clone();
        *changed.last_mut().expect("octets") ^= 1;
        fs::write(tree.path("bouncy-changed.p7m"), changed).expect("written");
        let answer = verify(&tree.path("bouncy-changed.p7m"));
        assert_eq!((answer.exit, answer.code()), (1, "counter-signature-broken"), "{name}: {answer:?}");
        // The whole attribute from the other message, whose signature has as many octets or nearly so.
        let other = fs::read(&second).expect("read");
        let attribute = |octets: &[u8]| {
            let whole = SignedData::decode(octets).expect("DER").signer_infos[0].unsigned_attributes.expect("some").raw;
            whole.to_vec()
        };
        let (own, foreign) = (attribute(&octets), attribute(&other));
        assert!(own.len() == foreign.len() || name.contains("ECDSA"), "RSA values are all of one length");
        if own.len() == foreign.len() {
            let moved = [&octets[..octets.len() - own.len()], &foreign].concat();
            fs::write(tree.path("bouncy-moved.p7m"), moved).expect("written");
            let answer = verify(&tree.path("bouncy-moved.p7m"));
            assert_eq!((answer.exit, answer.code()), (1, "counter-signature-broken"), "{name}: {answer:?}");
            assert_eq!(answer.report["signatures"][0]["counterSignatures"][0]["code"], "counter-signature-mismatch");
        }
    }
}
