//! `antin extend` and `antin sign` at the higher levels, with the authority, lists and certificates that a development service publishes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use antin::core::cms::SignedData;
use antin::core::cms::build::attribute;
use antin::core::cms::unsigned::add_attribute;
use antin::core::der::{ber, writer};
use antin::core::oid;
use antin::pki::{self, Member};
use serde_json::Value;

use crate::kit::dev::DevService;

/// A service, and papers in its folder.
struct Scene(DevService);

impl Scene {
    fn new() -> Self {
        let service = DevService::start();
        fs::write(service.folder.path().join("paper"), b"paper\n").expect("written");
        Self(service)
    }

    fn path(&self, name: &str) -> String {
        self.0.folder.path().join(name).to_str().expect("text").to_owned()
    }

    fn directory(&self) -> PathBuf {
        self.0.pki()
    }

    fn pki(&self, member: Member) -> [String; 2] {
        let pki = self.directory();
        [member.certificate_path(&pki), member.key_path(&pki)].map(|path| path.to_str().expect("text").to_owned())
    }

    fn tsa(&self) -> String {
        format!("http://127.0.0.1:{}/tsa", self.0.port)
    }

    fn antin(&self, arguments: &[&str]) -> (i32, String, String) {
        run(env!("CARGO_BIN_EXE_antin"), arguments)
    }

    fn sign(&self, name: &str, options: &[&str]) -> String {
        let ([certificate, key], [ca, _]) = (self.pki(Member::Health), self.pki(Member::Ca));
        let (out, paper) = (self.path(name), self.path("paper"));
        let own = ["sign", "--key", &key, "--cert", &certificate, "--chain", &ca, "--out", &out];
        let (code, _, said) = self.antin(&[&own[..], options, &[&paper]].concat());
        assert_eq!(code, 0, "{said}");
        out
    }

    fn extend(&self, file: &str, name: &str, level: &str) -> (i32, String, String) {
        let (out, tsa, [root, _]) = (self.path(name), self.tsa(), self.pki(Member::Root));
        let own = ["extend", "--level", level, "--tsa", &tsa, "--trust-anchor", &root, "--out", &out, file];
        let (code, _, said) = self.antin(&own);
        (code, out, said)
    }

    /// The answer about a file under the root, with no evidence but what it brings.
    fn verify(&self, file: &str, options: &[&str]) -> Value {
        let [root, _] = self.pki(Member::Root);
        let own = ["verify", "--format", "json", "--trust-anchor", &root];
        let (_, answer, said) = self.antin(&[&own[..], options, &[file]].concat());
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{said}"))
    }
}

/// Runs a program; gives its exit code and what it said.
fn run(program: &str, arguments: &[&str]) -> (i32, String, String) {
    let anchors = tempfile::tempdir().expect("a folder");
    let output = Command::new(program).args(arguments).env("ANTIN_TRUST_ANCHORS", anchors.path()).output();
    let output = output.expect("it runs");
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn read(file: &str) -> Vec<u8> {
    ber::normalise_content_info(&fs::read(file).expect("written")).expect("a message")
}

fn stamps(answer: &Value) -> Vec<(&str, &str)> {
    let stamps = answer["signatures"][0]["timestamps"].as_array().expect("a list");
    let of = |stamp: &'_ Value, key: &str| stamp[key].as_str().expect("text").to_owned();
    stamps
        .iter()
        .map(|stamp| {
            let (kind, code) = (of(stamp, "type"), of(stamp, "code"));
            (if kind == "archive" { "archive" } else { "signature" }, if code == "passed" { "passed" } else { "not" })
        })
        .collect()
}

/// Whatever stood in the one message stands in the other: everything that was signed, each certificate and list, each attribute.
fn assert_keeps(old: &str, new: &str) {
    let (old, new) = (read(old), read(new));
    let (old, new) = (SignedData::decode(&old).expect("a message"), SignedData::decode(&new).expect("a message"));
    assert_eq!(old.encap_content_info, new.encap_content_info);
    assert!(old.certificates.iter().all(|one| new.certificates.contains(one)));
    assert!(old.crls.iter().all(|one| new.crls.contains(one)));
    for (old, new) in old.signer_infos.iter().zip(&new.signer_infos) {
        assert_eq!(old.signed_part, new.signed_part);
        let raw = |signer: &antin::core::cms::SignerInfo<'_>| -> Vec<Vec<u8>> {
            signer.unsigned().iter().map(|attribute| attribute.raw.to_vec()).collect()
        };
        assert_eq!(raw(old), raw(new)[..raw(old).len()]);
    }
}

#[test]
fn a_signature_is_raised_step_by_step_and_renewed_and_nothing_of_it_changes() {
    let scene = Scene::new();
    let mut file = scene.sign("basic.p7m", &[]);
    let steps = [("B-T", "T"), ("B-LT", "LT"), ("B-LTA", "LTA"), ("B-LTA", "LTA")];
    for (number, (level, format)) in steps.into_iter().enumerate() {
        let (code, raised, said) = scene.extend(&file, &format!("raised-{number}.p7m"), level);
        assert_eq!(code, 0, "{level}: {said}");
        assert_keeps(&file, &raised);
        let answer = scene.verify(&raised, &[]);
        assert_eq!(answer["signatures"][0]["format"], format!("CAdES-BASELINE-{format}"));
        if number > 0 {
            assert_eq!(answer["reliance"]["outcome"], "ACCEPT", "{level}: {answer}");
        }
        file = raised;
    }
    let answer = scene.verify(&file, &[]);
    assert_eq!(stamps(&answer), [("signature", "passed"), ("archive", "passed"), ("archive", "passed")]);
}

#[test]
fn signing_reaches_each_level_at_once() {
    let scene = Scene::new();
    let tsa = scene.tsa();
    for (level, format) in [("B-T", "T"), ("B-LT", "LT"), ("B-LTA", "LTA")] {
        let file = scene.sign(&format!("{level}.p7s"), &["--detached", "--level", level, "--tsa", &tsa]);
        let answer = scene.verify(&file, &["--content", &scene.path("paper")]);
        assert_eq!(answer["signatures"][0]["format"], format!("CAdES-BASELINE-{format}"));
        let expected = if level == "B-T" { "UNDETERMINED" } else { "ACCEPT" };
        assert_eq!(answer["reliance"]["outcome"], expected, "{level}: {answer}");
    }
}

#[test]
fn signatures_of_others_are_raised_in_ber_too() {
    let scene = Scene::new();
    let ([certificate, key], [ca, _], paper) =
        (scene.pki(Member::Judicial), scene.pki(Member::Ca), scene.path("paper"));
    for (name, options) in [("der", &["-nodetach", "-binary"][..]), ("ber", &["-nodetach", "-binary", "-stream"])] {
        let file = scene.path(&format!("{name}.p7m"));
        let own = ["cms", "-sign", "-cades", "-in", &paper, "-signer", &certificate, "-inkey", &key, "-certfile", &ca];
        let (code, _, said) = run("openssl", &[&own[..], options, &["-outform", "DER", "-out", &file]].concat());
        assert_eq!(code, 0, "{said}");
        assert_eq!(SignedData::decode(&fs::read(&file).expect("written")).is_err(), name == "ber");
        let (code, raised, said) = scene.extend(&file, &format!("{name}-raised.p7m"), "B-LTA");
        assert_eq!(code, 0, "{name}: {said}");
        assert_keeps(&file, &raised);
        let answer = scene.verify(&raised, &[]);
        assert_eq!(answer["reliance"]["outcome"], "ACCEPT", "{name}: {answer}");
        assert_eq!(answer["signatures"][0]["format"], "CAdES-BASELINE-LTA");
        assert_eq!(stamps(&answer), [("signature", "passed"), ("archive", "passed")]);
    }
}

#[test]
fn what_does_not_pass_is_not_raised_and_nothing_is_written() {
    let scene = Scene::new();
    let file = scene.sign("basic.p7m", &[]);
    let refused = |file: &str, level: &str, expected: (i32, &str)| {
        let (code, out, said) = scene.extend(file, "nothing.p7m", level);
        assert!(code == expected.0 && said.contains(expected.1), "{code} {said}");
        assert!(!Path::new(&out).exists());
    };
    // Another document, no message, the authority gone.
    let mut changed = fs::read(&file).expect("written");
    let position = changed.windows(5).position(|octets| octets == b"paper").expect("embedded");
    changed[position] ^= 1;
    fs::write(scene.path("changed.p7m"), &changed).expect("written");
    refused(&scene.path("changed.p7m"), "B-LT", (2, "document-changed"));
    refused(&scene.path("paper"), "B-LT", (65, ""));
    let [root, _] = scene.pki(Member::Root);
    let out = scene.path("nothing.p7m");
    let (code, _, said) = scene.antin(&["extend", "--level", "B-LT", "--trust-anchor", &root, "--out", &out, &file]);
    assert!(code == 64 && said.contains("--tsa"), "{said}");
    let here =
        ["extend", "--level", "B-T", "--tsa", "http://127.0.0.1:9/", "--trust-anchor", &root, "--out", &out, &file];
    assert_eq!(scene.antin(&here).0, 70);
    // An older archive time-stamp is over all that there is: nothing can be kept with it.
    let stamped = read(&scene.sign("stamped.p7m", &["--level", "B-T", "--tsa", &scene.tsa()]));
    let crowded = |identifier: &[u8], count: usize, name: &str| {
        let junk = writer::octet_string(b"no token").repeat(count);
        let crowded = add_attribute(&stamped, 0, &attribute(identifier, &junk)).expect("added");
        fs::write(scene.path(name), crowded).expect("written");
        scene.path(name)
    };
    refused(&crowded(oid::ARCHIVE_TIME_STAMP_V2, 1, "older.p7m"), "B-LT", (2, "the level was not reached"));
    // A new one that nobody would read proves nothing.
    refused(&crowded(oid::SIGNATURE_TIME_STAMP, 64, "crowded.p7m"), "B-LTA", (2, "the level was not reached"));
    // A stranger's anchor.
    let [server, _] = scene.pki(Member::Server);
    let tsa = scene.tsa();
    let strange = ["extend", "--level", "B-LT", "--tsa", &tsa, "--trust-anchor", &server, "--out", &out, &file];
    let (code, _, said) = scene.antin(&strange);
    assert!(code == 2 && said.contains("no-trusted-path"), "{said}");
    // Revoked since.
    let [certificate, _] = scene.pki(Member::Health);
    pki::revoke(&scene.directory(), Path::new(&certificate), pki::crl::Reason::KeyCompromise, antin::clock::now())
        .expect("revoked");
    refused(&file, "B-LT", (2, "certificate-revoked"));
    assert!(fs::read(&file).expect("there").windows(5).any(|octets| octets == b"paper"));
}
