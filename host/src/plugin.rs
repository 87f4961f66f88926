//! The port: what the pipeline knows of a plugin, whatever its kind, ABI or version.
//!
//! An adapter (the typed component host, the shim) implements [`Plugin`]; the pipeline calls only hooks that are in
//! [`Plugin::hooks`], hands each call a *draft* of what the hook is about, and commits the draft when the hook
//! returned ok with an outcome that goes on.
//!
//! A plugin need not be WebAssembly:
//!
//! ```
//! use async_trait::async_trait;
//! use heimdall_host::failure::Failure;
//! use heimdall_host::model::HttpRequest;
//! use heimdall_host::plugin::{Call, HookSet, HttpOutcome, Manifest, Plugin};
//!
//! struct Stamp(Manifest);
//!
//! #[async_trait]
//! impl Plugin for Stamp {
//!     fn manifest(&self) -> &Manifest {
//!         &self.0
//!     }
//!
//!     fn hooks(&self) -> HookSet {
//!         HookSet::HTTP_REQUEST
//!     }
//!
//!     async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
//!         // Of this draft nothing is kept if the hook fails.
//!         let _refused = request.set_header("x-stamp", call.context.request_id());
//!         Ok(HttpOutcome::Proceed)
//!     }
//!
//!     async fn cleanup(&self) {}
//! }
//! ```

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bitflags::bitflags;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::functions::Functions;
use crate::json::Document;
use crate::model::{Answer, Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, Reply, Upstream};

bitflags! {
    /// The hooks that a plugin has.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct HookSet: u8 {
        /// [`Plugin::on_request`].
        const HTTP_REQUEST = 1;
        /// [`Plugin::on_response`].
        const HTTP_RESPONSE = 1 << 1;
        /// [`Plugin::before_call`].
        const PRE_LLM = 1 << 2;
        /// [`Plugin::after_call`] for an answer that was not streamed.
        const POST_LLM = 1 << 3;
        /// [`Plugin::after_call`] for a stream: once, after its end, with the answer put together.
        const POST_LLM_STREAMED = 1 << 4;
        /// [`Plugin::after_chunk`]: a post hook that is called for each chunk, before every chunk hook, and needs to
        /// know which chunk is the last.
        const POST_LLM_CHUNK = 1 << 5;
        /// [`Plugin::on_chunk`].
        const CHUNK = 1 << 6;
        /// [`Plugin::on_end`].
        const END = 1 << 7;
    }
}

/// What is known of a plugin once it is loaded: for the banner, logs, errors and `inspect`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The configuration's name, else the guest's, else the file's.
    pub name: Arc<str>,
    /// Where it came from, as the operator wrote it.
    pub file: Arc<str>,
    /// In words: `typed component`, `packed ABI`.
    pub kind: String,
    /// The contract's version or the ABI's generation(s), in words: `heimdall:plugin@0.1.0`, `generation 3`.
    pub version: String,
    /// What the guest says of itself, where it does.
    pub summary: Option<String>,
    /// The names of its hooks, as its authors know them.
    pub hooks: Vec<String>,
    /// The names of what it imports.
    pub imports: Vec<String>,
    /// What an operator should know (`an allocator from address 0: a fresh instance per request`).
    pub notes: Vec<String>,
}

impl Manifest {
    /// Of an embedder's own plugin, which no file holds.
    pub fn native(name: &str) -> Manifest {
        Manifest {
            name: name.into(),
            file: name.into(),
            kind: "native".to_owned(),
            version: String::new(),
            summary: None,
            hooks: Vec::new(),
            imports: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// One plugin's part in one request. The pipeline makes it, keeps it from hook to hook and drops it at the end.
#[derive(Default)]
pub struct Seat {
    /// With `isolation = "request"`: the instance that serves this request. The adapter knows its type.
    pub held: Option<Box<dyn Any + Send>>,
    /// What the plugin has logged for this request.
    pub logged: Logged,
}

/// What was logged for one request: lines, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logged {
    /// Lines that were written.
    pub lines: u32,
    /// Their bytes.
    pub bytes: usize,
}

/// What a plugin's instances came to so far, and how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many were made; what is counted here goes on from one version of a plugin to the next.
    pub made: u64,
    /// How many there may be at once; 0: the plugin has no instances.
    pub most: usize,
    /// How many there are.
    pub live: usize,
    /// How many of them serve a call, or are being made for one.
    pub busy: usize,
    /// Calls that wait for one.
    pub waiting: usize,
    /// How many made way for a fresh one before they would have failed.
    pub recycled: u64,
    /// How many were thrown away after a call that did not return.
    pub discarded: u64,
    /// The most bytes of memory that one of them had when it came back from a call.
    pub memory: usize,
}

/// What is ambient in a hook's call.
pub struct Call<'a> {
    /// The draft of the request's context: committed when the hook returned ok, whatever its outcome. After a failure it may be
    /// any, the empty one too.
    pub context: Context,
    /// The HTTP request as the HTTP hooks left it (in `on_request`: as it came to this plugin).
    pub http: &'a HttpRequest,
    /// The plugin's part in this request.
    pub seat: &'a mut Seat,
    /// When the hook's turn began, and how long it may take; none: outside of a pipeline.
    pub time: Option<HookTime>,
}

/// A hook's time within its request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookTime {
    /// When its turn began.
    pub began: Instant,
    /// What was left then of the time that all hooks of the request may take.
    pub left: Duration,
}

/// What `on_request` decided.
#[derive(Debug, Clone)]
pub enum HttpOutcome {
    /// Go on with the draft.
    Proceed,
    /// Short circuit: the client gets this reply.
    Respond(Reply),
}

/// What `before_call` decided.
#[derive(Debug, Clone)]
pub enum PreOutcome {
    /// Go on with the draft.
    Proceed,
    /// Short circuit: no upstream is called.
    Answer(Answer),
    /// Short circuit with an error.
    Refuse(LlmError),
}

/// What `after_call` decided.
#[derive(Debug, Clone)]
pub enum PostOutcome {
    /// Go on with the draft.
    Proceed,
    /// This answer instead.
    Replace(Answer),
    /// This error instead.
    Refuse(LlmError),
}

/// What `after_chunk` or `on_chunk` decided.
#[derive(Debug, Clone)]
pub enum ChunkOutcome {
    /// Go on with the draft.
    Proceed,
    /// Nothing is sent for this chunk.
    Drop,
    /// These chunks instead, in the provider's shape.
    Replace(Vec<Document>),
    /// The stream ends with this error.
    Abort(LlmError),
}

/// A loaded plugin. Each hook has a default that does nothing, and is called only if it is in [`Plugin::hooks`].
///
/// Every method keeps its plugin's deadlines and caps itself, and never panics on what a guest does. `Err` is a
/// failure (the operator's policy decides); a refusal is an outcome.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Who this is.
    fn manifest(&self) -> &Manifest;

    /// Which of the methods below do something.
    fn hooks(&self) -> HookSet;

    /// Before anything is routed.
    async fn on_request(&self, _call: &mut Call<'_>, _request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        Ok(HttpOutcome::Proceed)
    }

    /// Before the response is sent; not for streams.
    async fn on_response(&self, _call: &mut Call<'_>, _response: &mut HttpResponse) -> Result<(), Failure> {
        Ok(())
    }

    /// Before the upstream is called, once per attempt.
    async fn before_call(&self, _call: &mut Call<'_>, _request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        Ok(PreOutcome::Proceed)
    }

    /// After the upstream answered or failed, once per attempt.
    async fn after_call(&self, _call: &mut Call<'_>, _upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        Ok(PostOutcome::Proceed)
    }

    /// For each chunk of a stream, before any plugin's `on_chunk`.
    async fn after_chunk(&self, _call: &mut Call<'_>, _chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        Ok(ChunkOutcome::Proceed)
    }

    /// For each chunk of a stream.
    async fn on_chunk(&self, _call: &mut Call<'_>, _chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        Ok(ChunkOutcome::Proceed)
    }

    /// Once, before the end of a stream is sent: the chunks that were held back, in the provider's shape.
    async fn on_end(&self, _call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        Ok(Vec::new())
    }

    /// Its functions that can be called beside its hooks, where its kind has such.
    fn functions(&self) -> Option<&dyn Functions> {
        None
    }

    /// What its instances came to so far. A plugin without instances has nothing to tell.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Retires every idle instance, its guest's `cleanup` called, within its deadline. Hooks fail from then on.
    async fn cleanup(&self);
}
