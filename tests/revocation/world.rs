//! A development PKI, a cache over it, and the verdicts that come of both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::revocation::{CrlSource, RevocationSettings};
use antin::core::memory::Memory;
use antin::core::path::{InitialPolicies, PathFault, PathOutcome, PathRequest, Work, find_path};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::x509::{Certificate, TrustAnchor, TrustStore};
use antin::pki::certificate::Issuer;
use antin::pki::crl::RevocationList;
use antin::pki::{self, Authority, InitOptions, Member, Reason, file};
use antin::revocation::candidate::key_digest;
use antin::revocation::{RevocationCache, SharedEvidence};
use arc_swap::ArcSwap;
use const_oid::ObjectIdentifier;
use der::asn1::{BitString, OctetString};
use der::{Decode, Encode};
use tempfile::TempDir;
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    Revoked,
    Unknown,
    Stale,
}

pub struct World {
    pub directory: TempDir,
    pub trust: Arc<ArcSwap<TrustStore>>,
}

impl World {
    pub fn new() -> Self {
        Self::laid_at(clock::now())
    }

    pub fn laid_at(now: Time) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        pki::init(&directory.path().join("pki"), &InitOptions::default(), now).expect("a PKI");
        let mut world = Self { directory, trust: Arc::new(ArcSwap::from_pointee(TrustStore::new(vec![], vec![]))) };
        world.trust = Arc::new(ArcSwap::from_pointee(world.trust_store()));
        world
    }

    pub fn trust_store(&self) -> TrustStore {
        TrustStore::new(vec![TrustAnchor::new(self.certificate(Member::Root))], vec![self.certificate(Member::Ca)])
    }

    pub fn pki(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    pub fn certificate(&self, member: Member) -> Arc<Certificate> {
        let read = file::read_certificate(&member.certificate_path(&self.pki())).expect("a certificate");
        Arc::new(Certificate::decode(&read.der).expect("a certificate"))
    }

    /// The list published now, DER.
    pub fn list(&self, authority: Authority) -> Vec<u8> {
        file::read_crl(&authority.crl_path(&self.pki())).expect("a list")
    }

    pub fn revoke(&self, member: Member) {
        let path = member.certificate_path(&self.pki());
        pki::revoke(&self.pki(), &path, Reason::KeyCompromise, clock::now()).expect("revoked");
    }

    /// A list of the CA with the number and the start given and no entries.
    pub fn empty_list(&self, number: u128, this_update: Time) -> Vec<u8> {
        let issuer = Issuer::load(&self.pki(), Authority::Ca).expect("an issuer");
        RevocationList { number, ..RevocationList::first(this_update) }.sign(&issuer).expect("a list")
    }

    /// A list of the CA for end-entity certificates alone, on which nothing stands, with the encoding of its scope.
    pub fn partition(&self, number: u128) -> (Vec<u8>, Vec<u8>) {
        self.for_end_entities(&self.empty_list(number, clock::now()))
    }

    /// The same list of the CA for end-entity certificates alone, with the encoding of its scope.
    pub fn for_end_entities(&self, list: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let issuer = Issuer::load(&self.pki(), Authority::Ca).expect("an issuer");
        let mut list = CertificateList::from_der(list).expect("a list");
        let point = IssuingDistributionPoint {
            distribution_point: None,
            only_contains_user_certs: true,
            only_contains_ca_certs: false,
            only_some_reasons: None,
            indirect_crl: false,
            only_contains_attribute_certs: false,
        };
        let scope = point.to_der().expect("DER");
        let extensions = list.tbs_cert_list.crl_extensions.as_mut().expect("extensions");
        // Written out: x509-cert 0.2 gives this type the identifier of another extension.
        let extn_id = ObjectIdentifier::new_unwrap("2.5.29.28");
        let extn_value = OctetString::new(scope.clone()).expect("octets");
        extensions.push(Extension { extn_id, critical: true, extn_value });
        let signed = issuer.key().sign(&list.tbs_cert_list.to_der().expect("DER")).expect("signed");
        list.signature = BitString::from_bytes(&signed).expect("a bit string");
        (list.to_der().expect("DER"), scope)
    }

    /// The key of an authority's complete list in Redis.
    pub fn redis_key(&self, authority: Authority) -> String {
        format!("antin:crl:{{{}}}:complete", hex::encode(key_digest(&self.certificate(authority.member()))))
    }

    /// Quick settings without sources.
    pub fn settings(&self) -> RevocationSettings {
        RevocationSettings {
            refresh_seconds: 1,
            jitter_percent: 0,
            timeout_seconds: 2,
            connect_timeout_seconds: 1,
            start_timeout_seconds: 4,
            maximum_bytes: 64 * 1024,
            marks_file: self.directory.path().join("marks.json"),
            ..RevocationSettings::default()
        }
    }

    /// Quick settings with the published files as sources.
    pub fn settings_with_files(&self) -> RevocationSettings {
        let sources = Authority::ALL.map(|authority| self.file_source(authority)).to_vec();
        RevocationSettings { sources, ..self.settings() }
    }

    pub fn file_source(&self, authority: Authority) -> CrlSource {
        CrlSource { file: Some(authority.crl_path(&self.pki())), ..CrlSource::default() }
    }

    pub async fn start(&self, settings: &RevocationSettings) -> RevocationCache {
        let memory = Arc::new(Memory::bounded());
        RevocationCache::start(settings, Arc::clone(&self.trust), memory).await.expect("a cache")
    }

    /// The verdict on a signer, reached as the service reaches it.
    pub fn standing(&self, evidence: &SharedEvidence, member: Member) -> Standing {
        let (target, evidence, memory) = (self.certificate(member), evidence.load(), Memory::none());
        let request = PathRequest {
            target: &target,
            certificates: &evidence.certificates,
            crls: &evidence.crls,
            ocsp_responses: &[],
            trust: &self.trust_store(),
            purpose: Purpose::Any,
            kind: None,
            document_signing_usages: &[],
            policies: InitialPolicies::default(),
            revocation: RevocationMode::Required,
            maximum_age: MaximumAge::default(),
            time: clock::now(),
            past: None,
            memory: &memory,
            work: &Work::default(),
        };
        match find_path(&request) {
            PathOutcome::Valid(_) => Standing::Good,
            PathOutcome::Invalid { fault: PathFault::Revoked { .. }, .. } => Standing::Revoked,
            PathOutcome::Invalid { fault: PathFault::RevocationUnknown(_), .. } => Standing::Unknown,
            PathOutcome::Invalid { fault: PathFault::RevocationStale { .. }, .. } => Standing::Stale,
            PathOutcome::Invalid { fault, .. } => panic!("{member:?}: {fault:?}"),
        }
    }

    /// What is known of the judicial and of the health signer.
    pub fn standings(&self, evidence: &SharedEvidence) -> (Standing, Standing) {
        (self.standing(evidence, Member::Judicial), self.standing(evidence, Member::Health))
    }
}

/// Waits until a condition holds; panics after the limit.
pub async fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Holds that a condition stays true.
pub async fn throughout(what: &str, span: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < span {
        assert!(condition(), "no longer: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
