//! The JSON of generation 3, as far as this guard knows it: other members are not printed again.

use std::collections::BTreeMap;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub type Context = Map<String, Value>;

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HttpRequest {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Choice {
    pub index: u32,
    pub message: Option<Message>,
    pub finish_reason: Option<String>,
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

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct HttpInput {
    pub context: Context,
    pub request: HttpRequest,
}

#[derive(Serialize)]
pub struct HttpOutput {
    pub context: Context,
    pub request: HttpRequest,
    pub response: Option<HttpResponse>,
    pub has_response: bool,
    pub error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct HttpPostInput {
    pub context: Context,
    pub response: HttpResponse,
}

#[derive(Serialize)]
pub struct HttpPostOutput {
    pub context: Context,
    pub response: HttpResponse,
    pub error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ChunkInput {
    pub context: Context,
    pub chunk: Chunk,
}

/// In the provider's shape, of which there are many.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Chunk {
    Chat(ChatChunk),
    Other(Value),
}

#[derive(Deserialize, Serialize)]
pub struct ChatChunk {
    pub choices: Vec<ChunkChoice>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ChunkChoice {
    pub index: Option<u32>,
    pub delta: Option<Delta>,
    pub finish_reason: Option<String>,
    /// Of a completion that is no chat.
    #[serde(skip_serializing)]
    text: Option<IgnoredAny>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Delta {
    pub content: Option<Content>,
}

impl Default for Chunk {
    fn default() -> Self {
        Chunk::Other(Value::Null)
    }
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As text, since what a chat's chunk holds beside may be what no value can hold: half of a surrogate pair.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        // A host that meets an error may try base64 of the chunk, in which no secret would be found.
        if !text.get().starts_with('{') {
            return Err(D::Error::custom("the chunk is no object"));
        }
        match serde_json::from_str::<ChatChunk>(text.get()) {
            Ok(chat) if chat.choices.iter().all(|choice| choice.text.is_none()) => Ok(Chunk::Chat(chat)),
            _ => serde_json::from_str(text.get())
                .map(Chunk::Other)
                .map_err(D::Error::custom),
        }
    }
}

#[derive(Serialize)]
pub struct ChunkOutput {
    pub context: Context,
    pub chunk: Chunk,
    pub has_chunk: bool,
    pub skip: bool,
    pub error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PreInput {
    pub context: Context,
    pub request: LlmRequest,
}

#[derive(Serialize)]
pub struct PreOutput {
    pub context: Context,
    pub request: LlmRequest,
    pub short_circuit: Option<ShortCircuit>,
    pub has_short_circuit: bool,
    pub error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PostInput {
    pub context: Context,
    pub response: Option<LlmResponse>,
    pub error: Option<LlmError>,
    pub has_error: bool,
}

#[derive(Serialize)]
pub struct PostOutput {
    pub context: Context,
    pub response: Option<LlmResponse>,
    pub error: Option<LlmError>,
    pub has_error: bool,
    pub hook_error: String,
}
