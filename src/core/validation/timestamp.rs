//! Validation of time-stamps (EN 319 102-1 §5.4; RFC 3161 §2.4.2).
//!
//! A time-stamp that passes proves that what it is over existed at the time stated. One that does not proves nothing, and takes
//! nothing from the signature it is on.

use super::basic::{self, Material, SignatureValidation};
use super::content::{Content, DigestedBytes, SignedContent};
use super::{ValidationRequest, certificates, crls};
use crate::core::algorithm::SignatureAlgorithm;
use crate::core::cms::SignedData;
use crate::core::cms::timestamp::{self, TokenFault, TstInfo};
use crate::core::der::ber;
use crate::core::oid;
use crate::core::path::Work;
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::verdict::{Indication, Verdict};

/// Time-stamps of one message that are judged; more of them prove no more.
const TIMESTAMPS: usize = 64;

/// Proof that something existed at a time, by a time-stamp that passed. Made only by [`judge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofOfExistence(Time);

impl ProofOfExistence {
    /// It existed then, and may have existed before.
    pub const fn time(self) -> Time {
        self.0
    }
}

/// Why a time-stamp proves nothing.
#[derive(Clone, Debug)]
pub enum TimestampFault {
    /// No time-stamp token.
    Token(TokenFault),
    /// It is over something else.
    Imprint,
    /// Its digest algorithm is unknown or no longer accepted: what it is over could be something else.
    ImprintAlgorithm,
    /// It is of later than the time of validation.
    Later,
    /// It is of before its authority's certificate.
    BeforeCertificate,
    /// Its own signature does not pass; never a pass.
    Signature(Verdict),
}

impl TimestampFault {
    pub const fn indication(&self) -> Indication {
        match self {
            Self::Token(_) | Self::Imprint => Indication::TotalFailed,
            Self::ImprintAlgorithm | Self::Later | Self::BeforeCertificate => Indication::Indeterminate,
            Self::Signature(verdict) => verdict.indication(),
        }
    }

    /// EN 319 102-1 tables 5 and 6.
    pub const fn sub_indication(&self) -> Option<&'static str> {
        match self {
            Self::Token(_) => Some("FORMAT_FAILURE"),
            Self::Imprint => Some("HASH_FAILURE"),
            Self::ImprintAlgorithm => Some("CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
            Self::Later => Some("TIMESTAMP_ORDER_FAILURE"),
            Self::BeforeCertificate => Some("NOT_YET_VALID"),
            Self::Signature(verdict) => verdict.sub_indication(),
        }
    }

    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Token(_) => "timestamp-unreadable",
            Self::Imprint => "timestamp-imprint-mismatch",
            Self::ImprintAlgorithm => "timestamp-imprint-weak",
            Self::Later => "timestamp-later-than-validation",
            Self::BeforeCertificate => "timestamp-before-certificate",
            Self::Signature(verdict) => verdict.code(),
        }
    }

    /// Those with a code of their own.
    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Token(_) => [Self::Token(TokenFault::Signers)],
            Self::Imprint => [Self::Imprint],
            Self::ImprintAlgorithm => [Self::ImprintAlgorithm],
            Self::Later => [Self::Later],
            Self::BeforeCertificate => [Self::BeforeCertificate],
            Self::Signature(_) => Verdict::every()
                .into_iter()
                .filter(|verdict| verdict.indication() != Indication::TotalPassed)
                .map(Self::Signature),
        })
    }
}

/// The judgement of one time-stamp.
#[derive(Debug)]
pub struct TimestampValidation {
    /// As the authority states it; `None`: the token cannot be read.
    pub gen_time: Option<Time>,
    pub outcome: Result<ProofOfExistence, TimestampFault>,
    /// The judgement of the token's own signature.
    pub signature: Option<Box<SignatureValidation>>,
}

impl TimestampValidation {
    /// It is over what it stands on, and its authority's key made it, whoever trusts that.
    pub fn is_genuine(&self) -> bool {
        let whole = |signature: &SignatureValidation| {
            signature.format.is_ok()
                && matches!(signature.digest, Some(Ok(_)))
                && matches!(signature.signature, Some(Ok(_)))
        };
        let over_it = !matches!(self.outcome, Err(TimestampFault::Token(_) | TimestampFault::Imprint));
        over_it && self.signature.as_deref().is_some_and(whole)
    }

    /// The algorithm of the token's signature, if it is known.
    pub fn algorithm(&self) -> Option<SignatureAlgorithm> {
        self.signature.as_ref().and_then(|signature| signature.algorithm.as_ref().ok().copied())
    }
}

/// Judges the signature time-stamps (EN 319 122-1 §5.3), each over the signature value of its signer. Whoever passes a message on
/// can add some: they have an allowance of their own, so that they cost the signatures nothing.
pub fn judge(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    signatures: &mut [SignatureValidation],
    material: Material<'_>,
) {
    let mut left = TIMESTAMPS;
    let work = Work::default();
    let material = Material { work: &work, ..material };
    for (signer, signature) in message.signer_infos.iter().zip(signatures) {
        let stamped = DigestedBytes::new(signer.signature);
        let tokens = signer.unsigned_values(oid::SIGNATURE_TIME_STAMP).into_iter().take(left);
        signature.timestamps = tokens.map(|token| validate(request, token, &stamped, material)).collect();
        left -= signature.timestamps.len();
    }
}

/// Judges one token over `stamped`.
fn validate(
    request: &ValidationRequest<'_>,
    token: &[u8],
    stamped: &DigestedBytes<'_>,
    material: Material<'_>,
) -> TimestampValidation {
    let normalised;
    let mut message = SignedData::decode(token);
    // BER is allowed in the envelope of a token as in that of a message.
    if message.is_err()
        && let Ok(der) = ber::normalise_content_info(token)
    {
        normalised = der;
        message = SignedData::decode(&normalised);
    }
    let read = message.map_err(TokenFault::Message);
    let read = read.and_then(|message| Ok((timestamp::statement(&message)?, message)));
    match read {
        Ok((info, message)) => {
            let signature = validate_signature(request, &message, material);
            TimestampValidation {
                gen_time: Some(info.gen_time),
                outcome: outcome(request, &info, &signature, stamped),
                signature: Some(Box::new(signature)),
            }
        }
        Err(fault) => {
            TimestampValidation { gen_time: None, outcome: Err(TimestampFault::Token(fault)), signature: None }
        }
    }
}

/// The token's one signature, its signer to be good for time-stamping. Certificates and CRLs of token and document serve both.
fn validate_signature(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    material: Material<'_>,
) -> SignatureValidation {
    let mut at_hand = certificates(request, message);
    at_hand.extend_from_slice(material.certificates);
    let lists = crls(request, material.crls, message);
    let content = SignedContent::new(message.content, Content::None);
    let material = Material {
        certificates: &at_hand,
        crls: lists.as_ref().unwrap_or(material.crls),
        purpose: Purpose::TimeStamping,
        used_at: None,
        work: material.work,
    };
    // A statement has one signer.
    basic::validate(request, message, &message.signer_infos[0], &content, material)
}

fn outcome(
    request: &ValidationRequest<'_>,
    info: &TstInfo<'_>,
    signature: &SignatureValidation,
    stamped: &DigestedBytes<'_>,
) -> Result<ProofOfExistence, TimestampFault> {
    let algorithm = *info.message_imprint.algorithm.as_ref().map_err(|_| TimestampFault::ImprintAlgorithm)?;
    if stamped.digest(algorithm) != info.message_imprint.digest {
        return Err(TimestampFault::Imprint);
    }
    if signature.verdict.indication() != Indication::TotalPassed {
        return Err(TimestampFault::Signature(signature.verdict.clone()));
    }
    if !request.policy.suites.digest(algorithm).holds_at(request.time) {
        return Err(TimestampFault::ImprintAlgorithm);
    }
    if info.gen_time > request.time {
        return Err(TimestampFault::Later);
    }
    match &signature.signer {
        Ok(authority) if authority.not_before <= info.gen_time => Ok(ProofOfExistence(info.gen_time)),
        _ => Err(TimestampFault::BeforeCertificate),
    }
}
