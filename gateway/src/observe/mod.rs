//! What the gateway tells of itself in numbers: one list of metric families, read from counters when somebody looks.
//!
//! Each label's values are from a fixed set or from the configuration, never from a client: what clients send makes no
//! series.

mod family;
mod otlp;
mod plugins;
mod process;
mod requests;
mod text;
mod trace;
mod upstreams;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use tracing_appender::non_blocking::ErrorCounter;

use crate::server::App;
use family::{Family, Labels};

pub(crate) use otlp::{Telemetry, TelemetryCounters};
pub(crate) use requests::{Requests, RouteName, UnderWay};
pub(crate) use trace::{Operation, RequestFacts, Trace, Tracer, UpstreamSpan};
pub(crate) use upstreams::{Asked, UpstreamCounters};

/// What is counted of the process, whatever configuration serves.
#[derive(Default)]
pub(crate) struct Observation {
    pub(crate) requests: Arc<Requests>,
    pub(crate) reloads: ReloadCounters,
    /// Log lines that were not read as fast as they came.
    pub(crate) lost_lines: OnceLock<ErrorCounter>,
    pub(crate) telemetry: Arc<TelemetryCounters>,
    /// None: requests are not traced.
    pub(crate) tracer: OnceLock<Arc<Tracer>>,
}

/// How many reloads there were.
#[derive(Debug, Default)]
pub(crate) struct ReloadCounters {
    /// Those that replaced what serves.
    pub(crate) done: AtomicU64,
    /// Those that left it.
    pub(crate) refused: AtomicU64,
}

/// The answer to who asks for metrics.
pub(crate) async fn metrics(app: Arc<App>) -> Response {
    let Some(families) = families(app).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(text::text(families).into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(text::CONTENT_TYPE));
    response
}

/// Everything that there is to tell at this moment. What the process uses is read from the system's files, so no thread that
/// serves requests does it. None: the process is ending.
async fn families(app: Arc<App>) -> Option<Vec<Family>> {
    tokio::task::spawn_blocking(move || read(&app)).await.ok()
}

fn read(app: &App) -> Vec<Family> {
    let mut families = gateway(app);
    families.extend(requests::families(&app.observation.requests));
    families.extend(upstreams::families(&app.upstreams));
    families.extend(plugins::families(app));
    families.extend(process::families());
    families
}

fn gateway(app: &App) -> Vec<Family> {
    let observation = &*app.observation;
    let reloads = [
        ("done", &observation.reloads.done),
        ("refused", &observation.reloads.refused),
    ];
    let failed = [
        ("traces", &observation.telemetry.traces_failed),
        ("metrics", &observation.telemetry.metrics_failed),
    ];
    let lost = observation.lost_lines.get().map_or(0, ErrorCounter::dropped_lines);
    vec![
        Family::gauge(
            "heimdall_build_info",
            "The version of the gateway",
            [(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1)],
        ),
        Family::gauge(
            "heimdall_draining",
            "Whether clients are to go elsewhere",
            [(Labels::new(), u64::from(app.drain.is_raised()))],
        ),
        Family::counter(
            "heimdall_reloads",
            "Reloads of the configuration, by what came of them",
            reloads.map(|(outcome, count)| {
                let labels = vec![("outcome", outcome.to_owned())];
                (labels, count.load(Ordering::Relaxed))
            }),
        ),
        Family::counter(
            "heimdall_log_lines_dropped",
            "Log lines that were lost, as they were not read as fast as they came",
            [(Labels::new(), lost as u64)],
        ),
        Family::counter(
            "heimdall_telemetry_spans_dropped",
            "Spans of traces that were lost, as the collector did not take them in time",
            [(
                Labels::new(),
                observation.telemetry.spans_dropped.load(Ordering::Relaxed),
            )],
        ),
        Family::counter(
            "heimdall_telemetry_exports_failed",
            "Messages that the collector did not take",
            failed.map(|(signal, count)| (vec![("signal", signal.to_owned())], count.load(Ordering::Relaxed))),
        ),
        Family::gauge(
            "heimdall_request_body_bytes_in_use",
            "Bytes that the bodies of all requests under way hold",
            [(Labels::new(), app.bodies.taken() as u64)],
        ),
    ]
}
