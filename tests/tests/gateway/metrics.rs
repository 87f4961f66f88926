//! `/metrics`: what is counted, and that clients can't make series.

use futures_util::StreamExt as _;
use heimdall_tests::guests::{GEN3, TYPED_TAG};
use heimdall_tests::process::Gateway;
use reqwest::Method;

use crate::scrape::{self, Scrape};
use crate::support::*;
use crate::wat::{GuestFile, packed};

const ADMIN: &str = "[reload]\nwatch = false\n[admin]\nlisten = \"127.0.0.1:0\"\n";
const CHAT: &str = "/v1/chat/completions";

fn both() -> Gateway {
    Gateway::start(&format!("{}{}", plugin(TYPED_TAG, ""), plugin(GEN3, "")))
}

#[tokio::test]
async fn each_hook_of_each_plugin_is_counted_and_timed() {
    let gateway = both();
    for _ in 0..3 {
        post(&gateway, CHAT, chat("echo", "hello")).await;
    }
    let scrape = Scrape::of(&gateway).await;
    for plugin in [TYPED_TAG.name, GEN3.name] {
        let labels = [("plugin", plugin), ("hook", "before-call")];
        let proceeded = [labels[0], labels[1], ("outcome", "proceeded")];
        for (name, labels, expected) in [
            ("heimdall_plugin_calls_total", &proceeded[..], 3.0),
            ("heimdall_plugin_calls_total", &labels[..], 3.0),
            ("heimdall_plugin_failures_total", &labels[..], 0.0),
            ("heimdall_plugin_duration_seconds_count", &labels[..], 3.0),
            ("heimdall_plugin_circuit_state", &labels[..1], 0.0),
            ("heimdall_plugin_loaded", &labels[..1], 1.0),
            ("heimdall_plugin_info", &labels[..1], 1.0),
            ("heimdall_plugin_waiting", &labels[..1], 0.0),
            ("heimdall_plugin_limit_exceeded_total", &labels[..1], 0.0),
        ] {
            assert_eq!(scrape.sum(name, labels), expected, "{name} {labels:?}");
        }
        assert!(scrape.sum("heimdall_plugin_instances_made_total", &labels[..1]) >= 1.0);
        assert!(scrape.sum("heimdall_plugin_memory_bytes", &labels[..1]) > 0.0);
    }
    // No plugin sees who asks for metrics.
    let calls = |scrape: &Scrape| scrape.sum("heimdall_plugin_calls_total", &[]);
    assert_eq!(calls(&Scrape::of(&gateway).await), calls(&scrape));
}

#[tokio::test]
async fn a_plugin_that_traps_is_counted_by_its_cause_and_its_breaker_is_seen_to_open() {
    let file = GuestFile::new("traps.wasm", packed("unreachable", ""));
    let gateway = Gateway::start(&file.entry("traps", "breaker = { failures = 2, pause_ms = 3600000 }"));
    for _ in 0..3 {
        post(&gateway, CHAT, chat("echo", "hello")).await;
    }
    let scrape = Scrape::of(&gateway).await;
    let failed = |cause| {
        let labels = [("plugin", "traps"), ("cause", cause)];
        scrape.sum("heimdall_plugin_failures_total", &labels)
    };
    assert_eq!((failed("trap"), failed("circuit-open")), (2.0, 1.0));
    assert_eq!(scrape.sum("heimdall_plugin_circuit_state", &[]), 2.0);
    assert_eq!(scrape.sum("heimdall_plugin_instances_discarded_total", &[]), 2.0);
}

#[tokio::test]
async fn no_client_makes_a_series() {
    let gateway = both();
    post(&gateway, CHAT, chat("echo", "hello")).await;
    let before = Scrape::of(&gateway).await;
    let client = client();
    for number in 0..200 {
        let path = match number % 4 {
            0 => format!("/v1/odd-{number}/\u{e9}"),
            1 => format!("/v1/models/model-{number}"),
            2 => format!("/elsewhere?x={number}"),
            _ => CHAT.to_owned(),
        };
        let method = Method::from_bytes(format!("ODD{number}").as_bytes()).unwrap();
        for method in [method, Method::GET, Method::POST] {
            let request = client
                .request(method, format!("{}{path}", gateway.url))
                .header("x-request-id", format!("id-{number}"))
                .header("user-agent", format!("agent-{number}"));
            let body = chat(&format!("up-{number}/model-{number}"), "hello").to_string();
            request.body(body).send().await.unwrap();
        }
    }
    let after = Scrape::of(&gateway).await;
    assert_eq!(after.series(), before.series());
    assert!(after.sum("heimdall_requests_total", &[]) >= 600.0);
}

#[tokio::test]
async fn a_request_is_counted_by_what_it_is_for_and_by_its_status() {
    let gateway = Gateway::start("max_body_mib = 1\n");
    post(&gateway, CHAT, chat("echo", "hello")).await;
    post(&gateway, CHAT, "no JSON").await;
    post(&gateway, "/v1/embeddings", "x".repeat(2 << 20)).await;
    get(&gateway, "/v1/models").await;
    get(&gateway, "/v1/nothing").await;
    get(&gateway, "/healthz").await;
    let scrape = scrape::eventually(&gateway, |scrape| {
        scrape.sum("heimdall_requests_total", &[("route", "other")]) == 1.0
    })
    .await;
    for (route, class, expected) in [
        ("chat_completions", "2xx", 1.0),
        ("chat_completions", "4xx", 1.0),
        ("embeddings", "4xx", 1.0),
        ("models", "2xx", 1.0),
        ("other", "4xx", 1.0),
    ] {
        let labels = [("route", route), ("status_class", class)];
        assert_eq!(scrape.sum("heimdall_requests_total", &labels), expected, "{labels:?}");
    }
    assert!(scrape.sum("heimdall_requests_total", &[("route", "own")]) >= 1.0);
    // This very one.
    assert_eq!(scrape.sum("heimdall_requests_in_flight", &[]), 1.0);
    assert_eq!(scrape.sum("heimdall_request_body_bytes_in_use", &[]), 0.0);
}

#[tokio::test]
async fn an_upstream_is_counted_by_what_it_answered_or_why_it_did_not() {
    let replay = replay();
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gateway = Gateway::start(&format!(
        "default_upstream = \"up\"\n{}{}",
        upstream(
            "up",
            &replay.upstream("status-500", "control/error.json"),
            "retries = 0"
        ),
        upstream("down", &format!("http://{unused}/v1"), "retries = 0"),
    ));
    post(&gateway, CHAT, chat("up/m", "hello")).await;
    post(&gateway, CHAT, chat("down/m", "hello")).await;
    let scrape = Scrape::of(&gateway).await;
    let count = |upstream, outcome| {
        let labels = [("upstream", upstream), ("outcome", outcome)];
        scrape.sum("heimdall_upstream_requests_total", &labels)
    };
    assert_eq!((count("down", "connect"), count("up", "5xx")), (1.0, 1.0));
    assert_eq!(scrape.sum("heimdall_upstream_requests_total", &[]), 2.0);
    assert_eq!(scrape.sum("heimdall_upstream_duration_seconds_count", &[]), 2.0);
    assert_eq!(scrape.sum("heimdall_upstream_requests_in_flight", &[]), 0.0);
}

#[tokio::test]
async fn a_stream_is_under_way_until_its_client_leaves() {
    let replay = replay();
    let gateway = Gateway::start(&upstream("up", &replay.upstream("hang-700", "streams/chat.sse"), ""));
    let request = client().post(format!("{}{CHAT}", gateway.url));
    let body = streamed("m", "hello").to_string();
    let mut stream = request.body(body).send().await.unwrap().bytes_stream();
    stream.next().await.unwrap().unwrap();
    let under_way = |scrape: &Scrape| {
        (
            scrape.sum("heimdall_requests_in_flight", &[]),
            scrape.sum("heimdall_upstream_requests_in_flight", &[]),
        )
    };
    assert_eq!(under_way(&Scrape::of(&gateway).await), (2.0, 1.0));
    drop(stream);
    scrape::eventually(&gateway, |scrape| under_way(scrape) == (1.0, 0.0)).await;
}

#[tokio::test]
async fn no_counter_falls_when_a_reload_puts_another_version_in_a_plugins_place() {
    let config = |tag: &str| format!("{ADMIN}{}", plugin(TYPED_TAG, &format!("config = {{ tag = {tag:?} }}")));
    let gateway = Gateway::start(&config("one"));
    post(&gateway, CHAT, chat("echo", "hello")).await;
    let before = Scrape::of(&gateway).await;
    gateway.reconfigure(&config("two"));
    let url = format!("{}/reload", gateway.admin_url());
    assert_eq!(client().post(url).send().await.unwrap().status(), 200);
    let after = Scrape::of(&gateway).await;
    assert_eq!(after.sum("heimdall_reloads_total", &[("outcome", "done")]), 1.0);
    for (name, labels, number) in &before.samples {
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()))
            .collect();
        if name.ends_with("_total") {
            assert!(after.sum(name, &labels) >= *number, "{name} {labels:?}");
        }
    }
    let calls = [("plugin", TYPED_TAG.name), ("hook", "before-call")];
    assert_eq!(after.sum("heimdall_plugin_calls_total", &calls), 1.0);
}

#[tokio::test]
async fn only_who_may_look_is_told_and_the_admin_interface_tells_the_same() {
    let config = format!("{ADMIN}[client_keys.ada]\nenv = \"KEY_OF_ADA\"\n");
    let gateway = Gateway::start_with(&config, &[("KEY_OF_ADA", "a-key-of-ada")], &[]).unwrap();
    let ask = async |url: &str, key: Option<&str>| {
        let mut request = client().get(format!("{url}/metrics"));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(ask(&gateway.url, None).await.status, 401);
    assert_eq!(ask(&gateway.url, Some("another")).await.status, 401);
    let told = Scrape::read(&ask(&gateway.url, Some("a-key-of-ada")).await.body);
    let admin = Scrape::read(&ask(&gateway.admin_url(), None).await.body);
    assert_eq!(told.series(), admin.series());
}

#[tokio::test]
async fn every_answer_has_an_id() {
    let gateway = Gateway::start("max_body_mib = 1\n");
    let large = "x".repeat(2 << 20);
    for (method, path, body, status) in [
        (Method::GET, "/healthz", "", 200),
        (Method::POST, "/healthz", "", 405),
        (Method::GET, "/readyz", "", 200),
        (Method::GET, "/metrics", "", 200),
        (Method::GET, "/elsewhere", "", 404),
        (Method::GET, "/v1/nothing", "", 404),
        (Method::POST, CHAT, "no JSON", 400),
        (Method::POST, CHAT, &large, 413),
        (Method::POST, CHAT, &chat("echo", "hello").to_string(), 200),
        (Method::POST, CHAT, &streamed("echo", "hello").to_string(), 200),
    ] {
        for id in [None, Some("mine-1")] {
            let mut request = client().request(method.clone(), format!("{}{path}", gateway.url));
            if let Some(id) = id {
                request = request.header("x-request-id", id);
            }
            let answer = Answer::of(request.body(body.to_owned()).send().await.unwrap()).await;
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            let told = answer
                .header("x-request-id")
                .unwrap_or_else(|| panic!("{method} {path}"));
            match id {
                Some(id) => assert_eq!(told, id, "{method} {path}"),
                None => assert!(told.starts_with("req_"), "{method} {path}: {told}"),
            }
        }
    }
}
