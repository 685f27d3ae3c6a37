//! Verifying and signing one small document, each beside the bare P-256 operation of the same OpenSSL in the same run
//! (`docs/performance.md`). First the ratios, measured in turns so that noise falls on both alike; then criterion's figures.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::evidence_file;
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::{Outcome, Report};
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::{self, InitOptions};
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::{CadesRequest, CadesSigner, IssuingKey as _};
use criterion::Criterion;
use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::pkey::Private;

/// Rounds of a comparison; the median ratio is printed.
const ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(40);

struct Scene {
    content: Vec<u8>,
    signature: Vec<u8>,
    signer: CadesSigner,
    root: Vec<u8>,
    ca: Vec<u8>,
    crls: Vec<Vec<u8>>,
    raw_key: EcKey<Private>,
    time: Time,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let path = |name: &str| directory.path().join(name);
        let time = clock::now();
        pki::init(directory.path(), &InitOptions::default(), time).expect("a PKI");
        let certificate = |name: &str| {
            let file = std::fs::read(path(name)).expect("a file");
            Arc::new(evidence_file::certificates(&file).expect("a certificate").remove(0))
        };
        let crl = |name: &str| {
            let file = std::fs::read(path(name)).expect("a file");
            evidence_file::crls(&file).expect("a CRL").remove(0).der().to_vec()
        };
        let leaf = certificate("signers/health.crt");
        let pem = std::fs::read(path("signers/health.key")).expect("a key");
        let key = SoftwareKey::from_pem(&pem, RsaPadding::Pss, &leaf).expect("a key");
        let raw_key = openssl::pkey::PKey::private_key_from_pem(&pem).and_then(|key| key.ec_key()).expect("a key");
        let signer = CadesSigner::new("bench", key, leaf, &[]);
        let content = vec![0x5A; 1024];
        let digest = crypto::sha256(&content);
        let request = CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: None,
            signing_time: time,
            document: None,
        };
        let signature = signer.sign_cades(&request).expect("a signature");
        Self {
            content,
            signature,
            signer,
            root: certificate("root.crt").der().to_vec(),
            ca: certificate("ca.crt").der().to_vec(),
            crls: vec![crl("crl/root.crl"), crl("crl/ca.crl")],
            raw_key,
            time,
        }
    }

    fn trust(&self) -> TrustStore {
        let decode = |der: &[u8]| Arc::new(Certificate::decode(der).expect("a certificate"));
        TrustStore::new(vec![TrustAnchor::new(decode(&self.root))], vec![decode(&self.ca)])
    }

    fn evidence(&self) -> Evidence {
        let crls = self.crls.iter().map(|der| Arc::new(CertificateList::decode(der).expect("a CRL")));
        Evidence { crls: CrlSet::new(crls), ..Evidence::default() }
    }

    fn verify(&self, trust: &TrustStore, evidence: &Evidence, policy: &Policy, memory: &Memory) -> Report {
        let validation = validation::validate(&ValidationRequest {
            document: &self.signature,
            content: Content::Bytes(&self.content),
            evidence,
            trust,
            policy,
            revocation: RevocationMode::Required,
            time: self.time,
            memory,
        });
        let report = Report::new(&validation.expect("readable"), policy, RevocationMode::Required, self.time);
        assert_eq!(report.reliance.outcome, Outcome::Accept);
        report
    }

    fn sign(&self) -> Vec<u8> {
        let digest = crypto::sha256(&self.content);
        let request = CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: None,
            signing_time: self.time,
            document: None,
        };
        self.signer.sign_unchecked(&request).expect("a signature")
    }
}

/// Operations a second of `work` over one round.
fn rate(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            work();
        }
        count += 8;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Prints the median ratio of `work` to `yardstick` (times `share`), measured in turns.
fn compare(name: &str, target: f64, share: f64, yardstick: &mut dyn FnMut(), work: &mut dyn FnMut()) {
    let mut rounds: Vec<(f64, f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let (bare, ours) = (rate(yardstick) * share, rate(work));
            (ours / bare, ours, bare)
        })
        .collect();
    rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (ratio, ours, bare) = rounds[ROUNDS / 2];
    let wanted = if target > 0.0 { format!("  (wanted {target:.2})") } else { String::new() };
    println!("{name:44} {ours:>9.0}/s of {bare:>9.0}/s  ratio {ratio:.2}{wanted}");
}

fn main() {
    let scene = Scene::new();
    let policy = Policy::held("any-ades").expect("held");
    let memory = Memory::bounded();
    let trust = scene.trust();
    let mut evidence = scene.evidence();
    evidence.crls = evidence.crls.with_snapshot(1);
    let digest = crypto::sha256(&scene.content);
    let raw_signature = EcdsaSig::sign(&digest, &scene.raw_key).expect("a signature");
    let public = EcKey::from_public_key(scene.raw_key.group(), scene.raw_key.public_key()).expect("a key");

    let mut raw_verify = || assert!(raw_signature.verify(black_box(&digest), &public).expect("verified"));
    let mut raw_sign = || drop(black_box(EcdsaSig::sign(black_box(&digest), &scene.raw_key).expect("signed")));
    let mut known = || drop(black_box(scene.verify(&trust, &evidence, &policy, &memory)));
    let held = scene.evidence();
    let mut unknown = || drop(black_box(scene.verify(&trust, &held, &policy, &Memory::none())));
    let mut undecoded = || {
        drop(black_box(scene.verify(&scene.trust(), &scene.evidence(), &policy, &Memory::none())));
    };
    let mut sign = || drop(black_box(scene.sign()));
    println!("{} (1 KiB document, detached CAdES-B-B, P-256)", openssl::version::version());
    compare("verify, chain and CRL known", 0.75, 1.0, &mut raw_verify, &mut known);
    compare("verify, nothing remembered (a fifth of raw)", 0.90, 0.2, &mut raw_verify, &mut unknown);
    compare("the same, anchors and CRLs decoded anew", 0.0, 0.2, &mut raw_verify, &mut undecoded);
    compare("sign, without the self-check", 0.60, 1.0, &mut raw_sign, &mut sign);

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("raw P-256 verify", |bencher| bencher.iter(&mut raw_verify));
    criterion.bench_function("verify, chain and CRL known", |bencher| bencher.iter(&mut known));
    criterion.bench_function("verify, nothing remembered", |bencher| bencher.iter(&mut unknown));
    criterion.bench_function("raw P-256 sign", |bencher| bencher.iter(&mut raw_sign));
    criterion.bench_function("sign, without the self-check", |bencher| bencher.iter(&mut sign));
    criterion.final_summary();
}
