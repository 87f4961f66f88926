//! What a person sees of a run.

use heimdall_measure::results::{Bound, Measure, Results, Row, Unit};

/// Measures that a terminal has room for, and what they are called there.
const SHOWN: [(&str, &str); 13] = [
    ("requests", "requests"),
    ("requests at first", "at first"),
    ("requests then", "then"),
    ("failed", "failed"),
    ("chunks", "chunks"),
    ("first answer", "first answer"),
    ("first request", "first request"),
    ("time", "p50"),
    ("p99", "p99"),
    ("p99.9", "p99.9"),
    ("processor", "processor"),
    ("resident", "resident"),
    ("peak", "peak"),
];

/// A table for the terminal.
pub fn table(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    let some = |name| rows.iter().any(|row| row.measures.get(name).is_some_and(is_some));
    let shown = SHOWN.iter().filter(|(name, _)| some(*name));
    let heads: String = shown.clone().map(|(_, head)| format!("{head:>13}")).collect();
    println!("\n{}\n{:<34}{heads}", first.what, "");
    for row in rows {
        let cells = shown
            .clone()
            .map(|(name, _)| row.measures.get(*name).map(told).unwrap_or_default());
        let cells: String = cells.map(|cell| format!("{cell:>13}")).collect();
        println!("{:<34}{cells}", row.who);
    }
}

/// What is aimed at, and what came of it.
pub fn targets(results: &Results) {
    println!();
    for target in &results.targets {
        let met = if target.is_met() { "met" } else { "MISSED" };
        let bound = match target.bound {
            Bound::AtMost(most) => format!("<= {most}"),
            Bound::AtLeast(least) => format!(">= {least}"),
        };
        let ratio = target
            .ratio
            .map(|ratio| format!("{:.3} ({:.3} to {:.3})", ratio.median, ratio.low, ratio.high));
        println!(
            "{met:<7}{:<28}{bound:<10}{}  {}",
            target.id,
            ratio.unwrap_or("-".to_owned()),
            target.what
        );
    }
    results.left_out.iter().for_each(|left| println!("left out: {left}"));
}

fn is_some(measure: &Measure) -> bool {
    measure.samples.values().iter().any(|&value| value != 0.0)
}

fn told(measure: &Measure) -> String {
    let Some(spread) = measure.samples.spread() else {
        return "-".to_owned();
    };
    let value = spread.median;
    match measure.unit {
        Unit::Nanoseconds => format!("{:.1} µs", value / 1e3),
        Unit::Bytes => format!("{:.1} MiB", value / f64::from(1 << 20)),
        Unit::Count => format!("{value:.0}"),
        Unit::PerSecond => format!("{value:.0}/s"),
    }
}
