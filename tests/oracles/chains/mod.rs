//! Generated chains: OpenSSL's `X509_verify_cert`, pyHanko's certvalidator and antin's `find_path` over the same evidence, time
//! and inputs of RFC 5280 §6.1.1. Where they differ about valid or not, a rule of [`rules`] says why antin is right; a difference
//! that no rule explains fails, as does, in the usual run, a rule that explains nothing. Where the rule has a remedy, both are
//! heard again about the chain so changed.
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
mod remedy;
mod rules;
mod write;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::{self, InitialPolicies, PathOutcome, PathRequest, ValidatedPath, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};

use super::tree::scratch;
use super::{command, python_with_pyhanko};
use crate::kit::vectors::say;
use draft::{AT, Chain};
use remedy::Remedy;
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

/// What is not read is as good as not given; a target that is not read is not valid. The path, if there is one.
fn antin_answer(chain: &Chain) -> (Answer, Option<Arc<ValidatedPath>>) {
    let decode = |der: &Vec<u8>| Certificate::decode_tolerant(der).ok().map(Arc::new);
    let Some(target) = decode(&chain.target) else { return ("undecodable".to_owned(), None) };
    let links: Vec<_> = chain.links.iter().filter_map(decode).collect();
    let anchors = chain.anchors.iter().filter_map(decode).map(TrustAnchor::new).collect();
    let crls = chain.crls.iter().filter_map(|der| CertificateList::decode(der).ok().map(Arc::new));
    let initial = &chain.draft.initial;
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
        revocation: if chain.draft.revocation { RevocationMode::Required } else { RevocationMode::Off },
        maximum_age: MaximumAge::default(),
        time: AT,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(path) => (VALID.to_owned(), Some(path)),
        PathOutcome::Invalid { fault, .. } => (fault.code().to_owned(), None),
    }
}

/// A chain before both sides.
struct Case {
    number: u64,
    chain: Chain,
    ours: Answer,
    /// The way up is shown to the oracle.
    way_shown: bool,
    /// The rules that have changed the chain since it was drawn, and what the side that refused it had said.
    changed_by: Vec<(usize, Answer)>,
    /// antin accepted it in an earlier form.
    must_pass: bool,
}

impl Case {
    fn new(number: u64, chain: Chain) -> Self {
        let (ours, _) = antin_answer(&chain);
        Self { number, chain, ours, way_shown: false, changed_by: Vec::new(), must_pass: false }
    }

    /// The same chain, but for what the rule says.
    fn again(mut self, rule: usize, remedy: Remedy, theirs: &Answer) -> Self {
        let mut draft = self.chain.draft;
        match remedy {
            Remedy::Drawn(change) => change(&mut draft),
            Remedy::WayShown => self.way_shown = true,
        }
        let is_ours = self.ours != VALID;
        self.changed_by.push((rule, if is_ours { self.ours } else { theirs.clone() }));
        let mut chain = draft.sign(self.chain.order);
        let (ours, path) = antin_answer(&chain);
        if let Some(path) = path.filter(|_| self.way_shown) {
            chain.show_way(&path);
        }
        Self { chain, ours, must_pass: self.must_pass || !is_ours, ..self }
    }

    /// Both sides say the same: whatever that is, unless antin has accepted the chain before something was changed for the oracle's
    /// sake.
    fn is_settled(&self, theirs: &Answer) -> bool {
        if self.must_pass { self.ours == VALID && theirs == VALID } else { (self.ours == VALID) == (theirs == VALID) }
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
    let file = directory.join("batch");
    program.arg(AT.unix().to_string()).arg(&file);
    let mut hear = |cases: &[Case]| {
        let mut batch = Vec::new();
        cases.iter().for_each(|case| case.chain.push_to(&mut batch));
        fs::write(&file, &batch).expect("written");
        let theirs = answers(&mut program, cases.len());
        fs::remove_file(&file).expect("removed");
        theirs
    };

    let rules: Vec<&Rule> = rules::RULES.iter().filter(|rule| rule.oracle == oracle).collect();
    let mut explained = vec![0_usize; rules.len()];
    let mut faults = Vec::new();
    let (mut valid, mut agreed, mut differing) = (0, 0, 0);
    let mut cases: Vec<Case> = (0..count).map(|number| Case::new(number, draw::chain(seed, number))).collect();
    while !cases.is_empty() {
        let theirs = hear(&cases);
        let mut again = Vec::new();
        for (case, theirs) in cases.into_iter().zip(&theirs) {
            let is_first = case.changed_by.is_empty();
            valid += usize::from(is_first && case.ours == VALID);
            if case.is_settled(theirs) {
                agreed += usize::from(is_first);
                case.changed_by.iter().for_each(|(rule, _)| explained[*rule] += 1);
                differing += usize::from(!is_first);
                continue;
            }
            // No rule changes a chain twice.
            let unused = |rule: usize| case.changed_by.iter().all(|(earlier, _)| *earlier != rule);
            let differ = (case.ours == VALID) != (theirs == VALID);
            let fits = |(place, rule): (usize, &&Rule)| {
                differ && unused(place) && rule.explains(&case.ours, theirs, &case.chain)
            };
            match rules.iter().enumerate().position(fits) {
                Some(rule) => match rules[rule].remedy {
                    Some(remedy) => again.push(case.again(rule, remedy, theirs)),
                    None => {
                        differing += 1;
                        explained[rule] += 1;
                    }
                },
                None => {
                    if faults.len() < WRITTEN {
                        case.chain.write(&directory.join(case.number.to_string()));
                    }
                    let changed = case.changed_by.iter().map(|(rule, said)| format!(" {} ({said})", rules[*rule].name));
                    faults.push(format!(
                        "chain {}: antin {}, {} {theirs}: {:?}; changed by:{}",
                        case.number,
                        case.ours,
                        oracle.name(),
                        case.chain.draft.features,
                        changed.collect::<String>()
                    ));
                }
            }
        }
        cases = again;
    }
    let mut line = format!(
        "CHAINS {}: {count} of seed {seed}: {valid} valid, {agreed} agreed, {differing} explained",
        oracle.name()
    );
    let is_whole = seed == SEED && count == CHAINS;
    for (rule, count) in rules.iter().zip(&explained) {
        line += &format!(", {} {count}", rule.name);
        if *count == 0 && is_whole && !rule.is_rare {
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
