//! Everything that is printed for people. If nobody reads it any more, there is nobody to tell; what can't be written for
//! another reason is lost, which has to be known.
//!
//! Colours reach a terminal only, and none where `NO_COLOR` is set.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use heimdall_host::runtime::escape_line;
use serde::Serialize;

use super::{Exit, Failed};
use crate::logging::Line;
use crate::text::plain_json;

/// Bytes of a line that is printed; the rest of a longer one is left out.
const MAX_LINE: usize = 4096;

/// What stands above other lines.
pub(super) const HEADING: Style = Style::new().bold();
/// What is in order.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What should be looked at.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What is wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What stands beside the point.
pub(super) const FAINT: Style = Style::new().dimmed();
/// A line that was not there before.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// A line that is there no more.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();

/// Prints to standard output.
pub(super) fn print(text: &str) -> Result<(), Failed> {
    write(anstream::stdout(), text.as_bytes())
}

/// Prints bytes to standard output as they are.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<(), Failed> {
    write(std::io::stdout(), bytes)
}

/// Prints to standard output as JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failed> {
    let json = serde_json::to_string_pretty(value).context("the output is none that JSON has a place for")?;
    print_bytes(format!("{}\n", plain_json(&json)).as_bytes())
}

fn write(mut out: impl std::io::Write, bytes: &[u8]) -> Result<(), Failed> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if is_lost(&error) => Err(Failed::new(
            Exit::Failed,
            anyhow::Error::new(error).context("the output can't be written"),
        )),
        _ => Ok(()),
    }
}

/// Whether what was not written was to be read by somebody.
pub(super) fn is_lost(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::BrokenPipe
}

/// Prints to standard error.
pub(super) fn note(text: &str) {
    let _unread = anstream::stderr().write_all(text.as_bytes());
}

/// Prints an error and what caused it, one cause to a line.
pub(super) fn error(error: &anyhow::Error) {
    note(&block(error));
}

/// A log line that was collected, as a line.
pub(super) fn log_line(line: &Line) -> String {
    let style = match line.level {
        "ERROR" => BAD,
        "WARN" => WARNING,
        _ => FAINT,
    };
    let Line {
        level, message, fields, ..
    } = line;
    format!(
        "log {style}{level:<5}{style:#} {} {FAINT}{}{FAINT:#}\n",
        printable(message),
        printable(fields)
    )
}

/// A text from outside as one line that a terminal only prints.
pub(super) fn printable(text: &str) -> String {
    escape_line(text, MAX_LINE)
}

/// As [`printable`], of a text of several lines.
pub(super) fn printable_lines(text: &str) -> String {
    let lines = text.split('\n').map(printable);
    lines.collect::<Vec<_>>().join("\n")
}

/// The further lines of a text under its first, as a terminal only prints them.
pub(super) fn indented(text: &str) -> String {
    printable_lines(text.trim_end()).replace('\n', "\n    ")
}

/// A duration in a unit in which it has few digits.
pub(super) fn duration(time: Duration) -> String {
    let micros = microseconds(time);
    match micros {
        _ if micros < 1_000.0 => format!("{micros:.1} µs"),
        _ if micros < 1_000_000.0 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// A duration in microseconds.
pub(super) fn microseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e9).round() / 1e3
}

fn block(error: &anyhow::Error) -> String {
    let mut text = format!("{BAD}error{BAD:#}: {}\n", indented(&error.to_string()));
    for cause in error.chain().skip(1) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  caused by: {}", indented(&cause.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn an_error_is_printed_with_each_cause_on_a_line() {
        let error = anyhow!("no such file").context("first\nsecond").context("it failed");
        let plain = anstream::adapter::strip_str(&block(&error)).to_string();
        let expected = "error: it failed\n  caused by: first\n    second\n  caused by: no such file\n";
        assert_eq!(plain, expected);
    }

    #[test]
    fn what_an_error_repeats_only_prints() {
        let plain = block(&anyhow!("no `\u{1b}[2J\r`\nfound"));
        assert!(plain.ends_with(": no `\\u{1b}[2J\\r`\n    found\n"), "{plain:?}");
    }

    #[test]
    fn output_is_lost_where_it_can_not_be_written_but_not_where_nobody_reads_it() {
        use std::io::{Error, ErrorKind};
        assert!(is_lost(&Error::from(ErrorKind::StorageFull)));
        assert!(!is_lost(&Error::from(ErrorKind::BrokenPipe)));
    }

    #[test]
    fn a_duration_is_told_with_few_digits() {
        for (nanos, words) in [
            (0, "0.0 µs"),
            (12_340, "12.3 µs"),
            (12_340_000, "12.34 ms"),
            (2_500_000_000, "2.50 s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), words);
        }
    }
}
