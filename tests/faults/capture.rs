//! A runtime whose threads write their log and their metrics into a place of their own.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::runtime::{Builder, Runtime};
use tracing::Dispatch;

pub struct Capture {
    pub runtime: Runtime,
    log: Log,
    metrics: PrometheusHandle,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Capture {
    pub fn new() -> Self {
        // Lives as long as the threads, and these as long as the process.
        let recorder: &'static PrometheusRecorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let dispatch = Dispatch::new(subscriber);
        let start = move || {
            std::mem::forget(metrics::set_default_local_recorder(recorder));
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().on_thread_start(start).build();
        Self { runtime: runtime.expect("a runtime"), log, metrics: recorder.handle() }
    }

    /// Whether a line of the log contains the words.
    pub fn has_line(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.log.0.lock().expect("a log")).lines().any(|line| line.contains(words))
    }

    /// How many lines of the log contain the words.
    pub fn lines(&self, words: &str) -> usize {
        let log = self.log.0.lock().expect("a log");
        String::from_utf8_lossy(&log).lines().filter(|line| line.contains(words)).count()
    }

    /// The first metric that contains all the words, as `name{labels} value`.
    pub fn metric(&self, words: &[&str]) -> Option<String> {
        let text = self.metrics.render();
        let holds = |line: &&str| words.iter().all(|word| line.contains(word)) && !line.starts_with('#');
        text.lines().find(holds).map(str::to_owned)
    }
}
