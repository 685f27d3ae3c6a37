//! What an answer says of one signature.

use maud::{Markup, html};

use super::{
    drawing,
    foreign::{foreign, short, when},
    layout::Reader,
};
use crate::core::{
    oid,
    report::{CertificateReport, Check, CheckResult, SignatureReport, Step, message},
    time::Time,
    x509::{Certificate, Name},
};

pub fn section(reader: Reader, (name, number): (&str, usize), signature: &SignatureReport, now: Time) -> Markup {
    let shade = match signature.indication {
        "TOTAL-PASSED" => "accept",
        "TOTAL-FAILED" => "reject",
        _ => "undetermined",
    };
    let words = reader.speech.0.pick(message::of(signature.code).message.vi, message::of(signature.code).message.en);
    html! {
        section.signature {
            h3 { (reader.say("signature")) " " (number) }
            p.mark.(shade) { (words) }
            dl { (facts(reader, signature)) }
            div.drawings {
                (drawing::chain(reader, signature))
                (drawing::time_line(reader, signature, now))
            }
            details {
                summary { (reader.say("checks")) }
                (checks(reader, &format!("{} {number} {}", reader.say("checks"), short(name, 60)), &signature.checks))
            }
        }
    }
}

fn facts(reader: Reader, signature: &SignatureReport) -> Markup {
    let certificate = signature.certificates.first().map(|CertificateReport(own)| &**own);
    let organisation = certificate.and_then(|own| own.subject.attribute(oid::ORGANIZATION));
    // What the signer claims proves nothing; a time-stamp that passes does.
    let is_stamped = signature.timestamps.iter().any(|stamp| stamp.code == "passed" && !stamp.is_of_content());
    let proved = signature.best_signature_time.filter(|_| is_stamped);
    html! {
        dt { (reader.say("signed-by")) }
        dd {
            @match &signature.signed_by {
                Some(name) if drawing::leads_to_root(signature) => { strong { (foreign(reader, name)) } }
                Some(name) => { span.open { (reader.say("signer-unconfirmed")) } " " (foreign(reader, name)) }
                None => { (reader.say("signer-unknown")) }
            }
        }
        @if let Some(organisation) = organisation {
            dt { (reader.say("organisation")) }
            dd { (foreign(reader, &organisation)) }
        }
        @if let Some(time) = proved {
            dt { (reader.say("trusted-time")) }
            dd { (when(reader, time)) }
        }
        dt { (reader.say("claimed-time")) }
        dd {
            @match signature.claimed_signing_time {
                Some(time) => { (when(reader, time)) }
                None => { (reader.say("no-time")) }
            }
        }
        dt { (reader.say("integrity")) }
        dd { (integrity(reader, &signature.checks)) }
        dt { (reader.say("revocation")) }
        dd { (revocation(reader, &signature.checks)) }
        @if let Some(certificate) = certificate { (of_certificate(reader, certificate)) }
        @if let Some(algorithm) = &signature.algorithm {
            dt { (reader.say("algorithm")) }
            dd { (algorithm) }
        }
        @if let Some(reason) = signature.pdf.as_ref().and_then(|pdf| pdf.reason.as_ref()) {
            dt { (reader.say("reason")) }
            dd { (foreign(reader, reason)) }
        }
        @if let Some(location) = signature.pdf.as_ref().and_then(|pdf| pdf.location.as_ref()) {
            dt { (reader.say("location")) }
            dd { (foreign(reader, location)) }
        }
    }
}

fn of_certificate(reader: Reader, certificate: &Certificate) -> Markup {
    html! {
        dt { (reader.say("issued-by")) }
        dd { (foreign(reader, &name(&certificate.issuer))) }
        dt { (reader.say("validity")) }
        dd { (when(reader, certificate.not_before)) " – " (when(reader, certificate.not_after)) }
    }
}

/// Its common name, or else all of it.
fn name(name: &Name) -> String {
    name.attribute(oid::COMMON_NAME).unwrap_or_else(|| name.text().to_owned())
}

/// The worst result of these checks; `None`: none of them was made.
fn worst(checks: &[Check], steps: &[Step]) -> Option<CheckResult> {
    let results = checks.iter().filter(|check| steps.contains(&check.step)).map(|check| check.result);
    let rank = |result: &CheckResult| match result {
        CheckResult::Passed | CheckResult::Warning => 0,
        CheckResult::Skipped => 1,
        CheckResult::Indeterminate => 2,
        CheckResult::Failed => 3,
    };
    results.max_by_key(rank)
}

fn integrity(reader: Reader, checks: &[Check]) -> Markup {
    let judged = worst(checks, &[Step::MessageDigest, Step::SignatureValue, Step::PdfChanges]);
    let (shade, words) = match judged {
        Some(CheckResult::Passed | CheckResult::Warning) => ("good", reader.say("intact")),
        Some(CheckResult::Failed) => ("bad", reader.say("changed")),
        Some(CheckResult::Skipped | CheckResult::Indeterminate) | None => ("open", reader.say("not-judged")),
    };
    html! { span.(shade) { (words) } }
}

fn revocation(reader: Reader, checks: &[Check]) -> Markup {
    let own = checks.iter().find(|check| check.step == Step::Revocation);
    html! {
        @match own.map(|check| (check.result, check.code)) {
            Some((CheckResult::Passed, _)) => { span.good { (reader.say("not-revoked")) } }
            Some((CheckResult::Failed, code)) => { span.bad { (said(reader, code)) } }
            Some((CheckResult::Skipped, _)) | None => { span.open { (reader.say("not-judged")) } }
            Some((_, code)) => { span.open { (said(reader, code)) } }
        }
    }
}

fn said(reader: Reader, code: &'static str) -> &'static str {
    let words = message::of(code).message;
    reader.speech.0.pick(words.vi, words.en)
}

fn checks(reader: Reader, label: &str, checks: &[Check]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(label) {
            table {
                thead {
                    tr {
                        th scope="col" { (reader.say("checks-clause")) }
                        th scope="col" { (reader.say("checks-name")) }
                        th scope="col" { (reader.say("checks-result")) }
                    }
                }
                tbody {
                    @for check in checks { (row(reader, check)) }
                }
            }
        }
    }
}

fn row(reader: Reader, check: &Check) -> Markup {
    let (shade, words) = match check.result {
        CheckResult::Passed => ("good", reader.say("passed")),
        CheckResult::Failed => ("bad", reader.say("failed")),
        CheckResult::Indeterminate => ("open", reader.say("indeterminate")),
        CheckResult::Warning => ("open", reader.say("warning")),
        CheckResult::Skipped => ("plain", reader.say("skipped")),
    };
    let needs_words = !matches!(check.result, CheckResult::Passed | CheckResult::Skipped);
    html! {
        tr {
            td { (check.step.clause()) }
            td { (reader.say(&format!("checks-of.{}", check.step.name()))) }
            td {
                span.(shade) { (words) }
                @if needs_words {
                    br; (said(reader, check.code)) " (" code { (check.code) } ")"
                    @if let Some(detail) = &check.detail { br; span.detail { (foreign(reader, detail)) } }
                }
            }
        }
    }
}
