//! Whether a record agrees with itself.

use super::{Counts, Fault, MOST_ON_A_PAGE, Progress, Reader, Record, signature::signature_faults};
use crate::{
    core::time::Time,
    registry::{
        DocumentId, DocumentState, Format, LONGEST_SIGNATURE, Level, MOST_LOOKUP_ENTRIES, MOST_STATUS_CHANGES,
        RegistryError,
    },
};

/// How far the clocks of nodes may differ, in seconds: a change of standing by another node may look so much too early.
const SKEW: i64 = 300;

/// What was found in a whole registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub counts: Counts,
    pub issued: u64,
    pub begun: u64,
    pub unknown: u64,
    pub faults: u64,
}

/// Reads all and tells each fault: of which document, if it is of one. A record that cannot be read is told too, and what follows it is
/// read on.
///
/// # Errors
/// The registry's, when it cannot be read on.
pub async fn check(
    reader: &mut dyn Reader,
    mut tell: impl FnMut(Option<DocumentId>, &Fault),
) -> Result<Checked, RegistryError> {
    let (mut checked, mut after, mut singly) = (Checked::default(), None, 0);
    let mut places = Places::default();
    for (document_id, fault) in reader.faults().await? {
        checked.faults += 1;
        tell(document_id, &fault);
    }
    loop {
        let page = if singly > 0 { None } else { Some(reader.page(after).await) };
        let page = match page {
            None | Some(Err(RegistryError::Damaged { .. })) => {
                singly = if singly > 0 { singly - 1 } else { MOST_ON_A_PAGE };
                match reader.next(after).await? {
                    None => return Ok(ended(checked, &places, tell)),
                    Some((_, Ok(record))) => vec![record],
                    Some((document_id, Err(why))) => {
                        after = Some(document_id);
                        checked.faults += 1;
                        tell(after, &Fault::Unreadable(why));
                        continue;
                    }
                }
            }
            Some(page) => page?,
        };
        let Some(last) = page.last() else { return Ok(ended(checked, &places, tell)) };
        after = Some(last.intent.document_id);
        for record in &page {
            checked.counts.add(record);
            places.add(record);
            match record.progress {
                Progress::Begun => checked.begun += 1,
                Progress::Issued => checked.issued += 1,
                Progress::Unknown => checked.unknown += 1,
            }
            let mut found = faults(record);
            found.extend(order_faults(record));
            found.extend(signature_faults(record));
            for successor in record.history.iter().filter_map(|change| change.superseded_by) {
                if !reader.is_issued(successor).await? {
                    found.push(Fault::Successor(successor));
                }
            }
            checked.faults += found.len() as u64;
            found.iter().for_each(|fault| tell(Some(record.intent.document_id), fault));
        }
    }
}

/// What can be told only once all records were read.
fn ended(mut checked: Checked, places: &Places, mut tell: impl FnMut(Option<DocumentId>, &Fault)) -> Checked {
    if let Some((document_id, position)) = places.gap() {
        checked.faults += 1;
        tell(Some(document_id), &Fault::Position(position));
    }
    checked
}

/// What does not follow on what was before it. Not asked of what is imported: a clock may have been wrong, and the record stays.
fn order_faults(record: &Record) -> Vec<Fault> {
    let mut found = Vec::new();
    let Some(release) = &record.release else { return found };
    if release.signed_at < record.intent.begun_at {
        found.push(Fault::SignedBeforeBegun);
    }
    let mut before = release.signed_at;
    for (number, change) in (1..).zip(&record.history) {
        if change.at.plus_seconds(SKEW) < before {
            found.push(Fault::ChangeBefore(number));
        }
        before = change.at;
    }
    let requested = record.intent.level_requested;
    if let Some(newest) = record.signatures.last()
        && record.intent.format == Format::Cades
        && record.raising.is_none()
        && !newest.level.reaches(requested)
    {
        found.push(Fault::NotWaiting { requested, reached: newest.level });
    }
    found
}

/// Times that are not what RFC 3339 can write: a registry with one cannot be exported and read in again.
fn time_faults(record: &Record) -> impl Iterator<Item = Fault> {
    let raising = record.raising.iter().flat_map(|raising| [("since", raising.since), ("dueAt", raising.due_at)]);
    let times = [("begunAt", record.intent.begun_at)].into_iter();
    let times = times.chain(record.release.iter().map(|release| ("signedAt", release.signed_at)));
    let times = times.chain(record.history.iter().map(|change| ("history.at", change.at)));
    let times = times.chain(raising).chain(record.renewal.map(|until| ("provesUntil", until)));
    let is_none = |time: &Time| Time::parse_rfc3339(&time.to_string()).is_err();
    let wrong = times.filter(move |(_, time)| is_none(time));
    wrong.map(|(field, _)| Fault::NoTime { field }).collect::<Vec<_>>().into_iter()
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
    found.extend(time_faults(record));
    let has_more = record.release.is_some()
        || !record.signatures.is_empty()
        || !record.history.is_empty()
        || record.raising.is_some()
        || record.renewal.is_some()
        || record.log.is_some()
        || !record.lookup.is_empty();
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
        if change.superseded_by == Some(record.intent.document_id) {
            found.push(Fault::OwnSuccessor);
        }
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
    if record.lookup.len() > MOST_LOOKUP_ENTRIES
        || !record.lookup.is_sorted_by(|one, next| one.digest.0 < next.digest.0)
    {
        found.push(Fault::Lookup);
    }
    if record.raising.is_some() && record.intent.format == Format::Pades {
        found.push(Fault::Raising);
    }
    if record.renewal.is_some() && level != Level::Archival {
        found.push(Fault::Renewal);
    }
    found
}
