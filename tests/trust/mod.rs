//! Trust anchors: what they are limited to, as files of an operator, as a signed list, and in a running service.

mod files;
mod limits;
mod reload;
mod service;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use antin::clock;
use antin::core::time::Time;
use antin::core::x509::Certificate;
use antin::pki::{self, InitOptions};

/// Runs `antin` in a folder; nothing of the caller's anchors or language is seen.
fn antin(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for variable in ["ANTIN_TRUST_ANCHORS", "LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(variable);
    }
    command.output().expect("the program runs")
}

/// The exit code, and what it said on both outputs.
fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    (output.status.code().expect("an exit code"), text)
}

/// A development PKI in `pki` below a new folder.
fn with_pki() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a folder");
    pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    directory
}

fn certificate(path: &Path) -> Certificate {
    antin::trust::read_certificates(path).expect("a file").remove(0)
}

/// SHA-256 of the certificate in a file, hex.
fn fingerprint(path: &Path) -> String {
    certificate(path).fingerprint_text().to_owned()
}

fn from_now(seconds: i64) -> Time {
    clock::now().plus_seconds(seconds)
}

/// Adds a certificate of the PKI to the folder `trust`, which is made if need be.
fn add(directory: &Path, file: &str, more: &[&str]) -> (i32, String) {
    std::fs::create_dir_all(directory.join("trust")).expect("a folder");
    let sha256 = fingerprint(&directory.join(file));
    let arguments = [&["trust", "add", "--dir", "trust", "--sha256", &sha256], more, &[file]].concat();
    said(&antin(directory, &arguments))
}

/// Signs the folder `trust` as a list with the key of a member of the PKI.
fn sign_list(directory: &Path, signer: &str, sequence: &str, next_update: Time, out: &str) -> (i32, String) {
    let (key, cert) = (format!("pki/{signer}.key"), format!("pki/{signer}.crt"));
    let next_update = next_update.to_string();
    let arguments = ["trust", "sign-list", "--dir", "trust", "--key", &key, "--cert", &cert, "--sequence", sequence];
    said(&antin(directory, &[&arguments[..], &["--next-update", &next_update, "--out", out]].concat()))
}
