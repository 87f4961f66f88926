//! The messages of every kind of call: reading them here, editing them in [`edits`].

mod edits;

use super::{Content, Message, Part, PartContent};
use crate::json::Document;
use crate::model::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use crate::model::{EditError, LlmRequest};

fn request(kind: CallKind, json: &str) -> LlmRequest {
    LlmRequest::new(kind, "echo", "m", false, 0, Document::parse(json.to_owned()).unwrap())
}

fn json(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap()
}

fn text_of(role: &str, text: &str) -> Message {
    Message::plain(role, text.to_owned())
}

fn text_part(text: &str) -> Part {
    Part {
        content: PartContent::Text(text.to_owned()),
        extra: None,
    }
}

/// One of each shape that the messages of a request can have.
const SHAPES: [(CallKind, &str); 27] = [
    (
        Chat,
        r#"{"messages":[{"role":"user","content":"h\u00e9"},{"content":null,"role":"assistant","tool_calls":[ ]}]}"#,
    ),
    (
        Chat,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"x":1}}, {"type":"image_url","image_url":{"url":"u","detail":"low"}}]}]}"#,
    ),
    (
        Chat,
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","more":1}},{"type":"image_url","image_url":"u"},{"type":"file"},7]}]}"#,
    ),
    (
        Chat,
        r#"{"messages":[{"role":"user","content":5},{"role":1},{},"text",null]}"#,
    ),
    (Chat, r#"{"messages":null}"#),
    (Chat, r#"{"messages":{"a":1}}"#),
    (Chat, r#"{}"#),
    (Chat, r#"[1]"#),
    (Responses, r#"{"instructions":"be \"kind\"","input":"hi"}"#),
    (Responses, r#"{"instructions":["odd"],"input":{"odd":1}}"#),
    (Responses, r#"{"instructions":null,"input":null}"#),
    (
        Responses,
        r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"u","detail":"low"}]},{"type":"function_call","name":"f"},{"type":"message","id":"1","role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}]}]}"#,
    ),
    (Responses, r#"{"input":["text",1,{"role":"user"},{"type":5}]}"#),
    (
        Responses,
        r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"},{"type":"input_image","image_url":null}]}]}"#,
    ),
    (Responses, r#"{}"#),
    (TextCompletion, r#"{"prompt":"a"}"#),
    (TextCompletion, r#"{"prompt":["a","b"]}"#),
    (TextCompletion, r#"{"prompt":[1,2,3]}"#),
    (TextCompletion, r#"{"prompt":[[1,2],[3]]}"#),
    (TextCompletion, r#"{"prompt":[]}"#),
    (TextCompletion, r#"{"prompt":{"odd":1}}"#),
    (TextCompletion, r#"{}"#),
    (Embedding, r#"{"input":"a"}"#),
    (Embedding, r#"{"input":["a",[1],null]}"#),
    (Embedding, r#"{"input":[1]}"#),
    (Embedding, r#"{"input":null}"#),
    (Embedding, r#""text""#),
];

#[test]
fn setting_what_was_read_changes_no_byte() {
    for (kind, text) in SHAPES {
        let mut request = request(kind, text);
        for index in 0..request.message_count() {
            let message = request.message_at(index).unwrap();
            request.set_message(index, &message).unwrap();
        }
        assert_eq!(request.document().as_str(), text);
    }
}

#[test]
fn reading_all_messages_gives_what_reading_each_gives() {
    for (kind, text) in SHAPES {
        let request = request(kind, text);
        let each: Vec<Message> = (0..request.message_count())
            .map(|index| request.message_at(index).unwrap())
            .collect();
        assert_eq!(request.messages(), each, "{text}");
        assert_eq!(request.message_at(request.message_count()), None, "{text}");
        assert_eq!(request.message_text(request.message_count()), None, "{text}");
    }
}

#[test]
fn an_inserted_message_is_read_back_and_its_removal_leaves_the_others() {
    let inserted = text_of("user", "new");
    for (kind, text) in SHAPES {
        let before = request(kind, text);
        for index in 0..=before.message_count() {
            let mut edited = before.clone();
            if edited.insert_message(index, &inserted).is_err() {
                assert_eq!(edited.document().as_str(), text, "a failed edit changes nothing");
                continue;
            }
            let mut expected = before.messages();
            expected.insert(index as usize, inserted.clone());
            assert_eq!(edited.messages(), expected, "{text} at {index}");
            edited.remove_message(index).unwrap();
            assert_eq!(edited.messages(), before.messages(), "{text} at {index}");
        }
    }
}

#[test]
fn an_index_behind_the_messages_is_no_place() {
    let message = text_of("user", "new");
    for (kind, text) in SHAPES {
        let mut request = request(kind, text);
        let behind = request.message_count() + 1;
        assert!(
            matches!(request.insert_message(behind, &message), Err(EditError::NoSuchPlace(_))),
            "{text}"
        );
        assert!(
            matches!(request.set_message(behind, &message), Err(EditError::NoSuchPlace(_))),
            "{text}"
        );
        assert!(
            matches!(request.remove_message(behind), Err(EditError::NoSuchPlace(_))),
            "{text}"
        );
        assert_eq!(request.document().as_str(), text);
    }
}

#[test]
fn the_text_of_a_message_is_its_text_parts() {
    let cases = [
        (Chat, r#"{"messages":[{"content":"a"}]}"#, Some("a")),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"text","text":"a"},{"type":"file"},{"type":"text","text":"b"}]}]}"#,
            Some("a\nb"),
        ),
        (Chat, r#"{"messages":[{"content":[{"type":"file"}]}]}"#, None),
        (Chat, r#"{"messages":[{"content":null}]}"#, None),
        (Responses, r#"{"instructions":"a"}"#, Some("a")),
        (Responses, r#"{"input":"a"}"#, Some("a")),
        (
            Responses,
            r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a"}]}]}"#,
            Some("a"),
        ),
        (
            Responses,
            r#"{"input":[{"type":"function_call_output","output":"a"}]}"#,
            None,
        ),
        (TextCompletion, r#"{"prompt":["a"]}"#, Some("a")),
        (TextCompletion, r#"{"prompt":[1]}"#, None),
        (Embedding, r#"{"input":"a"}"#, Some("a")),
    ];
    for (kind, document, text) in cases {
        assert_eq!(request(kind, document).message_text(0).as_deref(), text, "{document}");
    }
}

#[test]
fn messages_are_read_with_roles_parts_and_extras() {
    let chat = request(Chat, SHAPES[1].1);
    let parts = vec![
        Part {
            extra: Some(json(r#"{"cache_control":{"x":1}}"#)),
            ..text_part("a")
        },
        Part {
            content: PartContent::ImageUrl("u".into()),
            extra: Some(json(r#"{"detail":"low"}"#)),
        },
    ];
    assert_eq!(
        chat.message_at(0),
        Some(Message {
            role: "user".into(),
            content: Content::Parts(parts),
            extra: None
        })
    );
    let responses = request(Responses, SHAPES[11].1).messages();
    assert_eq!(
        responses[1],
        Message::other("", json(r#"{"type":"function_call","name":"f"}"#))
    );
    assert_eq!(
        responses[2].extra.as_ref().unwrap().as_str(),
        r#"{"type":"message","id":"1"}"#
    );
    assert_eq!(
        request(TextCompletion, SHAPES[17].1).messages(),
        [Message::other("user", json("[1,2,3]"))]
    );
}
