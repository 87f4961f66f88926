//! Who may call: clients' keys, how often each may call, and what those without one are told.

use std::time::Instant;

use heimdall_tests::guests::{GEN3, TYPED_GUARD};
use heimdall_tests::process::Gateway;
use serde_json::json;

use crate::support::*;

const KEYS: &str = "[client_keys.team-a]\nenv = \"KEY_A\"\n[client_keys.team-b]\nenv = \"KEY_B\"\n";
const VALUES: [(&str, &str); 2] = [("KEY_A", "sk-first-key"), ("KEY_B", "sk-second-key")];

fn with_keys(more: &str) -> Gateway {
    Gateway::start_with(&format!("{KEYS}{more}"), &VALUES, &[]).unwrap()
}

/// A call of the echo's with these headers.
async fn call(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    let mut request = client().post(format!("{}/v1/chat/completions", gateway.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = chat("echo", "hi").to_string();
    Answer::of(request.body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn only_who_shows_a_key_is_answered_and_others_are_told_as_openai_tells_them() {
    let gateway = with_keys("");
    let cases: [(&[(&str, &str)], u16); 7] = [
        (&[("authorization", "Bearer sk-first-key")], 200),
        (&[("x-api-key", "sk-second-key")], 200),
        (&[("api-key", "sk-second-key")], 200),
        (&[], 401),
        (&[("authorization", "Bearer sk-wrong-key")], 401),
        (&[("authorization", "Bearer sk-first-ke")], 401),
        (&[("authorization", "Basic c2stZmlyc3Qta2V5")], 401),
    ];
    for (headers, status) in cases {
        let answer = call(&gateway, headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        if status == 401 {
            let error = &answer.json()["error"];
            assert_eq!(
                [&error["type"], &error["code"], &error["param"]],
                [&json!("invalid_request_error"), &json!("invalid_api_key"), &json!(null)]
            );
            assert!(!answer.body.contains("sk-"), "{}", answer.body);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    printed(&gateway, "client=\"team-b\"").await;
    let output = gateway.output();
    assert!(
        output.contains("client=\"team-a\"") && !output.contains("sk-"),
        "{output}"
    );
}

#[tokio::test]
async fn a_request_without_a_key_is_refused_before_its_path_and_body_are_looked_at() {
    let gateway = Gateway::start_with(&format!("max_body_mib = 1\n{KEYS}"), &VALUES, &[]).unwrap();
    for path in ["/v1/chat/completions", "/v1/models", "/nowhere"] {
        assert_eq!(post(&gateway, path, "x".repeat(2 << 20)).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn health_needs_no_key_and_details_do() {
    let plugin = plugin(TYPED_GUARD, "");
    let gateway = with_keys(&plugin);
    assert_eq!(get(&gateway, "/healthz").await.status, 200);
    let ready = get(&gateway, "/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ready"})));
    let request = client().get(format!("{}/readyz", gateway.url));
    let ready = request.bearer_auth("sk-first-key").send().await.unwrap();
    assert_eq!(Answer::of(ready).await.json()["plugins"][0]["name"], "heimdall-guard");
    let open = Gateway::start(&plugin);
    assert_eq!(
        get(&open, "/readyz").await.json()["plugins"][0]["name"],
        "heimdall-guard"
    );
}

#[tokio::test]
async fn plugins_of_both_kinds_find_the_clients_name_in_the_context() {
    let guard = plugin(TYPED_GUARD, "config = { show_context = true }");
    let gateway = with_keys(&guard);
    let answer = call(&gateway, &[("authorization", "Bearer sk-first-key")]).await;
    let keys = answer.header("x-guard-context").unwrap();
    assert!(keys.split(',').any(|key| key == "client"), "{keys}");
    // The legacy guest ends its call where its input holds the name.
    let finder = crate::hidden_headers::legacy_finder("http_pre_hook", b":\"team-a");
    let gateway = with_keys(&finder.entry("finder", ""));
    let found = call(&gateway, &[("authorization", "Bearer sk-first-key")]).await;
    let other = call(&gateway, &[("authorization", "Bearer sk-second-key")]).await;
    assert_eq!([found.status, other.status], [500, 200], "{found:?} {other:?}");
}

#[tokio::test]
async fn a_client_over_its_rate_is_told_when_to_come_again_and_others_are_not_held_up() {
    let keys = "[client_keys.team-a]\nenv = \"KEY_A\"\nrequests_per_minute = 1\nburst = 2\n\
                [client_keys.team-b]\nenv = \"KEY_B\"\n";
    let gateway = Gateway::start_with(keys, &VALUES, &[]).unwrap();
    let key = [("authorization", "Bearer sk-first-key")];
    let first = call(&gateway, &key).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("1"));
    assert_eq!(first.header("x-ratelimit-reset-requests"), Some("1m0s"));
    // However slow this machine is, the allowance is used up after some calls.
    let refused = loop {
        let answer = call(&gateway, &key).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status, 429, "{refused:?}");
    let error = &refused.json()["error"];
    assert_eq!([&error["type"], &error["code"]], ["requests", "rate_limit_exceeded"]);
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    assert_eq!(
        call(&gateway, &[("authorization", "Bearer sk-second-key")])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_clients_key_in_a_file_is_read_again_when_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "sk-before\n").unwrap();
    let gateway = Gateway::start(&format!("[client_keys.team-a]\nfile = {file:?}\n"));
    let status = async |key: &str| {
        call(&gateway, &[("authorization", &format!("Bearer {key}"))])
            .await
            .status
    };
    assert_eq!([status("sk-before").await, status("sk-afterwards").await], [200, 401]);
    std::fs::write(&file, "sk-afterwards\n").unwrap();
    let started = Instant::now();
    while status("sk-afterwards").await != 200 {
        assert!(started.elapsed() < PATIENCE, "{}", gateway.output());
    }
    assert_eq!(status("sk-before").await, 401);
}

#[test]
fn clients_that_could_not_be_told_apart_or_asked_are_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let missing = directory.path().join("missing");
    // (configuration, words)
    let cases = [
        (
            KEYS.replace("KEY_B", "KEY_A"),
            "`team-a` and `team-b` have the same key",
        ),
        (
            "[client_keys.a]\nenv = \"UNSET\"".to_owned(),
            "client `a`: the environment variable `UNSET` is not set",
        ),
        (
            format!("[client_keys.a]\nfile = {missing:?}"),
            "missing` can't be read: No such file",
        ),
        (format!("[client_keys.a]\nfile = {empty:?}"), "empty` is empty"),
        (
            format!("[client_keys.a]\nfile = {empty:?}\nenv = \"KEY_A\""),
            "stands beside `env`",
        ),
        ("[client_keys.a]".to_owned(), "one of `env` and `file` says where it is"),
        (
            "[client_keys.a]\nenv = \"KEY_A\"\nburst = 2".to_owned(),
            "without `requests_per_minute`",
        ),
        (
            "[client_keys.a]\nenv = \"KEY_A\"\nrequests_per_minute = 0".to_owned(),
            "heimdall.toml:4:23",
        ),
        (
            "[client_keys.a]\nenv = \"KEY_A\"\nrequests_per_minute = 1\nburst = 400000000".to_owned(),
            "above 1000000",
        ),
        ("write_timeout_ms = 0".to_owned(), "above 0"),
        (
            "auth = \"client_keys\"".to_owned(),
            "there are none under `client_keys`",
        ),
        (format!("auth = \"none\"\n{KEYS}"), "leave out one of the two"),
        ("max_headers = 0".to_owned(), "above 0"),
        ("max_headers = 99999".to_owned(), "10000"),
        ("max_header_kib = 1000".to_owned(), "256"),
        ("head_timeout_ms = 0".to_owned(), "above 0"),
    ];
    for (config, words) in cases {
        let refused = Gateway::start_with(&config, &VALUES, &[]).map(drop);
        let (status, output) = refused.expect_err(&config);
        assert_eq!(status, 2, "{config}: {output}");
        assert!(output.contains(words), "{config}: {words:?} is not in\n{output}");
        assert!(!output.contains("sk-"), "{output}");
    }
}

#[test]
fn an_address_that_others_can_reach_needs_keys_or_leave_also_from_the_command_line() {
    let listen = ["--listen", "0.0.0.0:0"];
    let (status, output) = Gateway::start_with("", &[], &listen).map(drop).unwrap_err();
    assert_eq!(status, 2, "{output}");
    assert!(
        output.contains("--listen") && output.contains("client_keys"),
        "{output}"
    );
}

#[tokio::test]
async fn the_clients_key_does_not_reach_the_upstream_unless_it_is_to() {
    let upstream = replay();
    let url = upstream.upstream("whole", "streams/chat-secret.json");
    for (more, expected) in [("", false), ("forward_client_key = true", true)] {
        let config = crate::support::upstream("up", &url, more);
        let gateway = with_keys(&config);
        let request = client().post(format!("{}/v1/chat/completions", gateway.url));
        let request = request.bearer_auth("sk-first-key").body(chat("up/m", "hi").to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
        assert_eq!(
            told(&upstream, "/seen").await.contains("sk-first-key"),
            expected,
            "{more}"
        );
    }
}

#[tokio::test]
async fn a_legacy_plugin_and_a_client_key_go_together() {
    let gateway = with_keys(&plugin(GEN3, ""));
    assert_eq!(call(&gateway, &[("x-api-key", "sk-first-key")]).await.status, 200);
}
