//! Does a paper issued here still stand? A valid signature stays valid when its paper is withdrawn.

use crate::{
    core::{
        cms::document_reference::DocumentReference,
        report::{Outcome, Reliance, Report, StatusReport},
        time::Time,
        verdict::Indication,
    },
    registry::{DocumentId, DocumentState, Format, IssuedDocument, Registry, RegistryError},
};

use super::verify::Verified;

/// Asks the registry for the standing of papers issued here. The registry knows its papers by their ids, whatever address the
/// service had when they were signed.
pub struct Standing {
    /// `<base URL>/v1/documents/`
    prefix: String,
    /// Where people verify a document, without a final `/`.
    verification_url: Option<String>,
}

impl Standing {
    pub fn new(base_url: &str) -> Self {
        Self { prefix: format!("{base_url}/v1/documents/"), verification_url: None }
    }

    /// With the address at which people verify a document, its id behind it.
    #[must_use]
    pub fn with_verification_url(mut self, url: Option<String>) -> Self {
        self.verification_url = url;
        self
    }

    /// Where people verify the document with this id; `None`: nowhere.
    pub fn verification_address(&self, id: &str) -> Option<String> {
        self.verification_url.as_ref().map(|url| format!("{url}/{id}"))
    }

    /// The status reference that is signed into a document.
    pub fn reference(&self, document_id: DocumentId) -> String {
        format!("{}{document_id}", self.prefix)
    }

    /// Writes the standing into the answer, and lets it decide where the signatures alone would accept. A paper that claims to
    /// be from here and is not known here, or bears the id of another paper, is never accepted.
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
        // What is signed to be published here is published under the paper's own id.
        let published_here = reference.status_reference().and_then(|status| status.strip_prefix(&self.prefix));
        let says_one_id = published_here.is_none_or(|published| published == reference.id());
        let document_id = reference.id().parse::<DocumentId>().ok().filter(|_| says_one_id);
        let (document, status) = match document_id {
            Some(document_id) => (registry.document(document_id).await?, registry.status(document_id).await?),
            None => (None, None),
        };
        let (Some(document), Some(status)) = (document, status) else {
            if published_here.is_some() {
                unknown(&mut verified.report);
            }
            return Ok(());
        };
        // Anybody can sign our id into a paper of his own: it neither borrows the standing of ours nor lends it a bad one.
        if !is_recorded(verified, reference, &document) {
            unknown(&mut verified.report);
            return Ok(());
        }
        let report = &mut verified.report;
        report.document.status = Some(StatusReport { state: status.state.name().to_owned(), checked_at: now });
        if report.reliance.outcome == Outcome::Accept
            && let Some((outcome, code)) = objection(status.state)
        {
            report.reliance = Reliance::new(outcome, code);
        }
        Ok(())
    }
}

/// The content, the kind and a signer are those of the record; of a PDF, to which time-stamps and evidence may have been added since, a
/// signature that passes.
fn is_recorded(verified: &Verified, reference: &DocumentReference, document: &IssuedDocument) -> bool {
    if document.intent.format == Format::Pades {
        let passed = verified.signatures.iter().filter(|judged| judged.indication == Indication::TotalPassed);
        let mut values = passed.map(|judged| judged.value.as_slice());
        return document.intent.kind == reference.kind() && values.any(|value| document.issued.holds_value(value));
    }
    let content = verified.report.document.sha256.as_deref();
    content == Some(&hex::encode(document.intent.document_digest))
        && document.intent.kind == reference.kind()
        && verified.signers.contains(&document.issued.signer_certificate_sha256)
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
