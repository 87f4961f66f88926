//! A log line in words, without colours.
//!
//! The library's own form takes each field for whatever may be printed, character by character: for the line of a request that
//! was 4.2 % of all its processor time in the place of 2.9.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::clock::Clock;

/// As `2026-11-27T09:05:07.000042Z  INFO heimdall::request: answered ms=2 model="m"`.
pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        Clock.format_time(&mut line)?;
        let metadata = event.metadata();
        line.write_str(padded(*metadata.level()))?;
        line.write_str(metadata.target())?;
        line.write_char(':')?;
        let mut fields = Fields {
            line: &mut line,
            written: Ok(()),
        };
        event.record(&mut fields);
        fields.written?;
        line.write_char('\n')
    }
}

fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// Writes fields, each behind a space.
struct Fields<'a, W> {
    line: &'a mut W,
    written: fmt::Result,
}

impl<W: Write> Fields<'_, W> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        let write = || {
            self.line.write_char(' ')?;
            if field.name() != "message" {
                self.line.write_str(field.name())?;
                self.line.write_char('=')?;
            }
            value(self.line)
        };
        self.written = self.written.and_then(|()| write());
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |line| {
            let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
            match value.as_bytes().iter().all(is_plain) {
                true => {
                    line.write_char('"')?;
                    line.write_str(value)?;
                    line.write_char('"')
                }
                false => write!(line, "{value:?}"),
            }
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| line.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| line.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |line| write!(line, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Lines;

        fn make_writer(&self) -> Lines {
            self.clone()
        }
    }

    /// What is logged, without the time at its begin.
    fn logged(log: impl Fn()) -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(lines.clone());
        tracing::subscriber::with_default(subscriber.event_format(Text).finish(), log);
        let line = String::from_utf8(std::mem::take(&mut lines.0.lock().unwrap())).unwrap();
        let (time, rest) = line.split_at("2026-11-27T09:05:07.000042Z".len());
        assert!(time.ends_with('Z'), "{line}");
        rest.to_owned()
    }

    #[test]
    fn a_line_has_its_level_its_target_its_message_and_its_fields() {
        let cases: [(&dyn Fn(), &str); 6] = [
            (&|| tracing::info!(target: "a", "m"), "  INFO a: m\n"),
            (
                &|| tracing::error!(target: "a::b", n = 1, "m {}", 2),
                " ERROR a::b: m 2 n=1\n",
            ),
            (
                &|| tracing::warn!(target: "a", x = "y z", "m"),
                "  WARN a: m x=\"y z\"\n",
            ),
            (
                &|| tracing::debug!(target: "a", x = ?Some(true), y = %"un quoted", z = -1.5, "m"),
                " DEBUG a: m x=Some(true) y=un quoted z=-1.5\n",
            ),
            (
                &|| tracing::trace!(target: "a", none = None::<&str>, some = Some(7_u64)),
                " TRACE a: some=7\n",
            ),
            (&|| tracing::info!(target: "a", x = ""), "  INFO a: x=\"\"\n"),
        ];
        for (log, expected) in cases {
            assert_eq!(logged(log), expected);
        }
    }

    #[test]
    fn what_could_forge_a_line_or_a_field_is_escaped() {
        for text in ["a\"b", "a\\b", "a\nb", "a\u{1b}b", "é", "\u{9b}", "\u{7f}"] {
            let expected = format!("  INFO a: m x={text:?} y={text:?}\n");
            assert_eq!(
                logged(|| tracing::info!(target: "a", x = text, y = ?text, "m")),
                expected
            );
        }
    }
}
