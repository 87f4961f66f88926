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

/// A request, an edit of one of its messages, and the request afterwards.
type Case = (CallKind, &'static str, u32, fn(&mut Message), &'static str);

#[test]
fn only_what_differs_in_a_set_message_is_touched() {
    let cases: [Case; 14] = [
        (
            Chat,
            r#"{ "messages": [ {"name" : "n", "role":"user", "content":"\u0061"} ], "seed": 1e400 }"#,
            0,
            |message| message.role = "developer".into(),
            r#"{ "messages": [ {"name" : "n", "role":"developer", "content":"\u0061"} ], "seed": 1e400 }"#,
        ),
        (
            Chat,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}],"name" : "n"}]}"#,
            0,
            |message| message.content = Content::Text("b".into()),
            r#"{"messages":[{"role":"user","content":"b","name" : "n"}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"role":"user","content":"a","name" : "n","x":1}]}"#,
            0,
            |message| message.extra = Some(json(r#"{"x":2,"y":3}"#)),
            r#"{"messages":[{"role":"user","content":"a","x":2,"y":3}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"role":"user","content":"a","name" : "n"}]}"#,
            0,
            |message| message.extra = None,
            r#"{"messages":[{"role":"user","content":"a"}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"role":"assistant","content":"a"}]}"#,
            0,
            |message| message.content = Content::Empty,
            r#"{"messages":[{"role":"assistant","content":null}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"file", "x":1.0},{"text":"\u0061", "type":"text", "k":1.0}]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts[1].content = PartContent::Text("b".into());
                }
            },
            r#"{"messages":[{"content":[{"type":"file", "x":1.0},{"text":"b", "type":"text", "k":1.0}]}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"u", "detail":"low"} }]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts[0].extra = Some(json(r#"{"detail":"high","k":1}"#));
                }
            },
            r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"u", "detail":"high"},"k":1 }]}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"text", "text":"a"},{"type":"text", "text":"c"}]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts.insert(1, text_part("b"));
                }
            },
            r#"{"messages":[{"content":[{"type":"text", "text":"a"},{"type":"text","text":"b"},{"type":"text", "text":"c"}]}]}"#,
        ),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"text", "text":"a"},{"type":"text", "text":"c"}]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts.remove(0);
                }
            },
            r#"{"messages":[{"content":[{"type":"text", "text":"c"}]}]}"#,
        ),
        (
            Responses,
            r#"{"input":[{"type":"message","role":"assistant","content":[{"type":"output_text","annotations":[ ],"text":"a"}]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts[0].content = PartContent::Text("b".into());
                }
            },
            r#"{"input":[{"type":"message","role":"assistant","content":[{"type":"output_text","annotations":[ ],"text":"b"}]}]}"#,
        ),
        (
            Responses,
            r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"u"}]}]}"#,
            0,
            |message| {
                if let Content::Parts(parts) = &mut message.content {
                    parts.push(text_part("b"));
                }
            },
            r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"u"},{"type":"input_text","text":"b"}]}]}"#,
        ),
        (
            Responses,
            r#"{"instructions" : "a", "input":"b"}"#,
            0,
            |message| message.content = Content::Text("c".into()),
            r#"{"instructions" : "c", "input":"b"}"#,
        ),
        (
            Responses,
            r#"{"input" : "b"}"#,
            0,
            |message| message.role = "developer".into(),
            r#"{"input" : [{"role":"developer","content":"b"}]}"#,
        ),
        (
            TextCompletion,
            r#"{"prompt":[ "a", "b" ]}"#,
            1,
            |message| message.content = Content::Text("c".into()),
            r#"{"prompt":[ "a", "c" ]}"#,
        ),
    ];
    for (kind, before, index, edit, after) in cases {
        let mut request = request(kind, before);
        let mut message = request.message_at(index).unwrap();
        edit(&mut message);
        request.set_message(index, &message).unwrap();
        assert_eq!(request.document().as_str(), after);
        assert_eq!(request.message_at(index), Some(message), "{after}");
    }
}

#[test]
fn inserted_messages_take_the_natural_place() {
    let cases = [
        (
            Chat,
            r#"{"messages":[ {"role":"user"} ]}"#,
            0,
            r#"{"messages":[ {"role":"system","content":"s"},{"role":"user"} ]}"#,
        ),
        (
            Chat,
            r#"{"n":1}"#,
            0,
            r#"{"n":1,"messages":[{"role":"system","content":"s"}]}"#,
        ),
        (Responses, r#"{"input":"a"}"#, 0, r#"{"input":"a","instructions":"s"}"#),
        (
            Responses,
            r#"{"input":"\u0061"}"#,
            1,
            r#"{"input":[{"role":"user","content":"\u0061"},{"role":"system","content":"s"}]}"#,
        ),
        (
            Responses,
            r#"{"instructions":"\u0061","input":"b"}"#,
            0,
            r#"{"instructions":"s","input":[{"role":"system","content":"\u0061"},{"role":"user","content":"b"}]}"#,
        ),
        (
            Responses,
            r#"{"instructions":"a"}"#,
            1,
            r#"{"instructions":"a","input":[{"role":"system","content":"s"}]}"#,
        ),
        (
            Responses,
            r#"{"instructions":null,"input":[]}"#,
            0,
            r#"{"instructions":"s","input":[]}"#,
        ),
    ];
    for (kind, before, index, after) in cases {
        let mut request = request(kind, before);
        request.insert_message(index, &text_of("system", "s")).unwrap();
        assert_eq!(request.document().as_str(), after);
    }
    let mut strings = request(TextCompletion, r#"{"prompt":"a"}"#);
    strings.insert_message(1, &text_of("user", "b")).unwrap();
    assert_eq!(strings.document().as_str(), r#"{"prompt":["a","b"]}"#);
}

#[test]
fn an_edit_that_the_shape_cannot_hold_is_no_such_place() {
    let cases = [
        (TextCompletion, r#"{"prompt":"a"}"#, text_of("system", "s")),
        (
            Embedding,
            r#"{"input":["a"]}"#,
            Message {
                extra: Some(json(r#"{"name":"n"}"#)),
                ..text_of("user", "s")
            },
        ),
        (
            Embedding,
            r#"{"input":["a"]}"#,
            Message {
                content: Content::Empty,
                ..text_of("user", "s")
            },
        ),
        (Responses, r#"{"instructions":"a"}"#, text_of("user", "s")),
    ];
    for (kind, document, message) in cases {
        let mut request = request(kind, document);
        assert!(
            matches!(request.set_message(0, &message), Err(EditError::NoSuchPlace(_))),
            "{document}"
        );
        assert_eq!(request.document().as_str(), document);
    }
}

#[test]
fn an_extra_that_names_what_the_record_holds_is_refused() {
    for extra in [r#"{"role":"system"}"#, r#"{"content":""}"#, "[]", "5"] {
        let mut request = request(Chat, r#"{"messages":[{"role":"user","content":"a"}]}"#);
        let message = Message {
            extra: Some(json(extra)),
            ..text_of("user", "b")
        };
        assert!(
            matches!(request.set_message(0, &message), Err(EditError::InvalidJson(_))),
            "{extra}"
        );
        assert!(
            matches!(request.insert_message(0, &message), Err(EditError::InvalidJson(_))),
            "{extra}"
        );
        assert_eq!(
            request.document().as_str(),
            r#"{"messages":[{"role":"user","content":"a"}]}"#
        );
    }
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    let text = r#"{"messages":[{"role":"user","x":1,"x":2,"content":"a","content":"b"}]}"#;
    let document = Document::parse_with(text, crate::json::Duplicates::LastWins).unwrap();
    let mut request = LlmRequest::new(Chat, "echo", "m", false, 0, document);
    let mut message = request.message_at(0).unwrap();
    assert_eq!(message.content, Content::Text("b".into()));
    message.content = Content::Text("c".into());
    request.set_message(0, &message).unwrap();
    assert_eq!(
        request.document().as_str(),
        r#"{"messages":[{"role":"user","x":2,"content":"c"}]}"#
    );
}
