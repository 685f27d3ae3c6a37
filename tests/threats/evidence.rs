//! Evidence chosen by an attacker: older lists, lists of another scope or not understood, digests nobody signed, signers that name
//! different documents, work without end.

use std::sync::Arc;
use std::time::Duration;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::document_reference::DocumentReference;
use antin::core::crypto;
use antin::core::evidence::Evidence;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::x509::CertificateList;
use antin::pki::crl::{Reason, RevocationList};
use x509_cert::serial_number::SerialNumber;

use crate::kit::CONTENT;
use crate::kit::cost::Cost;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::{NOW, Signer, crl, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED};

const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";

/// The CA's list of that number and time, which revokes `signer` if it is given.
fn list(number: u128, this_update: Time, signer: Option<&Signer>, reason: Reason) -> Arc<CertificateList> {
    let mut list = RevocationList { number, ..RevocationList::first(this_update) };
    if let Some(signer) = signer {
        let serial_number = SerialNumber::new(&signer.certificate.serial_number).expect("a serial number");
        list.revoke(&serial_number, reason, this_update).expect("an entry");
    }
    crl(&tree().ca, &list)
}

fn message(signer: &Signer, crls: &[&Arc<CertificateList>]) -> Vec<u8> {
    let crls = crls.iter().map(|crl| crl.der()).collect();
    Message { crls, ..Message::detached(SignerInfo::new(signer, CONTENT)) }.encode()
}

/// The tree's evidence with these lists of the CA in place of its own.
fn evidence(crls: &[&Arc<CertificateList>]) -> Evidence {
    let mut evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
    let root = tree().crls.issued_by(&tree().root_certificate.subject);
    for crl in root.iter().chain(crls.iter().copied()) {
        evidence.crls.insert(Arc::clone(crl));
    }
    evidence
}

fn judge(evidence: &Evidence, message: &[u8]) -> String {
    Judge { evidence, ..Judge::default() }.verdict(message, Content::Bytes(CONTENT))
}

#[test]
fn lists_that_came_with_the_document_reveal_and_show_nothing_good() {
    let signer = tree().signer(Kind::P256);
    let (old, new) = (NOW.plus_seconds(-1800), NOW.plus_seconds(-60));
    let (clean, revoking) =
        (list(1, old, None, Reason::Unspecified), list(2, new, Some(&signer), Reason::KeyCompromise));
    // The source is out of reach, and the document brings the list from before the revocation.
    let by = |policy, evidence: &Evidence, message: &[u8]| {
        Judge { evidence, policy, ..Judge::default() }.verdict(message, Content::Bytes(CONTENT))
    };
    for policy in ["circular-15-2025", "strict"] {
        assert_eq!(by(policy, &evidence(&[]), &message(&signer, &[&clean])), UNKNOWN);
    }
    // The policy for documents judged without a service takes what came with them, as long as nothing newer is at hand.
    assert_eq!(judge(&evidence(&[]), &message(&signer, &[&clean])), PASSED);
    assert_eq!(judge(&evidence(&[]), &message(&signer, &[&clean, &revoking])), REVOKED);
    assert_eq!(judge(&evidence(&[&clean]), &message(&signer, &[])), PASSED);
    assert_eq!(judge(&evidence(&[&clean]), &message(&signer, &[&revoking])), REVOKED);
    assert_eq!(judge(&evidence(&[&revoking]), &message(&signer, &[&clean])), REVOKED);
}

#[test]
fn the_newest_list_decides_and_of_two_equally_new_the_worse() {
    let signer = tree().signer(Kind::P256);
    let (old, new) = (NOW.plus_seconds(-1800), NOW.plus_seconds(-60));
    let clean = |number, time| list(number, time, None, Reason::Unspecified);
    let revoking = |number, time| list(number, time, Some(&signer), Reason::KeyCompromise);
    let held = |number, time| list(number, time, Some(&signer), Reason::CertificateHold);
    let outcome = |lists: [&Arc<CertificateList>; 2]| {
        let both = [evidence(&lists), evidence(&[lists[1], lists[0]])]
            .map(|evidence| judge(&evidence, &message(&signer, &[])));
        assert_eq!(both[0], both[1], "in either order");
        both[0].clone()
    };
    assert_eq!(outcome([&clean(1, old), &revoking(2, new)]), REVOKED);
    assert_eq!(outcome([&held(1, old), &clean(2, new)]), PASSED, "a hold was lifted");
    assert_eq!(outcome([&clean(1, new), &revoking(1, new)]), REVOKED);
    assert_eq!(outcome([&clean(1, new), &held(1, new)]), "INDETERMINATE TRY_LATER certificate-suspended");
}

#[test]
fn a_list_that_the_allowance_left_unverified_is_not_taken_for_absent() {
    use antin::core::memory::Memory;
    use antin::core::path::{InitialPolicies, PathOutcome, PathRequest, Work, find_path};
    use antin::core::policy::{MaximumAge, Purpose};
    let signer = tree().signer(Kind::P256);
    let clean = list(1, NOW.plus_seconds(-1800), None, Reason::Unspecified);
    let revoking = list(2, NOW.plus_seconds(-60), Some(&signer), Reason::KeyCompromise);
    let evidence = evidence(&[&clean, &revoking]);
    let policy = Policy::held("any-ades").expect("held");
    // However much earlier signers have used up, down to nothing.
    for used in 180..=192 {
        let work = Work::default();
        assert!((0..used).all(|_| work.spend()));
        let outcome = find_path(&PathRequest {
            target: &signer.certificate,
            certificates: &evidence.certificates,
            crls: &evidence.crls,
            ocsp_responses: &[],
            trust: &tree().trust,
            purpose: Purpose::DocumentSigning,
            kind: None,
            document_signing_usages: &policy.document_signing_usages,
            policies: InitialPolicies::default(),
            revocation: RevocationMode::Required,
            maximum_age: MaximumAge::default(),
            time: NOW,
            past: None,
            memory: &Memory::none(),
            work: &work,
        });
        assert!(matches!(outcome, PathOutcome::Invalid { .. }), "{used}: {outcome:?}");
    }
}

#[test]
fn signers_that_name_different_documents_name_none() {
    let named = |id: &str| {
        let mut info = SignerInfo::new(&tree().signer, CONTENT);
        info.add(&DocumentReference::new("health-book", id, None).expect("short").encode());
        info
    };
    let policy = Policy::held("any-ades").expect("held");
    let code = |signers: &[SignerInfo]| {
        let message = Message::of(signers).encode();
        let validation = Judge::default().validate(&message, Content::Bytes(CONTENT)).expect("a message");
        let report = Report::new(&validation, &policy, RevocationMode::Required, NOW);
        (report.reliance.code, report.document.id)
    };
    let plain = SignerInfo::new(&tree().signer, CONTENT);
    assert_eq!(code(&[named("1"), plain.clone()]), ("valid", Some("1".to_owned())));
    assert_eq!(code(&[named("1"), named("1")]), ("valid", Some("1".to_owned())));
    assert_eq!(code(&[named("1"), named("2")]), ("document-references-differ", None));
    assert_eq!(code(&[plain, named("2"), named("1")]), ("document-references-differ", None));
}

#[test]
fn a_digest_that_nobody_signed_is_not_repeated() {
    use antin::core::algorithm::SignatureAlgorithm;
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
    let message = Message::detached(SignerInfo::with_algorithm(&tree().signer, CONTENT, algorithm)).encode();
    let right = (DigestAlgorithm::Sha512, crypto::digest(DigestAlgorithm::Sha512, CONTENT));
    let invented = (DigestAlgorithm::Sha256, vec![7; 32]);
    let digests = [invented, right];
    let validation = Judge::default().validate(&message, Content::Digests(&digests)).expect("a message");
    assert_eq!(crate::kit::verdict::line(&validation.verdict), PASSED);
    assert_eq!(validation.content.sha256, None);
}

#[test]
fn many_signers_below_many_authorities_of_one_name_cost_no_more_than_one() {
    // Authorities that bear the name of the signer's issuer, with other keys.
    let twins: Vec<Vec<u8>> = (0..40)
        .map(|_| {
            let name = antin::pki::profile::subject("antin", "Kit CA").expect("a name");
            let publication = crate::kit::tree::publication();
            let profile = antin::pki::profile::public_service_ca(name, NOW.plus_seconds(-3600), &publication);
            let twin = antin::pki::certificate::self_sign(crate::kit::tree::private_key(), &profile);
            crate::kit::tree::decoded(twin.expect("a certificate").certificate()).der().to_vec()
        })
        .collect();
    let signers: Vec<SignerInfo> = (0..32)
        .map(|number| {
            let signer = tree().signer_saying(&signer_profile(&format!("Signer {number}")));
            SignerInfo::new(&signer, CONTENT)
        })
        .collect();
    let mut message = Message::of(&signers);
    message.certificates.extend(twins);
    let message = message.encode();
    let evidence = Evidence::default();
    let started = Cost::begin();
    let verdict = Judge { evidence: &evidence, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT));
    assert_ne!(verdict, PASSED);
    // 192 signatures of 0.1 ms beside the decoding of an unoptimised build; without the allowance they were 1,312.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
