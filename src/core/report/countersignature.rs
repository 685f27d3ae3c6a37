//! Counter-signatures in an answer.

use serde::Serialize;

use super::check::Remark;
use super::signature::{CertificateReport, RevocationReport, certificates, revocation_reports, signed_by};
use crate::core::time::Time;
use crate::core::validation::SignatureValidation;
use crate::core::validation::countersignature::CountersignatureValidation;
use crate::core::verdict::Indication;

/// A counter-signature, and those that stand on it. One that is broken fails the document; one that passes improves nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountersignatureReport {
    pub indication: &'static str,
    pub sub_indication: Option<&'static str>,
    pub code: &'static str,
    /// `None`: it cannot be read.
    pub signed_by: Option<String>,
    pub claimed_signing_time: Option<Time>,
    pub algorithm: Option<String>,
    pub certificates: Vec<CertificateReport>,
    pub revocation: Vec<RevocationReport>,
    #[serde(rename = "counterSignatures")]
    pub countersignatures: Vec<Self>,
}

/// Of one signature, at the validation time.
pub fn reports(signature: &SignatureValidation, time: Time) -> Vec<CountersignatureReport> {
    let countersignatures = signature.countersignatures.iter();
    countersignatures.map(|countersignature| CountersignatureReport::new(countersignature, time)).collect()
}

impl CountersignatureReport {
    fn new(countersignature: &CountersignatureValidation, time: Time) -> Self {
        let (indication, sub_indication, code) = match &countersignature.outcome {
            Ok(()) => (Indication::TotalPassed.name(), None, Remark::Passed.code()),
            Err(fault) => (fault.indication().name(), fault.sub_indication(), fault.code()),
        };
        let signature = countersignature.signature.as_deref();
        Self {
            indication,
            sub_indication,
            code,
            signed_by: signature.and_then(signed_by),
            claimed_signing_time: signature.and_then(|signature| signature.claimed_signing_time),
            algorithm: signature.and_then(|signature| signature.algorithm.as_ref().ok().map(ToString::to_string)),
            certificates: signature.map(certificates).unwrap_or_default(),
            revocation: signature.map(|signature| revocation_reports(signature, time)).unwrap_or_default(),
            countersignatures: signature.map(|signature| reports(signature, time)).unwrap_or_default(),
        }
    }
}
