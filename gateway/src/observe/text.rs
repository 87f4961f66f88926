//! Metrics as Prometheus reads them: the text of OpenMetrics.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    CounterValueEncoder, DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, GaugeValueEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

use super::family::{Family, Number, Samples};

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// No number is told with an example.
const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;

pub(super) fn text(families: Vec<Family>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut out = String::new();
    // Writing to a string does not fail.
    let _written = text::encode(&mut out, &registry);
    out
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let kind = match family.samples {
                Samples::Counter(_) => MetricType::Counter,
                Samples::Gauge(_) => MetricType::Gauge,
                Samples::Histogram(_) => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            match &family.samples {
                Samples::Counter(series) => {
                    for (labels, number) in series {
                        metric
                            .encode_family(&labels.as_slice())?
                            .encode_counter(number, NO_EXEMPLAR)?;
                    }
                }
                Samples::Gauge(series) => {
                    for (labels, number) in series {
                        metric.encode_family(&labels.as_slice())?.encode_gauge(number)?;
                    }
                }
                Samples::Histogram(series) => {
                    for (labels, times) in series {
                        let bound = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |it| it.as_secs_f64());
                        let buckets = times.buckets().map(|(to, count)| (bound(to), count));
                        metric
                            .encode_family(&labels.as_slice())?
                            .encode_histogram::<NoLabelSet>(
                                times.sum().as_secs_f64(),
                                times.count(),
                                &buckets.collect::<Vec<_>>(),
                                None,
                            )?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl EncodeCounterValue for Number {
    fn encode(&self, encoder: &mut CounterValueEncoder<'_>) -> fmt::Result {
        match self {
            Number::Whole(number) => EncodeCounterValue::encode(number, encoder),
            Number::Real(number) => EncodeCounterValue::encode(number, encoder),
        }
    }
}

impl EncodeGaugeValue for Number {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        match self {
            Number::Whole(number) => EncodeGaugeValue::encode(number, encoder),
            Number::Real(number) => EncodeGaugeValue::encode(number, encoder),
        }
    }
}
