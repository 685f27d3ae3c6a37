//! The last warnings and errors of this process, for the operator's page. The log itself goes elsewhere and keeps all of them.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    sync::{Mutex, PoisonError},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::{clock, core::time::Time};

/// The most that are kept.
const MOST: usize = 30;
/// Characters of one.
const LONGEST: usize = 300;

/// What was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub time: Time,
    pub is_error: bool,
    /// The message, and the error if one is told.
    pub words: String,
}

static ENTRIES: Mutex<VecDeque<Entry>> = Mutex::new(VecDeque::new());

/// The newest first.
pub fn entries() -> Vec<Entry> {
    // Whoever panicked here left whole entries.
    ENTRIES.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
}

/// Keeps what is logged as a warning or worse.
pub struct Recent;

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::WARN {
            return;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let Words { message, error } = words;
        let words = if error.is_empty() || message.contains(&error) { message } else { format!("{message}: {error}") };
        let words = words.chars().take(LONGEST).collect();
        let entry = Entry { time: clock::now(), is_error: level == Level::ERROR, words };
        let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == MOST {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}

#[derive(Default)]
struct Words {
    message: String,
    error: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let place = match field.name() {
            "message" => &mut self.message,
            "error" => &mut self.error,
            _ => return,
        };
        let _ = write!(place, "{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_last_warnings_and_errors_are_kept() {
        let subscriber = tracing_subscriber::registry().with(Recent);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("nothing to see");
            tracing::warn!(client = "a clinic", "a list is old");
            tracing::error!(error = %"no route", "a list was not fetched");
            let entries = entries();
            let told: Vec<_> = entries.iter().map(|entry| (entry.is_error, entry.words.as_str())).collect();
            assert_eq!(told, [(true, "a list was not fetched: no route"), (false, "a list is old")]);
            for number in 0..100 {
                tracing::warn!("{number} {}", "x".repeat(1000));
            }
        });
        let entries = entries();
        assert!(entries.len() == MOST && entries[0].words.starts_with("99 x") && entries[0].words.len() == LONGEST);
    }
}
