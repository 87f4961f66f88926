//! Where the gateway sends what it tells of itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Source;

/// Traces and metrics by OTLP, as protobuf over HTTP. Metrics are at `/metrics` in any case.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct TelemetryConfig {
    /// The address of a collector, as in `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` are added. Else the
    /// environment's `OTEL_EXPORTER_OTLP_ENDPOINT` counts, and without either nothing is sent.
    pub(crate) endpoint: Option<String>,
    /// Headers that each message to it gets.
    pub(crate) headers: BTreeMap<String, Source>,
    /// How often it is sent what there is, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) interval_ms: u64,
    /// Whether requests are traced.
    pub(crate) traces: bool,
    /// Whether metrics are sent.
    pub(crate) metrics: bool,
    /// How many of the requests are traced whose client does not say by `traceparent` whether they are: 1.0 is all of them.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) sample_ratio: f64,
    /// What it is called; else as the environment's `OTEL_SERVICE_NAME` says, or `heimdall`.
    pub(crate) service_name: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        TelemetryConfig {
            endpoint: None,
            headers: BTreeMap::new(),
            interval_ms: 10_000,
            traces: true,
            metrics: true,
            sample_ratio: 1.0,
            service_name: None,
        }
    }
}
