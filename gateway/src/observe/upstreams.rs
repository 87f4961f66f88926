//! What upstreams were asked, what came of it, and how long that took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use heimdall_host::counters::Histogram;

use super::family::{Family, Labels};
use super::requests::BOUNDS;
use super::trace::UpstreamSpan;
use crate::upstream::{Fault, Upstreams};

/// What asking an upstream came to: the kind of its status, or why there is none.
const OUTCOMES: [&str; 11] = [
    "1xx",
    "2xx",
    "3xx",
    "4xx",
    "5xx",
    "busy",
    "connect",
    "timeout",
    "broken_off",
    "unusable",
    "cancelled",
];

/// Counts what one upstream was asked, whatever its settings are.
pub(crate) struct UpstreamCounters {
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// Answers that began and were not sent to their end.
    broken: AtomicU64,
    time: Histogram,
    in_flight: AtomicU64,
}

impl Default for UpstreamCounters {
    fn default() -> Self {
        UpstreamCounters {
            outcomes: Default::default(),
            broken: AtomicU64::new(0),
            time: Histogram::new(BOUNDS),
            in_flight: AtomicU64::new(0),
        }
    }
}

impl UpstreamCounters {
    /// The upstream is asked. `span`: where the request is traced.
    pub(crate) fn ask(self: &Arc<Self>, span: Option<UpstreamSpan>) -> Asked {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Asked {
            counters: self.clone(),
            started: Instant::now(),
            is_answered: false,
            span,
        }
    }
}

/// An upstream that was asked, until its answer is over. One that is dropped before the answer began is counted as
/// cancelled: the client left.
pub(crate) struct Asked {
    counters: Arc<UpstreamCounters>,
    started: Instant,
    is_answered: bool,
    span: Option<UpstreamSpan>,
}

impl Asked {
    /// It began to answer, with this status.
    pub(crate) fn answered(&mut self, status: u16) {
        self.came_to(match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        });
        if let Some(span) = &mut self.span {
            span.came_to(Ok(status));
        }
    }

    /// There is no usable answer.
    pub(crate) fn failed(&mut self, fault: &Fault) {
        match fault {
            Fault::Refused(status, _) => self.answered(*status),
            other => self.did_not_answer(kind(other)),
        }
    }

    /// Its answer, which had begun, came to no end.
    pub(crate) fn broke_off(&mut self, fault: &Fault) {
        self.counters.broken.fetch_add(1, Ordering::Relaxed);
        if let Some(span) = &mut self.span {
            span.came_to(Err(kind(fault)));
        }
    }

    fn did_not_answer(&mut self, why: &'static str) {
        self.came_to(why);
        if let Some(span) = &mut self.span {
            span.came_to(Err(why));
        }
    }

    fn came_to(&mut self, outcome: &str) {
        self.is_answered = true;
        let counts = OUTCOMES.iter().zip(&self.counters.outcomes);
        for (_, count) in counts.filter(|(name, _)| **name == outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // Who was not asked, or not waited for, says nothing about how long an answer takes.
        if !["busy", "cancelled"].contains(&outcome) {
            self.counters.time.record(self.started.elapsed());
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_answered {
            self.did_not_answer("cancelled");
        }
        self.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(span) = self.span.take() {
            span.end();
        }
    }
}

fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Busy(_) => "busy",
        Fault::Unreachable(_) | Fault::ConnectTimeout(_) | Fault::Certificate(_) | Fault::NoServer => "connect",
        Fault::FirstByteTimeout(_) | Fault::IdleTimeout(_) | Fault::TotalTimeout(_) | Fault::AttemptsTimeout(_) => {
            "timeout"
        }
        Fault::Closed | Fault::BrokeOff => "broken_off",
        _ => "unusable",
    }
}

pub(super) fn families(upstreams: &Upstreams) -> Vec<Family> {
    let all: Vec<(Labels, &UpstreamCounters)> = upstreams
        .counters()
        .map(|(name, counters)| (vec![("upstream", name.to_owned())], counters))
        .collect();
    let outcomes = |(labels, counters): &(Labels, &UpstreamCounters)| -> Vec<(Labels, u64)> {
        let counts = OUTCOMES.iter().zip(&counters.outcomes);
        let series = counts.map(|(outcome, count)| {
            let mut labels = labels.clone();
            labels.push(("outcome", (*outcome).to_owned()));
            (labels, count.load(Ordering::Relaxed))
        });
        series.collect()
    };
    vec![
        Family::counter(
            "heimdall_upstream_requests",
            "Attempts at upstreams, by the kind of their status or why there is none",
            all.iter().flat_map(outcomes),
        ),
        Family::counter(
            "heimdall_upstream_broken_answers",
            "Answers of upstreams that began and came to no end",
            all.iter()
                .map(|(labels, counters)| (labels.clone(), counters.broken.load(Ordering::Relaxed))),
        ),
        Family::histogram(
            "heimdall_upstream_duration_seconds",
            "How long upstreams took to a stream's head, or to the end of an answer that is no stream",
            all.iter()
                .map(|(labels, counters)| (labels.clone(), counters.time.read())),
        ),
        Family::gauge(
            "heimdall_upstream_requests_in_flight",
            "Attempts at upstreams whose answer is not over",
            all.iter()
                .map(|(labels, counters)| (labels.clone(), counters.in_flight.load(Ordering::Relaxed))),
        ),
    ]
}
