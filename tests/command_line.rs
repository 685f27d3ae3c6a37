//! What the command line does with files that are not what they seem, and with the files it must not touch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use antin::clock;
use antin::pki::{self, InitOptions, Member};
use tempfile::TempDir;

const USAGE: i32 = 64;
const UNREADABLE: i32 = 65;

/// A development PKI, and a document signed in it.
struct Office {
    directory: TempDir,
}

impl Office {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let office = Self { directory };
        pki::init(&office.path("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        fs::write(office.path("paper"), "Giấy tờ").expect("written");
        let signed = office.sign(&["--detached", "--out", "paper.p7s", "paper"]);
        assert!(signed.status.success(), "{signed:?}");
        let signed = office.sign(&["--out", "paper.p7m", "paper"]);
        assert!(signed.status.success(), "{signed:?}");
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        command.current_dir(self.directory.path()).env("LANG", "C").args(arguments).output().expect("it runs")
    }

    fn sign(&self, arguments: &[&str]) -> Output {
        self.run(
            &[&["sign", "--key", "pki/signers/health.key", "--cert", "pki/signers/health.crt"], arguments].concat(),
        )
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        let evidence = ["verify", "--trust-anchor", "pki/root.crt", "--intermediate", "pki/ca.crt"];
        let crls = ["--crl", "pki/crl/root.crl", "--crl", "pki/crl/ca.crl"];
        self.run(&[&evidence[..], &crls, arguments].concat())
    }
}

/// Ends with this code, and says `why`.
fn assert_ends(output: &Output, code: i32, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && said.contains(why), "{output:?}");
}

fn pem(label: &str, der: &Path) -> String {
    let der = fs::read(der).expect("a file");
    der::pem::encode_string(label, der::pem::LineEnding::LF, &der).expect("PEM")
}

#[test]
fn a_message_in_pem_is_alone_in_its_file() {
    let office = Office::new();
    let message = pem("CMS", &office.path("paper.p7m"));
    for (text, code) in [
        (message.clone(), 0),
        (format!("%PDF-1.4\n{message}"), UNREADABLE),
        (format!("Không có án tích\n{message}"), UNREADABLE),
        (format!("{message}Không có án tích\n"), UNREADABLE),
        (message.repeat(2), UNREADABLE),
    ] {
        fs::write(office.path("given"), &text).expect("written");
        let output = office.verify(&["given"]);
        assert_eq!(output.status.code(), Some(code), "{text} {output:?}");
    }
}

#[test]
fn evidence_in_a_misspelt_block_is_not_passed_over() {
    let office = Office::new();
    let good = fs::read_to_string(office.path("pki/crl/ca.crl")).expect("PEM");
    let revoked = pki::revoke(
        &office.path("pki"),
        &Member::Health.certificate_path(&office.path("pki")),
        pki::Reason::KeyCompromise,
        clock::now(),
    );
    revoked.expect("revoked");
    let bad = fs::read_to_string(office.path("pki/crl/ca.crl")).expect("PEM");
    let verify = |lists: String| {
        fs::write(office.path("pki/crl/ca.crl"), lists).expect("written");
        office.verify(&["--content", "paper", "paper.p7s"])
    };
    assert_eq!(verify(format!("{good}{bad}")).status.code(), Some(2));
    assert_ends(&verify(format!("{good}{}", bad.replace("X509 CRL", "CRL"))), UNREADABLE, "PEM block 2");
    assert_ends(&verify(format!("{good}{}", bad.replacen("-----BEGIN", "----BEGIN", 1))), UNREADABLE, "damaged");
}

#[test]
fn signing_overwrites_none_of_its_inputs() {
    let office = Office::new();
    fs::hard_link(office.path("paper"), office.path("another name")).expect("a link");
    for out in ["paper", "./paper", "another name", "pki/signers/health.key", "pki/signers/../signers/health.crt"] {
        let before = fs::read(office.path(out)).expect("a file");
        assert_ends(&office.sign(&["--detached", "--out", out, "paper"]), USAGE, "--out");
        assert_eq!(fs::read(office.path(out)).expect("a file"), before, "{out}");
    }
    assert!(office.sign(&["--out", "paper.p7m", "paper"]).status.success(), "an earlier signature may be replaced");
}

#[test]
fn a_policy_of_ones_own_has_a_name_of_its_own() {
    let office = Office::new();
    let held = include_str!("../config/policies/strict.toml");
    fs::write(office.path("same.toml"), held).expect("written");
    fs::write(office.path("other.toml"), held.replace("require-signing-time = true", "require-signing-time = false"))
        .expect("written");
    let verify = |policy| office.verify(&["--policy", policy, "--content", "paper", "paper.p7s"]);
    assert_eq!(verify("same.toml").status.code(), Some(0));
    assert_ends(&verify("other.toml"), UNREADABLE, "another policy");
}

#[test]
fn a_time_that_no_answer_could_name_is_refused() {
    let office = Office::new();
    assert_ends(&office.verify(&["--at", "9999-12-31T23:59:59-14:00", "paper.p7m"]), USAGE, "RFC 3339");
}

#[test]
fn rules_about_kinds_hold_where_they_are_named() {
    let office = Office::new();
    let signed = office.sign(&["--kind", "referral", "--id", "1", "--out", "referral.p7m", "paper"]);
    assert!(signed.status.success(), "{signed:?}");
    let rules = include_str!("../config/document-kinds.toml");
    let hospital = "proofs = [{ organization = ['Bệnh viện Đa khoa Sông Ngân (thử nghiệm)'] }]";
    let (before, after) = rules.split_once("[role.facility]").expect("the role");
    let rest = after.replacen("proofs = []", hospital, 1);
    let doctor = "proofs = [{ title = ['Bác sĩ'] }]";
    let complete = format!("{}[role.facility]{rest}", before.replace("proofs = []", doctor));
    for (name, text) in [("rules.toml", rules), ("complete.toml", &complete), ("wrong.toml", "[kind]\n")] {
        fs::write(office.path(name), text).expect("written");
    }
    let verify = |rules: &str| office.verify(&["--document-kinds", rules, "--format", "json", "referral.p7m"]);
    assert_eq!(office.verify(&["referral.p7m"]).status.code(), Some(0), "off by default");
    for (rules, code, word) in
        [("rules.toml", 2, "signer-role-unknown"), ("complete.toml", 1, "required-signature-missing")]
    {
        let output = verify(rules);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(word), "{output:?}");
    }
    assert_ends(&verify("wrong.toml"), UNREADABLE, "wrong.toml");
    assert_ends(&verify("missing.toml"), UNREADABLE, "missing.toml");
}

/// What was hashed is what is signed and written: a pipe gives its octets once.
#[test]
fn a01_a_document_is_read_once() {
    let office = Office::new();
    let paper = office.path("paper");
    for detached in [true, false] {
        let pipe = office.path("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let writer = {
            let (pipe, octets) = (pipe.clone(), fs::read(&paper).expect("the paper"));
            std::thread::spawn(move || fs::write(pipe, octets).expect("somebody reads"))
        };
        let mut arguments = vec!["--out", "once", "pipe"];
        if detached {
            arguments.insert(0, "--detached");
        }
        let signed = office.sign(&arguments);
        assert!(signed.status.success(), "{signed:?}");
        writer.join().expect("read to its end");
        fs::remove_file(&pipe).expect("removed");
        let verified = if detached { office.verify(&["--content", "paper", "once"]) } else { office.verify(&["once"]) };
        assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    }
}

#[test]
fn a_second_signature_is_added_to_the_first() {
    let office = Office::new();
    let judicial = |arguments: &[&str]| {
        let key = ["sign", "--key", "pki/signers/judicial.key", "--cert", "pki/signers/judicial.crt"];
        office.run(&[&key[..], arguments].concat())
    };
    let signed = office.sign(&["--kind", "referral", "--id", "1", "--detached", "--out", "one.p7s", "paper"]);
    assert!(signed.status.success(), "{signed:?}");
    let signers = |output: &Output| String::from_utf8_lossy(&output.stdout).matches("\"id\": \"signature-").count();
    for (arguments, verify, count) in [
        (
            &["--add-to", "one.p7s", "--detached", "--out", "two.p7s", "paper"][..],
            &["--content", "paper", "two.p7s"][..],
            2,
        ),
        (&["--add-to", "one.p7s", "--out", "two.p7m", "paper"], &["two.p7m"], 2),
        (&["--add-to", "two.p7m", "--out", "three.p7m"], &["three.p7m"], 3),
        (&["--add-to", "two.p7m", "--detached", "--out", "three.p7s"], &["--content", "paper", "three.p7s"], 3),
        (&["--add-to", "one.p7s", "--kind", "referral", "--id", "1", "--out", "two.p7m", "paper"], &["two.p7m"], 2),
        (&["--add-to", "paper.p7m", "--out", "plain.p7m"], &["plain.p7m"], 2),
    ] {
        let output = judicial(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let output = office.verify(&[&["--format", "json"], verify].concat());
        assert_eq!((output.status.code(), signers(&output)), (Some(0), count), "{arguments:?}: {output:?}");
    }
    fs::write(office.path("other"), "another paper").expect("written");
    let mut broken = fs::read(office.path("one.p7s")).expect("a file");
    *broken.last_mut().expect("an octet") ^= 1;
    fs::write(office.path("broken.p7s"), broken).expect("written");
    for (arguments, code, why) in [
        (&["--add-to", "one.p7s", "--out", "x", "other"][..], UNREADABLE, "existing-signature-broken"),
        (&["--add-to", "two.p7m", "--out", "x", "other"], UNREADABLE, "existing-signature-broken"),
        (&["--add-to", "broken.p7s", "--out", "x", "paper"], UNREADABLE, "existing-signature-broken"),
        (&["--add-to", "one.p7s", "--out", "x"], UNREADABLE, "name the document"),
        (&["--add-to", "paper", "--out", "x", "paper"], UNREADABLE, "paper"),
        (&["--add-to", "one.p7s", "--kind", "referral", "--id", "2", "--out", "x", "paper"], USAGE, "conflict"),
        (&["--add-to", "one.p7s", "--out", "one.p7s", "paper"], USAGE, "--out"),
        (&["--out", "x"], USAGE, "FILE"),
    ] {
        assert_ends(&judicial(arguments), code, why);
        assert!(!office.path("x").exists(), "{arguments:?}");
    }
}
