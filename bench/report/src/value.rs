//! Figures as people write them.

use heimdall_measure::results::{Bound, Measure, Unit};
use heimdall_measure::sample::Spread;

/// The median of a measure with its unit, and half the distance of the quartiles in per cent of it.
pub fn shown(measure: &Measure) -> String {
    let Some(spread) = measure.samples.spread() else {
        return "–".to_owned();
    };
    let median = with_unit(spread.median, measure.unit);
    let single = measure.samples.values().len() < 2 || measure.unit == Unit::Count;
    // Of what may be nothing, or less, a part in per cent says nothing.
    if single || spread.median <= 0.0 {
        return median;
    }
    let percent = (spread.high - spread.low) / 2.0 / spread.median * 100.0;
    format!("{median} ±{percent:.0} %")
}

pub fn with_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => scaled(value, 1000.0, &["ns", "µs", "ms", "s"]),
        Unit::Bytes => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB"]),
        Unit::Count => rounded(value),
        Unit::PerSecond => format!("{}/s", rounded(value)),
    }
}

/// Of a document.
pub fn size(bytes: u64) -> String {
    match bytes {
        0 => "–".to_owned(),
        _ if bytes.is_multiple_of(1024) => with_unit(bytes as f64, Unit::Bytes),
        _ => scaled(bytes as f64, 1000.0, &["B", "KB", "MB"]),
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

/// Three digits, or all of them before the point, in groups of three.
pub fn rounded(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let digits = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => grouped(&text),
    }
}

fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub fn quartiles(spread: &Spread) -> String {
    format!("{} to {}", rounded(spread.low), rounded(spread.high))
}

pub fn bound(bound: Bound) -> String {
    match bound {
        Bound::AtMost(most) => format!("≤ {}", rounded(most)),
        Bound::AtLeast(least) => format!("≥ {}", rounded(least)),
    }
}

#[cfg(test)]
mod tests {
    use heimdall_measure::sample::Samples;

    use super::*;

    #[test]
    fn figures_have_three_digits_and_the_unit_that_suits_them() {
        let cases = [
            (950.0, Unit::Nanoseconds, "950 ns"),
            (1234.0, Unit::Nanoseconds, "1.23 µs"),
            (45_600_000.0, Unit::Nanoseconds, "45.6 ms"),
            (-1500.0, Unit::Nanoseconds, "-1.5 µs"),
            (65_536.0, Unit::Bytes, "64 KiB"),
            (0.0, Unit::Count, "0"),
            (4.0, Unit::Count, "4"),
            (0.002_134, Unit::Count, "0.00213"),
            (1720.4, Unit::PerSecond, "1720/s"),
            (17_205.2, Unit::PerSecond, "17,205/s"),
            (-1_234_567.0, Unit::PerSecond, "-1,234,567/s"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(with_unit(value, unit), expected);
        }
    }

    #[test]
    fn a_size_is_written_as_it_was_chosen() {
        let cases = [
            (375, "375 B"),
            (1024, "1 KiB"),
            (4700, "4.7 KB"),
            (203_000, "203 KB"),
            (1 << 20, "1 MiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_spread_is_shown_where_there_is_one() {
        let of = |values: &[f64], unit| {
            shown(&Measure {
                unit,
                samples: Samples::new(values.to_vec()),
            })
        };
        assert_eq!(of(&[90.0, 100.0, 110.0], Unit::Nanoseconds), "100 ns ±5 %");
        assert_eq!(of(&[-90.0, -100.0], Unit::Nanoseconds), "-95 ns");
        assert_eq!(of(&[100.0], Unit::Nanoseconds), "100 ns");
        assert_eq!(of(&[4.0, 4.0], Unit::Count), "4");
        assert_eq!(of(&[], Unit::Count), "–");
    }

    #[test]
    fn a_bound_is_written_as_it_was_set() {
        assert_eq!(bound(Bound::AtMost(0.05)), "≤ 0.05");
        assert_eq!(bound(Bound::AtLeast(100.0)), "≥ 100");
        assert_eq!(bound(Bound::AtMost(1.0 / 15.0)), "≤ 0.0667");
    }
}
