//! Requests that guests send.

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use base64::Engine as _;
use heimdall_host::functions::Callable;
use heimdall_host::loader::PluginSettings;
use serde_json::{Value, json};

use crate::support::{guest, host, serve};

const RUST: &str = "extism/rust/plugin.wasm";

async fn load(members: Value, headers: bool) -> Callable {
    let data = base64::engine::general_purpose::STANDARD.encode(guest(RUST));
    let mut manifest = json!({"wasm": [{"data": data}]});
    manifest
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let mut settings = PluginSettings::new("plugin.json");
    settings.host_functions = super::greeting();
    if headers {
        settings
            .options
            .insert("http_response_headers".to_owned(), "true".to_owned());
    }
    host().functions(manifest.to_string().into(), settings).await.unwrap()
}

fn router() -> Router {
    let mirror = async |method: Method, headers: HeaderMap, body: String| {
        let key = headers
            .get("x-key")
            .and_then(|key| key.to_str().ok())
            .unwrap_or("none")
            .to_owned();
        ([("X-Answer", "yes")], format!("{method} {key} {body}"))
    };
    Router::new()
        .route("/mirror", any(mirror))
        .route("/missing", get(async || (StatusCode::NOT_FOUND, "not here")))
        .route("/large", get(async || "x".repeat(1000)))
        .route("/empty", get(async || StatusCode::NO_CONTENT.into_response()))
        .route(
            "/elsewhere",
            get(async || Redirect::temporary("http://localhost:1/secret")),
        )
        .route("/here", get(async || Redirect::temporary("/mirror")))
        .route("/around", get(async || Redirect::temporary("/around")))
        .route("/never", get(async || std::future::pending::<String>().await))
}

async fn get_it(plugin: &Callable, url: &str) -> Result<Value, String> {
    let answer: Result<String, _> = plugin.call("http_get", url).await;
    match answer {
        Ok(text) => Ok(serde_json::from_str(&text).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn no_host_is_allowed_unless_it_is_named() {
    let address = serve(router()).await;
    for allowed in [
        json!({}),
        json!({"allowed_hosts": []}),
        json!({"allowed_hosts": ["example.com", "*.internal"]}),
    ] {
        let plugin = load(allowed, false).await;
        let error = get_it(&plugin, &format!("http://{address}/mirror")).await.unwrap_err();
        assert!(error.contains("is not allowed"), "{error}");
    }
}

#[tokio::test]
async fn a_request_goes_out_as_the_guest_wants_it_and_any_status_is_an_answer() {
    let address = serve(router()).await;
    let plugin = load(json!({"allowed_hosts": ["127.0.0.1"]}), false).await;
    let request =
        json!({"url": format!("http://{address}/mirror"), "method": "put", "headers": {"x-key": "k"}, "body": "hello"});
    let answer: String = plugin.call("http_send", request.to_string()).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer, json!({"status": 200, "headers": {}, "body": "PUT k hello"}));
    let answer = get_it(&plugin, &format!("http://{address}/missing")).await.unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(404), &json!("not here")));
    let answer = get_it(&plugin, &format!("http://{address}/empty")).await.unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(204), &json!("")));
}

#[tokio::test]
async fn headers_of_answers_are_given_where_the_operator_says_so() {
    let address = serve(router()).await;
    let plugin = load(json!({"allowed_hosts": ["127.0.0.1"]}), true).await;
    let answer = get_it(&plugin, &format!("http://{address}/mirror")).await.unwrap();
    assert_eq!(answer["headers"]["x-answer"], "yes");
}

#[tokio::test]
async fn each_redirect_is_checked() {
    let address = serve(router()).await;
    let plugin = load(json!({"allowed_hosts": ["127.0.0.1"]}), false).await;
    let answer = get_it(&plugin, &format!("http://{address}/here")).await.unwrap();
    assert_eq!(answer["body"], "GET none ");
    let error = get_it(&plugin, &format!("http://{address}/elsewhere"))
        .await
        .unwrap_err();
    assert!(error.contains("http://localhost:1/secret is not allowed"), "{error}");
    let error = get_it(&plugin, &format!("http://{address}/around")).await.unwrap_err();
    assert!(error.contains("more than 10 redirects"), "{error}");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_named_themselves() {
    let address = serve(router()).await;
    let port = address.port();
    let plugin = load(json!({"allowed_hosts": ["*"]}), false).await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:0.0.0.0]",
    ] {
        let error = get_it(&plugin, &format!("http://{host}:{port}/mirror"))
            .await
            .unwrap_err();
        assert!(error.contains("private network"), "{host}: {error}");
    }
    let plugin = load(json!({"allowed_hosts": ["localhost"]}), false).await;
    let answer = get_it(&plugin, &format!("http://localhost:{port}/mirror"))
        .await
        .unwrap();
    assert_eq!(answer["status"], 200);
    let error = get_it(&plugin, &format!("http://127.0.0.1:{port}/mirror"))
        .await
        .unwrap_err();
    assert!(error.contains("is not allowed"), "{error}");
}

#[tokio::test]
async fn an_answer_over_its_cap_ends_the_call() {
    let address = serve(router()).await;
    let members = json!({"allowed_hosts": ["127.0.0.1"], "memory": {"max_http_response_bytes": 100}});
    let plugin = load(members, false).await;
    let error = get_it(&plugin, &format!("http://{address}/large")).await.unwrap_err();
    assert!(
        error.contains("exceeds the configured maximum number of bytes: 100"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_calls_time() {
    let address = serve(router()).await;
    let plugin = load(json!({"allowed_hosts": ["127.0.0.1"], "timeout_ms": 50}), false).await;
    let error = get_it(&plugin, &format!("http://{address}/never")).await.unwrap_err();
    assert!(error.contains("did not return within 50ms"), "{error}");
}

#[tokio::test]
async fn what_is_no_request_is_told() {
    let plugin = load(json!({"allowed_hosts": ["*"]}), false).await;
    for (url, told) in [
        ("no url", "Invalid URL"),
        ("file:///etc/passwd", "is not allowed"),
        ("http://", "Invalid URL"),
    ] {
        let error = get_it(&plugin, url).await.unwrap_err();
        assert!(error.contains(told), "{url}: {error}");
    }
    let request = json!({"url": "http://example.com/", "headers": {"x": "a\r\nb"}});
    let error = plugin
        .call::<String>("http_send", request.to_string())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the header `x`"), "{error}");
}

#[tokio::test]
async fn headers_are_few_and_those_of_the_connection_are_the_hosts() {
    let address = serve(router()).await;
    let plugin = load(json!({"allowed_hosts": ["127.0.0.1"]}), false).await;
    let url = format!("http://{address}/mirror");
    let headers =
        json!({"host": "internal.example", "content-length": "50", "transfer-encoding": "chunked", "x-key": "k"});
    let request = json!({"url": url, "headers": headers});
    let answer: String = plugin.call("http_send", request.to_string()).await.unwrap();
    assert!(answer.contains("GET k "), "{answer}");
    let many: serde_json::Map<String, Value> = (0..2000).map(|number| (format!("x-{number}"), json!("v"))).collect();
    let request = json!({"url": url, "headers": many});
    let error = plugin
        .call::<String>("http_send", request.to_string())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("it has 2000 headers, 1000 are allowed"),
        "{error}"
    );
    let request = json!({"url": url, "x": "y".repeat(2 << 20)});
    let error = plugin
        .call::<String>("http_send", request.to_string())
        .await
        .unwrap_err();
    assert!(error.to_string().len() < 10_000, "{}", error.to_string().len());
}
