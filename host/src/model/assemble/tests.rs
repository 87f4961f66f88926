use super::StreamAssembly;
use crate::json::Document;
use crate::model::CallKind::{self, Chat, Responses, TextCompletion};
use crate::model::{EditError, LlmChunk, LlmResponse};

const MAX: usize = 1 << 20;
const RESPONSES_STREAM: &str = include_str!("../../../../tests/fixtures/openai/responses--streaming.response.txt");
const CHAT_STREAM: &str = include_str!("../../../../tests/fixtures/openai/chat-completions--streaming.response.txt");

/// The JSON documents of a recorded stream, with its framing or without.
fn events(stream: &str) -> Vec<String> {
    let lines = stream.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter(|line| line.starts_with('{')).map(str::to_owned).collect()
}

fn chunk(kind: CallKind, json: &str) -> LlmChunk {
    LlmChunk::new(kind, 0, Document::parse(json.to_owned()).unwrap())
}

/// Sends events through a plugin that gives back what goes out for each.
fn pass(
    kind: CallKind,
    events: &[String],
    mut plugin: impl FnMut(LlmChunk) -> Vec<LlmChunk>,
) -> (Vec<String>, Option<LlmResponse>) {
    let mut assembly = StreamAssembly::new(kind, true, MAX);
    let mut out = Vec::new();
    for event in events {
        let chunk = chunk(kind, event);
        assembly.sent_by_upstream(&chunk);
        for mut chunk in plugin(chunk) {
            assembly.going_out(&mut chunk).unwrap();
            out.push(chunk.document().as_str().to_owned());
        }
    }
    (out, assembly.finish(Some("up".into()), 7))
}

fn delta(output: u32, content: u32, text: &str) -> String {
    format!(
        r#"{{"type":"response.output_text.delta","output_index":{output},"content_index":{content},"delta":"{text}","logprobs":[{{"token":"{text}"}}]}}"#
    )
}

/// A Responses stream of two messages, the first with two texts.
fn responses_events() -> Vec<String> {
    let part = |text: &str| format!(r#"{{"type":"output_text","text":"{text}","logprobs":[{{"token":"{text}"}}]}}"#);
    let item = |parts: &str| format!(r#"{{"type":"message","content":[{parts}]}}"#);
    let first = item(&format!("{},{}", part("ab"), part("cd")));
    let second = item(&part("ef"));
    vec![
        r#"{"type":"response.created","response":{"id":"r","output":[]}}"#.to_owned(),
        delta(0, 0, "a"),
        delta(0, 0, "b"),
        r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"ab","logprobs":[1]}"#
            .to_owned(),
        delta(0, 1, "cd"),
        format!(
            r#"{{"type":"response.content_part.done","output_index":0,"content_index":1,"part":{}}}"#,
            part("cd")
        ),
        format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{first}}}"#),
        delta(1, 0, "ef"),
        format!(r#"{{"type":"response.completed","response":{{"id":"r","output":[{first},{second}]}}}}"#),
    ]
}

#[test]
fn a_stream_that_nobody_edits_goes_out_byte_for_byte() {
    for events in [events(RESPONSES_STREAM), responses_events()] {
        let (out, _) = pass(Responses, &events, |chunk| vec![chunk]);
        assert_eq!(out, events);
    }
    let (out, _) = pass(Chat, &events(CHAT_STREAM), |chunk| vec![chunk]);
    assert_eq!(out, events(CHAT_STREAM));
}

#[test]
fn every_repeat_of_an_edited_text_is_rewritten_from_what_went_out() {
    let (out, answer) = pass(Responses, &events(RESPONSES_STREAM), |mut chunk| {
        if let Some(text) = chunk.text() {
            chunk.set_text(&text.replace("Hi", "Servus")).unwrap();
        }
        vec![chunk]
    });
    assert!(out.iter().all(|event| !event.contains("Hi there!")));
    assert_eq!(
        out.iter().filter(|event| event.contains(r#""text":"Servus""#)).count(),
        4
    );
    let answer = answer.unwrap();
    assert_eq!(answer.text(0).as_deref(), Some("Servus"));
    assert_eq!(answer.usage().unwrap().total_tokens, 48);
    assert!(answer.streamed());
    assert_eq!(answer.provider(), Some("up"));
}

#[test]
fn only_the_texts_that_were_edited_are_rewritten() {
    let upstream = responses_events();
    let (out, _) = pass(Responses, &upstream, |mut chunk| {
        if chunk.text().as_deref() == Some("cd") {
            chunk.set_text("X").unwrap();
        }
        vec![chunk]
    });
    assert_eq!(out[..4], upstream[..4]);
    assert_eq!(
        out[4],
        delta(0, 1, "cd")
            .replace("\"delta\":\"cd\"", "\"delta\":\"X\"")
            .replace(r#"[{"token":"cd"}]"#, "[]")
    );
    for event in [5, 6, 8] {
        assert_eq!(
            out[event],
            upstream[event].replace(
                r#""text":"cd","logprobs":[{"token":"cd"}]"#,
                r#""text":"X","logprobs":[]"#
            )
        );
    }
    assert_eq!(out[7], upstream[7]);
}

#[test]
fn text_that_only_goes_out_in_other_pieces_counts_as_unedited() {
    let upstream = responses_events();
    let mut held = String::new();
    let (out, _) = pass(Responses, &upstream, |mut chunk| match chunk.text() {
        Some(text) if text == "a" => {
            held = text;
            vec![]
        }
        Some(text) if text == "b" => {
            chunk.set_text(&format!("{held}{text}")).unwrap();
            vec![chunk]
        }
        _ => vec![chunk],
    });
    assert_eq!(out[2..], upstream[3..]);
}

#[test]
fn dropped_deltas_are_missing_from_the_repeats() {
    let (out, answer) = pass(Responses, &responses_events(), |chunk| match chunk.text() {
        Some(text) if text != "b" => vec![],
        _ => vec![chunk],
    });
    assert!(
        out.iter()
            .all(|event| !event.contains("cd") && !event.contains("ef") && !event.contains("ab"))
    );
    assert_eq!(answer.unwrap().text(0).as_deref(), Some("b"));
}

#[test]
fn chunks_in_place_of_another_count_as_what_went_out() {
    let (out, answer) = pass(Responses, &responses_events(), |chunk| {
        if chunk.finish_reason().is_none() && chunk.document().as_str().contains("response.output_item.done") {
            let extra = Document::parse(delta(0, 1, "!")).unwrap();
            return vec![chunk.instead(extra), chunk];
        }
        vec![chunk]
    });
    assert!(out[7].contains(r#""text":"cd!""#), "{}", out[7]);
    assert!(out.last().unwrap().contains(r#""text":"cd!""#));
    assert_eq!(answer.unwrap().text(0).as_deref(), Some("abcd!ef"));
}

#[test]
fn an_edited_text_that_is_too_long_to_be_held_is_not_repeated() {
    let mut assembly = StreamAssembly::new(Responses, true, 1);
    let upstream = chunk(Responses, &delta(0, 0, "secret"));
    assembly.sent_by_upstream(&upstream);
    let mut edited = upstream;
    edited.set_text("public").unwrap();
    assembly.going_out(&mut edited).unwrap();
    let mut done = chunk(Responses, r#"{"type":"response.output_text.done","text":"secret"}"#);
    assert_eq!(assembly.going_out(&mut done), Err(EditError::TooLarge(1)));
    assert!(assembly.finish(None, 0).is_none());
}

#[test]
fn a_long_text_that_nobody_edits_still_passes() {
    let mut assembly = StreamAssembly::new(Responses, true, 4);
    for _ in 0..2 {
        let mut upstream = chunk(Responses, &delta(0, 0, "long"));
        assembly.sent_by_upstream(&upstream);
        assembly.going_out(&mut upstream).unwrap();
    }
    let repeat = r#"{"type":"response.output_text.done","text":"longlong"}"#;
    let mut done = chunk(Responses, repeat);
    assembly.going_out(&mut done).unwrap();
    assert_eq!(done.document().as_str(), repeat);
}

#[test]
fn a_responses_stream_that_broke_off_gives_the_text_that_was_sent() {
    let (_, answer) = pass(Responses, &responses_events()[..5], |chunk| vec![chunk]);
    let answer = answer.unwrap();
    assert_eq!(answer.id().as_deref(), Some("r"));
    assert_eq!(answer.text(0).as_deref(), Some("abcd"));
    assert_eq!(answer.finish_reason(0).as_deref(), Some("incomplete"));
}

fn strings(events: &[&str]) -> Vec<String> {
    events.iter().map(|&event| event.to_owned()).collect()
}

#[test]
fn a_chat_stream_is_put_together_with_all_its_choices() {
    let stream = strings(&[
        r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":1,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":1,"id":"t1","type":"function","function":{"name":"g","arguments":""}}]}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t0","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"arguments":"{}"}}]}}]}"#,
        r#"{"id":"c","choices":[{"index":1,"delta":{"content":"Hel","reasoning_content":"x"},"logprobs":{"content":[{"token":"Hel"}]}}]}"#,
        r#"{"id":"c","choices":[{"index":1,"delta":{"content":"lo","reasoning_content":"y","refusal":"no"},"logprobs":{"content":[{"token":"lo"}]}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"id":"c","choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
    ]);
    let (_, answer) = pass(Chat, &stream, |chunk| vec![chunk]);
    assert_eq!(
        answer.unwrap().document().as_str(),
        concat!(
            r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":["#,
            r#"{"index":0,"message":{"content":null,"role":"assistant","tool_calls":["#,
            r#"{"function":{"arguments":"{\"a\":1}","name":"f"},"id":"t0","type":"function"},"#,
            r#"{"function":{"arguments":"{}","name":"g"},"id":"t1","type":"function"}]},"logprobs":null,"finish_reason":"tool_calls"},"#,
            r#"{"index":1,"message":{"content":"Hello","reasoning_content":"xy","refusal":"no","role":"assistant"},"#,
            r#""logprobs":{"content":[{"token":"Hel"},{"token":"lo"}]},"finish_reason":"stop"}],"#,
            r#""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        )
    );
}

#[test]
fn the_answer_holds_the_text_that_went_out() {
    let (_, answer) = pass(Chat, &events(CHAT_STREAM), |mut chunk| {
        if chunk.text().as_deref() == Some("Hello") {
            chunk.set_text("Servus").unwrap();
        }
        vec![chunk]
    });
    let answer = answer.unwrap();
    assert_eq!(answer.text(0).as_deref(), Some("Servus"));
    assert_eq!(answer.finish_reason(0).as_deref(), Some("stop"));
    assert_eq!(answer.id().as_deref(), Some("chatcmpl-123"));
    assert_eq!(answer.get("/system_fingerprint").unwrap().as_str(), "\"fp_44709d6fcb\"");
}

#[test]
fn a_completion_stream_is_put_together() {
    let stream = strings(&[
        r#"{"id":"c","object":"text_completion","model":"m","choices":[{"text":"This ","index":0,"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"c","object":"text_completion","model":"m","choices":[{"text":"is","index":0,"finish_reason":"length"}]}"#,
    ]);
    let (_, answer) = pass(TextCompletion, &stream, |chunk| vec![chunk]);
    let answer = answer.unwrap();
    assert_eq!(answer.text(0).as_deref(), Some("This is"));
    assert_eq!(answer.finish_reason(0).as_deref(), Some("length"));
}

#[test]
fn an_answer_is_put_together_only_if_it_is_wanted_and_fits_and_was_sent() {
    let event = r#"{"choices":[{"index":0,"delta":{"content":"hello"}}]}"#;
    for (collect, max_bytes, events, found) in [
        (true, MAX, vec![event], true),
        (false, MAX, vec![event], false),
        (true, 3, vec![event], false),
        (true, MAX, vec![], false),
    ] {
        let mut assembly = StreamAssembly::new(Chat, collect, max_bytes);
        for event in events {
            assembly.going_out(&mut chunk(Chat, event)).unwrap();
        }
        assert_eq!(assembly.finish(None, 0).is_some(), found, "{collect} {max_bytes}");
    }
}

#[test]
fn events_of_odd_shapes_are_let_through() {
    for kind in [Chat, TextCompletion, Responses] {
        let odd = strings(&[
            "null",
            "[]",
            "5",
            "{}",
            r#"{"choices":null}"#,
            r#"{"choices":[null,5,[]]}"#,
            r#"{"choices":[{"index":0,"delta":5},{"index":0,"delta":{"tool_calls":[5,{"index":"x"}]}}]}"#,
            r#"{"type":"response.completed","response":5}"#,
            r#"{"type":"response.completed","response":{"output":[{"content":5},{"type":"message","content":[5]}]}}"#,
            r#"{"type":"response.output_item.done"}"#,
            r#"{"error":"x"}"#,
        ]);
        let (out, _) = pass(kind, &odd, |chunk| vec![chunk]);
        assert_eq!(out, odd);
    }
}
