//! One recorded request's way through the pipeline, with a recorded answer or the echo's in the upstream's place.

use std::sync::Arc;

use futures_util::StreamExt as _;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{HttpRequest, HttpResponse, LlmError, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::{Exchange, HttpStep, LlmStep, Pipeline};
use http::StatusCode;

use crate::cli::recorded::{Recorded, RecordedResponse, ask_echo, model_request};
use crate::upstream::{DONE, Routing, UpstreamAnswer};

/// The status of an error that has none of its own.
const FAILED: u16 = 500;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The upstream was reached, and its answer went back.
    Passed,
    /// A plugin answered, refused or failed before the upstream was reached.
    Ended,
    /// It called no model, so that only HTTP hooks saw it; why.
    NoModel(String),
}

/// What the upstream answered.
enum Answer {
    Whole(Upstream),
    Events(Vec<Document>),
}

pub(super) async fn pass(pipeline: &Arc<Pipeline>, routing: &Routing, id: &str, recorded: &Recorded) -> Ending {
    let mut exchange = pipeline.begin(id, recorded.http.clone());
    if let HttpStep::Respond(response) = exchange.on_request().await {
        exchange.on_response(response).await;
        return Ending::Ended;
    }
    let http = exchange.http().clone();
    let choose = |model: &str| {
        let target = routing.choose(model)?.target;
        Some((target.upstream.to_string(), target.model.to_string()))
    };
    let request = match model_request(&http, false, choose) {
        Ok(request) => request,
        Err(why) => {
            let answered = recorded.response.clone();
            let answered = answered.unwrap_or_else(|| RecordedResponse::ok("{}".into()));
            let response = HttpResponse::new(answered.status, answered.headers, answered.body);
            exchange.on_response(response).await;
            return Ending::NoModel(why);
        }
    };
    match exchange.before_call(request.clone()).await {
        LlmStep::Proceed(sent) => {
            match answer(&http, recorded, &sent).await {
                Answer::Events(events) => stream(exchange, &request, events).await,
                Answer::Whole(upstream) => whole(exchange, &request, upstream).await,
            }
            Ending::Passed
        }
        LlmStep::Answer(response) => {
            whole(exchange, &request, Upstream::Response(response)).await;
            Ending::Ended
        }
        LlmStep::Refuse(error) => {
            whole(exchange, &request, Upstream::Error(error)).await;
            Ending::Ended
        }
    }
}

async fn answer(http: &HttpRequest, recorded: &Recorded, request: &LlmRequest) -> Answer {
    let Some(response) = &recorded.response else {
        return echoed(http, request).await;
    };
    if let Some(events) = &response.events {
        return Answer::Events(documents(events.clone()));
    }
    Answer::Whole(read(response, request))
}

async fn echoed(http: &HttpRequest, request: &LlmRequest) -> Answer {
    match ask_echo(http, request, request.streaming()).await {
        Ok(UpstreamAnswer::Stream { events, .. }) => {
            let data = events.filter_map(|event| std::future::ready(event.ok().map(|event| event.data)));
            let data = data.filter(|data| std::future::ready(data != DONE));
            Answer::Events(documents(data.collect::<Vec<_>>().await))
        }
        Ok(UpstreamAnswer::Whole { status, headers, body }) => {
            let response = RecordedResponse {
                status,
                headers,
                body,
                events: None,
            };
            Answer::Whole(read(&response, request))
        }
        Err(error) => Answer::Whole(Upstream::Error(LlmError::from(&error))),
    }
}

fn documents(events: Vec<String>) -> Vec<Document> {
    let parsed = events
        .into_iter()
        .map(|data| Document::parse_with(data, Duplicates::LastWins));
    parsed.filter_map(Result::ok).collect()
}

fn read(response: &RecordedResponse, request: &LlmRequest) -> Upstream {
    let error = || LlmError::from_upstream(response.status.as_u16(), &response.body);
    if !response.status.is_success() {
        return Upstream::Error(error());
    }
    match Document::parse_with(response.body.clone(), Duplicates::LastWins) {
        Ok(document) => {
            let provider = Some(request.provider().into());
            Upstream::Response(LlmResponse::new(request.kind(), provider, 0, false, document))
        }
        Err(_) => Upstream::Error(error()),
    }
}

async fn whole(mut exchange: Exchange, request: &LlmRequest, upstream: Upstream) {
    let upstream = match upstream {
        Upstream::Response(response) if request.streaming() => {
            return stream(exchange, request, response.to_chunks(false)).await;
        }
        other => exchange.after_call(other).await,
    };
    let (status, body) = match &upstream {
        Upstream::Response(response) => (200, response.document().bytes().clone()),
        Upstream::Error(error) => (error.status_or(FAILED), error.to_json().bytes().clone()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = RecordedResponse::ok(body.clone()).headers;
    exchange.on_response(HttpResponse::new(status, headers, body)).await;
}

async fn stream(exchange: Exchange, request: &LlmRequest, events: Vec<Document>) {
    if !exchange.reads_chunks() {
        return;
    }
    let mut stream = exchange.into_stream(request.kind());
    for event in events {
        if stream.chunk(event).await.aborted {
            stream.finish().await;
            return;
        }
    }
    stream.end(None).await;
    stream.finish().await;
}
