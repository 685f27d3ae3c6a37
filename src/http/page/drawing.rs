//! The chain of certificates and the order of times, drawn. Everything that a drawing says stands in its description too.

use maud::{Markup, html};

use super::{
    foreign::{clock_text, short},
    layout::Reader,
};
use crate::core::{
    report::{CertificateReport, Check, CheckResult, SignatureReport, Step},
    time::Time,
    x509::Certificate,
};

const WIDTH: usize = 360;
/// Letters that fit on a line.
const LETTERS: usize = 42;

/// From the trusted root down to the signer.
pub fn chain(reader: Reader, signature: &SignatureReport) -> Markup {
    const BOX: usize = 56;
    const STEP: usize = 76;
    let certificates: Vec<&Certificate> =
        signature.certificates.iter().rev().map(|CertificateReport(own)| &**own).collect();
    if certificates.is_empty() {
        return html! { p { (reader.say("chain-none")) } };
    }
    let height = certificates.len() * STEP - (STEP - BOX) + 4;
    let description: Vec<String> = certificates.iter().map(|own| short(own.display_name(), LETTERS)).collect();
    html! {
        figure {
            figcaption {
                (reader.say("chain"))
                @if !leads_to_root(signature) { ": " (reader.say("chain-none")) }
                @if signature.revoked_at.is_some() { ": " (reader.say("time-revoked")) }
            }
            svg.drawing viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img" aria-label={ (reader.say("chain")) ": " (description.join(" → ")) } {
                @for (index, certificate) in certificates.iter().enumerate() {
                    @let top = index * STEP + 2;
                    @if index > 0 {
                        line.link x1="28" y1=(top - (STEP - BOX)) x2="28" y2=(top) {}
                    }
                    @let is_root = index == 0 && signature.is_anchored;
                    rect.box.root[is_root] x="2" y=(top) width=(WIDTH - 4) height=(BOX) rx="8" {}
                    text.name x="14" y=(top + 22) { (short(certificate.display_name(), LETTERS)) }
                    text.small x="14" y=(top + 42) {
                        (day(reader, certificate.not_before)) " – " (day(reader, certificate.not_after))
                        @if is_root { " · " (reader.say("root")) }
                    }
                }
            }
        }
    }
}

/// Whoever issued the certificate is known, whatever else speaks against it.
pub fn leads_to_root(signature: &SignatureReport) -> bool {
    let is_path = |check: &&Check| check.step == Step::CertificationPath;
    signature.is_anchored
        || signature.checks.iter().find(is_path).is_some_and(|check| check.result == CheckResult::Passed)
}

/// The date alone.
fn day(reader: Reader, time: Time) -> String {
    clock_text(reader, time).split(' ').next().unwrap_or_default().to_owned()
}

/// What happened when, the first above.
pub fn time_line(reader: Reader, signature: &SignatureReport, now: Time) -> Markup {
    const STEP: usize = 44;
    let events = events(reader, signature, now);
    let height = events.len() * STEP;
    let said: Vec<String> =
        events.iter().map(|(time, _, words)| format!("{}: {words}", clock_text(reader, *time))).collect();
    html! {
        figure {
            figcaption { (reader.say("timeline")) }
            svg.drawing viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img" aria-label={ (reader.say("timeline")) ". " (said.join(". ")) } {
                line.link x1="14" y1="18" x2="14" y2=(height.saturating_sub(STEP) + 18) {}
                @for (index, (time, shade, words)) in events.iter().enumerate() {
                    circle class={ "dot " (shade) } cx="14" cy=(index * STEP + 18) r="7" {}
                    text.name x="32" y=(index * STEP + 16) { (words) }
                    text.small x="32" y=(index * STEP + 34) { (clock_text(reader, *time)) }
                }
            }
        }
    }
}

/// Each with a shade and words.
fn events(reader: Reader, signature: &SignatureReport, now: Time) -> Vec<(Time, &'static str, &'static str)> {
    let mut events = vec![(now, "now", reader.say("time-now"))];
    if let Some(CertificateReport(own)) = signature.certificates.first() {
        events.push((own.not_before, "bound", reader.say("time-valid-from")));
        events.push((own.not_after, "bound", reader.say("time-valid-to")));
    }
    if let Some(time) = signature.claimed_signing_time {
        events.push((time, "claimed", reader.say("time-claimed")));
    }
    for stamp in &signature.timestamps {
        let (shade, words) = match stamp.code {
            "passed" => ("good", reader.say("time-stamped")),
            _ => ("bad", reader.say("time-stamp-bad")),
        };
        events.extend(stamp.time.map(|time| (time, shade, words)));
    }
    events.extend(signature.revoked_at.map(|time| (time, "bad", reader.say("time-revoked"))));
    let own = signature.certificates.first().map(|CertificateReport(own)| own.fingerprint());
    for revocation in signature.revocation.iter().filter(|one| Some(one.certificate.fingerprint()) == own) {
        events.push((revocation.this_update, "plain", reader.say("time-revocation-data")));
        events.extend(revocation.revocation_time.map(|time| (time, "bad", reader.say("time-revoked"))));
    }
    // At one second the present comes last.
    events.sort_by_key(|(time, shade, _)| (*time, *shade == "now"));
    events
}
