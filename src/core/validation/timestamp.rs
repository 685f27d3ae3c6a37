//! Validation of time-stamps (EN 319 102-1 §5.4; RFC 3161 §2.4.2).
//!
//! A time-stamp that passes proves that what it is over existed at the time stated. One that does not proves nothing, and takes
//! nothing from the signature it is on.

use std::sync::Arc;

use super::ValidationRequest;
use super::basic::{self, Material, SignatureValidation};
use super::content::{Content, SignedContent};
use super::stamps::Stamp;
use crate::core::algorithm::{DigestAlgorithm, Lifetime, SignatureAlgorithm};
use crate::core::cms::SignedData;
use crate::core::cms::archive::HashIndexFault;
use crate::core::cms::timestamp::{self, TokenFault, TstInfo};
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::verdict::{Indication, Verdict};

/// Seconds by which a time-stamp may be wrong and still prove a time: that is taken as it is stated (EN 319 102-1 §5.5.4). Authorities
/// that follow EN 319 421 are right to the second.
const ACCURATE: i64 = 60;

/// What a time-stamp is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimestampKind {
    /// `content-time-stamp`: the content (EN 319 122-1 §5.2.8). Signed, so that the signature is later.
    Content,
    /// `signature-time-stamp`: the signature value (EN 319 122-1 §5.3).
    Signature,
    /// `archive-time-stamp-v2` (TS 101 733 §6.4.1).
    ArchiveV2,
    /// `archive-time-stamp-v3` (EN 319 122-1 §5.5.3).
    ArchiveV3,
    /// `ETSI.RFC3161`: a PDF up to a revision (EN 319 142-1 §5.4.3).
    Document,
}

impl TimestampKind {
    /// As the answer says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Signature => "signature",
            Self::ArchiveV2 | Self::ArchiveV3 => "archive",
            Self::Document => "document",
        }
    }
}

/// Proof that something existed at a time, by a time-stamp that passed. Made only in this file.
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
    /// What it is over is not all here.
    ContentMissing,
    /// It does not say what of the message it is over, or says wrong.
    Index(HashIndexFault),
    /// It is of later than the time of validation.
    Later,
    /// It is of later than the archive time-stamp that is over it.
    Order,
    /// It is in the signed attributes, and of later than a time-stamp over the signature.
    AfterSignature,
    /// Its authority says that it may be wrong by more than a minute.
    Inaccurate,
    /// It is of before its authority's certificate.
    BeforeCertificate,
    /// Its own signature does not pass; never a pass.
    Signature(Verdict),
}

impl TimestampFault {
    pub const fn indication(&self) -> Indication {
        match self {
            Self::Token(_) | Self::Imprint | Self::Index(_) => Indication::TotalFailed,
            Self::ImprintAlgorithm
            | Self::ContentMissing
            | Self::Later
            | Self::Order
            | Self::AfterSignature
            | Self::Inaccurate
            | Self::BeforeCertificate => Indication::Indeterminate,
            Self::Signature(verdict) => verdict.indication(),
        }
    }

    /// EN 319 102-1 tables 5 and 6.
    pub const fn sub_indication(&self) -> Option<&'static str> {
        match self {
            Self::Token(_) | Self::Index(_) => Some("FORMAT_FAILURE"),
            Self::Imprint => Some("HASH_FAILURE"),
            Self::ImprintAlgorithm => Some("CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
            Self::ContentMissing => Some("SIGNED_DATA_NOT_FOUND"),
            Self::Later | Self::Order | Self::AfterSignature => Some("TIMESTAMP_ORDER_FAILURE"),
            Self::Inaccurate => Some("SIG_CONSTRAINTS_FAILURE"),
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
            Self::ContentMissing => "timestamp-content-missing",
            Self::Index(_) => "timestamp-index-invalid",
            Self::Later => "timestamp-later-than-validation",
            Self::Order => "timestamp-later-than-archive",
            Self::AfterSignature => "timestamp-later-than-signature",
            Self::Inaccurate => "timestamp-inaccurate",
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
            Self::ContentMissing => [Self::ContentMissing],
            Self::Index(_) => [Self::Index(HashIndexFault::NotOne)],
            Self::Later => [Self::Later],
            Self::Order => [Self::Order],
            Self::AfterSignature => [Self::AfterSignature],
            Self::Inaccurate => [Self::Inaccurate],
            Self::BeforeCertificate => [Self::BeforeCertificate],
            Self::Signature(_) => Verdict::every()
                .into_iter()
                .filter(|verdict| verdict.indication() != Indication::TotalPassed)
                .map(Self::Signature),
        })
    }
}

/// The judgement of one time-stamp.
#[derive(Clone, Debug)]
pub struct TimestampValidation {
    pub kind: TimestampKind,
    /// As the authority states it; `None`: the token cannot be read.
    pub gen_time: Option<Time>,
    /// By how many seconds that may be wrong, as far as it is stated.
    pub accuracy: i64,
    pub outcome: Result<ProofOfExistence, TimestampFault>,
    /// Its imprint was compared with what it stands on and is the same, whatever its algorithm is worth.
    pub(super) is_over_it: bool,
    /// Revocation data are among what it is over.
    pub(super) covers_evidence: bool,
    /// SHA-256 of the token as it stands.
    pub fingerprint: [u8; 32],
    /// The judgement of the token's own signature.
    pub signature: Option<Arc<SignatureValidation>>,
}

impl TimestampValidation {
    /// It is over revocation data, whatever it is worth.
    pub fn is_archive_of_evidence(&self) -> bool {
        self.kind != TimestampKind::Signature && self.covers_evidence
    }

    /// It is of later than another, however far both may be wrong (RFC 3161 §2.4.2); a second is what fractions are rounded by.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        let (Ok(own), Ok(theirs)) = (&self.outcome, &other.outcome) else { return false };
        own.time().seconds_since(theirs.time()) > 1 + self.accuracy + other.accuracy
    }

    /// It is over what it stands on, and its authority's key made it, whoever trusts that.
    pub fn is_genuine(&self) -> bool {
        let whole = |signature: &SignatureValidation| {
            signature.format.is_ok()
                && matches!(signature.digest, Some(Ok(_)))
                && matches!(signature.signature, Some(Ok(_)))
        };
        self.is_over_it && self.signature.as_deref().is_some_and(whole)
    }

    /// The algorithm of the token's signature, if it is known.
    pub fn algorithm(&self) -> Option<SignatureAlgorithm> {
        self.signature.as_ref().and_then(|signature| signature.algorithm.as_ref().ok().copied())
    }
}

/// A token as it was read.
pub type ReadToken<'a> = Result<(SignedData<'a>, TstInfo<'a>), TokenFault>;

/// Reads the octets of one DER token.
pub fn read(octets: &[u8]) -> ReadToken<'_> {
    let message = SignedData::decode(octets).map_err(TokenFault::Message)?;
    Ok((timestamp::statement(&message)?, message)).map(|(info, message)| (message, info))
}

/// Judges a token, whose imprint was found to be right by `imprint`, or not. The purpose in `material` is passed over: its signer is
/// to be good for time-stamping.
pub fn validate(
    request: &ValidationRequest<'_>,
    stamp: &Stamp<'_>,
    imprint: Result<DigestAlgorithm, TimestampFault>,
    material: Material<'_>,
) -> TimestampValidation {
    let (kind, fingerprint) = (stamp.kind, stamp.fingerprint);
    let (message, info) = match &stamp.read {
        Ok(token) => token,
        Err(fault) => {
            let outcome = Err(TimestampFault::Token(fault.clone()));
            return TimestampValidation {
                kind,
                gen_time: None,
                accuracy: 0,
                outcome,
                is_over_it: false,
                covers_evidence: false,
                fingerprint,
                signature: None,
            };
        }
    };
    let content = SignedContent::new(message.content, Content::None);
    let material = Material { purpose: Purpose::TimeStamping, ..material };
    // A statement has one signer.
    let signature = basic::validate(request, message, &message.signer_infos[0], &content, material);
    let is_over_it = imprint.is_ok();
    let time = material.past.map_or(request.time, |past| past.used_at);
    let outcome = imprint.and_then(|algorithm| {
        let lifetime = request.policy.suites.digest(algorithm);
        outcome(time, info, &signature, lifetime)
    });
    let (gen_time, accuracy, signature) = (Some(info.gen_time), info.accuracy, Some(Arc::new(signature)));
    TimestampValidation {
        kind,
        gen_time,
        accuracy,
        outcome,
        is_over_it,
        covers_evidence: false,
        fingerprint,
        signature,
    }
}

/// What a token over the right octets proves, judged at `time`; for how long its imprint is accepted.
fn outcome(
    time: Time,
    info: &TstInfo<'_>,
    signature: &SignatureValidation,
    imprint: Lifetime,
) -> Result<ProofOfExistence, TimestampFault> {
    if signature.verdict.indication() != Indication::TotalPassed {
        return Err(TimestampFault::Signature(signature.verdict.clone()));
    }
    if !imprint.holds_at(time) {
        return Err(TimestampFault::ImprintAlgorithm);
    }
    if info.gen_time > time {
        return Err(TimestampFault::Later);
    }
    if info.accuracy > ACCURATE {
        return Err(TimestampFault::Inaccurate);
    }
    match &signature.signer {
        Ok(authority) if authority.not_before <= info.gen_time => Ok(ProofOfExistence(info.gen_time)),
        _ => Err(TimestampFault::BeforeCertificate),
    }
}
