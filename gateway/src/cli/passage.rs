//! One recorded request's way through the pipeline, with a recorded answer or the echo's in the upstream's place.

use std::sync::Arc;

use futures_util::StreamExt as _;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{Context, HttpRequest, HttpResponse, LlmError, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::{Exchange, HttpStep, LlmStep, Pipeline};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::recorded::{NoModel, Recorded, RecordedResponse, ask_echo, model_request};
use crate::server;
use crate::upstream::{DONE, Fault, UpstreamAnswer, UpstreamError};

/// The status of an error that has none of its own, as `serve` has it.
const FAILED: u16 = 502;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The upstream was reached, and its answer went back.
    Passed,
    /// A plugin answered, refused or failed before the upstream was reached.
    Ended,
    /// It called no model, so that only HTTP hooks saw it; why. `recorded`: the recorded answer went back all the same, as
    /// that of a path which the configuration lists.
    NoModel { why: String, recorded: bool },
}

/// Looks on. Each method is called with what has just come to pass; who looks at nothing costs nothing.
pub(super) trait Watch {
    /// The request's context, before the first hook.
    fn begins(&mut self, _exchange: &mut Exchange) {}
    /// What reached the upstream.
    fn asks(&mut self, _http: &HttpRequest, _request: &LlmRequest) {}
    /// The answer that the client gets, where it is no stream.
    fn responds(&mut self, _response: HttpResponse) {}
    /// A stream begins with these headers.
    fn streams(&mut self, _headers: HeaderMap) {}
    /// Events of it that the client gets.
    fn sends(&mut self, _events: Vec<Document>) {}
    /// The context after the last hook.
    fn ends(&mut self, _context: &Context) {}
}

impl Watch for () {}

/// What the upstream answered.
struct Answer {
    headers: HeaderMap,
    form: Form,
}

enum Form {
    Whole(Upstream),
    Events(Events),
}

/// A stream, and what ended it before its end.
struct Events {
    documents: Vec<Document>,
    broken: Option<LlmError>,
}

impl Events {
    fn whole(documents: Vec<Document>) -> Events {
        let broken = None;
        Events { documents, broken }
    }
}

/// A request that is under way.
struct Passage<'a, W> {
    exchange: Exchange,
    watch: &'a mut W,
}

/// `choose` tells the upstream of a model, and what it is called there; none: it has none.
pub(super) async fn pass<W: Watch>(
    pipeline: &Arc<Pipeline>,
    choose: impl FnOnce(&str) -> Option<(String, String)>,
    id: &str,
    recorded: &Recorded,
    watch: &mut W,
) -> Ending {
    let mut exchange = pipeline.begin(id, recorded.http.clone());
    watch.begins(&mut exchange);
    let step = exchange.on_request().await;
    let mut passage = Passage { exchange, watch };
    if let HttpStep::Respond(response) = step {
        passage.respond(response).await;
        return Ending::Ended;
    }
    let http = passage.exchange.http().clone();
    let request = match model_request(&http, false, choose) {
        Ok(request) => request,
        Err(no_model) => return passage.without_model(&no_model, recorded).await,
    };
    match passage.exchange.before_call(request.clone()).await {
        LlmStep::Proceed(sent) => {
            passage.watch.asks(&http, &sent);
            let answer = answer(&http, recorded, &sent).await;
            passage.answer(&request, answer).await;
            Ending::Passed
        }
        LlmStep::Answer(response) => {
            passage.made(&request, Upstream::Response(response)).await;
            Ending::Ended
        }
        LlmStep::Refuse(error) => {
            passage.made(&request, Upstream::Error(error)).await;
            Ending::Ended
        }
    }
}

async fn answer(http: &HttpRequest, recorded: &Recorded, request: &LlmRequest) -> Answer {
    let Some(response) = &recorded.response else {
        return echoed(http, request).await;
    };
    let form = match &response.events {
        Some(events) => Form::Events(read_events(events.clone(), request)),
        None => Form::Whole(read(response, request)),
    };
    let headers = response.headers.clone();
    Answer { headers, form }
}

async fn echoed(http: &HttpRequest, request: &LlmRequest) -> Answer {
    match ask_echo(http, request, request.streaming()).await {
        Ok(UpstreamAnswer::Stream { headers, mut events }) => {
            let (mut data, mut broken) = (Vec::new(), None);
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) if event.data == DONE => {}
                    Ok(event) => data.push(event.data),
                    Err(error) => broken = Some(LlmError::from(&error)),
                }
            }
            let Events {
                documents,
                broken: unread,
            } = read_events(data, request);
            let broken = unread.or(broken);
            let form = Form::Events(Events { documents, broken });
            Answer { headers, form }
        }
        Ok(UpstreamAnswer::Whole { status, headers, body }) => {
            let response = RecordedResponse {
                status,
                headers,
                body,
                events: None,
            };
            let form = Form::Whole(read(&response, request));
            let headers = response.headers;
            Answer { headers, form }
        }
        Err(error) => Answer {
            headers: HeaderMap::new(),
            form: Form::Whole(Upstream::Error(LlmError::from(&error))),
        },
    }
}

/// An event that is no JSON ends the stream.
fn read_events(data: Vec<String>, request: &LlmRequest) -> Events {
    let mut documents = Vec::new();
    for event in data {
        match Document::parse_with(event, Duplicates::LastWins) {
            Ok(document) => documents.push(document),
            Err(error) => {
                let fault = Fault::BadStream(format!("an event is no JSON: {error}"));
                let broken = Some(failed(request, fault));
                return Events { documents, broken };
            }
        }
    }
    Events::whole(documents)
}

fn read(response: &RecordedResponse, request: &LlmRequest) -> Upstream {
    if !response.status.is_success() {
        let error = LlmError::from_upstream(response.status.as_u16(), &response.body);
        return Upstream::Error(server::in_shape(error));
    }
    match Document::parse_with(response.body.clone(), Duplicates::LastWins) {
        Ok(document) => match server::told_with_success(&document) {
            Some(error) => Upstream::Error(error),
            None => {
                let provider = Some(request.provider().into());
                Upstream::Response(LlmResponse::new(request.kind(), provider, 0, false, document))
            }
        },
        Err(error) => Upstream::Error(failed(request, Fault::NotJson(error.to_string()))),
    }
}

/// What the upstream's answer could not be used for.
fn failed(request: &LlmRequest, fault: Fault) -> LlmError {
    LlmError::from(&UpstreamError {
        upstream: request.provider().into(),
        fault,
    })
}

/// Whether the client asked for the usage at the end of a stream.
fn wants_usage(request: &LlmRequest) -> bool {
    let asked = request.document().pointer("/stream_options/include_usage");
    asked.and_then(|value| value.as_bool()).unwrap_or(false)
}

fn with_type(headers: &HeaderMap, content_type: &'static str) -> HeaderMap {
    let mut headers = server::for_client(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
}

impl<W: Watch> Passage<'_, W> {
    /// No model is called: what `serve` answers then goes back, or the recorded answer where it could be a listed path's.
    async fn without_model(self, no_model: &NoModel, recorded: &Recorded) -> Ending {
        let refused = matches!(no_model, NoModel::Refused(_));
        let answered = recorded.response.as_ref().filter(|_| !refused);
        let (response, why) = match (answered, no_model.answer()) {
            (Some(answered), _) => {
                let RecordedResponse {
                    status, headers, body, ..
                } = answered.clone();
                (HttpResponse::new(status, headers, body), no_model.to_string())
            }
            (None, Some(answer)) if !refused => {
                let (status, message) = (answer.status(), server::message_of(answer));
                let why = format!("{no_model}; `serve` answers with status {status}: {message}");
                (answer.clone(), why)
            }
            (None, answer) => {
                let nothing = || HttpResponse::new(StatusCode::OK, HeaderMap::new(), "{}".into());
                (answer.cloned().unwrap_or_else(nothing), no_model.to_string())
            }
        };
        let recorded = answered.is_some();
        self.respond(response).await;
        Ending::NoModel { why, recorded }
    }

    /// The upstream's answer goes back.
    async fn answer(self, request: &LlmRequest, answer: Answer) {
        let Answer { headers, form } = answer;
        match form {
            Form::Events(events) => self.stream(request, &headers, events).await,
            Form::Whole(upstream) => self.whole(request, &headers, upstream).await,
        }
    }

    /// What a plugin made in the upstream's place goes back.
    async fn made(self, request: &LlmRequest, upstream: Upstream) {
        self.whole(request, &HeaderMap::new(), upstream).await;
    }

    async fn whole(mut self, request: &LlmRequest, headers: &HeaderMap, upstream: Upstream) {
        // A whole answer for a client that asked for a stream is sent as one.
        let upstream = match upstream {
            Upstream::Response(response) if request.streaming() => Upstream::Response(response),
            other => self.exchange.after_call(other).await,
        };
        let (status, body) = match &upstream {
            Upstream::Response(response) if request.streaming() => {
                let events = response.to_chunks(wants_usage(request));
                return self.stream(request, headers, Events::whole(events)).await;
            }
            Upstream::Response(response) => (200, response.document().bytes().clone()),
            Upstream::Error(error) => (error.status_or(FAILED), error.to_json().bytes().clone()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = with_type(headers, "application/json");
        self.respond(HttpResponse::new(status, headers, body)).await;
    }

    async fn respond(mut self, response: HttpResponse) {
        let response = self.exchange.on_response(response).await;
        self.watch.responds(response);
        self.watch.ends(self.exchange.context());
    }

    async fn stream(self, request: &LlmRequest, headers: &HeaderMap, events: Events) {
        let Passage { exchange, watch } = self;
        let Events { documents, broken } = events;
        watch.streams(with_type(headers, "text/event-stream"));
        if !exchange.reads_chunks() {
            watch.sends(documents);
            watch.sends(broken.iter().map(|error| error.to_event(request.kind())).collect());
            return watch.ends(exchange.context());
        }
        let mut stream = exchange.into_stream(request.kind());
        let mut aborted = false;
        for event in documents {
            let step = stream.chunk(event).await;
            watch.sends(step.send);
            if step.aborted {
                aborted = true;
                break;
            }
        }
        if !aborted {
            watch.sends(stream.end(broken).await.send);
        }
        watch.ends(&stream.finish().await);
    }
}
