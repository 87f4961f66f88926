use super::super::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use super::super::{Answer, Completion, LlmChunk, LlmResponse, StreamAssembly, TokenUsage};
use super::{chunk, json, request, response};

const USAGE: TokenUsage = TokenUsage {
    prompt_tokens: 1,
    completion_tokens: 2,
    total_tokens: 3,
};

fn completion(text: &str) -> Completion {
    Completion {
        text: text.into(),
        model: None,
        finish_reason: None,
        usage: Some(USAGE),
    }
}

fn answer(kind: CallKind, completion: Completion) -> LlmResponse {
    Answer::Completion(completion).into_response(&request(kind, "{}"), "r1", 4)
}

#[test]
fn a_completion_becomes_an_answer_of_each_kind() {
    for (kind, id, finish_reason) in [
        (Chat, "chatcmpl-r1", "stop"),
        (TextCompletion, "cmpl-r1", "stop"),
        (Responses, "resp_r1", "completed"),
    ] {
        let answer = answer(kind, completion("a \"b\""));
        assert_eq!(answer.text(0).as_deref(), Some("a \"b\""));
        assert_eq!(answer.id().as_deref(), Some(id));
        assert_eq!(answer.model().as_deref(), Some("large"));
        assert_eq!(answer.finish_reason(0).as_deref(), Some(finish_reason));
        assert_eq!(answer.usage(), Some(USAGE));
        assert_eq!(
            (answer.provider(), answer.elapsed(), answer.streamed()),
            (None, 4, false)
        );
    }
    let embedding = answer(Embedding, completion("a"));
    assert_eq!(embedding.document().pointer("/data").unwrap().raw(), "[]");
}

#[test]
fn a_completion_says_its_own_model_and_end() {
    let cut = Completion {
        model: Some("own".into()),
        finish_reason: Some("length".into()),
        usage: None,
        ..completion("a")
    };
    let chat = answer(Chat, cut.clone());
    assert_eq!(
        (chat.model().as_deref(), chat.finish_reason(0).as_deref()),
        (Some("own"), Some("length"))
    );
    assert_eq!(chat.usage(), None);
    let responses = answer(Responses, cut);
    assert_eq!(responses.finish_reason(0).as_deref(), Some("max_output_tokens"));
    assert_eq!(responses.get("/status").unwrap().as_str(), "\"incomplete\"");
}

#[test]
fn a_responses_answer_repeats_what_the_request_asked_for() {
    let request = request(
        Responses,
        r#"{"instructions":"\u0061","tools":[{"x":1.0}],"metadata":{"k":"v"}}"#,
    );
    let answer = Answer::Completion(completion("a")).into_response(&request, "r1", 0);
    for (pointer, value) in [
        ("/instructions", r#""\u0061""#),
        ("/tools", r#"[{"x":1.0}]"#),
        ("/metadata", r#"{"k":"v"}"#),
        ("/tool_choice", "\"auto\""),
    ] {
        assert_eq!(answer.get(pointer).unwrap().as_str(), value);
    }
}

#[test]
fn a_raw_answer_is_taken_as_it_is() {
    let answer = Answer::Raw(json(r#"{ "choices" : [] }"#)).into_response(&request(Chat, "{}"), "r1", 0);
    assert_eq!(answer.document().as_str(), r#"{ "choices" : [] }"#);
}

/// Puts an answer's stream together again.
fn reassembled(answer: &LlmResponse) -> LlmResponse {
    let mut assembly = StreamAssembly::new(answer.kind(), true, 1 << 20);
    for (document, index) in answer.to_chunks(true).into_iter().zip(0..) {
        let mut chunk = LlmChunk::new(answer.kind(), index, document.clone());
        assembly.sent_by_upstream(&chunk);
        assembly.going_out(&mut chunk).unwrap();
        assert_eq!(chunk.document().as_str(), document.as_str());
    }
    assembly.finish(None, 0).unwrap()
}

#[test]
fn an_answer_that_is_streamed_and_put_together_again_says_the_same() {
    let answers = [
        response(Chat, fixture!("chat-completions--default.response.json")),
        response(Chat, fixture!("chat-completions--functions.response.json")),
        response(
            Chat,
            r#"{"id":"c","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"length"}]}"#,
        ),
        response(TextCompletion, fixture!("completions--no-streaming.response.json")),
        response(Responses, fixture!("responses--functions.response.json")),
        response(Responses, fixture!("responses--web-search.response.json")),
        answer(Chat, completion("a")),
        answer(TextCompletion, completion("a")),
        answer(Responses, completion("a")),
    ];
    for answer in answers {
        let again = reassembled(&answer);
        assert_eq!(
            (again.id(), again.model(), again.usage()),
            (answer.id(), answer.model(), answer.usage())
        );
        for choice in 0..2 {
            // A stream of a message without text starts with an empty one.
            let text = answer.text(choice).or_else(|| {
                answer
                    .finish_reason(choice)
                    .filter(|_| answer.kind() == Chat)
                    .map(|_| String::new())
            });
            assert_eq!(
                (again.text(choice), again.finish_reason(choice)),
                (text, answer.finish_reason(choice))
            );
        }
        let calls = "/choices/0/message/tool_calls/0/function/arguments";
        let arguments = |answer: &LlmResponse| answer.get(calls).map(|arguments| arguments.as_str().to_owned());
        assert_eq!(arguments(&again), arguments(&answer));
    }
}

#[test]
fn a_chat_stream_starts_with_the_role_and_ends_with_the_reason_and_the_usage_that_was_asked_for() {
    let answer = answer(Chat, completion("hi"));
    let events = answer.to_chunks(true);
    let choice = |event: usize| events[event].pointer("/choices/0").unwrap().raw().to_owned();
    assert_eq!(
        choice(0),
        r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}"#
    );
    assert_eq!(
        choice(1),
        r#"{"index":0,"delta":{"content":"hi"},"logprobs":null,"finish_reason":null}"#
    );
    assert_eq!(
        choice(2),
        r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#
    );
    assert_eq!(events[3].pointer("/choices").unwrap().raw(), "[]");
    assert_eq!(events[3].pointer("/usage/total_tokens").unwrap().raw(), "3");
    assert_eq!(events.len(), 4);
    assert!(
        events
            .iter()
            .all(|event| event.pointer("/object").unwrap().raw() == "\"chat.completion.chunk\"")
    );
    let without = answer.to_chunks(false);
    assert!(without.len() == 3 && without.iter().all(|event| event.pointer("/usage").is_none()));
}

#[test]
fn a_responses_stream_has_the_whole_sequence_of_events() {
    let text = response(Responses, fixture!("responses--text-input.response.json"));
    let call = response(Responses, fixture!("responses--functions.response.json"));
    let kinds = |answer: &LlmResponse| -> Vec<String> {
        let events = answer.to_chunks(false);
        for (event, number) in events.iter().zip(0_u64..) {
            assert_eq!(event.pointer("/sequence_number").unwrap().as_u64(), Some(number));
        }
        let kind = |event: &crate::json::Document| event.pointer("/type").unwrap().as_str().unwrap().into_owned();
        events
            .iter()
            .map(kind)
            .map(|kind| kind.trim_start_matches("response.").to_owned())
            .collect()
    };
    let begin = ["created", "in_progress", "output_item.added"];
    let text_events = [
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
    ];
    let call_events = ["function_call_arguments.delta", "function_call_arguments.done"];
    let end = ["output_item.done", "completed"];
    assert_eq!(kinds(&text), [&begin[..], &text_events, &end].concat());
    assert_eq!(kinds(&call), [&begin[..], &call_events, &end].concat());
    let last = text.to_chunks(false).pop().unwrap();
    assert_eq!(last.pointer("/response").unwrap().raw(), text.document().root().raw());
}

#[test]
fn an_answer_of_an_odd_shape_is_one_event() {
    let answer = response(Chat, r#"{"error":{"message":"x"}}"#);
    let events = answer.to_chunks(true);
    assert_eq!(events.len(), 1);
    assert!(chunk(Chat, events[0].as_str()).error().is_some());
    for kind in [Chat, TextCompletion, Responses, Embedding] {
        for odd in [
            "null",
            "[]",
            r#"{"choices":[null,5]}"#,
            r#"{"choices":5,"output":[5,{"type":"message","content":[1]}]}"#,
        ] {
            response(kind, odd).to_chunks(true);
        }
    }
}
