//! The LLM request: `{"provider","model","input","params"}`.
//!
//! `input` is the list of messages. `params` is every member of the body but the model, the input and `stream`, the
//! `instructions` of a responses call among them. A text (of a responses call, a completion's prompt, an embedding's
//! input) is one user message; a list of tokens is a user message of one part `{"type":"tokens","tokens":[…]}`.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{CallKind, LlmRequest};

use super::super::EnvelopeError;
use super::super::merge::{Edits, Guesses, Shape, merged, unchanged};
use super::super::read::{is_blank, member, present, told};
use super::super::write::ObjectWriter;
use super::shapes::{CHAT_PARAMS, INPUT_PARAMS, MESSAGES, PROMPT_PARAMS};
use super::text_input;

const WRAPPERS: [&str; 4] = [
    "chat_request",
    "responses_request",
    "text_completion_request",
    "embedding_request",
];
const MEMBERS: [&str; 4] = ["provider", "model", "input", "params"];

/// The name that a body of this kind has for its input, and what of the body is `params`.
fn layout(kind: CallKind) -> (&'static str, &'static Shape) {
    match kind {
        CallKind::Chat => ("messages", &CHAT_PARAMS),
        CallKind::TextCompletion => ("prompt", &PROMPT_PARAMS),
        CallKind::Responses | CallKind::Embedding => ("input", &INPUT_PARAMS),
    }
}

/// Writes the members of the request.
pub(super) fn write(out: &mut ObjectWriter, request: &LlmRequest) {
    let (name, shape) = layout(request.kind());
    let root = request.document().root();
    out.string("provider", request.provider());
    out.string("model", request.model());
    match root.get(name) {
        None => out.raw("input", "[]"),
        Some(input) if request.kind() == CallKind::Chat => out.value("input", input),
        Some(input) if request.kind() == CallKind::Responses && input.kind() != Kind::String => {
            out.value("input", input)
        }
        Some(input) => out.raw("input", &text_input::messages(input)),
    };
    out.object("params", |out| {
        // A name with escapes is given as it was written, one that is not the guest's is left out however written.
        for ((name, value), (raw_name, _)) in root.members().zip(root.raw_members()) {
            if !is_fixed(&name, shape) {
                out.member(raw_name, value);
            }
        }
    });
}

fn is_fixed(name: &str, shape: &Shape) -> bool {
    shape.members.iter().any(|(fixed, ..)| *fixed == name)
}

/// Takes over what an answer changed.
pub(super) fn read(request: &mut LlmRequest, answer: Value<'_>) -> Result<(), EnvelopeError> {
    let Some(answer) = unwrapped(answer) else { return Ok(()) };
    for (name, current) in [
        ("provider", request.provider().to_owned()),
        ("model", request.model().to_owned()),
    ] {
        let Some(value) = told(answer, name) else { continue };
        let text = value
            .as_str()
            .ok_or_else(|| EnvelopeError::Unusable(format!("`{name}` is no string")))?;
        if text == current {
            continue;
        }
        match name {
            "provider" => request.set_provider(&text)?,
            _ => request.set_model(&text)?,
        }
    }
    let mut document = request.document().clone();
    let with_params = read_params(request.kind(), &document, answer)?;
    document = with_params.unwrap_or(document);
    if let Some(input) = present(answer, "input") {
        document = read_input(request.kind(), &document, input)?.unwrap_or(document);
    }
    request.set_document(document);
    Ok(())
}

/// The request inside what the guest returned as one; none where there is none of the members that were sent.
fn unwrapped(answer: Value<'_>) -> Option<Value<'_>> {
    let inside = WRAPPERS.iter().filter_map(|name| present(answer, name));
    inside
        .chain([answer])
        .find(|request| MEMBERS.iter().any(|name| present(*request, name).is_some()))
}

fn read_params(kind: CallKind, document: &Document, answer: Value<'_>) -> Result<Option<Document>, EnvelopeError> {
    let (_, shape) = layout(kind);
    let Some(params) = member(answer, "params") else {
        return Ok(None);
    };
    let mut edits = Edits::default();
    match params.kind() {
        Kind::Null => edits.delete_members(document.root(), |name| !is_fixed(name, shape)),
        Kind::Object => edits.merge(document.root(), params, shape),
        _ if is_blank(params) => {}
        _ => return Err(EnvelopeError::Unusable("`params` is no object".into())),
    }
    Ok(edits.apply(document)?)
}

fn read_input(kind: CallKind, document: &Document, input: Value<'_>) -> Result<Option<Document>, EnvelopeError> {
    let (name, _) = layout(kind);
    let sent = document.root().get(name).filter(|sent| !sent.is_null());
    if input.kind() != Kind::Array {
        // A client may have sent what is no list, and the guest nothing but passed it on.
        return match sent.is_some_and(|sent| unchanged(sent, input, &MESSAGES, &mut Guesses::default())) {
            true => Ok(None),
            false => Err(EnvelopeError::Unusable("`input` is no list of messages".into())),
        };
    }
    let Some(old) = sent else {
        if input.is_empty() {
            return Ok(None);
        }
        let mut changed = document.clone();
        let added = if kind == CallKind::Chat {
            input.to_document()
        } else {
            text_input::added(kind, input)?
        };
        changed.set(&format!("/{name}"), &added)?;
        return Ok(Some(changed));
    };
    let mut edits = Edits::default();
    match kind {
        CallKind::Chat => edits.merge(old, input, &MESSAGES),
        CallKind::Responses if old.kind() != Kind::String => edits.merge(old, input, &MESSAGES),
        _ => {
            let sent = Document::parse(text_input::messages(old))?;
            if let Some(messages) = merged(&sent, input, &MESSAGES)? {
                let text = text_input::from_messages(kind, old, messages.root())?;
                edits.replace(old.range(), text);
            }
        }
    }
    Ok(edits.apply(document)?)
}
