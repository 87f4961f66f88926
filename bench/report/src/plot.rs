//! Plots, as SVG.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use heimdall_measure::results::{Results, Row, Unit};
use plotters::prelude::*;

use super::value;

/// A plot that was drawn.
pub struct Plot {
    pub file: String,
    pub title: &'static str,
}

/// What a plot shows: of one table these contenders, over the sizes of documents, both axes logarithmic.
struct Shown {
    instrument: &'static str,
    what: &'static str,
    who: &'static [&'static str],
    file: &'static str,
    title: &'static str,
}

const SHOWN: [Shown; 4] = [
    Shown {
        instrument: "calls",
        what: "before-call: one member is read",
        who: &["typed", "packed, generation 3", "floor: the engine alone, one resource"],
        file: "read.svg",
        title: "A hook reads one member, by the request's size",
    },
    Shown {
        instrument: "calls",
        what: "a document is read",
        who: &["indexed", "serde_json: parse", "serde_json: parse and print", "copied"],
        file: "document.svg",
        title: "A document is read, by its size",
    },
    Shown {
        instrument: "peers",
        what: "echo",
        who: &[
            "Heimdall, typed",
            "Heimdall, packed",
            "Extism (Rust)",
            "Extism (Go SDK)",
            "wazero",
            "wasmi",
        ],
        file: "echo.svg",
        title: "A plugin changes nothing, by the document's size",
    },
    Shown {
        instrument: "peers",
        what: "insert a message",
        who: &[
            "Heimdall, typed",
            "Heimdall, packed",
            "Extism (Rust)",
            "Extism (Go SDK)",
            "wazero",
            "wasmi",
        ],
        file: "insert.svg",
        title: "A plugin inserts a message, by the document's size",
    },
];

/// Draws all of them into this folder.
///
/// # Errors
/// Where a file can't be written, or what was measured has no such table.
pub fn draw(results: &[Results], folder: &Path) -> anyhow::Result<Vec<Plot>> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    SHOWN
        .iter()
        .map(|shown| {
            let path = folder.join(shown.file);
            let of = results.iter().find(|results| results.instrument == shown.instrument);
            let rows = of.map(|results| results.rows.as_slice()).unwrap_or_default();
            one(shown, rows, path).with_context(|| format!("the plot {}", shown.file))?;
            Ok(Plot {
                file: format!("benchmarks/{}", shown.file),
                title: shown.title,
            })
        })
        .collect()
}

type Line = (&'static str, Vec<(f64, f64)>);

fn one(shown: &Shown, rows: &[Row], path: PathBuf) -> anyhow::Result<()> {
    let lines: Vec<Line> = shown
        .who
        .iter()
        .map(|who| (*who, points(rows, shown.what, who)))
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let values = || all().map(of);
        let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some(least / 1.5..most * 1.5)
    };
    let axes = range(|point| point.0).zip(range(|point| point.1));
    let (x, y) = axes.ok_or_else(|| anyhow!("there is no table {:?}", shown.what))?;
    let area = SVGBackend::new(&path, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(shown.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .x_label_formatter(&|bytes| value::with_unit(*bytes, Unit::Bytes))
        .y_label_formatter(&|nanos| value::with_unit(*nanos, Unit::Nanoseconds))
        .draw()?;
    for (place, (who, points)) in lines.iter().enumerate() {
        let color = Palette99::pick(place).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3))?
            .label(*who)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    area.present()?;
    Ok(())
}

fn points(rows: &[Row], what: &str, who: &str) -> Vec<(f64, f64)> {
    let rows = rows.iter().filter(|row| row.what == what && row.who == who);
    let points = rows.filter_map(|row| {
        let time = row.measures.get("time")?.samples.spread()?;
        Some((row.size as f64, time.median))
    });
    points.collect()
}
