//! Asking an OCSP responder (RFC 6960 §3.1) about one certificate.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::answers::Answers;
use super::outcome::Outcome;
use crate::clock;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::{OcspError, OcspResponse};
use crate::core::x509::ocsp_request::{self, MEDIA_TYPE, NONCE_LENGTH};
use crate::net::shared::SharedFetcher;
use crate::net::{FetchError, FetchRequest};

/// Octets of the longest response taken.
const RESPONSE_LIMIT: usize = 64 * 1024;

/// What counts of what the responder and those before it said, and how long that may be kept: until its `nextUpdate`.
///
/// Asked with a nonce. Without one once more if the responder refuses the request; a response without a nonce counts (RFC 9654
/// §2.1: responders that answer from a store have none) as long as it is fresh, one with another nonce does not. Whether it is
/// signed by who may, and fresh, is judged by the core, on each use.
pub(super) async fn ask(
    fetcher: &Arc<SharedFetcher>,
    url: &str,
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
    answers: &Arc<Answers>,
) -> (Outcome, Duration) {
    let mut drawn = [0; NONCE_LENGTH];
    let nonce = openssl::rand::rand_bytes(&mut drawn).is_ok().then_some(&drawn);
    let answer = match once(fetcher, url, certificate, issuer, nonce).await {
        Err(Fault::Refused) if nonce.is_some() => once(fetcher, url, certificate, issuer, None).await,
        other => other,
    };
    match answer {
        Ok((response, octets, lifetime)) => match take(answers, (response, octets), certificate, issuer).await {
            Some(response) => (Outcome::Response(response), lifetime),
            None => {
                tracing::warn!(
                    target: "antin::revocation", url,
                    "an OCSP response is older than one before, or not signed by who may speak"
                );
                (Outcome::Nothing(None), Duration::ZERO)
            }
        },
        Err(Fault::Fetch(error)) => (Outcome::Nothing(error.wait()), Duration::ZERO),
        Err(Fault::Refused | Fault::Other(_)) => (Outcome::Nothing(None), Duration::ZERO),
    }
}

/// Has it verified and kept.
async fn take(
    answers: &Arc<Answers>,
    (response, octets): (OcspResponse, Arc<[u8]>),
    certificate: &Arc<Certificate>,
    issuer: &Arc<Certificate>,
) -> Option<Arc<OcspResponse>> {
    let (answers, certificate, issuer) = (Arc::clone(answers), Arc::clone(certificate), Arc::clone(issuer));
    let work = move || answers.take((response, &octets), &certificate, &issuer, clock::now());
    // It fails only while the process stops.
    spawn_blocking(work).await.ok().flatten()
}

enum Fault {
    Fetch(Arc<FetchError>),
    /// The responder did not like the request.
    Refused,
    /// No response to what was asked.
    Other(&'static str),
}

async fn once(
    fetcher: &Arc<SharedFetcher>,
    url: &str,
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: Option<&[u8; NONCE_LENGTH]>,
) -> Result<(OcspResponse, Arc<[u8]>, Duration), Fault> {
    // Every responder knows SHA-1, and here it proves nothing.
    let body =
        ocsp_request::build(certificate, issuer, DigestAlgorithm::Sha1, nonce).ok_or(Fault::Other("issuer-key"))?;
    let request = FetchRequest { body: Some((MEDIA_TYPE, body)), ..FetchRequest::get(url, RESPONSE_LIMIT) };
    let octets = fetcher.fetch(request).await.map_err(|error| match *error {
        FetchError::Status(400..=499) => Fault::Refused,
        _ => Fault::Fetch(error),
    })?;
    let told = judge(&octets, certificate, issuer, nonce);
    let outcome = match &told {
        Ok(_) => "answered",
        Err(Fault::Refused) => "refused",
        Err(Fault::Other(code)) => code,
        Err(Fault::Fetch(error)) => error.code(),
    };
    metrics::counter!("antin_revocation_ocsp_answers_total", "outcome" => outcome).increment(1);
    told.map(|(response, lifetime)| (response, octets, lifetime))
}

fn judge(
    octets: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: Option<&[u8; NONCE_LENGTH]>,
) -> Result<(OcspResponse, Duration), Fault> {
    let response = match OcspResponse::decode(octets) {
        Ok(response) => response,
        // tryLater says nothing about the request; malformedRequest, internalError and unauthorized may be about the nonce.
        Err(OcspError::NotSuccessful(3)) => return Err(Fault::Other("try-later")),
        Err(OcspError::NotSuccessful(_)) => return Err(Fault::Refused),
        Err(OcspError::Encoding(_) | OcspError::OtherType) => return Err(Fault::Other("malformed")),
    };
    let response = match (nonce, &response.nonce) {
        (_, None) => response,
        (Some(sent), Some(returned)) if sent[..] == returned[..] => response.in_answer_to(sent),
        (_, Some(_)) => return Err(Fault::Other("other-nonce")),
    };
    let status = response.statuses.iter().find(|status| status.certificate.names(certificate, issuer));
    let status = status.ok_or(Fault::Other("other-certificate"))?;
    let left = status.next_update.map_or(0, |next| next.seconds_since(clock::now()));
    let lifetime = Duration::from_secs(u64::try_from(left).unwrap_or(0));
    Ok((response, lifetime))
}
