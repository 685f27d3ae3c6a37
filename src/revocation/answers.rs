//! What OCSP responders said about each certificate, so that no answer goes back: the newest answer counts, and one that revokes is
//! evidence for as long as the process lives. Bounded; the core verifies what it uses each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::oid;
use crate::core::time::Time;
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::{CertStatus, OcspResponse, SingleResponse};
use crate::core::x509::reason::RevocationReason;

/// Certificates whose newest answer is known, and certificates with an answer that revokes; the first to come goes first.
const LIMIT: usize = 2048;

#[derive(Default)]
pub(super) struct Answers(Mutex<Known>);

/// By the fingerprint of the certificate.
#[derive(Default)]
struct Known {
    newest: HashMap<[u8; 32], Answer>,
    revoked: HashMap<[u8; 32], Answer>,
    /// Answers taken so far.
    count: u64,
}

#[derive(Clone)]
struct Answer {
    response: Arc<OcspResponse>,
    this_update: Time,
    next_update: Option<Time>,
    is_hold: bool,
    /// Which one it was of all.
    index: u64,
}

impl Answers {
    /// Takes what was fetched and returns what counts now: it, or if it is older than the newest known, that one while it is fresh.
    ///
    /// Nothing, where neither the issuer nor one to whom it gave that right signed it: whoever is on the way to the responder shall
    /// not decide what is the newest. Whether the signer may still sign is for the core to judge.
    pub fn take(
        &self,
        response: OcspResponse,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Time,
    ) -> Option<Arc<OcspResponse>> {
        if !is_signed_for(&response, issuer) {
            return None;
        }
        let about_it = |status: &&SingleResponse| status.certificate.names(certificate, issuer);
        let newest = response.statuses.iter().filter(about_it).max_by_key(|status| status.this_update)?;
        let revoking = response.statuses.iter().filter(about_it).find_map(|status| match status.status {
            CertStatus::Revoked { reason, .. } => Some(reason),
            CertStatus::Good | CertStatus::Unknown => None,
        });
        let (this_update, next_update) = (newest.this_update, newest.next_update);
        let response = Arc::new(response);
        let is_hold = revoking == Some(RevocationReason::CertificateHold);

        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.count += 1;
        let answer = Answer { response: Arc::clone(&response), this_update, next_update, is_hold, index: known.count };
        let key = certificate.fingerprint();
        if revoking.is_some() {
            // What revokes for ever is not displaced by a hold.
            let stays = |held: &Answer| held.this_update > this_update || (is_hold && !held.is_hold);
            if !known.revoked.get(key).is_some_and(stays) {
                insert(&mut known.revoked, *key, answer.clone());
            }
        }
        match known.newest.get(key) {
            Some(held) if held.this_update > this_update && revoking.is_none() => {
                let is_fresh = held.next_update.is_some_and(|end| end > now);
                return is_fresh.then(|| Arc::clone(&held.response));
            }
            Some(held) if held.this_update > this_update => {}
            // A responder whose clock is ahead must not shut out what comes after it.
            _ if this_update > now => {}
            _ => insert(&mut known.newest, *key, answer),
        }
        Some(response)
    }

    /// The answer that revokes a certificate or puts it on hold, if there was one.
    pub fn revoking(&self, certificate: &Certificate) -> Option<Arc<OcspResponse>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.revoked.get(certificate.fingerprint()).map(|answer| Arc::clone(&answer.response))
    }
}

fn insert(answers: &mut HashMap<[u8; 32], Answer>, key: [u8; 32], answer: Answer) {
    if answers.len() >= LIMIT && !answers.contains_key(&key) {
        let first = answers.iter().min_by_key(|(_, answer)| answer.index).map(|(key, _)| *key);
        first.map(|first| answers.remove(&first));
    }
    answers.insert(key, answer);
}

/// By the issuer, or by a certificate for OCSP signing that it issued (RFC 6960 §4.2.2.2).
fn is_signed_for(response: &OcspResponse, issuer: &Certificate) -> bool {
    let signed_by = |signer: &Certificate| match (signer.public_key(), &response.signature_algorithm) {
        (Ok(key), Ok(algorithm)) => key.verify(*algorithm, response.to_be_signed(), response.signature()).is_ok(),
        _ => false,
    };
    let authorised = |delegate: &Certificate| match (issuer.public_key(), &delegate.signature_algorithm) {
        (Ok(key), Ok(algorithm)) => {
            let usages = delegate.extensions.extended_key_usage.as_ref();
            usages.is_some_and(|usages| usages.iter().any(|usage| usage == oid::EKU_OCSP_SIGNING))
                && key.verify(*algorithm, delegate.to_be_signed(), delegate.signature()).is_ok()
        }
        _ => false,
    };
    let named = response.certificates.iter().filter(|delegate| response.responder.names(delegate));
    (response.responder.names(issuer) && signed_by(issuer))
        || named.into_iter().any(|delegate| authorised(delegate) && signed_by(delegate))
}
