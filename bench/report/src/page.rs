//! The page.

use std::fmt::Write as _;

use crate::machine::Machine;
use crate::plot::Plot;
use crate::run::Run;
use crate::table;

const HEAD: &str = "\
# Benchmarks

What a plugin costs, beside what users would pick instead. A program writes this page from what was measured.

What is stated are ratios within one run: the things that are compared are measured in turn, round by round, and the ratio is
taken in each round. Of the rounds the median is shown, and the quartiles, between which half of them lie. Times are for
orientation: they are those of the machine below. Limits, deadlines, metrics and drafts are on in every figure.
";

const REPEAT: &str = "\
## How to repeat it

```sh
just bench          # an hour and a half on two cores that do nothing else; writes this page
just bench-quick    # some minutes: whether all of it runs
```

It needs what a build needs, Go for the hosts in Go, Python and Node.js for the other gateways, and the network for those. What it
measured, sample by sample, is in `target/bench/`. `just profile CASE` draws a flame graph of a case that `target/release/calls
--list` names.
";

const IN_FULL: &str = "\
## All that was measured

Medians; behind ± stands half the distance between the quartiles. Columns are sizes of documents where there are several; the
column `allocations` then goes from the least to the most of them.
";

/// Whole, in Markdown.
pub fn render(runs: &[Run], plots: &[Plot], notes: &str, machine: &Machine) -> String {
    let sections = [
        HEAD.to_owned(),
        targets(runs),
        pictures(plots),
        REPEAT.to_owned(),
        about(runs, machine),
        format!("{}\n", notes.trim()),
        left_out(runs),
        in_full(runs),
    ];
    let sections = sections.into_iter().filter(|section| !section.trim().is_empty());
    sections.collect::<Vec<_>>().join("\n")
}

fn targets(runs: &[Run]) -> String {
    let all = || runs.iter().flat_map(|run| &run.results.targets);
    let met = all().filter(|target| target.is_met()).count();
    let mut out = format!("## Targets\n\n{met} of {} are met.\n", all().count());
    for run in runs.iter().filter(|run| !run.results.targets.is_empty()) {
        let targets = table::targets(&run.results.targets);
        // Writing to a string does not fail.
        let _written = write!(out, "\n### {}\n\n{targets}", run.instrument.title);
    }
    out
}

fn pictures(plots: &[Plot]) -> String {
    if plots.is_empty() {
        return String::new();
    }
    let mut out = "## Plots\n".to_owned();
    for plot in plots {
        let _written = write!(out, "\n![{}]({})\n", plot.title, plot.file);
    }
    out
}

fn about(runs: &[Run], machine: &Machine) -> String {
    let Machine {
        processor,
        cores,
        memory_gib,
        kernel,
    } = machine;
    let mut out = format!("## The machine\n\n{processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}.\n\n");
    out.push_str("| by | on | rounds | versions |\n| --- | --- | --- | --- |\n");
    for run in runs {
        let versions = run.results.versions.iter();
        let versions: Vec<String> = versions.map(|(name, version)| version_of(name, version)).collect();
        let _written = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            run.instrument.command,
            run.date,
            run.rounds(),
            versions.join("; ").replace('<', "&lt;")
        );
    }
    out
}

/// Compilers say their own names, and machines.
fn version_of(name: &str, version: &str) -> String {
    let number = version.split_whitespace().find(|word| word.contains('.'));
    format!(
        "{name} {}",
        number.map_or(version, |number| number.trim_start_matches("go"))
    )
}

fn left_out(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        for left_out in &run.results.left_out {
            let _written = writeln!(out, "- `{}`: {left_out}", run.instrument.name);
        }
    }
    match out.is_empty() {
        true => out,
        false => format!("## What is not measured\n\n{out}"),
    }
}

fn in_full(runs: &[Run]) -> String {
    let mut out = IN_FULL.to_owned();
    for run in runs {
        let (instrument, tables) = (run.instrument, table::all(&run.results));
        let _written = write!(
            out,
            "\n### {}, in full\n\n{}\n\n{tables}",
            instrument.title, instrument.about
        );
    }
    out
}

#[cfg(test)]
pub mod tests {
    use heimdall_measure::results::{Bound, Measure, Results, Row, Target, Unit};
    use heimdall_measure::sample::{Samples, Spread};

    use super::*;
    use crate::run::INSTRUMENTS;

    fn measure(unit: Unit, middle: f64) -> Measure {
        let samples = Samples::new(vec![middle * 0.98, middle, middle * 1.02]);
        Measure { unit, samples }
    }

    fn time(nanoseconds: f64) -> Measure {
        measure(Unit::Nanoseconds, nanoseconds)
    }

    fn calls() -> Results {
        let mut results = Results::new("calls");
        results.versions.insert("wasmtime".to_owned(), "48.0.8".to_owned());
        let counted = |row: Row, count| row.with("allocations", measure(Unit::Count, count));
        let (read, made) = ("a document is read", "an instance is made");
        results.rows = vec![
            counted(Row::new(read, "indexed", 375, time(230.0)), 3.0),
            counted(Row::new(read, "indexed", 203_000, time(79_000.0)), 3.0),
            counted(Row::new(read, "serde_json: parse", 375, time(744.0)), 24.0),
            counted(Row::new(read, "serde_json: parse", 203_000, time(224_000.0)), 3767.0),
            Row::new(made, "typed", 0, time(3000.0)).with("memory", measure(Unit::Bytes, 2048.0)),
            Row::new("plugins in a row", "no plugin", 0, time(100.0)),
            Row::new("plugins in a row", "typed", 16, time(9000.0)),
        ];
        let (median, low, high) = (1.02, 1.01, 1.03);
        let ratio = Some(Spread { median, low, high });
        results.targets = vec![
            Target::new("read", "203 KB against 375 B", Bound::AtMost(1.2), ratio),
            Target::new("other", "something else", Bound::AtLeast(0.9), None),
        ];
        results.left_out = vec!["the moon".to_owned()];
        results
    }

    fn peers() -> Results {
        let mut results = Results::new("peers");
        let go = "go version go1.26.8 linux/amd64".to_owned();
        results.versions.insert("Go".to_owned(), go);
        let rows = [("Heimdall, packed", 17_000.0), ("component list<u8>", 20_000.0)];
        results.rows = rows
            .map(|(who, took)| Row::new("new instance", who, 0, time(took)))
            .into();
        results
    }

    fn load() -> Results {
        let mut results = Results::new("load");
        let what = "1 KB, 32 at once, HTTP/1.1, beside other gateways";
        let rates = [
            ("bare proxy", 20_000.0),
            ("Heimdall, 1 typed", 14_000.0),
            ("Portkey", 1000.0),
            ("LiteLLM", 40.0),
        ];
        let row = |(who, rate): (&str, f64)| {
            let row = Row::new(what, who, 1024, time(32e9 / rate)).with("requests", measure(Unit::PerSecond, rate));
            let row = row
                .with("failed", measure(Unit::Count, 0.0))
                .with("p99", time(90e9 / rate));
            row.with("added p99", time(60e9 / rate))
        };
        results.rows = rates.map(row).into();
        results
    }

    /// A little of each instrument.
    pub fn measured() -> Vec<Run> {
        let results = [calls(), peers(), load()];
        let runs = INSTRUMENTS.iter().zip(results);
        runs.map(|(instrument, results)| Run {
            instrument,
            date: "26 Nov 2026".to_owned(),
            results,
        })
        .collect()
    }

    #[test]
    fn a_page_has_targets_plots_notes_and_tables() {
        let machine = Machine {
            processor: "A processor".to_owned(),
            cores: 2,
            memory_gib: 24,
            kernel: "6.1".to_owned(),
        };
        let runs = measured();
        let plots = crate::plot::draw(&runs).unwrap();
        insta::assert_snapshot!(render(&runs, &plots, "## What people say\n\nNothing.\n", &machine));
    }
}
