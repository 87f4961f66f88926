//! Log probabilities of answers: they spell a text token by token, so they go where somebody changed the text.

use std::borrow::Cow;
use std::ops::Range;

use super::response::content_text;
use super::{CallKind, value};
use crate::json::{Document, JsonError, Value};

/// The answer as somebody edited it, without the log probabilities that spell a text which was there before.
///
/// One walk over both answers and one writing, whatever the number of choices.
///
/// # Errors
/// When the answer is too large or too deep then.
pub(super) fn without_stale(kind: CallKind, before: &Document, edited: Document) -> Result<Document, JsonError> {
    let (stale, nothing) = match kind {
        CallKind::Chat => (stale_choices(before, &edited, chat_text), "null"),
        CallKind::TextCompletion => (stale_choices(before, &edited, completion_text), "null"),
        CallKind::Responses => (stale_parts(before, &edited), "[]"),
        CallKind::Embedding => (Vec::new(), ""),
    };
    if stale.is_empty() {
        return Ok(edited);
    }
    let (text, mut rest) = (edited.as_str(), 0);
    let mut written = String::with_capacity(text.len());
    for place in stale {
        written.push_str(text.get(rest..place.start).unwrap_or_default());
        written.push_str(nothing);
        rest = place.end;
    }
    written.push_str(text.get(rest..).unwrap_or_default());
    Document::parse(written)
}

fn chat_text(choice: Value<'_>) -> Option<String> {
    content_text(choice.get("message")?.get("content")?)
}

fn completion_text(choice: Value<'_>) -> Option<String> {
    value::string(choice, "text")
}

fn stale_choices(
    before: &Document,
    edited: &Document,
    text: impl Fn(Value<'_>) -> Option<String>,
) -> Vec<Range<usize>> {
    let pairs = elements(before.root(), "choices").zip(elements(edited.root(), "choices"));
    pairs
        .filter(|(old, new)| text(*old) != text(*new))
        .filter_map(|(old, new)| kept(old, new))
        .collect()
}

fn stale_parts(before: &Document, edited: &Document) -> Vec<Range<usize>> {
    let items = elements(before.root(), "output").zip(elements(edited.root(), "output"));
    let parts = items.flat_map(|(old, new)| elements(old, "content").zip(elements(new, "content")));
    parts
        .filter(|(old, new)| part_text(*old) != part_text(*new))
        .filter_map(|(old, new)| kept(old, new))
        .collect()
}

fn part_text(part: Value<'_>) -> Option<Cow<'_, str>> {
    part.get("text")?.as_str()
}

fn elements<'a>(of: Value<'a>, name: &str) -> impl Iterator<Item = Value<'a>> {
    of.get(name).into_iter().flat_map(|list| list.elements())
}

/// Where log probabilities are that nobody touched; none: there are none, or others.
fn kept(old: Value<'_>, new: Value<'_>) -> Option<Range<usize>> {
    let spelt = new.get("logprobs").filter(|it| !it.is_null())?;
    (old.get("logprobs")?.raw() == spelt.raw()).then(|| spelt.range())
}
