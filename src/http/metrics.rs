//! `GET /metrics`: figures for Prometheus; one recorder a process.

use std::sync::OnceLock;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics::Counter;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::{auth::Caller, problem::Problem};
use crate::core::report::Outcome;

/// Bounds of the request times, in seconds.
const SECONDS: &[f64] = &[0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Counters without labels.
const FROM_THE_START: [&str; 18] = [
    "antin_blind_signatures_total",
    "antin_client_crls_refused_total",
    "antin_connections_gave_way_total",
    "antin_issuance_log_failures_total",
    "antin_issuance_log_witness_failures_total",
    "antin_receipts_total",
    "antin_revocation_redis_overtaken_total",
    "antin_settings_changes_total",
    "antin_settings_refused_total",
    "antin_status_list_marks_failures_total",
    "antin_status_lists_failures_total",
    "antin_status_lists_signed_total",
    "antin_tls_handshakes_failed_total",
    "antin_token_logins_total",
    "antin_token_unanswered_total",
    "antin_trust_changes_total",
    "antin_trust_refused_total",
    "antin_witness_forks_total",
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder if this process has none yet.
pub fn install() -> Option<&'static PrometheusHandle> {
    let install = || {
        let recorder = PrometheusBuilder::new().set_buckets(SECONDS).ok()?.install_recorder().ok()?;
        // What has not happened yet is 0, or nobody would be told of its first time.
        for name in FROM_THE_START {
            metrics::counter!(name).increment(0);
        }
        Some(recorder)
    };
    RECORDER.get_or_init(install).as_ref()
}

/// `antin_verdicts_total` by outcome, looked up once. To be made after [`install`].
pub struct VerdictCounters {
    accept: Counter,
    reject: Counter,
    undetermined: Counter,
}

impl VerdictCounters {
    pub fn new() -> Self {
        let counter = |outcome: Outcome| metrics::counter!("antin_verdicts_total", "outcome" => outcome.name());
        Self {
            accept: counter(Outcome::Accept),
            reject: counter(Outcome::Reject),
            undetermined: counter(Outcome::Undetermined),
        }
    }

    pub fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Accept => &self.accept,
            Outcome::Reject => &self.reject,
            Outcome::Undetermined => &self.undetermined,
        };
        counter.increment(1);
    }
}

/// Counters and times, without anything about persons or documents.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, description = "Prometheus text format", content_type = "text/plain", body = String),
        (status = 403, description = "`client-unknown`"),
    )
)]
pub async fn metrics(caller: Caller) -> Result<Response, Problem> {
    caller.may_operate()?;
    Ok(match install() {
        Some(recorder) => {
            recorder.run_upkeep();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    })
}
