//! Chunks of streams, as the provider sent them. A secret may be cut in two by a chunk boundary, so text of a chat that
//! could begin one is held back until its choice's next chunk tells. It waits in the request's context, which travels with
//! each chunk.

use serde_json::Value;

use crate::guard::{CHUNK_MARK, Config, NAME};
use crate::model::{Chunk, ChunkChoice, Content, Context};
use crate::redact;

/// In chunks of another shape than a chat's nothing is held back, but every string is looked at.
pub fn pass_on(config: &Config, context: &mut Context, chunk: &mut Chunk) {
    match chunk {
        Chunk::Chat(chat) => {
            for choice in &mut chat.choices {
                redact_choice(config, context, choice);
            }
        }
        Chunk::Other(value) => redact_strings(config, value),
    }
}

/// No hook is called after the last chunk: what is held goes out with the one in which the choice finishes.
fn redact_choice(config: &Config, context: &mut Context, choice: &mut ChunkChoice) {
    let index = choice.index.unwrap_or_default();
    // Some servers say with an empty reason that there is none.
    let ends = choice.finish_reason.as_ref().is_some_and(|reason| !reason.is_empty());
    let content = choice.delta.as_ref().and_then(|delta| delta.content.as_ref());
    let text = content.map(Content::text).unwrap_or_default();
    let mut held = take(context, index);
    let ready = redact::next(&config.secrets, CHUNK_MARK, &mut held, &text, ends);
    keep(context, index, held);
    if ready != text {
        choice.delta.get_or_insert_default().content = Some(Content::Text(ready));
    }
}

fn redact_strings(config: &Config, value: &mut Value) {
    match value {
        Value::String(text) => *text = redact::whole(&config.secrets, CHUNK_MARK, text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_strings(config, item)),
        Value::Object(members) => members.values_mut().for_each(|member| redact_strings(config, member)),
        _ => {}
    }
}

fn key(choice: u32) -> String {
    format!("{NAME}/held/{choice}")
}

/// A context's members can't be taken away, only emptied.
fn take(context: &mut Context, choice: u32) -> String {
    match context.get_mut(&key(choice)).map(Value::take) {
        Some(Value::String(held)) => held,
        _ => String::new(),
    }
}

fn keep(context: &mut Context, choice: u32, held: String) {
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

    /// What the hook makes of a chunk's JSON text.
    fn passed(context: Value, chunk: &str) -> Value {
        let input = format!(r#"{{"context":{context},"chunk":{chunk}}}"#);
        serde_json::from_slice(&http_stream_chunk_hook(input.as_bytes())).unwrap()
    }

    /// What a client puts together of each of two choices, and the context after the last chunk.
    fn streamed(secrets: &[&str], chunks: &[Value]) -> ([String; 2], Value) {
        configure(json!({ "secrets": secrets }).to_string().as_bytes()).unwrap();
        let mut context = json!({"request_id": "r"});
        let mut texts = [String::new(), String::new()];
        for chunk in chunks {
            let output = passed(context, &json!({ "choices": [chunk] }).to_string());
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
        ] {
            let output = passed(json!({}), &chunk.to_string());
            let expected = chunk.to_string().replace("TOP-SECRET", CHUNK_MARK);
            assert_eq!(
                (output["chunk"].to_string(), &output["context"]),
                (expected, &json!({}))
            );
        }
    }

    #[test]
    fn a_chunk_that_is_no_object_is_refused() {
        let output = passed(json!({}), r#""YSBUT1AtU0VDUkVU""#);
        assert!(output["error"].as_str().unwrap().contains("no object"), "{output}");
    }

    #[test]
    fn arguments_of_tool_calls_are_left_alone() {
        let delta = r#"{"tool_calls":[{"index":0,"function":{"arguments":"TOP-SECRET"}}]}"#;
        let output = passed(json!({}), &format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#));
        let choice = json!({"index": 0, "delta": {"content": null}, "finish_reason": null});
        assert_eq!(output["chunk"], json!({"choices": [choice]}));
    }

    #[test]
    fn half_of_a_surrogate_pair_beside_the_text_makes_nothing_fail() {
        let chunk = r#"{"id":"\ud83d","choices":[{"index":0,"delta":{"content":"a TOP-SECRET","x":"\ude00"}}]}"#;
        let output = passed(json!({}), chunk);
        assert_eq!(
            output["chunk"]["choices"][0]["delta"]["content"],
            "a [gen3 chunk redacted]"
        );
    }

    #[test]
    fn text_in_parts_is_redacted_too() {
        let parts = json!([{"type": "text", "text": "a TOP-"}, {"type": "text", "text": "SECRET"}]);
        let chunk = json!({"index": 0, "delta": {"content": parts}, "finish_reason": null});
        assert_eq!(streamed(&["TOP-SECRET"], &[chunk]).0[0], "a [gen3 chunk redacted]");
    }
}
