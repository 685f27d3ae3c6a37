//! Is a document still within the time for which its kind has it good?

use std::sync::Arc;

use super::verify::VerifyRequest;
use crate::{
    core::{
        cms::SignedData,
        der::ber,
        document_validity::{self, Ends, Validity},
        report::{Obstacle, Outcome, Reliance, Report},
        time::Time,
        validation::{Content, Validation},
        working_days::WorkingDays,
    },
    kinds::{DocumentKind, Kinds, json},
};

/// How long documents are good for.
pub struct ValidityRules {
    kinds: Arc<Kinds>,
    working_days: WorkingDays,
}

impl ValidityRules {
    pub const fn new(kinds: Arc<Kinds>, working_days: WorkingDays) -> Self {
        Self { kinds, working_days }
    }

    /// How long a document is good of which the record alone is there: its purpose and what it says are not known. `None`: for ever.
    pub(super) fn of_record(&self, kind: &str, signed_at: Time) -> Option<Ends> {
        let windows = &self.kinds.get(kind)?.reliance.validity;
        document_validity::ends(windows, None, |_| None, Some(signed_at), &self.working_days)
    }

    /// Writes into the answer how long the document is good, and lets that decide where the signatures alone would accept.
    pub(super) fn apply(&self, report: &mut Report, validation: &Validation, request: &VerifyRequest<'_>) {
        let Some(reference) = &validation.content.reference else { return };
        let Some(kind) = self.kinds.get(reference.kind()).filter(|kind| !kind.reliance.validity.is_empty()) else {
            return;
        };
        let windows = &kind.reliance.validity;
        let is_asked = windows.iter().any(|window| window.when.is_some());
        let document = if is_asked { said(kind, request) } else { None };
        let signed_at = document_validity::signed_at(validation, request.time);
        let case = |name: &str| kind.case(name, document.as_ref());
        let Some(ends) = document_validity::ends(windows, request.purpose, case, signed_at, &self.working_days) else {
            return;
        };
        report.document.valid_until = ends.known();
        let objection = match ends.at(request.time) {
            Validity::Within => return,
            Validity::Unknown => (Outcome::Undetermined, Obstacle::ValidityUnknown),
            Validity::Past => (Outcome::Reject, Obstacle::Expired),
        };
        if report.reliance.outcome == Outcome::Accept {
            report.reliance = Reliance::new(objection.0, objection.1.code());
        }
    }
}

/// The signed content, where it is there and JSON of a size that documents of its kind have.
fn said(kind: &DocumentKind, request: &VerifyRequest<'_>) -> Option<serde_json::Value> {
    let longest = kind.contents.iter().map(|form| form.maximum_bytes).max().unwrap_or_default();
    let read = |content: &[u8]| (content.len() <= longest).then(|| json::parse(content).ok()).flatten();
    match request.content {
        Content::Bytes(content) => read(content),
        Content::Digests(_) => None,
        Content::None => match SignedData::decode(request.document) {
            Ok(message) => read(message.content?),
            Err(_) => {
                let normalised = ber::normalise_content_info(request.document).ok()?;
                read(SignedData::decode(&normalised).ok()?.content?)
            }
        },
    }
}
