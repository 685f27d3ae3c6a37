//! Every case of `testvectors/` (its README says what is in one), judged by the library and by the binary.

mod case;
mod make;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use antin::core::evidence::{CrlSet, Evidence};
use antin::core::evidence_file;
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::{TrustAnchor, TrustStore};

use case::{Case, Expected};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testvectors")
}

/// Every `<family>/<case>/`, in the order of their names. A folder below a family is a case, whatever is in it.
fn folders(root: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("listed").map(|entry| entry.expect("an entry").path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let families = below(root).into_iter().filter(|family| !family.ends_with("documents"));
    families.flat_map(|family| below(&family)).collect()
}

/// What came out, in the words of `case.toml`.
fn found(report: &serde_json::Value, exit: i32) -> Expected {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Expected {
        outcome: word(&report["reliance"]["outcome"]),
        indication: word(&report["verdict"]["indication"]),
        sub_indication: report["verdict"]["subIndication"].as_str().map(str::to_owned),
        code: word(&report["verdict"]["code"]),
        exit,
    }
}

/// The library's answer; the exit code is what such an outcome has in `antin verify`.
fn by_library(case: &Case) -> Expected {
    let read_all = |paths: &[PathBuf]| paths.iter().map(|path| fs::read(path).expect("read")).collect::<Vec<_>>();
    let certificates = |paths: &[PathBuf]| {
        let files = read_all(paths);
        let decoded = files.iter().flat_map(|file| evidence_file::certificates(file).expect("certificates"));
        decoded.map(Arc::new).collect::<Vec<_>>()
    };
    let crls = read_all(&case.crls)
        .iter()
        .flat_map(|file| evidence_file::crls(file).expect("CRLs"))
        .map(Arc::new)
        .collect::<Vec<_>>();
    let anchors = certificates(&case.trust_anchors).into_iter().map(TrustAnchor::new).collect();
    let (document, content) =
        (fs::read(&case.input).expect("read"), case.content.as_ref().map(|path| fs::read(path).expect("read")));
    let policy = Policy::held(&case.policy).expect("a held policy");
    let time = Time::parse_rfc3339(&case.at).expect("an RFC 3339 time");
    let validation = validation::validate(&ValidationRequest {
        document: &document,
        content: content.as_deref().map_or(Content::None, Content::Bytes),
        evidence: &Evidence {
            certificates: certificates(&case.intermediates),
            crls: CrlSet::new(crls),
            ..Evidence::default()
        },
        trust: &TrustStore::new(anchors, Vec::new()),
        policy: &policy,
        revocation: RevocationMode::Required,
        time,
        memory: &Memory::none(),
    });
    let report = Report::new(&validation.expect("a signature"), &policy, RevocationMode::Required, time);
    let report = serde_json::to_value(report).expect("JSON");
    let exit = match report["reliance"]["outcome"].as_str() {
        Some("ACCEPT") => 0,
        Some("REJECT") => 1,
        _ => 2,
    };
    found(&report, exit)
}

fn by_binary(case: &Case) -> Expected {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
    command.args(["verify", "--format", "json", "--at", &case.at, "--policy", &case.policy]);
    for (option, paths) in
        [("--trust-anchor", &case.trust_anchors), ("--intermediate", &case.intermediates), ("--crl", &case.crls)]
    {
        for path in paths {
            command.arg(option).arg(path);
        }
    }
    if let Some(content) = &case.content {
        command.arg("--content").arg(content);
    }
    let output = command.arg(&case.input).output().expect("the binary was built with this test");
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}: {output:?}", case.input.display()));
    found(&report, output.status.code().expect("not killed by a signal"))
}

#[test]
fn every_case_gets_its_verdict_from_the_library_and_from_the_binary() {
    let folders = folders(&root());
    assert!(folders.len() >= 8, "{folders:?}");
    assert_eq!(faults(&root()), [""; 0]);
}

/// What is not as the cases below `root` say.
fn faults(root: &Path) -> Vec<String> {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut faults = Vec::new();
    for folder in folders(root) {
        let name = folder.strip_prefix(root).expect("below").to_string_lossy().into_owned();
        match Case::read(&folder, &scratch.path().join(&name)) {
            Err(fault) => faults.push(format!("{name}: {fault}")),
            Ok(case) => {
                for (side, found) in [("library", by_library(&case)), ("binary", by_binary(&case))] {
                    if found != case.expect {
                        faults.push(format!("{name}: the {side} says {found:?}, expected {:?}", case.expect));
                    }
                }
            }
        }
    }
    faults
}

#[test]
fn each_family_has_a_case_that_passes_beside_those_that_must_not() {
    let mut passing = std::collections::BTreeMap::<PathBuf, [usize; 2]>::new();
    for folder in folders(&root()) {
        let text = fs::read_to_string(folder.join("case.toml")).expect("a case");
        let family = folder.parent().expect("a family").to_owned();
        passing.entry(family).or_default()[usize::from(text.contains("outcome = \"ACCEPT\""))] += 1;
    }
    assert!(passing.values().all(|[refused, accepted]| *refused > 0 && *accepted > 0), "{passing:?}");
}

#[test]
fn a_case_that_is_not_as_the_readme_says_is_refused() {
    let scratch = tempfile::tempdir().expect("a directory");
    let signed = root().join("health-book/signed");
    let refused = |text: Option<&str>| {
        let folder = tempfile::tempdir().expect("a directory");
        fs::copy(signed.join("input.p7s"), folder.path().join("input.p7s")).expect("copied");
        if let Some(text) = text {
            fs::write(folder.path().join("case.toml"), text).expect("written");
        }
        Case::read(folder.path(), scratch.path()).expect_err("refused")
    };
    assert!(refused(None).contains("case.toml"));
    let good = fs::read_to_string(signed.join("case.toml")).expect("a case");
    assert!(refused(Some(&format!("colour = \"red\"\n{good}"))).contains("colour"));
    assert!(refused(Some(&good.replace("exit = 0", ""))).contains("exit"));
    assert!(refused(Some(&good)).contains("root.crt"), "evidence that is not there");
}
