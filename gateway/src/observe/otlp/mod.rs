//! OTLP: traces and metrics as protobuf, sent to a collector over HTTP by one task.

mod exporter;
mod metrics;
mod settings;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::trace::{Sampling, Tracer};
use crate::config::TelemetryConfig;
use crate::server::Live;
use exporter::Exporter;
use settings::Settings;

/// Spans that may wait to be sent; more are dropped, and counted.
const WAITING: usize = 8192;

/// How long what is left at the end may take to be sent.
const LAST_EXPORT: Duration = Duration::from_secs(5);

/// What did not arrive.
#[derive(Debug, Default)]
pub(crate) struct TelemetryCounters {
    pub(super) spans_dropped: AtomicU64,
    pub(super) traces_failed: AtomicU64,
    pub(super) metrics_failed: AtomicU64,
}

/// What sends telemetry.
pub(crate) struct Telemetry {
    done: CancellationToken,
    task: JoinHandle<()>,
}

impl Telemetry {
    /// Begins to send, where the configuration or the environment says where to.
    ///
    /// # Errors
    /// When the environment's address or a header can't be used.
    pub(crate) fn start(config: &TelemetryConfig, live: &Live) -> anyhow::Result<Option<Telemetry>> {
        let Some(settings) = Settings::new(config)? else {
            return Ok(None);
        };
        let observation = live.app().observation.clone();
        let (spans, waiting) = mpsc::channel(WAITING);
        if config.traces {
            let sampling = Sampling::ratio(config.sample_ratio);
            let tracer = Tracer::new(spans.clone(), observation.telemetry.clone(), sampling);
            let _first = observation.tracer.set(Arc::new(tracer));
        }
        let done = CancellationToken::new();
        let exporter = Exporter::new(settings, live.clone(), (spans, waiting))?;
        Ok(Some(Telemetry {
            task: tokio::spawn(exporter.run(done.clone())),
            done,
        }))
    }

    /// Sends what is left, within a bound.
    pub(crate) async fn finish(self) {
        self.done.cancel();
        if timeout(LAST_EXPORT, self.task).await.is_err() {
            tracing::warn!(
                "the last traces and metrics are lost: the collector did not take them within {LAST_EXPORT:?}"
            );
        }
    }
}

/// An attribute of a span, a series or a process.
pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// An attribute that is a text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

/// Nanoseconds since 1970.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
