//! Log lines, on standard error.

use std::fmt::{Debug, Write as _};
use std::io::IsTerminal as _;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

/// Lines that are collected at most.
const COLLECTED: usize = 10_000;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line. Only an error that keeps it from serving is text.
    Json,
}

/// Lines that may wait to be written.
const WAITING: usize = 8192;

/// How long those that wait at the end are waited for: who does not read them would keep the process for good.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What writes log lines; those that are still to be written are when it is dropped.
pub(crate) struct Writer {
    lost: ErrorCounter,
    thread: Option<WorkerGuard>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        let lost = self.lost.dropped_lines();
        if lost > 0 {
            tracing::warn!("{lost} log lines are lost: they were not read as fast as they came");
        }
        let (done, written) = sync_channel(1);
        let thread = self.thread.take();
        std::thread::spawn(move || {
            drop(thread);
            let _late = done.send(());
        });
        let _late = written.recv_timeout(LAST_LINES);
    }
}

/// Starts logging. The filter is this one, else `RUST_LOG`, else `info`.
///
/// Lines are written by a thread of their own, and lost where nobody reads them for long: requests don't wait for who
/// reads the log.
pub(crate) fn start(format: LogFormat, filter: Option<&str>) -> anyhow::Result<Writer> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV)
        .ok()
        .filter(|filter| !filter.is_empty());
    let (filter, origin) = match (filter, &from_environment) {
        (Some(filter), _) => (filter, "--log"),
        (None, Some(filter)) => (filter.as_str(), EnvFilter::DEFAULT_ENV),
        (None, None) => ("info", "the default"),
    };
    let filter = EnvFilter::builder()
        .parse(filter)
        // Its words hold those of its cause.
        .map_err(|error| anyhow!("{origin} is no filter of log lines: {error}"))?;
    // A line that nobody reads any more is lost; told on the same stream, that would be a panic.
    let (writer, thread) = NonBlockingBuilder::default()
        .thread_name("log")
        .buffered_lines_limit(WAITING)
        .finish(std::io::stderr());
    let lost = writer.error_counter();
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            lines.with_ansi(std::io::stderr().is_terminal() && !no_color).init();
        }
    }
    Ok(Writer {
        lost,
        thread: Some(thread),
    })
}

/// A log line that was collected.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub(crate) level: &'static str,
    /// What wrote it.
    pub(crate) target: String,
    pub(crate) message: String,
    /// What stands beside the message, as `name=value`.
    pub(crate) fields: String,
    /// Of those the plugin that it is about.
    #[serde(skip)]
    pub(crate) plugin: Option<String>,
    /// Of those what a plugin wrote beside its message, as `{name=value}`.
    #[serde(skip)]
    pub(crate) of_plugin: String,
}

/// Log lines, in memory.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<Line>>>);

impl Lines {
    /// Those since the last time.
    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Collects log lines instead of writing them: all that plugins write, and warnings of the host.
pub(crate) fn collect() -> anyhow::Result<Lines> {
    let lines = Lines::default();
    let kept = lines.clone();
    let keep = move |line| {
        let mut lines = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < COLLECTED {
            lines.push(line);
        }
    };
    give("warn,heimdall::plugin=trace", keep)?;
    Ok(lines)
}

/// Gives each log line to this as it comes: all that plugins write, a line per request, and warnings of the host.
pub(crate) fn tell(each: impl Fn(Line) + Send + Sync + 'static) -> anyhow::Result<()> {
    give("warn,heimdall::plugin=trace,heimdall::request=info", each)
}

fn give(filter: &str, each: impl Fn(Line) + Send + Sync + 'static) -> anyhow::Result<()> {
    Registry::default()
        .with(EnvFilter::new(filter))
        .with(Each(each))
        .try_init()
        .map_err(|error| anyhow!("log lines can't be collected: {error}"))
}

/// Who gets each line.
struct Each<F>(F);

impl<S: Subscriber, F: Fn(Line) + Send + Sync + 'static> Layer<S> for Each<F> {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = Line {
            level: event.metadata().level().as_str(),
            target: event.metadata().target().to_owned(),
            message: String::new(),
            fields: String::new(),
            plugin: None,
            of_plugin: String::new(),
        };
        event.record(&mut line);
        (self.0)(line);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "plugin" {
            self.plugin = Some(value.to_owned());
        }
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        if field.name() == "fields" {
            let _ = write!(self.of_plugin, "{value:?}");
        }
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                let space = if self.fields.is_empty() { "" } else { " " };
                write!(self.fields, "{space}{name}={value:?}")
            }
        };
    }
}
