//! The log line of a request: one, when it is over, however it ends.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request};

use super::budget::Share;
use super::route::route_name;
use super::{App, Flag, headers};
use crate::observe::{Operation, RequestFacts, Trace, UnderWay, UpstreamSpan};
use crate::text::{shortened, write_hex};

/// What is known of a request. The line is written when it is dropped.
pub(super) struct Access {
    pub(super) id: String,
    method: Method,
    path: String,
    /// Where requests are traced.
    pub(super) trace: Option<Trace>,
    /// Counts it when it is over.
    pub(super) under_way: UnderWay,
    /// Who showed which key, where clients are asked for one.
    pub(super) client: Option<Arc<str>>,
    pub(super) model: Option<String>,
    pub(super) upstream: Option<Arc<str>>,
    /// The upstream that was asked last.
    pub(super) asked: Option<Arc<str>>,
    /// How often the call was tried.
    pub(super) attempts: Option<u32>,
    /// Whether the response's end was reached.
    complete: bool,
    /// What went wrong.
    error: Option<String>,
    /// What it holds of the memory for bodies.
    pub(super) share: Option<Share>,
    /// Whether requests may go on no longer.
    pub(super) cut_off: Arc<Flag>,
}

impl Access {
    pub(super) fn new<B>(request: &Request<B>, app: &App) -> Access {
        Access {
            id: request_id(request),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            trace: app
                .observation
                .tracer
                .get()
                .map(|tracer| tracer.begin(request.headers())),
            under_way: app.observation.requests.begin(route_name(request.uri().path())),
            client: None,
            model: None,
            upstream: None,
            asked: None,
            attempts: None,
            complete: false,
            error: None,
            share: None,
            cut_off: app.cut_off.clone(),
        }
    }

    /// The response's head is made.
    pub(super) fn answered(&mut self, status: u16) {
        self.under_way.status = Some(status);
    }

    /// The headers that say which upstream answered, and at which attempt.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        if let Some(upstream) = &self.asked
            && let Ok(upstream) = HeaderValue::from_str(upstream)
        {
            headers.insert(headers::UPSTREAM, upstream);
        }
        if let Some(attempts) = self.attempts {
            headers.insert(headers::ATTEMPTS, attempts.into());
        }
    }

    /// An upstream is asked; it is told by a header who asks, where requests are traced.
    pub(super) fn asks(
        &self,
        headers: &mut HeaderMap,
        upstream: &str,
        operation: &Operation<'_>,
    ) -> Option<UpstreamSpan> {
        self.trace.as_ref()?.ask(headers, upstream, operation)
    }

    /// Something went wrong. What is told first counts.
    pub(super) fn failed(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// The response is made to its end.
    pub(super) fn finished(&mut self) {
        self.complete = true;
    }

    /// Its span, by the conventions for HTTP and for generative AI.
    fn end_trace(&mut self) {
        let Some(trace) = self.trace.take() else { return };
        let (status, route) = (self.under_way.status, self.under_way.route);
        let facts = RequestFacts {
            request_id: &self.id,
            method: &self.method,
            route,
            path: &self.path,
            status,
            client: self.client.as_deref(),
            model: self.model.as_deref(),
            upstream: self.upstream.as_deref(),
            attempts: self.attempts,
            end: self.end(),
        };
        trace.end(&facts, !self.complete || status.is_none_or(|status| status >= 500));
    }

    /// How it ended, in words.
    fn end(&self) -> &'static str {
        if self.complete {
            "answered"
        } else if self.cut_off.is_raised() {
            "cut off at shutdown"
        } else {
            "the client left"
        }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let ms = u64::try_from(self.under_way.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let model = self.model.as_deref().map(shortened);
        let error = self.error.as_deref().map(shortened);
        tracing::info!(
            target: "heimdall::request",
            request_id = self.id,
            trace_id = self.trace.as_ref().map(Trace::id),
            method = %self.method,
            path = shortened(&self.path).as_ref(),
            status = self.under_way.status,
            ms,
            client = self.client.as_deref(),
            model = model.as_deref(),
            upstream = self.upstream.as_deref(),
            attempts = self.attempts,
            error = error.as_deref(),
            "{}",
            self.end(),
        );
        self.end_trace();
    }
}

/// The id that the client gave its request, or a new one.
pub(super) fn request_id<B>(request: &Request<B>) -> String {
    headers::request_id(request.headers()).map_or_else(new_id, str::to_owned)
}

/// 128 bits of randomness, as text.
fn new_id() -> String {
    let mut id = String::with_capacity(36);
    id.push_str("req_");
    write_hex(&mut id, &rand::random::<[u8; 16]>());
    id
}
