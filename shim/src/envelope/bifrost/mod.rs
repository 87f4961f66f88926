//! Bifrost's JSON, in its three generations.
//!
//! ```
//! use heimdall_host::json::Document;
//! use heimdall_host::model::{CallKind, Context, LlmRequest};
//! use heimdall_shim::envelope::Envelope;
//! use heimdall_shim::envelope::bifrost::{Generation1, Generations2And3};
//!
//! let body = Document::parse(r#"{"model":"small","messages":[]}"#)?;
//! let request = LlmRequest::new(CallKind::Chat, "provider", "small", false, 0, body);
//! let context = Context::new("request-1", 1 << 20);
//! // Generation 1 has a parameter for each text, the later ones have one object.
//! assert_eq!(Generation1.pre(&context, &request).len(), 2);
//! assert_eq!(Generations2And3.pre(&context, &request).len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod context;
mod error;
mod headers;
mod http;
mod objects;
mod post;
mod pre;
mod query;
mod request;
mod response;
mod seed;
pub(super) mod shapes;
mod text_input;

#[cfg(test)]
mod tests;

pub use objects::Generations2And3;
pub use seed::Generation1;
