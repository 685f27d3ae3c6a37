//! `antin verify --evidence-out FILE` saves what a judgement rests on; `antin verify --evidence FILE` judges by it again.
//!
//! Who saves judges by the very octets that are saved: what is replayed later is the same computation.

use std::path::Path;

use super::evidence::{self, EvidenceArguments, LoadedEvidence};
use super::exit::{self, CommandError};
use super::sign::{is_same_file, write_whole};
use crate::core::crypto;
use crate::core::evidence::Evidence;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::report::EvidenceReport;
use crate::core::report::text::Language;
use crate::core::saved_evidence::{self, SavedEvidence, ToSave};
use crate::core::time::Time;
use crate::core::validation::Content;
use crate::core::x509::{TrustAnchor, TrustStore};

/// Octets of a file of evidence that is read.
const FILE_LIMIT: u64 = 512 << 20;

/// What a document is judged by.
pub struct Basis {
    pub trust: TrustStore,
    pub evidence: Evidence,
    pub policy: Policy,
    pub revocation: RevocationMode,
    pub time: Time,
    /// Said in the answer if the evidence lies in a file of its own.
    pub saved: Option<EvidenceReport>,
}

impl Basis {
    /// What the options name.
    pub fn given(loaded: LoadedEvidence) -> Self {
        let LoadedEvidence { trust, evidence, policy, revocation, time, .. } = loaded;
        Self { trust, evidence, policy, revocation, time, saved: None }
    }

    /// What the options name, out of the file in which it is saved.
    pub fn saved(
        loaded: &LoadedEvidence,
        document: &[u8],
        content: Option<&[u8]>,
    ) -> Result<(Self, Vec<u8>), CommandError> {
        let file = saved_evidence::encode(&ToSave {
            document,
            content,
            trust: &loaded.trust,
            certificates: &loaded.evidence.certificates,
            crls: &loaded.crls,
            ocsp_responses: &loaded.ocsp_encoded,
            policy: &loaded.policy_text,
            document_kinds: loaded.document_kinds_text.as_deref(),
            revocation: loaded.revocation,
            time: loaded.time,
        });
        if file.len() as u64 > FILE_LIMIT {
            let message = format!("the evidence has more than {FILE_LIMIT} octets and could not be read again");
            return Err(CommandError::new(exit::UNREADABLE, message));
        }
        // Whatever could not be replayed is found now.
        let saved = SavedEvidence::decode(&file);
        let saved = saved.map_err(|error| CommandError::of(exit::INTERNAL, &error))?;
        Ok((Self::of_file(saved, &file), file))
    }

    /// What was saved for this document and content.
    pub fn replayed(path: &Path, document: &[u8], content: Option<&[u8]>) -> Result<Self, CommandError> {
        let file = evidence::read_at_most(path, FILE_LIMIT)?;
        let saved = SavedEvidence::decode(&file);
        let saved = saved.and_then(|saved| {
            saved.expect(document, content.map_or(Content::None, Content::Bytes))?;
            Ok(saved)
        });
        let saved = saved.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?;
        Ok(Self::of_file(saved, &file))
    }

    fn of_file(saved: SavedEvidence, file: &[u8]) -> Self {
        let SavedEvidence { trust, evidence, policy, revocation, time, .. } = saved;
        let anchors = trust.anchors().iter().map(|anchor| anchor.certificate().fingerprint_text().to_owned());
        let saved = EvidenceReport { sha256: hex::encode(crypto::sha256(file)), trust_anchors: anchors.collect() };
        Self { trust, evidence, policy, revocation, time, saved: Some(saved) }
    }

    /// Where the caller says whom to trust, the file may trust nobody else, and nobody for more.
    pub fn check_anchors(&self, path: &Path, arguments: &EvidenceArguments) -> Result<(), CommandError> {
        if !arguments.names_anchors() {
            return Ok(());
        }
        let wanted = arguments.load()?.trust;
        let is_wanted = |anchor: &&TrustAnchor| {
            let held = wanted.anchor(anchor.certificate());
            held.is_some_and(|held| anchor.limits().and(held.limits()) == *anchor.limits())
        };
        match self.trust.anchors().iter().find(|anchor| !is_wanted(anchor)) {
            None => Ok(()),
            Some(other) => {
                let subject = &other.certificate().subject;
                let message = format!("{}: it trusts {subject} for what the options do not", path.display());
                Err(CommandError::new(exit::UNREADABLE, message))
            }
        }
    }

    /// What a person has to know about a replay before anything else: when it was, and whom it trusts.
    pub fn notice(&self, language: Language) -> String {
        let anchors = self.trust.anchors();
        let held = evidence::held_anchors();
        let held = anchors.iter().filter(|anchor| held.contains(anchor.certificate().fingerprint())).count();
        let (time, all) = (self.time.in_vietnam(), anchors.len());
        match language {
            Language::Vietnamese => format!(
                "KIỂM TRA LẠI theo bằng chứng đã lưu: kết luận là của thời điểm {time}, theo {all} chứng thư gốc ghi trong \
                 tệp bằng chứng ({held} được tin cậy trên máy này); không phải kết luận của hôm nay"
            ),
            Language::English => format!(
                "REPLAY of saved evidence: the answer is that of {time}, by the {all} trust anchors in the evidence file \
                 ({held} of them held on this machine); it is no judgement of today"
            ),
        }
    }
}

/// Writes the evidence, over none of the inputs.
pub fn write(path: &Path, file: &[u8]) -> Result<(), CommandError> {
    write_whole(path, file).map_err(|error| CommandError::about(exit::INTERNAL, path, &error))
}

/// The evidence must not be written over what it is made from.
pub fn check_output<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), CommandError> {
    if inputs.into_iter().any(|input| is_same_file(out, input)) {
        let message = format!("--evidence-out {} is an input too: name another file", out.display());
        return Err(CommandError::new(exit::USAGE, message));
    }
    Ok(())
}
