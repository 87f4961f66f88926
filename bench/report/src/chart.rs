//! Charts, as SVG: lines over sizes, and bars. Names stand beside what they name.

use heimdall_measure::results::Unit;
use heimdall_measure::sample::Spread;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;
use crate::value;

/// Times by sizes of documents.
#[derive(Debug)]
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, Spread)>,
}

#[derive(Debug)]
pub struct Bar {
    pub name: String,
    pub unit: Unit,
    pub value: Spread,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

const WIDTH: u32 = 820;
/// What a line of text takes.
const TEXT: i32 = 16;
const GRID: RGBColor = RGBColor(225, 225, 225);
const OURS: RGBColor = RGBColor(0, 90, 170);
const OTHERS: RGBColor = RGBColor(150, 150, 150);
/// Told apart by those who see few colours too; ours is the first.
const COLORS: [RGBColor; 7] = [
    OURS,
    RGBColor(213, 94, 0),
    RGBColor(0, 140, 105),
    RGBColor(190, 100, 155),
    RGBColor(215, 150, 0),
    RGBColor(80, 170, 220),
    RGBColor(90, 90, 90),
];

/// Lines over sizes, which lie on a logarithmic axis; `None` where there are none.
pub fn lines(title: &str, lines: &[Line], logarithmic: bool) -> anyhow::Result<Option<String>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut sizes: Vec<f64> = points().map(|point| point.0).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let times = points().map(|point| point.1.median);
    let y = if logarithmic {
        Axis::logarithmic(times)
    } else {
        Axis::linear(times)
    };
    let Some((x, y)) = Axis::marked(&sizes).zip(y) else {
        return Ok(None);
    };
    let mut svg = String::new();
    {
        let area = titled(&mut svg, 420, title)?;
        let mut chart = framed(&area, x, y, 200)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .label_style(("sans-serif", 13))
            .x_label_formatter(&|value| value::size(*value as u64))
            .y_label_formatter(&|value| value::with_unit(*value, Unit::Nanoseconds))
            .draw()?;
        let mut names = Vec::new();
        for (line, color) in lines.iter().zip(COLORS.iter().cycle()) {
            names.extend(draw_line(&mut chart, line, *color)?.map(|end| (end, line.name, *color)));
        }
        beside(&area, names)?;
        area.present()?;
    }
    Ok(Some(svg))
}

/// One below the other; on a logarithmic axis, where lengths would say nothing, points. `None` where there are none.
pub fn bars(title: &str, bars: &[Bar], logarithmic: bool) -> anyhow::Result<Option<String>> {
    let values = bars.iter().map(|bar| bar.value.median);
    let x = if logarithmic {
        Axis::logarithmic(values)
    } else {
        Axis::linear(values)
    };
    let (Some(x), Some(unit)) = (x, bars.first().map(|bar| bar.unit)) else {
        return Ok(None);
    };
    let (y, start) = (Axis::rows(bars.len()), x.start());
    let mut svg = String::new();
    {
        let area = titled(&mut svg, 90 + 28 * bars.len() as u32, title)?;
        let mut chart = framed(&area, x, y, 110)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .label_style(("sans-serif", 13))
            .x_label_formatter(&|value| value::with_unit(*value, unit))
            .draw()?;
        for (row, bar) in bars.iter().rev().enumerate() {
            let mark = if logarithmic { Mark::Point } else { Mark::From(start) };
            let (end, height) = draw_bar(&mut chart, bar, row as f64 + 0.5, mark)?;
            let (left, _) = chart.backend_coord(&(start, 0.0));
            let told = value::with_unit(bar.value.median, unit);
            write(&area, &bar.name, (left - 8, height), HPos::Right, BLACK)?;
            write(&area, &told, (end + 10, height), HPos::Left, BLACK)?;
        }
        area.present()?;
    }
    Ok(Some(svg))
}

/// Medians, and quartiles across; where it ends.
fn draw_line(chart: &mut Chart<'_>, line: &Line, color: RGBColor) -> anyhow::Result<Option<(i32, i32)>> {
    let points = || line.points.iter();
    let medians: Vec<_> = points().map(|(size, time)| (*size, time.median)).collect();
    let quartiles = points().map(|(size, time)| vec![(*size, time.low), (*size, time.high)]);
    chart.draw_series(LineSeries::new(medians.iter().copied(), color.stroke_width(2)))?;
    chart.draw_series(medians.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
    chart.draw_series(quartiles.map(|ends| PathElement::new(ends, color.stroke_width(1))))?;
    Ok(medians.last().map(|end| chart.backend_coord(end)))
}

enum Mark {
    Point,
    /// A bar that begins there.
    From(f64),
}

/// A median, and quartiles along it; where it ends.
fn draw_bar(chart: &mut Chart<'_>, bar: &Bar, middle: f64, mark: Mark) -> anyhow::Result<(i32, i32)> {
    let color = if bar.name.starts_with("Heimdall") { OURS } else { OTHERS };
    let Spread { median, low, high } = bar.value;
    match mark {
        Mark::Point => chart.draw_series([Circle::new((median, middle), 5, color.filled())])?,
        Mark::From(start) => {
            let corners = [(start, middle - 0.32), (median, middle + 0.32)];
            chart.draw_series([Rectangle::new(corners, color.mix(0.75).filled())])?
        }
    };
    chart.draw_series([PathElement::new([(low, middle), (high, middle)], BLACK.stroke_width(1))])?;
    Ok(chart.backend_coord(&(median.max(high), middle)))
}

fn titled<'a>(svg: &'a mut String, height: u32, title: &str) -> anyhow::Result<Area<'a>> {
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let style = TextStyle::from(("sans-serif", 16).into_font());
    area.draw(&Text::new(title.to_owned(), (16, 14), style))?;
    Ok(area)
}

/// The frame of a chart, with so much room for names at its right.
fn framed<'a>(area: &Area<'a>, x: Axis, y: Axis, right: u32) -> anyhow::Result<Chart<'a>> {
    let left = if y.is_marked() { 72 } else { 220 };
    Ok(ChartBuilder::on(area)
        .margin_top(46)
        .margin_right(right)
        .margin_bottom(10)
        .x_label_area_size(30)
        .y_label_area_size(left)
        .build_cartesian_2d(x, y)?)
}

/// Names at the ends of lines, pushed apart where they would meet.
fn beside(area: &Area<'_>, mut names: Vec<((i32, i32), &str, RGBColor)>) -> anyhow::Result<()> {
    names.sort_by_key(|((_, height), ..)| *height);
    let mut free = 0;
    for ((end, height), name, color) in names {
        let height = height.max(free);
        free = height + TEXT;
        write(area, name, (end + 10, height), HPos::Left, color)?;
    }
    Ok(())
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos, color: RGBColor) -> anyhow::Result<()> {
    let style = TextStyle::from(("sans-serif", 13).into_font()).color(&color);
    let style = style.pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
