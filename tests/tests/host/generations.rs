//! Legacy hooks of several generations in one module, and the forms in which chunks are given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heimdall_host::model::CallKind;
use heimdall_host::pipeline::{HttpStep, LlmStream, StreamStep};

use crate::legacy::answering;
use crate::support::*;

/// The stream of a request through one plugin, and what it sends of two texts and an end.
async fn streamed(bytes: Bytes, form: Option<&str>) -> (LlmStream, Vec<StreamStep>) {
    let plugin = alone("chunks", bytes, |settings| {
        settings.options = form
            .map(|form| ("chunk_form".to_owned(), form.to_owned()))
            .into_iter()
            .collect();
    })
    .await;
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    proceed(&mut exchange, chat("hello")).await;
    let mut stream = exchange.into_stream(CallKind::Chat);
    let mut steps = Vec::new();
    for event in [chunk("a"), chunk("b"), finish()] {
        steps.push(stream.chunk(event).await);
        if steps.last().unwrap().aborted {
            return (stream, steps);
        }
    }
    steps.push(stream.end(None).await);
    (stream, steps)
}

#[tokio::test]
async fn one_module_has_hooks_of_generation_2_and_3() {
    let bytes = answering(&[
        (
            "http_intercept",
            r#"{"request":{"headers":{"x-intercepted":"yes"}},"context":{"intercepted":true}}"#,
        ),
        (
            "http_stream_chunk_hook",
            r#"{"chunk":{"choices":[{"index":0,"delta":{"content":"!"}}]},"has_chunk":true}"#,
        ),
    ]);
    let plugin = alone("both", bytes.clone(), |_| {}).await;
    let manifest = plugin.plugins()[0].plugin.manifest();
    assert_eq!(manifest.version, "generations 2 and 3");
    assert_eq!(manifest.hooks, ["http_intercept", "http_stream_chunk_hook"]);
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    assert_eq!(exchange.http().header("x-intercepted").as_deref(), Some("yes"));
    assert_eq!(
        exchange.http().header("content-type").as_deref(),
        Some("application/json")
    );
    let (stream, steps) = streamed(bytes, None).await;
    assert_eq!(streamed_text(&steps), "!!!");
    assert_eq!(stream.context().get("intercepted").unwrap().as_str(), "true");
}

#[tokio::test]
async fn of_two_hooks_for_one_place_the_later_generations_is_called() {
    let plugin = alone(
        "both",
        answering(&[
            ("http_pre_hook", r#"{"context":{"called":"http_pre_hook"}}"#),
            ("http_intercept", r#"{"context":{"called":"http_intercept"}}"#),
        ]),
        |_| {},
    )
    .await;
    let manifest = plugin.plugins()[0].plugin.manifest();
    assert_eq!(
        manifest.notes,
        ["http_intercept is not called, as http_pre_hook takes its place"]
    );
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    assert_eq!(exchange.context().get("called").unwrap().as_str(), r#""http_pre_hook""#);
}

#[tokio::test]
async fn a_response_hook_changes_status_headers_and_body() {
    let body = STANDARD.encode("changed");
    let answer = format!(
        r#"{{"response":{{"status_code":203,"headers":{{"x-seen":"yes","content-type":null}},"body":"{body}"}}}}"#
    );
    let plugin = alone("response", answering(&[("http_post_hook", &answer)]), |_| {}).await;
    let mut exchange = plugin.begin("r", http_request("/v1/models"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    let mut response = http_response();
    response.set_header("content-type", "text/plain").unwrap();
    let response = exchange.on_response(response).await;
    assert_eq!((response.status(), &response.body()[..]), (203, &b"changed"[..]));
    assert_eq!(response.header("x-seen").as_deref(), Some("yes"));
    assert_eq!(response.header("content-type"), None);
}

/// A chunk hook that answers one form of chunk by an edit in that form and the other by an error. It tells in the
/// context how often it was called.
fn choosy(takes_base64: bool) -> Bytes {
    let edited = chunk("edited");
    let edit = match takes_base64 {
        true => format!(r#""{}""#, STANDARD.encode(edited.as_str())),
        false => edited.as_str().to_owned(),
    };
    let good = format!(r#"{{"context":{{"n":0}},"chunk":{edit},"has_chunk":true}}"#);
    let bad = r#"{"context":{"n":0},"error":"it takes another form"}"#;
    let escaped = |text: &str| text.replace('"', "\\22");
    // An input ends in `"}` where its chunk is a string.
    let (string, object) = if takes_base64 { (1024, 4096) } else { (4096, 1024) };
    wat(&format!(
        r#"(module
             (memory (export "memory") 3)
             (global $calls (mut i32) (i32.const 0))
             (data (i32.const 1024) "{}") (data (i32.const 4096) "{}")
             (func (export "malloc") (param i32) (result i32) (i32.const 131072))
             (func (export "http_stream_chunk_hook") (param $at i32) (param $length i32) (result i64)
               (local $answer i32)
               (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
               (local.set $answer (select (i32.const {string}) (i32.const {object})
                 (i32.eq (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 2))) (i32.const 34))))
               (i32.store8 offset=16 (local.get $answer) (i32.add (i32.const 48) (global.get $calls)))
               (i64.or (i64.shl (i64.extend_i32_u (local.get $answer)) (i64.const 32))
                 (select (i64.const {}) (i64.const {}) (i32.eq (local.get $answer) (i32.const 1024))))))"#,
        escaped(&good),
        escaped(bad),
        good.len(),
        bad.len(),
    ))
}

#[tokio::test]
async fn chunks_are_given_in_the_form_that_the_guest_takes() {
    let (json, base64) = (choosy(false), choosy(true));
    // How often the hook is called for three chunks; none: the first one ends the stream.
    for (name, bytes, form, calls) in [
        ("json, auto", &json, None, Some("3")),
        ("json, json", &json, Some("json"), Some("3")),
        ("json, base64", &json, Some("base64"), None),
        // The first chunk is given twice.
        ("base64, auto", &base64, Some("auto"), Some("4")),
        ("base64, json", &base64, Some("json"), None),
        ("base64, base64", &base64, Some("base64"), Some("3")),
    ] {
        let (stream, steps) = streamed(bytes.clone(), form).await;
        let called = stream.context().get("n").unwrap();
        match calls {
            Some(calls) => {
                assert_eq!(streamed_text(&steps), "editededitededited", "{name}");
                assert_eq!(called.as_str(), calls, "{name}");
            }
            None => {
                assert!(steps[0].aborted, "{name}");
                let message = steps[0].send[0].pointer("/error/message").unwrap();
                assert_eq!(message.as_str().unwrap(), "it takes another form", "{name}");
                assert_eq!(called.as_str(), "1", "{name}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_in_both_forms_ends_the_stream() {
    let bytes = answering(&[("http_stream_chunk_hook", r#"{"error":"never"}"#)]);
    let (_, steps) = streamed(bytes, None).await;
    assert!(steps[0].aborted);
    assert_eq!(
        steps[0].send[0].pointer("/error/message").unwrap().as_str().unwrap(),
        "never"
    );
}
