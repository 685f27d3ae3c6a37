//! The log of the service: one JSON object a line on standard error.

use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _};

use crate::{config::Log, recent::Recent};

/// Starts logging; a filter that cannot be read is said and replaced by `info`.
pub fn start(settings: &Log) {
    let (filter, wrong) = match EnvFilter::try_new(&settings.level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(lines.and_then(Recent).with_filter(filter));
    // A second start in one process keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(error) = wrong {
        tracing::warn!(%error, level = settings.level, "log.level cannot be read; logging at info");
    }
}
