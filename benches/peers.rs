//! Our B-LTA signature, its evidence embedded, judged by us and by pyHanko: the same file, the same machine, nothing held but the root
//! (`docs/performance.md`). pyHanko passes over the archive time-stamp, which we judge too.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use antin::clock;
use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::SignedData;
use antin::core::cms::build::attribute;
use antin::core::cms::timestamp_exchange::{TimeStampRequest, decode_response};
use antin::core::cms::unsigned::{add_attribute, add_signature_time_stamp};
use antin::core::crypto;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::evidence_file;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::policy::{EmbeddedRevocation, Policy, RevocationMode};
use antin::core::report::{Outcome, Report};
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::tsa::TimeStampingAuthority;
use antin::pki::{self, Authority, InitOptions, Member};
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::long_term::{Judgement, archived, raise_to_long_term};
use antin::signing::{CadesRequest, CadesSigner, IssuingKey as _};

const WANTED: f64 = 20.0;
/// Both sides take turns of this length, so many times; of each the least core time counts.
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
/// Before now: the PKI is made, the signature and its time-stamps some seconds later.
const BEGUN: i64 = -600;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join("target/oracles/venv");
    if !venv.join("installed").exists() {
        println!("SKIPPED: pyHanko is not installed (`make oracles` installs it)");
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let paper = Paper::new(directory.path())?;
    let (file, content) = (directory.path().join("b-lta.p7s"), directory.path().join("content"));
    fs::write(&file, &paper.message)?;
    fs::write(&content, &paper.content)?;
    let theirs = || -> Result<(f64, String), Failure> {
        let mut command = Command::new(venv.join("bin/python"));
        command.arg("-B").arg(root.join("tests/oracles/pyhanko_oracle.py")).arg("bench");
        command.arg("--root").arg(Member::Root.certificate_path(&paper.pki)).arg("--content").arg(&content);
        let output = command.arg("--seconds").arg(ROUND.as_secs().to_string()).arg(&file).output()?;
        if !output.status.success() {
            return Err(format!("pyHanko: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let seconds = answer["seconds"].as_f64().ok_or("no figure")?;
        Ok((seconds, answer["version"].as_str().unwrap_or_default().to_owned()))
    };
    let (nothing, memory) = (Memory::none(), Memory::bounded());
    let (mut ours, mut remembered) = (f64::INFINITY, f64::INFINITY);
    let (mut pyhanko, mut version) = (f64::INFINITY, String::new());
    for _ in 0..ROUNDS {
        ours = ours.min(paper.round(&nothing));
        remembered = remembered.min(paper.round(&memory));
        let (seconds, said) = theirs()?;
        (pyhanko, version) = (pyhanko.min(seconds), said);
    }
    println!("B-LTA of {} octets, content of {}, nothing held but the root", paper.message.len(), paper.content.len());
    println!("  pyHanko {version}: {:.0} µs of core time", pyhanko * 1e6);
    for (what, ours) in [("nothing remembered", ours), ("as the service remembers", remembered)] {
        println!("  antin, {what}: {:.0} µs; ratio {:.1}  (wanted {WANTED:.0})", ours * 1e6, pyhanko / ours);
    }
    Ok(())
}

struct Paper {
    pki: std::path::PathBuf,
    content: Vec<u8>,
    message: Vec<u8>,
    trust: TrustStore,
    policy: Policy,
    time: Time,
}

impl Paper {
    /// 1 KiB, signed detached by a P-256 key at B-LTA.
    fn new(directory: &Path) -> Result<Self, Failure> {
        let (pki, time) = (directory.join("pki"), clock::now());
        let begun = time.plus_seconds(BEGUN);
        pki::init(&pki, &InitOptions::default(), begun)?;
        let certificate = |member: Member| -> Result<Certificate, Failure> {
            Ok(evidence_file::certificates(&fs::read(member.certificate_path(&pki))?)?.remove(0))
        };
        let crl = |authority: Authority| -> Result<Arc<CertificateList>, Failure> {
            Ok(Arc::new(evidence_file::crls(&fs::read(authority.crl_path(&pki))?)?.remove(0)))
        };
        let leaf = certificate(Member::Health)?;
        let key = SoftwareKey::from_pem(&fs::read(Member::Health.key_path(&pki))?, RsaPadding::Pss, &leaf)?;
        let signer = CadesSigner::new("bench", key, Arc::new(leaf), &[]);
        let content = vec![0x5A; 1024];
        let digest = crypto::sha256(&content);
        let message = signer.sign_cades(&CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: None,
            signing_time: begun.plus_seconds(1),
            document: None,
        })?;
        let authority = TimeStampingAuthority::load(&pki)?;
        let token = |octets: &[u8], time: Time| -> Result<Vec<u8>, Failure> {
            let digest = crypto::sha256(octets);
            let algorithm = DigestAlgorithm::Sha256;
            let request = TimeStampRequest {
                algorithm,
                digest: &digest,
                policy: None,
                nonce: Some(&[7]),
                wants_certificate: true,
            };
            let answer = authority.answer(&request.encode(), time)?;
            Ok(decode_response(&answer).map_err(|fault| format!("{fault:?}"))?.to_vec())
        };
        let value = SignedData::decode(&message)?.signer_infos[0].signature.to_vec();
        let stamped = add_signature_time_stamp(&message, 0, &token(&value, begun.plus_seconds(2))?)?;
        let trust = TrustStore::new(vec![TrustAnchor::new(Arc::new(certificate(Member::Root)?))], Vec::new());
        let held = Policy::held("any-ades").ok_or("no policy")?;
        let evidence = Evidence {
            certificates: vec![Arc::new(certificate(Member::Ca)?)],
            crls: CrlSet::new([crl(Authority::Root)?, crl(Authority::Ca)?]),
            ..Evidence::default()
        };
        let judgement =
            Judgement { content: Content::Bytes(&content), evidence: &evidence, trust: &trust, policy: &held, time };
        let mut long_term = stamped;
        raise_to_long_term(&mut long_term, judgement)?;
        let (octets, index) = archived(&long_term, 0, Content::Bytes(&content))?;
        let token = token(&octets, begun.plus_seconds(3))?;
        let token = add_attribute(&token, 0, &attribute(oid::ATS_HASH_INDEX_V3, &index))?;
        let message = add_attribute(&long_term, 0, &attribute(oid::ARCHIVE_TIME_STAMP_V3, &token))?;
        let policy = Policy { embedded_revocation: EmbeddedRevocation::Counts, ..held };
        Ok(Self { pki, content, message, trust, policy, time })
    }

    /// Seconds of core time for one judgement and its report, from octets.
    fn round(&self, memory: &Memory) -> f64 {
        let (core, start) = (core_time(), Instant::now());
        let mut count = 0.0;
        while start.elapsed() < ROUND {
            self.judge(memory);
            count += 1.0;
        }
        (core_time() - core).as_secs_f64() / count
    }

    fn judge(&self, memory: &Memory) {
        let validation = validation::validate(&ValidationRequest {
            document: &self.message,
            content: Content::Bytes(&self.content),
            evidence: &Evidence::default(),
            trust: &self.trust,
            policy: &self.policy,
            revocation: RevocationMode::Required,
            time: self.time,
            memory,
        });
        let report = Report::new(&validation.expect("readable"), &self.policy, RevocationMode::Required, self.time);
        let signature = &report.signatures[0];
        assert_eq!((report.reliance.outcome, signature.format), (Outcome::Accept, "CAdES-BASELINE-LTA"));
        assert!(signature.timestamps.iter().all(|stamp| stamp.code == "passed"));
    }
}

/// Time this thread had a core for.
fn core_time() -> Duration {
    // The kernel's figure is brought up to date when a thread gives way.
    thread::yield_now();
    let figures = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = figures.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
