//! The cases of the set as its `pkits.json` writes them, and what they ask of the library.

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
use serde::Deserialize;

/// The time at which the set is judged.
pub const AT: &str = "2021-05-03T00:00:00Z";
const ANCHOR: &str = "TrustAnchorRootCertificate.crt";
/// Belongs to every case.
const ANCHOR_CRL: &str = "TrustAnchorRootCRL.crl";

/// One case; a field that is not known here fails the reading.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The number of the test in the set's document; several cases may share one, with other inputs.
    #[serde(rename = "id")]
    _number: String,
    /// Names the case alone.
    pub name: String,
    pub cert: String,
    #[serde(default)]
    pub other_certs: Vec<String>,
    #[serde(default)]
    crls: Vec<String>,
    /// Certificates of the path, the anchor too.
    path_len: usize,
    #[serde(rename = "path_intermediates")]
    _path_intermediates: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub revocation: bool,
    error: Option<Error>,
    #[serde(default)]
    pub params: Parameters,
}

const fn yes() -> bool {
    true
}

/// The inputs about policies (RFC 5280 §6.1.1).
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    pub user_initial_policy_set: Vec<String>,
    pub initial_explicit_policy: bool,
    pub initial_policy_mapping_inhibit: bool,
    pub initial_any_policy_inhibit: bool,
}

#[derive(Deserialize)]
struct Error {
    class: String,
    #[serde(rename = "msg_regex")]
    _message: String,
}

/// What the set demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Valid,
    /// The certificates themselves do not make a valid path.
    PathInvalid,
    Revoked,
    /// No revocation data, none that are fresh, or none that are understood.
    RevocationUnknown,
}

impl Case {
    pub fn expected(&self) -> Expected {
        match self.error.as_ref().map(|error| error.class.as_str()) {
            None => Expected::Valid,
            Some("PathValidationError") => Expected::PathInvalid,
            Some("RevokedError") => Expected::Revoked,
            Some("InsufficientRevinfoError" | "StaleRevinfoError") => Expected::RevocationUnknown,
            Some(other) => panic!("{}: no kind of failure {other}", self.name),
        }
    }
}

/// The folder of the set.
pub struct Folder(PathBuf);

impl Folder {
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn cases(&self) -> Vec<Case> {
        let text = fs::read(self.0.join("pkits.json")).expect("the table of cases");
        serde_json::from_slice(&text).expect("cases")
    }

    pub fn certificate_file(&self, name: &str) -> PathBuf {
        self.0.join("certs").join(name)
    }

    pub fn anchor_file(&self) -> PathBuf {
        self.certificate_file(ANCHOR)
    }

    /// The CRLs of a case.
    pub fn crl_files(&self, case: &Case) -> Vec<PathBuf> {
        let names = case.crls.iter().map(String::as_str).chain([ANCHOR_CRL]);
        names.map(|name| self.0.join("crls").join(name)).collect()
    }

    fn certificate(&self, name: &str) -> Arc<Certificate> {
        let der = fs::read(self.certificate_file(name)).expect(name);
        Arc::new(Certificate::decode_tolerant(&der).expect(name))
    }

    /// The outcome of a case, for any purpose.
    pub fn find_path(&self, case: &Case) -> PathOutcome {
        let target = self.certificate(&case.cert);
        let certificates: Vec<_> = case.other_certs.iter().map(|name| self.certificate(name)).collect();
        let crls = self.crl_files(case).into_iter().filter_map(|path| {
            // A list that cannot be read is as good as none.
            CertificateList::decode(&fs::read(path).expect("a file")).ok().map(Arc::new)
        });
        let policies = case.params.user_initial_policy_set.iter().map(|policy| oid::parse(policy).expect("a policy"));
        let acceptable: Vec<_> = policies.collect();
        let outcome = path::find_path(&PathRequest {
            target: &target,
            certificates: &certificates,
            crls: &CrlSet::new(crls),
            ocsp_responses: &[],
            trust: &TrustStore::new(vec![TrustAnchor::new(self.certificate(ANCHOR))], Vec::new()),
            purpose: Purpose::Any,
            document_signing_usages: &[],
            policies: InitialPolicies {
                acceptable: &acceptable,
                require_explicit: case.params.initial_explicit_policy,
                inhibit_mapping: case.params.initial_policy_mapping_inhibit,
                inhibit_any: case.params.initial_any_policy_inhibit,
            },
            revocation: if case.revocation { RevocationMode::Required } else { RevocationMode::Off },
            maximum_age: MaximumAge::default(),
            time: Time::parse_rfc3339(AT).expect("a time"),
            memory: &Memory::none(),
            work: &Work::default(),
        });
        if let PathOutcome::Valid(path) = &outcome {
            assert_eq!(path.certificates().len() + 1, case.path_len, "{}: another path", case.name);
        }
        outcome
    }
}
