//! Metric families as data, whatever they are told in.

use heimdall_host::counters::Times;

/// The labels of one series.
pub(super) type Labels = Vec<(&'static str, String)>;

/// All series of one name, each with its own labels.
#[derive(Debug)]
pub(super) struct Family {
    /// A counter's without `_total`.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) samples: Samples,
}

#[derive(Debug)]
pub(super) enum Samples {
    /// Numbers that only rise.
    Counter(Vec<(Labels, Number)>),
    Gauge(Vec<(Labels, Number)>),
    /// Durations, in seconds.
    Histogram(Vec<(Labels, Times)>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Number {
        Number::Whole(number)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Number {
        Number::Real(number)
    }
}

impl Family {
    /// A number that only rises. The name is without `_total`.
    pub(super) fn counter<N: Into<Number>>(
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, N)>,
    ) -> Family {
        let samples = Samples::Counter(numbers(series));
        Family { name, help, samples }
    }

    pub(super) fn gauge<N: Into<Number>>(
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, N)>,
    ) -> Family {
        let samples = Samples::Gauge(numbers(series));
        Family { name, help, samples }
    }

    pub(super) fn histogram(
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, Times)>,
    ) -> Family {
        let samples = Samples::Histogram(series.into_iter().collect());
        Family { name, help, samples }
    }
}

fn numbers<N: Into<Number>>(series: impl IntoIterator<Item = (Labels, N)>) -> Vec<(Labels, Number)> {
    let series = series.into_iter();
    series.map(|(labels, number)| (labels, number.into())).collect()
}
