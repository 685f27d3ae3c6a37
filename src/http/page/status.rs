//! `/status` on the internal listener: whether the service is well, what will soon not be, and what went wrong lately. No persons, no documents.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{
    super::{App, auth::Caller, metrics, rates, trust::crl_of},
    foreign::{foreign, when},
    layout::{Around, Page, Reader},
};
use crate::{
    clock,
    core::{time::Time, x509::Certificate},
    recent,
    service::readiness::{KeyHealth, ListHealth, Readiness},
};

/// Seconds before its end from which a certificate is pointed out.
const SOON: i64 = 30 * 24 * 60 * 60;
/// 1 while Redis answers.
const REDIS: &str = "antin_revocation_redis_up";
/// Figures by the beginning of their names, with the key of their words.
const FIGURES: [(&str, &str); 9] = [
    ("antin_verdicts_total", /* says */ "status.verdicts"),
    ("antin_sign_answers_total", /* says */ "status.signed"),
    ("antin_http_requests_total", /* says */ "status.requests"),
    (REDIS, /* says */ "status.redis"),
    ("antin_revocation_failures_total", /* says */ "status.fetch-failures"),
    ("antin_revocation_refused_total", /* says */ "status.refused"),
    ("antin_timestamps_total", /* says */ "status.timestamps"),
    ("antin_issuance_log_", /* says */ "status.log"),
    ("antin_status_lists_", /* says */ "status.status-lists"),
];

pub async fn status(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Response {
    if let Err(problem) = caller.may_operate() {
        return problem.into_response();
    }
    let reader = Reader::of(request.uri(), request.headers());
    let now = clock::now();
    let (health, lists) = (app.readiness.check().await, app.readiness.lists(now));
    let content = html! {
        h1 { (reader.say("status.title")) }
        p.hint { (reader.say("status.since")) " " (when(reader, app.started_at)) ", " (reader.say("checked-at")) " " (when(reader, now)) }
        (readiness(&app, reader, &health, &lists))
        (keys(&app, reader, (&health, &lists), now))
        (levels(&app, reader, now).await)
        (authorities(&app, reader, now))
        (figures(reader))
        (errors(reader))
    };
    let title = reader.say("status.title");
    Page { reader, path: "/status", title, around: Around::Operator, content }.response(StatusCode::OK)
}

/// The first thing to see at night; and the authorities whose lists are lacking.
fn readiness(app: &App, reader: Reader, health: &[KeyHealth], lists: &[ListHealth]) -> Markup {
    let is_ready = Readiness::is_ready(health, lists);
    let (shade, sign) = if is_ready { ("accept", "✔") } else { ("reject", "✘") };
    html! {
        div.answer.(shade) {
            p.sentence {
                span.sign aria-hidden="true" { (sign) } " "
                @if is_ready { (reader.say("status.ready")) } @else { (reader.say("status.not-ready")) }
            }
            // The cause before what comes of it.
            @for list in lists {
                @if let Some(fault) = list.fault {
                    p.bad {
                        (reader.say("status.list-lacking")) ": " (foreign(reader, list.authority.display_name())) " (" code { (fault) } ")"
                    }
                }
            }
            @if app.config.revocation.redis.is_some() && redis_is_down() { p.bad { (reader.say("status.redis-down")) } }
        }
    }
}

/// There is a Redis in the settings, and it does not answer.
fn redis_is_down() -> bool {
    let counted = metrics::install().map(|recorder| recorder.render()).unwrap_or_default();
    counted.lines().any(|line| line.rsplit_once(' ') == Some((REDIS, "0")))
}

/// Each key: whether it signs, and when its certificate ends.
fn keys(app: &App, reader: Reader, (health, lists): (&[KeyHealth], &[ListHealth]), now: Time) -> Markup {
    let held = app.sign.keys();
    // Nothing is wrong with the keys where their authorities' lists are lacking.
    let shade = if lists.iter().any(|list| list.fault.is_some()) { "open" } else { "bad" };
    html! {
        h2 { (reader.say("status.keys")) }
        (table(reader, [reader.say("status.key"), reader.say("status.state"), reader.say("time-valid-to")], html! {
            @for key in held.iter() {
                @let own = health.iter().find(|one| one.key == key.name());
                tr {
                    td { (foreign(reader, key.name())) }
                    td {
                        @match own.map(|own| own.fault.as_ref()) {
                            Some(None) => { span.good { (reader.say("status.good")) } }
                            Some(Some(fault)) => { span.(shade) { code { (fault.code) } } br; span lang="en" { (foreign(reader, &fault.words)) } }
                            None => { span.open { (reader.say("status.outside-window")) } }
                        }
                    }
                    td { (end(reader, key.certificate(), now)) }
                }
            }
        }))
    }
}

/// Signatures that wait for a time-stamp.
async fn levels(app: &App, reader: Reader, now: Time) -> Markup {
    let Some(levels) = &app.levels else { return html! {} };
    html! {
        h2 { (reader.say("status.levels")) }
        @match levels.backlog().await {
            Ok(backlog) => {
                @let shade = if backlog.given_up > 0 { "bad" } else { "good" };
                p.(shade) {
                    (reader.say("status.waiting")) ": " (backlog.waiting) "; " (reader.say("status.oldest")) ": " (backlog.age(now).as_secs()) " s; "
                    (reader.say("status.given-up")) ": " (backlog.given_up)
                }
            }
            Err(error) => { p.bad { (foreign(reader, &error.to_string())) } }
        }
    }
}

/// Each authority that is held: its certificate, and its newest CRL.
fn authorities(app: &App, reader: Reader, now: Time) -> Markup {
    let (trust, evidence) = (app.verify.trust().load(), app.verify.evidence().load());
    let anchors = trust.anchors().iter().map(|anchor| (anchor.certificate(), true));
    let all: Vec<_> = anchors.chain(trust.intermediates().iter().map(|own| (own, false))).collect();
    html! {
        h2 { (reader.say("status.trust")) }
        (table(reader, [reader.say("status.authority"), reader.say("status.crl"), reader.say("time-valid-to")], html! {
            @for (certificate, is_anchor) in all {
                tr {
                    td { (foreign(reader, certificate.display_name())) @if is_anchor { br; span.hint { (reader.say("root")) } } }
                    td {
                        @match crl_of(app, (&trust, &evidence), certificate, now) {
                            Some(crl) => {
                                @if crl.fresh { span.good { (reader.say("status.fresh")) } } @else { span.bad { (reader.say("status.stale")) } }
                                br; (when(reader, crl.this_update))
                                @if let Some(next) = crl.next_update { " → " (when(reader, next)) }
                            }
                            None => { span.open { (reader.say("status.no-crl")) } }
                        }
                    }
                    td { (end(reader, certificate, now)) }
                }
            }
        }))
    }
}

fn end(reader: Reader, certificate: &Certificate, now: Time) -> Markup {
    let left = certificate.not_after.seconds_since(now);
    let shade = if left < 0 {
        "bad"
    } else if left < SOON {
        "open"
    } else {
        "plain"
    };
    html! { span.(shade) { (when(reader, certificate.not_after)) } }
}

/// What was counted since the start.
fn figures(reader: Reader) -> Markup {
    let counted = metrics::install().map(|recorder| recorder.render()).unwrap_or_default();
    let mut found: BTreeMap<usize, Vec<(&str, &str)>> = BTreeMap::new();
    for line in counted.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        let Some(at) = FIGURES.iter().position(|(beginning, _)| name.starts_with(beginning)) else { continue };
        // What has not happened needs no line.
        if value != "0" || name == REDIS {
            found.entry(at).or_default().push((name, value));
        }
    }
    found.values_mut().for_each(|lines| lines.sort_unstable());
    let (rates, now) = (rates::of_process(), Instant::now());
    let heads = [
        reader.say("status.what"),
        reader.say("status.labels"),
        reader.say("status.count"),
        reader.say("status.a-minute"),
    ];
    html! {
        h2 { (reader.say("status.figures")) }
        (table(reader, heads, html! {
            @for (at, lines) in &found {
                @for (name, value) in lines {
                    tr {
                        td { (reader.say(FIGURES[*at].1)) }
                        td { code { (foreign(reader, name)) } }
                        td { (value) }
                        td { @if let Some(rate) = value.parse().ok().and_then(|value| rates.a_minute(name, value, now)) { (format!("{rate:.1}")) } }
                    }
                }
            }
        }))
        p { a href="/metrics" { "/metrics" } " " a href="/readyz" { "/readyz" } }
    }
}

fn errors(reader: Reader) -> Markup {
    let entries = recent::entries();
    html! {
        h2 { (reader.say("status.errors")) }
        @if entries.is_empty() { p.good { (reader.say("status.no-errors")) } }
        ul {
            @for entry in &entries {
                li {
                    @if entry.is_error { strong.bad { (reader.say("status.error")) } } @else { strong.open { (reader.say("warning")) } }
                    " " (when(reader, entry.time)) " " (foreign(reader, &entry.words))
                }
            }
        }
    }
}

fn table<const N: usize>(reader: Reader, heads: [&str; N], rows: Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label={ (reader.say("status.title")) ": " (heads[0]) } {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}
