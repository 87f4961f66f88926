//! An axis: where values lie, and which are written beside it.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// Where values lie, and which are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    logarithmic: bool,
    ends: Range<f64>,
    marks: Vec<f64>,
}

impl Axis {
    /// With powers of ten, and what is between them where there are few.
    pub fn logarithmic(values: impl Iterator<Item = f64> + Clone) -> Option<Axis> {
        let (least, most) = extremes(values)?;
        let ends = least * 0.8..most * 1.25;
        let steps: &[f64] = if ends.end / ends.start > 100.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let powers = ends.start.log10().floor() as i32..=ends.end.log10().floor() as i32;
        let marks = powers.flat_map(|power| steps.iter().map(move |step| 10_f64.powi(power) * step));
        Some(Axis {
            logarithmic: true,
            marks: marks.filter(|mark| ends.contains(mark)).collect(),
            ends,
        })
    }

    /// The same with these values written.
    pub fn marked(values: &[f64]) -> Option<Axis> {
        let axis = Axis::logarithmic(values.iter().copied())?;
        let marks = values.to_vec();
        Some(Axis { marks, ..axis })
    }

    /// From nothing on, with a handful of round values.
    pub fn linear(values: impl Iterator<Item = f64> + Clone) -> Option<Axis> {
        let (_, most) = extremes(values)?;
        let power = 10_f64.powf((most / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| most / step <= 5.0).unwrap_or(most);
        let ends = 0.0..most * 1.05;
        let marks = (0..6).map(|mark| f64::from(mark) * step);
        Some(Axis {
            logarithmic: false,
            marks: marks.filter(|mark| ends.contains(mark)).collect(),
            ends,
        })
    }

    /// So many rows of the height 1, without values.
    pub fn rows(count: usize) -> Axis {
        Axis {
            logarithmic: false,
            ends: 0.0..count as f64,
            marks: Vec::new(),
        }
    }

    pub fn start(&self) -> f64 {
        self.ends.start
    }

    pub fn is_marked(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Which part of the axis is before a value.
    fn part(&self, value: f64) -> f64 {
        let place = |value: f64| if self.logarithmic { value.log10() } else { value };
        let (start, end) = (place(self.ends.start), place(self.ends.end));
        // What has no logarithm lies at the beginning.
        (place(value.max(self.ends.start)) - start) / (end - start)
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        start + (self.part(*value) * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

/// The least and the most of what can be drawn.
fn extremes(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let values = values.filter(|value| value.is_finite() && *value > 0.0);
    values.clone().reduce(f64::min).zip(values.reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(axis: &Axis) -> Vec<f64> {
        axis.marks.iter().map(|mark| mark.round()).collect()
    }

    #[test]
    fn a_long_logarithmic_axis_has_powers_of_ten_and_a_short_one_more() {
        let long = Axis::logarithmic([3.0, 50_000.0].into_iter()).unwrap();
        assert_eq!(written(&long), [10.0, 100.0, 1000.0, 10_000.0]);
        let short = Axis::logarithmic([300.0, 900.0].into_iter()).unwrap();
        assert_eq!(written(&short), [500.0, 1000.0]);
    }

    #[test]
    fn a_linear_axis_begins_at_nothing_and_has_round_values() {
        let axis = Axis::linear([400.0, 17_205.0].into_iter()).unwrap();
        assert_eq!(written(&axis), [0.0, 5000.0, 10_000.0, 15_000.0]);
    }

    #[test]
    fn values_lie_where_their_axis_has_them() {
        let ten = Axis {
            logarithmic: true,
            ends: 1.0..100.0,
            marks: Vec::new(),
        };
        assert_eq!(
            [0.0, 1.0, 10.0, 100.0].map(|value| ten.map(&value, (0, 200))),
            [0, 0, 100, 200]
        );
        assert_eq!(
            [0.0, 1.0, 4.0].map(|value| Axis::rows(4).map(&value, (200, 0))),
            [200, 150, 0]
        );
    }

    #[test]
    fn there_is_no_axis_without_values() {
        assert_eq!(Axis::linear(std::iter::empty()), None);
        assert_eq!(Axis::logarithmic([0.0, -1.0, f64::NAN].into_iter()), None);
    }
}
