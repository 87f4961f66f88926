//! What guards make of whole answers.

use bytes::Bytes;
use heimdall_host::model::{CallKind, LlmError, LlmResponse, Upstream};

use crate::support::*;
use crate::table::{Guard, Place};

/// They spell the text, token by token.
const LOGPROBS: &str = r#"{"content":[{"token":"TOP-SECRET","logprob":-0.1}]}"#;

fn responded(body: &str) -> Upstream {
    Upstream::Response(LlmResponse::new(
        CallKind::Chat,
        Some("up".into()),
        0,
        false,
        json(body),
    ))
}

pub async fn its_post_hook_redacts_every_choice(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    proceed(&mut exchange, chat("hello")).await;
    let choice = |index: u8, text: &str| {
        format!(
            r#"{{"index":{index},"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":{LOGPROBS},"finish_reason":"stop"}}"#
        )
    };
    let body = format!(
        r#"{{"id":"c1","created":9007199254740993,"choices":[{},{}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#,
        choice(0, "it is TOP-SECRET, shh"),
        choice(1, "TOP-SECRETTOP-SECRE")
    );
    let Upstream::Response(response) = exchange.after_call(responded(&body)).await else {
        panic!("an answer went in")
    };
    let redacted = guard.redacted();
    let expected = body
        .replace(LOGPROBS, "null")
        .replace("is TOP-SECRET,", &format!("is {redacted},"))
        .replace("TOP-SECRETTOP", &format!("{redacted}TOP"));
    assert_eq!(response.document().as_str(), expected);
}

pub async fn its_post_hook_leaves_an_upstreams_error(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    proceed(&mut exchange, chat("hello")).await;
    let body = br#"{"error":{"message":"slow down","type":"rate","param":null,"code":"rl","extra":9007199254740993}}"#;
    let error = LlmError::from_upstream(429, &Bytes::from_static(body));
    let Upstream::Error(after) = exchange.after_call(Upstream::Error(error.clone())).await else {
        panic!("an error went in")
    };
    assert_eq!(after.to_json().as_str(), error.to_json().as_str());
    assert_eq!(after.status, Some(429));
}

pub async fn its_post_hook_leaves_the_arguments_of_tool_calls(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    proceed(&mut exchange, chat("hello")).await;
    let body = r#"{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"look","arguments":"{\"word\": \"TOP-SECRET\"}"}}]},"finish_reason":"tool_calls"}]}"#;
    let Upstream::Response(response) = exchange.after_call(responded(body)).await else {
        panic!("an answer went in")
    };
    assert_eq!(response.document().as_str(), body);
}

pub async fn its_post_hook_counts_the_tokens_of_every_attempt(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    // Two attempts, each with an answer of three tokens.
    for _ in 0..2 {
        proceed(&mut exchange, chat("hello")).await;
        let answered = exchange.after_call(answer("hi")).await;
        assert!(matches!(answered, Upstream::Response(_)), "{answered:?}");
    }
    let counted = exchange.context().get(&guard.key("tokens"));
    let expected = guard.writes_context().then_some("6");
    assert_eq!(counted.as_ref().map(|it| it.as_str()), expected);
}

pub async fn its_response_hook_adds_headers_and_reads_what_others_left(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, Some(r#"{"reads":"other/left"}"#)).await;
    exchange.tell("other/left", json(r#"{"a":1}"#)).unwrap();
    proceed(&mut exchange, chat("hello")).await;
    let answered = exchange.after_call(answer("hi")).await;
    assert!(matches!(answered, Upstream::Response(_)), "{answered:?}");
    let response = exchange.on_response(http_response()).await;
    assert_eq!(response.status(), 200);
    let headers = ["", "-messages", "-tokens", "-read"].map(|rest| response.header(&guard.header(rest)));
    let headers: Vec<_> = headers.iter().map(|value| value.as_deref()).collect();
    let expected = match guard.has_response_hook() {
        true => [Some(guard.mark), Some("1"), Some("3"), Some(r#"{"a":1}"#)],
        false => [None; 4],
    };
    assert_eq!(headers, expected);
}

pub async fn its_post_hook_changes_nothing_where_it_has_nothing_to_do(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    proceed(&mut exchange, chat("hello")).await;
    let odd = r#"{ "id":"c1", "created":9007199254740993,"x":{"b":[],"a":null}, "choices":[ {"message":{"content":"a\u0062\/<c>","role":"assistant","y":1.10},"index":0,"finish_reason":"stop","logprobs":{"content":[]}} ],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"z":[1e2]}}"#;
    let Upstream::Response(response) = exchange.after_call(responded(odd)).await else {
        panic!("an answer went in")
    };
    assert_eq!(response.document().as_str(), odd);
}
