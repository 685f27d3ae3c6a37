//! Every signature is judged by our own verifier before it leaves: a fault in the key, the memory or this program must not reach
//! a citizen.

use std::sync::{Arc, LazyLock};

use super::CadesRequest;
use crate::core::cms::{CmsError, SignedData};
use crate::core::crypto;
use crate::core::der::ber;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::validation::timestamp_answer::TimeStampAnswer;
use crate::core::validation::{self, Content, ValidationRequest};
use crate::core::verdict::Verdict;
use crate::core::x509::anchor_limits::{AnchorLimits, AnchorUse};
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};

static STRICT: LazyLock<Policy> = LazyLock::new(|| Policy::held("strict").expect("held"));
/// For signatures that others made, too.
static ANY: LazyLock<Policy> = LazyLock::new(|| Policy::held("any-ades").expect("held"));

/// Judges `message` under the policy `strict`, with the signer's own certificate as anchor: digest, signature value, format,
/// algorithm, key usage and validity. Whether recipients trust the certificate is not its question. Err: the code of the verdict.
pub fn check(message: &[u8], request: &CadesRequest<'_>, signer: &Arc<Certificate>) -> Result<(), &'static str> {
    let (algorithm, digest) = request.digest;
    let digests = [(algorithm, digest.to_vec())];
    let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(signer))], Vec::new());
    let validation = validation::validate(&ValidationRequest {
        document: message,
        content: Content::Digests(&digests),
        evidence: &Evidence::default(),
        trust: &trust,
        policy: &STRICT,
        revocation: RevocationMode::Off,
        time: request.signing_time,
        memory: &Memory::none(),
    });
    match validation {
        Err(_) => Err("unreadable"),
        Ok(validation) if validation.content.reference.as_ref() != request.document => Err("document-reference"),
        Ok(validation) => match validation.verdict {
            Verdict::TotalPassed(_) => Ok(()),
            other => Err(other.code()),
        },
    }
}

/// Judges a message that `answer` was put into as signature time-stamp of one signer, at the time of the time-stamp: the
/// signatures pass as before, with the certificates in the message as anchors, and this one is proved to be no later. Whether recipients
/// trust the certificates is not the question. Err: the code of what is wrong.
pub fn check_timestamped(
    message: &[u8],
    content: Content<'_>,
    signer: usize,
    answer: &TimeStampAnswer,
) -> Result<(), &'static str> {
    let trust = own_anchors(message, &answer.authority).map_err(|_| "unreadable")?;
    let validation = validation::validate(&ValidationRequest {
        document: message,
        content,
        evidence: &Evidence::default(),
        trust: &trust,
        policy: &ANY,
        revocation: RevocationMode::Off,
        time: answer.gen_time,
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|_| "unreadable")?;
    if !matches!(validation.verdict, Verdict::TotalPassed(_)) {
        return Err(validation.verdict.code());
    }
    let signature = validation.signatures.get(signer).ok_or("signers")?;
    let fingerprint = crypto::sha256(&answer.token);
    let added =
        signature.timestamps.iter().find(|stamp| stamp.fingerprint == fingerprint).ok_or("timestamp-missing")?;
    match &added.outcome {
        Ok(proof) if proof.time() == answer.gen_time => Ok(()),
        Ok(_) => Err("timestamp-other"),
        Err(fault) => Err(fault.code()),
    }
}

/// The certificates in the message that its signers name, for signatures; that of the authority, for time-stamps.
fn own_anchors(message: &[u8], authority: &Arc<Certificate>) -> Result<TrustStore, CmsError> {
    let normalised = ber::normalise_content_info(message)?;
    let message = SignedData::decode(&normalised)?;
    let embedded = message.certificates.iter().filter_map(|der| Certificate::decode(der).ok());
    let embedded: Vec<_> = embedded.map(Arc::new).collect();
    let anchor = |certificate: &Arc<Certificate>, one: AnchorUse| {
        let limits = AnchorLimits::new(Some([one].into()), None, None, None).expect("one use, and no other limit");
        TrustAnchor::limited(Arc::clone(certificate), limits)
    };
    let signers = message.signer_infos.iter().flat_map(|signer| signer.identifier.named(&embedded));
    let signers = signers.map(|signer| anchor(signer, AnchorUse::Signing));
    Ok(TrustStore::new(signers.chain([anchor(authority, AnchorUse::TimeStamping)]).collect(), Vec::new()))
}
