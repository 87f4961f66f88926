//! Responses.

use serde_json::{Value, json};

use super::{Asked, CREATED, heard, words};
use crate::upstream::Event;

struct Answer {
    text: String,
    usage: Value,
}

/// Words in what all of the input says, and what the last message of the user says.
pub(super) fn heard_of(asked: &Asked<'_>) -> (u64, String) {
    match asked.body.get("input") {
        Some(input) => match input.as_str() {
            Some(text) => (words(&text), text.into_owned()),
            None => heard(input.elements()),
        },
        None => (0, String::new()),
    }
}

fn answer(asked: &Asked<'_>) -> Answer {
    let instructions = asked
        .body
        .get("instructions")
        .and_then(|text| text.as_str())
        .unwrap_or_default();
    let (said, last) = heard_of(asked);
    let asked_words = said + words(&instructions);
    let text = asked.answer_to(&last);
    let answered = words(&text);
    let usage = json!({
        "input_tokens": asked_words,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked_words + answered,
    });
    Answer { text, usage }
}

fn response(asked: &Asked<'_>, status: &str, output: Vec<Value>, usage: Value) -> Value {
    let instructions = asked.body.get("instructions").and_then(|text| text.as_str());
    json!({
        "id": format!("resp_{}", asked.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": instructions,
        "metadata": {},
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    })
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

fn message(asked: &Asked<'_>, status: &str, content: Vec<Value>) -> Value {
    json!({"type": "message", "id": message_id(asked), "status": status, "role": "assistant", "content": content})
}

fn message_id(asked: &Asked<'_>) -> String {
    format!("msg_{}", asked.id)
}

pub(super) fn whole(asked: &Asked<'_>) -> Value {
    let Answer { text, usage } = answer(asked);
    response(
        asked,
        "completed",
        vec![message(asked, "completed", vec![part(&text)])],
        usage,
    )
}

pub(super) fn stream(asked: &Asked<'_>) -> Vec<Event> {
    let Answer { text, usage } = answer(asked);
    let started = response(asked, "in_progress", Vec::new(), Value::Null);
    let finished = message(asked, "completed", vec![part(&text)]);
    let of_part = |mut members: Value| {
        if let Some(members) = members.as_object_mut() {
            members.insert("item_id".to_owned(), message_id(asked).into());
            members.insert("output_index".to_owned(), 0.into());
            members.insert("content_index".to_owned(), 0.into());
        }
        members
    };
    let mut events = vec![
        ("response.created", json!({"response": started})),
        ("response.in_progress", json!({"response": started})),
        (
            "response.output_item.added",
            json!({"output_index": 0, "item": message(asked, "in_progress", Vec::new())}),
        ),
        ("response.content_part.added", of_part(json!({"part": part("")}))),
    ];
    let pieces = asked.pieces(&text).into_iter();
    events.extend(pieces.map(|piece| {
        (
            "response.output_text.delta",
            of_part(json!({"delta": piece, "logprobs": []})),
        )
    }));
    events.extend([
        (
            "response.output_text.done",
            of_part(json!({"text": text, "logprobs": []})),
        ),
        ("response.content_part.done", of_part(json!({"part": part(&text)}))),
        (
            "response.output_item.done",
            json!({"output_index": 0, "item": finished}),
        ),
        (
            "response.completed",
            json!({"response": response(asked, "completed", vec![finished.clone()], usage)}),
        ),
    ]);
    let numbered = events.into_iter().enumerate();
    numbered
        .map(|(number, (name, members))| event(name, number, members))
        .collect()
}

fn event(name: &str, number: usize, mut members: Value) -> Event {
    if let Some(members) = members.as_object_mut() {
        members.insert("type".to_owned(), name.into());
        members.insert("sequence_number".to_owned(), number.into());
    }
    Event {
        name: Some(name.to_owned()),
        data: members.to_string(),
    }
}
