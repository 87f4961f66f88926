//! What clients asked for, what came of it, and how long that took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use heimdall_host::counters::Histogram;
use heimdall_host::model::CallKind;

use super::family::{Family, Labels};

/// The upper bounds of durations, in microseconds: an answer of a plugin takes one millisecond, a long stream minutes.
pub(super) const BOUNDS: &[u64] = &[
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
];

/// What a request is for, as metrics name it: a fixed set, whatever paths clients think of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteName {
    ChatCompletions,
    Completions,
    Responses,
    Embeddings,
    Models,
    Passthrough,
    /// What the gateway tells of itself.
    Own,
    /// Nothing that there is.
    Other,
}

impl RouteName {
    const ALL: [RouteName; 8] = [
        RouteName::ChatCompletions,
        RouteName::Completions,
        RouteName::Responses,
        RouteName::Embeddings,
        RouteName::Models,
        RouteName::Passthrough,
        RouteName::Own,
        RouteName::Other,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            RouteName::ChatCompletions => "chat_completions",
            RouteName::Completions => "completions",
            RouteName::Responses => "responses",
            RouteName::Embeddings => "embeddings",
            RouteName::Models => "models",
            RouteName::Passthrough => "passthrough",
            RouteName::Own => "own",
            RouteName::Other => "other",
        }
    }
}

impl RouteName {
    /// The path, where there is one.
    pub(crate) fn template(self) -> Option<&'static str> {
        Some(match self {
            RouteName::ChatCompletions => "/v1/chat/completions",
            RouteName::Completions => "/v1/completions",
            RouteName::Responses => "/v1/responses",
            RouteName::Embeddings => "/v1/embeddings",
            RouteName::Models => "/v1/models",
            RouteName::Passthrough | RouteName::Own | RouteName::Other => return None,
        })
    }
}

impl RouteName {
    /// The kind of call, where it is one to a model.
    pub(crate) fn call_kind(self) -> Option<CallKind> {
        match self {
            RouteName::ChatCompletions => Some(CallKind::Chat),
            RouteName::Completions => Some(CallKind::TextCompletion),
            RouteName::Responses => Some(CallKind::Responses),
            RouteName::Embeddings => Some(CallKind::Embedding),
            _ => None,
        }
    }
}

impl From<CallKind> for RouteName {
    fn from(kind: CallKind) -> RouteName {
        match kind {
            CallKind::Chat => RouteName::ChatCompletions,
            CallKind::TextCompletion => RouteName::Completions,
            CallKind::Responses => RouteName::Responses,
            CallKind::Embedding => RouteName::Embeddings,
        }
    }
}

/// The kinds of status; the first is that of a request whose client left before there was one.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts requests.
pub(crate) struct Requests {
    routes: [Route; RouteName::ALL.len()],
    in_flight: AtomicU64,
}

struct Route {
    classes: [AtomicU64; CLASSES.len()],
    time: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        let route = |_| Route {
            classes: Default::default(),
            time: Histogram::new(BOUNDS),
        };
        Requests {
            routes: RouteName::ALL.map(route),
            in_flight: AtomicU64::new(0),
        }
    }
}

impl Requests {
    /// A request has begun.
    pub(crate) fn begin(self: &Arc<Self>, route: RouteName) -> UnderWay {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        UnderWay {
            requests: self.clone(),
            route,
            status: None,
            started: Instant::now(),
        }
    }
}

/// A request that is under way. It is counted when it is dropped.
pub(crate) struct UnderWay {
    requests: Arc<Requests>,
    pub(crate) route: RouteName,
    /// Of the response; none: the client left before there was one.
    pub(crate) status: Option<u16>,
    pub(crate) started: Instant,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.requests.in_flight.fetch_sub(1, Ordering::Relaxed);
        // Upstreams may say what no class is for.
        let class = usize::from(self.status.unwrap_or(0) / 100).min(5);
        if let Some(route) = self.requests.routes.get(self.route as usize) {
            if let Some(count) = route.classes.get(class) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            route.time.record(self.started.elapsed());
        }
    }
}

pub(super) fn families(requests: &Requests) -> Vec<Family> {
    let routes = || RouteName::ALL.into_iter().zip(&requests.routes);
    let labels = |route: RouteName| vec![("route", route.name().to_owned())];
    let classes = |(route, counters): (RouteName, &Route)| -> Vec<(Labels, u64)> {
        let counts = CLASSES.iter().zip(&counters.classes);
        let series = counts.map(|(class, count)| {
            let mut labels = labels(route);
            labels.push(("status_class", (*class).to_owned()));
            (labels, count.load(Ordering::Relaxed))
        });
        series.collect()
    };
    vec![
        Family::counter(
            "heimdall_requests",
            "Requests of clients, by what they are for and the kind of their status",
            routes().flat_map(classes),
        ),
        Family::histogram(
            "heimdall_request_duration_seconds",
            "How long requests took, from their head to the end of the answer",
            routes().map(|(route, counters)| (labels(route), counters.time.read())),
        ),
        Family::gauge(
            "heimdall_requests_in_flight",
            "Requests that are under way",
            [(Labels::new(), requests.in_flight.load(Ordering::Relaxed))],
        ),
    ]
}
