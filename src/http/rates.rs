//! How often things happened lately: what the counters of this process gained within the last minutes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the counters are noted, and how many notes are kept.
const EVERY: Duration = Duration::from_secs(60);
const KEPT: usize = 5;

/// The counters as they were.
struct Note {
    time: Instant,
    values: HashMap<String, f64>,
}

/// The latest notes, the oldest first.
#[derive(Default)]
pub struct Rates(VecDeque<Note>);

static RATES: Mutex<Rates> = Mutex::new(Rates(VecDeque::new()));

/// Those of this process.
pub fn of_process() -> std::sync::MutexGuard<'static, Rates> {
    // Whoever panicked here left whole notes.
    RATES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rates {
    /// Whether it is time for a note.
    pub fn is_due(&self, now: Instant) -> bool {
        self.0.back().is_none_or(|last| now.saturating_duration_since(last.time) >= EVERY)
    }

    /// Notes the counters, as they are rendered for Prometheus.
    pub fn note(&mut self, rendered: &str, now: Instant) {
        let counters = rendered.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            let is_counter = name.split('{').next().is_some_and(|name| name.ends_with("_total"));
            Some((name.to_owned(), value.parse().ok()?)).filter(|_| is_counter)
        });
        self.0.push_back(Note { time: now, values: counters.collect() });
        while self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// What a counter that stands at `value` gained a minute since the oldest note; `None`: it is no counter, or there is no note of long enough ago.
    pub fn a_minute(&self, name: &str, value: f64, now: Instant) -> Option<f64> {
        let oldest = self.0.front()?;
        let seconds = now.saturating_duration_since(oldest.time).as_secs_f64();
        let is_counter = name.split('{').next().is_some_and(|name| name.ends_with("_total"));
        // One that is new has begun at nothing.
        let before = oldest.values.get(name).copied().unwrap_or_default();
        (is_counter && seconds >= 1.0).then(|| (value - before).max(0.0) * 60.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_gained_since_is_told_a_minute() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(rates.is_due(start));
        rates.note("# HELP x\nantin_a_total{b=\"c d\"} 10\nantin_gauge 7\n", start);
        assert!(!rates.is_due(after(59)) && rates.is_due(after(60)));
        assert_eq!(rates.a_minute("antin_a_total{b=\"c d\"}", 40.0, after(120)), Some(15.0));
        assert_eq!(rates.a_minute("antin_new_total", 4.0, after(120)), Some(2.0));
        assert_eq!(rates.a_minute("antin_gauge", 9.0, after(120)), None);
        for minute in 1..20 {
            rates.note(&format!("antin_a_total{{b=\"c d\"}} {}\n", 10 + minute), after(minute * 60));
        }
        assert_eq!(rates.0.len(), KEPT);
        assert_eq!(rates.a_minute("antin_a_total{b=\"c d\"}", 29.0, after(19 * 60)), Some(1.0));
    }
}
