//! Generated chains: OpenSSL's `X509_verify_cert`, pyHanko's certvalidator and antin's `find_path` over the same evidence, time
//! and inputs of RFC 5280 §6.1.1. Where they differ about valid or not, a rule of [`rules`] says why antin is right; a difference
//! that no rule explains fails, as does, in the usual run, a rule that explains nothing.
//!
//! A chain is what the seed and its number make of it ([`draw`]), but for the keys, which are new in each run. To see more:
//!
//! ```sh
//! ANTIN_CHAINS_SEED=7 ANTIN_CHAINS=20000 make oracles
//! ```

mod draft;
mod draw;
mod draw_lists;
mod draw_names;
mod draw_policies;
mod feature;
mod key;
mod random;
mod rules;
mod write;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::{self, InitialPolicies, PathOutcome, PathRequest, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};

use super::tree::scratch;
use super::{command, python_with_pyhanko};
use crate::kit::vectors::say;
use draft::{AT, Chain};
use rules::{Oracle, Rule};

/// Unless `ANTIN_CHAINS_SEED` names another.
const SEED: u64 = 1;
/// Chains in a run with every oracle, unless `ANTIN_CHAINS` says otherwise.
const CHAINS: u64 = 5000;
/// Chains where only Debian's own tools are to be had.
const FEW: u64 = 400;

/// Unexplained chains whose files are left to look at, below `target/tmp/oracles`.
const WRITTEN: usize = 20;

/// What one side says of a chain; "valid", or why it is not.
type Answer = String;

const VALID: &str = "valid";

fn of_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// What is not read is as good as not given; a target that is not read is not valid.
fn antin_answer(chain: &Chain) -> Answer {
    let decode = |der: &Vec<u8>| Certificate::decode_tolerant(der).ok().map(Arc::new);
    let Some(target) = decode(&chain.target) else { return "undecodable".to_owned() };
    let links: Vec<_> = chain.links.iter().filter_map(decode).collect();
    let anchors = chain.anchors.iter().filter_map(decode).map(TrustAnchor::new).collect();
    let crls = chain.crls.iter().filter_map(|der| CertificateList::decode(der).ok().map(Arc::new));
    let initial = &chain.initial;
    let acceptable: Vec<_> = initial.acceptable.iter().map(|policy| oid::parse(policy).expect("a policy")).collect();
    let outcome = path::find_path(&PathRequest {
        target: &target,
        certificates: &links,
        crls: &CrlSet::new(crls),
        ocsp_responses: &[],
        trust: &TrustStore::new(anchors, Vec::new()),
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies {
            acceptable: &acceptable,
            require_explicit: initial.require_explicit,
            inhibit_mapping: initial.inhibit_mapping,
            inhibit_any: initial.inhibit_any,
        },
        revocation: if chain.revocation { RevocationMode::Required } else { RevocationMode::Off },
        maximum_age: MaximumAge::default(),
        time: AT,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(_) => VALID.to_owned(),
        PathOutcome::Invalid { fault, .. } => fault.code().to_owned(),
    }
}

/// An answer a line.
fn answers(program: &mut Command, chains: usize) -> Vec<Answer> {
    let output = program.output().expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Answer> = text.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), chains, "{program:?}");
    answers
}

/// The program of openssl.c, compiled.
fn openssl(directory: &Path) -> Option<Command> {
    let compiler = command("cc")?;
    let program = directory.join("openssl");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/chains/openssl.c");
    let built = Command::new(compiler).args(["-O1", "-o"]).arg(&program).arg(source).arg("-lcrypto").status();
    assert!(built.expect("cc is started").success(), "openssl.c does not compile");
    Some(Command::new(program))
}

fn certvalidator(_: &Path) -> Option<Command> {
    let mut program = Command::new(python_with_pyhanko()?);
    program.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/chains/certvalidator.py"));
    Some(program)
}

/// Compares antin with one oracle and prints what came of it.
fn compare(oracle: Oracle, start: fn(&Path) -> Option<Command>, chains: u64) {
    let directory = scratch(oracle.name());
    let Some(mut program) = start(&directory) else { return };
    let seed = of_environment("ANTIN_CHAINS_SEED").unwrap_or(SEED);
    let count = of_environment("ANTIN_CHAINS").unwrap_or(chains);
    let mut batch = Vec::new();
    let drawn = (0..count).map(|number| {
        let chain = draw::chain(seed, number);
        chain.push_to(&mut batch);
        (antin_answer(&chain), chain)
    });
    let drawn: Vec<(Answer, Chain)> = drawn.collect();
    let file = directory.join("batch");
    fs::write(&file, &batch).expect("written");
    let theirs = answers(program.arg(AT.unix().to_string()).arg(&file), drawn.len());
    fs::remove_file(&file).expect("removed");

    let rules: Vec<&Rule> = rules::RULES.iter().filter(|rule| rule.oracle == oracle).collect();
    let mut explained = vec![0_usize; rules.len()];
    let mut faults = Vec::new();
    let (mut valid, mut agreed) = (0, 0);
    for (number, ((ours, chain), theirs)) in drawn.iter().zip(&theirs).enumerate() {
        valid += usize::from(ours == VALID);
        if (ours == VALID) == (theirs == VALID) {
            agreed += 1;
        } else if let Some(rule) = rules.iter().position(|rule| rule.explains(ours, theirs, chain)) {
            explained[rule] += 1;
        } else {
            if faults.len() < WRITTEN {
                chain.write(&directory.join(number.to_string()));
            }
            faults.push(format!("chain {number}: antin {ours}, {} {theirs}: {:?}", oracle.name(), chain.features));
        }
    }
    let mut line = format!(
        "CHAINS {}: {count} of seed {seed}: {valid} valid, {agreed} agreed, {} explained",
        oracle.name(),
        explained.iter().sum::<usize>()
    );
    // Some rules are too rare for every seed.
    let is_whole = seed == SEED && count == CHAINS;
    for (rule, count) in rules.iter().zip(&explained) {
        line += &format!(", {} {count}", rule.name);
        if *count == 0 && is_whole {
            faults.push(format!("{}: a rule that explains nothing", rule.name));
        }
    }
    say(&line);
    assert!(faults.is_empty(), "{} of {count} chains of seed {seed}:\n{}", faults.len(), faults.join("\n"));
}

/// All of them where the oracles are demanded, else a few.
fn chains() -> u64 {
    if std::env::var_os("ANTIN_ORACLES").is_some_and(|value| value == "1") { CHAINS } else { FEW }
}

#[test]
fn openssl_and_antin_agree_on_generated_chains() {
    compare(Oracle::OpenSsl, openssl, chains());
}

#[test]
fn certvalidator_and_antin_agree_on_generated_chains() {
    if chains() == CHAINS {
        compare(Oracle::Certvalidator, certvalidator, CHAINS);
    }
}
