//! Tables of what was measured.

use std::fmt::Write as _;

use heimdall_measure::results::{Results, Row, Target};
use heimdall_measure::sample::Samples;

use crate::run::samples;
use crate::value;

/// What the rates of gateways are read against.
const PROXY: &str = "bare proxy";
/// The measure that is.
const RATE: &str = "requests";
/// How many calls did: a column of its own where there were any.
const FAILED: &str = "failed";

/// The order of columns; what is not here follows.
const COLUMNS: [&str; 9] = [
    RATE,
    "chunks",
    "time",
    "added p50",
    "added p99",
    "added p99.9",
    "processor",
    "peak",
    "first answer",
];

/// What a table has no room for beside what says nearly the same.
const BESIDE: [(&str, &str); 3] = [("p99", "added p99"), ("p99.9", "added p99.9"), ("resident", "peak")];

/// What is aimed at, and what came of it.
pub fn targets(targets: &[Target]) -> String {
    let head = ["target", "what", "aimed at", "median", "quartiles", ""];
    let mut out = header(&head.map(str::to_owned));
    for target in targets {
        let ratio = target.ratio.as_ref();
        let median = ratio.map_or_else(|| "not measured".to_owned(), |ratio| value::rounded(ratio.median));
        let met = if target.is_met() { "met" } else { "**missed**" };
        let cells = [
            format!("`{}`", target.id),
            escaped(&target.what),
            value::bound(target.bound),
            median,
            ratio.map(value::quartiles).unwrap_or_default(),
            met.to_owned(),
        ];
        line(&mut out, &cells);
    }
    out
}

/// Every table of an instrument, in the order in which it was measured.
pub fn all(results: &Results) -> String {
    let names = distinct(results.rows.iter().map(|row| row.what.as_str()));
    let tables = names.into_iter().map(|what| {
        let rows: Vec<&Row> = results.rows.iter().filter(|row| row.what == what).collect();
        format!("#### {}\n\n{}", escaped(what), of(what, &rows))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Over sizes where there are several, else over what was measured.
fn of(what: &str, rows: &[&Row]) -> String {
    let sizes = distinct(rows.iter().map(|row| row.size));
    if sizes.len() > 1 {
        over_sizes(what, rows, &sizes)
    } else {
        over_measures(rows)
    }
}

fn over_sizes(what: &str, rows: &[&Row], sizes: &[u64]) -> String {
    // The one thing but documents that a table runs over.
    let plugins = what.contains("plugins in a row");
    let named = |size: &u64| if plugins { size.to_string() } else { value::size(*size) };
    let counted = rows.iter().any(|row| row.measures.contains_key("allocations"));
    let mut head = vec![if plugins { "how many" } else { "" }.to_owned()];
    head.extend(sizes.iter().map(named));
    head.extend(counted.then(|| "allocations".to_owned()));
    let mut out = header(&head);
    for who in distinct(rows.iter().map(|row| row.who.as_str())) {
        let rows = || rows.iter().filter(|row| row.who == who);
        let cell = |size: &u64| {
            let row = rows().find(|row| row.size == *size);
            row.and_then(|row| row.measures.get("time"))
                .map(value::shown)
                .unwrap_or_default()
        };
        let mut cells = vec![escaped(who)];
        cells.extend(sizes.iter().map(cell));
        cells.extend(counted.then(|| range(rows().filter_map(|row| median(row, "allocations")))));
        line(&mut out, &cells);
    }
    out
}

fn over_measures(rows: &[&Row]) -> String {
    let columns = columns(rows);
    let tail = rows.iter().any(|row| row.measures.contains_key("p99"));
    let proxy = rows.iter().find(|row| row.who == PROXY);
    let proxy = proxy.and_then(|row| samples(row, RATE));
    let mut head = vec![String::new()];
    for name in &columns {
        // The time of a request whose tail was measured too is its median.
        head.push(if *name == "time" && tail { "p50" } else { name }.to_owned());
        head.extend(
            (*name == RATE)
                .then_some(proxy)
                .flatten()
                .map(|_| "of the bare proxy's".to_owned()),
        );
    }
    let mut out = header(&head);
    for row in rows {
        let mut cells = vec![escaped(&row.who)];
        for name in &columns {
            cells.push(row.measures.get(*name).map(value::shown).unwrap_or_default());
            cells.extend((*name == RATE).then_some(proxy).flatten().map(|proxy| part(row, proxy)));
        }
        line(&mut out, &cells);
    }
    out
}

/// What was measured of any row, but what says nothing or the same again.
fn columns<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    let mut columns = distinct(rows.iter().flat_map(|row| row.measures.keys().map(String::as_str)));
    let beside = BESIDE.iter().filter(|(_, other)| columns.contains(other));
    let beside: Vec<&str> = beside.map(|(one, _)| *one).collect();
    let failed = rows
        .iter()
        .any(|row| median(row, FAILED).is_some_and(|count| count > 0.0));
    columns.retain(|name| !beside.contains(name) && (*name != FAILED || failed));
    let place = |name: &&str| COLUMNS.iter().position(|column| column == name);
    columns.sort_by_key(|name| place(name).unwrap_or(COLUMNS.len()));
    columns
}

/// How much of the bare proxy's rate a gateway has.
fn part(row: &Row, proxy: &Samples) -> String {
    let ratio = samples(row, RATE).and_then(|rate| rate.over(proxy));
    ratio.map_or_else(String::new, |ratio| format!("{} ×", value::rounded(ratio.median)))
}

fn median(row: &Row, measure: &str) -> Option<f64> {
    Some(samples(row, measure)?.spread()?.median)
}

/// From the least to the most, or the one that all are.
fn range(values: impl Iterator<Item = f64> + Clone) -> String {
    let ends = values.clone().reduce(f64::min).zip(values.reduce(f64::max));
    match ends {
        Some((least, most)) if least == most => value::rounded(least),
        Some((least, most)) => format!("{} to {}", value::rounded(least), value::rounded(most)),
        None => String::new(),
    }
}

fn header(columns: &[String]) -> String {
    let mut out = String::new();
    line(&mut out, columns);
    let rule: Vec<String> = columns.iter().map(|_| "---".to_owned()).collect();
    line(&mut out, &rule);
    out
}

fn line(out: &mut String, cells: &[String]) {
    // Writing to a string does not fail.
    let _written = writeln!(out, "| {} |", cells.join(" | "));
}

/// As Markdown shows it: names hold types, as in `list<u8>`.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.fold(Vec::new(), |mut seen, item| {
        if !seen.contains(&item) {
            seen.push(item);
        }
        seen
    })
}
