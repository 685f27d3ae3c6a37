//! Is a document in the issuance log in which it must be? Whoever gives a proof demands that it holds; so do the settings for documents of
//! certain issuers. What this service issued itself it finds in its own log.

use std::sync::Arc;

use super::issuance::{IssuanceError, IssuanceLog};
use super::standing::covers;
use crate::config::RequiredLog;
use crate::core::log::{LogProof, VerifierKey};
use crate::core::report::logged::{self, LogReport};
use crate::core::report::{Outcome, REGISTRY, Report};
use crate::registry::DocumentId;

/// Who demands a place in which log.
pub struct RequiredLogs {
    rules: Vec<(VerifierKey, RequiredLog)>,
    own: Option<Arc<IssuanceLog>>,
}

impl RequiredLogs {
    /// Rules of the settings, whose keys were read there, and the log of this service.
    pub fn new(rules: &[RequiredLog], own: Option<Arc<IssuanceLog>>) -> Self {
        let rules = rules.iter().filter_map(|rule| Some((rule.verifier_key()?, rule.clone())));
        Self { rules: rules.collect(), own }
    }

    /// Writes into the answer where the document was found, and lets the answer stand only if that is wherever it must be. The standing
    /// was considered before: it tells whether the document is one of the record.
    ///
    /// # Errors
    /// Why the own log cannot be asked: no answer is better than one without it.
    pub async fn apply(&self, given: Option<&LogProof>, report: &mut Report) -> Result<(), IssuanceError> {
        if report.reliance.outcome != Outcome::Accept {
            return Ok(());
        }
        let demanding: Vec<&VerifierKey> =
            self.rules.iter().filter_map(|(key, rule)| covers(&rule.concerned(), report).then_some(key)).collect();
        if demanding.is_empty() && given.is_none() {
            return Ok(());
        }
        let own_key = self.own.as_deref().map(IssuanceLog::verifier);
        let known = self.rules.iter().map(|(key, _)| key).chain(own_key);
        let mut found: Vec<(&VerifierKey, LogReport)> = Vec::new();
        for key in known {
            if let Some(place) = given.and_then(|proof| logged::shown(report, proof, key)) {
                found.push((key, place));
            }
        }
        if let (Some(own), Some(key)) = (self.own.as_deref(), own_key)
            && !found.iter().any(|(known, _)| *known == key)
            && let Some(place) = recorded(own, report).await?
        {
            found.push((key, place));
        }
        let is_found = |key: &&VerifierKey| found.iter().any(|(known, _)| known == key);
        let is_wherever_it_must_be = !found.is_empty() && demanding.iter().all(is_found);
        report.document.log = found.into_iter().next().map(|(_, place)| place);
        if !is_wherever_it_must_be {
            logged::refuse(report);
        }
        Ok(())
    }
}

/// Where the document stands in the log of this service, if it is the one of the record with its id.
async fn recorded(own: &IssuanceLog, report: &Report) -> Result<Option<LogReport>, IssuanceError> {
    let document = &report.document;
    if document.status.as_ref().is_none_or(|status| status.source != REGISTRY) {
        return Ok(None);
    }
    let Some(document_id) = document.id.as_ref().and_then(|id| id.parse::<DocumentId>().ok()) else { return Ok(None) };
    match own.proof(document_id).await {
        Ok(found) => Ok(found.proof.verify(own.verifier()).ok().map(LogReport::of)),
        Err(IssuanceError::Pending) => Ok(None),
        Err(error) => Err(error),
    }
}
