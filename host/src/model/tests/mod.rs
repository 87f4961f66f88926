//! Tests of what the documents of the real API give, and of everything around it.

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/openai/", $name))
    };
}

mod answer;
mod chunk;
mod context;
mod error;
mod http;
mod request;
mod response;

use super::{CallKind, LlmChunk, LlmRequest, LlmResponse};
use crate::json::Document;

fn json(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap()
}

fn request(kind: CallKind, text: &str) -> LlmRequest {
    LlmRequest::new(kind, "echo", "large", false, 0, json(text))
}

fn response(kind: CallKind, text: &str) -> LlmResponse {
    LlmResponse::new(kind, Some("up".into()), 5, false, json(text))
}

fn chunk(kind: CallKind, text: &str) -> LlmChunk {
    LlmChunk::new(kind, 3, json(text))
}
