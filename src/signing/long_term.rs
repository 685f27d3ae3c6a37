//! Levels B-LT and B-LTA (EN 319 122-1 §6.3): the evidence by which a signature passes, kept in it, and time-stamps over all of it.

use std::borrow::Cow;

use super::level::{Before, LevelError, with_decoded};
use super::pades::{self, is_pdf};
use super::timestamp::{Acceptance, TimeStampClient};
use crate::core::algorithm::{DigestAlgorithm, Lifetime};
use crate::core::cms::add_evidence::add_evidence;
use crate::core::cms::unsigned::{AddingFault, add_attribute};
use crate::core::cms::{SignedData, SignerInfo, archive, build};
use crate::core::crypto;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::oid;
use crate::core::path::PathOutcome;
use crate::core::policy::{EmbeddedRevocation, Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::level::Level;
use crate::core::validation::timestamp::TimestampFault;
use crate::core::validation::{self, Content, SignatureValidation, Validation, ValidationRequest};
use crate::core::verdict::Indication;
use crate::core::x509::TrustStore;

/// EN 319 102-1 table 6: what is missing may come.
const TRY_LATER: &str = "TRY_LATER";

/// By what a signature is judged before and after it is raised.
#[derive(Clone, Copy)]
pub struct Judgement<'a> {
    pub content: Content<'a>,
    pub evidence: &'a Evidence,
    pub trust: &'a TrustStore,
    pub policy: &'a Policy,
    pub time: Time,
}

impl Judgement<'_> {
    /// The judgement of a message, which passes.
    pub fn passed(&self, message: &[u8]) -> Result<Validation, LevelError> {
        let validation = validation::validate(&ValidationRequest {
            document: message,
            content: self.content,
            evidence: self.evidence,
            trust: self.trust,
            policy: self.policy,
            revocation: RevocationMode::Required,
            time: self.time,
            memory: &Memory::none(),
        });
        let validation = validation.map_err(|fault| LevelError::Message(fault.0))?;
        match validation.verdict.indication() {
            Indication::TotalPassed => Ok(validation),
            Indication::TotalFailed | Indication::Indeterminate => {
                let later = validation.verdict.sub_indication() == Some(TRY_LATER);
                Err(LevelError::NotPassed { code: validation.verdict.code(), later })
            }
        }
    }

    /// Every signature of the message passes and has this level, by what is embedded alone.
    fn check(&self, message: &[u8], level: Level) -> Result<(), LevelError> {
        let policy = Policy { embedded_revocation: EmbeddedRevocation::Counts, ..self.policy.clone() };
        let nothing = Evidence::default();
        let alone = Judgement { evidence: &nothing, policy: &policy, ..*self };
        let validation = alone.passed(message)?;
        let reached = |signature: &SignatureValidation| signature.level >= Some(level);
        if validation.signatures.iter().all(reached) { Ok(()) } else { Err(LevelError::NotReached) }
    }
}

/// Every signature of the message passes, and each has a time-stamp that passes: what B-T is worth.
pub fn check_stamped(message: &[u8], judgement: Judgement<'_>) -> Result<Validation, LevelError> {
    let validation = judgement.passed(message)?;
    let is_stamped = |signature: &SignatureValidation| signature.timestamps.iter().any(|stamp| stamp.outcome.is_ok());
    if let Some(unstamped) = validation.signatures.iter().find(|signature| !is_stamped(signature)) {
        let fault = unstamped.timestamps.iter().find_map(|stamp| stamp.outcome.as_ref().err());
        let code = fault.map_or("timestamp-missing", TimestampFault::code);
        // A fraction of a second in a time-stamp counts as the next second.
        let later = fault
            .is_some_and(|fault| matches!(fault, TimestampFault::Later) || fault.sub_indication() == Some(TRY_LATER));
        return Err(LevelError::TimeStampNotPassed { code, later });
    }
    Ok(validation)
}

/// Until when the revocation data about its signer count, of a signature whose time-stamp is younger than they are: kept with it, they
/// would show nothing good once they are stale, for who has a stolen key could choose them from before the theft became known (EN 319
/// 102-1 §5.6.2.2 (2)(b)). `None`: none is like that.
pub fn older_status(validation: &Validation, time: Time) -> Option<Time> {
    let older = |signature: &SignatureValidation| {
        let Some(PathOutcome::Valid(path)) = &signature.path else { return None };
        let signer = path.certificates().first()?.fingerprint();
        let status = path.revocation().iter().find(|status| status.certificate.fingerprint() == signer)?;
        (status.this_update < signature.best_signature_time(time)).then_some(status.holds.until)
    };
    validation.signatures.iter().filter_map(older).min()
}

/// The level that every signature of the message has, by what is on it.
pub fn level_of(validation: &Validation) -> Option<Level> {
    validation.signatures.iter().map(|signature| signature.level).min().flatten()
}

/// Raises the message to B-LT: with the evidence embedded by which its signatures and their time-stamps pass. Each has a time-stamp that
/// passes. After an error the message is as it was.
pub fn raise_to_long_term(message: &mut Vec<u8>, judgement: Judgement<'_>) -> Result<(), LevelError> {
    let used = check_stamped(message, judgement)?.used(judgement.evidence);
    let is_pdf = is_pdf(message);
    if !is_pdf && holds_older_archive(message)? {
        // Its archive time-stamp is over all certificates and CRLs there are: none can be added.
        return Ok(());
    }
    let before = Before::of(message);
    if is_pdf {
        pades::level::add_evidence(message, &used)?;
    } else {
        *message = add_evidence(message, &used)?;
    }
    let checked = judgement.check(message, Level::LongTerm);
    if checked.is_err() {
        before.restore(message);
    }
    checked
}

/// Raises a message of level B-LT to B-LTA: with one more `archive-time-stamp-v3` over each signature and all that is kept with it; a PDF
/// with one more document time-stamp. Made anew before the newest one's algorithm or certificate ends, it carries the signature on. After
/// an error the message is as it was.
pub async fn raise_to_archival(
    message: &mut Vec<u8>,
    content: Content<'_>,
    client: &TimeStampClient,
    accept: Acceptance<'_>,
) -> Result<(), LevelError> {
    if is_pdf(message) {
        return pades::level::stamp(message, client, accept).await;
    }
    let mut raised = Cow::Borrowed(&message[..]);
    for index in 0..signers(&raised)? {
        let (octets, hash_index) = archived(&raised, index, content)?;
        let answer = client.stamp(&octets, accept).await?;
        let token = add_attribute(&answer.token, 0, &build::attribute(oid::ATS_HASH_INDEX_V3, &hash_index))?;
        raised = add_attribute(&raised, index, &build::attribute(oid::ARCHIVE_TIME_STAMP_V3, &token))?.into();
    }
    *message = raised.into_owned();
    Ok(())
}

/// After [`raise_to_archival`], with the evidence of the new time-stamps: the message as it may leave.
pub fn check_archival(message: &[u8], judgement: Judgement<'_>) -> Result<Validation, LevelError> {
    let validation = judgement.passed(message)?;
    if is_pdf(message) {
        let is_archived = pades::level::is_archived(&validation, Level::Archival);
        return if is_archived { Ok(validation) } else { Err(LevelError::NotReached) };
    }
    let newest = with_decoded(message, |decoded| {
        let signers = decoded.signer_infos.iter();
        let archives = signers.map(|signer| signer.unsigned_values(oid::ARCHIVE_TIME_STAMP_V3));
        archives.map(|values| values.last().map(|newest| crypto::sha256(newest))).collect::<Vec<_>>()
    })?;
    let reached = |(signature, newest): (&SignatureValidation, &Option<[u8; 32]>)| {
        let mut passed = signature.timestamps.iter().filter(|stamp| stamp.outcome.is_ok());
        signature.level >= Some(Level::Archival) && passed.any(|stamp| Some(stamp.fingerprint) == *newest)
    };
    if validation.signatures.iter().zip(&newest).all(reached) { Ok(validation) } else { Err(LevelError::NotReached) }
}

/// The last second at which the newest time-stamps prove anything by themselves, as far as is known now: then a certificate of their
/// paths ends, or a key or an algorithm that they rest on under the policy. Of several signatures the first to end.
pub fn proves_until(validation: &Validation, policy: &Policy) -> Option<Time> {
    let ends = |signature: &SignatureValidation| {
        let passed = signature.timestamps.iter().filter_map(|stamp| Some((stamp.outcome.as_ref().ok()?.time(), stamp)));
        let (_, newest) = passed.max_by_key(|(time, _)| *time)?;
        let token = newest.signature.as_deref()?;
        let Some(PathOutcome::Valid(path)) = &token.path else { return None };
        let certificates = path.certificates().iter();
        let own = token.algorithm.as_ref().ok().map(|algorithm| policy.suites.signature(*algorithm));
        let keys = certificates.clone().chain([path.anchor()]).filter_map(|one| one.public_key().ok());
        let keys = keys.map(|key| policy.suites.key(key.strength()));
        let signed = certificates.clone().filter_map(|one| one.signature_algorithm.as_ref().ok());
        let signed = signed.map(|algorithm| policy.suites.signature(*algorithm));
        let algorithms = own.into_iter().chain(keys).chain(signed).filter_map(|lifetime| match lifetime {
            Lifetime::Until(end) => Some(end),
            Lifetime::Unlimited | Lifetime::Never => None,
        });
        certificates.map(|one| one.not_after).chain(algorithms).min()
    };
    validation.signatures.iter().filter_map(ends).min()
}

/// The octets that a new archive time-stamp is over, and the index that says so and goes into its token (EN 319 122-1 §5.5).
pub fn archived(message: &[u8], signer: usize, content: Content<'_>) -> Result<(Vec<u8>, Vec<u8>), LevelError> {
    with_decoded(message, |decoded| {
        let signer_info = decoded.signer_infos.get(signer).ok_or(LevelError::Adding(AddingFault::NoSuchSigner))?;
        archived_by(decoded, signer_info, content)
    })?
}

fn archived_by(
    decoded: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    content: Content<'_>,
) -> Result<(Vec<u8>, Vec<u8>), LevelError> {
    let algorithm = DigestAlgorithm::Sha256;
    let digest = match (decoded.content, content) {
        (Some(content), _) | (None, Content::Bytes(content)) => crypto::digest(algorithm, content),
        (None, Content::Digests(digests)) => {
            let found = digests.iter().find(|(known, _)| *known == algorithm);
            found.map(|(_, digest)| digest.clone()).ok_or(LevelError::ContentMissing)?
        }
        (None, Content::None) => return Err(LevelError::ContentMissing),
    };
    let index = archive::encode_index(algorithm, decoded, signer);
    Ok((archive::archived_octets(decoded, signer, &digest, &index), index))
}

fn signers(message: &[u8]) -> Result<usize, LevelError> {
    with_decoded(message, |decoded| decoded.signer_infos.len())
}

fn holds_older_archive(message: &[u8]) -> Result<bool, LevelError> {
    with_decoded(message, |decoded| {
        decoded.signer_infos.iter().any(|signer| !signer.unsigned_values(oid::ARCHIVE_TIME_STAMP_V2).is_empty())
    })
}
