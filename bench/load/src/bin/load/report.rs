//! What a person sees of a run.

use heimdall_measure::results::{Bound, Measure, Results, Row, Unit};

/// A table for the terminal, of the measures that matter most.
pub fn table(rows: &[Row]) {
    const SHOWN: [&str; 8] = [
        "requests",
        "chunks",
        "time",
        "p99",
        "p99.9",
        "processor",
        "resident",
        "peak",
    ];
    let Some(first) = rows.first() else { return };
    println!("\n{}", first.what);
    let shown: Vec<_> = SHOWN
        .into_iter()
        .filter(|name| first.measures.contains_key(*name))
        .collect();
    print!("{:<28}", "");
    shown
        .iter()
        .for_each(|name| print!("{:>12}", if *name == "time" { "p50" } else { name }));
    println!();
    for row in rows {
        print!("{:<28}", row.who);
        for name in &shown {
            print!("{:>12}", row.measures.get(*name).map(told).unwrap_or_default());
        }
        println!();
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
