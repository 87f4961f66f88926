//! What is tried when an upstream fails: retries there, then the fallbacks.

use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::{Gateway, Replay};

use crate::servers::{json, scripted};
use crate::support::*;
use crate::wat::{GuestFile, packed};

const ANSWER: &str = "streams/chat-secret.json";

/// An upstream that behaves like this and falls back to the echo.
fn broken(replay: &Replay, behaviour: &str, recorded: &str, more: &str) -> String {
    let more = format!("fallbacks = [\"well\"]\n{}{more}", patience(behaviour));
    upstream("ill", &replay.upstream(behaviour, recorded), &more) + &echo("well")
}

/// Only an upstream that falls silent is to be found silent, however slow this machine is.
fn patience(behaviour: &str) -> &'static str {
    match behaviour.starts_with("hang") {
        true => "first_byte_timeout_ms = 300\nidle_timeout_ms = 300\n",
        false => "",
    }
}

#[tokio::test]
async fn what_the_request_is_to_blame_for_is_not_tried_elsewhere_and_all_else_is() {
    let page = "streams/page.html";
    // (behaviour, recorded bytes, attempts with one retry, whether another upstream is asked)
    let cases = [
        ("status-400", ANSWER, 1, false),
        ("status-413", ANSWER, 1, false),
        ("status-422", ANSWER, 1, false),
        ("status-401", ANSWER, 1, true),
        ("status-402", ANSWER, 1, true),
        ("status-403", ANSWER, 1, true),
        ("status-404", ANSWER, 1, true),
        ("status-501", ANSWER, 1, true),
        ("status-505", ANSWER, 1, true),
        ("status-302", ANSWER, 1, true),
        ("status-408", ANSWER, 2, true),
        ("status-409", ANSWER, 2, true),
        ("status-429", ANSWER, 2, true),
        ("status-500", ANSWER, 2, true),
        ("status-503", ANSWER, 2, true),
        ("close", ANSWER, 2, true),
        ("hang", ANSWER, 1, true),
        ("hang-20", ANSWER, 1, true),
        ("break-20", ANSWER, 1, true),
        ("first-20", ANSWER, 1, true),
        ("whole", page, 1, true),
    ];
    let replay = replay();
    let mut config = echo("well");
    for (index, (behaviour, recorded, ..)) in cases.iter().enumerate() {
        let more = format!(
            "fallbacks = [\"well\"]\nretries = 1\nretry_backoff_ms = 1\n{}",
            patience(behaviour)
        );
        config += &upstream(&format!("ill-{index}"), &replay.upstream(behaviour, recorded), &more);
    }
    let gateway = Gateway::start(&config);
    for (index, (behaviour, recorded, attempts, falls_back)) in cases.into_iter().enumerate() {
        let ill = format!("ill-{index}");
        let model = format!("{ill}/m");
        for (body, is_stream) in [(chat(&model, "hi"), false), (streamed(&model, "hi"), true)] {
            let case = format!("{behaviour} {recorded} {body}");
            let answer = post(&gateway, "/v1/chat/completions", body).await;
            let (who, number) = answered_by(&answer);
            if !falls_back {
                assert_eq!(answer.status.to_string(), behaviour.replace("status-", ""), "{case}");
                assert_eq!((who, number), (ill.as_str(), "1"), "{case}");
                continue;
            }
            assert_eq!(answer.status, 200, "{case}: {answer:?}");
            assert_eq!((who, number), ("well", (attempts + 1).to_string().as_str()), "{case}");
            if is_stream {
                assert_eq!(texts(&answer), ["echo: hi"], "{case}");
            } else {
                assert_eq!(answer.json()["choices"][0]["message"]["content"], "echo: hi", "{case}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_with_a_status_of_success_is_an_error() {
    // (the answer, attempts with one retry, whether it is none)
    let cases = [
        (r#"{"error":{"message":"overloaded","type":"server_error"}}"#, "3", true),
        (r#"{"choices":null,"error":"overloaded"}"#, "3", true),
        (
            r#"{"error":{"message":"no","type":"invalid_request_error"}}"#,
            "2",
            true,
        ),
        (r#"{"error":null,"id":"1"}"#, "1", false),
        (r#"{"error":"","id":"1"}"#, "1", false),
        (r#"{"error":false,"id":"1"}"#, "1", false),
        (r#"{"choices":[],"error":{"message":"late"}}"#, "1", false),
        (r#"{"error":{"message":"failed"},"output":[]}"#, "1", false),
        (r#"{"data":[],"error":{"message":"late"}}"#, "1", false),
    ];
    for (body, attempts, is_error) in cases {
        let server = scripted(move |_| json(200, body)).await;
        let settings = "retries = 1\nretry_backoff_ms = 1\n";
        let alone = Gateway::start(&upstream("ill", &server.url(), settings));
        let answer = post(&alone, "/v1/chat/completions", chat("ill/m", "hi")).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (if is_error { 502 } else { 200 }, body)
        );
        let settings = format!("{settings}fallbacks = [\"well\"]");
        let gateway = Gateway::start(&(upstream("ill", &server.url(), &settings) + &echo("well")));
        let answer = post(&gateway, "/v1/chat/completions", chat("ill/m", "hi")).await;
        let who = if is_error { "well" } else { "ill" };
        assert_eq!(
            (answer.status, answered_by(&answer)),
            (200, (who, attempts)),
            "{body}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_tried_again_and_then_another_one() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let more = "retries = 2\nretry_backoff_ms = 1\nfallbacks = [\"well\"]";
    let gateway = Gateway::start(&(upstream("ill", &format!("http://{free}/v1"), more) + &echo("well")));
    let answer = post(&gateway, "/v1/chat/completions", chat("ill/m", "hi")).await;
    assert_eq!(
        (answer.status, answered_by(&answer)),
        (200, ("well", "4")),
        "{answer:?}"
    );
    printed(&gateway, "upstream=\"well\" attempts=4").await;
}

#[tokio::test]
async fn every_kind_of_call_falls_back() {
    let replay = replay();
    let gateway = Gateway::start(&broken(&replay, "status-503", ANSWER, ""));
    let calls = [
        (
            "/v1/chat/completions",
            r#"{"model":"ill/m","messages":[{"role":"user","content":"hi"}]}"#,
        ),
        ("/v1/completions", r#"{"model":"ill/m","prompt":"hi"}"#),
        ("/v1/responses", r#"{"model":"ill/m","input":"hi"}"#),
        ("/v1/embeddings", r#"{"model":"ill/m","input":"hi"}"#),
    ];
    for (path, body) in calls {
        for body in [body.to_owned(), body.replace("{\"model", "{\"stream\":true,\"model")] {
            let answer = post(&gateway, path, &body).await;
            assert_eq!(
                (answer.status, answered_by(&answer)),
                (200, ("well", "2")),
                "{path} {body}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_before_its_first_event_falls_back_and_one_that_fails_later_ends_with_an_error() {
    let replay = replay();
    // (behaviour, recorded bytes, whether the client sees the other upstream's stream)
    let cases = [
        ("hang-0", "streams/chat.sse", true),
        ("break-0", "streams/chat.sse", true),
        ("first-0", "streams/chat.sse", true),
        ("repeat-200", "event", true),
        ("break-700", "streams/chat.sse", false),
        ("hang-700", "streams/chat.sse", false),
    ];
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        for (behaviour, recorded, falls_back) in cases {
            let case = format!("{behaviour}, plugins: {plugins}");
            let gateway = Gateway::start(&(broken(&replay, behaviour, recorded, "") + &plugins));
            let answer = post(&gateway, "/v1/chat/completions", streamed("ill/m", "hi")).await;
            assert_eq!(answer.status, 200, "{case}: {answer:?}");
            if falls_back {
                assert_eq!(answered_by(&answer), ("well", "2"), "{case}");
                assert_eq!(texts(&answer), ["echo: hi"], "{case}");
                assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"), "{case}");
            } else {
                assert_eq!(answered_by(&answer), ("ill", "1"), "{case}");
                assert!(
                    answer.events().last().unwrap().contains("\"error\""),
                    "{case}: {answer:?}"
                );
                assert!(!answer.body.contains("echo: hi"), "{case}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn fallbacks_are_tried_in_order_each_with_its_own_and_the_last_answer_is_the_clients() {
    let replay = replay();
    let ill = |name: &str, status: &str, fallbacks: &str| {
        let url = replay.upstream(&format!("status-{status}"), ANSWER);
        upstream(name, &url, &format!("fallbacks = {fallbacks}"))
    };
    let config = ill("a", "503", "[\"b/other\", \"c\"]") + &ill("b", "500", "[\"d\"]") + &ill("c", "403", "[]");
    let gateway = Gateway::start(&(config + &ill("d", "404", "[]")));
    let answer = post(&gateway, "/v1/chat/completions", chat("a/m", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (403, ("c", "4")), "{answer:?}");
    // What was asked where, in order.
    for words in [
        "upstream=\"a\" attempt=0",
        "upstream=\"b\" attempt=1",
        "upstream=\"d\" attempt=2",
        "model=\"m\" upstream=\"c\" attempts=4",
    ] {
        printed(&gateway, words).await;
    }
}

#[tokio::test]
async fn an_upstreams_wish_for_a_pause_is_kept_or_another_one_is_asked_at_once() {
    let replay = replay();
    // (the wish, attempts, how the pause before the second one begins: after the wish comes a back-off of 1 or 2 ms)
    for (seconds, attempts, pause) in [("1", "3", "1.00"), ("3600", "2", "0ns")] {
        let url = replay.upstream("later", &format!("{ANSWER}/{seconds}"));
        let more = "retries = 1\nretry_backoff_ms = 1\nfallbacks = [\"well\"]";
        let gateway = Gateway::start(&(upstream("ill", &url, more) + &echo("well")));
        let answer = post(&gateway, "/v1/chat/completions", chat("ill/m", "hi")).await;
        assert_eq!(
            (answer.status, answered_by(&answer)),
            (200, ("well", attempts)),
            "{answer:?}"
        );
        printed(&gateway, "answered request_id=").await;
        let output = gateway.output();
        let mut failures = output.lines().filter(|line| line.contains("an attempt failed"));
        let first = failures.next().unwrap();
        assert!(first.contains(&format!(" pause={pause}")), "{first}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_a_pause_ends_the_call() {
    let replay = replay();
    let url = replay.upstream("status-503", ANSWER);
    let gateway = Gateway::start(&upstream("ill", &url, "retries = 20\nretry_backoff_ms = 8000"));
    let request = client()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .body(chat("ill/m", "hi").to_string());
    let call = tokio::spawn(request.send());
    printed(&gateway, "an attempt failed, and another one follows").await;
    call.abort();
    printed(&gateway, "the client left").await;
    assert_eq!(
        gateway.output().matches("an attempt failed").count(),
        1,
        "{}",
        gateway.output()
    );
}

#[tokio::test]
async fn all_attempts_together_take_no_longer_than_the_first_upstream_may() {
    let replay = replay();
    let slow = |name: &str| upstream(name, &replay.upstream("hang", ANSWER), "");
    // The first fails without leaving the gateway, so that all of the time is the second one's.
    let first = echo("a") + "total_timeout_ms = 1000\nfallbacks = [\"b\", \"c\"]\n";
    let gateway = Gateway::start(&(first + &slow("b") + &slow("c")));
    let answer = post(&gateway, "/v1/chat/completions", chat("a/echo-error-503", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (504, ("b", "2")), "{answer:?}");
    assert!(
        answer.error().contains("within the 1s that all attempts"),
        "{}",
        answer.error()
    );
}

#[tokio::test]
async fn each_attempt_passes_the_plugins_anew_with_its_number_and_the_context_stays() {
    let replay = replay();
    let config = broken(&replay, "status-503", ANSWER, "retries = 1\nretry_backoff_ms = 1");
    let gateway = Gateway::start(&(config + &plugin(TYPED_GUARD, "")));
    let answer = post(&gateway, "/v1/chat/completions", chat("ill/echo-request", "hi")).await;
    assert_eq!(
        (answer.status, answered_by(&answer)),
        (200, ("well", "3")),
        "{answer:?}"
    );
    // One system message of the guard's: each attempt began from the client's request.
    let sent = answer.json()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(sent.matches("\"system\"").count(), 1, "{sent}");
}

#[tokio::test]
async fn a_plugins_failure_is_not_tried_elsewhere() {
    let replay = replay();
    let thorn = GuestFile::new("thorn.wasm", packed("unreachable", ""));
    let gateway = Gateway::start(&(broken(&replay, "whole", ANSWER, "retries = 1") + &thorn.entry("thorn", "")));
    let answer = post(&gateway, "/v1/chat/completions", chat("ill/m", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (500, ("", "1")), "{answer:?}");
}

#[tokio::test]
async fn an_upstream_with_all_the_requests_that_it_may_have_is_not_waited_for() {
    let replay = replay();
    let hung = replay.upstream("hang", ANSWER);
    let narrow = |name: &str, more: &str| upstream(name, &hung, &format!("max_requests = 1\n{more}"));
    let config = narrow("full", "") + &narrow("replaced", "fallbacks = [\"well\"]\n") + &echo("well");
    let gateway = Gateway::start(&config);
    for name in ["full", "replaced"] {
        let url = format!("{}/v1/chat/completions", gateway.url);
        let body = chat(&format!("{name}/m"), "the first").to_string();
        let first = client().post(url).header("content-type", "application/json").body(body);
        let first = tokio::spawn(first.send());
        eventually(&replay, "/open", "1").await;

        let second = post(
            &gateway,
            "/v1/chat/completions",
            chat(&format!("{name}/m"), "the second"),
        )
        .await;
        if name == "full" {
            assert_eq!(
                (second.status, second.header("retry-after")),
                (503, Some("1")),
                "{second:?}"
            );
            assert_eq!(second.json()["error"]["code"], "upstream_busy");
            let says = second.json()["error"]["message"].to_string();
            assert!(says.contains("The upstream `full` has 1 requests under way"), "{says}");
        } else {
            assert_eq!(
                (second.status, answered_by(&second)),
                (200, ("well", "2")),
                "{second:?}"
            );
        }

        first.abort();
        eventually(&replay, "/open", "0").await;
    }
}
