//! Chunks of streamed answers. A secret may be cut in two by a chunk boundary, so text that could begin one is held back
//! until its choice's next chunk tells. It waits in a global, since the context of this generation can only be read.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::guard::{Config, MARK};
use crate::model::{Choice, Content};
use crate::redact;

/// What a request's choices hold back, by their indexes.
type Held = BTreeMap<u32, String>;

/// The latest requests with text that is held back. A stream that breaks off leaves its own there, so there is a bound.
const MAX_REQUESTS: usize = 1000;

thread_local! {
    static HELD: RefCell<VecDeque<(String, Held)>> = const { RefCell::new(VecDeque::new()) };
}

/// No hook is called after the last chunk: what is held goes out with the one in which the choice finishes.
pub fn pass_on(config: &Config, request_id: &str, choice: &mut Choice) {
    // Some servers say with an empty reason that there is none.
    let ends = choice.finish_reason.as_ref().is_some_and(|reason| !reason.is_empty());
    let content = choice.delta.as_ref().and_then(|delta| delta.content.as_ref());
    let text = content.map(Content::text).unwrap_or_default();
    let mut held = take(request_id, choice.index);
    let ready = redact::next(&config.secrets, MARK, &mut held, &text, ends);
    keep(request_id, choice.index, held);
    if ready != text {
        choice.delta.get_or_insert_default().content = Some(Content::Text(ready));
    }
}

fn take(request_id: &str, choice: u32) -> String {
    HELD.with_borrow_mut(|requests| {
        let Some(place) = requests.iter().position(|(id, _)| id == request_id) else {
            return String::new();
        };
        let held = requests[place].1.remove(&choice);
        if requests[place].1.is_empty() {
            requests.remove(place);
        }
        held.unwrap_or_default()
    })
}

fn keep(request_id: &str, choice: u32, text: String) {
    if text.is_empty() {
        return;
    }
    HELD.with_borrow_mut(|requests| {
        if let Some((_, held)) = requests.iter_mut().find(|(id, _)| id == request_id) {
            held.insert(choice, text);
            return;
        }
        if requests.len() == MAX_REQUESTS {
            requests.pop_front();
        }
        requests.push_back((request_id.to_owned(), Held::from([(choice, text)])));
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::guard::configure;
    use crate::hooks::post_hook;

    fn configured(secrets: &[&str]) {
        configure(json!({ "secrets": secrets }).to_string().as_bytes()).unwrap();
    }

    /// What the hook makes of the text of a chunk.
    fn sent(request_id: &str, choice: &Value) -> String {
        let context = json!({ "request_id": request_id }).to_string();
        let response = json!({"chat_response": {"object": "chat.completion.chunk", "choices": [choice]}}).to_string();
        let output = post_hook(context.as_bytes(), response.as_bytes(), b"null");
        let output: Value = serde_json::from_slice(&output).unwrap();
        let choice = &output["response"]["chat_response"]["choices"][0];
        choice["delta"]["content"].as_str().unwrap_or_default().to_owned()
    }

    /// What a client puts together of each of two choices.
    fn streamed(secrets: &[&str], chunks: &[Value]) -> [String; 2] {
        configured(secrets);
        let mut texts = [String::new(), String::new()];
        for choice in chunks {
            texts[choice["index"].as_u64().unwrap() as usize] += &sent("r", choice);
        }
        texts
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
        let texts = streamed(&["schlüssel", "schlüsselbund"], &chunks);
        assert_eq!(texts, ["a [gen1 redacted] b schlüs", "[gen1 redacted]bun"]);
        assert!(HELD.with_borrow(VecDeque::is_empty), "nothing is held any more");
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
        assert_eq!(streamed(&["TOP-SECRET"], &chunks)[0], "[gen1 redacted]");
    }

    #[test]
    fn requests_do_not_mix() {
        configured(&["TOP-SECRET"]);
        assert_eq!(sent("a", &piece(0, "TOP-")), "");
        assert_eq!(sent("b", &piece(0, "SECRET.")), "SECRET.");
        assert_eq!(sent("a", &piece(0, "SECRET")), "[gen1 redacted]");
    }

    #[test]
    fn of_streams_that_broke_off_the_oldest_are_forgotten() {
        configured(&["TOP-SECRET"]);
        for number in 0..=MAX_REQUESTS {
            sent(&number.to_string(), &piece(0, "TOP-"));
        }
        assert_eq!(HELD.with_borrow(VecDeque::len), MAX_REQUESTS);
        assert_eq!(sent("0", &piece(0, "SECRET.")), "SECRET.");
        assert_eq!(sent("1", &piece(0, "SECRET")), "[gen1 redacted]");
    }

    #[test]
    fn text_in_parts_is_redacted_too() {
        let parts = json!([{"type": "text", "text": "a TOP-"}, {"type": "text", "text": "SECRET"}]);
        let chunk = json!({"index": 0, "delta": {"content": parts}, "finish_reason": null});
        assert_eq!(streamed(&["TOP-SECRET"], &[chunk])[0], "a [gen1 redacted]");
    }
}
