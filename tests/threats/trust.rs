//! Certificates used for what they were not issued for, and trust that a document brings along.

use std::sync::Arc;

use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::crypto::{digest, sha256};
use antin::core::der::{tag, writer};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::{InitialPolicies, PathOutcome, PathRequest, Work, find_path};
use antin::core::policy::{Policy, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::x509::Certificate;
use antin::core::x509::ocsp::OcspResponse;
use antin::pki::certificate::{Issuer, Profile, self_sign};
use antin::pki::crl::RevocationList;
use antin::pki::profile::{self, DOCUMENT_SIGNING, subject};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use crate::kit::CONTENT;
use crate::kit::key::{self, Kind};
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::{NOW, Signer, below, crl, decoded, issued, private_key, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, verdict};

const OCSP_SIGNING: ObjectIdentifier = rfc5280::ID_KP_OCSP_SIGNING;

fn path_code(certificate: &Arc<Certificate>, purpose: Purpose) -> &'static str {
    let (tree, policy) = (tree(), Policy::held("any-ades").expect("held"));
    let outcome = find_path(&PathRequest {
        target: certificate,
        certificates: &tree.evidence.certificates,
        crls: &tree.evidence.crls,
        ocsp_responses: &[],
        trust: &tree.trust,
        purpose,
        kind: None,
        document_signing_usages: &policy.document_signing_usages,
        policies: InitialPolicies::default(),
        maximum_age: policy.maximum_revocation_age_hours,
        revocation: RevocationMode::Required,
        time: NOW,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(_) => "valid",
        PathOutcome::Invalid { fault, .. } => fault.code(),
    }
}

fn with_key_usage(profile: Profile, usages: impl Into<der::flagset::FlagSet<KeyUsages>>) -> Profile {
    Profile { key_usage: Some(KeyUsage(usages.into())), ..profile }
}

#[test]
fn x03_a_document_signed_with_a_certificate_for_something_else_does_not_pass() {
    let usual = || signer_profile("For something else");
    let judged = |profile: &Profile| {
        let signer = tree().signer_saying(profile);
        verdict(&Message::detached(SignerInfo::new(&signer, CONTENT)).encode(), CONTENT)
    };
    assert_eq!(judged(&usual()), PASSED);
    const USAGE: &str = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE key-usage-not-allowed";
    const EXTENDED: &str = "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE extended-key-usage-not-allowed";
    for usages in [KeyUsages::KeyEncipherment, KeyUsages::KeyAgreement, KeyUsages::CRLSign, KeyUsages::KeyCertSign] {
        assert_eq!(judged(&with_key_usage(usual(), usages)), USAGE, "{usages:?}");
    }
    for purpose in [
        rfc5280::ID_KP_SERVER_AUTH,
        rfc5280::ID_KP_CLIENT_AUTH,
        rfc5280::ID_KP_CODE_SIGNING,
        rfc5280::ID_KP_TIME_STAMPING,
        OCSP_SIGNING,
    ] {
        assert_eq!(judged(&Profile { extended_key_usage: vec![purpose], ..usual() }), EXTENDED, "{purpose}");
    }
}

#[test]
fn x03_a_time_stamp_certificate_must_be_for_that_alone() {
    let usual = || {
        let name = subject("antin", "TSA").expect("a name");
        profile::time_stamping(name, NOW.plus_seconds(-3600), &publication())
    };
    let judged = |profile: &Profile| path_code(&tree().signer_saying(profile).certificate, Purpose::TimeStamping);
    assert_eq!(judged(&usual()), "valid");
    const EXTENDED: &str = "extended-key-usage-not-allowed";
    assert_eq!(judged(&Profile { extended_key_usage: Vec::new(), ..usual() }), EXTENDED);
    assert_eq!(judged(&Profile { extended_key_usage_critical: false, ..usual() }), EXTENDED);
    let two = vec![rfc5280::ID_KP_TIME_STAMPING, DOCUMENT_SIGNING];
    assert_eq!(judged(&Profile { extended_key_usage: two, ..usual() }), EXTENDED);
    assert_eq!(judged(&Profile { extended_key_usage: vec![DOCUMENT_SIGNING], ..usual() }), EXTENDED);
    assert_eq!(judged(&with_key_usage(usual(), KeyUsages::KeyEncipherment)), "key-usage-not-allowed");
    assert_eq!(judged(&signer_profile("Signer")), EXTENDED);
}

/// A response by `responder` that the certificate is good (RFC 6960 §4.2.1), written by hand.
fn good(about: &Certificate, responder: &Signer) -> Arc<OcspResponse> {
    let instant = |seconds| writer::element(tag::GENERALIZED_TIME, generalized(NOW.plus_seconds(seconds)).as_bytes());
    let authority = &tree().ca_certificate;
    // A P-256 key is the last 65 octets of its SubjectPublicKeyInfo.
    let bits = |certificate: &Certificate| {
        let info = certificate.subject_public_key_info();
        info[info.len() - 65..].to_vec()
    };
    let certificate_id = writer::sequence(&[
        &writer::sequence(&[&writer::object_identifier(DigestAlgorithm::Sha256.oid())]),
        &writer::octet_string(&sha256(authority.subject.der())),
        &writer::octet_string(&sha256(&bits(authority))),
        &writer::element(tag::INTEGER, &about.serial_number),
    ]);
    let good = writer::element(tag::context_primitive(0), &[]);
    let next_update = writer::element(tag::context(0), &instant(3600));
    let single = writer::sequence(&[&certificate_id, &good, &instant(-60), &next_update]);
    let key_hash = writer::octet_string(&digest(DigestAlgorithm::Sha1, &bits(&responder.certificate)));
    let data =
        writer::sequence(&[&writer::element(tag::context(2), &key_hash), &instant(-60), &writer::sequence(&[&single])]);
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let value = [&[0], &key::sign(&responder.key, algorithm, &data)[..]].concat();
    let certificates = writer::element(tag::context(0), &writer::sequence(&[responder.certificate.der()]));
    let basic =
        writer::sequence(&[&data, &algorithm.encode(), &writer::element(tag::BIT_STRING, &value), &certificates]);
    let bytes = writer::sequence(&[&writer::object_identifier(oid::OCSP_BASIC), &writer::octet_string(&basic)]);
    let response =
        writer::sequence(&[&writer::element(tag::ENUMERATED, &[0]), &writer::element(tag::context(0), &bytes)]);
    Arc::new(OcspResponse::decode(&response).expect("a response"))
}

fn generalized(time: Time) -> String {
    time.to_string().chars().filter(|letter| !"-:T".contains(*letter)).collect()
}

#[test]
fn x03_a_response_by_a_certificate_that_is_not_for_ocsp_shows_nothing() {
    let signer = tree().signer(Kind::P256);
    let message = Message::detached(SignerInfo::new(&signer, CONTENT)).encode();
    // Of the signer itself only the response speaks.
    let crls = CrlSet::new(tree().crls.issued_by(&tree().root_certificate.subject).iter().cloned());
    let judged = |profile: &Profile| {
        let responder = issued(&tree().ca, profile, &Kind::P256.fresh());
        let evidence = Evidence {
            certificates: tree().evidence.certificates.clone(),
            crls: crls.clone(),
            ocsp_responses: vec![good(&signer.certificate, &responder)],
        };
        Judge { evidence: &evidence, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT))
    };
    let usual = || {
        let name = subject("antin", "OCSP").expect("a name");
        profile::ocsp_responder(name, NOW.plus_seconds(-3600), &publication())
    };
    assert_eq!(judged(&usual()), PASSED);
    const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";
    assert_eq!(judged(&Profile { extended_key_usage: Vec::new(), ..usual() }), UNKNOWN);
    for purpose in [DOCUMENT_SIGNING, rfc5280::ANY_EXTENDED_KEY_USAGE, rfc5280::ID_KP_TIME_STAMPING] {
        assert_eq!(judged(&Profile { extended_key_usage: vec![purpose], ..usual() }), UNKNOWN, "{purpose}");
    }
    assert_eq!(judged(&with_key_usage(usual(), KeyUsages::KeyEncipherment)), UNKNOWN);
}

/// A whole PKI of the attacker: root, CA, signer, and fresh CRLs of both.
struct Own {
    root: Issuer,
    ca: Issuer,
    signer: Signer,
}

impl Own {
    fn named(root: &str, ca: &str) -> Self {
        let begin = NOW.plus_seconds(-3600);
        let profile = profile::root(subject("antin", root).expect("a name"), begin);
        let root = self_sign(private_key(), &profile).expect("a root");
        let profile = profile::public_service_ca(subject("antin", ca).expect("a name"), begin, &publication());
        let ca = below(&root, &profile);
        let signer = issued(&ca, &signer_profile("Usual signer"), &Kind::P256.fresh());
        Self { root, ca, signer }
    }

    /// The message with all of it inside.
    fn message(&self) -> Vec<u8> {
        let mut message = Message::detached(SignerInfo::new(&self.signer, CONTENT));
        let chain = [&self.ca, &self.root].map(|issuer| decoded(issuer.certificate()).der().to_vec());
        message.certificates.extend(chain);
        let lists = [&self.ca, &self.root].map(|issuer| crl(issuer, &RevocationList::first(NOW.plus_seconds(-60))));
        message.crls.extend(lists.map(|list| list.der()));
        message.encode()
    }
}

#[test]
fn x08_a_root_that_the_document_brings_along_is_never_trusted() {
    for (root, ca) in [("Own root", "Own CA"), ("Kit root", "Own CA"), ("Kit root", "Kit CA")] {
        let message = Own::named(root, ca).message();
        for revocation in [RevocationMode::Required, RevocationMode::IfAvailable, RevocationMode::Off] {
            let validation = Judge { revocation, ..Judge::default() }.validate(&message, Content::Bytes(CONTENT));
            let validation = validation.expect("a message");
            let signature = &validation.signatures[0];
            assert!(matches!(signature.path, Some(PathOutcome::Invalid { .. })), "{root}, {ca}: {signature:?}");
            let line = crate::kit::verdict::line(&validation.verdict);
            assert!(line.starts_with("INDETERMINATE "), "{root}, {ca}: {line}");
        }
    }
    let line = verdict(&Own::named("Own root", "Own CA").message(), CONTENT);
    assert_eq!(line, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path");
    // A trusted root beside it lends it nothing.
    let own = Own::named("Own root", "Own CA");
    let mut both = Message::detached(SignerInfo::new(&own.signer, CONTENT));
    both.certificates.push(tree().root_certificate.der().to_vec());
    both.certificates.push(tree().ca_certificate.der().to_vec());
    assert_ne!(verdict(&both.encode(), CONTENT), PASSED);
}

#[test]
fn x08_a_signer_that_signs_itself_is_not_trusted() {
    let name = subject("antin", "Usual signer").expect("a name");
    let profile = Profile { subject: name, ..signer_profile("Usual signer") };
    let key = private_key();
    let pem = key.to_pkcs8_pem().expect("PEM");
    let issuer = self_sign(key, &profile).expect("a certificate");
    let key = openssl::pkey::PKey::private_key_from_pem(&pem).expect("a key");
    let signer = Signer { certificate: decoded(issuer.certificate()), key };
    let line = verdict(&Message::detached(SignerInfo::new(&signer, CONTENT)).encode(), CONTENT);
    assert_eq!(line, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path");
}
