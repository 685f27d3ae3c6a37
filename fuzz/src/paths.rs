//! A search for a path among hostile certificates: what is found keeps the rules, asked again without the search.

use std::sync::Arc;

use crate::core::evidence::CrlSet;
use crate::core::memory::Memory;
use crate::core::path::{InitialPolicies, PathOutcome, PathRequest, ValidatedPath, Work, find_path};
use crate::core::policy::{MaximumAge, Purpose, RevocationMode};
use crate::core::time::Time;
use crate::core::x509::ocsp::OcspResponse;
use crate::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use crate::items::{Kind, split};

/// 2026-08-05T02:00:00Z: the vectors are valid then.
const TIME: Time = Time::from_unix(1_785_895_200);
const PURPOSES: [Purpose; 4] = [Purpose::Any, Purpose::DocumentSigning, Purpose::TimeStamping, Purpose::OcspSigning];
const MODES: [RevocationMode; 3] = [RevocationMode::Required, RevocationMode::IfAvailable, RevocationMode::Off];

/// The first octet chooses purpose and revocation mode; the rest is items, of which the first certificate is the target.
pub fn search(input: &[u8]) {
    let [choice, rest @ ..] = input else { return };
    let (purpose, revocation) = (PURPOSES[usize::from(choice & 3)], MODES[usize::from(choice >> 2) % MODES.len()]);
    let (mut certificates, mut anchors, mut lists, mut responses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (kind, octets) in split(rest) {
        match kind {
            Kind::Certificate => certificates.extend(Certificate::decode_tolerant(octets).ok().map(Arc::new)),
            Kind::Anchor => {
                anchors.extend(Certificate::decode(octets).ok().map(|anchor| TrustAnchor::new(Arc::new(anchor))))
            }
            Kind::Crl => lists.extend(CertificateList::decode(octets).ok().map(Arc::new)),
            Kind::Ocsp => responses.extend(OcspResponse::decode(octets).ok().map(Arc::new)),
        }
    }
    let Some(target) = certificates.first() else { return };
    let outcome = find_path(&PathRequest {
        target,
        certificates: &certificates,
        crls: &CrlSet::new(lists),
        ocsp_responses: &responses,
        trust: &TrustStore::new(anchors.clone(), Vec::new()),
        purpose,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation,
        maximum_age: MaximumAge::default(),
        time: TIME,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    match outcome {
        PathOutcome::Valid(path) => assert_sound(&path, target, &anchors, revocation),
        PathOutcome::Invalid { fault, .. } => assert!(!fault.code().is_empty()),
    }
}

/// The rules that need no search (RFC 5280 §6.1.3): chained to a held anchor, signed, valid now, revocation known.
fn assert_sound(path: &ValidatedPath, target: &Certificate, anchors: &[TrustAnchor], revocation: RevocationMode) {
    let certificates = path.certificates();
    assert_eq!(*certificates[0], *target);
    assert!(anchors.iter().any(|anchor| *anchor.certificate() == *path.anchor()), "it ends at no anchor");
    if certificates.len() == 1 && certificates[0] == *path.anchor() {
        return;
    }
    let issuers = certificates.iter().skip(1).chain([path.anchor()]);
    for (certificate, issuer) in certificates.iter().zip(issuers) {
        assert_eq!(certificate.issuer, issuer.subject);
        let algorithm = certificate.signature_algorithm.as_ref().expect("what is valid has a known algorithm");
        let key = issuer.public_key().expect("what is valid has a usable key");
        assert!(key.verify(*algorithm, certificate.to_be_signed(), certificate.signature()).is_ok(), "not signed");
        assert!(certificate.not_before <= TIME && TIME <= certificate.not_after, "not valid at the time");
    }
    assert!(certificates[1..].iter().all(|authority| authority.is_ca()), "issued by what is no CA");
    if revocation == RevocationMode::Required {
        assert_eq!(path.revocation().len(), certificates.len(), "not every certificate was asked about");
    }
    assert!(
        path.revocation()
            .iter()
            .all(|status| status.this_update <= TIME && status.next_update.is_none_or(|next| TIME <= next))
    );
}
