//! Streams of a recorded upstream: cut anywhere, broken off, hanging, endless.

use futures_util::StreamExt;
use heimdall_tests::guests::{GEN1, GEN3, TYPED_GUARD};
use heimdall_tests::process::Gateway;
use serde_json::{Value, json};

use crate::servers::{http, scripted, unhurried};
use crate::support::{upstream as configured, *};

#[tokio::test]
async fn a_stream_without_stream_hooks_passes_event_by_event() {
    let upstream = replay();
    let gateway = Gateway::start(&configured("mill", &upstream.upstream("whole", "streams/chat.sse"), ""));
    let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
    assert_eq!(answer.events(), events(&fixture("streams/chat.sse")));
}

/// What a client sees of a stream whose bytes come in two pieces must not depend on where they are cut.
async fn the_same_wherever_it_is_cut(path: &str, body: Value, recorded: &str, plugins: &str) {
    let upstream = replay();
    let base = upstream.upstream("every-1", recorded);
    let gateway = Gateway::start(&format!("{}{plugins}", configured("mill", &base, "")));
    let expected = post(&gateway, path, &body).await.events();
    assert!(!expected.is_empty());
    let whole = fixture(recorded).len();
    // One gateway with an upstream for every place to cut.
    let cut = |at| {
        configured(
            &format!("u{at}"),
            &upstream.upstream(&format!("split-{at}"), recorded),
            "",
        )
    };
    let config: String = (0..=whole).map(cut).collect();
    let gateway = Gateway::start(&format!("default_upstream = \"u0\"\n{config}{plugins}"));
    for at in 0..=whole {
        let mut body = body.clone();
        body["model"] = format!("u{at}/m").into();
        let answer = post(&gateway, path, &body).await;
        assert_eq!(answer.events(), expected, "cut at {at}");
    }
}

#[tokio::test]
async fn a_chat_stream_is_the_same_wherever_its_bytes_are_cut() {
    let plugins = plugin(TYPED_GUARD, "");
    the_same_wherever_it_is_cut(
        "/v1/chat/completions",
        streamed("m", "hi"),
        "streams/chat-secret.sse",
        &plugins,
    )
    .await;
}

#[tokio::test]
async fn a_responses_stream_is_the_same_wherever_its_bytes_are_cut() {
    let body = json!({"model": "m", "input": "hi", "stream": true});
    the_same_wherever_it_is_cut(
        "/v1/responses",
        body,
        "streams/responses-secret.sse",
        &plugin(TYPED_GUARD, ""),
    )
    .await;
}

#[tokio::test]
async fn a_completion_stream_is_the_same_wherever_its_bytes_are_cut() {
    let body = json!({"model": "m", "prompt": "hi", "stream": true});
    the_same_wherever_it_is_cut("/v1/completions", body, "streams/completions.sse", "").await;
}

#[tokio::test]
async fn secrets_that_are_split_over_chunks_and_choices_are_redacted() {
    let upstream = replay();
    let base = configured("mill", &upstream.upstream("whole", "streams/chat-secret.sse"), "");
    let gateway = Gateway::start(&format!("{base}{}", plugin(TYPED_GUARD, "")));
    let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
    assert_eq!(
        texts(&answer),
        ["The code is [redacted], keep it", "It is [redacted], ok"]
    );
}

#[tokio::test]
async fn a_recorded_responses_stream_is_redacted_in_its_repeats_too() {
    let upstream = replay();
    let base = configured("mill", &upstream.upstream("whole", "streams/responses-secret.sse"), "");
    let gateway = Gateway::start(&format!("{base}{}", plugin(TYPED_GUARD, "")));
    let answer = post(
        &gateway,
        "/v1/responses",
        json!({"model": "m", "input": "x", "stream": true}),
    )
    .await;
    assert!(!answer.body.contains("TOP-SECRET"), "{}", answer.body);
    let last: Value = serde_json::from_str(answer.events().last().unwrap()).unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(
        last["response"]["output"][0]["content"][0]["text"],
        "The code is [redacted], keep it"
    );
}

#[tokio::test]
async fn a_responses_stream_that_nobody_changes_passes_byte_for_byte() {
    let upstream = replay();
    let base = configured("mill", &upstream.upstream("whole", "streams/responses.sse"), "");
    let gateway = Gateway::start(&format!("{base}{}{}", plugin(TYPED_GUARD, ""), plugin(GEN3, "")));
    let answer = post(
        &gateway,
        "/v1/responses",
        json!({"model": "m", "input": "x", "stream": true}),
    )
    .await;
    let expected = fixture("streams/responses.sse");
    assert_eq!(answer.events(), events(&expected));
    let names = |body: &str| {
        body.lines()
            .filter(|line| line.starts_with("event: "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&answer.body), names(&expected));
}

#[tokio::test]
async fn a_generation_1_post_hook_redacts_each_chunk() {
    let upstream = replay();
    let base = configured("mill", &upstream.upstream("whole", "streams/chat.sse"), "");
    let gateway = Gateway::start(&format!(
        "{base}{}",
        plugin(GEN1, "config = { secrets = [\"assist\"] }")
    ));
    let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
    assert_eq!(texts(&answer), ["Hello! How can I [gen1 redacted] you today?"]);
}

#[tokio::test]
async fn an_upstream_that_breaks_off_ends_the_stream_with_an_error_event() {
    let upstream = replay();
    let recorded = "streams/chat.sse";
    let broken = configured("mill", &upstream.upstream("break-700", recorded), "");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&format!("{broken}{plugins}"));
        let events = post(&gateway, "/v1/chat/completions", streamed("m", "hi"))
            .await
            .events();
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        let message = last["error"]["message"].as_str().unwrap_or_else(|| panic!("{last}"));
        assert!(message.contains("The upstream `mill` broke off"), "{message}");
        assert_eq!(last["error"]["code"], "upstream_broke_off");
        assert!(!events.contains(&"[DONE]".to_owned()));
    }
}

#[tokio::test]
async fn an_upstream_that_falls_silent_in_mid_stream_ends_with_an_error_event() {
    let upstream = replay();
    let base = upstream.upstream("hang-700", "streams/chat.sse");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let configured = configured("mill", &base, "idle_timeout_ms = 200");
        let gateway = Gateway::start(&format!("{configured}{plugins}"));
        let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
        let events = answer.events();
        assert!(events.len() > 1, "{events:?}");
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert_eq!(last["error"]["code"], "upstream_timeout", "{last}");
        assert_eq!(
            last["error"]["message"],
            "The upstream `mill` sent nothing for 200ms in the middle of its answer."
        );
    }
}

#[tokio::test]
async fn an_error_before_done_is_the_last_that_the_client_sees_and_is_logged() {
    let chunk = r#"{"id":"1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#;
    let error = r#"{"error":{"message":"overloaded","type":"server_error"}}"#;
    let body = [chunk, error, "[DONE]"]
        .map(|data| format!("data: {data}\n\n"))
        .concat();
    let server = scripted(move |_| http(200, "content-type: text/event-stream\r\n", &body)).await;
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&format!("{}{plugins}", configured("mill", &server.url(), "")));
        let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
        assert_eq!(answer.events(), [chunk, error], "{plugins}");
        printed(&gateway, "error=\"the upstream `mill` ended the stream with an error\"").await;
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_stream_whose_end_comes_after_done() {
    let upstream = unhurried("text/event-stream", fixture("streams/chat.sse")).await;
    let gateway = Gateway::start(&configured("mill", &upstream.server.url(), ""));
    let started = std::time::Instant::now();
    loop {
        let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
        assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
        // Its client has had all of it for a while when the answer ends.
        for _ in 0..20 {
            assert_eq!(get(&gateway, "/healthz").await.status, 200);
        }
        upstream.end_one();
        let connections = upstream.connections();
        if connections.iter().any(|requests| *requests > 1) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{connections:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstreams_call() {
    let upstream = replay();
    let base = upstream.upstream("endless", "streams/chat.sse");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&format!("{}{plugins}", configured("mill", &base, "")));
        let body = streamed("m", "hi").to_string();
        let response = client()
            .post(format!("{}/v1/chat/completions", gateway.url))
            .body(body)
            .send()
            .await
            .unwrap();
        let mut pieces = response.bytes_stream();
        assert!(pieces.next().await.unwrap().is_ok());
        drop(pieces);
        eventually(&upstream, "/open", "0").await;
        assert_eq!(get(&gateway, "/healthz").await.status, 200);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_upstream_back() {
    let upstream = replay();
    let base = upstream.upstream("endless", "streams/chat.sse");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&format!("{}{plugins}", configured("mill", &base, "")));
        let body = streamed("m", "hi").to_string();
        let response = client()
            .post(format!("{}/v1/chat/completions", gateway.url))
            .body(body)
            .send()
            .await
            .unwrap();
        comes_to_rest(&upstream, &gateway).await;
        drop(response);
        eventually(&upstream, "/open", "0").await;
    }
}
