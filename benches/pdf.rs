//! Judging PDFs: one of 100 KB beside pyHanko, from octets, the same file; one of 20 MB beside hashing it once, which is what cannot be
//! left out (`docs/performance.md`). Core time, in turns, of each side the least.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::thread;
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
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};
use antin::pki::{self, Authority, InitOptions, Member};
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::pades::prepare::Prepared;
use antin::signing::pades::{PadesOrder, room_for};
use antin::signing::{CadesRequest, CadesSigner, IssuingKey as _};

const PEER_WANTED: f64 = 20.0;
const HASH_WANTED: f64 = 0.8;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
const SMALL: usize = 100 << 10;
const LARGE: usize = 20 << 20;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let directory = tempfile::tempdir().expect("a folder");
    match Scene::new(directory.path()).and_then(|scene| compare(&scene)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench pdf: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(scene: &Scene) -> Result<(), Failure> {
    let large = scene.signed(LARGE)?;
    let (mut judging, mut hashing) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        hashing = hashing.min(round(|| {
            std::hint::black_box(crypto::sha256(&large));
        }));
        judging = judging.min(round(|| scene.judge(&large, &Memory::none())));
    }
    println!("PAdES-B-B of {} octets: hashed {:.1} ms, judged {:.1} ms", large.len(), hashing * 1e3, judging * 1e3);
    println!("  of the speed of hashing: {:.2}  (wanted {HASH_WANTED})", hashing / judging);

    let small = scene.signed(SMALL)?;
    let memory = Memory::bounded();
    let (mut ours, mut remembered, mut pyhanko) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        ours = ours.min(round(|| scene.judge(&small, &Memory::none())));
        remembered = remembered.min(round(|| scene.judge(&small, &memory)));
        let Some(theirs) = scene.pyhanko(&small)? else {
            println!(
                "PAdES-B-B of {} octets: {:.0} µs; SKIPPED: pyHanko (`make oracles` installs it)",
                small.len(),
                ours * 1e6
            );
            return Ok(());
        };
        pyhanko = pyhanko.min(theirs);
    }
    println!("PAdES-B-B of {} octets, revocation required; pyHanko: {:.0} µs", small.len(), pyhanko * 1e6);
    for (what, ours) in [("nothing remembered", ours), ("as the service remembers", remembered)] {
        println!("  antin, {what}: {:.0} µs; ratio {:.1}  (wanted {PEER_WANTED:.0})", ours * 1e6, pyhanko / ours);
    }
    Ok(())
}

/// Seconds of core time of one call.
fn round(mut once: impl FnMut()) -> f64 {
    let (core, start) = (core_time(), Instant::now());
    let mut count = 0.0;
    while start.elapsed() < ROUND {
        once();
        count += 1.0;
    }
    (core_time() - core).as_secs_f64() / count
}

struct Scene {
    pki: PathBuf,
    signer: CadesSigner,
    trust: TrustStore,
    evidence: Evidence,
    policy: Policy,
    time: Time,
}

impl Scene {
    fn new(directory: &Path) -> Result<Self, Failure> {
        let (pki, time) = (directory.join("pki"), clock::now());
        pki::init(&pki, &InitOptions::default(), time)?;
        let certificate = |member: Member| -> Result<Arc<Certificate>, Failure> {
            Ok(Arc::new(evidence_file::certificates(&fs::read(member.certificate_path(&pki))?)?.remove(0)))
        };
        let mut crls = Vec::new();
        for authority in [Authority::Root, Authority::Ca] {
            crls.push(Arc::new(evidence_file::crls(&fs::read(authority.crl_path(&pki))?)?.remove(0)));
        }
        let leaf = certificate(Member::Health)?;
        let key = SoftwareKey::from_pem(&fs::read(Member::Health.key_path(&pki))?, RsaPadding::Pss, &leaf)?;
        Ok(Self {
            signer: CadesSigner::new("bench", key, leaf, &[]),
            trust: TrustStore::new(vec![TrustAnchor::new(certificate(Member::Root)?)], vec![certificate(Member::Ca)?]),
            evidence: Evidence { crls: CrlSet::new(crls), ..Evidence::default() },
            policy: Policy::held("any-ades").ok_or("no policy")?,
            pki,
            time,
        })
    }

    /// A document of one page with an attachment that fills it up, signed at B-B.
    fn signed(&self, size: usize) -> Result<Vec<u8>, Failure> {
        let document = document(size);
        let room = room_for(&self.signer, None, false);
        let prepared = Prepared::signature(&document, &PadesOrder::default(), self.time, room)?;
        let digest = prepared.digest(&document, DigestAlgorithm::Sha256);
        let message = self.signer.sign_in_pdf(&CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: None,
            signing_time: self.time,
            document: None,
        })?;
        Ok(prepared.complete(document, &message)?)
    }

    fn judge(&self, document: &[u8], memory: &Memory) {
        let validation = validation::validate(&ValidationRequest {
            document,
            content: Content::None,
            evidence: &self.evidence,
            trust: &self.trust,
            policy: &self.policy,
            revocation: RevocationMode::Required,
            time: self.time,
            memory,
        });
        let report = Report::new(&validation.expect("readable"), &self.policy, RevocationMode::Required, self.time);
        assert_eq!((report.reliance.outcome, report.signatures[0].format), (Outcome::Accept, "PAdES-BASELINE-B"));
    }

    fn pyhanko(&self, document: &[u8]) -> Result<Option<f64>, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let venv = root.join("target/oracles/venv");
        if !venv.join("installed").exists() {
            return Ok(None);
        }
        let file = self.pki.join("small.pdf");
        fs::write(&file, document)?;
        let mut command = Command::new(venv.join("bin/python"));
        command.arg("-B").arg(root.join("benches/pyhanko_pdf.py")).arg(ROUND.as_secs().to_string()).arg(&file);
        command.arg(Member::Root.certificate_path(&self.pki)).arg(Member::Ca.certificate_path(&self.pki));
        command.arg(Authority::Root.crl_path(&self.pki)).arg(Authority::Ca.crl_path(&self.pki));
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let seconds = text.trim().parse().map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Some(seconds))
    }
}

/// About so many octets, with a cross-reference table.
fn document(size: usize) -> Vec<u8> {
    let filler: Vec<u8> =
        (0..size as u64).map(|index| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let text = b"BT /F1 12 Tf 72 720 Td (Bench) Tj ET";
    let stream = |dictionary: &str, data: &[u8]| {
        let head = format!("<<{dictionary}/Length {}>>\nstream\n", data.len());
        [head.as_bytes(), data, b"\nendstream"].concat()
    };
    let objects: [Vec<u8>; 7] = [
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(filler)6 0 R]>>>>>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_vec(),
        stream("", text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
        b"<</Type/Filespec/F(filler)/UF(filler)/EF<</F 7 0 R>>>>".to_vec(),
        stream("/Type/EmbeddedFile", &filler),
    ];
    let mut octets = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", octets.len()));
        octets.extend(format!("{} 0 obj\n", index + 1).into_bytes());
        octets.extend(object);
        octets.extend(b"\nendobj\n");
    }
    let start = octets.len();
    octets.extend(table.into_bytes());
    octets.extend(
        format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).into_bytes(),
    );
    octets
}

/// Time this thread had a core for.
fn core_time() -> Duration {
    // The kernel's figure is brought up to date when a thread gives way.
    thread::yield_now();
    let figures = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = figures.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
