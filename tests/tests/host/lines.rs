//! What is logged while a test runs.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;

/// The log lines of this thread.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Collects them for as long as the guard lives.
    pub fn collect() -> (Lines, DefaultGuard) {
        Lines::collect_from(tracing::Level::INFO)
    }

    /// As [`Lines::collect`], from this level on.
    pub fn collect_from(level: tracing::Level) -> (Lines, DefaultGuard) {
        // Without a subscriber for all threads, the first thread to pass a place that logs can settle for the whole
        // process that nobody wants its lines (tokio-rs/tracing#3611).
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_max_level(level)
            .without_time()
            .with_ansi(false)
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    /// All that was logged.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of plugins.
    pub fn of_plugins(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter(|line| line.contains("heimdall::plugin: "));
        lines
            .map(|line| line.trim().replace("heimdall::plugin: ", ""))
            .collect()
    }
}
