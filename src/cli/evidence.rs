//! Options of evidence, shared by the commands that judge: anchors, certificates, CRLs, time, policy.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::exit::{self, CommandError};
use crate::clock;
use crate::core::evidence::{CrlSet, Evidence};
use crate::core::evidence_file;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::x509::anchor_limits::{AnchorLimits, AnchorUse};
use crate::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use crate::trust::{Held, Manifest, manifest};

/// Octets of a document or evidence file.
const FILE_LIMIT: u64 = 1 << 30;
/// Where the held anchors lie unless the environment names another folder.
const ANCHORS_DIRECTORY: &str = "trust-anchors/vietnam";
const ANCHORS_VARIABLE: &str = "ANTIN_TRUST_ANCHORS";

/// What is believed and what is at hand.
#[derive(Args, Clone, Debug)]
pub struct EvidenceArguments {
    /// Trust this certificate: root, subordinate, or the signer's own; replaces the held anchors
    #[arg(long = "trust-anchor", value_name = "FILE")]
    trust_anchors: Vec<PathBuf>,
    /// A certificate that may link the signer's to an anchor; not trusted by itself
    #[arg(long = "intermediate", value_name = "FILE")]
    intermediates: Vec<PathBuf>,
    /// Trust this certificate for time-stamps alone
    #[arg(long = "timestamp-anchor", value_name = "FILE")]
    timestamp_anchors: Vec<PathBuf>,
    /// A certificate revocation list
    #[arg(long = "crl", value_name = "FILE")]
    crls: Vec<PathBuf>,
    /// An OCSP response
    #[arg(long = "ocsp", value_name = "FILE")]
    ocsp_responses: Vec<PathBuf>,
    /// How revocation is checked
    #[arg(long, value_enum, default_value_t = RevocationArgument::Required)]
    revocation: RevocationArgument,
    /// Judge as at this time (RFC 3339); now by default
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    at: Option<Time>,
    /// A held policy (any-ades, circular-15-2025, strict) or a policy file
    #[arg(long, value_name = "NAME|FILE", default_value = "any-ades")]
    policy: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RevocationArgument {
    Required,
    IfAvailable,
    Off,
}

/// A time of an option.
pub fn parse_time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).map_err(|_| "not an RFC 3339 time, as 2026-07-01T08:30:00+07:00".to_owned())
}

/// The evidence options, read.
pub struct LoadedEvidence {
    pub trust: TrustStore,
    pub evidence: Evidence,
    pub policy: Policy,
    pub revocation: RevocationMode,
    pub time: Time,
    /// Every CRL, in the order of the options.
    pub crls: Vec<Arc<CertificateList>>,
    /// The DER of every OCSP response, in the order of the options.
    pub ocsp_encoded: Vec<Vec<u8>>,
    /// The policy's file.
    pub policy_text: String,
    /// The file about kinds of documents, if there is one.
    pub document_kinds_text: Option<String>,
}

impl EvidenceArguments {
    /// Reads every file named; the first that cannot be read ends the command with 65.
    pub fn load(&self) -> Result<LoadedEvidence, CommandError> {
        let intermediates = load_certificates(&self.intermediates)?;
        let timestamp_anchors = load_certificates(&self.timestamp_anchors)?;
        // Held intermediates link whatever is trusted; they are never trusted themselves.
        let mut held = held()?;
        if !self.trust_anchors.is_empty() {
            held.anchors = load_certificates(&self.trust_anchors)?.into_iter().map(TrustAnchor::new).collect();
        }
        if !timestamp_anchors.is_empty() {
            held.anchors = with_timestamp_anchors(held.anchors, timestamp_anchors);
        }
        let trust = held.into_store();
        let mut crls = Vec::new();
        for path in &self.crls {
            let file = read(path)?;
            let lists = evidence_file::crls(&file);
            for crl in lists.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))? {
                crls.push(Arc::new(crl));
            }
        }
        let (mut ocsp_responses, mut ocsp_encoded) = (Vec::new(), Vec::new());
        for path in &self.ocsp_responses {
            let file = read(path)?;
            let responses = evidence_file::ocsp_responses(&file);
            let responses = responses.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
            ocsp_responses.extend(responses.into_iter().map(Arc::new));
            let encoded = evidence_file::ocsp_responses_encoded(&file);
            let encoded = encoded.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
            ocsp_encoded.extend(encoded.into_iter().map(Cow::into_owned));
        }
        let (policy, policy_text) = self.policy()?;
        Ok(LoadedEvidence {
            trust,
            evidence: Evidence { certificates: intermediates, crls: CrlSet::new(crls.iter().cloned()), ocsp_responses },
            crls,
            ocsp_encoded,
            policy,
            policy_text,
            document_kinds_text: None,
            revocation: match self.revocation {
                RevocationArgument::Required => RevocationMode::Required,
                RevocationArgument::IfAvailable => RevocationMode::IfAvailable,
                RevocationArgument::Off => RevocationMode::Off,
            },
            time: self.at.unwrap_or_else(clock::now),
        })
    }

    /// The policy and its file.
    fn policy(&self) -> Result<(Policy, String), CommandError> {
        if let (Some(policy), Some(text)) = (Policy::held(&self.policy), Policy::held_text(&self.policy)) {
            return Ok((policy, text.to_owned()));
        }
        let path = Path::new(&self.policy);
        if !path.exists() {
            let held: Vec<_> = Policy::held_ids().collect();
            let message = format!("no policy {:?}: use {} or a policy file", self.policy, held.join(", "));
            return Err(CommandError::new(exit::USAGE, message));
        }
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let policy = Policy::parse(&text).map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
        // The answer names the policy: nobody's own one under the name of one that comes with antin.
        if Policy::held(&policy.id).is_some_and(|held| held != policy) {
            let message =
                format!("{}: {:?} is the id of another policy; give this one its own", path.display(), policy.id);
            return Err(CommandError::new(exit::UNREADABLE, message));
        }
        Ok((policy, text))
    }

    /// What is made is made now, with revocation data: other options would be passed over.
    pub fn check_for_making(&self) -> Result<(), CommandError> {
        if self.at.is_some() || !matches!(self.revocation, RevocationArgument::Required) {
            let message =
                "--at and --revocation are for judging: what is made here is judged now, with revocation data";
            return Err(CommandError::new(exit::USAGE, message));
        }
        Ok(())
    }

    /// The caller says whom to trust.
    pub fn names_anchors(&self) -> bool {
        !self.trust_anchors.is_empty() || !self.timestamp_anchors.is_empty()
    }

    /// Every file that an option names, or may name.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let anchors = self.trust_anchors.iter().chain(&self.timestamp_anchors);
        let files = anchors.chain(&self.intermediates).chain(&self.crls).chain(&self.ocsp_responses);
        files.map(PathBuf::as_path).chain([Path::new(&self.policy)])
    }
}

/// Time-stamps lead to `own` alone, and nothing else does.
fn with_timestamp_anchors(anchors: Vec<TrustAnchor>, own: Vec<Arc<Certificate>>) -> Vec<TrustAnchor> {
    let for_uses = |wanted: &dyn Fn(AnchorUse) -> bool| {
        let uses = AnchorUse::ALL.into_iter().filter(|one| wanted(*one)).collect();
        AnchorLimits::new(Some(uses), None, None, None).expect("some uses, and no other limit")
    };
    let (others, timestamps) =
        (for_uses(&|one| one != AnchorUse::TimeStamping), for_uses(&|one| one == AnchorUse::TimeStamping));
    let others = anchors
        .into_iter()
        .map(|anchor| TrustAnchor::limited(Arc::clone(anchor.certificate()), anchor.limits().and(&others)));
    let own = own.into_iter().map(|certificate| TrustAnchor::limited(certificate, timestamps.clone()));
    others.chain(own).collect()
}

/// The folder of the anchors held on this machine; `None` where the usual one is missing and no other is named.
pub fn anchors_directory() -> Option<PathBuf> {
    let named = std::env::var_os(ANCHORS_VARIABLE).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(ANCHORS_DIRECTORY)).filter(|directory| directory.is_dir()))
}

/// The folder's own manifest, or the one that comes with antin.
pub fn manifest(directory: &Path) -> Result<Manifest, CommandError> {
    if !directory.join(manifest::FILE_NAME).is_file() {
        return Ok(Manifest::vietnam());
    }
    Manifest::read(directory).map_err(|error| CommandError::new(exit::UNREADABLE, error))
}

/// The anchors held on this machine, against the manifest; none where the folder is missing.
fn held() -> Result<Held, CommandError> {
    let Some(directory) = anchors_directory() else { return Ok(Held::default()) };
    let held = manifest(&directory)?.load(&directory);
    held.map_err(|error| CommandError::new(exit::UNREADABLE, error))
}

/// SHA-256 of the anchors held on this machine; none where they cannot be read.
pub fn held_anchors() -> HashSet<[u8; 32]> {
    let held = held().unwrap_or_default();
    held.anchors.iter().map(|anchor| *anchor.certificate().fingerprint()).collect()
}

fn load_certificates(paths: &[PathBuf]) -> Result<Vec<Arc<Certificate>>, CommandError> {
    let mut certificates = Vec::new();
    for path in paths {
        certificates.extend(load_certificate_file(path)?);
    }
    Ok(certificates)
}

/// The certificates of one file.
pub fn load_certificate_file(path: &Path) -> Result<Vec<Arc<Certificate>>, CommandError> {
    let decoded = evidence_file::certificates(&read(path)?);
    let certificates = decoded.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
    Ok(certificates.into_iter().map(Arc::new).collect())
}

/// A whole file, if it is not larger than the limit for documents and evidence.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_at_most(path, FILE_LIMIT)
}

/// A whole file of at most so many octets.
pub fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, CommandError> {
    let about = |error: std::io::Error| CommandError::about(exit::UNREADABLE, path, &error);
    let length = std::fs::metadata(path).map_err(about)?.len();
    if length > limit {
        let message = format!("{}: {length} octets; at most {limit} are read", path.display());
        return Err(CommandError::new(exit::UNREADABLE, message));
    }
    std::fs::read(path).map_err(about)
}
