//! What a hook decided, checked before anything else sees it: what can't be used fails the plugin, not the request.

use super::bindings::heimdall::plugin::llm_types as wit;
use super::convert::{object, text_of};
use crate::failure::Cause;
use crate::json::Document;
use crate::limits::Limits;
use crate::model::{Answer, CallKind, Completion, LlmError, Reply, TokenUsage};

/// A reply that can be sent.
pub(super) fn checked_reply(reply: Reply, limits: &Limits) -> Result<Reply, Cause> {
    let lines: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    within(lines + reply.body.len(), limits)?;
    match reply.clone().into_response() {
        Ok(_) => Ok(reply),
        Err(error) => Err(Cause::InvalidOutput(format!("a reply: {error}"))),
    }
}

/// An answer to a call of a kind, where the kind is known.
pub(super) fn answer(answer: wit::Answer, kind: Option<CallKind>, limits: &Limits) -> Result<Answer, Cause> {
    match answer {
        wit::Answer::Completion(_) if kind == Some(CallKind::Embedding) => Err(Cause::InvalidOutput(
            "a completion can't answer an embedding".to_owned(),
        )),
        wit::Answer::Completion(completion) => {
            within(completion.text.len(), limits)?;
            Ok(Answer::Completion(Completion {
                text: completion.text,
                model: completion.model,
                finish_reason: completion.finish_reason,
                usage: completion.usage.map(TokenUsage::from),
            }))
        }
        wit::Answer::Raw(text) => {
            within(text.len(), limits)?;
            Ok(Answer::Raw(json_object("an answer", text)?))
        }
    }
}

/// An error. `came` is the body that the guest was given: handed back as it was, it is not judged.
pub(super) fn error(error: wit::LlmError, came: Option<&Document>, limits: &Limits) -> Result<LlmError, Cause> {
    if let Some(status) = error.status.filter(|status| !(400..=599).contains(status)) {
        return Err(Cause::InvalidOutput(format!(
            "an error: its status is {status}; an error's is 400 to 599"
        )));
    }
    within(error.message.len() + error.body.as_ref().map_or(0, String::len), limits)?;
    let body = match (error.body, came) {
        (Some(text), Some(came)) if text == came.as_str() => Some(came.clone()),
        (Some(text), _) => {
            Some(Document::parse(text).map_err(|error| Cause::InvalidOutput(format!("an error's body: {error}")))?)
        }
        (None, _) => None,
    };
    Ok(LlmError {
        message: error.message,
        kind: error.kind,
        code: error.code,
        param: error.param,
        status: error.status,
        allow_fallbacks: error.allow_fallbacks,
        body,
        ..LlmError::default()
    })
}

/// Chunks in the provider's shape.
pub(super) fn chunks(chunks: Vec<String>, limits: &Limits) -> Result<Vec<Document>, Cause> {
    within(chunks.iter().map(String::len).sum(), limits)?;
    chunks.into_iter().map(|text| json_object("a chunk", text)).collect()
}

fn json_object(what: &str, text: String) -> Result<Document, Cause> {
    object(text).map_err(|error| Cause::InvalidOutput(format!("{what}: {error}")))
}

fn within(size: usize, limits: &Limits) -> Result<(), Cause> {
    if size > limits.output {
        return Err(Cause::OutputTooLarge {
            size,
            limit: limits.output,
        });
    }
    Ok(())
}

impl From<LlmError> for wit::LlmError {
    fn from(error: LlmError) -> Self {
        wit::LlmError {
            message: error.message,
            kind: error.kind,
            code: error.code,
            param: error.param,
            status: error.status,
            allow_fallbacks: error.allow_fallbacks,
            body: error.body.as_ref().map(text_of),
        }
    }
}
