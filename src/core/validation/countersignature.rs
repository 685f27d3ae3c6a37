//! Counter-signatures (RFC 5652 §11.4): signatures over the value of another signature, in an unsigned attribute of it.
//!
//! One that passes adds nothing to the signature it stands on. One that is broken, or over something else, was put there or changed by
//! somebody on the way, and fails the document: it would be shown as a confirmation that nobody gave.

use super::ValidationRequest;
use super::basic::{self, Material, SignatureValidation};
use super::content::{DigestedBytes, SignedContent};
use crate::core::cms::{SignedData, SignerInfo};
use crate::core::der::{DerError, ber};
use crate::core::oid;
use crate::core::path::Work;
use crate::core::verdict::{Failure, Indication, Verdict};

/// Counter-signatures of one message that are judged, those on counter-signatures included.
const COUNTERSIGNATURES: usize = 32;
/// Counter-signatures that stand on each other.
const DEPTH: usize = 4;

/// The judgement of one counter-signature; those that stand on it are among its signature's.
#[derive(Debug)]
pub struct CountersignatureValidation {
    pub outcome: Result<(), CountersignatureFault>,
    /// `None`: it cannot be read, or was not.
    pub signature: Option<Box<SignatureValidation>>,
}

/// Why a counter-signature does not pass.
#[derive(Clone, Debug)]
pub enum CountersignatureFault {
    /// No `SignerInfo`.
    Unreadable(DerError),
    /// More of them, or deeper, than any message needs.
    TooMany,
    /// It is over another signature.
    Mismatch,
    /// What is wrong with it or missing; never a pass.
    Signature(Verdict),
}

impl CountersignatureFault {
    pub const fn indication(&self) -> Indication {
        match self {
            Self::Unreadable(_) | Self::TooMany | Self::Mismatch => Indication::TotalFailed,
            Self::Signature(verdict) => verdict.indication(),
        }
    }

    /// EN 319 102-1 tables 5 and 6.
    pub const fn sub_indication(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable(_) | Self::TooMany => Some("FORMAT_FAILURE"),
            Self::Mismatch => Some("HASH_FAILURE"),
            Self::Signature(verdict) => verdict.sub_indication(),
        }
    }

    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "counter-signature-unreadable",
            Self::TooMany => "counter-signatures-too-many",
            Self::Mismatch => "counter-signature-mismatch",
            Self::Signature(verdict) => verdict.code(),
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        use crate::core::der::DerFault;
        crate::core::every::every!(Self {
            Self::Unreadable(_) => [Self::Unreadable(DerError { offset: 0, fault: DerFault::Value })],
            Self::TooMany => [Self::TooMany],
            Self::Mismatch => [Self::Mismatch],
            Self::Signature(_) => Verdict::every()
                .into_iter()
                .filter(|verdict| verdict.indication() != Indication::TotalPassed)
                .map(Self::Signature),
        })
    }
}

/// Judges the counter-signatures of every signature, those on them too. They have an allowance of work of their own.
pub fn judge(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    signatures: &mut [SignatureValidation],
    material: Material<'_>,
) {
    let work = Work::default();
    let mut judging =
        Judging { request, message, material: Material { work: &work, ..material }, left: COUNTERSIGNATURES };
    for (signer, signature) in message.signer_infos.iter().zip(signatures) {
        signature.countersignatures = judging.on(signer, DEPTH);
    }
}

/// The failure of the document by a counter-signature that is broken, on whichever signature.
pub fn failure(signatures: &[SignatureValidation]) -> Option<Failure> {
    let broken = signatures.iter().flat_map(|signature| &signature.countersignatures).find_map(broken)?;
    Some(Failure::Countersignature { sub_indication: broken })
}

/// The sub-indication of the first that failed, itself or on it.
fn broken(countersignature: &CountersignatureValidation) -> Option<&'static str> {
    let own = countersignature.outcome.as_ref().err();
    let own = own
        .filter(|fault| fault.indication() == Indication::TotalFailed)
        .and_then(CountersignatureFault::sub_indication);
    let above =
        || countersignature.signature.iter().flat_map(|signature| &signature.countersignatures).find_map(broken);
    own.or_else(above)
}

struct Judging<'a, 'm> {
    request: &'a ValidationRequest<'m>,
    message: &'a SignedData<'m>,
    material: Material<'a>,
    left: usize,
}

impl Judging<'_, '_> {
    /// Those on one signature, `depth` levels of them.
    fn on(&mut self, parent: &SignerInfo<'_>, depth: usize) -> Vec<CountersignatureValidation> {
        let signed = SignedContent::Bytes(DigestedBytes::new(parent.signature));
        let mut judged = Vec::new();
        for value in parent.unsigned_values(oid::COUNTERSIGNATURE) {
            if self.left == 0 || depth == 0 {
                let outcome = Err(CountersignatureFault::TooMany);
                judged.push(CountersignatureValidation { outcome, signature: None });
                break;
            }
            self.left -= 1;
            judged.push(self.one(value, &signed, depth));
        }
        judged
    }

    fn one(&mut self, value: &[u8], signed: &SignedContent<'_>, depth: usize) -> CountersignatureValidation {
        let normalised;
        let mut read = SignerInfo::decode_countersignature(value);
        // BER is allowed in unsigned attributes.
        if read.is_err()
            && let Ok(der) = ber::normalise_element(value)
        {
            normalised = der;
            read = SignerInfo::decode_countersignature(&normalised);
        }
        let info = match read {
            Ok(info) => info,
            Err(fault) => {
                let outcome = Err(CountersignatureFault::Unreadable(fault));
                return CountersignatureValidation { outcome, signature: None };
            }
        };
        let mut signature = basic::validate(self.request, self.message, &info, signed, self.material);
        signature.countersignatures = self.on(&info, depth - 1);
        let outcome = match &signature.verdict {
            Verdict::TotalPassed(_) => Ok(()),
            Verdict::TotalFailed(Failure::Hash { .. }) => Err(CountersignatureFault::Mismatch),
            other => Err(CountersignatureFault::Signature(other.clone())),
        };
        CountersignatureValidation { outcome, signature: Some(Box::new(signature)) }
    }
}
