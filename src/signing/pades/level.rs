//! Levels of a PDF (EN 319 142-1 §6.3): document time-stamps and evidence, each an update behind what was there.

use super::{PadesError, Prepared, check, store};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::add_evidence::Evidence;
use crate::core::evidence;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::level::Level;
use crate::core::validation::timestamp::TimestampKind;
use crate::core::validation::{self, Content, SignatureValidation, Validation, ValidationRequest};
use crate::core::x509::TrustStore;
use crate::signing::level::LevelError;
use crate::signing::timestamp::{Acceptance, Imprint, TimeStampClient};

/// Octets kept for a token: those of authorities with their chains have some 6 to 10 KiB.
pub const TOKEN: usize = 16 * 1024;
/// Beside what a token turned out to have, for the next one may have more.
const SPARE: usize = 1024;
/// Times that a place for a token is made.
const ATTEMPTS: usize = 3;

/// Each signature of the PDF has a time-stamp over it, whatever that is worth.
pub fn is_stamped(pdf: &[u8]) -> Result<bool, LevelError> {
    let validation = validation::validate(&ValidationRequest {
        document: pdf,
        content: Content::None,
        evidence: &evidence::Evidence::default(),
        trust: &TrustStore::new(Vec::new(), Vec::new()),
        policy: &Policy::held("any-ades").expect("held"),
        revocation: RevocationMode::Off,
        time: Time::from_unix(0),
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|fault| LevelError::Message(fault.0))?;
    let has_one = |signature: &SignatureValidation| !signature.timestamps.is_empty();
    Ok(validation.signatures.iter().all(has_one))
}

/// Puts a document time-stamp over all of the PDF, judged by our own verifier. After an error it is as it was.
pub async fn stamp(pdf: &mut Vec<u8>, client: &TimeStampClient, accept: Acceptance<'_>) -> Result<(), LevelError> {
    let mut room = TOKEN;
    for attempt in 1.. {
        let prepared = Prepared::time_stamp(pdf, room)?;
        let digest = prepared.digest(pdf, DigestAlgorithm::Sha256);
        let digest = digest.try_into().map_err(|_| LevelError::Interrupted)?;
        let answer = client.stamp_imprint(&Imprint::of_sha256(&digest), accept).await?;
        match prepared.fill(&answer.token) {
            Err(PadesError::Room { needed, .. }) if attempt < ATTEMPTS => room = needed + SPARE,
            update => {
                let before = pdf.len();
                append(pdf, &update?);
                let checked = check::check_stamped(pdf, &answer).map_err(|code| LevelError::SelfCheck { code });
                if checked.is_err() {
                    pdf.truncate(before);
                }
                return checked;
            }
        }
    }
    Err(LevelError::Interrupted)
}

/// Puts this evidence into the PDF's store.
pub fn add_evidence(pdf: &mut Vec<u8>, evidence: &Evidence) -> Result<(), LevelError> {
    let added = store::add(pdf, evidence).map_err(PadesError::from)?;
    append(pdf, &added.unwrap_or_default());
    Ok(())
}

/// A large document takes no more room than it needs.
fn append(pdf: &mut Vec<u8>, update: &[u8]) {
    pdf.reserve_exact(update.len());
    pdf.extend_from_slice(update);
}

/// Each signature has this level, and the newest document time-stamp, which is over all of them, passes.
pub fn is_archived(validation: &Validation, level: Level) -> bool {
    let newest = |signature: &SignatureValidation| {
        let mut stamps = signature.timestamps.iter().filter(|stamp| stamp.kind == TimestampKind::Document);
        stamps.next_back().is_some_and(|newest| newest.outcome.is_ok())
    };
    validation.signatures.iter().all(|signature| signature.level >= Some(level) && newest(signature))
}
