//! The admin interface: what it tells and does, and to whom.

use std::cell::Cell;

use heimdall_tests::guests::{GEN3, TYPED_TAG};
use heimdall_tests::process::Gateway;
use reqwest::Method;
use serde_json::{Value, json};

use crate::frames::*;
use crate::support::*;

const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";

/// Asks the admin interface.
async fn ask(gateway: &Gateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = format!("{}{path}", gateway.admin_url());
    let mut request = client().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn told(gateway: &Gateway, path: &str) -> Value {
    let answer = ask(gateway, Method::GET, path, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn it_tells_what_each_plugin_is_and_did() {
    let gateway = Gateway::start(&format!("{ADMIN}{}{}", plugin(TYPED_TAG, ""), plugin(GEN3, "")));
    for _ in 0..3 {
        post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    }
    let plugins = told(&gateway, "/plugins").await;
    let names: Vec<&Value> = plugins["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, [TYPED_TAG.name, GEN3.name]);
    let tag = told(&gateway, &format!("/plugins/{}", TYPED_TAG.name)).await;
    for (pointer, expected) in [
        ("/state", json!("serving")),
        ("/kind", json!("typed component")),
        ("/calls/before-call/total", json!(3)),
        ("/calls/before-call/outcomes/proceeded", json!(3)),
        ("/breaker/failures_in_a_row", json!(0)),
        ("/instances/busy", json!(0)),
    ] {
        assert_eq!(tag.pointer(pointer), Some(&expected), "{pointer} of {tag}");
    }
    assert_eq!(tag["sha256"].as_str().unwrap().len(), 64);
    assert!(tag["memory_bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_plugin_that_is_disabled_is_passed_by_until_it_is_enabled_also_after_a_reload() {
    let config = |tag: &str| format!("{ADMIN}{}", plugin(TYPED_TAG, &format!("config = {{ tag = {tag:?} }}")));
    let gateway = Gateway::start(&config("one"));
    let says = async || post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await.body;
    let turn = async |to: &str| {
        ask(
            &gateway,
            Method::POST,
            &format!("/plugins/{}/{to}", TYPED_TAG.name),
            &[],
        )
        .await
        .json()
    };
    assert!(says().await.contains("[tag:one]"));
    assert_eq!(turn("disable").await["state"], "disabled");
    assert!(!says().await.contains("[tag:"));
    gateway.reconfigure(&config("two"));
    assert_eq!(ask(&gateway, Method::POST, "/reload", &[]).await.status, 200);
    assert!(!says().await.contains("[tag:"));
    assert_eq!(turn("enable").await["state"], "serving");
    assert!(says().await.contains("[tag:two]"));
    let unknown = ask(&gateway, Method::POST, "/plugins/nobody/disable", &[]).await;
    assert_eq!((unknown.status, unknown.error().contains("nobody")), (404, true));
}

#[tokio::test]
async fn a_plugin_that_is_disabled_stays_so_where_its_file_has_another_name() {
    let config = |file: &str| format!("{ADMIN}[[plugins]]\npath = {file:?}\nconfig = {{ tag = \"it\" }}\n");
    let directory = tempfile::tempdir().unwrap();
    for file in ["tag-1.wasm", "tag-2.wasm"] {
        std::fs::copy(TYPED_TAG.path(), directory.path().join(file)).unwrap();
    }
    let configuration = format!("listen = \"127.0.0.1:0\"\n{}", config("tag-1.wasm"));
    std::fs::write(directory.path().join("heimdall.toml"), configuration).unwrap();
    let gateway = Gateway::start_in(directory, &[], &[]).unwrap_or_else(|it| panic!("{it:?}"));
    let name = told(&gateway, "/plugins").await["plugins"][0]["name"].clone();
    let disable = format!("/plugins/{}/disable", name.as_str().unwrap());
    assert_eq!(ask(&gateway, Method::POST, &disable, &[]).await.status, 200);
    gateway.reconfigure(&config("tag-2.wasm"));
    assert_eq!(ask(&gateway, Method::POST, "/reload", &[]).await.status, 200);
    let plugin = told(&gateway, "/plugins").await["plugins"][0].clone();
    assert!(plugin["file"].as_str().unwrap().ends_with("tag-2.wasm"), "{plugin}");
    assert_eq!((&plugin["name"], &plugin["state"]), (&name, &json!("disabled")));
}

#[tokio::test]
async fn an_http2_connection_ends_with_a_farewell_when_the_gateway_drains_and_not_before_it_was_answered() {
    let gateway = Gateway::start(ADMIN);
    ask(&gateway, Method::POST, "/drain", &[]).await;
    // In whichever order the two come.
    let (has_answered, has_left) = (Cell::new(false), Cell::new(false));
    let is_last = |frame: &Frame| {
        has_answered.set(has_answered.get() || frame.kind == HEADERS);
        has_left.set(has_left.get() || frame.kind == GOAWAY);
        has_answered.get() && has_left.get()
    };
    let frames = answered_until(&gateway, &opened(&[request(1, "/healthz")]), is_last).await;
    assert_eq!((status_of(&frames), farewell(&frames)), (STATUS_200, Some(NO_ERROR)));
}

#[tokio::test]
async fn a_gateway_that_drains_is_not_ready_and_answers_all_the_same() {
    let gateway = Gateway::start(ADMIN);
    assert_eq!(
        ask(&gateway, Method::POST, "/drain", &[]).await.json()["draining"],
        true
    );
    assert_eq!(get(&gateway, "/readyz").await.status, 503);
    assert_eq!(get(&gateway, "/healthz").await.status, 200);
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(
        ask(&gateway, Method::POST, "/resume", &[]).await.json()["draining"],
        false
    );
    assert_eq!(get(&gateway, "/readyz").await.status, 200);
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!((answer.status, answer.header("connection")), (200, None));
}

#[tokio::test]
async fn without_a_token_only_this_machines_own_requests_are_answered() {
    let gateway = Gateway::start(ADMIN);
    for (header, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let answer = ask(&gateway, Method::POST, "/reload", &[(header, value)]).await;
        assert_eq!(answer.status, 403, "{header}: {answer:?}");
        assert!(answer.error().contains("admin.token"), "{answer:?}");
    }
}

#[tokio::test]
async fn where_there_is_a_token_it_has_to_be_shown() {
    let config = "[admin]\nlisten = \"127.0.0.1:0\"\ntoken = { env = \"ADMIN_TOKEN\" }\n";
    let gateway =
        Gateway::start_with(config, &[("ADMIN_TOKEN", "open-sesame")], &[]).unwrap_or_else(|it| panic!("{it:?}"));
    for headers in [&[][..], &[("authorization", "Bearer other")]] {
        let answer = ask(&gateway, Method::GET, "/plugins", headers).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer")),
            "{answer:?}"
        );
    }
    let answer = ask(
        &gateway,
        Method::GET,
        "/plugins",
        &[("authorization", "Bearer open-sesame")],
    )
    .await;
    assert_eq!(answer.status, 200);
    // Whoever looks after the process has no token.
    assert_eq!(ask(&gateway, Method::GET, "/healthz", &[]).await.status, 200);
    assert!(!gateway.output().contains("open-sesame"));
}

#[test]
fn where_others_can_reach_it_there_has_to_be_a_token() {
    let (status, output) = Gateway::try_start("[admin]\nlisten = \"0.0.0.0:0\"\n").err().unwrap();
    assert_eq!(status, 2);
    assert!(output.contains("admin.token"), "{output}");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_asked_for_wrongly_is_told() {
    let gateway = Gateway::start(ADMIN);
    let answer = ask(&gateway, Method::GET, "/plugin", &[]).await;
    assert!(
        answer.status == 404 && answer.error().contains("/plugins"),
        "{answer:?}"
    );
    for (method, path, allowed) in [(Method::GET, "/reload", "POST"), (Method::POST, "/plugins", "GET")] {
        let answer = ask(&gateway, method, path, &[]).await;
        assert_eq!(answer.status, 405, "{answer:?}");
        assert!(
            answer.header("allow").is_some_and(|told| told.contains(allowed)),
            "{answer:?}"
        );
    }
    // Clients of the gateway do not find it.
    assert_eq!(get(&gateway, "/plugins").await.status, 404);
}
