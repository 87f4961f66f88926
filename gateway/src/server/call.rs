//! A call to a model: the LLM hooks, the upstream between them, and the form of the answer.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{
    CallKind, HttpRequest, HttpResponse, LlmError, LlmRequest, LlmResponse, Upstream as Answered,
};
use heimdall_host::pipeline::{Exchange, LlmStep};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::access::Access;
use super::asked::{Asked, wants_usage};
use super::outgoing::Outgoing;
use super::{App, errors, headers};
use crate::upstream::{Events, Fault, UpstreamAnswer, UpstreamError, UpstreamRequest};

/// The status of an upstream's error that has none of its own.
const UPSTREAM_FAILED: u16 = 502;

/// How a call ends.
pub(super) enum Called {
    Whole(Box<Exchange>, HttpResponse),
    Stream(HeaderMap, Box<Outgoing>),
}

/// What stands at the far end of the pre hooks.
enum Reached {
    /// An upstream's stream.
    Events(HeaderMap, Events),
    /// An upstream's whole answer.
    Body(HeaderMap, Bytes),
    /// A plugin's answer.
    Made(LlmResponse),
    /// An upstream's error, or a plugin's refusal.
    Error(HeaderMap, LlmError),
}

/// What is needed until the answer is on its way.
struct Call {
    kind: CallKind,
    streaming: bool,
    include_usage: bool,
    /// Who was asked; none while no upstream was.
    upstream: Option<Arc<str>>,
}

pub(super) async fn call(app: &App, mut exchange: Exchange, kind: CallKind, access: &mut Access) -> Called {
    let asked = match Asked::read(exchange.http(), kind, &app.upstreams) {
        Ok(asked) => asked,
        Err(error) => return Called::Whole(Box::new(exchange), errors::response(&error, 400)),
    };
    access.model = Some(asked.request.model().to_owned());
    access.upstream = Some(asked.provider);
    let streaming = asked.request.streaming();
    let include_usage = wants_usage(asked.request.document());
    let mut call = Call {
        kind,
        streaming,
        include_usage,
        upstream: None,
    };
    let reached = match exchange.before_call(asked.request).await {
        LlmStep::Proceed(request) => {
            let provider: Arc<str> = request.provider().into();
            access.model = Some(request.model().to_owned());
            access.upstream = Some(provider.clone());
            call.upstream = Some(provider);
            let http = exchange.http().clone();
            reach(app, &http, &request).await
        }
        LlmStep::Answer(response) => Reached::Made(response),
        LlmStep::Refuse(error) => Reached::Error(HeaderMap::new(), error),
    };
    if let Reached::Error(_, error) = &reached {
        access.failed(error.message.clone());
    }
    call.finish(exchange, reached).await
}

/// Calls the upstream that the last hook left in the request.
async fn reach(app: &App, http: &HttpRequest, request: &LlmRequest) -> Reached {
    let upstream = match app.upstreams.get(request.provider()) {
        Ok(upstream) => upstream,
        Err(error) => return Reached::Error(HeaderMap::new(), error),
    };
    let outgoing = UpstreamRequest {
        kind: request.kind(),
        body: request.outgoing(),
        streaming: request.streaming(),
        query: http.query().map(str::to_owned),
        headers: headers::for_upstream(http.headers()),
        client_key: headers::client_key(http.headers()),
    };
    match upstream.call(outgoing).await {
        Ok(UpstreamAnswer::Stream { headers, events }) => Reached::Events(headers::for_client(&headers), events),
        Ok(UpstreamAnswer::Whole { status, headers, body }) if status.is_success() => {
            Reached::Body(headers::for_client(&headers), body)
        }
        Ok(UpstreamAnswer::Whole { status, headers, body }) => Reached::Error(
            headers::for_client(&headers),
            in_shape(LlmError::from_upstream(status.as_u16(), &body)),
        ),
        Err(error) => Reached::Error(HeaderMap::new(), LlmError::from(&error)),
    }
}

/// An upstream's error whose body clients can read: one without the member `error` is made anew from what it says.
fn in_shape(error: LlmError) -> LlmError {
    let has_shape = |body: &Document| body.pointer("/error").is_some();
    LlmError {
        body: error.body.filter(has_shape),
        ..error
    }
}

impl Call {
    async fn finish(self, mut exchange: Exchange, reached: Reached) -> Called {
        match reached {
            Reached::Events(headers, events) => self.stream(exchange, headers, events),
            Reached::Body(headers, body) => {
                let (headers, answered) = match self.parse(exchange.elapsed_ms(), body) {
                    Ok(response) if self.streaming => return self.stream_made(exchange, headers, &response),
                    Ok(response) => (headers, Answered::Response(response)),
                    Err(error) => (HeaderMap::new(), Answered::Error(error)),
                };
                let answered = exchange.after_call(answered).await;
                self.answer(exchange, headers, answered)
            }
            Reached::Made(response) if self.streaming => self.stream_made(exchange, HeaderMap::new(), &response),
            Reached::Made(response) => {
                let answered = exchange.after_call(Answered::Response(response)).await;
                self.answer(exchange, HeaderMap::new(), answered)
            }
            Reached::Error(headers, error) => {
                let answered = exchange.after_call(Answered::Error(error)).await;
                self.answer(exchange, headers, answered)
            }
        }
    }

    /// What the post hooks left.
    fn answer(self, exchange: Exchange, headers: HeaderMap, answered: Answered) -> Called {
        match answered {
            Answered::Response(response) if self.streaming => self.stream_made(exchange, headers, &response),
            Answered::Response(response) => Called::Whole(
                Box::new(exchange),
                success(headers, response.document().bytes().clone()),
            ),
            Answered::Error(error) => {
                let mut response = errors::response(&error, UPSTREAM_FAILED);
                let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::BAD_GATEWAY);
                response = HttpResponse::new(status, with_json(headers), response.body().clone());
                Called::Whole(Box::new(exchange), response)
            }
        }
    }

    fn parse(&self, elapsed_ms: u32, body: Bytes) -> Result<LlmResponse, LlmError> {
        let document = Document::parse_with(body, Duplicates::LastWins).map_err(|error| {
            let upstream = self.upstream.clone().unwrap_or_default();
            LlmError::from(&UpstreamError {
                upstream,
                fault: Fault::NotJson(error.to_string()),
            })
        })?;
        Ok(LlmResponse::new(
            self.kind,
            self.upstream.clone(),
            elapsed_ms,
            false,
            document,
        ))
    }

    fn stream(self, exchange: Exchange, headers: HeaderMap, events: Events) -> Called {
        let hooks = exchange.reads_chunks().then(|| exchange.into_stream(self.kind));
        let upstream = self.upstream.unwrap_or_default();
        Called::Stream(headers, Box::new(Outgoing::new(self.kind, upstream, events, hooks)))
    }

    /// A whole answer for a client that asked for a stream.
    fn stream_made(self, exchange: Exchange, headers: HeaderMap, response: &LlmResponse) -> Called {
        let events = Outgoing::made(self.kind, response.to_chunks(self.include_usage));
        self.stream(exchange, headers, events)
    }
}

fn success(headers: HeaderMap, body: Bytes) -> HttpResponse {
    HttpResponse::new(StatusCode::OK, with_json(headers), body)
}

fn with_json(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}
