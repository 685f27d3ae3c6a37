//! Does a paper issued here still stand? A valid signature stays valid when its paper is withdrawn.

use crate::{
    core::{
        cms::document_reference::DocumentReference,
        report::{Outcome, Reliance, Report, StatusReport},
        time::Time,
    },
    registry::{DocumentId, DocumentState, Registry, RegistryError},
};

use super::verify::Verified;

/// Asks the registry for the standing of papers that name this very service as the place where it is published.
pub struct Standing {
    /// `<base URL>/v1/documents/`
    prefix: String,
}

impl Standing {
    pub fn new(base_url: &str) -> Self {
        Self { prefix: format!("{base_url}/v1/documents/") }
    }

    /// The status reference that is signed into a document.
    pub fn reference(&self, document_id: DocumentId) -> String {
        format!("{}{document_id}", self.prefix)
    }

    /// The id, if the reference points here and says the same id twice.
    fn own_id(&self, reference: &DocumentReference) -> Option<DocumentId> {
        let published = reference.status_reference()?.strip_prefix(&self.prefix)?;
        if published != reference.id() {
            return None;
        }
        published.parse().ok()
    }

    /// Writes the standing into the answer, and lets it decide where the signatures alone would accept. A paper that claims to
    /// be from here and is not known here, or with another content, is never accepted.
    ///
    /// # Errors
    /// The registry's, when it cannot be asked: no answer is better than one without the standing.
    pub async fn apply(
        &self,
        registry: &dyn Registry,
        verified: &mut Verified,
        now: Time,
    ) -> Result<(), RegistryError> {
        let Some(reference) = &verified.reference else { return Ok(()) };
        let points_here = reference.status_reference().is_some_and(|status| status.starts_with(&self.prefix));
        if !points_here {
            return Ok(());
        }
        let report = &mut verified.report;
        let Some(document_id) = self.own_id(reference) else {
            unknown(report);
            return Ok(());
        };
        let (Some(document), Some(status)) =
            (registry.document(document_id).await?, registry.status(document_id).await?)
        else {
            unknown(report);
            return Ok(());
        };
        let same_content = report.document.sha256.as_deref() == Some(&hex::encode(document.intent.document_digest));
        if !same_content || document.intent.kind != reference.kind() {
            unknown(report);
            return Ok(());
        }
        report.document.status = Some(StatusReport { state: status.state.name().to_owned(), checked_at: now });
        if report.reliance.outcome == Outcome::Accept
            && let Some((outcome, code)) = objection(status.state)
        {
            report.reliance = Reliance::new(outcome, code);
        }
        Ok(())
    }
}

fn unknown(report: &mut Report) {
    if report.reliance.outcome == Outcome::Accept {
        report.reliance = Reliance::new(Outcome::Undetermined, "status-unknown");
    }
}

const fn objection(state: DocumentState) -> Option<(Outcome, &'static str)> {
    match state {
        DocumentState::InForce => None,
        DocumentState::Suspended => Some((Outcome::Undetermined, "document-suspended")),
        DocumentState::Withdrawn => Some((Outcome::Reject, "document-withdrawn")),
        DocumentState::Superseded => Some((Outcome::Reject, "document-superseded")),
        DocumentState::Used => Some((Outcome::Reject, "document-used")),
    }
}
