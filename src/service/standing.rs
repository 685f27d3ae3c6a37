//! Does a paper issued here still stand? A valid signature stays valid when its paper is withdrawn.

use std::sync::Arc;

use crate::{
    config::{Concerned, RequiredStatus},
    core::{
        cms::document_reference::DocumentReference,
        report::{CertificateReport, Outcome, Reliance, Report, StatusReport},
        status_list::{StatusListReference, standing},
        time::Time,
        verdict::Indication,
    },
    registry::{DocumentId, DocumentState, Format, IssuedDocument, Registry, RegistryError, StatusPlace},
    revocation::status_lists::StatusLists,
};

use super::{status_lists::PATH, verify::Verified};

/// Asks the registry for the standing of papers issued here. The registry knows its papers by their ids, whatever address the
/// service had when they were signed.
pub struct Standing {
    /// `<base URL>/v1/documents/`
    prefix: String,
    /// `<base URL>/status-lists/`
    lists: String,
    /// Whose lists tell of papers issued elsewhere.
    others: Option<Arc<StatusLists>>,
    /// Where people verify a document, without a final `/`.
    verification_url: Option<String>,
    /// Whose papers must have a standing.
    required: Vec<RequiredStatus>,
}

impl Standing {
    pub fn new(base_url: &str) -> Self {
        let (prefix, lists) = (format!("{base_url}/v1/documents/"), format!("{base_url}{PATH}/"));
        Self { prefix, lists, others: None, verification_url: None, required: Vec::new() }
    }

    /// With the address at which people verify a document, its id behind it.
    #[must_use]
    pub fn with_verification_url(mut self, url: Option<String>) -> Self {
        self.verification_url = url;
        self
    }

    /// With the lists of others.
    #[must_use]
    pub fn with_lists(mut self, lists: Arc<StatusLists>) -> Self {
        self.others = Some(lists);
        self
    }

    /// With rules for whose papers must have a standing.
    #[must_use]
    pub fn with_required(mut self, rules: &[RequiredStatus]) -> Self {
        self.required = rules.to_vec();
        self
    }

    /// Where people verify the document with this id; `None`: nowhere.
    pub fn verification_address(&self, id: &str) -> Option<String> {
        self.verification_url.as_ref().map(|url| format!("{url}/{id}"))
    }

    /// The status reference that is signed into a document: its place in the status lists, if it has one.
    pub fn reference(&self, document_id: DocumentId, place: Option<StatusPlace>) -> String {
        match place {
            None => format!("{}{document_id}", self.prefix),
            Some(StatusPlace { list, index }) => {
                StatusListReference { uri: &format!("{}{list}", self.lists), index: index.into() }.to_string()
            }
        }
    }

    /// What a status reference says about a document that is published here.
    fn published(&self, reference: &str) -> Published {
        if let Some(id) = reference.strip_prefix(&self.prefix) {
            return Published::ById(id.to_owned());
        }
        if !reference.starts_with(&self.lists) {
            return Published::Elsewhere;
        }
        let place = || {
            let StatusListReference { uri, index } = StatusListReference::parse(reference)?;
            let number = uri.strip_prefix(&self.lists)?;
            let list: u32 = number.parse().ok().filter(|list: &u32| list.to_string() == number)?;
            StatusPlace::new(list.into(), i64::try_from(index).ok()?)
        };
        Published::InList(place())
    }

    /// The same for a paper that is not in the record, by the list that it names; whether its publisher is one of the settings.
    async fn apply_other(&self, status: &str, report: &mut Report, now: Time) -> bool {
        let Some(others) = self.others.as_ref().filter(|others| others.covers(status)) else { return false };
        // Nobody is asked about what is not relied on anyway.
        if report.reliance.outcome != Outcome::Accept {
            return true;
        }
        let found = match StatusListReference::parse(status) {
            Some(reference) => others.status(reference, now).await,
            None => None,
        };
        standing::apply(report, found, now);
        true
    }

    /// Writes the standing into the answer, and lets it decide where the signatures alone would accept. A paper that claims to
    /// be from here and is not known here, or bears the id of another paper, is never accepted; nor is one without a standing of an issuer
    /// who publishes it.
    ///
    /// # Errors
    /// The registry's, when it cannot be asked: no answer is better than one without the standing.
    pub async fn apply(
        &self,
        registry: &dyn Registry,
        verified: &mut Verified,
        now: Time,
    ) -> Result<(), RegistryError> {
        self.apply_stated(registry, verified, now).await?;
        let report = &mut verified.report;
        if report.document.status.is_none() && self.required.iter().any(|rule| covers(&rule.concerned(), report)) {
            unknown(report);
        }
        Ok(())
    }

    /// The same by what the signers state.
    async fn apply_stated(
        &self,
        registry: &dyn Registry,
        verified: &mut Verified,
        now: Time,
    ) -> Result<(), RegistryError> {
        let Some(reference) = &verified.reference else { return Ok(()) };
        // What is signed to be published here is published under the paper's own id.
        let published = reference.status_reference().map_or(Published::Elsewhere, |status| self.published(status));
        let says_one_id = match &published {
            Published::ById(id) => id == reference.id(),
            Published::InList(place) => place.is_some(),
            Published::Elsewhere => true,
        };
        let document_id = reference.id().parse::<DocumentId>().ok().filter(|_| says_one_id);
        let (document, status) = match document_id {
            Some(document_id) => (registry.document(document_id).await?, registry.status(document_id).await?),
            None => (None, None),
        };
        // What was signed unseen is no paper.
        let document = document.filter(|document| document.intent.format != Format::Raw);
        let (Some(document), Some(status)) = (document, status) else {
            // A node without the record may know the lists of those who have it, at the address that they share.
            let by_list = match reference.status_reference() {
                Some(status) => self.apply_other(status, &mut verified.report, now).await,
                None => false,
            };
            if !by_list && published != Published::Elsewhere {
                unknown(&mut verified.report);
            }
            return Ok(());
        };
        // Anybody can sign our id into a paper of his own: it neither borrows the standing of ours nor lends it a bad one.
        let has_place = match published {
            Published::InList(place) => place == document.intent.status_place,
            Published::ById(_) | Published::Elsewhere => true,
        };
        if !has_place || !is_recorded(verified, reference, &document) {
            unknown(&mut verified.report);
            return Ok(());
        }
        let report = &mut verified.report;
        report.document.status = Some(StatusReport::of_registry(status.state.name(), now));
        if report.reliance.outcome == Outcome::Accept
            && let Some((outcome, code)) = objection(status.state)
        {
            report.reliance = Reliance::new(outcome, code);
        }
        Ok(())
    }
}

/// Where a paper says that its standing is published.
#[derive(PartialEq, Eq)]
enum Published {
    Elsewhere,
    /// Here, under this id.
    ById(String),
    /// Here, in a list; `None`: at a place that there is not.
    InList(Option<StatusPlace>),
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

/// The rule is for an issuer of this paper, for what it is, or may be where nobody says it, and for when it may have been signed.
pub(super) fn covers(rule: &Concerned<'_>, report: &Report) -> bool {
    let is_named = |certificate: &CertificateReport| {
        let sha256 = hex::encode(certificate.0.fingerprint());
        rule.certificates.iter().any(|named| named.eq_ignore_ascii_case(&sha256))
    };
    let mut passed =
        report.signatures.iter().filter(|signature| signature.indication == Indication::TotalPassed.name());
    let is_of_kind = |kind: &String| rule.kinds.is_empty() || rule.kinds.contains(kind);
    report.document.kind.as_ref().is_none_or(is_of_kind)
        && rule.from.is_none_or(|from| report.best_signature_time.is_none_or(|proved| proved >= from))
        && passed.any(|signature| signature.certificates.iter().any(is_named))
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
