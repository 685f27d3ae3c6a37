//! An uncached path of three P-256 certificates with both CRLs, decoding included: ours beside OpenSSL's `X509_verify_cert`
//! with CRL check (`path.c`), over the same chain, in the same run, in turns (`docs/performance.md`).

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use antin::clock;
use antin::core::crypto;
use antin::core::evidence::CrlSet;
use antin::core::evidence_file;
use antin::core::memory::Memory;
use antin::core::path::{InitialPolicies, PathOutcome, PathRequest, Work, find_path};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::{self, Authority, InitOptions, Member};
use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;

/// Rounds of each comparison; the median ratio is printed.
const ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(100);
const WANTED: f64 = 3.0;
/// Signatures of the path: leaf, CA, and the CRL of each.
const SIGNATURES: f64 = 4.0;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench path: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let chain = Chain::new(directory.path())?;
    let mut theirs = Theirs::start(directory.path())?;
    println!(
        "{} (path of three P-256 certificates, two CRLs; ours by {})",
        theirs.version,
        openssl::version::version()
    );
    let trust = chain.trust();
    let nothing = Memory::none();
    let mut all = || chain.find(&chain.trust(), &nothing, None);
    let mut held = || chain.find(&trust, &nothing, None);
    ratio("everything decoded for each path", WANTED, || theirs.round("all"), &mut all)?;
    ratio("the root alone held, decoded and as anchor", WANTED, || theirs.round("held"), &mut held)?;

    let memory = Memory::bounded();
    let crls = chain.crls().with_snapshot(1);
    let mut remembered = || chain.find(&trust, &memory, Some(&crls));
    ratio("ours remembered, its certificates found by their octets", 0.0, || theirs.round("held"), &mut remembered)?;

    // What no path can save: its bare signatures.
    let group = openssl::ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = EcKey::generate(&group)?;
    let digest = crypto::sha256(&[0x5A; 1024]);
    let signature = EcdsaSig::sign(&digest, &key)?;
    let public = EcKey::from_public_key(&group, key.public_key())?;
    let mut bare = || assert!(signature.verify(black_box(&digest), &public).expect("verified"));
    let (path, bare) = (best(&mut all), best(&mut bare));
    println!("of our {path:.1} µs for everything the {SIGNATURES} bare signatures are {:.1} µs", SIGNATURES * bare);
    Ok(())
}

/// Least core time of several rounds.
fn best(work: &mut dyn FnMut()) -> f64 {
    (0..7).map(|_| round(work).core).fold(f64::INFINITY, f64::min)
}

/// Microseconds for each path of one round: by the clock, and of the core's time, which other processes change less.
#[derive(Clone, Copy)]
struct Round {
    clock: f64,
    core: f64,
}

/// Prints the median ratios of their time to ours, measured in turns.
fn ratio(
    name: &str,
    wanted: f64,
    mut theirs: impl FnMut() -> Result<Round, Failure>,
    ours: &mut dyn FnMut(),
) -> Result<(), Failure> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        rounds.push((round(ours), theirs()?));
    }
    let median = |of: &dyn Fn(&(Round, Round)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    };
    println!("{name}");
    println!(
        "  core time {:.1} µs, X509_verify_cert {:.1} µs; ratio {:.2} by core time, {:.2} by the clock{}",
        median(&|(ours, _)| ours.core),
        median(&|(_, theirs)| theirs.core),
        median(&|(ours, theirs)| theirs.core / ours.core),
        median(&|(ours, theirs)| theirs.clock / ours.clock),
        if wanted > 0.0 { format!("  (wanted {wanted:.1})") } else { String::new() }
    );
    Ok(())
}

/// One round of `work`.
fn round(work: &mut dyn FnMut()) -> Round {
    let (core, start) = (core_time(), Instant::now());
    let mut count = 0.0;
    while start.elapsed() < ROUND {
        work();
        count += 1.0;
    }
    let clock = start.elapsed();
    Round { clock: clock.as_secs_f64() * 1e6 / count, core: (core_time() - core).as_secs_f64() * 1e6 / count }
}

/// Time this thread had a core for.
fn core_time() -> Duration {
    // The kernel's figure is brought up to date when a thread gives way.
    thread::yield_now();
    let figures = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = figures.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

/// The chain, DER; also as files for the other side.
struct Chain {
    leaf: Vec<u8>,
    ca: Vec<u8>,
    root: Vec<u8>,
    ca_crl: Vec<u8>,
    root_crl: Vec<u8>,
    usages: Vec<Vec<u8>>,
    time: Time,
}

/// In the order in which `path.c` takes them.
const FILES: [&str; 5] = ["leaf.der", "ca.der", "root.der", "ca-crl.der", "root-crl.der"];

impl Chain {
    fn new(directory: &Path) -> Result<Self, Failure> {
        let (pki, time) = (directory.join("pki"), clock::now());
        pki::init(&pki, &InitOptions::default(), time)?;
        let certificate = |member: Member| -> Result<Vec<u8>, Failure> {
            Ok(evidence_file::certificates(&fs::read(member.certificate_path(&pki))?)?.remove(0).der().to_vec())
        };
        let crl = |authority: Authority| -> Result<Vec<u8>, Failure> {
            Ok(evidence_file::crls(&fs::read(authority.crl_path(&pki))?)?.remove(0).der().to_vec())
        };
        let chain = Self {
            leaf: certificate(Member::Health)?,
            ca: certificate(Member::Ca)?,
            root: certificate(Member::Root)?,
            ca_crl: crl(Authority::Ca)?,
            root_crl: crl(Authority::Root)?,
            usages: antin::core::policy::Policy::held("any-ades").ok_or("no policy")?.document_signing_usages,
            time,
        };
        let parts = [&chain.leaf, &chain.ca, &chain.root, &chain.ca_crl, &chain.root_crl];
        for (name, part) in FILES.iter().zip(parts) {
            fs::write(directory.join(name), part)?;
        }
        Ok(chain)
    }

    fn trust(&self) -> TrustStore {
        TrustStore::new(vec![TrustAnchor::new(decode(&self.root))], Vec::new())
    }

    fn crls(&self) -> CrlSet {
        let list = |der: &[u8]| Arc::new(CertificateList::decode(der).expect("a CRL"));
        CrlSet::new([list(&self.ca_crl), list(&self.root_crl)])
    }

    /// Decodes and validates. With a memory, leaf and CA are found decoded in it; `held`: CRLs decoded and named before.
    fn find(&self, trust: &TrustStore, memory: &Memory, held: Option<&CrlSet>) {
        let decoded = |der: &[u8]| memory.certificate(der).expect("a certificate");
        let (target, links) = (decoded(&self.leaf), [decoded(&self.ca)]);
        let fresh = held.is_none().then(|| self.crls());
        let crls = held.or(fresh.as_ref()).expect("one of both");
        let outcome = find_path(&PathRequest {
            target: &target,
            certificates: &links,
            crls,
            ocsp_responses: &[],
            trust,
            purpose: Purpose::DocumentSigning,
            kind: None,
            document_signing_usages: &self.usages,
            policies: InitialPolicies::default(),
            revocation: RevocationMode::Required,
            maximum_age: MaximumAge::default(),
            time: self.time,
            past: None,
            memory,
            work: &Work::default(),
        });
        let PathOutcome::Valid(path) = black_box(outcome) else { panic!("the path is valid") };
        assert_eq!((path.certificates().len(), path.revocation().len()), (2, 2));
    }
}

fn decode(der: &[u8]) -> Arc<Certificate> {
    Arc::new(Certificate::decode(der).expect("a certificate"))
}

/// `path.c`, built against the libcrypto that Rust's side uses too, and running.
struct Theirs {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl Theirs {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/path.c");
        let program = directory.join("path");
        let built = Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(source).arg("-lcrypto").status()?;
        if !built.success() {
            return Err("cc cannot build benches/path.c: libssl-dev is needed".into());
        }
        let files = FILES.iter().map(|name| directory.join(name));
        let mut process = Command::new(program).args(files).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = process.stdin.take().ok_or("no standard input")?;
        let mut answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut version = String::new();
        answers.read_line(&mut version)?;
        Ok(Self { process, ask, answers, version: version.trim().to_owned() })
    }

    fn round(&mut self, mode: &str) -> Result<Round, Failure> {
        writeln!(self.ask, "{mode}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let figures = line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        let [count, clock, core] = figures[..] else { return Err("OpenSSL's side ended".into()) };
        Ok(Round { clock: clock * 1e6 / count, core: core * 1e6 / count })
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
