use super::super::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use super::super::{EditError, LlmResponse, TokenUsage};
use super::{json, response};

/// Kind, document, text, finish reason, usage.
type Case = (CallKind, &'static str, Option<&'static str>, &'static str, [u32; 3]);

const DOCUMENTS: [Case; 6] = [
    (
        Chat,
        fixture!("chat-completions--default.response.json"),
        Some("Hello! How can I assist you today?"),
        "stop",
        [19, 10, 29],
    ),
    (
        Chat,
        fixture!("chat-completions--functions.response.json"),
        None,
        "tool_calls",
        [82, 17, 99],
    ),
    (
        TextCompletion,
        fixture!("completions--no-streaming.response.json"),
        Some("\n\nThis is indeed a test"),
        "length",
        [5, 7, 12],
    ),
    (
        Responses,
        fixture!("responses--functions.response.json"),
        None,
        "completed",
        [291, 23, 314],
    ),
    (
        Responses,
        fixture!("responses--web-search.response.json"),
        Some("As of today, March 9, 2025, one notable positive news story..."),
        "completed",
        [328, 356, 684],
    ),
    (
        Responses,
        r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal"},{"type":"output_text","text":"b"}]}],"usage":{"input_tokens":1,"output_tokens":2}}"#,
        Some("ab"),
        "max_output_tokens",
        [1, 2, 3],
    ),
];

#[test]
fn real_answers_are_read() {
    for (kind, document, text, finish_reason, [prompt_tokens, completion_tokens, total_tokens]) in DOCUMENTS {
        let response = response(kind, document);
        assert_eq!(response.choice_count(), 1);
        assert_eq!(response.text(0).as_deref(), text);
        assert_eq!(response.text(1), None);
        assert_eq!(response.finish_reason(0).as_deref(), Some(finish_reason));
        assert_eq!(
            response.usage(),
            Some(TokenUsage {
                prompt_tokens,
                completion_tokens,
                total_tokens
            })
        );
        assert_eq!((response.provider(), response.elapsed()), (Some("up"), 5));
    }
}

#[test]
fn setting_the_text_that_was_read_changes_no_byte() {
    for (kind, document, text, ..) in DOCUMENTS {
        let mut response = response(kind, document);
        if let Some(text) = text {
            response.set_text(0, text).unwrap();
        }
        assert_eq!(response.document().as_str(), document);
    }
}

#[test]
fn only_the_text_differs_after_it_was_set() {
    let document = fixture!("chat-completions--default.response.json");
    let mut chat = response(Chat, document);
    chat.set_text(0, "Bye").unwrap();
    assert_eq!(
        chat.document().as_str(),
        document.replace("Hello! How can I assist you today?", "Bye")
    );
    let document = fixture!("responses--web-search.response.json");
    let mut responses = response(Responses, document);
    responses.set_text(0, "Bye").unwrap();
    let old = "As of today, March 9, 2025, one notable positive news story...";
    assert_eq!(responses.document().as_str(), document.replace(old, "Bye"));
}

#[test]
fn setting_a_text_takes_lists_second_texts_and_log_probabilities_along() {
    let cases = [
        (
            Chat,
            1,
            r#"{"choices":[{},{"message":{"content":[{"type":"text","text":"a"}]},"logprobs":{"content":["a"]}}]}"#,
            r#"{"choices":[{},{"message":{"content":"x"},"logprobs":null}]}"#,
        ),
        (
            Chat,
            0,
            r#"{"choices":[{"message":{"content":null,"tool_calls":[]}}]}"#,
            r#"{"choices":[{"message":{"content":"x","tool_calls":[]}}]}"#,
        ),
        (
            TextCompletion,
            0,
            r#"{"choices":[{"text":"a","logprobs":{"tokens":["a"]}}]}"#,
            r#"{"choices":[{"text":"x","logprobs":null}]}"#,
        ),
        (
            Responses,
            0,
            r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"a","logprobs":["a"]},{"type":"output_text","text":"b"}]}]}"#,
            r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"x","logprobs":[]},{"type":"output_text","text":""}]}]}"#,
        ),
    ];
    for (kind, choice, before, after) in cases {
        let mut response = response(kind, before);
        response.set_text(choice, "x").unwrap();
        assert_eq!(response.document().as_str(), after);
        assert_eq!(response.text(choice).as_deref(), Some("x"));
    }
}

#[test]
fn a_choice_without_a_place_for_text_is_no_such_place() {
    let cases = [
        (Chat, 0, r#"{"choices":[]}"#),
        (Chat, 0, r#"{"choices":[{}]}"#),
        (Chat, 7, r#"{"choices":[{"message":{}}]}"#),
        (TextCompletion, 0, r#"{}"#),
        (Responses, 0, r#"{"output":[{"type":"function_call"}]}"#),
        (
            Responses,
            1,
            r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#,
        ),
        (Embedding, 0, r#"{"data":[]}"#),
    ];
    for (kind, choice, document) in cases {
        let mut response = response(kind, document);
        assert!(
            matches!(response.set_text(choice, "x"), Err(EditError::NoSuchPlace(_))),
            "{document}"
        );
        assert_eq!(response.document().as_str(), document);
    }
}

#[test]
fn an_answer_that_was_streamed_is_read_only() {
    let document = json(r#"{"choices":[{"message":{"content":"a"}}]}"#);
    let mut streamed = LlmResponse::new(Chat, None, 0, true, document);
    assert_eq!(streamed.text(0).as_deref(), Some("a"));
    assert!(matches!(streamed.set_text(0, "b"), Err(EditError::Other(_))));
    assert!(matches!(streamed.set("/x", Some(&json("1"))), Err(EditError::Other(_))));
}

#[test]
fn embeddings_have_usage_and_no_choices() {
    let response = response(Embedding, r#"{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}"#);
    assert_eq!(response.choice_count(), 0);
    assert_eq!(response.text(0), None);
    let usage = TokenUsage {
        prompt_tokens: 8,
        completion_tokens: 0,
        total_tokens: 8,
    };
    assert_eq!(response.usage(), Some(usage));
}

#[test]
fn documents_of_odd_shapes_have_nothing_to_read() {
    let odd = [
        "null",
        "[]",
        "5",
        "{}",
        r#"{"choices":null,"output":5,"usage":[]}"#,
        r#"{"choices":{"a":1},"output":[null,{"type":"message"}],"usage":null}"#,
        r#"{"choices":[null],"output":[{"type":"message","content":"x"}],"model":5,"id":[]}"#,
    ];
    for kind in [Chat, TextCompletion, Responses, Embedding] {
        for document in odd {
            let response = response(kind, document);
            assert_eq!(
                (response.text(0), response.finish_reason(0)),
                (None, None),
                "{document}"
            );
            assert_eq!(
                (response.usage(), response.model(), response.id()),
                (None, None, None),
                "{document}"
            );
            assert_eq!(response.get("").unwrap().as_str(), document);
        }
    }
}

#[test]
fn numbers_beyond_the_contracts_are_cut_off() {
    let document = r#"{"usage":{"prompt_tokens":99999999999,"completion_tokens":1.5,"total_tokens":-1}}"#;
    let usage = response(Chat, document).usage().unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
        (u32::MAX, 0, u32::MAX)
    );
}

#[test]
fn log_probabilities_go_with_the_texts_that_somebody_edited_who_left_them() {
    let cases = [
        (
            Chat,
            r#"{"choices":[{"message":{"content":"a"},"logprobs":[1]},{"message":{"content":"b"},"logprobs":[2]}]}"#,
            "null",
        ),
        (
            TextCompletion,
            r#"{"choices":[{"text":"a","logprobs":[1]},{"text":"b","logprobs":[2]},{"text":"c"}]}"#,
            "null",
        ),
        (
            Responses,
            r#"{"output":[{},{"content":[{"text":"a","logprobs":[1]},{"text":"b","logprobs":[2]}]}]}"#,
            "[]",
        ),
    ];
    for (kind, sent, nothing) in cases {
        let mut response = response(kind, sent);
        let edited = sent.replace(r#""b""#, r#""x""#);
        response.set_edited(edited.parse().unwrap()).unwrap();
        assert_eq!(response.document().as_str(), edited.replace("[2]", nothing));
        // Whoever writes others knows what they are.
        let others = edited.replace("[2]", "[3]").replace(r#""x""#, r#""y""#);
        response.set_edited(others.parse().unwrap()).unwrap();
        assert_eq!(response.document().as_str(), others);
    }
}
