//! A stream on its way to the client: one event of the upstream's at a time, and only when the client takes it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt};
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{CallKind, LlmChunk, LlmError};
use heimdall_host::pipeline::{LlmStream, StreamStep};
use memchr::memmem;
use tokio::time::timeout;

use super::access::Access;
use super::keep_alive::{SILENCE, kept_alive};
use super::pieces::{InPieces, Step, sent, together};
use crate::upstream::{Again, DONE, Event, Events, Fault, UpstreamError, frame};

/// How long the end of an answer is waited for whose last event is there.
const READ_OUT: Duration = Duration::from_secs(5);

/// Dropping it, as when the client leaves, ends the upstream's call and any hook that is running.
pub(super) struct Outgoing {
    kind: CallKind,
    upstream: Arc<str>,
    events: Events,
    /// The chunk hooks; none: no plugin has any, and events pass unread.
    hooks: Option<LlmStream>,
    /// The data of the last event.
    last: Bytes,
    /// Whether the last event that the client got tells of an error.
    sent_error: bool,
    ended: bool,
    /// What ended the stream early.
    error: Option<String>,
}

impl Outgoing {
    pub(super) fn new(kind: CallKind, upstream: Arc<str>, events: Events, hooks: Option<LlmStream>) -> Outgoing {
        Outgoing {
            kind,
            upstream,
            events,
            hooks,
            last: Bytes::new(),
            sent_error: false,
            ended: false,
            error: None,
        }
    }

    /// Chunks that no upstream sent, as if one had.
    pub(super) fn made(kind: CallKind, chunks: Vec<Document>) -> Events {
        let text = |document: Document| document.as_str().to_owned();
        let name = move |document: &Document| name(kind, document);
        let chunks = chunks.into_iter().map(move |chunk| Event {
            name: name(&chunk),
            data: text(chunk),
        });
        let done = Event {
            name: None,
            data: DONE.to_owned(),
        };
        stream::iter(chunks.chain([done]).map(Ok)).boxed()
    }

    /// A stream whose first event is there; where `within` says so, within that time: comments are no answer.
    ///
    /// # Errors
    /// When the stream is over before it, or it tells of an error: what may be tried instead.
    pub(super) async fn begun(
        kind: CallKind,
        upstream: Arc<str>,
        mut events: Events,
        within: Option<Duration>,
    ) -> Result<Events, (LlmError, Again)> {
        let first = match within {
            None => events.next().await,
            Some(within) => match timeout(within, events.next()).await {
                Ok(first) => first,
                Err(_) => {
                    let fault = Fault::FirstByteTimeout(within);
                    return Err(self::fault(&UpstreamError { upstream, fault }));
                }
            },
        };
        let first = match first {
            Some(Ok(first)) if first.data == DONE => first,
            Some(Ok(first)) => told(kind, upstream, first)?,
            Some(Err(error)) => return Err(fault(&error)),
            None => {
                let fault = Fault::BrokeOff;
                return Err(self::fault(&UpstreamError { upstream, fault }));
            }
        };
        Ok(stream::iter([Ok(first)]).chain(events).boxed())
    }

    /// The body of a response. `access` is logged when it is over.
    pub(super) fn into_body(self, access: Access) -> Body {
        Body::from_stream(together(kept_alive(sent(self, access), SILENCE)))
    }

    /// What the next event comes to.
    async fn step(&mut self) -> Vec<u8> {
        match self.events.next().await {
            Some(Ok(event)) if event.data == DONE => {
                self.read_out();
                let is_error = self.hooks.is_none() && is_error(self.kind, &self.last);
                self.sent_error |= is_error;
                self.end(None, true).await
            }
            Some(Ok(event)) => self.pass(event).await,
            Some(Err(error)) => self.end(Some(error), false).await,
            None => match self.last_word() {
                LastWord::Answer => self.end(None, true).await,
                LastWord::Error => {
                    self.error = Some(self.ended_with_error());
                    self.end(None, false).await
                }
                LastWord::Unfinished => self.end(Some(self.fault(Fault::BrokeOff)), false).await,
            },
        }
    }

    fn ended_with_error(&self) -> String {
        format!("the upstream `{}` ended the stream with an error", self.upstream)
    }

    /// Reads the upstream's answer to its end, which comes a little after its last event: only then its connection can be
    /// used for another call.
    fn read_out(&mut self) {
        let mut events = std::mem::replace(&mut self.events, stream::empty().boxed());
        if events.next().now_or_never().is_none() {
            tokio::spawn(async move {
                let _late = timeout(READ_OUT, events.next()).await;
            });
        }
    }

    async fn pass(&mut self, event: Event) -> Vec<u8> {
        let mut out = Vec::with_capacity(event.data.len() + 64);
        let Some(hooks) = &mut self.hooks else {
            frame(&mut out, event.name.as_deref(), &event.data);
            self.last = event.data.into();
            return out;
        };
        match Document::parse_with(event.data, Duplicates::LastWins) {
            Ok(document) => {
                self.last = document.bytes().clone();
                let step = hooks.chunk(document).await;
                self.send(&step, &mut out);
                if step.aborted {
                    self.finish();
                }
                out
            }
            Err(error) => {
                let error = self.fault(Fault::BadStream(format!("an event is no JSON: {error}")));
                self.end(Some(error), false).await
            }
        }
    }

    /// The end, as it came or for this error. `done`: it is one that a `[DONE]` belongs to.
    async fn end(&mut self, error: Option<UpstreamError>, done: bool) -> Vec<u8> {
        self.ended = true;
        if let Some(error) = &error {
            self.error = Some(error.to_string());
        }
        let error = error.as_ref().map(LlmError::from);
        let mut out = Vec::new();
        let mut aborted = false;
        match (&mut self.hooks, error) {
            (Some(hooks), error) => {
                let step = hooks.end(error).await;
                self.send(&step, &mut out);
                aborted = step.aborted;
                self.finish();
            }
            (None, Some(error)) => self.tell(&error, &mut out),
            (None, None) => {}
        }
        if done && self.sent_error {
            // Unless it is a plugin's.
            let words = self.ended_with_error();
            self.error.get_or_insert(words);
        } else if done && !aborted && self.kind != CallKind::Responses {
            frame(&mut out, None, DONE);
        }
        out
    }

    /// What is left to the plugins keeps the client from nothing, and the client's leaving does not keep it from them.
    fn finish(&mut self) {
        if let Some(hooks) = self.hooks.take() {
            tokio::spawn(hooks.finish());
        }
    }

    fn tell(&self, error: &LlmError, out: &mut Vec<u8>) {
        let event = error.to_event(self.kind);
        frame(out, name(self.kind, &event).as_deref(), event.as_str());
    }

    fn send(&mut self, step: &StreamStep, out: &mut Vec<u8>) {
        if let Some(last) = step.send.last() {
            self.sent_error = is_error(self.kind, last.bytes());
        }
        for document in &step.send {
            frame(out, name(self.kind, document).as_deref(), document.as_str());
        }
        if step.aborted {
            self.ended = true;
            self.error.get_or_insert_with(|| "a plugin ended the stream".to_owned());
        }
    }

    /// What the upstream ended with, where no `[DONE]` came: some servers leave it out.
    fn last_word(&self) -> LastWord {
        let Ok(document) = Document::parse_with(self.last.clone(), Duplicates::LastWins) else {
            return LastWord::Unfinished;
        };
        let is_usage = document.root().get("choices").is_some_and(|choices| choices.is_empty())
            && document.root().get("usage").is_some_and(|usage| !usage.is_null());
        let chunk = LlmChunk::new(self.kind, 0, document);
        if chunk.error().is_some() {
            LastWord::Error
        } else if is_usage || chunk.is_terminal() {
            LastWord::Answer
        } else {
            LastWord::Unfinished
        }
    }

    fn fault(&self, fault: Fault) -> UpstreamError {
        UpstreamError {
            upstream: self.upstream.clone(),
            fault,
        }
    }
}

impl InPieces for Outgoing {
    /// One event, or several that a plugin made of one.
    async fn next(&mut self) -> Step {
        let mut out = Vec::new();
        while out.is_empty() && !self.ended {
            out = self.step().await;
        }
        Step {
            send: (!out.is_empty()).then(|| Ok(out.into())),
            error: self.error.take(),
            is_last: self.ended,
        }
    }

    /// What the upstream and the plugins still have to say is not waited for.
    fn cut_off(&mut self, error: &LlmError) -> io::Result<Bytes> {
        self.hooks = None;
        self.events = stream::empty().boxed();
        let mut out = Vec::new();
        self.tell(error, &mut out);
        Ok(out.into())
    }
}

/// The first event of a stream, unless it tells of an error or can't be read.
fn told(kind: CallKind, upstream: Arc<str>, event: Event) -> Result<Event, (LlmError, Again)> {
    let document = Document::parse_with(event.data.clone(), Duplicates::LastWins).map_err(|error| {
        let fault = Fault::BadStream(format!("an event is no JSON: {error}"));
        self::fault(&UpstreamError { upstream, fault })
    })?;
    match LlmChunk::new(kind, 0, document).error() {
        None => Ok(event),
        Some(error) => {
            let again = Again::after_told(&error);
            Err((error, again))
        }
    }
}

fn fault(error: &UpstreamError) -> (LlmError, Again) {
    (LlmError::from(error), Again::after_fault(&error.fault))
}

/// Whether an event tells of an error. Only one that could is read for it.
fn is_error(kind: CallKind, event: &Bytes) -> bool {
    let read = || Document::parse_with(event.clone(), Duplicates::LastWins).ok();
    let told = |document| LlmChunk::new(kind, 0, document).error().is_some();
    memmem::find(event, b"\"error\"").is_some() && read().is_some_and(told)
}

/// What a stream ended with.
enum LastWord {
    /// The end of an answer.
    Answer,
    /// An error.
    Error,
    /// Neither: it broke off.
    Unfinished,
}

/// The type of an event: the Responses API names each, the others none.
fn name(kind: CallKind, document: &Document) -> Option<String> {
    let named = document.root().get("type").filter(|_| kind == CallKind::Responses)?;
    Some(named.as_str()?.into_owned())
}
