//! Is this the answer of a time-stamping authority to that request (RFC 3161 §2.4.2, last paragraph)? Judged before the token goes
//! into a signature, by the blocks that judge it there.

use std::sync::{Arc, LazyLock};

use super::ValidationRequest;
use super::basic::{self, Material};
use super::content::{Content, SignedContent};
use super::embedded::{Encodings, Together};
use crate::core::cms::SignedData;
use crate::core::cms::timestamp::{self, TokenFault};
use crate::core::cms::timestamp_exchange::{self, ResponseFault, TimeStampRequest};
use crate::core::der::ber;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::path::Work;
use crate::core::policy::{Policy, Purpose, RevocationMode};
use crate::core::time::Time;
use crate::core::verdict::Verdict;
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};

static STRICT: LazyLock<Policy> = LazyLock::new(|| Policy::held("strict").expect("held"));

/// Seconds by which the clock of an authority may differ from ours.
pub const CLOCK_TOLERANCE: i64 = 120;
/// Certificates that bear the identifier of the token's signer and are tried.
const CANDIDATES: usize = 8;

/// A token that answers a request. Whether its authority is trusted is not said.
#[derive(Clone, Debug)]
pub struct TimeStampAnswer {
    /// The `TimeStampToken` as it came: a whole element in BER.
    pub token: Vec<u8>,
    pub gen_time: Time,
    /// Of the authority, out of the token; its key made the token, and it may time-stamp.
    pub authority: Arc<Certificate>,
    /// All that stand in the token.
    pub certificates: Vec<Arc<Certificate>>,
}

/// Why an answer does not count.
#[derive(Clone, Debug)]
pub enum AnswerFault {
    Response(ResponseFault),
    Token(TokenFault),
    /// It is over something else, or by another algorithm.
    Imprint,
    /// It does not repeat the nonce.
    Nonce,
    /// It was issued under another policy than asked for.
    Policy,
    /// It is of a time that is not now.
    Time,
    /// The certificate of its signer does not stand in it.
    CertificateMissing,
    /// Its own signature, or the use of the certificate for time-stamps at its time; never a pass.
    Signature(Verdict),
}

impl AnswerFault {
    /// The kind of fault, for figures and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Response(ResponseFault::Refused(..)) => "refused",
            Self::Response(_) => "malformed-answer",
            Self::Token(_) => "malformed-token",
            Self::Imprint => "other-imprint",
            Self::Nonce => "other-nonce",
            Self::Policy => "other-policy",
            Self::Time => "other-time",
            Self::CertificateMissing => "certificate-missing",
            Self::Signature(verdict) => verdict.code(),
        }
    }
}

/// Judges the octets of a `TimeStampResp`, asked for at `asked` and there at `answered` by our own clock.
pub fn check(
    octets: &[u8],
    request: &TimeStampRequest<'_>,
    asked: Time,
    answered: Time,
) -> Result<TimeStampAnswer, AnswerFault> {
    let token = timestamp_exchange::decode_response(octets).map_err(AnswerFault::Response)?;
    let normalised;
    let mut message = SignedData::decode(token);
    if message.is_err()
        && let Ok(der) = ber::normalise_content_info(token)
    {
        normalised = der;
        message = SignedData::decode(&normalised);
    }
    let message = message.map_err(TokenFault::Message).map_err(AnswerFault::Token)?;
    let info = timestamp::statement(&message).map_err(AnswerFault::Token)?;
    if info.message_imprint.algorithm != Ok(request.algorithm) || info.message_imprint.digest != request.digest {
        return Err(AnswerFault::Imprint);
    }
    if info.nonce != request.nonce {
        return Err(AnswerFault::Nonce);
    }
    if request.policy.is_some_and(|policy| policy != info.policy) {
        return Err(AnswerFault::Policy);
    }
    let earliest = asked.plus_seconds(-CLOCK_TOLERANCE);
    if info.gen_time < earliest || info.gen_time > answered.plus_seconds(CLOCK_TOLERANCE) {
        return Err(AnswerFault::Time);
    }
    let (authority, certificates) = check_signature(&message, info.gen_time)?;
    Ok(TimeStampAnswer { token: token.to_vec(), gen_time: info.gen_time, authority, certificates })
}

/// The token's signer, whose certificate stands in it and is good for time-stamping at that time; and all certificates in it.
fn check_signature(
    message: &SignedData<'_>,
    time: Time,
) -> Result<(Arc<Certificate>, Vec<Arc<Certificate>>), AnswerFault> {
    let nothing = TrustStore::new(Vec::new(), Vec::new());
    let request = ValidationRequest {
        document: &[],
        content: Content::None,
        evidence: &Evidence::default(),
        trust: &nothing,
        policy: &STRICT,
        revocation: RevocationMode::Off,
        time,
        memory: &Memory::none(),
    };
    let embedded = Together::new(&request, &Encodings::of(message));
    // A statement has one signer.
    let signer_info = &message.signer_infos[0];
    let candidates = signer_info.identifier.named(&embedded.certificates).into_iter().take(CANDIDATES);
    let anchors: Vec<_> = candidates.map(|candidate| TrustAnchor::new(Arc::clone(candidate))).collect();
    if anchors.is_empty() {
        return Err(AnswerFault::CertificateMissing);
    }
    let trust = TrustStore::new(anchors, Vec::new());
    let request = ValidationRequest { trust: &trust, ..request };
    let work = Work::default();
    let material = Material::new(&request, &embedded, Purpose::TimeStamping, &work);
    let content = SignedContent::new(message.content, Content::None);
    let signature = basic::validate(&request, message, signer_info, &content, material);
    match (signature.verdict, signature.signer) {
        (Verdict::TotalPassed(_), Ok(authority)) => Ok((authority, embedded.certificates.clone())),
        (Verdict::TotalPassed(_), Err(_)) => Err(AnswerFault::CertificateMissing),
        (other, _) => Err(AnswerFault::Signature(other)),
    }
}
