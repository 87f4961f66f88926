//! What travels through the pipeline: requests, responses, chunks, the context, and what hooks decide.
//!
//! Everything here clones for the price of a reference count and copies only when it is edited, so that a draft is a
//! clone and dropping it undoes every edit.
//!
//! ```
//! use heimdall_host::json::Document;
//! use heimdall_host::model::{CallKind, LlmRequest, Message};
//!
//! let body = Document::parse(r#"{"model":"small","messages":[{"role":"user","content":"Hello!"}],"top_k":3}"#)?;
//! let request = LlmRequest::new(CallKind::Chat, "provider", "small", false, 0, body);
//! let mut draft = request.clone();
//! draft.set("/messages/0/content", Some(&Document::string("Good evening!")))?;
//! assert_eq!(draft.message_text(0).as_deref(), Some("Good evening!"));
//! assert_eq!(request.message_text(0).as_deref(), Some("Hello!"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod assemble;
mod chunk;
mod context;
mod error;
mod http;
mod logprobs;
mod message;
mod request;
mod response;
mod stream;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Completion};
pub use assemble::StreamAssembly;
pub use chunk::LlmChunk;
pub use context::Context;
pub use error::{EditError, LlmError};
pub use http::{HttpRequest, HttpResponse, Reply, is_framing};
pub use message::{Content, Message, Part, PartContent};
pub use request::LlmRequest;
pub use response::{LlmResponse, TokenUsage, Upstream};

/// What kind of call to a model this is. LLM hooks run for the first four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/completions`.
    TextCompletion,
    /// `/v1/responses`.
    Responses,
    /// `/v1/embeddings`.
    Embedding,
}
