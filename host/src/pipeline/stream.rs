//! A streamed answer on its way through the plugins.
//!
//! Each chunk passes the plugins in reverse order, twice: first the post hooks that want every chunk, then the chunk
//! hooks. What a plugin sends instead of a chunk passes the plugins before it. A chunk after which nothing of
//! substance is expected is kept back until the next one, or the end, shows whether it was the last.

mod finish;

use std::sync::Arc;

use super::exchange::{Exchange, Standing, commit};
use super::policy::{refusal, settle};
use super::turn::take_turn;
use crate::counters::Hook;
use crate::json::Document;
use crate::loader::Loaded;
use crate::model::{CallKind, Context, LlmChunk, LlmError, StreamAssembly};
use crate::plugin::{ChunkOutcome, HookSet};

/// What is to be sent, in order.
#[derive(Debug, Default)]
pub struct StreamStep {
    /// Events in the provider's shape, without framing.
    pub send: Vec<Document>,
    /// True: the stream is over, and its last event tells of an error. Nothing may be fed any more.
    pub aborted: bool,
}

/// Feeds a streamed answer through the plugins. Made by [`Exchange::into_stream`]; dropped when the client leaves.
pub struct LlmStream {
    exchange: Exchange,
    kind: CallKind,
    assembly: StreamAssembly,
    provider: Option<Arc<str>>,
    /// False: the post hooks have run already, on the error that this stream stands in for.
    post_hooks: bool,
    /// A chunk that may be the last.
    kept: Option<LlmChunk>,
    next_index: u32,
    announced_last: bool,
    /// What the upstream said went wrong, or what ended the stream.
    error: Option<LlmError>,
    /// Of that, what a plugin dropped and nobody has told the client in other words.
    untold: Option<LlmError>,
}

/// Chunks on their way out, or the error that ends them.
type Passed = Result<Vec<LlmChunk>, LlmError>;

impl LlmStream {
    pub(super) fn new(
        exchange: Exchange,
        kind: CallKind,
        assembly: StreamAssembly,
        provider: Option<Arc<str>>,
        post_hooks: bool,
    ) -> LlmStream {
        LlmStream {
            exchange,
            kind,
            assembly,
            provider,
            post_hooks,
            kept: None,
            next_index: 0,
            announced_last: false,
            error: None,
            untold: None,
        }
    }

    /// The request's context.
    pub fn context(&self) -> &Context {
        self.exchange.context()
    }

    /// One event of the upstream's.
    pub async fn chunk(&mut self, document: Document) -> StreamStep {
        let mut step = StreamStep::default();
        let whole = LlmChunk::new(self.kind, 0, document);
        if let Some(error) = whole.error() {
            self.error = Some(error);
        }
        let chunks = if self.exchange.takes_part(HookSet::CHUNK | HookSet::POST_LLM_CHUNK) {
            whole.split_choices()
        } else {
            vec![whole]
        };
        for chunk in chunks {
            let Some(chunk) = self.keep_if_last(chunk) else {
                continue;
            };
            let said = self.error.as_ref().and_then(|_| chunk.error());
            let passed = self.through_hooks(chunk).await;
            self.remember(said, &passed);
            self.send(passed, &mut step).await;
            if step.aborted {
                break;
            }
        }
        step
    }

    /// The upstream's end; `error` where it broke off. The chunks that plugins held back go out before the last one.
    /// [`LlmStream::finish`] comes next, once this was sent.
    pub async fn end(&mut self, error: Option<LlmError>) -> StreamStep {
        let mut step = StreamStep::default();
        if error.is_some()
            && let Some(kept) = self.kept.take()
        {
            let passed = self.through_hooks(kept).await;
            self.send(passed, &mut step).await;
        }
        if step.aborted {
            return step;
        }
        match error {
            Some(error) => {
                let event = self.error_event(&error);
                self.send_last(Some(event), Some(error), &mut step).await;
            }
            None => {
                let kept = self.kept.take();
                self.send_last(kept, None, &mut step).await;
            }
        }
        step
    }

    async fn send_last(&mut self, last: Option<LlmChunk>, error: Option<LlmError>, step: &mut StreamStep) {
        let said = last.as_ref().and_then(LlmChunk::error);
        let passed = match last {
            Some(mut chunk) => {
                chunk.set_last(true);
                self.announced_last = true;
                self.through_hooks(chunk).await
            }
            None => self.announce_end().await.map(|()| Vec::new()),
        };
        self.remember(said, &passed);
        let mut last = match passed {
            Ok(last) => last,
            Err(error) => return self.abort(error, step).await,
        };
        let held_back = self.flush().await;
        self.send(held_back, step).await;
        if step.aborted {
            return;
        }
        let untold = self.untold.take();
        let is_error = |chunk: &LlmChunk| chunk.error().is_some();
        let is_untold = untold.is_some() && !last.iter().any(is_error);
        let Some(error) = error.or(untold) else {
            return self.send(Ok(last), step).await;
        };
        if last.is_empty() || is_untold {
            // A plugin may say how a stream that broke off ends, but not that nothing was wrong with it.
            last.push(self.error_event(&error));
        }
        let told = last.iter().any(is_error);
        self.send(Ok(last), step).await;
        step.aborted |= told;
        self.error = told.then_some(error);
    }

    /// An error of the upstream's that the plugins left nothing of is told at the end.
    fn remember(&mut self, said: Option<LlmError>, passed: &Passed) {
        if said.is_some() && matches!(passed, Ok(chunks) if chunks.is_empty()) {
            self.untold = said;
        }
    }

    fn error_event(&self, error: &LlmError) -> LlmChunk {
        LlmChunk::new(self.kind, self.next_index, error.to_event(self.kind))
    }

    /// Gives back the chunk that goes on now: the new one, or the one that was kept for it.
    fn keep_if_last(&mut self, mut chunk: LlmChunk) -> Option<LlmChunk> {
        chunk.set_index(self.next_index);
        self.next_index = self.next_index.saturating_add(1);
        if !self
            .exchange
            .pipeline
            .hooks()
            .intersects(HookSet::POST_LLM_CHUNK | HookSet::END)
        {
            return Some(chunk);
        }
        if self.kept.is_some() || chunk.is_terminal() {
            self.kept.replace(chunk)
        } else {
            Some(chunk)
        }
    }

    async fn through_hooks(&mut self, chunk: LlmChunk) -> Passed {
        self.assembly.sent_by_upstream(&chunk);
        let mut chunks = vec![chunk];
        if self.post_hooks {
            chunks = self
                .pass(chunks, self.with_post_hooks(), HookSet::POST_LLM_CHUNK)
                .await?;
        }
        self.pass(chunks, self.with_chunk_hooks(), HookSet::CHUNK).await
    }

    /// Passes the chunks through that hook of the plugins before `end`, in reverse order.
    async fn pass(&mut self, mut chunks: Vec<LlmChunk>, end: usize, hook: HookSet) -> Passed {
        let pipeline = self.exchange.pipeline.clone();
        for (place, loaded) in pipeline.plugins().iter().enumerate().take(end).rev() {
            if !self.takes_part(place, hook) {
                continue;
            }
            let mut passed = Vec::with_capacity(chunks.len());
            for chunk in chunks {
                self.one_hook(place, loaded, hook, chunk, &mut passed).await?;
            }
            chunks = passed;
            if chunks.is_empty() {
                break;
            }
        }
        Ok(chunks)
    }

    async fn one_hook(
        &mut self,
        place: usize,
        loaded: &Loaded,
        hook: HookSet,
        chunk: LlmChunk,
        passed: &mut Vec<LlmChunk>,
    ) -> Result<(), LlmError> {
        // It may have failed on the chunk before this one.
        if !self.takes_part(place, hook) {
            passed.push(chunk);
            return Ok(());
        }
        let Some(part) = self.exchange.parts.get_mut(place) else {
            return Ok(());
        };
        let mut draft = chunk.clone();
        let mut call = part.call(loaded, &self.exchange.context, &self.exchange.http);
        let mut row = self.exchange.turns.row();
        let result = if hook == HookSet::CHUNK {
            take_turn!(
                row,
                loaded,
                Hook::OnChunk,
                call,
                loaded.plugin.on_chunk(&mut call, &mut draft)
            )
        } else {
            take_turn!(
                row,
                loaded,
                Hook::AfterChunk,
                call,
                loaded.plugin.after_chunk(&mut call, &mut draft)
            )
        };
        match commit(&mut self.exchange.context, call.context, result) {
            Ok(ChunkOutcome::Proceed) => passed.push(draft),
            Ok(ChunkOutcome::Drop) => {}
            Ok(ChunkOutcome::Replace(documents)) => {
                passed.extend(documents.into_iter().map(|document| chunk.instead(document)));
            }
            Ok(ChunkOutcome::Abort(error)) => {
                return Err(refusal(loaded, error, self.exchange.context.request_id()));
            }
            Err(failure) => {
                part.llm = Standing::Out;
                match settle(loaded, &failure, self.exchange.context.request_id()) {
                    Some(error) => return Err(error),
                    None => passed.push(chunk),
                }
            }
        }
        Ok(())
    }

    /// Tells the post hooks that the stream is over, where no chunk could be marked as its last.
    async fn announce_end(&mut self) -> Result<(), LlmError> {
        if !self.post_hooks || self.announced_last {
            return Ok(());
        }
        self.announced_last = true;
        let mut chunk = LlmChunk::end_of_stream(self.kind, self.next_index);
        chunk.set_last(true);
        let passed = self.pass(vec![chunk], self.with_post_hooks(), HookSet::POST_LLM_CHUNK);
        passed.await.map(drop)
    }

    /// What plugins held back: each one's chunks pass the plugins before it.
    async fn flush(&mut self) -> Passed {
        let pipeline = self.exchange.pipeline.clone();
        let end = self.with_chunk_hooks();
        let mut flushed = Vec::new();
        for (place, loaded) in pipeline.plugins().iter().enumerate().take(end).rev() {
            if self.takes_part(place, HookSet::CHUNK) && !flushed.is_empty() {
                let mut passed = Vec::with_capacity(flushed.len());
                for chunk in flushed {
                    self.one_hook(place, loaded, HookSet::CHUNK, chunk, &mut passed).await?;
                }
                flushed = passed;
            }
            if !self.takes_part(place, HookSet::END) {
                continue;
            }
            let Some(part) = self.exchange.parts.get_mut(place) else {
                continue;
            };
            let mut call = part.call(loaded, &self.exchange.context, &self.exchange.http);
            let mut row = self.exchange.turns.row();
            let result = take_turn!(row, loaded, Hook::OnEnd, call, loaded.plugin.on_end(&mut call));
            match commit(&mut self.exchange.context, call.context, result) {
                Ok(documents) => {
                    let (kind, index) = (self.kind, self.next_index);
                    flushed.extend(
                        documents
                            .into_iter()
                            .map(|document| LlmChunk::new(kind, index, document)),
                    );
                }
                Err(failure) => {
                    part.llm = Standing::Out;
                    if let Some(error) = settle(loaded, &failure, self.exchange.context.request_id()) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(flushed)
    }

    async fn send(&mut self, passed: Passed, step: &mut StreamStep) {
        let chunks = match passed {
            Ok(chunks) => chunks,
            Err(error) => return self.abort(error, step).await,
        };
        for mut chunk in chunks {
            if let Err(error) = self.assembly.going_out(&mut chunk) {
                let message = format!("An event of the stream could not be rewritten: {error}.");
                return self
                    .abort(
                        LlmError {
                            message,
                            ..LlmError::default()
                        },
                        step,
                    )
                    .await;
            }
            if self.untold.is_some() && chunk.error().is_some() {
                self.untold = None;
            }
            step.send.push(chunk.document().clone());
        }
    }

    /// Ends the stream with an error of a plugin's. Post hooks that keep totals learn that there is no more.
    async fn abort(&mut self, error: LlmError, step: &mut StreamStep) {
        // That one of them fails on it changes nothing any more.
        let _told = self.announce_end().await;
        step.send.push(error.to_event(self.kind));
        step.aborted = true;
        self.error = Some(error);
    }

    /// How many plugins, from the first, get the post hooks: a plugin that answered gets its own.
    fn with_post_hooks(&self) -> usize {
        let plugins = self.exchange.parts.len();
        self.exchange.answered_by.map_or(plugins, |place| place + 1)
    }

    /// How many plugins, from the first, get the chunk hooks: none sees the chunks of its own answer.
    fn with_chunk_hooks(&self) -> usize {
        self.exchange.answered_by.unwrap_or(self.exchange.parts.len())
    }

    fn takes_part(&self, place: usize, hook: HookSet) -> bool {
        let loaded = self.exchange.pipeline.plugins().get(place);
        let part = self.exchange.parts.get(place);
        loaded.is_some_and(|loaded| loaded.plugin.hooks().contains(hook))
            && part.is_some_and(|part| part.llm == Standing::In)
    }
}
