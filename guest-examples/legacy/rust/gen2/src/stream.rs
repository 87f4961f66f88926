//! Chunks of streamed answers. A secret may be cut in two by a chunk boundary, so text that could begin one is held back
//! until its choice's next chunk tells. It waits in the request's context, which travels with each chunk.

use serde_json::Value;

use crate::guard::{Config, MARK, NAME};
use crate::model::{Choice, Content, Context};
use crate::redact;

/// No hook is called after the last chunk: what is held goes out with the one in which the choice finishes.
pub fn pass_on(config: &Config, context: &mut Context, choice: &mut Choice) {
    // Some servers say with an empty reason that there is none.
    let ends = choice.finish_reason.as_ref().is_some_and(|reason| !reason.is_empty());
    let content = choice.delta.as_ref().and_then(|delta| delta.content.as_ref());
    let text = content.map(Content::text).unwrap_or_default();
    let mut held = take(context, choice.index);
    let ready = redact::next(&config.secrets, MARK, &mut held, &text, ends);
    keep(context, choice.index, held);
    if ready != text {
        choice.delta.get_or_insert_default().content = Some(Content::Text(ready));
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
    use crate::hooks::post_hook;

    /// What a client puts together of each of two choices, and the context after the last chunk.
    fn streamed(secrets: &[&str], chunks: &[Value]) -> ([String; 2], Value) {
        configure(json!({ "secrets": secrets }).to_string().as_bytes()).unwrap();
        let mut context = json!({"request_id": "r"});
        let mut texts = [String::new(), String::new()];
        for chunk in chunks {
            let response = json!({"chat_response": {"object": "chat.completion.chunk", "choices": [chunk]}});
            let input = json!({"context": context, "response": response, "error": {}, "has_error": false});
            let output: Value = serde_json::from_slice(&post_hook(input.to_string().as_bytes())).unwrap();
            let choice = &output["response"]["chat_response"]["choices"][0];
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
        assert_eq!(texts, ["a [gen2 redacted] b schlüs", "[gen2 redacted]bun"]);
        assert_eq!(
            context,
            json!({"request_id": "r", "gen2/held/0": "", "gen2/held/1": ""})
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
        assert_eq!(streamed(&["TOP-SECRET"], &chunks).0[0], "[gen2 redacted]");
    }

    #[test]
    fn what_holds_no_secret_leaves_no_trace_in_the_context() {
        let (texts, context) = streamed(&["TOP-SECRET"], &[piece(0, "plain"), piece(0, " text")]);
        assert_eq!(texts[0], "plain text");
        assert_eq!(context, json!({"request_id": "r"}));
    }

    #[test]
    fn text_in_parts_is_redacted_too() {
        let parts = json!([{"type": "text", "text": "a TOP-"}, {"type": "text", "text": "SECRET"}]);
        let chunk = json!({"index": 0, "delta": {"content": parts}, "finish_reason": null});
        assert_eq!(streamed(&["TOP-SECRET"], &[chunk]).0[0], "a [gen2 redacted]");
    }
}
