//! What a computation cost: the time this thread had a core for, whatever else the machine does meanwhile.

use std::fs;
use std::time::Duration;

pub struct Cost {
    before: Duration,
}

impl Cost {
    pub fn begin() -> Self {
        Self { before: spent() }
    }

    /// So far.
    pub fn elapsed(&self) -> Duration {
        spent() - self.before
    }
}

/// The first figure of `/proc/thread-self/schedstat`, nanoseconds (Linux, `Documentation/scheduler/sched-stats.rst`).
fn spent() -> Duration {
    let figures = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says what a thread spent");
    let first = figures.split(' ').next().and_then(|figure| figure.parse().ok());
    Duration::from_nanos(first.expect("a number"))
}
