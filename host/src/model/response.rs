//! What an upstream answered.

use std::sync::Arc;

use super::request::set_pointer;
use super::{CallKind, EditError, LlmError, logprobs, value};
use crate::json::{Document, JsonError, Kind, Value};

/// What a call cost, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenUsage {
    /// Tokens of the request.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// Both.
    pub total_tokens: u32,
}

/// An answer, or what came instead of one.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// The upstream, or a plugin in its place, answered.
    Response(LlmResponse),
    /// The upstream failed, or a plugin refused.
    Error(LlmError),
}

/// An answer in the provider's shape. Nothing is copied until it is edited; a draft is a clone.
///
/// Choices are counted as they stand in the list. A Responses answer is one choice, embeddings have none.
#[derive(Debug, Clone)]
pub struct LlmResponse {
    kind: CallKind,
    provider: Option<Arc<str>>,
    elapsed_ms: u32,
    streamed: bool,
    document: Document,
}

impl LlmResponse {
    /// An answer of an upstream, or of a plugin where `provider` is none. `streamed`: it is gone and only to be read.
    pub fn new(
        kind: CallKind,
        provider: Option<Arc<str>>,
        elapsed_ms: u32,
        streamed: bool,
        document: Document,
    ) -> LlmResponse {
        LlmResponse {
            kind,
            provider,
            elapsed_ms,
            streamed,
            document,
        }
    }

    /// What kind of call this answers.
    pub fn kind(&self) -> CallKind {
        self.kind
    }

    /// Whether the answer was streamed and is gone: this is it put together, to be read only.
    pub fn streamed(&self) -> bool {
        self.streamed
    }

    /// The upstream that answered; none: a plugin did.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The model that the answer names.
    pub fn model(&self) -> Option<String> {
        value::string(self.document.root(), "model")
    }

    /// The id that the answer names.
    pub fn id(&self) -> Option<String> {
        value::string(self.document.root(), "id")
    }

    /// From the request's arrival, in milliseconds.
    pub fn elapsed(&self) -> u32 {
        self.elapsed_ms
    }

    /// How many choices there are.
    pub fn choice_count(&self) -> u32 {
        match self.kind {
            CallKind::Chat | CallKind::TextCompletion => {
                let choices = self
                    .document
                    .root()
                    .get("choices")
                    .filter(|choices| choices.kind() == Kind::Array);
                choices.map_or(0, |choices| u32::try_from(choices.len()).unwrap_or(u32::MAX))
            }
            CallKind::Responses => 1,
            CallKind::Embedding => 0,
        }
    }

    /// The text of a choice; none where it has no text.
    pub fn text(&self, choice: u32) -> Option<String> {
        match self.kind {
            CallKind::Chat => content_text(self.choice(choice)?.get("message")?.get("content")?),
            CallKind::TextCompletion => value::string(self.choice(choice)?, "text"),
            CallKind::Responses if choice == 0 => {
                let texts: Vec<_> = output_texts(self.document.root())
                    .filter_map(|(_, text)| text.as_str())
                    .collect();
                (!texts.is_empty()).then(|| texts.concat())
            }
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    /// Replaces the text of a choice. A content that is a list becomes a string; of a Responses answer the first text
    /// takes it all and the others become empty. Log probabilities, which spell the old text, are emptied with it.
    ///
    /// # Errors
    /// [`EditError::Other`] for an answer that was streamed, [`EditError::NoSuchPlace`] for a choice without a place for
    /// text.
    pub fn set_text(&mut self, choice: u32, text: &str) -> Result<(), EditError> {
        self.check_not_streamed()?;
        if self.text(choice).is_some_and(|old| old == text) {
            return Ok(());
        }
        let mut edited = self.document.clone();
        match self.kind {
            CallKind::Chat => {
                edited.set(&format!("/choices/{choice}/message/content"), &Document::string(text))?;
                forget(&mut edited, &format!("/choices/{choice}/logprobs"), Document::null)?;
            }
            CallKind::TextCompletion => {
                edited.set(&format!("/choices/{choice}/text"), &Document::string(text))?;
                forget(&mut edited, &format!("/choices/{choice}/logprobs"), Document::null)?;
            }
            CallKind::Responses if choice == 0 => set_output_text(&mut edited, text)?,
            CallKind::Responses | CallKind::Embedding => {
                return Err(EditError::NoSuchPlace(format!("the answer has no text {choice}")));
            }
        }
        self.document = edited;
        Ok(())
    }

    /// What the call cost, where the answer says so.
    pub fn usage(&self) -> Option<TokenUsage> {
        let usage = self
            .document
            .root()
            .get("usage")
            .filter(|usage| usage.kind() == Kind::Object)?;
        let either = |name, other| value::count(usage, name).or_else(|| value::count(usage, other));
        let prompt_tokens = either("prompt_tokens", "input_tokens").unwrap_or(0);
        let completion_tokens = either("completion_tokens", "output_tokens").unwrap_or(0);
        let sum = prompt_tokens.saturating_add(completion_tokens);
        Some(TokenUsage {
            prompt_tokens,
            completion_tokens,
            total_tokens: value::count(usage, "total_tokens").unwrap_or(sum),
        })
    }

    /// Why a choice ended. Of a Responses answer why it is incomplete, or else its status.
    pub fn finish_reason(&self, choice: u32) -> Option<String> {
        match self.kind {
            CallKind::Chat | CallKind::TextCompletion => value::string(self.choice(choice)?, "finish_reason"),
            CallKind::Responses if choice == 0 => status(self.document.root()),
            CallKind::Responses | CallKind::Embedding => None,
        }
    }

    /// The value at an RFC 6901 pointer.
    pub fn get(&self, pointer: &str) -> Option<Document> {
        Some(self.document.pointer(pointer)?.to_document())
    }

    /// Sets the value at an RFC 6901 pointer; `None` removes it.
    ///
    /// # Errors
    /// [`EditError::Other`] for an answer that was streamed and for removing the whole, [`EditError::NoSuchPlace`] for a
    /// pointer that leads nowhere.
    pub fn set(&mut self, pointer: &str, value: Option<&Document>) -> Result<(), EditError> {
        self.check_not_streamed()?;
        set_pointer(&mut self.document, pointer, value)
    }

    /// The whole answer.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Takes over the answer as somebody edited it who may know nothing of log probabilities: where a text changed and
    /// they did not, they are emptied, since they spell the old text.
    ///
    /// # Errors
    /// When the answer is too large or too deep then; it is left as it was.
    pub fn set_edited(&mut self, document: Document) -> Result<(), JsonError> {
        self.document = logprobs::without_stale(self.kind, &self.document, document)?;
        Ok(())
    }

    /// The length of the answer in bytes.
    pub fn size(&self) -> u32 {
        value::size(&self.document)
    }

    fn choice(&self, choice: u32) -> Option<Value<'_>> {
        self.document.root().get("choices")?.at(choice as usize)
    }

    fn check_not_streamed(&self) -> Result<(), EditError> {
        if self.streamed {
            return Err(EditError::Other(
                "the answer was streamed and is gone: it can only be read".into(),
            ));
        }
        Ok(())
    }
}

/// The text of a content: the string that it is, or the text parts of the list, joined.
pub(super) fn content_text(content: Value<'_>) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.into_owned());
    }
    let texts: Vec<_> = content
        .elements()
        .filter(|part| value::is(*part, "type", "text"))
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.concat())
}

/// The texts of a Responses answer: each `output_text` part of each message, with the places of item and part.
pub(super) fn output_texts(response: Value<'_>) -> impl Iterator<Item = ((usize, usize), Value<'_>)> {
    let output = response.get("output");
    let items = output.into_iter().flat_map(|output| output.elements().enumerate());
    items.flat_map(|(place, item)| item_texts(item).map(move |(part, text)| ((place, part), text)))
}

/// The texts of one item of a Responses answer, each with its part's place in the content.
pub(super) fn item_texts(item: Value<'_>) -> impl Iterator<Item = (usize, Value<'_>)> {
    let content = item.get("content").filter(|_| value::is(item, "type", "message"));
    let parts = content.into_iter().flat_map(|content| content.elements().enumerate());
    parts
        .filter(|(_, part)| value::is(*part, "type", "output_text"))
        .filter_map(|(place, part)| Some((place, part.get("text")?)))
        .filter(|(_, text)| text.kind() == Kind::String)
}

fn set_output_text(response: &mut Document, text: &str) -> Result<(), EditError> {
    let parts: Vec<(usize, usize)> = output_texts(response.root()).map(|(place, _)| place).collect();
    if parts.is_empty() {
        return Err(EditError::NoSuchPlace("the answer has no text".into()));
    }
    let texts = std::iter::once(text).chain(std::iter::repeat(""));
    for ((item, part), text) in parts.into_iter().zip(texts) {
        let part = format!("/output/{item}/content/{part}");
        response.set(&format!("{part}/text"), &Document::string(text))?;
        forget(response, &format!("{part}/logprobs"), Document::array)?;
    }
    Ok(())
}

/// Empties a member, if it is there and holds something; most often it doesn't.
pub(super) fn forget(document: &mut Document, pointer: &str, nothing: fn() -> Document) -> Result<(), EditError> {
    let holds_something = document.pointer(pointer).is_some_and(|value| !value.is_null());
    if holds_something {
        document.set(pointer, &nothing())?;
    }
    Ok(())
}

/// Why a Responses answer is incomplete, or else its status.
pub(super) fn status(response: Value<'_>) -> Option<String> {
    let reason = response
        .pointer("/incomplete_details/reason")
        .and_then(|reason| reason.as_str());
    reason.map_or_else(|| value::string(response, "status"), |reason| Some(reason.into_owned()))
}
