//! Each hook as a gateway calls it, through a pipeline with all that it does: deadlines, limits, drafts, counters.
//!
//! ```no_run
//! use heimdall_bench::guests::{Does, Hook, typed};
//! use heimdall_bench::hooks::{Effect, before_call};
//! use heimdall_bench::world::{World, target_directory};
//!
//! let world = World::new(&target_directory()?)?;
//! let pipeline = world.alone(typed(Hook::BeforeCall, Does::Edit)?)?;
//! before_call(&world, pipeline, 375, Effect::Edited)?.check()?;
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, HttpRequest, HttpResponse, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::{Exchange, HttpStep, LlmStep, LlmStream, Pipeline};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::Error;
use crate::case::{Ready, ensure};
use crate::documents::{MODEL, PROVIDER, chat_answer, chat_chunk, chat_request};
use crate::world::World;

/// What is to have become of what the hook is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is as it was, byte for byte.
    Unchanged,
    /// The guest's edit is there.
    Edited,
}

/// So many calls are made for one request: what a request costs besides is measured by itself.
const CALLS: usize = 256;

/// So many chunks have a stream.
const CHUNKS: usize = 50;

/// An exchange that is begun anew after some calls, as it has a budget of time.
struct Renewed {
    pipeline: Arc<Pipeline>,
    http: HttpRequest,
    current: Option<Exchange>,
    calls: usize,
}

impl Renewed {
    fn new(pipeline: Arc<Pipeline>, size: usize) -> Renewed {
        Renewed {
            pipeline,
            http: http_request(size),
            current: None,
            calls: 0,
        }
    }

    /// The exchange, and whether it has just begun.
    fn next(&mut self) -> (&mut Exchange, bool) {
        if self.calls.is_multiple_of(CALLS) {
            self.current = None;
        }
        self.calls += 1;
        let is_new = self.current.is_none();
        let begin = || self.pipeline.begin("bench-request", self.http.clone());
        (self.current.get_or_insert_with(begin), is_new)
    }
}

/// The HTTP request that carries a chat request of this size.
pub fn http_request(size: usize) -> HttpRequest {
    http_request_with(Bytes::from(chat_request(size)))
}

fn http_request_with(body: Bytes) -> HttpRequest {
    let mut headers = json_headers();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer sk-bench"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench/1.0"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    HttpRequest::new(Method::POST, "/v1/chat/completions", None, headers, body)
}

/// The response that carries an answer of this size.
pub fn http_response(size: usize) -> HttpResponse {
    HttpResponse::new(StatusCode::OK, json_headers(), Bytes::from(chat_answer(size)))
}

fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// A chat request of this size, indexed.
///
/// # Errors
/// Where the document is none.
pub fn llm_request(size: usize) -> Result<LlmRequest, Error> {
    requests(size)?()
}

/// Makes chat requests of this size, each with an index of its own.
///
/// # Errors
/// Where the document is none.
pub fn requests(size: usize) -> Result<impl Fn() -> Result<LlmRequest, Error>, Error> {
    let document = Document::parse(chat_request(size))?;
    Ok(move || {
        let document = document.root().to_document();
        Ok(LlmRequest::new(CallKind::Chat, PROVIDER, MODEL, false, 0, document))
    })
}

/// An answer of this size, indexed.
///
/// # Errors
/// Where the document is none.
pub fn llm_answer(size: usize) -> Result<Upstream, Error> {
    answers(size)?()
}

/// Makes answers of this size, each with an index of its own.
fn answers(size: usize) -> Result<impl Fn() -> Result<Upstream, Error>, Error> {
    let document = Document::parse(chat_answer(size))?;
    Ok(move || {
        let document = document.root().to_document();
        let answer = LlmResponse::new(CallKind::Chat, Some(PROVIDER.into()), 0, false, document);
        Ok(Upstream::Response(answer))
    })
}

/// A request that no plugin answered or refused.
///
/// # Errors
/// Where one did.
pub fn proceeded(step: LlmStep) -> Result<LlmRequest, Error> {
    match step {
        LlmStep::Proceed(request) => Ok(request),
        LlmStep::Answer(_) => Err(Error::did("a plugin answered")),
        LlmStep::Refuse(error) => Err(Error::did(format!("a plugin refused: {}", error.message))),
    }
}

/// `before-call` on an indexed request, and what is sent then where a plugin edits it.
///
/// # Errors
/// Where the document is none.
pub fn before_call(world: &World, pipeline: Arc<Pipeline>, size: usize, effect: Effect) -> Result<Ready, Error> {
    let is_edited = (effect == Effect::Edited).then_some(inserted as IsEdited);
    before_call_that(world, pipeline, size, is_edited)
}

/// The same with a plugin that appends a tag to the last message.
///
/// # Errors
/// Where the document is none.
pub fn before_call_that_tags(world: &World, pipeline: Arc<Pipeline>, size: usize) -> Result<Ready, Error> {
    before_call_that(world, pipeline, size, Some(ends_tagged))
}

/// Whether what goes out is what was sent with an edit, and nothing else.
type IsEdited = fn(Document, &Document) -> Result<(), Error>;

fn before_call_that(
    world: &World,
    pipeline: Arc<Pipeline>,
    size: usize,
    is_edited: Option<IsEdited>,
) -> Result<Ready, Error> {
    let sent = llm_request(size)?;
    let mut renewed = Renewed::new(pipeline, size);
    let call = async move |request: LlmRequest| {
        let (exchange, _) = renewed.next();
        let request = proceeded(exchange.before_call(request).await)?;
        // What was edited is put together at the latest when it is sent.
        let outgoing = is_edited.is_some().then(|| request.outgoing());
        Ok((request, outgoing))
    };
    let looks_right = move |(request, outgoing): (LlmRequest, Option<Document>)| match outgoing.zip(is_edited) {
        None => same(request.document().as_str(), sent.document().as_str()),
        Some((outgoing, is_edited)) => is_edited(outgoing, &sent.outgoing()),
    };
    Ok(Ready::with_inputs(world, requests(size)?, call, looks_right))
}

fn ends_tagged(outgoing: Document, sent: &Document) -> Result<(), Error> {
    let tagged = outgoing.as_str().replacen(" [tag:tagged]\"}", "\"}", 1);
    ensure(tagged.len() < outgoing.len(), || {
        format!("the tag is not there: {outgoing}")
    })?;
    same(&tagged, sent.as_str())
}

/// Whether one message was put before the others, and nothing else done.
///
/// # Errors
/// Where it is not there, or something else changed.
pub fn inserted(mut outgoing: Document, sent: &Document) -> Result<(), Error> {
    let first = outgoing.pointer("/messages/0/content").and_then(|text| text.as_str());
    ensure(first.as_deref() == Some("Be kind."), || {
        format!("the message is not there: {outgoing}")
    })?;
    let removed = outgoing.remove("/messages/0");
    removed.map_err(|error| Error::did(error.to_string()))?;
    same(outgoing.as_str(), sent.as_str())
}

/// `after-call` on an indexed answer.
///
/// # Errors
/// Where the documents are none.
pub fn after_call(world: &World, pipeline: Arc<Pipeline>, size: usize, effect: Effect) -> Result<Ready, Error> {
    let (request, sent) = (llm_request(375)?, llm_answer(size)?);
    let mut renewed = Renewed::new(pipeline, 375);
    let call = async move |answer: Upstream| {
        let (exchange, is_new) = renewed.next();
        if is_new {
            proceeded(exchange.before_call(request.clone()).await)?;
        }
        document_of(exchange.after_call(answer).await)
    };
    let looks_right = move |answer: Document| changed(effect, answer.as_str(), document_of(sent.clone())?.as_str());
    Ok(Ready::with_inputs(world, answers(size)?, call, looks_right))
}

/// The document of an answer.
///
/// # Errors
/// Where it is none.
pub fn document_of(upstream: Upstream) -> Result<Document, Error> {
    match upstream {
        Upstream::Response(response) => Ok(response.document().clone()),
        Upstream::Error(error) => Err(Error::did(format!("an error came back: {}", error.message))),
    }
}

/// A request that begins, `on-request` with a body of this size, and its end: a request has one.
///
/// # Errors
/// None at present.
pub fn on_request(world: &World, pipeline: Arc<Pipeline>, size: usize, effect: Effect) -> Result<Ready, Error> {
    let sent = Bytes::from(chat_request(size));
    let call = async move |http: HttpRequest| {
        let mut exchange = pipeline.begin("bench-request", http);
        match exchange.on_request().await {
            HttpStep::Proceed => Ok(exchange.http().clone()),
            HttpStep::Respond(response) => Err(Error::did(format!("a plugin answered {}", response.status()))),
        }
    };
    let looks_right = move |request: HttpRequest| {
        ensure(*request.body() == sent, || "the body changed".to_owned())?;
        tagged(effect, request.header("x-bench").is_some())
    };
    let body = Bytes::from(chat_request(size));
    let make = move || Ok(http_request_with(body.clone()));
    Ok(Ready::with_inputs(world, make, call, looks_right))
}

/// `on-response` on a response with a body of this size.
///
/// # Errors
/// None at present.
pub fn on_response(world: &World, pipeline: Arc<Pipeline>, size: usize, effect: Effect) -> Result<Ready, Error> {
    let body = Bytes::from(chat_answer(size));
    let sent = body.clone();
    let mut renewed = Renewed::new(pipeline, 375);
    let call = async move |response: HttpResponse| {
        let (exchange, is_new) = renewed.next();
        if is_new && let HttpStep::Respond(response) = exchange.on_request().await {
            return Err(Error::did(format!("a plugin answered {}", response.status())));
        }
        Ok(exchange.on_response(response).await)
    };
    let looks_right = move |response: HttpResponse| {
        ensure(*response.body() == sent, || "the body changed".to_owned())?;
        tagged(effect, response.header("x-bench").is_some())
    };
    let make = move || Ok(HttpResponse::new(StatusCode::OK, json_headers(), body.clone()));
    Ok(Ready::with_inputs(world, make, call, looks_right))
}

fn tagged(effect: Effect, is_there: bool) -> Result<(), Error> {
    ensure(is_there == (effect == Effect::Edited), || {
        format!("the header is there: {is_there}")
    })
}

/// One chunk of a stream of fifty.
///
/// # Errors
/// Where the documents are none.
pub fn on_chunk(world: &World, pipeline: Arc<Pipeline>, text: &str, effect: Effect) -> Result<Ready, Error> {
    let (request, text) = (llm_request(375)?, Bytes::from(chat_chunk(text)));
    let sent = text.clone();
    let http = http_request(375);
    let mut stream: Option<LlmStream> = None;
    let mut chunks = 0;
    let call = async move |chunk: Document| {
        if chunks % CHUNKS == 0 {
            let mut exchange = pipeline.begin("bench-request", http.clone());
            proceeded(exchange.before_call(request.clone()).await)?;
            stream = Some(exchange.into_stream(CallKind::Chat));
        }
        chunks += 1;
        let stream = stream.as_mut().ok_or_else(|| Error::did("there is no stream"))?;
        let step = stream.chunk(chunk).await;
        match <[Document; 1]>::try_from(step.send) {
            Ok([sent]) if !step.aborted => Ok(sent),
            _ => Err(Error::did("not one chunk was sent")),
        }
    };
    let looks_right = move |chunk: Document| changed(effect, chunk.as_str(), &String::from_utf8_lossy(&sent));
    let document = Document::parse(text)?;
    let make = move || Ok(document.root().to_document());
    Ok(Ready::with_inputs(world, make, call, looks_right))
}

fn same(it: &str, sent: &str) -> Result<(), Error> {
    ensure(it == sent, || format!("it changed to {it}"))
}

fn changed(effect: Effect, it: &str, sent: &str) -> Result<(), Error> {
    match effect {
        Effect::Unchanged => same(it, sent),
        Effect::Edited => ensure(it.contains(r#"ontent":"Edited."#), || {
            format!("the edit is not there: {it}")
        }),
    }
}
