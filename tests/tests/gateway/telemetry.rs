//! Traces and metrics by OTLP, and what a collector that takes nothing does to requests: nothing.

use std::collections::BTreeSet;

use heimdall_tests::guests::{GEN3, TYPED_GUARD, TYPED_TAG};
use heimdall_tests::process::Gateway;
use http::StatusCode;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::collector::{Collector, attribute};
use crate::scrape::{self, Scrape};
use crate::servers::{CHAT as ANSWER, Server, json, scripted};
use crate::support::*;
use crate::wat::{GuestFile, packed};

const CHAT: &str = "/v1/chat/completions";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn answering() -> Server {
    scripted(|_| json(200, ANSWER)).await
}

async fn ask(gateway: &Gateway, traceparent: Option<&str>) -> Answer {
    let mut request = client()
        .post(format!("{}{CHAT}", gateway.url))
        .header("x-request-id", "mine-1");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    let body = chat("up/a\u{1b}model", "hello").to_string();
    let answer = Answer::of(request.body(body).send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// What the last request told the upstream of its trace.
fn told(upstream: &Server) -> Vec<String> {
    let seen = upstream.seen();
    let lines = seen.last().unwrap().lines();
    let headers = lines.filter_map(|line| line.strip_prefix("traceparent: "));
    headers.map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind() == kind).collect()
}

#[tokio::test]
async fn a_request_is_a_span_with_one_for_each_hook_and_each_attempt_below_it() {
    let (collector, server) = (Collector::start().await, answering().await);
    let gateway = Gateway::start(&format!(
        "{}{}{}",
        collector.config("service_name = \"front\""),
        upstream("up", &server.url(), ""),
        plugin(TYPED_TAG, ""),
    ));
    ask(&gateway, Some(&format!("00-{TRACE}-b7ad6b7169203331-01"))).await;
    let is_own = |span: &Span| span.kind() == SpanKind::Server;
    let spans = collector
        .wait(|got| got.spans.iter().any(is_own).then(|| got.spans.clone()))
        .await;
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:#?}");
    let own = of_kind(&spans, SpanKind::Server)[0];
    assert_eq!(
        (own.name.as_str(), hex(&own.parent_span_id).as_str()),
        ("POST /v1/chat/completions", "b7ad6b7169203331")
    );
    for (key, expected) in [
        ("heimdall.request_id", "mine-1"),
        ("http.request.method", "POST"),
        ("http.route", "/v1/chat/completions"),
        ("http.response.status_code", "200"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "a\\u{1b}model"),
        ("heimdall.upstream", "up"),
    ] {
        assert_eq!(attribute(&own.attributes, key).as_deref(), Some(expected), "{key}");
    }
    let attempt = of_kind(&spans, SpanKind::Client)[0];
    assert_eq!(attempt.parent_span_id, own.span_id);
    assert_eq!(
        attribute(&attempt.attributes, "http.response.status_code").as_deref(),
        Some("200")
    );
    assert_eq!(told(&server), [format!("00-{TRACE}-{}-01", hex(&attempt.span_id))]);
    let hooks = of_kind(&spans, SpanKind::Internal);
    let names: BTreeSet<_> = hooks.iter().map(|span| span.name.clone()).collect();
    assert!(names.contains(&format!("{} before-call", TYPED_TAG.name)), "{names:?}");
    for hook in hooks {
        assert_eq!(hook.parent_span_id, own.span_id, "{}", hook.name);
        assert!(own.start_time_unix_nano <= hook.start_time_unix_nano, "{}", hook.name);
        assert!(hook.start_time_unix_nano <= hook.end_time_unix_nano, "{}", hook.name);
        assert!(hook.end_time_unix_nano <= own.end_time_unix_nano, "{}", hook.name);
        assert_eq!(
            attribute(&hook.attributes, "heimdall.outcome").as_deref(),
            Some("proceeded")
        );
    }
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len());
    let resource = collector.got.lock().unwrap().resources[0].clone();
    assert_eq!(
        attribute(&resource.attributes, "service.name").as_deref(),
        Some("front")
    );
    printed(&gateway, &format!("trace_id=\"{TRACE}\"")).await;
}

#[tokio::test]
async fn a_hook_that_fails_and_an_upstream_that_is_not_there_are_errors_with_their_cause() {
    let collector = Collector::start().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let file = GuestFile::new("traps.wasm", packed("unreachable", ""));
    let gateway = Gateway::start(&format!(
        "{}{}{}",
        collector.config(""),
        upstream("up", &format!("http://{unused}/v1"), "retries = 0"),
        file.entry("traps", "on_failure = \"open\""),
    ));
    assert_eq!(post(&gateway, CHAT, chat("m", "hello")).await.status, 502);
    let spans = collector.trace(3).await;
    for (kind, cause) in [(SpanKind::Internal, "trap"), (SpanKind::Client, "connect")] {
        let span = of_kind(&spans, kind)[0];
        assert_eq!(attribute(&span.attributes, "error.type").as_deref(), Some(cause));
        assert!(span.status.is_some(), "{span:?}");
    }
    assert!(of_kind(&spans, SpanKind::Server)[0].status.is_some());
}

#[tokio::test]
async fn the_chunks_of_a_stream_are_one_span_for_each_plugin_and_hook() {
    let (collector, replay) = (Collector::start().await, replay());
    let gateway = Gateway::start(&format!(
        "{}{}{}",
        collector.config(""),
        upstream("up", &replay.upstream("whole", "streams/chat-secret.sse"), ""),
        plugin(TYPED_GUARD, ""),
    ));
    post(&gateway, CHAT, streamed("m", "hello")).await;
    let name = format!("{} on-chunk", TYPED_GUARD.name);
    let chunks = collector
        .wait(|got| got.spans.iter().find(|span| span.name == name).cloned())
        .await;
    let count: u32 = attribute(&chunks.attributes, "heimdall.chunks")
        .unwrap()
        .parse()
        .unwrap();
    assert!(count > 1, "{chunks:?}");
    let of_name = |got: &crate::collector::Got| got.spans.iter().filter(|span| span.name == name).count();
    assert_eq!(of_name(&collector.got.lock().unwrap()), 1);
}

#[tokio::test]
async fn a_client_that_says_so_is_not_traced_and_the_upstream_is_told_so() {
    let (collector, server) = (Collector::start().await, answering().await);
    let base = upstream("up", &server.url(), "");
    let gateway = Gateway::start(&format!("{}{base}{}", collector.config(""), plugin(GEN3, "")));
    ask(&gateway, Some(&format!("00-{TRACE}-b7ad6b7169203331-00"))).await;
    let header = told(&server);
    assert!(
        header[0].starts_with(&format!("00-{TRACE}-")) && header[0].ends_with("-00"),
        "{header:?}"
    );
    ask(&gateway, Some("no traceparent")).await;
    let spans = collector.wait(|got| {
        got.spans
            .iter()
            .any(|span| span.kind() == SpanKind::Server)
            .then(|| got.spans.clone())
    });
    assert!(spans.await.iter().all(|span| hex(&span.trace_id) != TRACE));
}

#[tokio::test]
async fn without_telemetry_a_traceparent_passes_as_it_is() {
    let server = answering().await;
    let gateway = Gateway::start(&upstream("up", &server.url(), ""));
    let sent = format!("00-{TRACE}-b7ad6b7169203331-01");
    ask(&gateway, Some(&sent)).await;
    assert_eq!(told(&server), [sent]);
}

#[tokio::test]
async fn a_ratio_of_zero_traces_nothing_that_the_client_does_not_ask_for() {
    let (collector, server) = (Collector::start().await, answering().await);
    let base = upstream("up", &server.url(), "");
    let gateway = Gateway::start(&format!("{}{base}", collector.config("sample_ratio = 0.0")));
    ask(&gateway, None).await;
    ask(&gateway, Some(&format!("00-{TRACE}-b7ad6b7169203331-01"))).await;
    let spans = collector.trace(2).await;
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:#?}");
}

#[tokio::test]
async fn the_collector_is_sent_the_metrics_that_a_scrape_tells() {
    let collector = Collector::start().await;
    let gateway = Gateway::start(&format!(
        "{}{}",
        collector.config("traces = false"),
        plugin(TYPED_TAG, "")
    ));
    post(&gateway, CHAT, chat("echo", "hello")).await;
    let families: BTreeSet<String> = Scrape::of(&gateway).await.families.into_keys().collect();
    let has_call = |metrics: &[opentelemetry_proto::tonic::metrics::v1::Metric]| {
        metrics.iter().any(|metric| match &metric.data {
            Some(metric::Data::Histogram(histogram)) if metric.name == "heimdall_plugin_duration_seconds" => {
                histogram.data_points.iter().any(|point| point.count > 0)
            }
            _ => false,
        })
    };
    let metrics = collector
        .wait(|got| has_call(&got.metrics).then(|| got.metrics.clone()))
        .await;
    let names: BTreeSet<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
    assert_eq!(names, families);
    for metric in metrics {
        match metric.data.unwrap() {
            metric::Data::Sum(sum) => {
                assert!(sum.is_monotonic, "{}", metric.name);
                assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Cumulative);
                assert!(sum.data_points.iter().all(|point| point.start_time_unix_nano > 0));
            }
            metric::Data::Histogram(histogram) => {
                assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Cumulative);
                assert_eq!(metric.unit, "s");
                for point in histogram.data_points {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count, "{}", metric.name);
                    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                    assert!(point.explicit_bounds.is_sorted());
                }
            }
            metric::Data::Gauge(gauge) => assert!(!metric.name.is_empty() && gauge.data_points.len() < 100),
            other => panic!("{other:?}"),
        }
    }
    assert!(collector.got.lock().unwrap().spans.is_empty());
}

#[tokio::test]
async fn a_collector_that_takes_nothing_costs_no_request_and_is_told_of_once() {
    let collector = Collector::answering(StatusCode::SERVICE_UNAVAILABLE).await;
    let gateway = Gateway::start(&collector.config(""));
    for _ in 0..3 {
        assert_eq!(post(&gateway, CHAT, chat("echo", "hello")).await.status, 200);
    }
    scrape::eventually(&gateway, |scrape| {
        scrape.sum("heimdall_telemetry_spans_dropped_total", &[]) >= 6.0
            && scrape.sum("heimdall_telemetry_exports_failed_total", &[("signal", "metrics")]) >= 2.0
    })
    .await;
    printed(&gateway, "takes no telemetry").await;
    let warnings = gateway.output().matches("takes no telemetry").count();
    assert_eq!(warnings, 1, "{}", gateway.output());
}

#[tokio::test]
async fn what_is_left_is_sent_at_the_end_with_the_headers_that_are_configured() {
    let collector = Collector::start().await;
    let config = "[telemetry]\ninterval_ms = 3600000\n[telemetry.headers]\n\
                  authorization = { env = \"COLLECTOR_KEY\" }\nx-team = { value = \"a\" }\n";
    let endpoint = format!("http://{}/", collector.address);
    let environment = [
        ("COLLECTOR_KEY", "Bearer collector-key"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SERVICE_NAME", "by-environment"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment=test%20one,service.name=other",
        ),
    ];
    let gateway = Gateway::start_with(config, &environment, &[]).unwrap();
    // What there is at the start is sent at once; the rest waits.
    collector.wait(|got| (!got.metrics.is_empty()).then_some(())).await;
    post(&gateway, CHAT, chat("echo", "hello")).await;
    gateway.terminate();
    collector.trace(2).await;
    let got = collector.got.lock().unwrap();
    let of = |key| attribute(&got.resources[0].attributes, key);
    assert_eq!(of("service.name").as_deref(), Some("by-environment"));
    assert_eq!(of("deployment.environment").as_deref(), Some("test one"));
    for headers in &got.headers {
        assert_eq!(headers["authorization"], "Bearer collector-key");
        assert_eq!(headers["x-team"], "a");
        assert_eq!(headers["content-type"], "application/x-protobuf");
    }
    assert!(!gateway.output().contains("collector-key"), "{}", gateway.output());
}
