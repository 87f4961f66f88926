//! A collector of OTLP over HTTP, which keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

use crate::support::PATIENCE;

#[derive(Default)]
pub struct Got {
    pub resources: Vec<Resource>,
    pub spans: Vec<Span>,
    /// Of the last message.
    pub metrics: Vec<Metric>,
    pub headers: Vec<HeaderMap>,
}

/// A running collector.
pub struct Collector {
    pub address: SocketAddr,
    pub got: Arc<Mutex<Got>>,
}

#[derive(Clone)]
struct Kept {
    got: Arc<Mutex<Got>>,
    status: StatusCode,
}

impl Collector {
    pub async fn start() -> Collector {
        Collector::answering(StatusCode::OK).await
    }

    /// One that answers with this status.
    pub async fn answering(status: StatusCode) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::<Mutex<Got>>::default();
        let kept = Kept {
            got: got.clone(),
            status,
        };
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(kept);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Collector { address, got }
    }

    /// The configuration that sends to it, as soon as there is something.
    pub fn config(&self, more: &str) -> String {
        let address = self.address;
        format!("[telemetry]\nendpoint = \"http://{address}\"\ninterval_ms = 20\n{more}\n")
    }

    /// Waits until this is there.
    pub async fn wait<T>(&self, find: impl Fn(&Got) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = find(&self.got.lock().unwrap()) {
                return found;
            }
            let spans = self.got.lock().unwrap().spans.clone();
            assert!(started.elapsed() < PATIENCE, "{spans:#?}");
            tokio::task::yield_now().await;
        }
    }

    /// The spans of one whole request: its own, once it is there, comes last, but for what a stream's end leaves to plugins.
    pub async fn trace(&self, count: usize) -> Vec<Span> {
        self.wait(|got| (got.spans.len() >= count).then(|| got.spans.clone()))
            .await
    }
}

async fn traces(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut got = kept.got.lock().unwrap();
    got.headers.push(headers);
    for resource in request.resource_spans {
        got.resources.extend(resource.resource);
        got.spans
            .extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    kept.status
}

async fn metrics(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let mut got = kept.got.lock().unwrap();
    got.headers.push(headers);
    for resource in request.resource_metrics {
        got.metrics = resource
            .scope_metrics
            .into_iter()
            .flat_map(|scope| scope.metrics)
            .collect();
    }
    kept.status
}

/// An attribute, as text.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}
