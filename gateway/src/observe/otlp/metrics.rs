//! Metric families in OTLP's words.

use heimdall_host::counters::Times;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, metric,
    number_data_point,
};

use super::text;
use crate::observe::family::{Family, Labels, Number, Samples};

/// When what is counted began to be, and when it is told, in nanoseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Period {
    pub(super) since: u64,
    pub(super) now: u64,
}

pub(super) fn metric(family: Family, period: Period) -> Metric {
    let cumulative = AggregationTemporality::Cumulative.into();
    let data = match family.samples {
        Samples::Counter(series) => metric::Data::Sum(Sum {
            data_points: numbers(series, period),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Samples::Gauge(series) => metric::Data::Gauge(Gauge {
            data_points: numbers(series, Period { since: 0, ..period }),
        }),
        Samples::Histogram(series) => metric::Data::Histogram(Histogram {
            data_points: series
                .into_iter()
                .map(|(labels, times)| histogram(labels, &times, period))
                .collect(),
            aggregation_temporality: cumulative,
        }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: unit(family.name).to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// The unit that a name ends with.
fn unit(name: &str) -> &'static str {
    if name.ends_with("_seconds") {
        "s"
    } else if name.contains("_bytes") {
        "By"
    } else {
        "1"
    }
}

fn attributes(labels: Labels) -> Vec<KeyValue> {
    labels.into_iter().map(|(key, value)| text(key, value)).collect()
}

fn numbers(series: Vec<(Labels, Number)>, period: Period) -> Vec<NumberDataPoint> {
    let point = |(labels, number)| NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: period.since,
        time_unix_nano: period.now,
        value: Some(match number {
            Number::Whole(number) => number_data_point::Value::AsInt(i64::try_from(number).unwrap_or(i64::MAX)),
            Number::Real(number) => number_data_point::Value::AsDouble(number),
        }),
        ..NumberDataPoint::default()
    };
    series.into_iter().map(point).collect()
}

fn histogram(labels: Labels, times: &Times, period: Period) -> HistogramDataPoint {
    let (bounds, counts): (Vec<_>, Vec<u64>) = times.buckets().unzip();
    HistogramDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: period.since,
        time_unix_nano: period.now,
        count: times.count(),
        sum: Some(times.sum().as_secs_f64()),
        bucket_counts: counts,
        explicit_bounds: bounds.into_iter().flatten().map(|bound| bound.as_secs_f64()).collect(),
        ..HistogramDataPoint::default()
    }
}
