//! What OCSP responders said about each certificate, so that no answer goes back: the newest answer counts, and one that revokes
//! stays evidence, after a restart too. Bounded; the core verifies what it uses each time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::kept_answers::{Kind, Stored, StoredAnswers};
use crate::core::oid;
use crate::core::time::Time;
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::{CertStatus, OcspResponse, SingleResponse, certificate_key};
use crate::core::x509::reason::RevocationReason;

/// Certificates whose newest answer is known, and certificates with an answer that revokes: as many of each.
const LIMIT: usize = 2048;
/// Octets of the files of either.
const OCTETS: usize = 64 << 20;

pub(super) struct Answers {
    known: Mutex<Known>,
    stored: StoredAnswers,
}

/// By [`certificate_key`]: what is known of a certificate is known of every encoding of it.
#[derive(Default)]
struct Known {
    newest: HashMap<[u8; 32], Answer>,
    revoked: HashMap<[u8; 32], Answer>,
    /// An answer that revokes had to go.
    was_full: bool,
}

#[derive(Clone)]
struct Answer {
    response: Arc<OcspResponse>,
    told: Told,
    /// When the certificate ends.
    not_after: Time,
    /// Of its file.
    octets: usize,
}

/// What an answer changed.
struct Noted {
    /// The certificate's.
    key: [u8; 32],
    /// What counts now.
    counts: Option<Arc<OcspResponse>>,
    /// As what it is to be kept on the disk.
    keep: Option<Kind>,
    /// What had to go for it.
    gone: Vec<(Kind, [u8; 32])>,
}

impl Answers {
    /// With what is kept beside a file of marks. Blocks for the disk and for three signatures each.
    pub fn beside(marks_file: &Path, now: Time) -> Self {
        let answers = Self { known: Mutex::default(), stored: StoredAnswers::beside(marks_file) };
        let mut gone = Vec::new();
        answers.stored.read(|stored, octets| {
            let Stored { certificate, issuer, response } = stored;
            if !issued(&certificate, &issuer) || !is_signed_for(&response, &issuer) {
                return false;
            }
            let noted = answers.note(response, octets, &certificate, &issuer, now);
            let is_about_it = noted.is_some();
            gone.extend(noted.into_iter().flat_map(|noted| noted.gone));
            is_about_it
        });
        gone.into_iter().for_each(|(kind, key)| answers.stored.remove(kind, &key));
        answers
    }

    /// Takes what was fetched and returns what counts now: it, or if it is older than the newest known, that one while it is fresh.
    ///
    /// Nothing, where neither the issuer nor one to whom it gave that right signed it: whoever is on the way to the responder shall
    /// not decide what is the newest. Whether the signer may still sign is for the core to judge. Blocks for the disk.
    pub fn take(
        &self,
        (response, octets): (OcspResponse, &[u8]),
        certificate: &Certificate,
        issuer: &Certificate,
        now: Time,
    ) -> Option<Arc<OcspResponse>> {
        if !is_signed_for(&response, issuer) {
            return None;
        }
        let file = Stored::encode(certificate, issuer, octets);
        let noted = self.note(response, file.len(), certificate, issuer, now)?;
        noted.gone.iter().for_each(|(kind, key)| self.stored.remove(*kind, key));
        if let Some(kind) = noted.keep {
            // Another process that shares the folder may have kept a weightier one.
            let outweighs = |there: &Stored, ours: &Stored| {
                issued(&there.certificate, &there.issuer)
                    && is_signed_for(&there.response, &there.issuer)
                    && weigh(kind, there, now) > weigh(kind, ours, now)
            };
            self.stored.write(kind, &noted.key, &file, outweighs);
        }
        noted.counts
    }

    /// Notes an answer whose signature was verified; none, if it is not about the certificate.
    fn note(
        &self,
        response: OcspResponse,
        octets: usize,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Time,
    ) -> Option<Noted> {
        let key = certificate_key(certificate, issuer)?;
        let told = told(&response, certificate, issuer)?;
        let response = Arc::new(response);
        let answer = Answer { response: Arc::clone(&response), told, not_after: certificate.not_after, octets };
        let mut noted = Noted { key, counts: Some(response), keep: None, gone: Vec::new() };
        let mut known = self.known();
        if told.revoking.is_some() {
            let stays = |held: &Answer| held.told.weight(Kind::Revoking, now) >= told.weight(Kind::Revoking, now);
            if !known.revoked.get(&key).is_some_and(stays) {
                noted.keep = Some(Kind::Revoking);
                let gone = insert(&mut known.revoked, key, answer.clone(), now);
                known.tell_of_revoking(gone.len());
                noted.gone.extend(gone.into_iter().map(|key| (Kind::Revoking, key)));
            }
        }
        match known.newest.get(&key) {
            Some(held) if held.told.this_update > told.this_update && told.revoking.is_none() => {
                let is_fresh = held.told.next_update.is_some_and(|end| end > now);
                noted.counts = is_fresh.then(|| Arc::clone(&held.response));
            }
            Some(held) if held.told.this_update > told.this_update => {}
            // A responder whose clock is ahead must not shut out what comes after it.
            _ if told.produced_at > now => {}
            held => {
                if held.is_none_or(|held| held.told.this_update < told.this_update) {
                    noted.keep = noted.keep.or(Some(Kind::Newest));
                }
                let gone = insert(&mut known.newest, key, answer, now);
                metrics::counter!("antin_revocation_answers_dropped_total", "kind" => Kind::Newest.name())
                    .increment(gone.len() as u64);
                noted.gone.extend(gone.into_iter().map(|key| (Kind::Newest, key)));
            }
        }
        Some(noted)
    }

    /// The answer that revokes a certificate or puts it on hold, if there was one.
    pub fn revoking(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Arc<OcspResponse>> {
        let key = certificate_key(certificate, issuer)?;
        self.known().revoked.get(&key).map(|answer| Arc::clone(&answer.response))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn tell_of_revoking(&mut self, gone: usize) {
        metrics::counter!("antin_revocation_answers_dropped_total", "kind" => Kind::Revoking.name())
            .increment(gone as u64);
        if gone > 0 && !std::mem::replace(&mut self.was_full, true) {
            warn!(
                target: "antin::revocation", limit = LIMIT,
                "too many OCSP answers that revoke: the oldest are forgotten; name the CRLs of their authorities as sources"
            );
        }
    }
}

/// What a response says about one certificate.
#[derive(Clone, Copy)]
struct Told {
    /// Not before `this_update`; until then it does not count.
    produced_at: Time,
    this_update: Time,
    next_update: Option<Time>,
    revoking: Option<Revoking>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Revoking {
    Hold,
    ForEver,
}

impl Told {
    /// Of two answers the weightier stays, in memory and on the disk: what counts already before what a clock that is ahead has
    /// dated; of those that revoke, one for ever before a hold; then the newest. `None`: it does not revoke.
    fn weight(&self, kind: Kind, now: Time) -> Option<(bool, Option<Revoking>, Time)> {
        let revoking = match kind {
            Kind::Revoking => Some(self.revoking?),
            Kind::Newest => None,
        };
        Some((self.produced_at <= now, revoking, self.this_update))
    }
}

fn told(response: &OcspResponse, certificate: &Certificate, issuer: &Certificate) -> Option<Told> {
    // As the core judges: a status from after the response says nothing.
    let produced_at = response.produced_at;
    let about_it =
        |status: &&SingleResponse| status.this_update <= produced_at && status.certificate.names(certificate, issuer);
    let newest = response.statuses.iter().filter(about_it).max_by_key(|status| status.this_update)?;
    let revoking = response.statuses.iter().filter(about_it).filter_map(|status| match status.status {
        CertStatus::Revoked { reason: RevocationReason::CertificateHold, .. } => Some(Revoking::Hold),
        CertStatus::Revoked { .. } => Some(Revoking::ForEver),
        CertStatus::Good | CertStatus::Unknown => None,
    });
    let revoking = revoking.max();
    Some(Told { produced_at, this_update: newest.this_update, next_update: newest.next_update, revoking })
}

/// See [`Told::weight`].
fn weigh(kind: Kind, stored: &Stored, now: Time) -> Option<(bool, Option<Revoking>, Time)> {
    told(&stored.response, &stored.certificate, &stored.issuer)?.weight(kind, now)
}

/// Puts one in: those that had to go for it, certificates that have expired first, then by age.
fn insert(answers: &mut HashMap<[u8; 32], Answer>, key: [u8; 32], answer: Answer, now: Time) -> Vec<[u8; 32]> {
    let octets = answer.octets;
    answers.remove(&key);
    let mut gone = Vec::new();
    while answers.len() >= LIMIT || answers.values().map(|answer| answer.octets).sum::<usize>() + octets > OCTETS {
        let first = answers.iter().min_by_key(|(_, answer)| (answer.not_after >= now, answer.told.this_update));
        let Some(first) = first.map(|(key, _)| *key) else { break };
        answers.remove(&first);
        gone.push(first);
    }
    answers.insert(key, answer);
    gone
}

/// The certificate is signed by the issuer.
fn issued(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.issuer == issuer.subject
        && match (issuer.public_key(), &certificate.signature_algorithm) {
            (Ok(key), Ok(algorithm)) => {
                key.verify(*algorithm, certificate.to_be_signed(), certificate.signature()).is_ok()
            }
            _ => false,
        }
}

/// By the issuer, or by a certificate for OCSP signing that it issued and that was valid then (RFC 6960 §4.2.2.2).
fn is_signed_for(response: &OcspResponse, issuer: &Certificate) -> bool {
    let signed_by = |signer: &Certificate| match (signer.public_key(), &response.signature_algorithm) {
        (Ok(key), Ok(algorithm)) => key.verify(*algorithm, response.to_be_signed(), response.signature()).is_ok(),
        _ => false,
    };
    let authorised = |delegate: &Certificate| {
        let usages = delegate.extensions.extended_key_usage.as_ref();
        usages.is_some_and(|usages| usages.iter().any(|usage| usage == oid::EKU_OCSP_SIGNING))
            && delegate.issuer == issuer.subject
            && (delegate.not_before..=delegate.not_after).contains(&response.produced_at)
            && issuer.public_key().is_ok_and(|key| {
                delegate.signature_algorithm.as_ref().is_ok_and(|algorithm| {
                    key.verify(*algorithm, delegate.to_be_signed(), delegate.signature()).is_ok()
                })
            })
    };
    let named = response.certificates.iter().filter(|delegate| response.responder.names(delegate));
    (response.responder.names(issuer) && signed_by(issuer))
        || named.into_iter().any(|delegate| authorised(delegate) && signed_by(delegate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::der::{tag, writer};

    /// A response that decodes, and proves nothing.
    fn response() -> Arc<OcspResponse> {
        let algorithm = writer::sequence(&[&writer::object_identifier(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2])]);
        let data = writer::sequence(&[
            &writer::element(0xA2, &writer::octet_string(&[1; 20])),
            &writer::element(tag::GENERALIZED_TIME, b"20260101000000Z"),
            &writer::sequence(&[]),
        ]);
        let basic = writer::sequence(&[&data, &algorithm, &writer::element(tag::BIT_STRING, &[0, 1])]);
        let bytes = writer::sequence(&[&writer::object_identifier(oid::OCSP_BASIC), &writer::octet_string(&basic)]);
        let whole = writer::sequence(&[&[tag::ENUMERATED, 1, 0], &writer::element(tag::context(0), &bytes)]);
        Arc::new(OcspResponse::decode(&whole).expect("a response"))
    }

    #[test]
    fn number_and_octets_are_bounded_and_the_expired_go_first() {
        let response = response();
        let now = Time::from_unix(1_000_000);
        let answer = |age: i64, expired: bool, octets: usize| Answer {
            response: Arc::clone(&response),
            told: Told {
                produced_at: now.plus_seconds(-age),
                this_update: now.plus_seconds(-age),
                next_update: None,
                revoking: None,
            },
            not_after: now.plus_seconds(if expired { -1 } else { 1 }),
            octets,
        };
        let key = |index: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&index.to_be_bytes());
            key
        };
        let mut answers = HashMap::new();
        for index in 0..LIMIT {
            assert!(insert(&mut answers, key(index), answer(5000 - index as i64, index == 7, 100), now).is_empty());
        }
        assert!(insert(&mut answers, key(3), answer(0, false, 100), now).is_empty(), "in its own place");
        assert_eq!(insert(&mut answers, key(LIMIT), answer(0, false, 100), now), [key(7)]);
        assert_eq!(insert(&mut answers, key(LIMIT + 1), answer(0, false, 100), now), [key(0)]);
        let gone = insert(&mut answers, key(LIMIT + 2), answer(0, false, OCTETS - 1000), now);
        assert_eq!((gone.len(), answers.len()), (LIMIT - 10, 11));
        assert_eq!(gone[0], key(1));
    }
}
