//! A case as `antin validate-path` is asked about it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::case::Case;
use super::folder::{AT, Folder};

/// What the program answered.
pub struct Answer {
    pub exit: i32,
    pub report: Value,
}

/// Runs `antin validate-path` on a case, with every input as an option; `empty` is a folder without held anchors.
pub fn validate_path(folder: &Folder, case: &Case, empty: &Path) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
    command.args(["validate-path", "--at", AT, "--purpose", "any", "--trust-anchor"]).arg(folder.anchor_file());
    for name in &case.certificates {
        command.arg("--intermediate").arg(folder.certificate_file(name));
    }
    for path in folder.crl_files(case) {
        command.arg("--crl").arg(path);
    }
    if !case.revocation {
        command.args(["--revocation", "off"]);
    }
    for policy in &case.policies.acceptable {
        command.args(["--initial-policy", policy]);
    }
    let switches = [
        (case.policies.require_explicit, "--require-explicit-policy"),
        (case.policies.inhibit_mapping, "--inhibit-policy-mapping"),
        (case.policies.inhibit_any, "--inhibit-any-policy"),
    ];
    command.args(switches.iter().filter(|(given, _)| *given).map(|(_, switch)| switch));
    command.arg(folder.certificate_file(&case.target)).env("ANTIN_TRUST_ANCHORS", empty);
    let output: Output = command.output().expect("the binary was built with this test");
    let exit = output.status.code().expect("not killed by a signal");
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{} ({exit}): {}", case.number, String::from_utf8_lossy(&output.stderr)));
    Answer { exit, report }
}
