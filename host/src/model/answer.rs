//! What stands in for a model's answer.

use std::time::{SystemTime, UNIX_EPOCH};

use super::write::{ObjectWriter, array};
use super::{CallKind, LlmRequest, LlmResponse, TokenUsage, value};
use crate::json::Document;

/// A text in place of a model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// The model that the answer names; none: the one that was asked for.
    pub model: Option<String>,
    /// Why it ends; none: it is complete.
    pub finish_reason: Option<String>,
    /// What it cost.
    pub usage: Option<TokenUsage>,
}

/// What stands in for a model's answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A text, to be put in the provider's shape. For embeddings, which have no text, the answer is an empty list.
    Completion(Completion),
    /// The whole answer in the provider's shape.
    Raw(Document),
}

impl Answer {
    /// The answer in the provider's shape, as one to this request. Its id follows from the request's.
    pub fn into_response(self, request: &LlmRequest, request_id: &str, elapsed_ms: u32) -> LlmResponse {
        let document = match self {
            Answer::Raw(document) => document,
            Answer::Completion(completion) => {
                let created = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_secs();
                completion.document(request, request_id, created)
            }
        };
        LlmResponse::new(request.kind(), None, elapsed_ms, false, document)
    }
}

impl Completion {
    fn document(&self, request: &LlmRequest, request_id: &str, created: u64) -> Document {
        let model = self.model.as_deref().unwrap_or_else(|| request.model());
        match request.kind() {
            CallKind::Chat => {
                let message = ObjectWriter::new()
                    .string("role", "assistant")
                    .string("content", &self.text)
                    .raw("refusal", "null")
                    .text();
                let choice = ObjectWriter::new().number("index", 0_u32).raw("message", &message);
                self.with_choice(("chatcmpl", "chat.completion"), choice, model, request_id, created)
            }
            CallKind::TextCompletion => {
                let choice = ObjectWriter::new().string("text", &self.text).number("index", 0_u32);
                self.with_choice(("cmpl", "text_completion"), choice, model, request_id, created)
            }
            CallKind::Responses => self.response(request, model, request_id, created),
            CallKind::Embedding => {
                let list = ObjectWriter::new()
                    .string("object", "list")
                    .raw("data", "[]")
                    .string("model", model);
                list.maybe(
                    "usage",
                    self.usage_text("prompt_tokens", "completion_tokens").as_deref(),
                )
                .document()
            }
        }
    }

    fn with_choice(
        &self,
        (prefix, object): (&str, &str),
        choice: ObjectWriter,
        model: &str,
        request_id: &str,
        created: u64,
    ) -> Document {
        let finish_reason = self.finish_reason.as_deref().unwrap_or("stop");
        let choice = choice
            .raw("logprobs", "null")
            .string("finish_reason", finish_reason)
            .text();
        ObjectWriter::new()
            .string("id", &format!("{prefix}-{request_id}"))
            .string("object", object)
            .number("created", created)
            .string("model", model)
            .raw("choices", &array([choice]))
            .maybe(
                "usage",
                self.usage_text("prompt_tokens", "completion_tokens").as_deref(),
            )
            .document()
    }

    fn response(&self, request: &LlmRequest, model: &str, request_id: &str, created: u64) -> Document {
        let incomplete = match self.finish_reason.as_deref() {
            Some("length" | "max_output_tokens") => Some("max_output_tokens"),
            Some("content_filter") => Some("content_filter"),
            _ => None,
        };
        let status = if incomplete.is_some() {
            "incomplete"
        } else {
            "completed"
        };
        let details = incomplete.map(|reason| ObjectWriter::new().string("reason", reason).text());
        let part = ObjectWriter::new()
            .string("type", "output_text")
            .string("text", &self.text);
        let message = ObjectWriter::new()
            .string("type", "message")
            .string("id", &format!("msg_{request_id}"))
            .string("status", status)
            .string("role", "assistant")
            .raw("content", &array([part.raw("annotations", "[]").text()]));
        // The answer repeats these members of the request.
        let asked = |name, default| {
            let value = value::present(request.document().root(), name);
            value.map_or(default, |value| value.raw())
        };
        ObjectWriter::new()
            .string("id", &format!("resp_{request_id}"))
            .string("object", "response")
            .number("created_at", created)
            .string("status", status)
            .raw("error", "null")
            .raw("incomplete_details", details.as_deref().unwrap_or("null"))
            .raw("instructions", asked("instructions", "null"))
            .raw("max_output_tokens", asked("max_output_tokens", "null"))
            .string("model", model)
            .raw("output", &array([message.text()]))
            .raw("parallel_tool_calls", asked("parallel_tool_calls", "true"))
            .raw("previous_response_id", asked("previous_response_id", "null"))
            .raw("temperature", asked("temperature", "1.0"))
            .raw("tool_choice", asked("tool_choice", "\"auto\""))
            .raw("tools", asked("tools", "[]"))
            .raw("top_p", asked("top_p", "1.0"))
            .raw(
                "usage",
                self.usage_text("input_tokens", "output_tokens")
                    .as_deref()
                    .unwrap_or("null"),
            )
            .raw("metadata", asked("metadata", "{}"))
            .document()
    }

    fn usage_text(&self, prompt: &str, completion: &str) -> Option<String> {
        let usage = self.usage?;
        let text = ObjectWriter::new()
            .number(prompt, usage.prompt_tokens)
            .number(completion, usage.completion_tokens)
            .number("total_tokens", usage.total_tokens);
        Some(text.text())
    }
}
