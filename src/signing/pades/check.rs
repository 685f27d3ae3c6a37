//! Every PDF is judged by our own verifier before it is added to, and before it leaves.

use std::sync::{Arc, LazyLock};

use super::PadesError;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::pdf;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::level::Level;
use crate::core::validation::timestamp::TimestampKind;
use crate::core::validation::timestamp_answer::TimeStampAnswer;
use crate::core::validation::{self, Content, SignatureValidation, Unreadable, Validation, ValidationRequest};
use crate::core::verdict::{Cause, Verdict};
use crate::core::x509::anchor_limits::{AnchorLimits, AnchorUse};
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};

/// For signatures that others made, too.
static ANY: LazyLock<Policy> = LazyLock::new(|| Policy::held("any-ades").expect("held"));

/// A document as it is before a signature is added: its signatures are whole and over all that they should be over, whoever trusts
/// their signers.
#[derive(Clone, Default)]
pub struct Before {
    signers: Vec<Arc<Certificate>>,
    /// What their signers say the document is, each once.
    pub references: Vec<DocumentReference>,
    /// The octets of their values.
    pub values: Vec<Vec<u8>>,
}

impl Before {
    /// # Errors
    /// [`PadesError::Existing`]: a signature does not hold, or nobody can tell.
    pub fn read(document: &[u8], time: Time) -> Result<Self, PadesError> {
        if !pdf::contains_byte_range(document) {
            return Ok(Self::default());
        }
        let validation = judge(document, time, Vec::new())?;
        if validation.signatures.is_empty() && !matches!(validation.verdict, Verdict::Indeterminate(Cause::NoSignature))
        {
            return Err(PadesError::Existing { code: validation.verdict.code() });
        }
        let mut before = Self::default();
        for signature in &validation.signatures {
            if matches!(signature.verdict, Verdict::TotalFailed(_)) || !is_intact(signature) {
                return Err(PadesError::Existing { code: signature.verdict.code() });
            }
            before.signers.extend(signature.signer.as_ref().ok().cloned());
            before.values.push(signature.value.clone());
            if let Some(reference) = &signature.document_reference
                && !before.references.contains(reference)
            {
                before.references.push(reference.clone());
            }
        }
        Ok(before)
    }
}

/// The document with one signature more, by this signer, whose level is at least this one: it passes, states the document that it should,
/// and covers all; those that were there before hold as they did. Whether recipients trust the certificates is not the question.
///
/// # Errors
/// [`PadesError::SelfCheck`], [`PadesError::Existing`] if the new signature took something from an older one.
pub fn check(
    document: &[u8],
    before: &Before,
    signer: &Arc<Certificate>,
    stated: Option<&DocumentReference>,
    level: Level,
    time: Time,
) -> Result<(), PadesError> {
    let wrong = |code| Err(PadesError::SelfCheck { code });
    let anchors = before.signers.iter().chain([signer]).cloned().collect();
    let validation = judge(document, time, anchors)?;
    let is_new = |signature: &&SignatureValidation| {
        signature.in_pdf.as_ref().is_some_and(|in_pdf| in_pdf.covers == Some(document.len()))
    };
    let (new, old): (Vec<_>, Vec<_>) = validation.signatures.iter().partition(is_new);
    let [new] = new.as_slice() else { return wrong("pdf-byte-range-end") };
    if !matches!(new.verdict, Verdict::TotalPassed(_)) {
        return wrong(new.verdict.code());
    }
    if new.document_reference.as_ref() != stated {
        return wrong("document-reference");
    }
    if new.level < Some(level) {
        return wrong("level-too-low");
    }
    if old.len() != before.values.len() {
        return wrong("signers");
    }
    // What has come into doubt by the file, and not by certificates that have ended.
    let is_worse = |signature: &&&SignatureValidation| {
        matches!(signature.verdict, Verdict::TotalFailed(_) | Verdict::Indeterminate(Cause::Pdf(_)))
    };
    match old.iter().find(is_worse) {
        Some(worse) => Err(PadesError::Existing { code: worse.verdict.code() }),
        None => Ok(()),
    }
}

/// The document with a document time-stamp more, which `answer` is, at the time of that: every signature passes, and is proved to be no
/// later. Whether recipients trust the certificates is not the question. Err: the code of what is wrong.
pub fn check_stamped(document: &[u8], answer: &TimeStampAnswer) -> Result<(), &'static str> {
    let unreadable = |_| "unreadable";
    let found = validate(document, answer.gen_time, Vec::new()).map_err(unreadable)?;
    let signers = found.signatures.iter().filter_map(|signature| signature.signer.as_ref().ok());
    let signers = signers.map(|signer| anchor(Arc::clone(signer), AnchorUse::Signing));
    let anchors = signers.chain([anchor(Arc::clone(&answer.authority), AnchorUse::TimeStamping)]).collect();
    let validation = validate(document, answer.gen_time, anchors).map_err(unreadable)?;
    for signature in &validation.signatures {
        if !matches!(signature.verdict, Verdict::TotalPassed(_)) {
            return Err(signature.verdict.code());
        }
        let mut documents = signature.timestamps.iter().filter(|stamp| stamp.kind == TimestampKind::Document);
        match documents.next_back().map(|newest| &newest.outcome) {
            Some(Ok(proof)) if proof.time() == answer.gen_time => {}
            Some(Ok(_)) => return Err("timestamp-other"),
            Some(Err(fault)) => return Err(fault.code()),
            None => return Err("timestamp-missing"),
        }
    }
    if validation.signatures.is_empty() { Err("no-signature") } else { Ok(()) }
}

fn is_intact(signature: &SignatureValidation) -> bool {
    signature.format.is_ok() && matches!(signature.digest, Some(Ok(_))) && matches!(signature.signature, Some(Ok(_)))
}

fn judge(document: &[u8], time: Time, anchors: Vec<Arc<Certificate>>) -> Result<Validation, PadesError> {
    let anchors = anchors.into_iter().map(|signer| anchor(signer, AnchorUse::Signing)).collect();
    validate(document, time, anchors).map_err(|_| PadesError::SelfCheck { code: "unreadable" })
}

fn anchor(certificate: Arc<Certificate>, one: AnchorUse) -> TrustAnchor {
    let limits = AnchorLimits::new(Some([one].into()), None, None, None).expect("one use, and no other limit");
    TrustAnchor::limited(certificate, limits)
}

fn validate(document: &[u8], time: Time, anchors: Vec<TrustAnchor>) -> Result<Validation, Unreadable> {
    validation::validate(&ValidationRequest {
        document,
        content: Content::None,
        evidence: &Evidence::default(),
        trust: &TrustStore::new(anchors, Vec::new()),
        policy: &ANY,
        revocation: RevocationMode::Off,
        time,
        memory: &Memory::none(),
    })
}
