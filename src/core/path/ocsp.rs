//! What OCSP responses say about one certificate (RFC 6960 §3.2): nothing, unless they are signed by the certificate's issuer or
//! by a responder that this very issuer authorised, are about this certificate, and answer the request that was made.

use std::sync::Arc;

use super::PathRequest;
use super::revocation::{self, Dated, Finding, Source, Statement, Subject};
use super::window::{self, Window};
use crate::core::algorithm::Lifetime;
use crate::core::memory;
use crate::core::oid;
use crate::core::policy::{EmbeddedRevocation, Purpose};
use crate::core::time::Time;
use crate::core::x509::Certificate;
use crate::core::x509::extension::KeyUsage;
use crate::core::x509::ocsp::{CertStatus, Named, OcspResponse, SingleResponse};
use crate::core::x509::reason::ReasonSet;

/// What the responses say that were made until the time of the request.
pub fn findings(request: &PathRequest<'_>, subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = Named::new(subject.certificate, subject.issuer());
    for response in request.ocsp_responses.iter().map(AsRef::as_ref) {
        if response.produced_at > request.time || !response.answers_request() {
            continue;
        }
        let about_it =
            |status: &&SingleResponse| status.this_update <= response.produced_at && named.is(&status.certificate);
        let statuses: Vec<&SingleResponse> = response.statuses.iter().filter(about_it).collect();
        if statuses.is_empty() {
            continue;
        }
        let Some(responder) = responder(request, response, subject) else { continue };
        for status in statuses {
            findings.extend(finding(request, subject, response, status, responder));
        }
    }
    findings
}

fn finding(
    request: &PathRequest<'_>,
    subject: &Subject<'_>,
    response: &OcspResponse,
    status: &SingleResponse,
    responder: Responder,
) -> Option<Finding> {
    let understood = responder.is_accepted && !response.not_understood && !status.not_understood;
    let since = |date: Time| status.invalidity_date.map_or(date, |invalid| invalid.min(date));
    let statement = match status.status {
        CertStatus::Good if understood => Statement::Good,
        CertStatus::Good => return None,
        CertStatus::Revoked { date, reason } if understood && subject.was_used_before(since(date), reason) => {
            Statement::Good
        }
        CertStatus::Revoked { date, reason } if understood => Statement::Revoked { date, reason },
        CertStatus::Revoked { .. } | CertStatus::Unknown => Statement::Unclear,
    };
    let (this_update, next_update) = (status.this_update, status.next_update);
    // Newer information is always to be had (§4.2.2.1): without an end, only an answer to this very request is current.
    let current = next_update.is_some() || response.answers_nonce();
    let counts_until = window::counts_until(request, subject.certificate, this_update, next_update);
    let remembered = window::remembers_until(subject.certificate, this_update, status.archive_cutoff);
    let counts = counts_until.filter(|_| current).map(|until| {
        let from = response.produced_at;
        Window { from, until: until.min(remembered) }.and(responder.window)
    });
    let proved = revocation::proved(request, response.fingerprint()).filter(|_| responder.is_proved);
    let dated = Dated { this_update, next_update, kept_since: status.archive_cutoff, proved };
    let covers_use = subject.covers_use(request, &dated);
    let counts = if covers_use { Some(responder.window) } else { counts };
    // What is no use now and came with the document is as if it were not there.
    let is_useful = match response.embedded {
        None => true,
        Some(EmbeddedRevocation::Reveals) => covers_use,
        Some(EmbeddedRevocation::Counts) => counts.is_some_and(|window| window.contains(request.time)),
    };
    if !is_useful && statement == Statement::Good {
        return None;
    }
    let revoked_since = match status.status {
        CertStatus::Revoked { date, .. } if statement == Statement::Good => Some(since(date)),
        _ => None,
    };
    let (source, reasons) = (Source::Ocsp, ReasonSet::ALL);
    let fingerprint = *response.fingerprint();
    Some(Finding {
        source,
        statement,
        reasons,
        this_update,
        next_update,
        counts,
        revoked_since,
        remembers: remembered == Window::ALWAYS.until,
        is_after_use: subject.is_after_use(statement),
        fingerprint,
        base: None,
        proved,
    })
}

/// Who signed a response.
#[derive(Clone, Copy)]
struct Responder {
    /// When it may: for the issuer, whose path is being validated, always.
    window: Window,
    /// By algorithms and a certificate that are still accepted, and a delegate under an anchor that is for OCSP. Of another response
    /// nothing is believed, and it is not passed over either: it could be the one that revokes.
    is_accepted: bool,
    /// Whatever it takes to believe the responder is as old as the response.
    is_proved: bool,
}

/// §4.2.2.2: the issuer itself, or a certificate that the issuer issued for OCSP signing, signed the response.
fn responder(request: &PathRequest<'_>, response: &OcspResponse, subject: &Subject<'_>) -> Option<Responder> {
    let issuer = subject.issuer();
    if response.responder.names(issuer) && may_sign(issuer) && signed(request, response, issuer) {
        let is_accepted = strong(request, response, issuer);
        return Some(Responder { window: Window::ALWAYS, is_accepted, is_proved: true });
    }
    let named = response.certificates.iter().filter(|delegate| response.responder.names(delegate));
    named
        .filter_map(|delegate| {
            let responder = delegated(request, response, delegate, subject)?;
            signed(request, response, delegate).then(|| Responder {
                is_accepted: responder.is_accepted && strong(request, response, delegate),
                ..responder
            })
        })
        .next()
}

/// A delegated responder: for OCSP signing, valid when it signed, issued by this issuer, not the certificate asked about under any
/// name, and not revoked (or not to be asked about, §4.2.2.2.1).
fn delegated(
    request: &PathRequest<'_>,
    response: &OcspResponse,
    delegate: &Arc<Certificate>,
    subject: &Subject<'_>,
) -> Option<Responder> {
    let issuer = subject.issuer();
    let extensions = &delegate.extensions;
    let for_ocsp = extensions.extended_key_usage.as_ref();
    let for_ocsp = for_ocsp.is_some_and(|usages| usages.iter().any(|usage| usage == oid::EKU_OCSP_SIGNING));
    let another = delegate.subject_public_key_info() != subject.certificate.subject_public_key_info();
    let validity = Window { from: delegate.not_before, until: delegate.not_after };
    let time = revocation::made_until(request, response.fingerprint());
    let acceptable = delegate.signature_algorithm.as_ref().is_ok_and(|algorithm| algorithm.lifetime().holds_at(time))
        && delegate.public_key().is_ok_and(|key| key.strength().lifetime().holds_at(time));
    let (Ok(algorithm), Ok(key)) = (&delegate.signature_algorithm, issuer.public_key()) else { return None };
    let verify = || key.verify(*algorithm, delegate.to_be_signed(), delegate.signature());
    let authorised = for_ocsp
        && another
        && delegate.issuer == issuer.subject
        && validity.contains(response.produced_at)
        && may_sign(delegate)
        && extensions.not_understood.is_empty()
        && memory::verified(request.memory, request.work, issuer, &**delegate, verify);
    if !authorised {
        return None;
    }
    // Even where nobody need ask (§4.2.2.2.1), what is known against it counts.
    let delegate = Subject { certificate: delegate, used_at: None, ..*subject };
    let holds = revocation::good_by_crl(request, &delegate, extensions.ocsp_no_check);
    let is_in_time = acceptable && validity.contains(time);
    // Revoked since, or nobody knows what became of it: nothing that it says is believed, and nothing is passed over.
    let holds = holds.ok().filter(|_| is_in_time);
    let is_accepted = holds.is_some() && subject.anchor.limits().permits(Purpose::OcspSigning);
    // Made in its time, the response does not end with it.
    let validity = if time < request.time { Window::ALWAYS } else { validity };
    let is_proved = extensions.ocsp_no_check;
    Some(Responder { window: holds.unwrap_or(Window::ALWAYS).and(validity), is_accepted, is_proved })
}

fn may_sign(certificate: &Certificate) -> bool {
    let signing = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION;
    let usage = certificate.extensions.key_usage;
    usage.is_none_or(|usage| usage.any_of(signing) || certificate.is_ca())
}

fn signed(request: &PathRequest<'_>, response: &OcspResponse, responder: &Certificate) -> bool {
    let (Ok(key), Ok(algorithm)) = (responder.public_key(), &response.signature_algorithm) else { return false };
    let verify = || key.verify(*algorithm, response.to_be_signed(), response.signature());
    memory::verified(request.memory, request.work, responder, response, verify)
}

/// Algorithm and key are still accepted.
fn strong(request: &PathRequest<'_>, response: &OcspResponse, responder: &Certificate) -> bool {
    let time = revocation::made_until(request, response.fingerprint());
    let holds = |lifetime: Lifetime| lifetime.holds_at(time);
    response.signature_algorithm.as_ref().is_ok_and(|algorithm| holds(algorithm.lifetime()))
        && responder.public_key().is_ok_and(|key| holds(key.strength().lifetime()))
}
