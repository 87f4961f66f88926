//! Small values on their way between the contract's types and the host's own.

use super::bindings::heimdall::plugin::llm_types as wit;
use super::bindings::heimdall::plugin::types::PluginError;
use crate::json::Document;
use crate::model::{CallKind, EditError, TokenUsage};

/// What a function of the host answers that may fail without ending the guest.
pub(super) type Answered<T> = wasmtime::Result<Result<T, PluginError>>;

/// Hands the guest what became of its call.
pub(super) fn answer<T>(result: Result<T, EditError>) -> Answered<T> {
    Ok(result.map_err(PluginError::from))
}

/// A document as the text that the contract wants.
pub(super) fn text_of(document: &Document) -> String {
    document.as_str().to_owned()
}

/// JSON that a guest gives and that can't be anything but an object.
pub(super) fn object(text: String) -> Result<Document, EditError> {
    let document = Document::parse(text)?;
    if document.root().kind() != crate::json::Kind::Object {
        return Err(EditError::InvalidJson("a JSON object is wanted here".to_owned()));
    }
    Ok(document)
}

/// A length as the contract counts: what is longer than 4 GiB is said to be 4 GiB.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl From<EditError> for PluginError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::InvalidConfig(why) => PluginError::InvalidConfig(why),
            EditError::InvalidJson(why) => PluginError::InvalidJson(why),
            EditError::InvalidHeader(why) => PluginError::InvalidHeader(why),
            EditError::NoSuchPlace(place) => PluginError::NoSuchPlace(place),
            EditError::TooLarge(limit) => PluginError::TooLarge(limit),
            EditError::Other(why) => PluginError::Other(why),
        }
    }
}

impl From<PluginError> for EditError {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::InvalidConfig(why) => EditError::InvalidConfig(why),
            PluginError::InvalidJson(why) => EditError::InvalidJson(why),
            PluginError::InvalidHeader(why) => EditError::InvalidHeader(why),
            PluginError::NoSuchPlace(place) => EditError::NoSuchPlace(place),
            PluginError::TooLarge(limit) => EditError::TooLarge(limit),
            PluginError::Other(why) => EditError::Other(why),
        }
    }
}

impl From<CallKind> for wit::CallKind {
    fn from(kind: CallKind) -> Self {
        match kind {
            CallKind::Chat => wit::CallKind::Chat,
            CallKind::TextCompletion => wit::CallKind::TextCompletion,
            CallKind::Responses => wit::CallKind::Responses,
            CallKind::Embedding => wit::CallKind::Embedding,
        }
    }
}

impl From<TokenUsage> for wit::TokenUsage {
    fn from(usage: TokenUsage) -> Self {
        wit::TokenUsage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
        }
    }
}

impl From<wit::TokenUsage> for TokenUsage {
    fn from(usage: wit::TokenUsage) -> Self {
        TokenUsage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
        }
    }
}
