//! `antin validate-path`: one certificate's path to an anchor, with the reason why each rejected candidate failed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::evidence::{self, EvidenceArguments};
use super::exit::{self, Code, CommandError};
use crate::core::memory::Memory;
use crate::core::oid;
use crate::core::path::{self, InitialPolicies, PathOutcome, PathRequest, RejectedPath, Work};
use crate::core::policy::Purpose;
use crate::core::report::CertificateReport;
use crate::core::verdict;

/// The arguments of `antin validate-path`.
#[derive(Args, Clone, Debug)]
pub struct ValidatePathArguments {
    #[command(flatten)]
    evidence: EvidenceArguments,
    /// What the certificate's key is used for
    #[arg(long, value_enum, default_value_t = PurposeArgument::DocumentSigning)]
    purpose: PurposeArgument,
    /// A policy that will do, as dotted identifier; any by default
    #[arg(long = "initial-policy", value_name = "OID", value_parser = parse_policy)]
    initial_policies: Vec<PolicyIdentifier>,
    /// Some policy must hold along the whole path
    #[arg(long)]
    require_explicit_policy: bool,
    /// No authority may map one policy to another
    #[arg(long)]
    inhibit_policy_mapping: bool,
    /// anyPolicy stands for no other policy
    #[arg(long)]
    inhibit_any_policy: bool,
    /// Kind of document, as in health-book, for anchors that are held for some kinds only
    #[arg(long, value_name = "K")]
    kind: Option<String>,
    /// The certificate; further ones in the file may link it to an anchor
    #[arg(value_name = "CERT")]
    certificate: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PurposeArgument {
    Any,
    DocumentSigning,
    #[value(name = "timestamping")]
    TimeStamping,
    OcspSigning,
}

/// The content octets of a policy's identifier.
#[derive(Clone, Debug)]
struct PolicyIdentifier(Vec<u8>);

fn parse_policy(text: &str) -> Result<PolicyIdentifier, String> {
    oid::parse(text).map(PolicyIdentifier).ok_or_else(|| "no object identifier, as 2.16.704.1.1.1.1.1".to_owned())
}

/// The JSON answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathReport {
    indication: &'static str,
    sub_indication: Option<&'static str>,
    code: &'static str,
    /// From the certificate to the anchor; empty if no path is valid.
    path: Vec<CertificateReport>,
    rejected: Vec<RejectedReport>,
}

/// Why a candidate path is not valid.
#[derive(Serialize)]
struct RejectedReport {
    code: &'static str,
    /// The clause of RFC 5280 that is not met.
    clause: &'static str,
    /// The certificate at fault, counted in `path` from the target, which is 0; null if the fault is none of one certificate.
    position: Option<usize>,
    /// The subject of that certificate.
    subject: Option<String>,
    /// From the certificate upwards, as far as the candidate went; the anchor too if it led to one.
    path: Vec<CertificateReport>,
}

impl RejectedReport {
    fn new(rejected: &RejectedPath) -> Self {
        let path: Vec<_> = rejected.with_anchor().cloned().collect();
        let position = rejected.fault.position();
        let at_fault = position.and_then(|position| path.get(position));
        Self {
            code: rejected.fault.code(),
            clause: rejected.fault.clause(),
            position,
            subject: at_fault.map(|certificate| certificate.subject.to_string()),
            path: path.into_iter().map(CertificateReport).collect(),
        }
    }
}

pub fn run(arguments: &ValidatePathArguments) -> ExitCode {
    exit::finish(validate_path(arguments))
}

fn validate_path(arguments: &ValidatePathArguments) -> Result<Code, CommandError> {
    let loaded = arguments.evidence.load()?;
    let mut certificates = evidence::load_certificate_file(&arguments.certificate)?;
    let target = certificates.remove(0);
    certificates.extend(loaded.evidence.certificates);
    let acceptable: Vec<Vec<u8>> = arguments.initial_policies.iter().map(|policy| policy.0.clone()).collect();
    let outcome = path::find_path(&PathRequest {
        target: &target,
        certificates: &certificates,
        crls: &loaded.evidence.crls,
        ocsp_responses: &loaded.evidence.ocsp_responses,
        trust: &loaded.trust,
        purpose: match arguments.purpose {
            PurposeArgument::Any => Purpose::Any,
            PurposeArgument::DocumentSigning => Purpose::DocumentSigning,
            PurposeArgument::TimeStamping => Purpose::TimeStamping,
            PurposeArgument::OcspSigning => Purpose::OcspSigning,
        },
        kind: arguments.kind.as_deref(),
        document_signing_usages: &loaded.policy.document_signing_usages,
        policies: InitialPolicies {
            acceptable: &acceptable,
            require_explicit: arguments.require_explicit_policy,
            inhibit_mapping: arguments.inhibit_policy_mapping,
            inhibit_any: arguments.inhibit_any_policy,
        },
        revocation: loaded.revocation,
        maximum_age: loaded.policy.maximum_revocation_age_hours,
        time: loaded.time,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    });
    let (report, code) = match outcome {
        PathOutcome::Valid(path) => {
            let anchor = Some(path.anchor()).filter(|anchor| !path.certificates().contains(anchor));
            let path = path.certificates().iter().chain(anchor).cloned().map(CertificateReport).collect();
            let report =
                PathReport { indication: "PASSED", sub_indication: None, code: "valid", path, rejected: Vec::new() };
            (report, exit::ACCEPT)
        }
        PathOutcome::Invalid { fault, rejected } => {
            let rejected = rejected.iter().map(RejectedReport::new).collect();
            let (indication, code) =
                if fault.is_undetermined() { ("INDETERMINATE", exit::UNDETERMINED) } else { ("FAILED", exit::REJECT) };
            let sub_indication = Some(verdict::path_sub_indication(&fault));
            (PathReport { indication, sub_indication, code: fault.code(), path: Vec::new(), rejected }, code)
        }
    };
    exit::print(&exit::json(&report));
    Ok(code)
}
