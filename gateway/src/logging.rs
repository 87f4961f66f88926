//! Log lines, on standard error.

mod clock;
mod text;

use std::fmt::{Debug, Write as _};
use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;
use heimdall_host::runtime::escape_line;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use self::clock::Clock;
use self::text::Text;
use crate::text::plain_json;

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

/// How long lines are gathered for one write. While the thread rests no line wakes it: waking it for each one cost a request
/// more than making the line did.
const GATHERED: Duration = Duration::from_millis(5);

/// Bytes of lines that are written at once.
const GATHERED_BYTES: usize = 64 << 10;

/// How long those that wait at the end are waited for: who does not read them would keep the process for good.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What writes log lines; those that are still to be written are when it is dropped.
pub(crate) struct Writer {
    lost: ErrorCounter,
    thread: Option<WorkerGuard>,
}

impl Writer {
    /// Counts lines that are lost.
    pub(crate) fn lost(&self) -> ErrorCounter {
        self.lost.clone()
    }
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
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let styled = format == LogFormat::Text && io::stderr().is_terminal() && !no_color;
    // A line that nobody reads any more is lost; told on the same stream, that would be a panic.
    let (writer, thread) = NonBlockingBuilder::default()
        .thread_name("log")
        .buffered_lines_limit(WAITING)
        .finish(Plain {
            out: io::stderr(),
            gathered: Vec::new(),
            pause: GATHERED,
            format,
            styled,
        });
    let lost = writer.error_counter();
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_timer(Clock)
        .with_writer(writer);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text if styled => lines.init(),
        LogFormat::Text => lines.event_format(Text).init(),
    }
    Ok(Writer {
        lost,
        thread: Some(thread),
    })
}

/// Where lines are written, each on one line and in plain characters, whoever chose the words: a plugin, a client, an
/// upstream. On the log's own thread, so that no request waits for it.
struct Plain<W> {
    out: W,
    /// What is written at the next flush, which follows the last line that there is.
    gathered: Vec<u8>,
    /// After each flush.
    pause: Duration,
    format: LogFormat,
    /// The formatter colours lines; what begins a colour it has taken out of their words itself.
    styled: bool,
}

impl<W: Write> Write for Plain<W> {
    /// The writer's thread brings a whole line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            // Nearly every line.
            true => self.gathered.extend_from_slice(text),
            false => self.escaped(&String::from_utf8_lossy(text)),
        }
        self.gathered.push(b'\n');
        if self.gathered.len() >= GATHERED_BYTES {
            self.write_out();
        }
        Ok(line.len())
    }

    #[expect(clippy::disallowed_methods, reason = "on a thread of its own, which is to rest")]
    fn flush(&mut self) -> io::Result<()> {
        self.write_out();
        std::thread::sleep(self.pause);
        Ok(())
    }
}

impl<W: Write> Plain<W> {
    fn escaped(&mut self, text: &str) {
        let escaped = |part| escape_line(part, usize::MAX);
        let plain = match self.format {
            LogFormat::Json => plain_json(text),
            LogFormat::Text if self.styled => {
                let parts: Vec<String> = text.split('\u{1b}').map(escaped).collect();
                parts.join("\u{1b}").into()
            }
            LogFormat::Text => escaped(text).into(),
        };
        self.gathered.extend_from_slice(plain.as_bytes());
    }

    /// What can't be written is lost: it must not be written twice, nor grow. The writer's thread is not told: an error would
    /// keep it from seeing that it is to end.
    fn write_out(&mut self) {
        let _lost = self.out.write_all(&self.gathered).and_then(|()| self.out.flush());
        self.gathered.clear();
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &str, format: LogFormat, styled: bool) -> String {
        let mut lines = Plain {
            out: Vec::new(),
            gathered: Vec::new(),
            pause: Duration::ZERO,
            format,
            styled,
        };
        lines.write_all(line.as_bytes()).unwrap();
        lines.flush().unwrap();
        String::from_utf8(lines.out).unwrap()
    }

    #[test]
    fn a_line_is_one_line_of_plain_characters_and_the_formatters_colours() {
        let line = "\u{1b}[2mnow\u{1b}[0m a\r\nb\0\u{9b}c\n";
        for (format, styled, expected) in [
            (LogFormat::Text, true, "\u{1b}[2mnow\u{1b}[0m a\\r\\nb\\u{0}\\u{9b}c\n"),
            (
                LogFormat::Text,
                false,
                "\\u{1b}[2mnow\\u{1b}[0m a\\r\\nb\\u{0}\\u{9b}c\n",
            ),
        ] {
            assert_eq!(written(line, format, styled), expected);
        }
        let json = "{\"a\":\"\\u001b\u{9b}\"}\n";
        assert_eq!(written(json, LogFormat::Json, false), "{\"a\":\"\\u001b\\u009b\"}\n");
    }

    /// Somewhere nobody reads any more.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_lost_and_stop_nothing() {
        let mut lines = Plain {
            out: Broken,
            gathered: Vec::new(),
            pause: Duration::ZERO,
            format: LogFormat::Text,
            styled: false,
        };
        let line = [b'a'; 1000];
        for _ in 0..GATHERED_BYTES / 500 {
            lines.write_all(&line).unwrap();
        }
        assert!(lines.gathered.len() < GATHERED_BYTES);
        lines.flush().unwrap();
        assert!(lines.gathered.is_empty());
    }
}
