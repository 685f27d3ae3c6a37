//! What an anchor is limited to, in the pure core: never a pass beyond it, with or without memory.

use std::sync::Arc;

use antin::core::cms::document_reference::DocumentReference;
use antin::core::crypto::sha256;
use antin::core::evidence::Evidence;
use antin::core::memory::Memory;
use antin::core::path::{InitialPolicies, PathOutcome, PathRequest, Work, find_path};
use antin::core::policy::{Policy, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::x509::ocsp::OcspResponse;
use antin::core::x509::{Alias, AnchorLimits, Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::certificate::{Issuer, Profile};
use antin::pki::profile::{ocsp_responder, subject};
use antin::trust::{Manifest, Pinned, Role};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, Response, distribution_points, entry, issued_by};
use crate::kit::tree::{NOW, Signer, below, decoded, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED};

const KIND: &str = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE anchor-kind-not-allowed";
const KIND_UNKNOWN: &str = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE anchor-kind-unknown";
const USE: &str = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE anchor-use-not-allowed";
const TIME: &str = "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND_NO_POE anchor-time-not-allowed";

fn limits(text: &str) -> AnchorLimits {
    toml::from_str(text).expect("limits")
}

/// The kit's root, for only this.
fn limited(text: &str) -> TrustStore {
    let anchor = TrustAnchor::limited(Arc::clone(&tree().root_certificate), limits(text));
    TrustStore::new(vec![anchor], Vec::new())
}

/// A document of a kind, or of none.
fn message(signer: &Signer, kind: Option<&str>) -> Vec<u8> {
    let mut info = SignerInfo::new(signer, CONTENT);
    if let Some(kind) = kind {
        info.add(&DocumentReference::new(kind, "1", None).expect("short").encode());
    }
    Message::detached(info).encode()
}

fn judged(trust: &TrustStore, kind: Option<&str>) -> String {
    Judge { trust, ..Judge::default() }.verdict(&message(&tree().signer, kind), Content::Bytes(CONTENT))
}

#[test]
fn an_anchor_for_some_kinds_passes_no_other_and_none_unknown() {
    let trust = limited("kinds = ['health-book', 'referral']");
    assert_eq!(judged(&trust, Some("health-book")), PASSED);
    assert_eq!(judged(&trust, Some("referral")), PASSED);
    assert_eq!(judged(&trust, Some("judicial-certificate")), KIND);
    assert_eq!(judged(&trust, Some("Health-Book")), KIND);
    assert_eq!(judged(&trust, None), KIND_UNKNOWN);
    assert_eq!(judged(&limited(""), None), PASSED);
}

/// The kind that counts is the one whose signature is verified.
#[test]
fn a_kind_that_was_put_in_after_signing_opens_nothing() {
    let mut info = SignerInfo::new(&tree().signer, CONTENT);
    info.signed_octets = Some(info.octets());
    info.add(&DocumentReference::new("health-book", "1", None).expect("short").encode());
    let message = Message::detached(info).encode();
    let trust = limited("kinds = ['health-book']");
    let validation = Judge { trust: &trust, ..Judge::default() }.validate(&message, Content::Bytes(CONTENT));
    let validation = validation.expect("a message");
    let Some(PathOutcome::Invalid { fault, .. }) = &validation.signatures[0].path else { panic!("a path") };
    assert_eq!(fault.code(), "anchor-kind-unknown");
}

#[test]
fn an_anchor_for_some_uses_serves_no_other() {
    for uses in ["'time-stamping'", "'ocsp', 'crl'"] {
        assert_eq!(judged(&limited(&format!("uses = [{uses}]")), None), USE, "{uses}");
    }
    assert_eq!(judged(&limited("uses = ['crl', 'signing']"), None), PASSED);
}

/// The verdict under the root with these limits; the CA is good by the root's CRL, of the signer these speak.
fn by_status(uses: &str, signer: &Signer, status: &Status) -> String {
    let mut evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
    evidence.certificates.extend(status.certificates.iter().cloned());
    let of_root = tree().crls.issued_by(&tree().root_certificate.subject).iter().cloned();
    of_root.chain(status.crls.iter().cloned()).for_each(|crl| evidence.crls.insert(crl));
    evidence.ocsp_responses = status.responses.clone();
    let message = message(signer, None);
    Judge { trust: &limited(uses), evidence: &evidence, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT))
}

/// What is said of a signer beside the root's CRL.
#[derive(Default)]
struct Status {
    certificates: Vec<Arc<Certificate>>,
    crls: Vec<Arc<CertificateList>>,
    responses: Vec<Arc<OcspResponse>>,
}

const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";
const UNCLEAR: &str = "INDETERMINATE TRY_LATER revocation-data-unclear";
const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";

#[test]
fn a_delegated_responder_needs_an_anchor_for_ocsp() {
    let (signing, both) = ("uses = ['signing', 'crl', 'time-stamping']", "uses = ['signing', 'ocsp']");
    let signer = tree().signer(Kind::P256);
    let name = subject("antin", "Responder").expect("a name");
    let delegate = below(&tree().ca, &ocsp_responder(name, NOW.plus_seconds(-3600), &publication()));
    let by = |response: &Response, responder: &Issuer| {
        let response = response.sign(&signer.certificate, &tree().ca_certificate, responder);
        Status { responses: vec![response], ..Status::default() }
    };
    let (good, revoked) = (Response::default(), Response::revoked());
    assert_eq!(by_status("", &signer, &by(&good, &delegate)), PASSED);
    assert_eq!(by_status(both, &signer, &by(&good, &delegate)), PASSED);
    assert_eq!(by_status(both, &signer, &by(&revoked, &delegate)), REVOKED);
    assert_eq!(by_status(signing, &signer, &by(&good, &delegate)), UNKNOWN);
    // The authority answers for its own certificates.
    assert_eq!(by_status(signing, &signer, &by(&good, &tree().ca)), PASSED);
    assert_eq!(by_status(signing, &signer, &by(&revoked, &tree().ca)), REVOKED);
    // A limit takes nothing away that speaks against the signer.
    let clean = List { this_update: NOW.plus_seconds(-3000), ..List::default() };
    let with_list = |response| Status { crls: vec![clean.sign(&tree().ca)], ..by(response, &delegate) };
    assert_eq!(by_status(signing, &signer, &with_list(&good)), PASSED);
    assert_eq!(by_status(signing, &signer, &with_list(&revoked)), UNCLEAR);
}

#[test]
fn a_crl_under_another_name_needs_an_anchor_for_crls() {
    let (signing, both) = ("uses = ['signing', 'ocsp', 'time-stamping']", "uses = ['signing', 'crl']");
    let (name, begin) = (subject("antin", "CRL issuer").expect("a name"), NOW.plus_seconds(-3600));
    let mut profile = Profile::bare(name, begin, NOW.plus_seconds(86_400));
    profile.key_usage = Some(KeyUsage(KeyUsages::CRLSign.into()));
    let other = below(&tree().root, &profile);
    let mut profile = signer_profile("Signer of points");
    profile.crl_urls.clear();
    profile.extensions.push(distribution_points(&[issued_by(&other)]));
    let signer = tree().signer_saying(&profile);
    let by = |list: &List, issuer: &Issuer| Status {
        certificates: vec![decoded(other.certificate())],
        crls: vec![list.sign(issuer)],
        ..Status::default()
    };
    let clean = List { point: Some(vec![0x84, 1, 0xFF]), ..List::default() };
    let serial = &signer.certificate.serial_number;
    let revoking = List { entries: vec![entry(serial, 1, Some(&tree().ca))], ..clean.clone() };
    assert_eq!(by_status("", &signer, &by(&clean, &other)), PASSED);
    assert_eq!(by_status(both, &signer, &by(&clean, &other)), PASSED);
    assert_eq!(by_status(both, &signer, &by(&revoking, &other)), REVOKED);
    assert_eq!(by_status(signing, &signer, &by(&clean, &other)), UNKNOWN);
    assert_eq!(by_status(signing, &signer, &by(&List::default(), &tree().ca)), PASSED, "the authority's own");
    let mut both_lists = by(&revoking, &other);
    both_lists.crls.push(List { this_update: NOW.plus_seconds(-3000), ..List::default() }.sign(&tree().ca));
    assert_eq!(by_status(signing, &signer, &both_lists), UNCLEAR);
}

#[test]
fn signatures_count_within_the_window_of_their_anchor() {
    let at = |seconds: i64| NOW.plus_seconds(seconds);
    for (window, expected) in [
        (format!("from = '{}'\nuntil = '{}'", at(0), at(1)), PASSED),
        (format!("from = '{}'\nuntil = '{}'", at(-1), at(0)), PASSED),
        (format!("from = '{}'", at(1)), TIME),
        (format!("until = '{}'", at(-1)), TIME),
    ] {
        assert_eq!(judged(&limited(&window), None), expected, "{window}");
    }
}

/// Where the signer's own certificate is the anchor, its limits hold as well.
#[test]
fn a_target_that_is_an_anchor_keeps_its_limits() {
    let anchor = |text| TrustAnchor::limited(Arc::clone(&tree().signer.certificate), limits(text));
    let judged = |text| judged(&TrustStore::new(vec![anchor(text)], Vec::new()), Some("health-book"));
    assert_eq!(judged(""), PASSED);
    assert_eq!(judged("kinds = ['referral']"), KIND);
    assert_eq!(judged("uses = ['time-stamping']"), USE);
    assert_eq!(judged("until = '2020-01-01T00:00:00Z'"), TIME);
}

/// Another anchor without the limit still serves.
#[test]
fn of_two_anchors_the_one_that_is_for_it_counts() {
    let root = TrustAnchor::limited(Arc::clone(&tree().root_certificate), limits("uses = ['ocsp']"));
    let ca = TrustAnchor::limited(Arc::clone(&tree().ca_certificate), limits("kinds = ['health-book']"));
    let trust = TrustStore::new(vec![root, ca], Vec::new());
    assert_eq!(judged(&trust, Some("health-book")), PASSED);
    assert_eq!(judged(&trust, Some("referral")), KIND);
}

/// An anchor for something else is a link like any other.
#[test]
fn an_anchor_for_another_use_may_stand_below_one_for_this() {
    let ca = |text| TrustAnchor::limited(Arc::clone(&tree().ca_certificate), limits(text));
    let under = |root: TrustAnchor, ca: TrustAnchor| judged(&TrustStore::new(vec![root, ca], Vec::new()), None);
    let root = || TrustAnchor::new(Arc::clone(&tree().root_certificate));
    assert_eq!(under(root(), ca("uses = ['time-stamping']")), PASSED);
    assert_eq!(under(root(), ca("until = '2020-01-01T00:00:00Z'")), TIME, "it is for this, and no longer");
    let other = TrustAnchor::limited(Arc::clone(&tree().root_certificate), limits("uses = ['time-stamping']"));
    assert_eq!(under(other, ca("uses = ['time-stamping']")), USE);
}

fn remembered(memory: &Memory, trust: &TrustStore, kind: Option<&str>, time: Time) -> &'static str {
    let policy = Policy::held("any-ades").expect("held");
    let outcome = find_path(&PathRequest {
        target: &tree().signer.certificate,
        certificates: &tree().evidence.certificates,
        crls: &tree().crls.clone().with_snapshot(7),
        ocsp_responses: &[],
        trust,
        purpose: Purpose::DocumentSigning,
        kind,
        document_signing_usages: &policy.document_signing_usages,
        policies: InitialPolicies::default(),
        maximum_age: policy.maximum_revocation_age_hours,
        revocation: RevocationMode::Required,
        time,
        past: None,
        memory,
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(_) => "valid",
        PathOutcome::Invalid { fault, .. } => fault.code(),
    }
}

#[test]
fn a_remembered_path_opens_nothing_beyond_the_limits() {
    let memory = Memory::bounded();
    let trust = limited(&format!("kinds = ['health-book']\nuntil = '{}'", NOW.plus_seconds(10)));
    assert_eq!(remembered(&memory, &trust, Some("health-book"), NOW), "valid");
    assert_eq!(remembered(&memory, &trust, Some("health-book"), NOW.plus_seconds(10)), "valid");
    assert_eq!(remembered(&memory, &trust, Some("referral"), NOW), "anchor-kind-not-allowed");
    assert_eq!(remembered(&memory, &trust, None, NOW), "anchor-kind-unknown");
    assert_eq!(remembered(&memory, &trust, Some("health-book"), NOW.plus_seconds(11)), "anchor-time-not-allowed");
    // The same certificates with other limits are another set.
    assert_eq!(remembered(&memory, &limited("uses = ['ocsp']"), None, NOW), "anchor-use-not-allowed");
}

#[test]
fn every_part_of_the_set_is_in_its_version() {
    let root = &tree().root_certificate;
    let anchor = |text| vec![TrustAnchor::limited(Arc::clone(root), limits(text))];
    let alias = vec![Alias::of(root, "C=VN, CN=Goc")];
    let other = vec![Alias { key: [1; 32], ..alias[0].clone() }];
    let sets = [
        limited(""),
        limited("uses = ['signing']"),
        limited("kinds = ['signing']"),
        limited("from = '2020-01-01T00:00:00Z'"),
        limited("until = '2020-01-01T00:00:00Z'"),
        TrustStore::new(Vec::new(), vec![Arc::clone(root)]),
        TrustStore::new(anchor(""), vec![Arc::clone(root)]),
        TrustStore::with_aliases(anchor(""), Vec::new(), alias.clone()),
        TrustStore::with_aliases(anchor(""), Vec::new(), other.clone()),
        TrustStore::with_aliases(anchor(""), Vec::new(), [alias, other].concat()),
    ];
    for (index, set) in sets.iter().enumerate() {
        assert!(sets[..index].iter().all(|earlier| earlier.version() != set.version()), "{index}");
    }
    assert_eq!(limited("uses = ['signing']").version(), limited("uses = ['signing']").version());
}

#[test]
fn an_alias_holds_for_the_key_it_is_bound_to() {
    let (root, ca) = (&tree().root_certificate, &tree().ca_certificate);
    // The signer's subject stands for a spelling that differs from the CA's.
    let spelling = &tree().signer.certificate.subject;
    let alias = Alias::of(ca, spelling.text());
    assert_eq!(alias.key, sha256(ca.subject_public_key_info()));
    let trust = TrustStore::with_aliases(vec![TrustAnchor::new(Arc::clone(root))], Vec::new(), vec![alias]);
    assert!(trust.names_same_authority(&ca.subject, ca) && trust.names_same_authority(spelling, ca));
    assert!(!trust.names_same_authority(spelling, root), "another key");
    assert!(!trust.names_same_authority(&root.subject, ca), "another name");
    assert!(!tree().trust.names_same_authority(spelling, ca), "no alias");
}

/// What an old root signed lives on: it stays held after its end.
#[test]
fn an_expired_anchor_stays_held_for_what_was_signed_before() {
    let directory = tempfile::tempdir().expect("a folder");
    let root: &Certificate = &tree().root_certificate;
    std::fs::write(directory.path().join("root.crt"), root.der()).expect("written");
    let pinned = Pinned {
        subject: root.subject.to_string(),
        sha256: root.fingerprint_text().to_owned(),
        role: Role::Anchor,
        tree: "kit".to_owned(),
        source: "kit".to_owned(),
        not_before: root.not_before,
        not_after: Time::from_unix(0),
        limits: AnchorLimits::NONE,
        aliases: vec!["C=VN, CN=Goc".to_owned()],
    };
    let manifest = Manifest { certificates: vec![pinned] };
    let held = manifest.load(directory.path()).expect("held");
    assert_eq!((held.anchors.len(), held.aliases.len()), (1, 1));
    let later = root.not_after.plus_seconds(1);
    let trust = held.into_store();
    let judge = Judge { trust: &trust, ..Judge::default() };
    let message = message(&tree().signer, None);
    assert_eq!(judge.verdict(&message, Content::Bytes(CONTENT)), PASSED);
    assert_ne!(Judge { time: later, ..judge }.verdict(&message, Content::Bytes(CONTENT)), PASSED);
}
