//! The requests that are sent, and the answers to them: chats of an exact size.
//!
//! ```
//! use heimdall_load::document::{Document, Size};
//!
//! assert_eq!(Document { size: Size::Large, stream: false }.text().len(), 64 * 1024);
//! ```

use std::fmt::Write as _;

/// What texts are made of: of letters, quotes and lines as in prose, so that JSON has to escape now and then.
const PROSE: &str = "The guard at the bridge sees who comes, says \"good day\", and lets most of them pass.\n";

/// How many chunks a streamed answer has, beside its end.
pub const CHUNKS: usize = 50;

/// How large a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 1 KB.
    Small,
    /// 64 KB.
    Large,
}

impl Size {
    /// In bytes.
    pub fn bytes(self) -> usize {
        match self {
            Size::Small => 1024,
            Size::Large => 64 * 1024,
        }
    }

    /// Of a request as an upstream gets it: plugins may have made it somewhat larger.
    pub fn of(request: usize) -> Size {
        if request < Size::Large.bytes() / 2 {
            Size::Small
        } else {
            Size::Large
        }
    }
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// Of it, and of the answer.
    pub size: Size,
    /// Whether it asks for a stream.
    pub stream: bool,
}

impl Document {
    /// Its JSON: a few messages, or as many as a long chat has.
    pub fn text(self) -> String {
        let head = format!(
            r#"{{"model":"gpt-4o","stream":{},"messages":[{{"role":"system","content":"Be brief."}}"#,
            self.stream
        );
        let turns = match self.size {
            Size::Small => 1,
            Size::Large => 15,
        };
        let mut text = head;
        for turn in 0..turns {
            let last = turn + 1 == turns;
            let role = if (turns - turn) % 2 == 1 { "user" } else { "assistant" };
            let _ = write!(text, r#",{{"role":"{role}","content":""#);
            let end = r#""}"#;
            let whole = if last {
                self.size.bytes() - "]}".len()
            } else {
                self.size.bytes() / turns * (turn + 1)
            };
            let room = whole.saturating_sub(text.len() + end.len());
            text += &prose(room);
            text += end;
        }
        text + "]}"
    }
}

/// The answer to a request that asks for none of a stream.
pub fn answer(size: Size) -> String {
    let head = concat!(
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"#,
        r#""message":{"role":"assistant","content":""#
    );
    let end = concat!(
        r#"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"#,
        r#""usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}}"#
    );
    let room = size.bytes() - head.len() - end.len();
    format!("{head}{}{end}", prose(room))
}

/// The events of a streamed answer: its chunks and the end. Together they are as large as a whole answer, or as large as so
/// many chunks have to be.
pub fn events(size: Size) -> Vec<String> {
    let event = |delta: &str, reason: &str| {
        format!(
            concat!(
                r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","#,
                r#""choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}}"#,
                "\n\n"
            ),
            delta, reason
        )
    };
    let text = prose((size.bytes() / CHUNKS).max(16));
    let delta = format!(r#"{{"content":"{text}"}}"#);
    let mut events = vec![event(&delta, "null"); CHUNKS - 1];
    events.push(event("{}", r#""stop""#));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// So many bytes of text, as they stand between the quotes of JSON.
fn prose(bytes: usize) -> String {
    let escaped = PROSE.replace('"', "\\\"").replace('\n', "\\n");
    let mut text = escaped.repeat(bytes / escaped.len());
    // What is left is no part of an escape.
    text += &"x".repeat(bytes - text.len());
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn requests_and_answers_are_json_of_exactly_their_size() {
        for size in [Size::Small, Size::Large] {
            for stream in [true, false] {
                let text = Document { size, stream }.text();
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!((text.len(), value["stream"].as_bool()), (size.bytes(), Some(stream)));
                let last = value["messages"].as_array().unwrap().last().unwrap();
                assert_eq!(last["role"], "user");
            }
            let text = answer(size);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (text.len(), &value["choices"][0]["finish_reason"]),
                (size.bytes(), &"stop".into())
            );
        }
    }

    #[test]
    fn a_stream_is_chunks_of_json_and_an_end() {
        for size in [Size::Small, Size::Large] {
            let events = events(size);
            let (end, chunks) = events.split_last().unwrap();
            assert_eq!((end.as_str(), chunks.len()), ("data: [DONE]\n\n", CHUNKS));
            for chunk in chunks {
                let data = chunk.strip_prefix("data: ").unwrap();
                let value: Value = serde_json::from_str(data).unwrap();
                assert_eq!(value["object"], "chat.completion.chunk");
            }
        }
    }

    #[test]
    fn a_request_that_plugins_made_larger_is_of_the_size_that_it_was() {
        assert_eq!(Size::of(Size::Small.bytes() + 4000), Size::Small);
        assert_eq!(Size::of(Size::Large.bytes() + 4000), Size::Large);
    }
}
