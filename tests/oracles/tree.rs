//! The program under test, and the development PKIs it lays for the oracles: one a key algorithm, made when first asked for.
//! They lie in `target/tmp/oracles/`, where a person can try a failing command by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use antin::clock;
use antin::pki::{
    Algorithm, Authority,
    certificate::{Issuer, issue, self_sign},
    key::PrivateKey,
    profile::{self, Publication, subject},
};
use der::{Decode, EncodePem, pem::LineEnding};
use serde_json::Value;
use spki::SubjectPublicKeyInfoOwned;

/// The document that gets signed.
pub const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testvectors/documents/health-book.json");

/// Runs the binary to its end; the held anchors of the machine play no part.
pub fn antin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_antin"))
        .args(arguments)
        .env("ANTIN_TRUST_ANCHORS", no_anchors())
        .output()
        .expect("the binary was built with this test")
}

/// A folder that holds no anchor.
fn no_anchors() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| scratch("no-anchors"))
}

/// What `antin` answered in JSON.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub report: Value,
    /// What it said on standard error; shown where an assertion fails.
    #[expect(dead_code, reason = "read through Debug")]
    pub errors: String,
}

impl Answer {
    /// Runs a command that prints JSON; `report` is null where it printed none.
    pub fn of(arguments: &[&str]) -> Self {
        let output = antin(arguments);
        Self {
            exit: output.status.code().expect("not killed by a signal"),
            report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The verdict's code, and of a path its own.
    pub fn code(&self) -> &str {
        let verdict = self.report["verdict"]["code"].as_str();
        verdict.or_else(|| self.report["code"].as_str()).unwrap_or("")
    }

    /// The codes of a signature's checks that came out as `result`.
    pub fn checks(&self, signature: usize, result: &str) -> Vec<&str> {
        let checks = self.report["signatures"][signature]["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fitting = checks.iter().filter(|check| check["result"] == result);
        fitting.map(|check| check["code"].as_str().expect("every check has a code")).collect()
    }
}

/// A development PKI, as `antin pki init` lays it.
pub struct Tree {
    directory: PathBuf,
}

impl Tree {
    /// The tree of one algorithm, shared by all tests: nothing may be revoked in it.
    pub fn of(algorithm: Algorithm) -> &'static Self {
        static TREES: [OnceLock<Tree>; 3] = [const { OnceLock::new() }; 3];
        let index = Algorithm::ALL.iter().position(|known| *known == algorithm).expect("a known algorithm");
        TREES[index].get_or_init(|| {
            let directory = scratch(algorithm.name());
            let path = directory.to_str().expect("a path in UTF-8");
            let output = antin(&["pki", "init", path, "--algorithm", algorithm.name()]);
            assert!(output.status.success(), "{output:?}");
            let tree = Self { directory };
            // Those who read one file of anchors, or one of links.
            tree.join("chain.pem", &["root.crt", "ca.crt"]);
            tree.join("crls.pem", &["crl/root.crl", "crl/ca.crl"]);
            tree
        })
    }

    fn join(&self, name: &str, parts: &[&str]) {
        let content: Vec<_> = parts.iter().flat_map(|part| fs::read(self.path(part)).expect("laid")).collect();
        fs::write(self.path(name), content).expect("written");
    }

    /// A file of the tree, e.g. `signers/health.crt`, or one that a test puts beside them under a name of its own.
    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// `antin sign` of the document with the health signer's key. `name` is the file it writes; its path comes back.
    pub fn sign(&self, name: &str, options: &[&str]) -> String {
        self.sign_as(name, &self.path("signers/health.key"), &self.path("signers/health.crt"), options)
    }

    /// As [`Tree::sign`], with another key.
    pub fn sign_as(&self, name: &str, key: &str, certificate: &str, options: &[&str]) -> String {
        let out = self.path(name);
        let arguments = [&["sign", "--key", key, "--cert", certificate, "--out", &out][..], options, &[DOCUMENT]];
        let output = antin(&arguments.concat());
        assert!(output.status.success(), "{options:?}: {output:?}");
        out
    }

    /// `antin verify` against this tree's root, with its CA and its CRLs.
    pub fn verify(&self, file: &str, options: &[&str]) -> Answer {
        let (root, ca, crls) = (self.path("root.crt"), self.path("ca.crt"), self.path("crls.pem"));
        let evidence = ["--trust-anchor", &root, "--intermediate", &ca, "--crl", &crls];
        Answer::of(&[&["verify", "--format", "json"], &evidence[..], options, &[file]].concat())
    }

    /// A signer below this tree's CA whose public key, DER, was made elsewhere. Writes the certificate; its path comes back.
    pub fn certify(&self, name: &str, public_key: &[u8]) -> String {
        let issuer = Issuer::load(&self.directory, Authority::Ca).expect("the CA");
        let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
        let subject = subject("Cơ quan thử nghiệm", name).expect("a name");
        let profile = profile::signer(subject, clock::now(), &publication);
        let key = SubjectPublicKeyInfoOwned::from_der(public_key).expect("a public key");
        let certificate = issue(&issuer, &profile, &key).expect("a certificate");
        let path = self.path(name);
        fs::write(&path, certificate.to_pem(LineEnding::LF).expect("PEM")).expect("written");
        path
    }

    /// A signer that no anchor knows: the paths of its certificate and its key.
    pub fn stranger(&self, name: &str) -> [String; 2] {
        let paths = [self.path(&format!("{name}.crt")), self.path(&format!("{name}.key"))];
        let key = PrivateKey::generate(Algorithm::P256).expect("a key");
        let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
        let profile = profile::signer(subject("Cơ quan thử nghiệm", name).expect("a name"), clock::now(), &publication);
        let pem = key.to_pkcs8_pem().expect("PEM");
        let certificate = self_sign(key, &profile).expect("a certificate");
        fs::write(&paths[0], certificate.certificate().to_pem(LineEnding::LF).expect("PEM")).expect("written");
        fs::write(&paths[1], pem).expect("written");
        paths
    }
}

/// An empty directory for this run, which stays to be looked at.
pub fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracles").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("left by an earlier run");
    }
    fs::create_dir_all(&directory).expect("created");
    directory
}

/// Writes to `out` what is in `path`, but for one octet, `position` from its start. The path `out` comes back.
pub fn flipped(path: &str, position: usize, out: String) -> String {
    let mut octets = fs::read(path).expect("read");
    octets[position] ^= 1;
    fs::write(&out, octets).expect("written");
    out
}

/// Where `needle` starts in a file.
pub fn position_of(path: &str, needle: &[u8]) -> usize {
    let octets = fs::read(path).expect("read");
    octets.windows(needle.len()).position(|window| window == needle).expect("it is in the file")
}

/// Copies of an enveloping or detached signature, each with one octet changed where it must not go unseen: the signature value,
/// the message digest, the content. Pairs of the signature and, if detached, its content.
pub fn tampered(signature: &str, detached: bool) -> Vec<(String, Option<String>)> {
    let octets = fs::read(signature).expect("read");
    // Three indefinite lengths around the SignerInfos end with two zeros each.
    let last = octets.len() - if octets.starts_with(&[0x30, 0x80]) { 7 } else { 1 };
    // The attribute 1.2.840.113549.1.9.4 ends with its digest: SET, OCTET STRING, two octets each.
    let digest = position_of(signature, b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04") + 9 + 4 + 5;
    let unchanged = detached.then(|| DOCUMENT.to_owned());
    let mut changed = vec![
        (flipped(signature, last, format!("{signature}.value")), unchanged.clone()),
        (flipped(signature, digest, format!("{signature}.digest")), unchanged),
    ];
    changed.push(if detached {
        (signature.to_owned(), Some(flipped(DOCUMENT, 700, format!("{signature}.content.json"))))
    } else {
        let start = position_of(signature, &fs::read(DOCUMENT).expect("document")[..64]);
        (flipped(signature, start + 700, format!("{signature}.content")), None)
    });
    changed
}
