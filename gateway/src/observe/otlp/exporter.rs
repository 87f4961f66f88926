//! The task that sends telemetry: what there is, every so often, and spans as soon as there are many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::metrics::{Period, metric};
use super::settings::Settings;
use super::{TelemetryCounters, nanos};
use crate::observe::families;
use crate::server::Live;

/// Spans in one message.
const BATCH: usize = 512;

/// How long a message may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is told at most that a collector takes nothing.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Exporter {
    settings: Settings,
    client: Client,
    live: Live,
    counters: Arc<TelemetryCounters>,
    spans: Receiver<Span>,
    /// Keeps the queue open where nothing is traced.
    _open: Sender<Span>,
    since: SystemTime,
    told: Option<Instant>,
}

impl Exporter {
    pub(super) fn new(
        settings: Settings,
        live: Live,
        (open, spans): (Sender<Span>, Receiver<Span>),
    ) -> anyhow::Result<Exporter> {
        Ok(Exporter {
            client: client(&settings).context("telemetry can't be sent: no HTTP client could be made")?,
            counters: live.app().observation.telemetry.clone(),
            settings,
            live,
            spans,
            _open: open,
            since: SystemTime::now(),
            told: None,
        })
    }

    /// Sends until `done`, and then what is left.
    pub(super) async fn run(mut self, done: CancellationToken) {
        let mut ticks = interval(Duration::from_millis(self.settings.interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let room = BATCH.saturating_sub(batch.len());
            let is_due = tokio::select! {
                () = done.cancelled() => break,
                _ = ticks.tick() => true,
                _ = self.spans.recv_many(&mut batch, room) => false,
            };
            if is_due || batch.len() >= BATCH {
                self.send_spans(&mut batch).await;
            }
            if is_due {
                self.send_metrics().await;
            }
        }
        self.send_spans(&mut batch).await;
        self.spans.close();
        while self.spans.recv_many(&mut batch, BATCH).await > 0 {
            self.send_spans(&mut batch).await;
        }
        self.send_metrics().await;
    }

    async fn send_spans(&mut self, batch: &mut Vec<Span>) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        let spans = std::mem::replace(batch, Vec::with_capacity(BATCH));
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.settings.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope()),
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        if let Err(error) = self.send(self.settings.traces.clone(), &request).await {
            self.counters.spans_dropped.fetch_add(count, Ordering::Relaxed);
            self.failed(&error, |counters| &counters.traces_failed);
        }
    }

    async fn send_metrics(&mut self) {
        if !self.settings.sends_metrics {
            return;
        }
        let period = Period {
            since: nanos(self.since),
            now: nanos(SystemTime::now()),
        };
        let Some(families) = families(self.live.app()).await else {
            return;
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.settings.resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics: families.into_iter().map(|family| metric(family, period)).collect(),
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        if let Err(error) = self.send(self.settings.metrics.clone(), &request).await {
            self.failed(&error, |counters| &counters.metrics_failed);
        }
    }

    async fn send(&self, url: Url, message: &impl Message) -> anyhow::Result<()> {
        let request = self.client.post(url).body(message.encode_to_vec());
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        ensure!(status.is_success(), "it answered with status {}", status.as_u16());
        Ok(())
    }

    /// What was not taken is dropped: a collector that is away must not make the gateway grow.
    fn failed(&mut self, error: &anyhow::Error, count: impl Fn(&TelemetryCounters) -> &AtomicU64) {
        count(&self.counters).fetch_add(1, Ordering::Relaxed);
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            let words = format!("{error:#}");
            tracing::warn!(
                error = ?words,
                "the collector at `telemetry.endpoint` takes no telemetry, and what it does not take is lost"
            );
        }
    }
}

fn client(settings: &Settings) -> anyhow::Result<Client> {
    let mut headers: HeaderMap = settings.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    // A redirect would carry the headers elsewhere; so would a proxy that the configuration does not name.
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .default_headers(headers);
    let builder = match settings.traces.scheme() {
        // A machine without certificates is no reason to refuse.
        "http" => builder.tls_certs_only([]),
        _ => builder,
    };
    Ok(builder.build()?)
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "heimdall".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
