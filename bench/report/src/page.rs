//! The page, and the README's lines.

use std::fmt::Write as _;

use heimdall_measure::results::{Results, Target};

use super::machine::Machine;
use super::plot::Plot;
use super::{table, value};

const HEAD: &str = "\
# Benchmarks

What a plugin costs, beside what users would pick instead. All of it is written by a program from what was measured:

```sh
just bench          # an hour on two cores; `just bench-calls`, `just bench-peers` and `target/release/load` are its parts
```

What is stated are ratios within one run: the things that are compared are measured in turn, round by round, and the ratio is
taken in each round. Medians and quartiles of the rounds are shown, absolute times only for orientation. Limits, deadlines, metrics
and drafts are on in every figure.
";

/// Whole, in Markdown.
pub fn render(all: &[Results], plots: &[Plot], notes: &str, machine: &Machine) -> String {
    let mut page = String::from(HEAD);
    // Writing to a string does not fail.
    let _written = write!(page, "\n{}\n", about(all, machine));
    let targets: Vec<&Target> = all.iter().flat_map(|results| &results.targets).collect();
    let met = targets.iter().filter(|target| target.is_met()).count();
    let _written = writeln!(page, "## Targets\n\n{met} of {} are met.\n", targets.len());
    for results in all {
        let _written = writeln!(
            page,
            "### {}\n\n{}",
            results.instrument,
            table::targets(&results.targets)
        );
    }
    page.push_str(notes);
    page.push_str("\n## Plots\n\n");
    for plot in plots {
        let _written = writeln!(page, "![{}]({})\n", plot.title, plot.file);
    }
    page.push_str(
        "## All that was measured\n\nMedians; a table runs over sizes of documents where there are several.\n",
    );
    for results in all {
        let _written = writeln!(page, "\n### {}, in full\n\n{}", results.instrument, table::all(results));
        for left_out in &results.left_out {
            let _written = writeln!(page, "- not measured: {left_out}");
        }
    }
    page
}

fn about(all: &[Results], machine: &Machine) -> String {
    let versions = all.iter().flat_map(|results| &results.versions);
    let mut versions: Vec<String> = versions.map(|(name, version)| format!("{name} {version}")).collect();
    versions.sort_unstable();
    versions.dedup();
    format!(
        "Measured on {}: {}, {} cores, {} GiB, Linux {}. Versions: {}.\n",
        machine.date,
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        versions.join(", ")
    )
}

/// What a user cares for, one target of each instrument.
const QUOTED: [(&str, &str); 3] = [
    (
        "read-203k-over-375",
        "A typed plugin that reads one member of a 203 KB request takes {} × what it takes of a 375-byte one.",
    ),
    (
        "extism-instance-0",
        "A new instance of a plugin takes {} × what Extism's takes.",
    ),
    (
        "portkey-rate-32",
        "With one typed plugin the gateway serves {} × the requests/s of Portkey, 32 at once.",
    ),
];

/// The README's lines.
pub fn readme(all: &[Results]) -> String {
    let targets = || all.iter().flat_map(|results| &results.targets);
    let lines = QUOTED.iter().filter_map(|(id, words)| {
        let ratio = targets().find(|target| target.id == *id)?.ratio?;
        Some(format!("- {}\n", words.replace("{}", &value::rounded(ratio.median))))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use heimdall_measure::results::{Bound, Measure, Row, Unit};
    use heimdall_measure::sample::{Samples, Spread};

    use super::*;

    fn measured() -> Results {
        let mut results = Results::new("calls");
        results.versions.insert("wasmtime".to_owned(), "48.0.8".to_owned());
        let time = |nanos| Measure {
            unit: Unit::Nanoseconds,
            samples: Samples::new(vec![nanos]),
        };
        results.rows = vec![
            Row::new("read", "typed", 375, time(700.0)),
            Row::new("read", "typed", 1024, time(1400.0)),
            Row::new("made", "typed", 0, time(3000.0)).with(
                "memory",
                Measure {
                    unit: Unit::Bytes,
                    samples: Samples::new(vec![2048.0]),
                },
            ),
        ];
        let ratio = Some(Spread {
            median: 1.02,
            low: 1.01,
            high: 1.03,
        });
        results.targets = vec![
            Target::new("read-203k-over-375", "203 KB against 375 B", Bound::AtMost(1.2), ratio),
            Target::new("other", "something else", Bound::AtLeast(0.9), None),
        ];
        results.left_out = vec!["the moon".to_owned()];
        results
    }

    #[test]
    fn a_page_shows_targets_tables_notes_and_what_is_missing() {
        let machine = Machine {
            processor: "A processor".to_owned(),
            cores: 2,
            memory_gib: 24,
            kernel: "6.1".to_owned(),
            date: "26 Nov 2026".to_owned(),
        };
        let page = render(&[measured()], &[], "## Notes\n", &machine);
        for expected in [
            "Measured on 26 Nov 2026: A processor, 2 cores, 24 GiB, Linux 6.1. Versions: wasmtime 48.0.8.",
            "1 of 2 are met.",
            "| 203 KB against 375 B | ≤ 1.2 | 1.020 (1.010 to 1.030) | met |",
            "| something else | ≥ 0.9 | not measured | **missed** |",
            "## Notes\n",
            "#### read\n\n| | 375 B | 1 KiB |\n| --- | --- | --- |\n| typed | 700 ns | 1.4 µs |\n",
            "#### made\n\n| | memory | time |\n| --- | --- | --- |\n| typed | 2 KiB | 3 µs |\n",
            "- not measured: the moon\n",
        ] {
            assert!(page.contains(expected), "{expected:?} is not in\n{page}");
        }
    }

    #[test]
    fn the_readme_quotes_what_was_measured_alone() {
        let lines = readme(&[measured()]);
        assert_eq!(
            lines,
            "- A typed plugin that reads one member of a 203 KB request takes 1.02 × what it takes of a 375-byte one.\n"
        );
    }
}
