//! The certificates and CRLs of the set, and what a case asks of the library.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use antin::core::evidence::CrlSet;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::{self, InitialPolicies, PathOutcome, PathRequest, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};

use super::case::{Case, Expected};
use crate::kit::vectors;
use crate::oracles;

/// The time at which the set is judged.
pub const AT: &str = "2021-05-03T00:00:00Z";
const ANCHOR: &str = "TrustAnchorRootCertificate";
/// Belongs to every case.
const ANCHOR_CRL: &str = "TrustAnchorRootCRL";

/// A folder with `certs/*.crt` and `crls/*.crl`.
pub struct Folder(PathBuf);

impl Folder {
    /// The foreign vectors' folder, else the one that `make oracles` unpacked; where neither is, this is said.
    pub fn find() -> Option<Self> {
        vectors::look("pkits").or_else(oracles::pkits).map(Self)
    }

    pub fn certificate_file(&self, name: &str) -> PathBuf {
        self.0.join("certs").join(format!("{name}.crt"))
    }

    pub fn anchor_file(&self) -> PathBuf {
        self.certificate_file(ANCHOR)
    }

    /// The CRLs of a case.
    pub fn crl_files(&self, case: &Case) -> Vec<PathBuf> {
        let names = case.crls.iter().map(String::as_str).chain([ANCHOR_CRL]);
        names.map(|name| self.0.join("crls").join(format!("{name}.crl"))).collect()
    }

    fn certificate(&self, name: &str) -> Arc<Certificate> {
        let der = fs::read(self.certificate_file(name)).expect(name);
        Arc::new(Certificate::decode_tolerant(&der).expect(name))
    }

    /// The outcome of a case, for any purpose.
    pub fn find_path(&self, case: &Case) -> PathOutcome {
        let target = self.certificate(&case.target);
        let certificates: Vec<_> = case.certificates.iter().map(|name| self.certificate(name)).collect();
        let crls = self.crl_files(case).into_iter().filter_map(|path| {
            // A list that cannot be read is as good as none.
            CertificateList::decode(&fs::read(path).expect("a file")).ok().map(Arc::new)
        });
        let policies = case.policies.acceptable.iter().map(|policy| oid::parse(policy).expect("a policy"));
        let acceptable: Vec<_> = policies.collect();
        let outcome = path::find_path(&PathRequest {
            target: &target,
            certificates: &certificates,
            crls: &CrlSet::new(crls),
            ocsp_responses: &[],
            trust: &TrustStore::new(vec![TrustAnchor::new(self.certificate(ANCHOR))], Vec::new()),
            purpose: Purpose::Any,
            kind: None,
            document_signing_usages: &[],
            policies: InitialPolicies {
                acceptable: &acceptable,
                require_explicit: case.policies.require_explicit,
                inhibit_mapping: case.policies.inhibit_mapping,
                inhibit_any: case.policies.inhibit_any,
            },
            revocation: if case.revocation { RevocationMode::Required } else { RevocationMode::Off },
            maximum_age: MaximumAge::default(),
            time: Time::parse_rfc3339(AT).expect("a time"),
            past: None,
            memory: &Memory::none(),
            work: &Work::default(),
        });
        if let (PathOutcome::Valid(path), Expected::Valid) = (&outcome, case.expected) {
            assert_eq!(path.certificates().len() + 1, case.path_length, "{}: another path", case.number);
        }
        outcome
    }
}
