use super::super::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use super::super::{EditError, LlmChunk};
use super::{chunk, json};

const DELTA: &str = r#"{"type":"response.output_text.delta","delta":"a","logprobs":["a"]}"#;

/// Kind, event, choice, text, finish reason, whether it is terminal.
type Case = (
    CallKind,
    &'static str,
    u32,
    Option<&'static str>,
    Option<&'static str>,
    bool,
);

#[test]
fn events_of_every_kind_are_read() {
    let cases: [Case; 15] = [
        (
            Chat,
            r#"{"choices":[{"index":1,"delta":{"content":"a"},"finish_reason":null}]}"#,
            1,
            Some("a"),
            None,
            false,
        ),
        (
            Chat,
            r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"a"}]}}]}"#,
            0,
            Some("a"),
            None,
            false,
        ),
        (
            Chat,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            0,
            None,
            Some("stop"),
            true,
        ),
        (Chat, r#"{"choices":[],"usage":{}}"#, 0, None, None, false),
        (Chat, r#"{"error":{"message":"x"}}"#, 0, None, None, true),
        (Chat, "null", 0, None, None, false),
        (
            TextCompletion,
            r#"{"choices":[{"index":2,"text":"a"}]}"#,
            2,
            Some("a"),
            None,
            false,
        ),
        (
            TextCompletion,
            r#"{"choices":[{"text":"","finish_reason":"length"}]}"#,
            0,
            Some(""),
            Some("length"),
            true,
        ),
        (Responses, DELTA, 0, Some("a"), None, false),
        (
            Responses,
            r#"{"type":"response.output_text.done","text":"a"}"#,
            0,
            None,
            None,
            false,
        ),
        (
            Responses,
            r#"{"type":"response.function_call_arguments.delta","delta":"a"}"#,
            0,
            None,
            None,
            false,
        ),
        (
            Responses,
            r#"{"type":"response.completed","response":{"status":"completed"}}"#,
            0,
            None,
            Some("completed"),
            true,
        ),
        (
            Responses,
            r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}"#,
            0,
            None,
            Some("content_filter"),
            true,
        ),
        (Responses, r#"{"type":"error","message":"x"}"#, 0, None, None, true),
        (Embedding, r#"{"choices":[{"text":"a"}]}"#, 0, None, None, true),
    ];
    for (kind, event, choice, text, finish_reason, terminal) in cases {
        let chunk = chunk(kind, event);
        assert_eq!(chunk.choice(), choice, "{event}");
        assert_eq!(chunk.text().as_deref(), text, "{event}");
        assert_eq!(chunk.finish_reason().as_deref(), finish_reason, "{event}");
        assert_eq!(chunk.is_terminal(), terminal, "{event}");
    }
}

#[test]
fn setting_a_text_touches_it_and_its_log_probabilities_alone() {
    let cases = [
        (
            Chat,
            r#"{ "choices":[{"delta":{"content":"\u0061" },"logprobs":{"content":[1]}}]}"#,
            r#"{ "choices":[{"delta":{"content":"b" },"logprobs":null}]}"#,
        ),
        (
            Chat,
            r#"{"choices":[{"delta":{}}]}"#,
            r#"{"choices":[{"delta":{"content":"b"}}]}"#,
        ),
        (
            TextCompletion,
            r#"{"choices":[{"text" : "a"}]}"#,
            r#"{"choices":[{"text" : "b"}]}"#,
        ),
        (
            Responses,
            DELTA,
            r#"{"type":"response.output_text.delta","delta":"b","logprobs":[]}"#,
        ),
    ];
    for (kind, before, after) in cases {
        let mut chunk = chunk(kind, before);
        if let Some(text) = chunk.text() {
            chunk.set_text(&text).unwrap();
            assert_eq!(chunk.document().as_str(), before);
        }
        chunk.set_text("b").unwrap();
        assert_eq!(chunk.document().as_str(), after);
    }
}

#[test]
fn an_event_without_a_place_for_text_keeps_as_it_is() {
    let cases = [
        (Chat, r#"{"choices":[],"usage":{}}"#),
        (Chat, r#"{"choices":[{"delta":5}]}"#),
        (Chat, "[]"),
        (Responses, r#"{"type":"response.output_text.done","text":"a"}"#),
        (Embedding, "{}"),
    ];
    for (kind, event) in cases {
        let mut chunk = chunk(kind, event);
        assert!(matches!(chunk.set_text("b"), Err(EditError::NoSuchPlace(_))), "{event}");
        assert_eq!(chunk.document().as_str(), event);
    }
}

#[test]
fn an_event_of_several_choices_becomes_one_per_choice() {
    let event = r#"{"id":"c","choices":[{"index":0,"text":"a"},{"index":1,"text":"b"}],"usage":{"total_tokens":1}}"#;
    let split = chunk(TextCompletion, event).split_choices();
    let events: Vec<&str> = split.iter().map(|chunk| chunk.document().as_str()).collect();
    assert_eq!(
        events,
        [
            r#"{"id":"c","choices":[{"index":0,"text":"a"}],"usage":null}"#,
            r#"{"id":"c","choices":[{"index":1,"text":"b"}],"usage":{"total_tokens":1}}"#,
        ]
    );
    assert!(split.iter().all(|chunk| chunk.index() == 3));
}

#[test]
fn an_event_of_one_choice_or_none_is_not_split() {
    let cases = [
        (Chat, r#"{"choices":[{}]}"#),
        (Chat, "{}"),
        (Chat, r#"{"choices":{"a":1,"b":2}}"#),
        (Responses, r#"{"choices":[1,2]}"#),
    ];
    for (kind, event) in cases {
        let split = chunk(kind, event).split_choices();
        assert_eq!(split.len(), 1);
        assert_eq!(split[0].document().as_str(), event);
    }
}

#[test]
fn errors_in_a_stream_are_read() {
    let cases = [
        (
            Chat,
            r#"{"error":{"message":"x","type":"t","code":429,"param":null}}"#,
            Some(("x", Some("t"), Some("429"))),
        ),
        (Chat, r#"{"error":"x"}"#, Some(("x", None, None))),
        (Chat, r#"{"error":null,"choices":[]}"#, None),
        (
            Responses,
            r#"{"type":"error","code":"c","message":"x"}"#,
            Some(("x", None, Some("c"))),
        ),
        (
            Responses,
            r#"{"type":"error","error":{"type":"t","message":"x"}}"#,
            Some(("x", Some("t"), None)),
        ),
        (
            Responses,
            r#"{"type":"response.failed","response":{"error":{"code":"c","message":"x"}}}"#,
            Some(("x", None, Some("c"))),
        ),
        (
            Responses,
            r#"{"type":"response.completed","response":{"error":null}}"#,
            None,
        ),
    ];
    for (kind, event, expected) in cases {
        let error = chunk(kind, event).error();
        let found = error
            .as_ref()
            .map(|error| (error.message.as_str(), error.kind.as_deref(), error.code.as_deref()));
        assert_eq!(found, expected, "{event}");
    }
}

#[test]
fn the_end_of_a_stream_is_an_event_without_content() {
    for kind in [Chat, TextCompletion, Responses] {
        let end = LlmChunk::end_of_stream(kind, 9);
        assert_eq!((end.index(), end.text(), end.is_terminal()), (9, None, false));
    }
}

#[test]
fn an_event_is_edited_by_pointer() {
    let mut chunk = chunk(Chat, r#"{"choices":[]}"#);
    chunk.set("/x", Some(&json("1"))).unwrap();
    assert_eq!(chunk.get("/x").unwrap().as_str(), "1");
    chunk.set("/x", None).unwrap();
    assert!(matches!(
        chunk.set("/y/z", Some(&json("1"))),
        Err(EditError::NoSuchPlace(_))
    ));
    assert!(matches!(chunk.set("", None), Err(EditError::Other(_))));
    assert_eq!(chunk.document().as_str(), r#"{"choices":[]}"#);
}

#[test]
fn log_probabilities_go_with_a_text_that_somebody_edited_who_left_them() {
    let sent = r#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":["a"]}}]}"#;
    let others = sent.replace(r#""content":["a"]"#, r#""content":["b"]"#);
    let cases = [
        (
            sent.replace(r#":"a"}"#, r#":"b"}"#),
            r#"{"choices":[{"delta":{"content":"b"},"logprobs":null}]}"#.to_owned(),
        ),
        (
            others.replace(r#":"a"}"#, r#":"b"}"#),
            others.replace(r#":"a"}"#, r#":"b"}"#),
        ),
        (sent.replace("choices", "x"), sent.replace("choices", "x")),
        (
            sent.replace("}}]}", "}}],\"id\":1}"),
            sent.replace("}}]}", "}}],\"id\":1}"),
        ),
    ];
    for (edited, after) in cases {
        let mut chunk = chunk(Chat, sent);
        chunk.set_edited(edited.parse().unwrap()).unwrap();
        assert_eq!(chunk.document().as_str(), after);
    }
}
