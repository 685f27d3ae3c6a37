//! Whether a record agrees with itself.

use super::{Counts, Progress, Reader, Record};
use crate::{
    core::{
        algorithm::DigestAlgorithm,
        cms::{attributes::SignedAttributes, signed_data::SignedData},
    },
    registry::{
        DocumentId, DocumentState, Format, LONGEST_SIGNATURE, Level, MOST_STATUS_CHANGES, RegistryError, Sha256,
    },
};

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{field} must be {rule}")]
    Text { field: &'static str, rule: &'static str },
    #[error("it is {0} and has what only issued documents have")]
    NotIssued(Progress),
    #[error("it is issued, without time, certificate and state")]
    NoRelease,
    #[error("it is issued and has no signature")]
    NoSignature,
    #[error("signature {found} stands where {expected} belongs")]
    Version { expected: u32, found: u32 },
    #[error("signature {0} is empty or larger than is recorded")]
    SignatureSize(u32),
    #[error("signature {0} has a lower level than the one before")]
    Level(u32),
    #[error("change {0} of its standing breaks the rules")]
    Change(usize),
    #[error("it is {recorded}, and its history ends with {told}")]
    State { recorded: DocumentState, told: DocumentState },
    #[error("it has more changes of standing than are recorded")]
    History,
    #[error("a PDF waits for a level, which is not raised here")]
    Raising,
    #[error("the end of an archive time-stamp is noted, and its newest signature has none")]
    Renewal,
    #[error("signature {0} is no CMS SignedData that can be read")]
    Cms(u32),
    #[error("signature {0} is of another content than the record says")]
    Content(u32),
    #[error("it has position {0} in the issuance log, and fewer positions were given")]
    Position(u64),
    #[error("its successor {0} was not issued here")]
    Successor(DocumentId),
}

/// What was found in a whole registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub counts: Counts,
    pub issued: u64,
    pub begun: u64,
    pub unknown: u64,
    pub faults: u64,
}

/// Reads all and tells each fault.
///
/// # Errors
/// The registry's, when it cannot be read on.
pub async fn check(
    reader: &mut dyn Reader,
    mut tell: impl FnMut(DocumentId, &Fault),
) -> Result<Checked, RegistryError> {
    let (mut checked, mut after) = (Checked::default(), None);
    let mut places = Places::default();
    loop {
        let page = reader.page(after).await?;
        let Some(last) = page.last() else {
            if let Some((document_id, position)) = places.gap() {
                checked.faults += 1;
                tell(document_id, &Fault::Position(position));
            }
            return Ok(checked);
        };
        after = Some(last.intent.document_id);
        for record in &page {
            let document_id = record.intent.document_id;
            checked.counts.add(record);
            places.add(record);
            match record.progress {
                Progress::Begun => checked.begun += 1,
                Progress::Issued => checked.issued += 1,
                Progress::Unknown => checked.unknown += 1,
            }
            let mut found = faults(record);
            found.extend(record.signatures.iter().filter_map(|one| {
                let of_cades = record.intent.format == Format::Cades;
                of_cades.then(|| cms_fault(one.version, &one.signature, &record.intent.document_digest)).flatten()
            }));
            for successor in record.history.iter().filter_map(|change| change.superseded_by) {
                if !reader.is_issued(successor).await? {
                    found.push(Fault::Successor(successor));
                }
            }
            checked.faults += found.len() as u64;
            found.iter().for_each(|fault| tell(document_id, fault));
        }
    }
}

/// The positions in the log that were seen.
#[derive(Default)]
pub(super) struct Places {
    count: u64,
    highest: Option<(DocumentId, u64)>,
}

impl Places {
    pub(super) fn add(&mut self, record: &Record) {
        let Some(position) = record.log.and_then(|log| log.position) else { return };
        self.count += 1;
        if self.highest.is_none_or(|(_, highest)| position > highest) {
            self.highest = Some((record.intent.document_id, position));
        }
    }

    /// The highest one, if one below it was not given; two never have the same.
    pub(super) fn gap(&self) -> Option<(DocumentId, u64)> {
        self.highest.filter(|(_, position)| *position >= self.count)
    }
}

/// What a record tells about itself without its signatures being read.
pub fn faults(record: &Record) -> Vec<Fault> {
    let mut found = Vec::new();
    let text = |error| match error {
        Err(RegistryError::Invalid { field, rule }) => Some(Fault::Text { field, rule }),
        _ => None,
    };
    found.extend(text(record.intent.check()));
    let has_more = record.release.is_some()
        || !record.signatures.is_empty()
        || !record.history.is_empty()
        || record.raising.is_some()
        || record.renewal.is_some()
        || record.log.is_some();
    if record.progress != Progress::Issued {
        found.extend(has_more.then_some(Fault::NotIssued(record.progress)));
        return found;
    }
    if record.signatures.is_empty() {
        found.push(Fault::NoSignature);
    }
    let mut level = Level::Basic;
    for (expected, signature) in (1..).zip(&record.signatures) {
        let version = signature.version;
        if version != expected {
            found.push(Fault::Version { expected, found: version });
        }
        if signature.signature.is_empty() || signature.signature.len() > LONGEST_SIGNATURE {
            found.push(Fault::SignatureSize(version));
        }
        if !signature.level.reaches(level) {
            found.push(Fault::Level(version));
        }
        level = signature.level;
    }
    let mut state = DocumentState::InForce;
    for (index, change) in record.history.iter().enumerate() {
        found.extend(text(change.check()));
        if !state.may_become(change.state) {
            found.push(Fault::Change(index + 1));
        }
        state = change.state;
    }
    if record.history.len() > MOST_STATUS_CHANGES {
        found.push(Fault::History);
    }
    match &record.release {
        None => found.push(Fault::NoRelease),
        Some(release) if release.state != state => {
            found.push(Fault::State { recorded: release.state, told: state });
        }
        Some(_) => {}
    }
    if record.raising.is_some() && record.intent.format == Format::Pades {
        found.push(Fault::Raising);
    }
    if record.renewal.is_some() && level != Level::Archival {
        found.push(Fault::Renewal);
    }
    found
}

/// The message can be read, holds no content, and was made over the recorded one by every signer that used SHA-256.
fn cms_fault(version: u32, cms: &[u8], document_digest: &Sha256) -> Option<Fault> {
    let Ok(message) = SignedData::decode(cms) else { return Some(Fault::Cms(version)) };
    if message.content.is_some() || message.signer_infos.is_empty() {
        return Some(Fault::Cms(version));
    }
    message.signer_infos.iter().find_map(|signer| {
        let Some(attributes) = signer.signed_attributes else { return Some(Fault::Cms(version)) };
        let Ok(attributes) = SignedAttributes::decode(attributes) else { return Some(Fault::Cms(version)) };
        let is_sha256 = signer.digest_algorithm == Ok(DigestAlgorithm::Sha256);
        (is_sha256 && attributes.message_digest != document_digest).then_some(Fault::Content(version))
    })
}
