//! Signatures and certificates that others made, from the folder `$ANTIN_VECTORS` (by default `../shared/vectors`). They are
//! no part of this project; without the folder these tests say so and return.

use std::fs;
use std::sync::Arc;

use antin::core::cms::SignedData;
use antin::core::der::{Reader, ber};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::path::{self, InitialPolicies, PathFault, PathOutcome, PathRequest, Work};
use antin::core::policy::{MaximumAge, Policy, Purpose, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::timestamp::{TimestampKind, TimestampValidation};
use antin::core::validation::{Content, Validation};
use antin::core::verdict::Indication;
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};
use base64::Engine;

use crate::kit::vectors;
use crate::kit::verdict::{Judge, PASSED, UNREADABLE, line};

/// Each message with the content beside it.
const MESSAGES: [(&str, Option<&str>); 14] = [
    ("bad-double-signing-certificate.p7m", None),
    ("bad-hello-enveloping-broken.p7m", None),
    ("ber-reordered.p7m", None),
    ("esteid-B-detached.p7s", Some("esteid.txt")),
    ("esteid-LT-detached.p7s", Some("esteid.txt")),
    ("esteid-LTA-detached.p7s", Some("esteid.txt")),
    ("esteid-T-detached.p7s", Some("esteid.txt")),
    ("hello-detached.p7s", Some("hello.txt")),
    ("hello-enveloping.p7m", None),
    ("lta-10.p7m", None),
    ("test-attached.p7m", None),
    ("test-detached.p7s", Some("test.txt")),
    // Detached signatures beside the wrong document.
    ("hello-detached.p7s", Some("test.txt")),
    ("esteid-B-detached.p7s", Some("hello.txt")),
];

/// What must become of them with an anchor: the lines that follow from the notes beside the files.
fn expected_with_anchor(name: &str, content: Option<&str>) -> &'static str {
    match (name, content) {
        ("bad-double-signing-certificate.p7m", _) => "TOTAL-FAILED FORMAT_FAILURE signed-attribute-twice",
        ("bad-hello-enveloping-broken.p7m", _) => "TOTAL-FAILED HASH_FAILURE document-changed",
        ("ber-reordered.p7m", _) => "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-key-weak",
        ("hello-detached.p7s", Some("test.txt")) | ("esteid-B-detached.p7s", Some("hello.txt")) => {
            "TOTAL-FAILED HASH_FAILURE document-changed"
        }
        _ => PASSED,
    }
}

/// Over what the time-stamps are, in their order.
fn expected_stamps(name: &str) -> &'static [TimestampKind] {
    use TimestampKind::{ArchiveV2, ArchiveV3, Signature};
    match name {
        "esteid-T-detached.p7s" | "esteid-LT-detached.p7s" => &[Signature],
        "esteid-LTA-detached.p7s" => &[Signature, ArchiveV3],
        "lta-10.p7m" => &[ArchiveV3, ArchiveV2, Signature],
        "test-attached.p7m" | "test-detached.p7s" => &[ArchiveV2, Signature],
        _ => &[],
    }
}

fn kinds(timestamps: &[TimestampValidation]) -> Vec<TimestampKind> {
    timestamps.iter().map(|timestamp| timestamp.kind).collect()
}

/// The certificates of a message and the signer's, followed upwards as far as they go.
fn chain(message: &[u8], validation: &Validation) -> Vec<Arc<Certificate>> {
    let normalised = ber::normalise_content_info(message).expect("a message");
    let decoded = SignedData::decode(&normalised).expect("a message");
    let held: Vec<Arc<Certificate>> =
        decoded.certificates.iter().filter_map(|der| Certificate::decode(der).ok()).map(Arc::new).collect();
    let Ok(signer) = &validation.signatures[0].signer else { return Vec::new() };
    let mut chain = vec![Arc::clone(signer)];
    while let Some(last) = chain.last() {
        let above = held.iter().find(|above| above.subject == last.issuer && !chain.contains(above));
        match above {
            Some(above) => chain.push(Arc::clone(above)),
            None => break,
        }
    }
    chain
}

#[test]
fn signatures_of_other_products_get_their_verdicts() {
    let Some(folder) = vectors::find("wild/cades") else { return };
    let nobody = TrustStore::new(Vec::new(), Vec::new());
    let evidence = Evidence::default();
    for (name, content_name) in MESSAGES {
        let mut message = fs::read(folder.join(name)).expect(name);
        let content_bytes = content_name.map(|name| fs::read(folder.join(name)).expect(name));
        let content = content_bytes.as_ref().map_or(Content::None, |bytes| Content::Bytes(bytes));
        let judge = Judge {
            evidence: &evidence,
            trust: &nobody,
            policy: "any-ades",
            revocation: RevocationMode::Required,
            time: Time::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time"),
        };
        if name == "bad-double-signing-certificate.p7m" {
            // Taken out of a PDF with the zeros behind it: no message as it stands.
            assert_eq!(judge.verdict(&message, content), UNREADABLE);
            message.truncate(Reader::new(&message).read().expect("a message").raw.len());
        }
        // The verdict without anchors: integrity is judged all the same.
        let without = judge.validate(&message, content).expect("a message");
        let expected = expected_with_anchor(name, content_name);
        if expected == PASSED {
            let found = line(&without.verdict);
            assert_eq!(found, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path", "{name}");
            assert!(matches!(without.signatures[0].signature, Some(Ok(_))), "{name}: the signature is right");
            assert!(matches!(without.signatures[0].digest, Some(Ok(_))), "{name}: the digest is right");
            let timestamps = &without.signatures[0].timestamps;
            assert_eq!(kinds(timestamps), expected_stamps(name), "{name}");
            for timestamp in timestamps {
                assert!(timestamp.is_genuine(), "{name}: the time-stamp is right");
                assert!(timestamp.outcome.is_err(), "{name}: and proves nothing to whom nobody vouches for it");
            }
        } else {
            assert_eq!(line(&without.verdict), expected, "{name} without an anchor");
        }
        let level =
            ["-B-", "-T-", "-LT-", "-LTA-"].iter().find(|level| name.starts_with("esteid") && name.contains(*level));
        if let Some(level) = level {
            let policy = Policy::held("any-ades").expect("held");
            let report = Report::new(&without, &policy, judge.revocation, judge.time);
            assert_eq!(report.signatures[0].format, format!("CAdES-BASELINE{}", level.trim_end_matches('-')));
        }
        // With the top of its chain as anchor, at the end of the certificates' common validity.
        let chain = chain(&message, &without);
        let Some(top) = chain.last() else {
            assert_ne!(without.verdict.indication(), Indication::TotalPassed, "{name}");
            continue;
        };
        let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(top))], Vec::new());
        // An anchor's own validity is not judged, unless the signer is the anchor.
        let judged = &chain[..(chain.len() - 1).max(1)];
        let time = judged.iter().map(|certificate| certificate.not_after).min().expect("a chain");
        let judge = Judge { trust: &trust, revocation: RevocationMode::Off, time, ..judge };
        assert_eq!(judge.verdict(&message, content), expected, "{name} with an anchor");
        let later = Judge { time: time.plus_seconds(1), ..judge };
        let after = later.validate(&message, content).expect("a message");
        // Unless a time-stamp that is still good shows that it was made before.
        let proved = after.signatures[0].best_signature_time(later.time);
        assert_eq!(
            line(&after.verdict) == PASSED,
            expected == PASSED && proved <= time,
            "{name} after its certificates"
        );
    }
    let files = fs::read_dir(&folder).expect("the folder").filter_map(Result::ok).map(|entry| entry.file_name());
    let unknown: Vec<_> = files
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.contains(".p7") && !MESSAGES.iter().any(|(known, _)| known == name))
        .collect();
    assert_eq!(unknown, [""; 0], "files without an expectation");
}

/// The outcome of a path for any purpose from one real certificate to a real root.
fn path_to(root: &Arc<Certificate>, target: &Arc<Certificate>, revocation: RevocationMode, time: Time) -> PathOutcome {
    path::find_path(&PathRequest {
        target,
        certificates: &[],
        crls: &CrlSet::default(),
        ocsp_responses: &[],
        trust: &TrustStore::new(vec![TrustAnchor::new(Arc::clone(root))], Vec::new()),
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation,
        maximum_age: MaximumAge::default(),
        time,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    })
}

#[test]
fn real_authorities_of_vietnam_lead_to_their_roots() {
    let Some(folder) = vectors::find("vietnam-pki") else { return };
    let read = |name: &str| {
        let bytes = fs::read(folder.join(name)).expect(name);
        // Armour as others write it: lines of any length.
        let armoured = std::str::from_utf8(&bytes).ok().filter(|text| text.starts_with("-----BEGIN "));
        let der = armoured.map(|text| {
            let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with('-')).collect();
            base64::engine::general_purpose::STANDARD.decode(body).expect("base64")
        });
        Arc::new(Certificate::decode(&der.unwrap_or(bytes)).expect(name))
    };
    let roots = [read("rootcag2.crt"), read("vnrca256.crt")];
    let mut found = 0;
    for subordinate in ["cpcag2.crt", "vnpt-ca-sha2.crt"] {
        let subordinate = read(subordinate);
        for root in &roots {
            let time = subordinate.not_before.max(root.not_before).plus_seconds(86_400);
            let off = path_to(root, &subordinate, RevocationMode::Off, time);
            if subordinate.issuer != root.subject {
                assert!(matches!(off, PathOutcome::Invalid { fault: PathFault::IssuerNotFound(0), .. }));
                continue;
            }
            found += 1;
            assert!(matches!(off, PathOutcome::Valid(_)), "{subordinate:?}: {off:?}");
            let required = path_to(root, &subordinate, RevocationMode::Required, time);
            assert!(
                matches!(required, PathOutcome::Invalid { fault: PathFault::RevocationUnknown(0), .. }),
                "{subordinate:?}: {required:?}"
            );
            let expired = subordinate.not_after.plus_seconds(1);
            let expired = path_to(root, &subordinate, RevocationMode::Off, expired);
            assert!(
                matches!(expired, PathOutcome::Invalid { fault: PathFault::Expired { position: 0, .. }, .. }),
                "{expired:?}"
            );
        }
    }
    assert_eq!(found, 2, "each subordinate has its root");
}
