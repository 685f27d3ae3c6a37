//! OCSP responses made by the `openssl ocsp` responder, judged by `antin verify --ocsp`: what is believed, and what is not.

use std::path::Path;
use std::process::Command;

use antin::clock;
use antin::pki::Algorithm;

use super::tree::{Answer, DOCUMENT, Tree, flipped};

/// A signature of a shared development PKI, and a responder for its CA.
struct Scene {
    tree: &'static Tree,
    name: &'static str,
    signature: String,
}

/// One answer of the responder.
struct Responder<'a> {
    /// `V`, or `R` with a date and a reason.
    state: &'a str,
    /// Member of the PKI that signs the response.
    signer: &'a str,
    /// Certificate asked about.
    about: &'a str,
    minutes: u32,
}

const GOOD: Responder<'static> = Responder { state: "V", signer: "ocsp", about: "signers/health.crt", minutes: 60 };
const VALID: (&str, i32) = ("valid", 0);
const UNKNOWN: (&str, i32) = ("revocation-status-unknown", 2);
const REVOKED: (&str, i32) = ("certificate-revoked", 2);

impl Scene {
    /// `name` keeps the files of tests apart.
    fn new(name: &'static str) -> Self {
        let tree = Tree::of(Algorithm::P256);
        let signature = tree.sign(&format!("{name}.p7s"), &["--detached"]);
        Self { tree, name, signature }
    }

    fn serial_number(&self, certificate: &str) -> String {
        let file = self.tree.path(certificate);
        let output = Command::new("openssl").args(["x509", "-noout", "-serial", "-in", &file]).output().expect("run");
        String::from_utf8(output.stdout).expect("text").trim().replace("serial=", "")
    }

    /// The response as a file.
    fn response(&self, name: &str, responder: &Responder<'_>) -> String {
        let path = |file: &str| self.tree.path(file);
        let (index, response) = (path(&format!("{}-index", self.name)), path(&format!("{}-{name}", self.name)));
        let (flag, revoked) = responder.state.split_at(1);
        let serial = self.serial_number(responder.about);
        let line = format!("{flag}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
        std::fs::write(&index, line).expect("written");
        let (ca, about) = (path("ca.crt"), path(responder.about));
        let (signer, key) = (path(&format!("{}.crt", responder.signer)), path(&format!("{}.key", responder.signer)));
        let output = Command::new("openssl")
            .args(["ocsp", "-no_nonce", "-nmin", &responder.minutes.to_string(), "-index", &index])
            .args(["-CA", &ca, "-issuer", &ca, "-cert", &about])
            .args(["-rsigner", &signer, "-rkey", &key, "-respout", &response])
            .output()
            .expect("run");
        assert!(Path::new(&response).exists(), "{output:?}");
        response
    }

    /// Code and exit code with these responses; the root's CRL speaks for the CA, and the CA's only if `crl` says so.
    fn verdict(&self, responses: &[&str], crl: bool, more: &[&str]) -> (String, i32) {
        let file = |name: &str| self.tree.path(name);
        let crls = file(if crl { "crls.pem" } else { "crl/root.crl" });
        let (root, ca) = (file("root.crt"), file("ca.crt"));
        let mut arguments = vec!["verify", "--format", "json", "--content", DOCUMENT];
        arguments.extend(["--trust-anchor", &root, "--intermediate", &ca, "--crl", &crls]);
        arguments.extend(more);
        arguments.extend(responses.iter().flat_map(|response| ["--ocsp", *response]));
        arguments.push(&self.signature);
        let answer = Answer::of(&arguments);
        (answer.code().to_owned(), answer.exit)
    }

    fn assert(&self, what: &str, response: &str, expected: (&str, i32)) {
        let (code, exit) = self.verdict(&[response], false, &[]);
        assert_eq!((code.as_str(), exit), expected, "{what}");
    }
}

#[test]
fn a_response_counts_if_its_issuer_or_its_delegate_signed_it() {
    if super::command("openssl").is_none() {
        return;
    }
    let scene = Scene::new("ocsp-signer");
    scene.assert("delegated", &scene.response("delegated.der", &GOOD), VALID);
    scene.assert("direct", &scene.response("direct.der", &Responder { signer: "ca", ..GOOD }), VALID);
    let by = |name: &str, signer: &str| scene.response(name, &Responder { signer, ..GOOD });
    scene.assert("signed by another signer", &by("other.der", "signers/judicial"), UNKNOWN);
    scene.assert("signed by the certificate itself", &by("self.der", "signers/health"), UNKNOWN);
    scene.assert("signed by the TSA", &by("tsa.der", "tsa"), UNKNOWN);
    scene.assert("signed by the root", &by("root.der", "root"), UNKNOWN);
    let about = scene.response("about.der", &Responder { about: "signers/judicial.crt", ..GOOD });
    scene.assert("about another certificate", &about, UNKNOWN);
}

#[test]
fn a_revocation_counts_wherever_it_is_said() {
    if super::command("openssl").is_none() {
        return;
    }
    let scene = Scene::new("ocsp-revoked");
    let revoked = Responder { state: "R260101000000Z,keyCompromise", ..GOOD };
    let revoked = scene.response("revoked.der", &revoked);
    scene.assert("revoked", &revoked, REVOKED);
    let good = scene.response("good.der", &GOOD);
    for responses in [[&*good, &*revoked], [&*revoked, &*good]] {
        assert_eq!(scene.verdict(&responses, true, &[]).0, "certificate-revoked", "beside a good response and CRL");
    }
    let held = scene.response("held.der", &Responder { state: "R260101000000Z,certificateHold", ..GOOD });
    scene.assert("on hold", &held, ("certificate-suspended", 2));
    // Several responses in one file, in DER one after the other: each is read.
    let both = scene.tree.path("ocsp-both.der");
    std::fs::write(&both, [&good, &revoked].map(|path| std::fs::read(path).expect("a response")).concat())
        .expect("written");
    assert_eq!(scene.verdict(&[&both], true, &[]).0, "certificate-revoked", "the second of a file");
    // Bytes that are no response are told at once.
    assert_eq!(scene.verdict(&[DOCUMENT], true, &[]).1, 65);
    // A changed response says nothing.
    let length = std::fs::metadata(&good).expect("a file").len() as usize;
    let changed = flipped(&good, length / 2, scene.tree.path("ocsp-changed.der"));
    scene.assert("changed", &changed, UNKNOWN);
}

#[test]
fn a_response_is_good_until_its_next_update_and_not_before_it_was_made() {
    if super::command("openssl").is_none() {
        return;
    }
    let scene = Scene::new("ocsp-time");
    let response = scene.response("good.der", &Responder { minutes: 1, ..GOOD });
    let at = |seconds: i64| clock::now().plus_seconds(seconds).to_string();
    assert_eq!(scene.verdict(&[&response], false, &["--at", &at(3600)]).0, "revocation-data-stale");
    assert_eq!(scene.verdict(&[&response], false, &["--at", &at(-3600)]).0, "certificate-not-yet-valid");
}
