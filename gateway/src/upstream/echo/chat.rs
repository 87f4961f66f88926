//! Chat completions.

use serde_json::{Value, json};

use super::{Asked, CREATED, done, event, heard, words};
use crate::upstream::Event;

struct Answer {
    text: String,
    usage: Value,
}

/// Words in what all messages say, and what the last one of the user says.
pub(super) fn heard_of(asked: &Asked<'_>) -> (u64, String) {
    let messages = asked.body.get("messages");
    heard(messages.iter().flat_map(|messages| messages.elements()))
}

fn answer(asked: &Asked<'_>) -> Answer {
    let (prompt_words, last) = heard_of(asked);
    let text = asked.answer_to(&last);
    let answered = words(&text) * asked.choices();
    let usage = json!({
        "prompt_tokens": prompt_words, "completion_tokens": answered, "total_tokens": prompt_words + answered,
    });
    Answer { text, usage }
}

pub(super) fn whole(asked: &Asked<'_>) -> Value {
    let Answer { text, usage } = answer(asked);
    let choice = |index| {
        json!({
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        })
    };
    json!({
        "id": format!("chatcmpl-{}", asked.id),
        "object": "chat.completion",
        "created": CREATED,
        "model": asked.model,
        "choices": (0..asked.choices()).map(choice).collect::<Vec<_>>(),
        "usage": usage,
    })
}

pub(super) fn stream(asked: &Asked<'_>) -> Vec<Event> {
    let Answer { text, usage } = answer(asked);
    let chunk = |choices: Value| {
        json!({
            "id": format!("chatcmpl-{}", asked.id),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": asked.model,
            "choices": choices,
        })
    };
    let delta = |choice: u64, delta: Value, finish_reason: Value| {
        let choice = json!({"index": choice, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        event(&chunk(json!([choice])))
    };
    let mut events = Vec::new();
    for choice in 0..asked.choices() {
        events.push(delta(choice, json!({"role": "assistant", "content": ""}), Value::Null));
        let pieces = asked.pieces(&text).into_iter();
        events.extend(pieces.map(|piece| delta(choice, json!({"content": piece}), Value::Null)));
        events.push(delta(choice, json!({}), "stop".into()));
    }
    if asked.wants_stream_usage() {
        let mut last = chunk(json!([]));
        if let Some(members) = last.as_object_mut() {
            members.insert("usage".to_owned(), usage);
        }
        events.push(event(&last));
    }
    events.push(done());
    events
}
