//! The LLM response: `{"chat_response": …}`, and its siblings for the other kinds of call.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{Answer, CallKind, Completion, TokenUsage};

use super::super::EnvelopeError;
use super::super::merge::merged;
use super::super::read::{is_blank, present, share_a_name, told};
use super::super::write::ObjectWriter;
use super::shapes::RESPONSE;

/// The names under which responses travel, with the kind of call that each belongs to.
const WRAPPERS: [(&str, CallKind); 5] = [
    ("chat_response", CallKind::Chat),
    ("text_completion_response", CallKind::TextCompletion),
    ("responses_response", CallKind::Responses),
    ("responses_stream_response", CallKind::Responses),
    ("embedding_response", CallKind::Embedding),
];

/// The name for a whole response of this kind, or for a chunk of one.
fn wrapper(kind: CallKind, chunk: bool) -> &'static str {
    match kind {
        CallKind::Chat => "chat_response",
        CallKind::TextCompletion => "text_completion_response",
        CallKind::Responses if chunk => "responses_stream_response",
        CallKind::Responses => "responses_response",
        CallKind::Embedding => "embedding_response",
    }
}

/// Writes a member that holds a response, or a chunk of one.
pub(super) fn write(out: &mut ObjectWriter, kind: CallKind, document: &Document, chunk: bool) {
    out.value(wrapper(kind, chunk), document.root());
}

/// A response as it came back: what it is, and its kind where the guest said so.
#[derive(Clone, Copy)]
pub(super) struct Returned<'a> {
    value: Value<'a>,
    kind: Option<CallKind>,
}

/// What makes an answer of a response where none was sent: one of these says something.
const CONTENT: [&str; 4] = ["choices", "output", "data", "type"];

/// The response in what a guest returned as one. None where that says nothing about `sent`, or where nothing was sent
/// and it holds no answer: Go prints a struct that nobody filled with zeros in it.
pub(super) fn returned<'a>(answer: Value<'a>, sent: Option<&Document>) -> Option<Returned<'a>> {
    let wrapped = WRAPPERS.iter().find_map(|(name, kind)| {
        let value = present(answer, name).filter(|value| value.kind() == Kind::Object && !is_blank(*value))?;
        let says_something = sent.is_some() || CONTENT.iter().any(|name| told(value, name).is_some());
        if !says_something {
            return None;
        }
        Some(Returned {
            value,
            kind: Some(*kind),
        })
    });
    wrapped.or_else(|| {
        let bare = match sent {
            Some(sent) => share_a_name(sent.root(), answer),
            None => CONTENT.iter().any(|name| told(answer, name).is_some()),
        };
        bare.then_some(Returned {
            value: answer,
            kind: None,
        })
    })
}

/// What a guest made of a response that it was given.
pub(super) enum Change {
    /// Nothing.
    None,
    /// Something in it.
    Edited(Document),
    /// Another one, of another kind.
    Other(Answer),
}

pub(super) fn change(sent: &Document, kind: CallKind, returned: Returned<'_>) -> Result<Change, EnvelopeError> {
    if returned.kind.is_some_and(|other| other != kind) {
        return Ok(Change::Other(answer(returned, Some(kind))?));
    }
    Ok(merged(sent, returned.value, &RESPONSE)?.map_or(Change::None, Change::Edited))
}

/// A guest's own answer. One in the shape of a chat is put into the shape that the client asked for.
pub(super) fn answer(returned: Returned<'_>, wanted: Option<CallKind>) -> Result<Answer, EnvelopeError> {
    let Returned { value, kind } = returned;
    let chat = kind == Some(CallKind::Chat) || (kind.is_none() && value.pointer("/choices/0/message").is_some());
    match wanted.filter(|wanted| chat && *wanted != CallKind::Chat) {
        None => {}
        Some(CallKind::Embedding) => {
            return Err(EnvelopeError::Unusable(
                "a chat's response is no answer to a call for embeddings".into(),
            ));
        }
        Some(_) => return Ok(Answer::Completion(completion(value))),
    }
    let mut document = value.to_document();
    if chat && present(value, "object").is_none() {
        // On an object of this size it can't fail; without it the answer is what the guest made it.
        let _added = document.set("/object", &Document::string("chat.completion"));
    }
    Ok(Answer::Raw(document))
}

fn completion(chat: Value<'_>) -> Completion {
    let text = |pointer: &str| chat.pointer(pointer).and_then(|value| value.as_str()).map(Into::into);
    Completion {
        text: text("/choices/0/message/content").unwrap_or_default(),
        model: text("/model").filter(|model: &String| !model.is_empty()),
        finish_reason: text("/choices/0/finish_reason").filter(|reason: &String| !reason.is_empty()),
        usage: told(chat, "usage").map(|usage| {
            let count = |name| present(usage, name).and_then(|count| u32::try_from(count.as_u64()?).ok());
            TokenUsage {
                prompt_tokens: count("prompt_tokens").unwrap_or_default(),
                completion_tokens: count("completion_tokens").unwrap_or_default(),
                total_tokens: count("total_tokens").unwrap_or_default(),
            }
        }),
    }
}

/// What kind of call a path is for, where a response comes in place of an error.
pub(super) fn kind_of_path(path: &str) -> Option<CallKind> {
    let kinds = [
        ("/chat/completions", CallKind::Chat),
        ("/completions", CallKind::TextCompletion),
        ("/responses", CallKind::Responses),
        ("/embeddings", CallKind::Embedding),
    ];
    kinds
        .iter()
        .find(|(end, _)| path.trim_end_matches('/').ends_with(end))
        .map(|(_, kind)| *kind)
}
