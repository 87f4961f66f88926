//! Tables of what was measured.

use std::fmt::Write as _;

use heimdall_measure::results::{Results, Row, Target};

use super::value;

/// What is aimed at, and what came of it.
pub fn targets(targets: &[Target]) -> String {
    let mut out = String::from("| what | aimed at | measured (quartiles) | |\n| --- | --- | --- | --- |\n");
    for target in targets {
        let measured = target
            .ratio
            .as_ref()
            .map_or_else(|| "not measured".to_owned(), value::ratio);
        let met = if target.is_met() { "met" } else { "**missed**" };
        // Writing to a string does not fail.
        let _written = writeln!(
            out,
            "| {} | {} | {measured} | {met} |",
            target.what,
            value::bound(target.bound)
        );
    }
    out
}

/// Every table of an instrument, in the order in which it was measured.
pub fn all(results: &Results) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in &results.rows {
        if !names.contains(&row.what.as_str()) {
            names.push(&row.what);
        }
    }
    let tables = names.into_iter().map(|what| {
        let rows: Vec<&Row> = results.rows.iter().filter(|row| row.what == what).collect();
        format!("#### {what}\n\n{}", of(&rows))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Over sizes where there are several, else over what was measured.
fn of(rows: &[&Row]) -> String {
    let sizes = distinct(rows.iter().map(|row| row.size));
    if sizes.len() > 1 {
        return over_sizes(rows, &sizes);
    }
    let measures = distinct(rows.iter().flat_map(|row| row.measures.keys().cloned()));
    let mut out = head(measures.iter().map(String::as_str));
    for row in rows {
        let cells = measures.iter().map(|name| row.measures.get(name).map(value::shown));
        line(&mut out, &row.who, cells);
    }
    out
}

fn over_sizes(rows: &[&Row], sizes: &[u64]) -> String {
    let shown: Vec<String> = sizes.iter().map(|size| value::size(*size)).collect();
    let mut out = head(shown.iter().map(String::as_str));
    for who in distinct(rows.iter().map(|row| row.who.as_str())) {
        let cells = sizes.iter().map(|size| {
            let row = rows.iter().find(|row| row.who == who && row.size == *size)?;
            row.measures.get("time").map(value::shown)
        });
        line(&mut out, who, cells);
    }
    out
}

fn head<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<&str> = columns.collect();
    format!(
        "| | {} |\n| --- |{}\n",
        columns.join(" | "),
        " --- |".repeat(columns.len())
    )
}

fn line(out: &mut String, name: &str, cells: impl Iterator<Item = Option<String>>) {
    let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
    // Writing to a string does not fail.
    let _written = writeln!(out, "| {name} | {} |", cells.join(" | "));
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.fold(Vec::new(), |mut seen, item| {
        if !seen.contains(&item) {
            seen.push(item);
        }
        seen
    })
}
