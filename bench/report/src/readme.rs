//! The README's lines: of each instrument what a user cares for.

use heimdall_measure::results::Unit;

use crate::run::{Run, samples};
use crate::value;

pub const BEGIN: &str = "<!-- benchmarks -->\n";
pub const END: &str = "<!-- /benchmarks -->";

const OTHERS: &str = "1 KB, 32 at once, HTTP/1.1, beside other gateways";

/// One an instrument; what was not measured is not told.
pub fn lines(runs: &[Run]) -> String {
    let lines = [calls(runs), peers(runs), load(runs)];
    lines.into_iter().flatten().map(|line| format!("- {line}\n")).collect()
}

fn calls(runs: &[Run]) -> Option<String> {
    let run = of(runs, "calls")?;
    let reading = |size| told(run, "before-call: one member is read", "typed", Some(size), "time");
    let json = told(
        run,
        "a document is read",
        "serde_json: parse and print",
        Some(203_000),
        "time",
    )?;
    Some(format!(
        "A typed plugin that reads one member of a request takes {} at 375 bytes and {} at 203 KB, where parsing and printing the JSON takes {json}.",
        reading(375)?,
        reading(203_000)?
    ))
}

fn peers(runs: &[Run]) -> Option<String> {
    let run = of(runs, "peers")?;
    let echo = |who| told(run, "echo", who, Some(1024), "time");
    Some(format!(
        "A packed plugin echoes 1 KiB in {}; with Extism that takes {} in Rust and {} in Go.",
        echo("Heimdall, packed")?,
        echo("Extism (Rust)")?,
        echo("Extism (Go SDK)")?
    ))
}

fn load(runs: &[Run]) -> Option<String> {
    let run = of(runs, "load")?;
    let rate = |who| told(run, OTHERS, who, None, "requests");
    Some(format!(
        "With one typed plugin the gateway serves {} at 32 connections; a bare proxy that reads nothing {}, Portkey {}, LiteLLM {}.",
        rate("Heimdall, 1 typed")?.replace("/s", " requests/s"),
        rate("bare proxy")?,
        rate("Portkey")?,
        rate("LiteLLM")?
    ))
}

fn of<'a>(runs: &'a [Run], instrument: &str) -> Option<&'a Run> {
    runs.iter().find(|run| run.instrument.name == instrument)
}

/// The median of a measure, in words.
fn told(run: &Run, what: &str, who: &str, size: Option<u64>, measure: &str) -> Option<String> {
    let row = run.row(what, who, size)?;
    let unit = row.measures.get(measure).map_or(Unit::Count, |measure| measure.unit);
    Some(value::with_unit(samples(row, measure)?.spread()?.median, unit))
}

/// The text with these lines between its marks; `None` where it has no marks.
pub fn with_lines(text: &str, lines: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{lines}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::measured;

    #[test]
    fn the_lines_between_the_marks_are_replaced_and_nothing_else() {
        let text = "a\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nb\n";
        let expected = "a\n<!-- benchmarks -->\nnew\n<!-- /benchmarks -->\nb\n";
        assert_eq!(with_lines(text, "new\n").as_deref(), Some(expected));
        assert_eq!(with_lines("no marks", "new\n"), None);
    }

    #[test]
    fn what_was_measured_alone_is_quoted() {
        insta::assert_snapshot!(lines(&measured()), @"- With one typed plugin the gateway serves 14,000 requests/s at 32 connections; a bare proxy that reads nothing 20,000/s, Portkey 1000/s, LiteLLM 40/s.");
    }
}
