//! The time of a log line.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use time::OffsetDateTime;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

thread_local! {
    /// A second since 1970 in words: the next line's is nearly always the same.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// As `2026-11-27T09:05:07.000042Z`.
pub(super) struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write(OffsetDateTime::now_utc(), line)
    }
}

fn write(time: OffsetDateTime, line: &mut impl fmt::Write) -> fmt::Result {
    SECOND.with_borrow_mut(|(second, words)| {
        if *second != time.unix_timestamp() {
            *second = time.unix_timestamp();
            words.clear();
            let (hour, minute, second) = time.to_hms();
            write!(words, "{}T{hour:02}:{minute:02}:{second:02}", time.date())?;
        }
        let mut digits = itoa::Buffer::new();
        // One more before them, so that zeros are written.
        let microseconds = digits.format(1_000_000 + time.microsecond());
        line.write_str(words)?;
        line.write_char('.')?;
        line.write_str(microseconds.get(1..).unwrap_or_default())?;
        line.write_char('Z')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_microsecond() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_769_107_000_042_000, "2026-11-27T08:45:07.000042Z"),
            (1_795_769_107_999_999_999, "2026-11-27T08:45:07.999999Z"),
            (1_795_769_108_000_000_000, "2026-11-27T08:45:08.000000Z"),
            (951_782_399_500_000_000, "2000-02-28T23:59:59.500000Z"),
        ];
        for (nanoseconds, words) in cases {
            let mut told = String::new();
            write(
                OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap(),
                &mut told,
            )
            .unwrap();
            assert_eq!(told, words);
        }
    }
}
