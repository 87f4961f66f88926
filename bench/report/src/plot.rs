//! The plots of the page: of which tables they are.

use heimdall_measure::sample::Spread;

use crate::chart::{self, Bar, Line};
use crate::run::Run;

/// A plot that was drawn.
#[derive(Debug)]
pub struct Plot {
    /// From the folder `docs`.
    pub file: String,
    pub title: &'static str,
    pub svg: String,
}

struct Shown {
    instrument: &'static str,
    file: &'static str,
    title: &'static str,
    kind: Kind,
}

enum Kind {
    /// Times over sizes of documents; of each line its table, who it is of there, and its name here.
    Sizes(&'static [(&'static str, &'static str, &'static str)]),
    /// The same, of a KiB of each document: both axes but the sizes' begin at nothing.
    PerKib(&'static [(&'static str, &'static str, &'static str)]),
    /// One measure of everyone in a table, from nothing on.
    Bars { what: &'static str, measure: &'static str },
    /// The same where some are many times others.
    Dots { what: &'static str, measure: &'static str },
}

const READ: &str = "before-call: one member is read";
const INSERT: &str = "before-call: a message is inserted";
const DOCUMENT: &str = "a document is read";
const LOAD: &str = "1 KB, 32 at once, HTTP/1.1";
const STREAM: &str = "1 KB, streamed, 32 at once, HTTP/1.1";
const GATEWAYS: &str = "1 KB, 32 at once, HTTP/1.1, beside other gateways";

const SHOWN: [Shown; 8] = [
    Shown {
        instrument: "calls",
        file: "read.svg",
        title: "A hook reads one member: time of a call by the size of the request",
        kind: Kind::Sizes(&[
            (READ, "typed", "typed"),
            (READ, "packed, generation 3", "packed, generation 3"),
            (READ, "floor: the engine alone, one resource", "the engine alone"),
            (DOCUMENT, "serde_json: parse and print", "serde_json: parse, print"),
        ]),
    },
    Shown {
        instrument: "calls",
        file: "insert.svg",
        title: "A hook inserts a message: time of a call by the size of the request",
        kind: Kind::Sizes(&[
            (INSERT, "typed", "typed"),
            (INSERT, "packed, generation 3: edit", "packed, generation 3"),
            (INSERT, "floor: packed, generation 3: edit", "the packed guest alone"),
            (INSERT, "serde_json: parse and print", "serde_json: parse, print"),
        ]),
    },
    Shown {
        instrument: "calls",
        file: "document.svg",
        title: "A document is read: time for a KiB by its size",
        kind: Kind::PerKib(&[
            (DOCUMENT, "indexed", "indexed, as Heimdall does"),
            (DOCUMENT, "serde_json: parse", "serde_json: parse"),
            (DOCUMENT, "serde_json: parse and print", "serde_json: parse, print"),
        ]),
    },
    Shown {
        instrument: "peers",
        file: "echo.svg",
        title: "A plugin gives back what it gets: time of a call by the size",
        kind: Kind::Sizes(&[
            ("echo", "Heimdall, packed", "Heimdall, packed"),
            ("echo", "Heimdall, typed", "Heimdall, typed"),
            ("echo", "Extism (Rust)", "Extism (Rust)"),
            ("echo", "Extism (Go SDK)", "Extism (Go SDK)"),
            ("echo", "component list<u8>", "component, list<u8>"),
            ("echo", "wasmi", "wasmi"),
            ("echo", "wazero", "wazero"),
        ]),
    },
    Shown {
        instrument: "peers",
        file: "instances.svg",
        title: "A new instance of a compiled plugin: time",
        kind: Kind::Dots {
            what: "new instance",
            measure: "time",
        },
    },
    Shown {
        instrument: "load",
        file: "gateway.svg",
        title: "Requests/s at 32 connections, 1 KB",
        kind: Kind::Bars {
            what: LOAD,
            measure: "requests",
        },
    },
    Shown {
        instrument: "load",
        file: "stream.svg",
        title: "Chunks/s at 32 connections, answers of 50 chunks",
        kind: Kind::Bars {
            what: STREAM,
            measure: "chunks",
        },
    },
    Shown {
        instrument: "load",
        file: "gateways.svg",
        title: "Requests/s at 32 connections, beside other gateways",
        kind: Kind::Dots {
            what: GATEWAYS,
            measure: "requests",
        },
    },
];

/// Draws all of which something was measured.
///
/// # Errors
/// Where one can't be drawn.
pub fn draw(runs: &[Run]) -> anyhow::Result<Vec<Plot>> {
    let mut plots = Vec::new();
    for shown in &SHOWN {
        let run = runs.iter().find(|run| run.instrument.name == shown.instrument);
        if let Some(svg) = run.map(|run| drawn(shown, run)).transpose()?.flatten() {
            plots.push(Plot {
                file: format!("benchmarks/{}", shown.file),
                title: shown.title,
                svg,
            });
        }
    }
    Ok(plots)
}

fn drawn(shown: &Shown, run: &Run) -> anyhow::Result<Option<String>> {
    match shown.kind {
        Kind::Sizes(of) => chart::lines(shown.title, &lines(run, of), true),
        Kind::PerKib(of) => {
            let mut lines = lines(run, of);
            for (size, spread) in lines.iter_mut().flat_map(|line| &mut line.points) {
                *spread = times(spread, 1024.0 / *size);
            }
            chart::lines(shown.title, &lines, false)
        }
        Kind::Bars { what, measure } => chart::bars(shown.title, &bars(run, what, measure), false),
        Kind::Dots { what, measure } => chart::bars(shown.title, &bars(run, what, measure), true),
    }
}

fn lines(run: &Run, of: &'static [(&'static str, &'static str, &'static str)]) -> Vec<Line> {
    let points = |what, who| {
        let rows = run.results.rows.iter().filter(|row| row.what == what && row.who == who);
        rows.filter_map(|row| Some((row.size as f64, row.measures.get("time")?.samples.spread()?)))
            .collect()
    };
    let lines = of.iter().map(|&(what, who, name)| Line {
        name,
        points: points(what, who),
    });
    lines.filter(|line| !line.points.is_empty()).collect()
}

fn bars(run: &Run, what: &str, measure: &str) -> Vec<Bar> {
    let rows = run.results.rows.iter().filter(|row| row.what == what);
    let bar = rows.filter_map(|row| {
        let measure = row.measures.get(measure)?;
        Some(Bar {
            name: row.who.clone(),
            unit: measure.unit,
            value: measure.samples.spread()?,
        })
    });
    bar.collect()
}

fn times(spread: &Spread, factor: f64) -> Spread {
    Spread {
        median: spread.median * factor,
        low: spread.low * factor,
        high: spread.high * factor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::measured;

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let drawn = draw(&measured()).unwrap();
        let files: Vec<&str> = drawn.iter().map(|plot| plot.file.as_str()).collect();
        assert_eq!(
            files,
            [
                "benchmarks/document.svg",
                "benchmarks/instances.svg",
                "benchmarks/gateways.svg"
            ]
        );
    }

    #[test]
    fn a_plot_names_what_it_shows() {
        let drawn = draw(&measured()).unwrap();
        let gateways = &drawn.last().unwrap().svg;
        for name in ["Heimdall, 1 typed", "LiteLLM", "14,000/s"] {
            assert!(gateways.contains(name), "{name:?} is not in\n{gateways}");
        }
    }
}
