//! Signed PDF files that others made, from the folder `$ANTIN_VECTORS`; without it these tests say so and return.

use std::fs;

use antin::core::evidence::Evidence;
use antin::core::policy::RevocationMode;
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::verdict::Indication;
use antin::core::x509::{TrustAnchor, TrustStore};

use crate::flips::tops;
use crate::kit::pdf::scan;
use crate::kit::vectors;
use crate::kit::verdict::{Judge, PASSED, line};

/// What passes with an anchor, and how many signatures and time-stamps of the document it has.
pub const WHOLE: [(&str, usize); 6] = [
    ("esteid-B.pdf", 1),
    ("esteid-LT.pdf", 1),
    ("esteid-LTA.pdf", 2),
    ("esteid-T.pdf", 1),
    ("hello-lt-p256.pdf", 2),
    ("signed-original.pdf", 1),
];
const WEAK: &str = "hello-lt-p256.pdf";
const BAD: [&str; 3] = ["bad-added-page.pdf", "bad-byterange-overlap.pdf", "bad-shadow-hide.pdf"];

/// A file, and under what it passes.
pub struct Wild {
    pub octets: Vec<u8>,
    pub trust: TrustStore,
    /// The last second of the certificate of its first signer.
    pub time: Time,
}

impl Wild {
    pub fn read(name: &str) -> Option<Self> {
        let octets = fs::read(vectors::find("wild/pades")?.join(name)).expect(name);
        let messages: Vec<Vec<u8>> =
            scan::messages(&octets).iter().map(|place| scan::message(&octets, place)).collect();
        let all: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let (tops, below) = tops(&all);
        // The signer's certificate is signed with SHA-1: it must be trusted itself.
        let (tops, below) =
            if name == WEAK { (tops.into_iter().chain(below).collect(), Vec::new()) } else { (tops, below) };
        let trust = TrustStore::new(tops.into_iter().map(TrustAnchor::new).collect(), below);
        let found = nobody(&octets);
        let signer = found.signatures.first().and_then(|signature| signature.signer.as_ref().ok());
        let time = signer.map_or(AT, |signer| signer.not_after);
        Some(Self { octets, trust, time })
    }
}

const AT: Time = Time::from_unix(1_767_225_600);

/// Judged without an anchor, at the beginning of 2026.
fn nobody(octets: &[u8]) -> antin::core::validation::Validation {
    let (evidence, trust) = (Evidence::default(), TrustStore::new(Vec::new(), Vec::new()));
    let judge = Judge { evidence: &evidence, trust: &trust, time: AT, ..Judge::default() };
    judge.validate(octets, Content::None).expect("a PDF")
}

#[test]
fn pdf_files_of_other_products_get_their_verdicts() {
    let Some(folder) = vectors::find("wild/pades") else { return };
    for (name, count) in WHOLE {
        let wild = Wild::read(name).expect("the folder is there");
        let without = nobody(&wild.octets);
        assert_eq!(line(&without.verdict), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path", "{name}");
        for signature in &without.signatures {
            assert!(matches!(signature.signature, Some(Ok(_))), "{name}: the signature is right");
            assert!(matches!(signature.digest, Some(Ok(_))), "{name}: the digest is right");
        }
        assert_eq!(scan::messages(&wild.octets).len(), count, "{name}");
        for revocation in [RevocationMode::Off, RevocationMode::IfAvailable] {
            let evidence = Evidence::default();
            let judge =
                Judge { evidence: &evidence, trust: &wild.trust, revocation, time: wild.time, policy: "any-ades" };
            let found = judge.validate(&wild.octets, Content::None).expect("a PDF");
            assert_eq!(line(&found.verdict), PASSED, "{name} with an anchor, {revocation:?}");
        }
    }
    for name in BAD {
        let wild = Wild::read(name).expect("the folder is there");
        let without = nobody(&wild.octets);
        assert_ne!(without.verdict.indication(), Indication::TotalPassed, "{name}");
        if name != "bad-shadow-hide.pdf" {
            assert_eq!(without.verdict.indication(), Indication::TotalFailed, "{name}: {}", line(&without.verdict));
        }
        let evidence = Evidence::default();
        let (revocation, policy) = (RevocationMode::Off, "any-ades");
        let judge = Judge { evidence: &evidence, trust: &wild.trust, revocation, time: wild.time, policy };
        let found = judge.validate(&wild.octets, Content::None).expect("a PDF");
        assert_ne!(found.verdict.indication(), Indication::TotalPassed, "{name} with an anchor");
    }
    let files = fs::read_dir(&folder).expect("the folder").filter_map(Result::ok).map(|entry| entry.file_name());
    let unknown: Vec<_> = files
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".pdf"))
        .filter(|name| !BAD.contains(&name.as_str()) && !WHOLE.iter().any(|(known, _)| known == name))
        .collect();
    assert_eq!(unknown, [""; 0], "files without an expectation");
}
