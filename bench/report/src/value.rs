//! Figures as people write them.

use heimdall_measure::results::{Bound, Measure, Unit};
use heimdall_measure::sample::Spread;

/// The median of a measure, with its unit.
pub fn shown(measure: &Measure) -> String {
    match measure.samples.spread() {
        Some(Spread { median, .. }) => with_unit(median, measure.unit),
        None => "–".to_owned(),
    }
}

pub fn with_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => scaled(value, 1000.0, &["ns", "µs", "ms", "s"]),
        Unit::Bytes => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB"]),
        Unit::Count => rounded(value),
        Unit::PerSecond => format!("{}/s", rounded(value)),
    }
}

/// Of a document, or of whatever a table runs over.
pub fn size(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        bytes => with_unit(bytes as f64, Unit::Bytes),
    }
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        if value.abs() < step {
            break;
        }
        (value, unit) = (value / step, next);
    }
    format!("{} {unit}", rounded(value))
}

/// Three digits, or all of them before the point.
pub fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

pub fn ratio(spread: &Spread) -> String {
    format!("{:.3} ({:.3} to {:.3})", spread.median, spread.low, spread.high)
}

pub fn bound(bound: Bound) -> String {
    match bound {
        Bound::AtMost(most) => format!("≤ {}", trimmed(most)),
        Bound::AtLeast(least) => format!("≥ {}", trimmed(least)),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_the_unit_that_suits_them() {
        let cases = [
            (950.0, Unit::Nanoseconds, "950 ns"),
            (1234.0, Unit::Nanoseconds, "1.23 µs"),
            (45_600_000.0, Unit::Nanoseconds, "45.6 ms"),
            (-1500.0, Unit::Nanoseconds, "-1.5 µs"),
            (65_536.0, Unit::Bytes, "64 KiB"),
            (4.0, Unit::Count, "4"),
            (17_205.2, Unit::PerSecond, "17205/s"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(with_unit(value, unit), expected);
        }
    }

    #[test]
    fn a_bound_is_written_as_it_was_set() {
        assert_eq!(bound(Bound::AtMost(0.05)), "≤ 0.05");
        assert_eq!(bound(Bound::AtLeast(100.0)), "≥ 100");
        assert_eq!(bound(Bound::AtMost(1.0 / 15.0)), "≤ 0.067");
    }
}
