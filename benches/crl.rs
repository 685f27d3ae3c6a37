//! A CRL of a million entries: decoded, verified, written again, put into the snapshot of a running cache, and asked (`docs/performance.md`).
//! While it is loaded, another thread goes on verifying documents: how long its requests take then, beside before.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::revocation::{CrlSource, RevocationSettings};
use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::crypto;
use antin::core::der::{tag, writer};
use antin::core::evidence_file;
use antin::core::memory::{self, Memory};
use antin::core::oid;
use antin::core::path::Work;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::{Outcome, Report};
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::certificate::Issuer;
use antin::pki::{self, Authority, InitOptions, Member};
use antin::revocation::{RevocationCache, SharedEvidence};
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::{CadesRequest, CadesSigner};
use arc_swap::ArcSwap;

const ENTRIES: usize = 1_000_000;
/// Octets of a serial number, drawn at random as authorities do.
const SERIAL: usize = 16;
const LOOKUPS: usize = 1_000_000;
const BYTES_WANTED: f64 = 48.0;
const LOOKUP_WANTED: f64 = 1.0;
/// How long requests are measured before the load.
const QUIET: Duration = Duration::from_secs(3);
/// Loads while requests are measured.
const LOADS: u128 = 3;

fn main() {
    println!("{} (CRL of {ENTRIES} entries, serial numbers of {SERIAL} octets, P-256)", openssl::version::version());
    let scene = Scene::new();
    for reason in [None, Some(1)] {
        scene.measure_list(reason);
    }
    scene.measure_swap();
}

/// A development PKI, a document signed in it, and its lists as files.
struct Scene {
    directory: tempfile::TempDir,
    trust: Arc<TrustStore>,
    issuer: Issuer,
    content: Vec<u8>,
    signature: Vec<u8>,
    time: Time,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let time = clock::now();
        pki::init(directory.path(), &InitOptions::default(), time).expect("a PKI");
        let read = |member: Member| {
            let file = fs::read(member.certificate_path(directory.path())).expect("a file");
            Arc::new(evidence_file::certificates(&file).expect("a certificate").remove(0))
        };
        let trust = TrustStore::new(vec![TrustAnchor::new(read(Member::Root))], vec![read(Member::Ca)]);
        let leaf = read(Member::Health);
        let pem = fs::read(Member::Health.key_path(directory.path())).expect("a key");
        let key = SoftwareKey::from_pem(&pem, RsaPadding::Pss, &leaf).expect("a key");
        let content = vec![0x5A; 1024];
        let digest = crypto::sha256(&content);
        let signer = CadesSigner::new("bench", key, leaf, &[]);
        let request = CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: None,
            signing_time: time,
            document: None,
        };
        let signature = signer.sign_unchecked(&request).expect("a signature");
        let issuer = Issuer::load(directory.path(), Authority::Ca).expect("the CA");
        Self { trust: Arc::new(trust), issuer, content, signature, time, directory }
    }

    fn ca(&self) -> &Arc<Certificate> {
        &self.trust.intermediates()[0]
    }

    /// The CA's list number `number`.
    fn list(&self, number: u128, reason: Option<u8>) -> Vec<u8> {
        let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256).encode();
        let date = writer::time(self.time);
        let entry_extensions = reason.map_or_else(Vec::new, |reason| {
            let value = writer::octet_string(&writer::element(tag::ENUMERATED, &[reason]));
            writer::sequence(&[&writer::sequence(&[&writer::object_identifier(oid::REASON_CODE), &value])])
        });
        let mut entries = Vec::with_capacity(ENTRIES * 56);
        for index in 0..ENTRIES {
            let serial_number = writer::element(tag::INTEGER, &serial_number(index));
            writer::push_header(&mut entries, tag::SEQUENCE, serial_number.len() + date.len() + entry_extensions.len());
            for part in [&serial_number, &date, &entry_extensions] {
                entries.extend_from_slice(part);
            }
        }
        let number = writer::octet_string(&writer::unsigned(&number.to_be_bytes()));
        let extensions =
            writer::sequence(&[&writer::sequence(&[&writer::object_identifier(oid::CRL_NUMBER), &number])]);
        let to_be_signed = writer::sequence(&[
            &writer::unsigned(&[1]),
            &algorithm,
            self.ca().subject.der(),
            &date,
            &writer::time(self.time.plus_seconds(86_400)),
            &writer::element(tag::SEQUENCE, &entries),
            &writer::element(tag::context(0), &extensions),
        ]);
        drop(entries);
        let signature = self.issuer.key().sign(&to_be_signed).expect("a signature");
        let signature = writer::concatenated(tag::BIT_STRING, &[&[0], &signature]);
        writer::sequence(&[&to_be_signed, &algorithm, &signature])
    }

    /// Memory, decoding, verification and look-ups of one list alone.
    fn measure_list(&self, reason: Option<u8>) {
        let der = self.list(2, reason);
        println!(
            "\nentries {} a reason code: {:.1} octets each in DER",
            if reason.is_some() { "with" } else { "without" },
            per_entry(der.len())
        );
        let before = resident();
        let start = Instant::now();
        let list = CertificateList::decode(&der).expect("a CRL");
        let decoded = start.elapsed();
        let grown = per_entry(resident().saturating_sub(before));
        let start = Instant::now();
        assert!(memory::verify_crl(&Memory::none(), self.ca(), &list, &Work::default()));
        println!("  decode {decoded:.0?}, verify {:.0?}", start.elapsed());
        println!("  memory {:.1} bytes an entry  (wanted {BYTES_WANTED:.0})", per_entry(list.size()));
        println!("  the process grew by {grown:.1} bytes an entry, what it kept of earlier lists not counted");
        let start = Instant::now();
        let again = list.der();
        println!("  DER made again {:.0?}", start.elapsed());
        assert!(again == der);
        drop(again);
        // Drawn beforehand in an order of their own, so that neither the numbers nor the caches help.
        for (name, first, present) in [("present", 0, true), ("absent", ENTRIES, false)] {
            let numbers: Vec<_> = (0..LOOKUPS).map(|at| serial_number(first + at * 7919 % ENTRIES)).collect();
            let start = Instant::now();
            for number in &numbers {
                assert_eq!(black_box(list.entry(&list.issuer, number)).is_some(), present);
            }
            let each = start.elapsed().as_secs_f64() * 1e6 / LOOKUPS as f64;
            println!("  look-up, {name}: {each:.2} µs  (wanted {LOOKUP_WANTED:.0})");
        }
    }

    /// Requests before and while the running cache takes new lists from its file.
    fn measure_swap(&self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let source = |path: PathBuf| CrlSource { file: Some(path), ..CrlSource::default() };
        let big = self.directory.path().join("big.crl");
        write(&big, &self.list(2, Some(1)));
        let settings = RevocationSettings {
            sources: vec![source(Authority::Root.crl_path(self.directory.path())), source(big.clone())],
            marks_file: self.directory.path().join("marks.json"),
            maximum_bytes: 128 << 20,
            start_timeout_seconds: 60,
            ..RevocationSettings::default()
        };
        let memory = Arc::new(Memory::bounded());
        let trust = Arc::new(ArcSwap::new(Arc::clone(&self.trust)));
        let cache = runtime.block_on(RevocationCache::start(&settings, trust, Arc::clone(&memory))).expect("a cache");
        let evidence = cache.evidence();
        assert_eq!(entries(&evidence), ENTRIES);

        let lists: Vec<Vec<u8>> = (0..LOADS).map(|at| self.list(3 + at, Some(1))).collect();
        let policy = Policy::held("any-ades").expect("held");
        let quiet = AtomicBool::new(true);
        let (quiet_latencies, busy_latencies, loads) = thread::scope(|scope| {
            let verifying = scope.spawn(|| {
                let (mut before, mut during) = (Vec::with_capacity(1 << 17), Vec::with_capacity(1 << 17));
                let start = Instant::now();
                while start.elapsed() < QUIET {
                    before.push(self.request(&evidence, &policy, &memory));
                }
                quiet.store(false, Ordering::Release);
                while !quiet.load(Ordering::Acquire) {
                    during.push(self.request(&evidence, &policy, &memory));
                }
                (before, during)
            });
            while quiet.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(1));
            }
            let mut loads = Vec::new();
            for list in &lists {
                let (held, start) = (snapshot(&evidence), Instant::now());
                write(&big, list);
                // The cache looks at the file by itself, on its own threads.
                while snapshot(&evidence) == held {
                    thread::sleep(Duration::from_millis(1));
                }
                loads.push(start.elapsed());
            }
            quiet.store(true, Ordering::Release);
            let (before, during) = verifying.join().expect("every request was accepted");
            (before, during, loads)
        });
        println!("\na new list in the cache's file, to its snapshot (up to 500 ms until it is seen): {loads:.0?}");
        let quiet = Latencies::of(quiet_latencies);
        let busy = Latencies::of(busy_latencies);
        println!("  requests before: {quiet}");
        println!("  requests during: {busy}");
        let ratio = |busy: Duration, quiet: Duration| busy.as_secs_f64() / quiet.as_secs_f64();
        println!(
            "  ratio p50 {:.2}, p99 {:.2}, longest {:.2}",
            ratio(busy.median, quiet.median),
            ratio(busy.p99, quiet.p99),
            ratio(busy.longest, quiet.longest)
        );
    }

    /// How long one request took, reached as the service reaches it.
    fn request(&self, evidence: &SharedEvidence, policy: &Policy, memory: &Memory) -> Duration {
        let start = Instant::now();
        let evidence = evidence.load();
        let validation = validation::validate(&ValidationRequest {
            document: &self.signature,
            content: Content::Bytes(&self.content),
            evidence: &evidence,
            trust: &self.trust,
            policy,
            revocation: RevocationMode::Required,
            time: self.time,
            memory,
        });
        let report = Report::new(&validation.expect("readable"), policy, RevocationMode::Required, self.time);
        assert_eq!(report.reliance.outcome, Outcome::Accept);
        drop(evidence);
        start.elapsed()
    }
}

/// A serial number of [`SERIAL`] octets, positive, in no order: the multiplication is a permutation of the indices.
fn serial_number(index: usize) -> [u8; SERIAL] {
    let mixed = (index as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let mut octets = mixed.to_be_bytes();
    octets[0] = octets[0] & 0x3F | 0x40;
    octets
}

fn per_entry(bytes: usize) -> f64 {
    bytes as f64 / ENTRIES as f64
}

/// Octets of memory this process has now.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Replaces a file as a whole.
fn write(path: &Path, bytes: &[u8]) {
    let fresh = path.with_extension("fresh");
    fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path)).expect("written");
}

fn snapshot(evidence: &SharedEvidence) -> Option<u64> {
    evidence.load().crls.snapshot()
}

/// Entries of the longest list.
fn entries(evidence: &SharedEvidence) -> usize {
    evidence.load().crls.iter().map(|list| list.len()).max().unwrap_or(0)
}

struct Latencies {
    count: usize,
    median: Duration,
    p99: Duration,
    longest: Duration,
}

impl Latencies {
    fn of(mut each: Vec<Duration>) -> Self {
        each.sort_unstable();
        let at = |share: usize| each[(each.len() - 1) * share / 100];
        Self { count: each.len(), median: at(50), p99: at(99), longest: at(100) }
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, median, p99, longest } = self;
        write!(formatter, "{count}, p50 {median:.0?}, p99 {p99:.0?}, longest {longest:.0?}")
    }
}
