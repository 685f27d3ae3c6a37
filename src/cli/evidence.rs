//! Options of evidence, shared by the commands that judge: anchors, certificates, CRLs, time, policy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::exit::{self, CommandError};
use crate::clock;
use crate::core::evidence::{CrlSet, Evidence};
use crate::core::evidence_file;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::x509::{Certificate, TrustStore};
use crate::trust::{Held, Manifest};

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

fn parse_time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).map_err(|_| "not an RFC 3339 time, as 2026-07-01T08:30:00+07:00".to_owned())
}

/// The evidence options, read.
pub struct LoadedEvidence {
    pub trust: TrustStore,
    pub evidence: Evidence,
    pub policy: Policy,
    pub revocation: RevocationMode,
    pub time: Time,
}

impl EvidenceArguments {
    /// Reads every file named; the first that cannot be read ends the command with 65.
    pub fn load(&self) -> Result<LoadedEvidence, CommandError> {
        let intermediates = load_certificates(&self.intermediates)?;
        // Anchors for time-stamps are read, so that a wrong file is told at once; nothing here judges time-stamps yet.
        load_certificates(&self.timestamp_anchors)?;
        // Held intermediates link whatever is trusted; they are never trusted themselves.
        let mut held = held()?;
        if !self.trust_anchors.is_empty() {
            held.anchors = load_certificates(&self.trust_anchors)?;
        }
        let trust = held.into_store();
        let mut crls = CrlSet::default();
        for path in &self.crls {
            let file = read(path)?;
            let lists = evidence_file::crls(&file);
            for crl in lists.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))? {
                crls.insert(Arc::new(crl));
            }
        }
        let mut ocsp_responses = Vec::new();
        for path in &self.ocsp_responses {
            let responses = evidence_file::ocsp_responses(&read(path)?);
            let responses = responses.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
            ocsp_responses.extend(responses.into_iter().map(Arc::new));
        }
        Ok(LoadedEvidence {
            trust,
            evidence: Evidence { certificates: intermediates, crls, ocsp_responses },
            policy: self.policy()?,
            revocation: match self.revocation {
                RevocationArgument::Required => RevocationMode::Required,
                RevocationArgument::IfAvailable => RevocationMode::IfAvailable,
                RevocationArgument::Off => RevocationMode::Off,
            },
            time: self.at.unwrap_or_else(clock::now),
        })
    }

    fn policy(&self) -> Result<Policy, CommandError> {
        if let Some(policy) = Policy::held(&self.policy) {
            return Ok(policy);
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
        Ok(policy)
    }
}

/// The anchors held on this machine, against the manifest; none where the folder is missing.
pub fn held() -> Result<Held, CommandError> {
    let named = std::env::var_os(ANCHORS_VARIABLE).map(PathBuf::from);
    let directory = named.clone().unwrap_or_else(|| PathBuf::from(ANCHORS_DIRECTORY));
    if named.is_none() && !directory.is_dir() {
        return Ok(Held::default());
    }
    let own_manifest = directory.join("manifest.toml").is_file();
    let manifest = if own_manifest { Manifest::read(&directory) } else { Ok(Manifest::vietnam()) };
    let held = manifest.and_then(|manifest| manifest.load(&directory));
    held.map_err(|error| CommandError::new(exit::UNREADABLE, error))
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

/// A whole file, if it is not larger than the limit.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let about = |error: std::io::Error| CommandError::about(exit::UNREADABLE, path, &error);
    let length = std::fs::metadata(path).map_err(about)?.len();
    if length > FILE_LIMIT {
        let message = format!("{}: {length} octets; at most {FILE_LIMIT} are read", path.display());
        return Err(CommandError::new(exit::UNREADABLE, message));
    }
    std::fs::read(path).map_err(about)
}
