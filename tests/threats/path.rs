//! Chains that must not lead to an anchor: who may issue, what is not understood, what is no profile of RFC 5280. The helpers
//! build a chain of any authorities below one root and tell how it is judged.

use std::sync::Arc;

use antin::core::der::{tag, writer};
use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::path::{self, InitialPolicies, PathOutcome, PathRequest, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};
use antin::pki::certificate::{Issuer, Profile, self_sign};
use antin::pki::profile::{self, subject};
use const_oid::ObjectIdentifier;
use der::Encode;
use der::asn1::OctetString;
use x509_cert::Version;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use crate::kit::key::{Kind, public_key};
use crate::kit::tree::{NOW, below, decoded, edited_der, private_key, signer_profile};

/// Long enough for every test.
const YEARS: i64 = 20 * 365 * 86_400;

/// An authority's profile.
pub fn authority(name: &str) -> Profile {
    Profile { not_after: NOW.plus_seconds(YEARS), ..profile::root(subject("antin", name).expect("a name"), NOW) }
}

/// An extension with this content.
pub fn extension(identifier: &str, critical: bool, value: &[u8]) -> Extension {
    let extn_id = ObjectIdentifier::new(identifier).expect("an identifier");
    Extension { extn_id, critical, extn_value: OctetString::new(value).expect("octets") }
}

/// A question about a path, for any purpose and without revocation.
pub struct Question {
    pub anchors: Vec<Arc<Certificate>>,
    pub links: Vec<Arc<Certificate>>,
    pub target: Arc<Certificate>,
    pub time: Time,
}

impl Question {
    /// About the leaf of a chain; the first authority is the anchor.
    pub fn of(chain: &[Issuer], leaf: &Profile) -> Self {
        let last = chain.last().expect("an authority");
        let issued = antin::pki::certificate::issue(last, leaf, &public_key(Kind::P256.key())).expect("a certificate");
        let mut certificates = chain.iter().map(|issuer| decoded(issuer.certificate()));
        let anchors = certificates.by_ref().take(1).collect();
        Self { anchors, links: certificates.collect(), target: decoded(&issued), time: NOW }
    }

    pub fn outcome_with(&self, policies: InitialPolicies<'_>, memory: &Memory, crls: &CrlSet) -> PathOutcome {
        let anchors = self.anchors.iter().cloned().map(TrustAnchor::new).collect();
        path::find_path(&PathRequest {
            target: &self.target,
            certificates: &self.links,
            crls,
            ocsp_responses: &[],
            trust: &TrustStore::new(anchors, Vec::new()),
            purpose: Purpose::Any,
            kind: None,
            document_signing_usages: &[],
            policies,
            revocation: RevocationMode::Off,
            maximum_age: MaximumAge::default(),
            time: self.time,
            past: None,
            memory,
            work: &Work::default(),
        })
    }

    pub fn outcome(&self) -> PathOutcome {
        self.outcome_with(InitialPolicies::default(), &Memory::none(), &CrlSet::default())
    }

    /// `valid`, or the code of the fault.
    pub fn code(&self) -> &'static str {
        code(&self.outcome())
    }
}

pub fn code(outcome: &PathOutcome) -> &'static str {
    match outcome {
        PathOutcome::Valid(_) => "valid",
        PathOutcome::Invalid { fault, .. } => fault.code(),
    }
}

/// A chain of authorities, the root first.
pub fn chain(profiles: &[Profile]) -> Vec<Issuer> {
    let mut chain = vec![self_sign(private_key(), &profiles[0]).expect("a root")];
    for profile in &profiles[1..] {
        chain.push(below(chain.last().expect("a root"), profile));
    }
    chain
}

/// The code for a leaf below one CA that `change` was made to.
fn below_ca(change: impl FnOnce(&mut Profile)) -> &'static str {
    let mut ca = authority("CA");
    change(&mut ca);
    Question::of(&chain(&[authority("Root"), ca]), &signer_profile("Leaf")).code()
}

#[test]
fn x02_who_is_no_ca_issues_nothing() {
    let constraints = |ca, path_len_constraint| Some(BasicConstraints { ca, path_len_constraint });
    assert_eq!(below_ca(|_| {}), "valid");
    assert_eq!(below_ca(|ca| ca.basic_constraints = None), "certificate-not-a-ca");
    assert_eq!(below_ca(|ca| ca.basic_constraints = constraints(false, None)), "certificate-not-a-ca");
    // Path length without CA.
    assert_eq!(below_ca(|ca| ca.basic_constraints = constraints(false, Some(3))), "certificate-not-a-ca");
    assert_eq!(below_ca(|ca| ca.key_usage = Some(KeyUsage(KeyUsages::CRLSign.into()))), "key-usage-not-allowed");
    assert_eq!(below_ca(|ca| ca.basic_constraints = constraints(true, Some(0))), "valid");
    let three = |limit| {
        let first = Profile { basic_constraints: constraints(true, Some(limit)), ..authority("First") };
        let all = [authority("Root"), first, authority("Second"), authority("Third")];
        Question::of(&chain(&all), &signer_profile("Leaf")).code()
    };
    assert_eq!(three(1), "path-length-exceeded");
    assert_eq!(three(2), "valid");
    // A path length that grows on the way down lifts nothing.
    let first = Profile { basic_constraints: constraints(true, Some(0)), ..authority("First") };
    let second = Profile { basic_constraints: constraints(true, Some(9)), ..authority("Second") };
    let grown = Question::of(&chain(&[authority("Root"), first, second]), &signer_profile("Leaf"));
    assert_eq!(grown.code(), "path-length-exceeded");
}

/// A certificate below `issuer` that `edit` was made to before it was signed, as the core reads it.
fn edited(issuer: &Issuer, profile: &Profile, edit: impl FnOnce(&mut x509_cert::TbsCertificate)) -> Arc<Certificate> {
    let der = edited_der(issuer, profile, Kind::P256.key(), edit);
    Arc::new(Certificate::decode_tolerant(&der).expect("a certificate"))
}

#[test]
fn x04_what_is_critical_and_unknown_or_twice_ends_the_path() {
    const UNKNOWN: &str = "1.3.6.1.4.1.32473.4";
    let with = |critical| vec![extension(UNKNOWN, critical, &[5, 0])];
    let at_anchor = |critical| {
        let root = Profile { extensions: with(critical), ..authority("Root") };
        Question::of(&chain(&[root]), &signer_profile("Leaf")).code()
    };
    let at_leaf = |critical| {
        let leaf = Profile { extensions: with(critical), ..signer_profile("Leaf") };
        Question::of(&chain(&[authority("Root")]), &leaf).code()
    };
    for (critical, expected) in [(true, "certificate-extension-not-understood"), (false, "valid")] {
        assert_eq!(at_anchor(critical), expected);
        assert_eq!(below_ca(|ca| ca.extensions = with(critical)), expected);
        assert_eq!(at_leaf(critical), expected);
    }
    // Malformed policies and names end the path also where they are not critical.
    for identifier in ["2.5.29.17", "2.5.29.30", "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"] {
        for malformed in [&[0x30, 0][..], &[5, 0], &[0x30, 0x80, 0, 0], &[2, 1, 0xFF], &[]] {
            let extensions = vec![extension(identifier, false, malformed)];
            let mut ca = authority("CA");
            ca.extensions = extensions;
            let code = Question::of(&chain(&[authority("Root"), ca]), &signer_profile("Leaf")).code();
            assert_eq!(code, "certificate-extension-not-understood", "{identifier} {malformed:02x?}");
        }
    }
    let root = chain(&[authority("Root")]);
    for index in 0..3 {
        let twice = edited(&root[0], &signer_profile("Leaf"), |tbs| {
            let extensions = tbs.extensions.as_mut().expect("extensions");
            extensions.push(extensions[index].clone());
        });
        let question = Question { target: twice, ..Question::of(&root, &signer_profile("Leaf")) };
        assert_eq!(question.code(), "certificate-not-der", "extension {index} twice");
    }
}

/// A certificate below `issuer` whose to-be-signed octets were changed before they were signed.
fn rewritten(issuer: &Issuer, profile: &Profile, from: &[u8], to: &[u8]) -> Arc<Certificate> {
    let issued = antin::pki::certificate::issue(issuer, profile, &public_key(Kind::P256.key())).expect("a certificate");
    let mut octets = issued.tbs_certificate.to_der().expect("DER");
    let start = octets.windows(from.len()).position(|window| window == from).expect("what is to be replaced");
    octets[start..start + from.len()].copy_from_slice(to);
    let signature = [vec![0], issuer.key().sign(&octets).expect("a signature")].concat();
    let algorithm = issued.signature_algorithm.to_der().expect("DER");
    let der = writer::sequence(&[&octets, &algorithm, &writer::element(tag::BIT_STRING, &signature)]);
    Arc::new(Certificate::decode(&der).expect("a certificate"))
}

#[test]
fn x07_certificates_outside_the_profile() {
    let issuers = chain(&[authority("Root")]);
    let leaf = signer_profile("Leaf");
    let question = |target| Question { target, ..Question::of(&issuers, &leaf) };
    let known = Profile { serial_number: Some(vec![0x11; 16]), ..leaf.clone() };
    for first in [0x80, 0x91, 0xFE] {
        let negative = rewritten(&issuers[0], &known, &[0x11; 16], &[&[first][..], &[0x11; 15]].concat());
        assert_eq!(question(negative).code(), "certificate-profile", "{first:02x}");
    }
    let zero = Profile { serial_number: Some(vec![0]), ..leaf.clone() };
    assert_eq!(Question::of(&issuers, &zero).code(), "certificate-profile");
    // Inner and outer algorithm differ: no certificate at all, neither strictly nor tolerantly read.
    let mismatch = edited_der(&issuers[0], &leaf, Kind::P256.key(), |tbs| {
        tbs.signature.oid = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
    });
    assert!(Certificate::decode(&mismatch).is_err());
    assert!(Certificate::decode_tolerant(&mismatch).is_err());
    // A CA of version 1 cannot say that it is one.
    let ca = below(&issuers[0], &authority("CA"));
    let old = edited_der(&issuers[0], &authority("CA"), Kind::P256.key(), |tbs| {
        tbs.version = Version::V1;
        tbs.extensions = None;
        tbs.subject_public_key_info = ca.certificate().tbs_certificate.subject_public_key_info.clone();
    });
    let old = Arc::new(Certificate::decode(&old).expect("a certificate"));
    assert_eq!(old.version, 1);
    let below_old = Question::of(&[chain(&[authority("Root")]).remove(0), ca], &leaf);
    let anchors = vec![decoded(issuers[0].certificate())];
    assert_eq!(Question { anchors, links: vec![old], ..below_old }.code(), "certificate-not-a-ca");
    // Version 1 with extensions is no certificate.
    let with_extensions = edited_der(&issuers[0], &leaf, Kind::P256.key(), |tbs| tbs.version = Version::V1);
    assert!(Certificate::decode_tolerant(&with_extensions).is_err());
    // A signature of a broken number of bits verifies nothing.
    let good =
        antin::pki::certificate::issue(&issuers[0], &leaf, &public_key(Kind::P256.key())).expect("a certificate");
    let [octets, algorithm] = [good.tbs_certificate.to_der(), good.signature_algorithm.to_der()].map(Result::unwrap);
    // An unused bit is zero, or it is no DER at all.
    let mut signature = [&[1], good.signature.raw_bytes()].concat();
    signature.last_mut().into_iter().for_each(|last| *last &= 0xFE);
    let broken = writer::sequence(&[&octets, &algorithm, &writer::element(tag::BIT_STRING, &signature)]);
    assert!(Certificate::decode(&broken).is_err());
    let broken = Certificate::decode_tolerant(&broken).expect("all but the signature");
    assert_eq!(question(Arc::new(broken)).code(), "certificate-signature-invalid");
}

#[test]
fn a_key_is_accepted_until_its_end_and_no_answer_outlives_it() {
    let end = Time::parse_rfc3339("2030-12-31T23:59:59Z").expect("a time");
    let issuers = chain(&[authority("Root")]);
    let leaf = Profile { not_after: NOW.plus_seconds(YEARS), ..signer_profile("Leaf") };
    let of = |kind: Kind, time| {
        let issued =
            antin::pki::certificate::issue(&issuers[0], &leaf, &public_key(kind.key())).expect("a certificate");
        Question { target: decoded(&issued), time, ..Question::of(&issuers, &leaf) }
    };
    assert_eq!(of(Kind::Rsa2048, end).code(), "valid");
    assert_eq!(of(Kind::Rsa2048, end.plus_seconds(1)).code(), "certificate-key-weak");
    assert_eq!(of(Kind::Rsa3072, end.plus_seconds(1)).code(), "valid");
    assert_eq!(of(Kind::P256, end.plus_seconds(1)).code(), "valid");
    assert_eq!(of(Kind::Rsa1024, NOW).code(), "certificate-key-weak");
    let (memory, crls) = (Memory::bounded(), CrlSet::default().with_snapshot(1));
    let mut question = of(Kind::Rsa2048, end);
    assert_eq!(code(&question.outcome_with(InitialPolicies::default(), &memory, &crls)), "valid");
    question.time = end.plus_seconds(1);
    let later = question.outcome_with(InitialPolicies::default(), &memory, &crls);
    assert_eq!(code(&later), "certificate-key-weak");
}

/// The path would be as sound; but the answer would hang on what was asked before.
#[test]
fn a_link_that_one_message_brought_serves_no_other() {
    let chain = chain(&[authority("Root"), authority("CA")]);
    let mut question = Question::of(&chain, &signer_profile("Leaf"));
    let (memory, crls) = (Memory::bounded(), CrlSet::default().with_snapshot(1));
    let answer = |question: &Question| code(&question.outcome_with(InitialPolicies::default(), &memory, &crls));
    let without = Question { links: Vec::new(), ..Question::of(&chain, &signer_profile("Leaf")) };
    let without = Question { target: Arc::clone(&question.target), ..without };
    assert_eq!(answer(&without), "no-trusted-path");
    assert_eq!(answer(&question), "valid");
    assert_eq!(answer(&without), "no-trusted-path");
    question.links.insert(0, Arc::clone(&question.target));
    assert_eq!(answer(&question), "valid");
}
