//! Traces: a span for each request, below it one for each hook and each attempt at an upstream.
//!
//! Spans are made when they end, and go through a bounded queue to the task that sends them: where it is full they are
//! dropped, and counted. Without telemetry none of this is there, and a request pays one look at whether it is.

mod context;
mod hooks;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use heimdall_host::model::CallKind;
use heimdall_host::runtime::escape_line;
use http::Method;
use http::header::HeaderMap;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tokio::sync::mpsc::Sender;

use super::RouteName;
use super::otlp::{TelemetryCounters, attribute, nanos, text};
use crate::text::write_hex;
use context::{Parent, TRACEPARENT, TRACESTATE, header, parent};
pub(crate) use hooks::HookSpans;

/// Bytes that a text of a client may have in a span.
const MAX_TEXT: usize = 256;

/// Which requests are traced whose client does not say so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    /// Traces whose id's last eight bytes are below this.
    below: u128,
}

impl Sampling {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the ratio is from 0 to 1, and its product far below the type's end"
    )]
    pub(crate) fn ratio(ratio: f64) -> Sampling {
        const ALL: f64 = 18_446_744_073_709_551_616.0;
        Sampling {
            below: (ratio * ALL) as u128,
        }
    }

    fn takes(self, trace_id: [u8; 16]) -> bool {
        u128::from_be_bytes(trace_id) & u128::from(u64::MAX) < self.below
    }
}

/// Makes traces.
pub(crate) struct Tracer {
    spans: Sender<Span>,
    counters: Arc<TelemetryCounters>,
    sampling: Sampling,
}

/// A request's place in its trace. Clones are the same.
#[derive(Clone)]
pub(crate) struct Trace {
    tracer: Arc<Tracer>,
    own: Parent,
    /// The client's span.
    above: Option<[u8; 8]>,
    /// The same moment by both clocks.
    began: (SystemTime, Instant),
}

/// A span before it has ended.
struct Begun {
    name: String,
    kind: SpanKind,
    id: [u8; 8],
    above: Option<[u8; 8]>,
    started: Instant,
}

impl Tracer {
    pub(crate) fn new(spans: Sender<Span>, counters: Arc<TelemetryCounters>, sampling: Sampling) -> Tracer {
        Tracer {
            spans,
            counters,
            sampling,
        }
    }

    /// A request begins whose client sent these headers.
    pub(crate) fn begin(self: &Arc<Self>, headers: &HeaderMap) -> Trace {
        let above = parent(headers);
        let trace_id = above.map_or_else(random, |above| above.trace_id);
        Trace {
            tracer: self.clone(),
            own: Parent {
                trace_id,
                span_id: random(),
                is_sampled: above.map_or_else(|| self.sampling.takes(trace_id), |above| above.is_sampled),
            },
            above: above.map(|above| above.span_id),
            began: (SystemTime::now(), Instant::now()),
        }
    }

    fn send(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.counters.spans_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Trace {
    /// The trace's id, as its viewers have it.
    pub(crate) fn id(&self) -> String {
        let mut id = String::with_capacity(32);
        write_hex(&mut id, &self.own.trace_id);
        id
    }

    /// What tells each hook as a span; none: the request is not traced.
    pub(crate) fn hooks(&self) -> Option<HookSpans> {
        self.own.is_sampled.then(|| HookSpans::new(self.clone()))
    }

    /// An upstream is asked: what it is sent says which span of which trace asks.
    pub(crate) fn ask(
        &self,
        headers: &mut HeaderMap,
        upstream: &str,
        operation: &Operation<'_>,
    ) -> Option<UpstreamSpan> {
        let id = if self.own.is_sampled {
            random()
        } else {
            self.own.span_id
        };
        let asks = Parent {
            span_id: id,
            ..self.own
        };
        if let Some(value) = header(&asks) {
            headers.insert(TRACEPARENT, value);
        }
        if self.above.is_none() {
            // It belongs to a trace that is not this one.
            headers.remove(TRACESTATE);
        }
        if !self.own.is_sampled {
            return None;
        }
        let mut attributes = operation.attributes();
        attributes.push(text("heimdall.upstream", upstream));
        Some(UpstreamSpan {
            trace: self.clone(),
            begun: Begun {
                name: operation.name(),
                kind: SpanKind::Client,
                id,
                above: Some(self.own.span_id),
                started: Instant::now(),
            },
            attributes,
            is_error: true,
        })
    }

    /// The request is over.
    pub(crate) fn end(self, facts: &RequestFacts<'_>, is_error: bool) {
        if !self.own.is_sampled {
            return;
        }
        let begun = Begun {
            name: facts.name(),
            kind: SpanKind::Server,
            id: self.own.span_id,
            above: self.above,
            started: self.began.1,
        };
        self.send(begun, Instant::now(), facts.attributes(), is_error);
    }

    fn send(&self, begun: Begun, ended: Instant, attributes: Vec<KeyValue>, is_error: bool) {
        let (wall, instant) = self.began;
        let at = |moment: Instant| nanos(wall + moment.saturating_duration_since(instant));
        let status = is_error.then(|| Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        });
        self.tracer.send(Span {
            trace_id: self.own.trace_id.to_vec(),
            span_id: begun.id.to_vec(),
            parent_span_id: begun.above.map(|above| above.to_vec()).unwrap_or_default(),
            flags: u32::from(self.own.is_sampled),
            name: begun.name,
            kind: begun.kind.into(),
            start_time_unix_nano: at(begun.started),
            end_time_unix_nano: at(ended),
            attributes,
            status,
            ..Span::default()
        });
    }
}

/// What is known of a request when it is over.
pub(crate) struct RequestFacts<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) route: RouteName,
    /// The path that the client sent.
    pub(crate) path: &'a str,
    pub(crate) status: Option<u16>,
    pub(crate) client: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) upstream: Option<&'a str>,
    pub(crate) attempts: Option<u32>,
    /// How it ended, in words.
    pub(crate) end: &'a str,
}

impl RequestFacts<'_> {
    fn name(&self) -> String {
        match self.route.template() {
            Some(route) => format!("{} {route}", self.method()),
            None => self.method().to_owned(),
        }
    }

    /// One that HTTP knows, or what stands for all others.
    fn method(&self) -> &str {
        const KNOWN: [Method; 9] = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::CONNECT,
            Method::OPTIONS,
            Method::TRACE,
            Method::PATCH,
        ];
        match KNOWN.contains(self.method) {
            true => self.method.as_str(),
            false => "_OTHER",
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let number = |key, number: u32| attribute(key, Value::IntValue(number.into()));
        let told = [
            self.route.template().map(|route| text("http.route", route)),
            self.route
                .call_kind()
                .map(|kind| text("gen_ai.operation.name", operation_name(kind))),
            self.status
                .map(|status| number("http.response.status_code", status.into())),
            self.client.map(|client| text("heimdall.client", client)),
            self.model.map(|model| text("gen_ai.request.model", cut(model))),
            self.upstream.map(|upstream| text("heimdall.upstream", cut(upstream))),
            self.attempts.map(|attempts| number("heimdall.attempts", attempts)),
        ];
        let mut attributes = vec![
            text("heimdall.request_id", self.request_id),
            text("http.request.method", self.method()),
            text("url.path", cut(self.path)),
            text("heimdall.end", self.end),
        ];
        attributes.extend(told.into_iter().flatten());
        attributes
    }
}

/// What is asked for, in the words of the conventions for generative AI.
pub(crate) enum Operation<'a> {
    Call(CallKind, &'a str),
    /// A request that is passed on.
    Passthrough,
}

impl Operation<'_> {
    fn name(&self) -> String {
        match self {
            Operation::Call(kind, model) => format!("{} {}", operation_name(*kind), cut(model)),
            Operation::Passthrough => "passthrough".to_owned(),
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        match self {
            Operation::Call(kind, model) => vec![
                text("gen_ai.operation.name", operation_name(*kind)),
                text("gen_ai.request.model", cut(model)),
            ],
            Operation::Passthrough => Vec::new(),
        }
    }
}

fn operation_name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Chat | CallKind::Responses => "chat",
        CallKind::TextCompletion => "text_completion",
        CallKind::Embedding => "embeddings",
    }
}

/// An attempt at an upstream, until its answer is over.
pub(crate) struct UpstreamSpan {
    trace: Trace,
    begun: Begun,
    attributes: Vec<KeyValue>,
    is_error: bool,
}

impl UpstreamSpan {
    /// What it came to: the status, or why there is none.
    pub(super) fn came_to(&mut self, outcome: Result<u16, &'static str>) {
        self.is_error = outcome.map_or(true, |status| status >= 400);
        self.attributes.push(match outcome {
            Ok(status) => attribute("http.response.status_code", Value::IntValue(status.into())),
            Err(kind) => text("error.type", kind),
        });
    }

    /// Its answer is over.
    pub(super) fn end(self) {
        self.trace
            .send(self.begun, Instant::now(), self.attributes, self.is_error);
    }
}

/// A text that a client chose, as it may be shown.
pub(crate) fn cut(text: &str) -> String {
    escape_line(text, MAX_TEXT)
}

/// An id. One of nothing but zeros is none.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _zeros = getrandom::fill(&mut bytes);
    if bytes == [0; N]
        && let Some(last) = bytes.last_mut()
    {
        *last = 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_traces_are_taken_as_the_ratio_says() {
        let low = [0; 16];
        let (mut high, mut half) = ([0xff; 16], [0xff; 16]);
        high[0] = 0;
        half[8] = 0x7f;
        for (ratio, expected) in [(0.0, [false; 3]), (0.5, [true, true, false]), (1.0, [true; 3])] {
            let sampling = Sampling::ratio(ratio);
            assert_eq!([low, half, high].map(|id| sampling.takes(id)), expected, "{ratio}");
        }
    }
}
