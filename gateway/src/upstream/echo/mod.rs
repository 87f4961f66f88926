//! The built-in upstream: it answers every kind of call deterministically, with neither key nor network.
//!
//! A chat or a response says `echo: ` and the last user message's text; a completion `echo: ` and the prompt. Usage
//! counts words. Ids come from the request's bytes, and times do not pass. A model's name after `echo-` asks for more;
//! the parts can be combined, as in `echo-delay-250-error-503`:
//!
//! | model | what it does |
//! |---|---|
//! | `echo` | answers |
//! | `echo-request` | the answer's text is the request's JSON, as it reached the upstream |
//! | `echo-headers` | the answer's text is a JSON object of the headers that reached the upstream |
//! | `echo-error-429` | answers with this HTTP status (400 to 599) and an error |
//! | `echo-delay-250` | waits 250 ms before it answers |
//! | `echo-chunk-delay-50` | waits 50 ms before each event of a stream |
//! | `echo-split-3` | streams 3 characters at a time instead of a word |
//! | `echo-break-3` | breaks off after 3 events of a stream; an answer that is not streamed breaks off at once |
//!
//! Any other name is taken as `echo` is, so that a client can keep the model that it has.

mod behaviour;
mod bounds;
mod chat;
mod completions;
mod embeddings;
mod responses;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use heimdall_host::json::{Document, Value};
use heimdall_host::model::{CallKind, LlmError};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::time::Instant;

use super::{
    DONE, Event, Events, Fault, Forward, Forwarded, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest, bounded,
};
use crate::config::UpstreamConfig;
use behaviour::{Behaviour, Says};

/// When everything was made: the same moment always, so that answers are equal.
const CREATED: u64 = 1_700_000_000;

/// The models that the list of models names.
const MODELS: [&str; 8] = [
    "echo",
    "echo-request",
    "echo-headers",
    "echo-error-429",
    "echo-delay-250",
    "echo-chunk-delay-50",
    "echo-split-3",
    "echo-break-3",
];

pub(super) struct Echo {
    name: Arc<str>,
    /// Time that a call may take, to the end of its answer.
    total: Duration,
}

/// What the kinds of calls answer from.
struct Asked<'a> {
    id: String,
    model: String,
    body: Value<'a>,
    says: Says,
    headers: &'a HeaderMap,
    /// Characters per event of a stream; none: words.
    split: Option<usize>,
}

impl Asked<'_> {
    /// What is answered where `heard` was said.
    fn answer_to(&self, heard: &str) -> String {
        match self.says {
            Says::Heard => format!("echo: {heard}"),
            Says::Request => self.body.raw().to_owned(),
            Says::Headers => headers_json(self.headers),
        }
    }

    /// A member that is a number, or what counts without it.
    fn number(&self, name: &str, default: u64) -> u64 {
        self.body.get(name).and_then(|value| value.as_u64()).unwrap_or(default)
    }

    fn choices(&self) -> u64 {
        self.number("n", 1)
    }

    fn wants_stream_usage(&self) -> bool {
        self.body
            .pointer("/stream_options/include_usage")
            .and_then(|value| value.as_bool())
            .unwrap_or(false)
    }

    /// An answer's text as the pieces of a stream.
    fn pieces<'t>(&self, text: &'t str) -> Vec<&'t str> {
        match self.split {
            Some(characters) => by_characters(text, characters),
            None => text.split_inclusive(' ').collect(),
        }
    }
}

impl Echo {
    pub(super) fn new(name: &str, config: &UpstreamConfig) -> Echo {
        Echo {
            name: name.into(),
            total: Duration::from_millis(config.total_timeout_ms),
        }
    }

    fn error(&self, fault: Fault) -> UpstreamError {
        UpstreamError {
            upstream: self.name.clone(),
            fault,
        }
    }

    fn stream(&self, events: Vec<Event>, behaviour: &Behaviour) -> Events {
        let delay = behaviour.chunk_delay;
        let kept = behaviour.break_after.unwrap_or(events.len());
        let end = behaviour.break_after.map(|_| Err(self.error(Fault::BrokeOff)));
        let answered = events.into_iter().take(kept).map(Ok).chain(end);
        stream::iter(answered)
            .then(move |event| async move { after(delay, event).await })
            .boxed()
    }

    async fn answer(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        let kind = request.call.kind();
        let body = request.call.outgoing();
        let root = body.root();
        let model = root
            .get("model")
            .and_then(|model| model.as_str())
            .unwrap_or_default()
            .into_owned();
        let behaviour = Behaviour::of(&model);
        after(behaviour.delay, ()).await;
        if let Some(status) = behaviour.error {
            return Ok(refused(status));
        }
        if !request.streaming && behaviour.break_after.is_some() {
            return Err(self.error(Fault::BrokeOff));
        }
        let asked = Asked {
            id: format!("{:016x}", hash(body.bytes())),
            model,
            body: root,
            says: behaviour.says,
            headers: &request.headers,
            split: behaviour.split,
        };
        if let Err(error) = bounds::check(kind, request.streaming, &asked) {
            return Ok(error_answer(StatusCode::BAD_REQUEST, &error));
        }
        if request.streaming {
            let events = match kind {
                CallKind::Chat => chat::stream(&asked),
                CallKind::TextCompletion => completions::stream(&asked),
                CallKind::Responses => responses::stream(&asked),
                CallKind::Embedding => Vec::new(),
            };
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
            return Ok(UpstreamAnswer::Stream {
                headers,
                events: self.stream(events, &behaviour),
            });
        }
        let body = match kind {
            CallKind::Chat => chat::whole(&asked),
            CallKind::TextCompletion => completions::whole(&asked),
            CallKind::Responses => responses::whole(&asked),
            CallKind::Embedding => match embeddings::whole(&asked) {
                Ok(body) => body,
                Err(error) => return Ok(error_answer(StatusCode::BAD_REQUEST, &error)),
            },
        };
        Ok(whole(StatusCode::OK, body.to_string().into()))
    }
}

#[async_trait]
impl Upstream for Echo {
    async fn call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        let late = self.error(Fault::TotalTimeout(self.total));
        bounded::call(Instant::now() + self.total, late, self.answer(request)).await
    }

    /// The request's body, as it came.
    async fn forward(&self, request: Forward) -> Result<Forwarded, UpstreamError> {
        let content_type = request.headers.get(CONTENT_TYPE).cloned();
        Ok(Forwarded {
            status: StatusCode::OK,
            headers: content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect(),
            body: stream::iter([Ok(request.body)]).boxed(),
        })
    }

    async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        let model = |id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "heimdall"});
        // What is written by `json!` is JSON.
        Ok(MODELS
            .iter()
            .filter_map(|id| Document::parse(model(id).to_string()).ok())
            .collect())
    }

    fn summary(&self) -> String {
        "built-in echo, needs no key".to_owned()
    }
}

async fn after<T>(delay: Duration, value: T) -> T {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    value
}

fn whole(status: StatusCode, body: Bytes) -> UpstreamAnswer {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    UpstreamAnswer::Whole { status, headers, body }
}

fn error_answer(status: StatusCode, error: &LlmError) -> UpstreamAnswer {
    whole(status, error.to_json().bytes().clone())
}

/// An error about this member of the request.
fn invalid(param: &str, message: String) -> LlmError {
    LlmError {
        message,
        kind: Some("invalid_request_error".to_owned()),
        param: Some(param.to_owned()),
        ..LlmError::default()
    }
}

fn refused(status: StatusCode) -> UpstreamAnswer {
    let error = LlmError {
        message: format!("The echo upstream was asked to answer with status {}.", status.as_u16()),
        kind: Some("echo_error".to_owned()),
        code: Some(format!("echo_{}", status.as_u16())),
        ..LlmError::default()
    };
    error_answer(status, &error)
}

/// An event of a chat or completion stream.
fn event(document: &serde_json::Value) -> Event {
    Event {
        name: None,
        data: document.to_string(),
    }
}

fn done() -> Event {
    Event {
        name: None,
        data: DONE.to_owned(),
    }
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// The text of a message's content: a string, or its text parts joined by line feeds.
fn content_text(content: Value<'_>) -> String {
    if let Some(text) = content.as_str() {
        return text.into_owned();
    }
    let parts = content
        .elements()
        .filter_map(|part| Some(part.get("text")?.as_str()?.into_owned()));
    parts.collect::<Vec<_>>().join("\n")
}

/// Words in what all messages say, and the text of the last one of the role `user`.
fn heard<'a>(messages: impl Iterator<Item = Value<'a>>) -> (u64, String) {
    let mut prompt_words = 0;
    let mut last = String::new();
    for message in messages {
        let text = message.get("content").map(content_text).unwrap_or_default();
        prompt_words += words(&text);
        if message
            .get("role")
            .and_then(|role| role.as_str())
            .is_some_and(|role| role == "user")
        {
            last = text;
        }
    }
    (prompt_words, last)
}

/// 64-bit FNV-1a: the same on every machine and in every version.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn by_characters(text: &str, characters: usize) -> Vec<&str> {
    let starts = text.char_indices().map(|(start, _)| start).step_by(characters.max(1));
    let mut bounds: Vec<usize> = starts.chain([text.len()]).collect();
    bounds.dedup();
    bounds
        .windows(2)
        .filter_map(|bounds| text.get(*bounds.first()?..*bounds.last()?))
        .collect()
}

fn headers_json(headers: &HeaderMap) -> String {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut all = serde_json::Map::new();
    for name in headers.keys() {
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        all.insert(name.to_string(), values.join(", ").into());
    }
    serde_json::Value::Object(all).to_string()
}
