//! What the bytes say that go into a guest and come out of it: JSON of one shape or another, to and from the canonical
//! model. How the bytes travel is [`crate::abi`]'s business; neither knows the other.
//!
//! ```
//! use heimdall_host::json::Document;
//! use heimdall_host::model::{CallKind, Context, LlmRequest};
//! use heimdall_shim::envelope::Envelope;
//! use heimdall_shim::envelope::bifrost::Generations2And3;
//!
//! let body = r#"{"model":"small","messages":[{"role":"user","content":"Hello!"}],"top_k":3}"#;
//! let mut request = LlmRequest::new(CallKind::Chat, "provider", "small", false, 0, Document::parse(body)?);
//! let mut context = Context::new("request-1", 1 << 20);
//! let inputs = Generations2And3.pre(&context, &request);
//! assert_eq!(inputs.len(), 1);
//!
//! // A guest that gives back what it knows, and nothing else, has edited nothing.
//! let answer = Document::parse(r#"{"request":{"model":"small","input":[{"role":"user","content":"Hello!"}]}}"#)?;
//! Generations2And3.read_pre(&answer, &mut context, &mut request)?;
//! assert_eq!(request.document().as_str(), body);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bifrost;
mod merge;
mod read;
mod write;

use heimdall_host::json::{Document, JsonError};
use heimdall_host::model::{self, Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, Upstream};
use heimdall_host::plugin::{ChunkOutcome, HttpOutcome, PostOutcome, PreOutcome};

use crate::Input;

/// What a hook is given, in the order of its parameters. An empty one is passed as nothing.
pub type Inputs = Vec<Input>;

/// Why an answer is a failure of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The guest says so itself.
    #[error("{0}")]
    Returned(String),
    /// It is no answer.
    #[error("{0}")]
    Unusable(String),
}

impl From<JsonError> for EnvelopeError {
    fn from(error: JsonError) -> Self {
        EnvelopeError::Unusable(error.to_string())
    }
}

impl From<model::EditError> for EnvelopeError {
    fn from(error: model::EditError) -> Self {
        EnvelopeError::Unusable(error.to_string())
    }
}

impl From<heimdall_host::json::EditError> for EnvelopeError {
    fn from(error: heimdall_host::json::EditError) -> Self {
        EnvelopeError::Unusable(error.to_string())
    }
}

/// How a chunk is put into a chunk hook's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkForm {
    /// The chunk as the JSON that it is.
    Json,
    /// A string that holds the chunk's JSON as base64.
    Base64,
}

/// What a chunk hook made of its chunk.
#[derive(Debug, Clone)]
pub enum ChunkAnswer {
    /// It decided.
    Outcome(ChunkOutcome),
    /// It gave an error and no chunk.
    Error(String),
    /// It gave an error, and a chunk that goes on.
    Remark(String),
}

/// The error with which a guest refuses by nothing but a message.
pub(crate) fn refusal(message: String) -> LlmError {
    LlmError {
        message,
        kind: Some("plugin_error".to_owned()),
        code: Some("plugin_refused".to_owned()),
        ..LlmError::default()
    }
}

/// The JSON of one generation. Each hook has a function that writes its inputs and one that reads its answer into the
/// draft of what the hook is about; the defaults are those of a generation that lacks the hook.
///
/// An answer is never taken at its word: what it doesn't name, or says again, stays byte for byte.
pub trait Envelope: Send + Sync + 'static {
    /// Of the HTTP request hook.
    fn http_request(&self, context: &Context, request: &HttpRequest) -> Inputs;

    /// Of the HTTP request hook.
    ///
    /// # Errors
    /// What is no answer. An error that the guest gives is an outcome.
    fn read_http_request(
        &self,
        answer: &Document,
        context: &mut Context,
        request: &mut HttpRequest,
    ) -> Result<HttpOutcome, EnvelopeError>;

    /// Of the HTTP response hook.
    fn http_response(&self, _context: &Context, _request: &HttpRequest, _response: &HttpResponse) -> Inputs {
        Inputs::new()
    }

    /// Of the HTTP response hook.
    ///
    /// # Errors
    /// What is no answer. An error that the guest gives becomes the response.
    fn read_http_response(
        &self,
        _answer: &Document,
        _context: &mut Context,
        _response: &mut HttpResponse,
    ) -> Result<(), EnvelopeError> {
        Ok(())
    }

    /// Of the LLM pre hook.
    fn pre(&self, context: &Context, request: &LlmRequest) -> Inputs;

    /// Of the LLM pre hook.
    ///
    /// # Errors
    /// What is no answer, and an error that the guest gives.
    fn read_pre(
        &self,
        answer: &Document,
        context: &mut Context,
        request: &mut LlmRequest,
    ) -> Result<PreOutcome, EnvelopeError>;

    /// Of the LLM post hook.
    fn post(&self, context: &Context, upstream: &Upstream) -> Inputs;

    /// Of the LLM post hook. `path` is the HTTP request's, which tells what a response must look like that comes in place
    /// of an error.
    ///
    /// # Errors
    /// What is no answer, and an error that the guest gives.
    fn read_post(
        &self,
        answer: &Document,
        context: &mut Context,
        upstream: &mut Upstream,
        path: &str,
    ) -> Result<PostOutcome, EnvelopeError>;

    /// Of the LLM post hook, for a chunk of a stream.
    fn post_chunk(&self, context: &Context, chunk: &LlmChunk) -> Inputs;

    /// Of the LLM post hook, for a chunk of a stream.
    ///
    /// # Errors
    /// What is no answer, and an error that the guest gives.
    fn read_post_chunk(
        &self,
        answer: &Document,
        context: &mut Context,
        chunk: &mut LlmChunk,
    ) -> Result<ChunkOutcome, EnvelopeError>;

    /// Of the chunk hook.
    fn chunk(&self, _context: &Context, _request: &HttpRequest, _chunk: &LlmChunk, _form: ChunkForm) -> Inputs {
        Inputs::new()
    }

    /// Of the chunk hook.
    ///
    /// # Errors
    /// What is no answer.
    fn read_chunk(
        &self,
        _answer: &Document,
        _context: &mut Context,
        _chunk: &mut LlmChunk,
    ) -> Result<ChunkAnswer, EnvelopeError> {
        Ok(ChunkAnswer::Outcome(ChunkOutcome::Proceed))
    }
}
