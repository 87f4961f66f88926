//! Inputs that are texts or tokens, as messages and back.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::CallKind;

use super::super::EnvelopeError;
use super::super::read::{member, told};

/// The type of the part that holds tokens. Guests that guard texts find none in it.
const TOKENS: &str = "tokens";

/// A text, a list of texts, tokens or a list of those, as the JSON of a list of user messages.
pub(super) fn messages(input: Value<'_>) -> String {
    let of_numbers = input
        .elements()
        .next()
        .is_some_and(|first| first.kind() == Kind::Number);
    let messages: Vec<String> = match input.kind() {
        Kind::Array if !of_numbers => input.elements().map(message).collect(),
        _ => vec![message(input)],
    };
    format!("[{}]", messages.join(","))
}

fn message(text: Value<'_>) -> String {
    match text.kind() {
        Kind::String => format!(r#"{{"role":"user","content":{}}}"#, text.raw()),
        _ => format!(
            r#"{{"role":"user","content":[{{"type":"{TOKENS}","tokens":{}}}]}}"#,
            text.raw()
        ),
    }
}

/// The input that an answer's messages make, in the form that the input had where that can hold them.
pub(super) fn from_messages(kind: CallKind, old: Value<'_>, messages: Value<'_>) -> Result<String, EnvelopeError> {
    if kind == CallKind::Responses {
        return Ok(match only_text(messages) {
            Some(text) => text.raw().to_owned(),
            None => messages.raw().to_owned(),
        });
    }
    let texts: Vec<&str> = messages
        .elements()
        .map(|message| text_of(kind, message))
        .collect::<Result<_, _>>()?;
    let was_list = old.kind() == Kind::Array && old.elements().next().is_none_or(|first| first.kind() != Kind::Number);
    match texts.as_slice() {
        [only] if !was_list => Ok((*only).to_owned()),
        _ => Ok(format!("[{}]", texts.join(","))),
    }
}

/// The input of a request that had none.
pub(super) fn added(kind: CallKind, messages: Value<'_>) -> Result<Document, EnvelopeError> {
    let nothing = Document::null();
    Ok(Document::parse(from_messages(kind, nothing.root(), messages)?)?)
}

/// The text of a single user message that is nothing but a text.
fn only_text(messages: Value<'_>) -> Option<Value<'_>> {
    let message = messages.at(0).filter(|_| messages.len() == 1)?;
    let content = message
        .get("content")
        .filter(|content| content.kind() == Kind::String)?;
    let by_user = message
        .get("role")
        .is_none_or(|role| role.as_str().as_deref() == Some("user"));
    let plain = message
        .members()
        .all(|(name, value)| matches!(&*name, "role" | "content") || value.is_null());
    (by_user && plain).then_some(content)
}

/// The text or the tokens of a message, where the kind of call has a place for it.
fn text_of(kind: CallKind, message: Value<'_>) -> Result<&str, EnvelopeError> {
    let call = if kind == CallKind::Embedding {
        "an embedding"
    } else {
        "a text completion"
    };
    let unusable = |what: String| EnvelopeError::Unusable(format!("the input of {call} has no place for {what}"));
    let role = told(message, "role")
        .and_then(|role| role.as_str())
        .unwrap_or_else(|| "user".into());
    if role != "user" {
        return Err(unusable(format!("a message of the role `{role}`")));
    }
    let content = member(message, "content").ok_or_else(|| unusable("a message without content".into()))?;
    if content.kind() == Kind::String {
        return Ok(content.raw());
    }
    let part = content.at(0).filter(|_| content.len() == 1);
    let tokens = part.and_then(|part| part.get(TOKENS)).or_else(|| {
        let part = part.filter(|part| {
            part.get("type")
                .is_some_and(|kind| kind.as_str().as_deref() == Some("text"))
        })?;
        part.get("text")
    });
    tokens
        .map(|tokens| tokens.raw())
        .ok_or_else(|| unusable("such content".into()))
}
