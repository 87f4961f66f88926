//! A call to a model: the LLM hooks, the upstream between them, and the form of the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{CallKind, HttpResponse, LlmError, LlmResponse, Upstream as Answered};
use heimdall_host::pipeline::{Exchange, LlmStep};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::sleep;

use super::access::Access;
use super::asked::Asked;
use super::attempts::{Attempts, Cause, told_with_success};
use super::outgoing::Outgoing;
use super::{App, errors, headers};
use crate::observe::Operation;
use crate::text::shortened;
use crate::upstream::{Again, Events, Fault, UpstreamAnswer, UpstreamError, UpstreamRequest, retry_after};

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
    /// An upstream's whole answer, or a plugin's.
    Answer(HeaderMap, LlmResponse),
    /// An upstream's error, or a plugin's refusal.
    Error(HeaderMap, LlmError, Cause),
}

/// What is waited for of a stream before the client gets anything: until then, another attempt can still answer.
enum FirstEvent {
    NotAwaited,
    Awaited,
    Within(Duration),
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
    let (asked, choice) = match Asked::read(exchange.http(), kind, &app.upstreams) {
        Ok(asked) => asked,
        Err(error) => return Called::Whole(Box::new(exchange), errors::response(&error, 400)),
    };
    let mut attempts = Attempts::new(&app.upstreams, choice);
    loop {
        let mut call = Call {
            kind,
            streaming: asked.streaming,
            include_usage: asked.wants_usage(),
            upstream: None,
        };
        let reached = call.attempt(app, &mut exchange, &asked, &mut attempts, access).await;
        let (headers, answered, failed) = match reached {
            Reached::Events(headers, events) => return call.stream(exchange, headers, events),
            Reached::Answer(headers, response) if call.streaming => {
                return call.stream_made(exchange, headers, &response);
            }
            Reached::Answer(headers, response) => (headers, Answered::Response(response), None),
            Reached::Error(headers, error, cause) => {
                let failed = (error.message.clone(), cause);
                (headers, Answered::Error(error), Some(failed))
            }
        };
        let answered = exchange.after_call(answered).await;
        let (message, cause) = failed.map_or((None, Cause::Plugin), |(message, cause)| (Some(message), cause));
        if let Answered::Error(error) = &answered {
            let (upstream, attempt) = (call.upstream.as_deref(), attempts.number());
            if let Some(pause) = attempts.next(cause, error) {
                let reason = message.as_deref().unwrap_or(&error.message);
                tracing::warn!(
                    target: "heimdall::request",
                    request_id = access.id, upstream, attempt, error = ?shortened(reason),
                    next = &*attempts.target().upstream, ?pause, "an attempt failed, and another one follows"
                );
                sleep(pause).await;
                continue;
            }
        }
        if let Some(message) = message {
            access.failed(message);
        }
        return call.answer(exchange, headers, answered);
    }
}

impl Call {
    /// The pre hooks, and what lies behind them.
    async fn attempt(
        &mut self,
        app: &App,
        exchange: &mut Exchange,
        asked: &Asked,
        attempts: &mut Attempts<'_>,
        access: &mut Access,
    ) -> Reached {
        let target = attempts.target();
        access.attempts = Some(attempts.number().saturating_add(1));
        access.model = Some(target.model.to_string());
        access.upstream = Some(target.upstream.clone());
        access.asked = None;
        let request = match exchange.before_call(asked.attempt(target, attempts.number())).await {
            LlmStep::Proceed(request) => request,
            LlmStep::Answer(response) => return Reached::Answer(HeaderMap::new(), response),
            LlmStep::Refuse(error) => return Reached::Error(HeaderMap::new(), error, Cause::Plugin),
        };
        let provider: Arc<str> = request.provider().into();
        access.model = Some(request.model().to_owned());
        access.upstream = Some(provider.clone());
        let member = match app.upstreams.get(&provider) {
            Ok(member) => member,
            Err(error) => return Reached::Error(HeaderMap::new(), error, Cause::upstream(Again::Nowhere)),
        };
        access.asked = Some(provider.clone());
        self.upstream = Some(provider.clone());
        let end = attempts.asks(&provider, member);
        let http = exchange.http().clone();
        let mut outgoing = UpstreamRequest {
            streaming: request.streaming(),
            call: request,
            query: http.query().map(str::to_owned),
            headers: headers::for_upstream(http.headers()),
            client_key: headers::client_key(http.headers()),
        };
        let operation = Operation::Call(outgoing.call.kind(), outgoing.call.model());
        let span = access.asks(&mut outgoing.headers, &provider, &operation);
        let answer = member.call(outgoing, end, span).await;
        // What comes late is given up for another upstream's only.
        let first_event = match (attempts.is_last(), attempts.has_fallback()) {
            (true, _) => FirstEvent::NotAwaited,
            (false, true) => FirstEvent::Within(member.first_byte),
            (false, false) => FirstEvent::Awaited,
        };
        self.read(exchange.elapsed_ms(), answer, first_event).await
    }

    /// What an upstream's answer comes to.
    async fn read(
        &self,
        elapsed_ms: u32,
        answer: Result<UpstreamAnswer, UpstreamError>,
        first_event: FirstEvent,
    ) -> Reached {
        match answer {
            Ok(UpstreamAnswer::Stream { headers, events }) => {
                let headers = headers::for_client(&headers);
                let within = match first_event {
                    FirstEvent::NotAwaited => return Reached::Events(headers, events),
                    FirstEvent::Awaited => None,
                    FirstEvent::Within(time) => Some(time),
                };
                match Outgoing::begun(self.kind, self.name(), events, within).await {
                    Ok(events) => Reached::Events(headers, events),
                    Err((error, again)) => Reached::Error(headers, error, Cause::upstream(again)),
                }
            }
            Ok(UpstreamAnswer::Whole { status, headers, body }) if status.is_success() => {
                let headers = headers::for_client(&headers);
                match self.parse(elapsed_ms, body) {
                    Ok(response) => match told_with_success(response.document()) {
                        Some(error) => {
                            let cause = Cause::upstream(Again::after_told(&error));
                            Reached::Error(headers, error, cause)
                        }
                        None => Reached::Answer(headers, response),
                    },
                    Err(error) => failed(&error),
                }
            }
            Ok(UpstreamAnswer::Whole { status, headers, body }) => {
                let cause = Cause::Upstream {
                    again: Again::after_status(status.as_u16()),
                    wait: retry_after::of(&headers),
                };
                let error = in_shape(LlmError::from_upstream(status.as_u16(), &body));
                Reached::Error(headers::for_client(&headers), error, cause)
            }
            Err(error) => failed(&error),
        }
    }

    /// The name of the upstream that was asked.
    fn name(&self) -> Arc<str> {
        self.upstream.clone().unwrap_or_default()
    }
}

/// A call without a usable answer.
fn failed(error: &UpstreamError) -> Reached {
    let again = Again::after_fault(&error.fault);
    Reached::Error(HeaderMap::new(), LlmError::from(error), Cause::upstream(again))
}

/// An upstream's error whose body clients can read: one without the member `error` is made anew from what it says.
pub(crate) fn in_shape(error: LlmError) -> LlmError {
    let has_shape = |body: &Document| body.pointer("/error").is_some();
    LlmError {
        body: error.body.filter(has_shape),
        ..error
    }
}

impl Call {
    /// What the post hooks left.
    fn answer(self, exchange: Exchange, headers: HeaderMap, answered: Answered) -> Called {
        match answered {
            Answered::Response(response) if self.streaming => self.stream_made(exchange, headers, &response),
            Answered::Response(response) => Called::Whole(
                Box::new(exchange),
                success(headers, response.document().bytes().clone()),
            ),
            Answered::Error(error) => {
                let response = errors::response(&error, UPSTREAM_FAILED);
                let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut headers = with_json(headers);
                for (name, value) in response.headers() {
                    headers.insert(name.clone(), value.clone());
                }
                let response = HttpResponse::new(status, headers, response.body().clone());
                Called::Whole(Box::new(exchange), response)
            }
        }
    }

    fn parse(&self, elapsed_ms: u32, body: Bytes) -> Result<LlmResponse, UpstreamError> {
        let document = Document::parse_with(body, Duplicates::LastWins).map_err(|error| UpstreamError {
            upstream: self.name(),
            fault: Fault::NotJson(error.to_string()),
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
