//! Text completions.

use serde_json::{Value, json};

use super::{Asked, CREATED, done, event, words};
use crate::upstream::Event;

struct Answer {
    /// One for each choice: `n` for each prompt.
    texts: Vec<String>,
    usage: Value,
}

fn answer(asked: &Asked<'_>) -> Answer {
    let prompts = prompts(asked);
    let prompt_words: u64 = prompts.iter().map(|prompt| words(prompt)).sum();
    let answered = prompts.iter().map(|prompt| asked.answer_to(prompt));
    let texts: Vec<String> = answered
        .flat_map(|text| (0..asked.choices()).map(move |_| text.clone()))
        .collect();
    let answered: u64 = texts.iter().map(|text| words(text)).sum();
    let usage = json!({
        "prompt_tokens": prompt_words, "completion_tokens": answered, "total_tokens": prompt_words + answered,
    });
    Answer { texts, usage }
}

/// The prompts: a string, or a list of them. Lists of tokens are shown as they are.
pub(super) fn prompts(asked: &Asked<'_>) -> Vec<String> {
    let Some(prompt) = asked.body.get("prompt") else {
        return vec![String::new()];
    };
    if let Some(text) = prompt.as_str() {
        return vec![text.into_owned()];
    }
    let is_tokens = prompt.elements().next().is_some_and(|first| first.as_f64().is_some());
    if is_tokens || prompt.is_empty() {
        return vec![prompt.raw().to_owned()];
    }
    prompt
        .elements()
        .map(|prompt| prompt.as_str().map_or_else(|| prompt.raw().to_owned(), Into::into))
        .collect()
}

fn body(asked: &Asked<'_>, choices: Vec<Value>) -> Value {
    json!({
        "id": format!("cmpl-{}", asked.id),
        "object": "text_completion",
        "created": CREATED,
        "model": asked.model,
        "choices": choices,
    })
}

fn choice(index: usize, text: &str, finish_reason: Option<&str>) -> Value {
    json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish_reason})
}

fn with_usage(mut body: Value, usage: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert("usage".to_owned(), usage);
    }
    body
}

pub(super) fn whole(asked: &Asked<'_>) -> Value {
    let Answer { texts, usage } = answer(asked);
    let choices = texts
        .iter()
        .enumerate()
        .map(|(index, text)| choice(index, text, Some("stop")))
        .collect();
    with_usage(body(asked, choices), usage)
}

pub(super) fn stream(asked: &Asked<'_>) -> Vec<Event> {
    let Answer { texts, usage } = answer(asked);
    let mut events = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let pieces = asked.pieces(text).into_iter();
        events.extend(pieces.map(|piece| event(&body(asked, vec![choice(index, piece, None)]))));
        events.push(event(&body(asked, vec![choice(index, "", Some("stop"))])));
    }
    if asked.wants_stream_usage() {
        events.push(event(&with_usage(body(asked, Vec::new()), usage)));
    }
    events.push(done());
    events
}
