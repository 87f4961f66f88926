//! The server without plugins, on the echo.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use heimdall_host::loader::Loaded;
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_host::plugin::{HookSet, Manifest, Plugin, Usage};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{App, Budget, Clients, Cors, Door, HeadLimits, Held};
use crate::config::Config;
use crate::plugins::FailedPlugin;
use crate::upstream::{Upstreams, canned};
use crate::workers;

const MAX_BODY: usize = 1000;

pub(super) fn app() -> App {
    app_of(&Config::default())
}

pub(super) fn app_of(config: &Config) -> App {
    App {
        pipeline: Arc::new(Pipeline::new(Vec::new(), PipelineSettings::default()).unwrap()),
        versions: Vec::new(),
        upstreams: Arc::new(Upstreams::new(config, None).unwrap()),
        failed: vec![FailedPlugin {
            name: "gone".to_owned(),
            error: "no such file".to_owned(),
        }],
        max_body: MAX_BODY,
        bodies: Budget::new(1 << 20),
        body_timeout: Duration::from_secs(60),
        head_limits: HeadLimits {
            headers: 100,
            bytes: 64 << 10,
        },
        clients: Arc::new(Clients::read(config, None).unwrap()),
        local_only: true,
        cors: Cors::new(&config.cors),
        cut_off: Arc::default(),
        drain: Arc::default(),
        observation: Arc::default(),
        held: Held::default(),
    }
}

async fn send(request: Request<Body>) -> Response {
    Door::of(&Arc::new(app())).answer(request).await
}

/// What a chat comes to whose upstream answers with this.
async fn answered_with(answer: String) -> (StatusCode, Value) {
    let upstreams = [("up".to_owned(), canned::upstream(answer).await)].into();
    let app = app_of(&Config {
        upstreams,
        ..Config::default()
    });
    let request = request("POST", "/v1/chat/completions", chat("m").to_string());
    let response = Door::of(&Arc::new(app)).answer(request).await;
    (response.status(), serde_json::from_str(&text(response).await).unwrap())
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body.into()).unwrap()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn post(path: &str, body: Value) -> (StatusCode, Value) {
    let response = send(request("POST", path, body.to_string())).await;
    (response.status(), serde_json::from_str(&text(response).await).unwrap())
}

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello there"}]})
}

#[tokio::test]
async fn every_kind_of_call_is_answered() {
    let cases = [
        (
            "/v1/chat/completions",
            chat("echo"),
            "/choices/0/message/content",
            json!("echo: hello there"),
        ),
        (
            "/v1/completions",
            json!({"model": "echo", "prompt": "hi"}),
            "/choices/0/text",
            json!("echo: hi"),
        ),
        (
            "/v1/responses",
            json!({"model": "echo", "input": "hi"}),
            "/output/0/content/0/text",
            json!("echo: hi"),
        ),
        (
            "/v1/embeddings",
            json!({"model": "echo", "input": "hi"}),
            "/data/0/object",
            json!("embedding"),
        ),
    ];
    for (path, body, pointer, expected) in cases {
        let (status, answer) = post(path, body).await;
        assert_eq!(
            (status, answer.pointer(pointer)),
            (StatusCode::OK, Some(&expected)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_upstream_in_the_models_name_is_not_sent_to_it() {
    let (_, answer) = post("/v1/chat/completions", chat("echo/echo-request")).await;
    let sent: Value = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(sent, chat("echo-request"));
}

#[tokio::test]
async fn a_model_whose_first_part_is_no_upstream_keeps_its_name() {
    let (_, answer) = post("/v1/chat/completions", chat("meta/llama")).await;
    assert_eq!(answer["model"], "meta/llama");
}

#[tokio::test]
async fn a_stream_is_framed_and_ends_with_done() {
    let mut body = chat("echo");
    body["stream"] = true.into();
    let response = send(request("POST", "/v1/chat/completions", body.to_string())).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = text(response).await;
    assert!(
        text.starts_with("data: {") && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
}

#[tokio::test]
async fn events_of_responses_are_named_and_no_done_follows() {
    let body = json!({"model": "echo", "input": "hi", "stream": true});
    let text = text(send(request("POST", "/v1/responses", body.to_string())).await).await;
    assert!(text.starts_with("event: response.created\ndata: {"), "{text}");
    assert!(
        text.contains("event: response.completed\n") && !text.contains("[DONE]"),
        "{text}"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_event() {
    let mut body = chat("echo-break-2");
    body["stream"] = true.into();
    let text = text(send(request("POST", "/v1/chat/completions", body.to_string())).await).await;
    let last = text
        .trim_end()
        .rsplit("\n\n")
        .next()
        .unwrap()
        .strip_prefix("data: ")
        .unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["error"]["code"], "upstream_broke_off");
}

#[tokio::test]
async fn an_upstreams_error_keeps_its_status_and_body() {
    let (status, answer) = post("/v1/chat/completions", chat("echo-error-429")).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("echo_429"))
    );
}

#[tokio::test]
async fn a_bad_request_is_refused_in_openais_shape() {
    let large = json!({"model": "echo", "messages": ["x".repeat(MAX_BODY)]}).to_string();
    let cases = [
        ("POST", "/v1/chat/completions", "{\n  \"a\": x}", 400, "invalid_json"),
        ("POST", "/v1/chat/completions", "", 400, "invalid_json"),
        ("POST", "/v1/chat/completions", "[]", 400, "invalid_json"),
        (
            "POST",
            "/v1/chat/completions",
            "{\"model\": \"a\", \"model\": \"b\"}",
            400,
            "duplicate_member",
        ),
        (
            "POST",
            "/v1/chat/completions",
            "{\"messages\": []}",
            400,
            "invalid_model",
        ),
        ("POST", "/v1/chat/completions", "{\"model\": 1}", 400, "invalid_model"),
        (
            "POST",
            "/v1/chat/completions",
            "{\"model\": \"a\", \"stream\": 1}",
            400,
            "invalid_type",
        ),
        ("POST", "/v1/chat/completions", &large, 413, "body_too_large"),
        ("GET", "/v1/chat/completions", "", 405, "method_not_allowed"),
        ("POST", "/v1/models", "", 405, "method_not_allowed"),
        ("POST", "/healthz", "", 405, "method_not_allowed"),
        ("POST", "/v1/unheard", "", 404, "unknown_url"),
        ("GET", "/", "", 404, "unknown_url"),
    ];
    for (method, path, body, status, code) in cases {
        let response = send(request(method, path, body.to_owned())).await;
        assert_eq!(response.status().as_u16(), status, "{method} {path} {body}");
        let answer: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(answer["error"]["code"], code, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_body_is_told_with_its_place() {
    let response = send(request("POST", "/v1/chat/completions", "{\n  \"a\": x}")).await;
    assert!(text(response).await.contains("(line 2, column 8)"));
}

#[tokio::test]
async fn a_body_in_an_encoding_that_nobody_here_knows_is_refused() {
    let mut request = request("POST", "/v1/chat/completions", "x");
    request
        .headers_mut()
        .insert("content-encoding", "deflate".parse().unwrap());
    assert_eq!(send(request).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_another_is_replaced() {
    for (id, kept) in [("mine-1", true), ("not sane", false)] {
        let mut request = request("GET", "/v1/models", "");
        request.headers_mut().insert("x-request-id", id.parse().unwrap());
        let response = send(request).await;
        assert_eq!(response.headers()["x-request-id"] == id, kept);
    }
}

#[tokio::test]
async fn the_models_of_the_default_upstream_are_listed_by_their_names() {
    let answer: Value = serde_json::from_str(&text(send(request("GET", "/v1/models", "")).await).await).unwrap();
    assert_eq!(
        (&answer["object"], &answer["data"][0]["id"]),
        (&json!("list"), &json!("echo"))
    );
}

#[tokio::test]
async fn readiness_tells_of_plugins_that_are_missing() {
    let answer: Value = serde_json::from_str(&text(send(request("GET", "/readyz", "")).await).await).unwrap();
    assert_eq!(answer["failed"], json!([{"name": "gone", "error": "no such file"}]));
}

#[tokio::test]
async fn a_whole_answer_that_is_no_json_is_an_error() {
    let answers = [
        canned::http(200, "text/html", "<html>maintenance</html>"),
        canned::http(200, "application/json", r#"{"choices": ["#),
        canned::http(204, "application/json", ""),
    ];
    for answer in answers {
        let (status, body) = answered_with(answer).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::BAD_GATEWAY, &json!("upstream_bad_answer"))
        );
    }
}

#[tokio::test]
async fn an_error_without_openais_shape_gets_it() {
    for (body, message) in [
        ("{}", "the upstream answered with status 404"),
        (r#"{"detail": "Not Found"}"#, "Not Found"),
    ] {
        let (status, body) = answered_with(canned::http(404, "application/json", body)).await;
        assert_eq!(
            (status, &body["error"]["message"]),
            (StatusCode::NOT_FOUND, &json!(message))
        );
    }
}

#[tokio::test]
async fn a_request_that_a_page_of_elsewhere_sent_is_refused() {
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let mut request = request("POST", "/v1/chat/completions", chat("echo").to_string());
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(send(request).await.status(), StatusCode::FORBIDDEN, "{name}");
    }
}

/// A plugin that may have so many instances.
struct Pooled(Manifest, usize);

#[async_trait::async_trait]
impl Plugin for Pooled {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn hooks(&self) -> HookSet {
        HookSet::PRE_LLM
    }

    fn usage(&self) -> Usage {
        Usage {
            most: self.1,
            ..Usage::default()
        }
    }

    async fn cleanup(&self) {}
}

#[test]
fn connections_stay_on_threads_where_at_most_one_plugin_has_no_more_instances_than_there_are_threads() {
    let threads = workers::count();
    let cases: [(&[usize], bool); 6] = [
        (&[], false),
        (&[0, 0], false),
        (&[threads + 1, threads + 1], false),
        (&[threads + 1, threads, 0], false),
        (&[1], false),
        (&[1, threads + 1, threads], true),
    ];
    for (instances, several) in cases {
        let pooled = |(index, most): (usize, &usize)| {
            let manifest = Manifest::native(&index.to_string());
            Loaded::of(Arc::new(Pooled(manifest, *most)))
        };
        let plugins = instances.iter().enumerate().map(pooled).collect();
        let app = App {
            pipeline: Arc::new(Pipeline::new(plugins, PipelineSettings::default()).unwrap()),
            ..app()
        };
        let door = Door::of(&Arc::new(app));
        assert_eq!(door.has_several_scarce(), several, "{instances:?}");
    }
}
