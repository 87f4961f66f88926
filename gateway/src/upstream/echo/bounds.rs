//! What the echo may be asked for, so that a small request does not come to a huge answer.

use heimdall_host::json::Kind;
use heimdall_host::model::{CallKind, LlmError};

use super::{Asked, chat, completions, invalid, responses};

/// Choices of a call, or of each of its prompts.
const MAX_CHOICES: u64 = 128;

/// Prompts or inputs of a call.
const MAX_INPUTS: usize = 2048;

/// Bytes of an answer, about.
const MAX_ANSWER: u64 = 16 << 20;

/// Bytes of a choice or an event without its text, about.
const FRAME: u64 = 256;

/// Bytes of a number of a vector, about.
const NUMBER: u64 = 16;

/// Whether the answer stays within its bounds; nothing of it is made yet. Vectors have [`check_vectors`].
///
/// # Errors
/// Which member of the request asks for too much.
pub(super) fn check(kind: CallKind, streaming: bool, asked: &Asked<'_>) -> Result<(), LlmError> {
    let choices = if matches!(kind, CallKind::Chat | CallKind::TextCompletion) {
        asked.choices()
    } else {
        1
    };
    if !(1..=MAX_CHOICES).contains(&choices) {
        return Err(invalid(
            "n",
            format!("`n` is {choices}; 1 to {MAX_CHOICES} are possible"),
        ));
    }
    let (member, texts) = match kind {
        CallKind::Chat => ("messages", vec![chat::heard_of(asked).1]),
        CallKind::Responses => ("input", vec![responses::heard_of(asked).1]),
        CallKind::TextCompletion => {
            check_count(asked, "prompt")?;
            ("prompt", completions::prompts(asked))
        }
        CallKind::Embedding => return check_count(asked, "input"),
    };
    let mut bytes = 0_u64;
    for heard in texts {
        let text = asked.answer_to(&heard);
        let events = if streaming { asked.pieces(&text).len() as u64 } else { 0 };
        let frames = (FRAME + asked.model.len() as u64).saturating_mul(events + 2);
        bytes = bytes.saturating_add(choices.saturating_mul(frames.saturating_add(text.len() as u64)));
        if bytes > MAX_ANSWER {
            let member = if choices > 1 { "n" } else { member };
            return Err(too_much(member));
        }
    }
    Ok(())
}

/// Whether all vectors together stay within the bounds.
///
/// # Errors
/// Which member of the request asks for too much.
pub(super) fn check_vectors(asked: &Asked<'_>, dimensions: u64) -> Result<(), LlmError> {
    let inputs = asked.body.get("input").map_or(0, |input| input.len() as u64).max(1);
    if inputs.saturating_mul(dimensions).saturating_mul(NUMBER) > MAX_ANSWER {
        return Err(too_much("dimensions"));
    }
    Ok(())
}

/// Whether there are not too many texts, or lists of tokens. One list of tokens is one.
fn check_count(asked: &Asked<'_>, member: &str) -> Result<(), LlmError> {
    let Some(list) = asked.body.get(member).filter(|list| list.kind() == Kind::Array) else {
        return Ok(());
    };
    let is_tokens = list.elements().next().is_some_and(|first| first.as_f64().is_some());
    if !is_tokens && list.len() > MAX_INPUTS {
        let message = format!("`{member}` has {} elements; {MAX_INPUTS} are possible", list.len());
        return Err(invalid(member, message));
    }
    Ok(())
}

fn too_much(member: &str) -> LlmError {
    let message = format!(
        "`{member}` asks for an answer of more than {} MiB, which the echo does not make",
        MAX_ANSWER >> 20
    );
    invalid(member, message)
}
