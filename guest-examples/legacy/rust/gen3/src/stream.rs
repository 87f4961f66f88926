//! Chunks of streams, as the provider sent them. A secret may be cut in two by a chunk boundary, so text of a chat that
//! could begin one is held back until its choice's next chunk tells. It waits in the request's context, which travels with
//! each chunk.

use serde_json::Value;

use crate::guard::{CHUNK_MARK, Config, NAME};
use crate::model::Context;
use crate::redact;

/// In chunks of another shape than a chat's nothing is held back, but every string is looked at.
pub fn pass_on(config: &Config, context: &mut Context, chunk: &mut Value) {
    match chat_choices(chunk) {
        Some(choices) => {
            for choice in choices {
                redact_choice(config, context, choice);
            }
        }
        None => redact_strings(config, chunk),
    }
}

fn chat_choices(chunk: &mut Value) -> Option<&mut Vec<Value>> {
    let choices = chunk.get_mut("choices")?.as_array_mut()?;
    let is_of_chat = |choice: &Value| {
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        choice.is_object() && choice.get("text").is_none() && (delta.is_object() || delta.is_null())
    };
    choices.iter().all(is_of_chat).then_some(choices)
}

/// No hook is called after the last chunk: what is held goes out with the one in which the choice finishes.
fn redact_choice(config: &Config, context: &mut Context, choice: &mut Value) {
    let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
    // Some servers say with an empty reason that there is none.
    let reason = choice.get("finish_reason").and_then(Value::as_str);
    let ends = reason.is_some_and(|reason| !reason.is_empty());
    let text = choice.pointer("/delta/content").map(text_of).unwrap_or_default();
    let mut held = take(context, index);
    let ready = redact::next(&config.secrets, CHUNK_MARK, &mut held, &text, ends);
    keep(context, index, held);
    if ready != text {
        choice["delta"]["content"] = ready.into();
    }
}

/// The text of a content: a string, or parts.
fn text_of(content: &Value) -> String {
    let parts = content.as_array().into_iter().flatten();
    let texts = parts.filter_map(|part| part.get("text")?.as_str());
    content.as_str().into_iter().chain(texts).collect()
}

fn redact_strings(config: &Config, value: &mut Value) {
    match value {
        Value::String(text) => *text = redact::whole(&config.secrets, CHUNK_MARK, text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_strings(config, item)),
        Value::Object(members) => members.values_mut().for_each(|member| redact_strings(config, member)),
        _ => {}
    }
}

fn key(choice: u64) -> String {
    format!("{NAME}/held/{choice}")
}

/// A context's members can't be taken away, only emptied.
fn take(context: &mut Context, choice: u64) -> String {
    match context.get_mut(&key(choice)).map(Value::take) {
        Some(Value::String(held)) => held,
        _ => String::new(),
    }
}

fn keep(context: &mut Context, choice: u64, held: String) {
    let key = key(choice);
    if !held.is_empty() || context.contains_key(&key) {
        context.insert(key, held.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::guard::configure;
    use crate::hooks::http_stream_chunk_hook;

    /// What a client puts together of each of two choices, and the context after the last chunk.
    fn streamed(secrets: &[&str], chunks: &[Value]) -> ([String; 2], Value) {
        configure(json!({ "secrets": secrets }).to_string().as_bytes()).unwrap();
        let mut context = json!({"request_id": "r"});
        let mut texts = [String::new(), String::new()];
        for chunk in chunks {
            let input = json!({"context": context, "chunk": {"choices": [chunk]}});
            let output: Value = serde_json::from_slice(&http_stream_chunk_hook(input.to_string().as_bytes())).unwrap();
            let choice = &output["chunk"]["choices"][0];
            let index = choice["index"].as_u64().unwrap() as usize;
            texts[index].push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            context = output["context"].clone();
        }
        (texts, context)
    }

    fn piece(index: u32, text: &str) -> Value {
        json!({"index": index, "delta": {"content": text}, "finish_reason": null})
    }

    #[test]
    fn a_secret_that_is_spread_over_chunks_of_two_choices_is_redacted() {
        let chunks = [
            piece(0, "a schl"),
            piece(1, "schlüssel"),
            piece(0, "üssel"),
            piece(1, "bun"),
            piece(0, "bund b"),
            json!({"index": 1, "finish_reason": "stop"}),
            piece(0, " schlüs"),
            json!({"index": 0, "delta": {}, "finish_reason": "length"}),
        ];
        let (texts, context) = streamed(&["schlüssel", "schlüsselbund"], &chunks);
        assert_eq!(texts, ["a [gen3 chunk redacted] b schlüs", "[gen3 chunk redacted]bun"]);
        assert_eq!(
            context,
            json!({"request_id": "r", "gen3/held/0": "", "gen3/held/1": ""})
        );
    }

    #[test]
    fn chunks_without_text_set_nothing_free() {
        let call = json!([{"index": 0, "function": {"arguments": "TOP-SECRET"}}]);
        let chunks = [
            piece(0, "TOP-"),
            json!({"index": 0, "delta": {"tool_calls": call}, "finish_reason": null}),
            piece(0, ""),
            json!({"index": 0, "delta": {"content": null}, "finish_reason": ""}),
            json!({"index": 0, "delta": {"content": "SECRET"}, "finish_reason": "stop"}),
        ];
        assert_eq!(streamed(&["TOP-SECRET"], &chunks).0[0], "[gen3 chunk redacted]");
    }

    #[test]
    fn what_holds_no_secret_leaves_no_trace_in_the_context() {
        let (texts, context) = streamed(&["TOP-SECRET"], &[piece(0, "plain"), piece(0, " text")]);
        assert_eq!(texts[0], "plain text");
        assert_eq!(context, json!({"request_id": "r"}));
    }

    #[test]
    fn chunks_of_other_shapes_are_redacted_one_by_one() {
        for chunk in [
            json!({"type": "response.output_text.delta", "delta": "a TOP-SECRET"}),
            json!({"choices": [{"index": 0, "text": "a TOP-SECRET"}]}),
            json!({"choices": [{"index": 0, "delta": "a TOP-SECRET"}]}),
            json!({"choices": ["a TOP-SECRET"]}),
            json!("a TOP-SECRET"),
        ] {
            let (mut context, mut redacted) = (Context::new(), chunk.clone());
            pass_on(&Config::default(), &mut context, &mut redacted);
            let expected = chunk.to_string().replace("TOP-SECRET", CHUNK_MARK);
            assert_eq!((redacted.to_string(), context), (expected, Context::new()));
        }
    }

    #[test]
    fn arguments_of_tool_calls_are_left_alone() {
        let call = json!([{"index": 0, "function": {"arguments": "TOP-SECRET"}}]);
        let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": call}, "finish_reason": null}]});
        let mut passed = chunk.clone();
        pass_on(&Config::default(), &mut Context::new(), &mut passed);
        assert_eq!(passed, chunk);
    }

    #[test]
    fn text_in_parts_is_redacted_too() {
        let parts = json!([{"type": "text", "text": "a TOP-"}, {"type": "text", "text": "SECRET"}]);
        let chunk = json!({"index": 0, "delta": {"content": parts}, "finish_reason": null});
        assert_eq!(streamed(&["TOP-SECRET"], &[chunk]).0[0], "a [gen3 chunk redacted]");
    }
}
