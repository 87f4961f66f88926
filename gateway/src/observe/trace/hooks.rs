//! Hooks as spans: each its own, but those of a stream's chunks, which are one for each plugin and hook.

use std::time::{Duration, Instant};

use heimdall_host::counters::{Hook, Outcome};
use heimdall_host::pipeline::{HookDone, Observer};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{Begun, Trace, attribute, random, text};

/// Tells the hooks of one request.
pub(crate) struct HookSpans {
    trace: Trace,
    /// For each plugin and hook that had chunks.
    chunks: Vec<Chunks>,
}

/// All chunks that one hook had.
struct Chunks {
    plugin: String,
    hook: Hook,
    count: i64,
    failed: i64,
    took: Duration,
    first: Instant,
    last: Instant,
}

impl HookSpans {
    pub(super) fn new(trace: Trace) -> HookSpans {
        HookSpans {
            trace,
            chunks: Vec::new(),
        }
    }

    fn send(
        &self,
        (plugin, hook): (&str, Hook),
        (started, ended): (Instant, Instant),
        more: Vec<KeyValue>,
        failed: bool,
    ) {
        let begun = Begun {
            name: format!("{plugin} {}", hook.name()),
            kind: SpanKind::Internal,
            id: random(),
            above: Some(self.trace.own.span_id),
            started,
        };
        let mut attributes = vec![text("heimdall.plugin", plugin), text("heimdall.hook", hook.name())];
        attributes.extend(more);
        self.trace.send(begun, ended, attributes, failed);
    }

    fn add(&mut self, done: &HookDone<'_>) {
        let ended = done.started + done.took;
        let is_of = |chunks: &&mut Chunks| chunks.hook == done.hook && chunks.plugin == done.plugin;
        let failed = i64::from(done.outcome == Outcome::Failed);
        match self.chunks.iter_mut().find(is_of) {
            Some(chunks) => {
                chunks.count += 1;
                chunks.failed += failed;
                chunks.took += done.took;
                chunks.last = ended;
            }
            None => self.chunks.push(Chunks {
                plugin: done.plugin.to_owned(),
                hook: done.hook,
                count: 1,
                failed,
                took: done.took,
                first: done.started,
                last: ended,
            }),
        }
    }
}

impl Observer for HookSpans {
    fn hook_done(&mut self, done: HookDone<'_>) {
        if matches!(done.hook, Hook::OnChunk | Hook::AfterChunk) {
            return self.add(&done);
        }
        let mut more = vec![text("heimdall.outcome", done.outcome.name())];
        more.extend(done.cause.map(|cause| text("error.type", cause.name())));
        let times = (done.started, done.started + done.took);
        self.send((done.plugin, done.hook), times, more, done.cause.is_some());
    }
}

impl Drop for HookSpans {
    fn drop(&mut self) {
        for chunks in std::mem::take(&mut self.chunks) {
            let more = vec![
                attribute("heimdall.chunks", Value::IntValue(chunks.count)),
                attribute("heimdall.chunks_failed", Value::IntValue(chunks.failed)),
                attribute("heimdall.time_seconds", Value::DoubleValue(chunks.took.as_secs_f64())),
            ];
            let times = (chunks.first, chunks.last);
            self.send((&chunks.plugin, chunks.hook), times, more, chunks.failed > 0);
        }
    }
}
