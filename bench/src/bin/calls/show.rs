//! What is printed.
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::path::Path;

use heimdall_bench::case::Case;
use heimdall_measure::results::{Bound, Measure, Results, Row, Target};

pub(super) fn names(cases: &[Case]) {
    for case in cases {
        println!("{}", case.name());
    }
}

/// Every row, then every target.
pub(super) fn results(results: &Results, path: &Path) {
    for table in results.rows.chunk_by(|this, that| this.what == that.what) {
        println!("\n{}", table.first().map_or("", |row| &row.what));
        println!(
            "{:>10}  {:<58} {:>14} {:>8} {:>12}",
            "size", "who", "ns", "allocs", "bytes"
        );
        table.iter().for_each(row);
    }
    println!(
        "\n{:<28} {:>8} {:>17}  {:>8}  target",
        "id", "measured", "quartiles", "bound"
    );
    results.targets.iter().for_each(target);
    println!("\n{}", path.display());
}

fn row(row: &Row) {
    let median = |measure: Option<&Measure>| Some(measure?.samples.spread()?.median);
    let told = |name: &str| median(row.measures.get(name)).map_or_else(String::new, |value| format!("{value:.0}"));
    let (size, who) = (row.size, &row.who);
    let (time, count, mut bytes) = (told("time"), told("allocations"), told("allocated"));
    if row.measures.contains_key("memory") {
        bytes = told("memory");
    }
    println!("{size:>10}  {who:<58} {time:>14} {count:>8} {bytes:>12}");
}

fn target(target: &Target) {
    let bound = match target.bound {
        Bound::AtMost(most) => format!("<= {most}"),
        Bound::AtLeast(least) => format!(">= {least}"),
    };
    let (measured, quartiles) = match target.ratio {
        Some(ratio) => (
            format!("{:.3}", ratio.median),
            format!("{:.3} to {:.3}", ratio.low, ratio.high),
        ),
        None => ("-".to_owned(), String::new()),
    };
    let verdict = match (target.ratio, target.is_met()) {
        (None, _) => "not measured",
        (_, true) => "met",
        (_, false) => "MISSED",
    };
    println!(
        "{:<28} {measured:>8} {quartiles:>17}  {bound:>8}  {verdict}: {}",
        target.id, target.what
    );
}
