use super::{json, request, text_of, text_part};
use crate::json::{Document, Duplicates};
use crate::model::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use crate::model::{Content, EditError, LlmRequest, Message, PartContent};

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
    let document = Document::parse_with(text, Duplicates::LastWins).unwrap();
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
