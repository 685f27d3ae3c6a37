//! Evidence fetched from where certificates say that it is published.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Raising;
use crate::cli::output::note;
use crate::clock;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::evidence_file;
use crate::core::path::PathOutcome;
use crate::core::validation::{Content, Wanted};
use crate::core::x509::access::Access;
use crate::core::x509::ocsp::OcspResponse;
use crate::core::x509::{Certificate, ocsp_request};
use crate::net::{AllowedHost, FetchLimits, FetchRequest, Fetcher};

/// Times that what is missing is asked for.
const ROUNDS: usize = 4;
/// Octets of a list or a certificate that is fetched.
const FETCHED: usize = 64 << 20;
const LIMITS: FetchLimits =
    FetchLimits { maximum_bytes: FETCHED, connect: Duration::from_secs(5), total: Duration::from_secs(30) };

impl Raising {
    /// Fetches what a judgement of the message misses from where its certificates say that it is published. What cannot be had is
    /// told by the judgement that follows.
    pub(super) fn collect(&mut self, message: &[u8], content: Content<'_>) {
        let mut asked: HashSet<String> = HashSet::new();
        for _ in 0..ROUNDS {
            let time = clock::now();
            let Some(validation) = self.judge(message, content) else { return };
            let wanted = validation.wanted(&self.evidence.crls, &self.trust, time);
            let mut gained = false;
            for wanted in &wanted {
                for uri in wanted.uris().iter().filter(|uri| asked.insert((*uri).clone())) {
                    gained |= match wanted {
                        Wanted::Ocsp { certificate, issuer, .. } => self.ask(uri, certificate, issuer),
                        Wanted::Crl { .. } | Wanted::IssuerCertificate { .. } => self.fetch(uri),
                    };
                }
            }
            if !gained {
                return;
            }
        }
    }

    /// Looks for newer words about signers whose status was made before their signatures: only a later one shows, once the certificate
    /// has ended, that it was good (EN 319 102-1 §5.6.2.2). Says where there are none yet.
    pub(super) fn collect_lasting(&mut self, message: &[u8], content: Content<'_>) {
        for (certificate, issuer) in self.earlier(message, content) {
            let Access { ocsp, crls, .. } = Access::of(&certificate);
            let asked = ocsp.iter().any(|uri| self.ask(uri, &certificate, &issuer));
            if !asked {
                for uri in crls {
                    self.fetch(&uri);
                }
            }
        }
        for (certificate, _) in self.earlier(message, content) {
            let name = certificate.display_name();
            note(format_args!(
                "antin: the status of {name} is older than the signature: what is kept lasts as long as the certificate. Extend again \
                 when newer revocation data are published"
            ));
        }
    }

    /// The signers, each with the issuer, whose status was made before the time-stamp.
    fn earlier(&self, message: &[u8], content: Content<'_>) -> Vec<(Arc<Certificate>, Arc<Certificate>)> {
        let time = clock::now();
        let signatures = self.judge(message, content).map(|validation| validation.signatures).unwrap_or_default();
        let earlier = signatures.iter().filter_map(|signature| {
            let Some(PathOutcome::Valid(path)) = &signature.path else { return None };
            let (own, status) = (path.certificates().first()?, path.revocation().first()?);
            let issuer = path.certificates().get(1).unwrap_or(path.anchor());
            (status.this_update < signature.best_signature_time(time)).then(|| (Arc::clone(own), Arc::clone(issuer)))
        });
        earlier.collect()
    }

    /// A response about the certificate from the responder at this URI becomes evidence.
    fn ask(&mut self, uri: &str, certificate: &Certificate, issuer: &Certificate) -> bool {
        let Some(request) = ocsp_request::build(certificate, issuer, DigestAlgorithm::Sha1, None) else { return false };
        let body = Some((ocsp_request::MEDIA_TYPE, request));
        let answer = self.fetch_octets(uri, FetchRequest { body, ..FetchRequest::get(uri, FETCHED) });
        let Some(response) = answer.and_then(|answer| OcspResponse::decode(&answer).ok()) else { return false };
        self.evidence.ocsp_responses.push(Arc::new(response));
        true
    }

    /// The highest certificate above this one that can be had.
    pub(super) fn climb(&mut self, mut certificate: Arc<Certificate>) -> Arc<Certificate> {
        for _ in 0..ROUNDS {
            if certificate.is_self_issued() {
                break;
            }
            let known = self.evidence.certificates.len();
            for uri in Access::of(&certificate).ca_issuers {
                self.fetch(&uri);
            }
            let fetched = &self.evidence.certificates[known..];
            let Some(issuer) = fetched.iter().find(|issuer| has_issued(issuer, &certificate)) else { break };
            certificate = Arc::clone(issuer);
        }
        certificate
    }

    /// A list or certificates at this URI become evidence.
    fn fetch(&mut self, uri: &str) -> bool {
        let Some(file) = self.fetch_octets(uri, FetchRequest::get(uri, FETCHED)) else { return false };
        if let Ok(lists) = evidence_file::crls(&file) {
            lists.into_iter().for_each(|list| self.evidence.crls.insert(Arc::new(list)));
            return true;
        }
        let Ok(certificates) = evidence_file::certificates(&file) else { return false };
        self.evidence.certificates.extend(certificates.into_iter().map(Arc::new));
        true
    }

    /// From no private address but the authority's.
    fn fetch_octets(&self, uri: &str, request: FetchRequest) -> Option<Vec<u8>> {
        let mut host = AllowedHost::of_url(uri, false)?;
        let named = self.named_host.as_ref();
        host.allow_private = named.is_some_and(|named| (&named.host, named.port) == (&host.host, host.port));
        let fetcher = Fetcher::new(vec![host], LIMITS, None).ok()?;
        self.runtime.block_on(fetcher.fetch(&request)).ok()
    }
}

fn has_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (Ok(key), Ok(algorithm)) = (issuer.public_key(), &certificate.signature_algorithm) else { return false };
    let verified = || key.verify(*algorithm, certificate.to_be_signed(), certificate.signature()).is_ok();
    issuer.subject == certificate.issuer && verified()
}
