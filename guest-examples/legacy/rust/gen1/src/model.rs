//! The JSON of generation 1, as far as this guard knows it: other members are not printed again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Context {
    pub request_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct HttpRequest {
    pub path: String,
}

#[derive(Serialize)]
pub struct HttpResponse {
    pub status_code: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LlmRequest {
    pub provider: String,
    pub model: String,
    pub input: Vec<Message>,
    pub params: Option<Value>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Message {
    pub role: Option<String>,
    pub content: Option<Content>,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize, Serialize)]
pub struct Part {
    pub r#type: String,
    pub text: Option<String>,
    pub image_url: Option<Value>,
}

impl Message {
    /// Parts are texts of their own: a line each.
    pub fn text(&self) -> String {
        match &self.content {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts: Vec<_> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
                texts.join("\n")
            }
            None => String::new(),
        }
    }
}

impl Content {
    pub fn text(&self) -> String {
        match self {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
        }
    }

    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Content::Text(text) => vec![text],
            Content::Parts(parts) => parts.iter_mut().filter_map(|part| part.text.as_mut()).collect(),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LlmResponse {
    pub chat_response: Option<ChatResponse>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ChatResponse {
    pub id: String,
    pub model: String,
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
}

/// Of an answer (`message`) or of a chunk of a streamed one (`delta`).
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Choice {
    pub index: u32,
    pub message: Option<Message>,
    pub delta: Option<Delta>,
    pub finish_reason: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Delta {
    pub content: Option<Content>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Usage {
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    pub total_tokens: u32,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LlmError {
    pub is_bifrost_error: bool,
    pub status_code: Option<u16>,
    pub error: ErrorField,
    pub allow_fallbacks: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ErrorField {
    pub r#type: Option<String>,
    pub code: Option<String>,
    pub message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortCircuit {
    Response(Value),
    Error(LlmError),
}

#[derive(Serialize)]
pub struct HttpOutput {
    pub response: Option<HttpResponse>,
    pub error: String,
}

#[derive(Serialize)]
pub struct PreOutput {
    pub request: LlmRequest,
    pub short_circuit: Option<ShortCircuit>,
    pub error: String,
}

#[derive(Serialize)]
pub struct PostOutput {
    pub response: Option<LlmResponse>,
    pub bifrost_error: Option<LlmError>,
    pub error: String,
}
