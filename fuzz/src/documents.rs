//! Documents judged with a fixed evidence at a fixed time: what passes says what a good document said.

use std::sync::{Arc, LazyLock};

use crate::core::cms::SignedData;
use crate::core::cms::attributes::SignedAttributes;
use crate::core::der::ber;
use crate::core::evidence::{CrlSet, Evidence};
use crate::core::evidence_file;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::report::{Outcome, Report, xml};
use crate::core::saved_evidence::{self, SavedEvidence, ToSave};
use crate::core::time::Time;
use crate::core::validation::{self, Content, Validation, ValidationRequest};
use crate::core::verdict::Verdict;
use crate::core::x509::{TrustAnchor, TrustStore};

macro_rules! vector {
    ($path:literal) => {
        include_bytes!(concat!("../../testvectors/", $path)).as_slice()
    };
}

/// A good detached signature, its content, and a good enveloping one.
pub const DETACHED: &[u8] = vector!("health-book/signed/input.p7s");
pub const CONTENT: &[u8] = vector!("documents/health-book.json");
pub const ENVELOPING: &[u8] = vector!("judicial-certificate/signed/input.p7m");
const ANCHORS: [&[u8]; 2] = [vector!("health-book/signed/root.crt"), vector!("judicial-certificate/signed/root.crt")];
const AUTHORITIES: [&[u8]; 2] = [vector!("health-book/signed/ca.crt"), vector!("judicial-certificate/signed/ca.crt")];
const LISTS: [&[u8]; 4] = [
    vector!("health-book/signed/root.crl"),
    vector!("health-book/signed/ca.crl"),
    vector!("judicial-certificate/signed/root.crl"),
    vector!("judicial-certificate/signed/ca.crl"),
];
/// As their `case.toml` says.
const TIME: &str = "2026-08-05T02:00:00Z";
const POLICY: &str = "circular-15-2025";

struct Scene {
    evidence: Evidence,
    trust: TrustStore,
    policy: Policy,
    time: Time,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let certificate = |file: &[u8]| Arc::new(evidence_file::certificates(file).expect("a certificate").remove(0));
    let lists = LISTS.iter().map(|file| Arc::new(evidence_file::crls(file).expect("a CRL").remove(0)));
    let anchors = ANCHORS.iter().map(|file| TrustAnchor::new(certificate(file))).collect();
    Scene {
        evidence: Evidence { crls: CrlSet::new(lists), ..Evidence::default() },
        trust: TrustStore::new(anchors, AUTHORITIES.iter().map(|file| certificate(file)).collect()),
        policy: Policy::held(POLICY).expect("held"),
        time: Time::parse_rfc3339(TIME).expect("a time"),
    }
});

/// What a pass says: the content, and for each signer the signed octets and the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Meaning {
    content: Vec<u8>,
    signers: Vec<(Vec<u8>, [u8; 32])>,
}

/// What the good documents say.
static GOOD: LazyLock<Vec<Meaning>> = LazyLock::new(|| {
    let good = [(DETACHED, Content::Bytes(CONTENT)), (ENVELOPING, Content::None)];
    good.map(|(document, content)| passed(document, content).expect("a good document passes")).into()
});

/// Judges `document`, with the content of the detached signature beside it and without. Panics if it passes and says anything
/// but what a good document said.
pub fn judge(document: &[u8]) {
    for content in [Content::Bytes(CONTENT), Content::None] {
        if let Some(meaning) = passed(document, content) {
            let known = GOOD.iter().any(|good| {
                good.content == meaning.content && meaning.signers.iter().all(|signer| good.signers.contains(signer))
            });
            assert!(known, "it passes and says something else");
        }
    }
}

/// The meaning of a document if it passes.
fn passed(document: &[u8], content: Content<'_>) -> Option<Meaning> {
    let Scene { evidence, trust, policy, time } = &*SCENE;
    let validation = validation::validate(&ValidationRequest {
        document,
        content,
        evidence,
        trust,
        policy,
        revocation: RevocationMode::Required,
        time: *time,
        memory: &Memory::none(),
    })
    .ok()?;
    let report = Report::new(&validation, policy, RevocationMode::Required, *time);
    serde_json::to_vec(&report).expect("an answer can always be written");
    let as_xml = xml::render(&report);
    assert!(!as_xml.contains(|letter: char| letter < ' ' && letter != '\n'), "only what XML has");
    let passes = matches!(validation.verdict, Verdict::TotalPassed(_));
    assert_eq!(passes, report.reliance.outcome == Outcome::Accept);
    passes.then(|| meaning(document, content, &validation))
}

fn meaning(document: &[u8], beside: Content<'_>, validation: &Validation) -> Meaning {
    let normalised;
    let message = match SignedData::decode(document) {
        Ok(message) => message,
        Err(_) => {
            normalised = ber::normalise_content_info(document).expect("what passes decodes");
            SignedData::decode(&normalised).expect("what passes decodes")
        }
    };
    let content = match (message.content, beside) {
        (Some(content), _) => content.to_vec(),
        (None, Content::Bytes(content)) => content.to_vec(),
        (None, _) => panic!("it passes without content"),
    };
    assert_eq!(message.signer_infos.len(), validation.signatures.len());
    assert!(!message.signer_infos.is_empty(), "it passes without a signature");
    let signers = message.signer_infos.iter().zip(&validation.signatures).map(|(info, signature)| {
        let element = info.signed_attributes.expect("what passes has signed attributes");
        let attributes = SignedAttributes::decode(element).expect("what passes has sound attributes");
        let certificate = signature.signer.as_ref().expect("what passes has a signer");
        (attributes.signed_octets().to_vec(), *certificate.fingerprint())
    });
    Meaning { content, signers: signers.collect() }
}

/// What signatures are over, and their values; `None` if it is no message.
pub fn signed_parts(document: &[u8]) -> Option<Vec<Vec<u8>>> {
    let normalised = ber::normalise_content_info(document).ok()?;
    let message = SignedData::decode(document).or_else(|_| SignedData::decode(&normalised)).ok()?;
    let mut parts = vec![message.content.unwrap_or_default().to_vec()];
    for signer in &message.signer_infos {
        parts.push(signer.signed_attributes.map(|field| field.raw.to_vec()).unwrap_or_default());
        parts.push(signer.signature.to_vec());
    }
    Some(parts)
}

/// The evidence of the scene, saved for the good detached signature.
pub fn saved() -> Vec<u8> {
    let lists: Vec<_> = SCENE.evidence.crls.iter().cloned().collect();
    saved_evidence::encode(&ToSave {
        document: DETACHED,
        content: Some(CONTENT),
        trust: &SCENE.trust,
        certificates: &SCENE.evidence.certificates,
        crls: &lists,
        ocsp_responses: &[],
        policy: Policy::held_text(POLICY).expect("held"),
        document_kinds: None,
        revocation: RevocationMode::Required,
        time: SCENE.time,
    })
}

/// Judges the good detached signature by evidence that says whom to trust; what passes is written down like any answer.
pub fn judge_by(saved: &SavedEvidence) {
    let validation = validation::validate(&ValidationRequest {
        document: DETACHED,
        content: Content::Bytes(CONTENT),
        evidence: &saved.evidence,
        trust: &saved.trust,
        policy: &saved.policy,
        revocation: saved.revocation,
        time: saved.time,
        memory: &Memory::none(),
    });
    let report = Report::new(&validation.expect("it is one"), &saved.policy, saved.revocation, saved.time);
    xml::render(&report);
    serde_json::to_vec(&report).expect("an answer can always be written");
}
