//! What cases come to is what `serve` would have answered.

use serde_json::{Value, json};

use super::super::{Desk, answer, chat};
use super::{case, run};

#[test]
fn what_the_upstream_answers_goes_back_as_serve_would_send_it() {
    let recorded = |response: Value, expect: Value| {
        let mut case = case("it", chat("hello"), expect);
        case["response"] = response;
        case
    };
    let cases = json!([
        recorded(
            answer("hi"),
            json!({"text": "hi", "upstream": {"provider": "echo", "model": "echo"}})
        ),
        recorded(
            json!({"status": 503, "headers": {"x-a": "b", "set-cookie": "c"}, "body": {"error": {"message": "busy"}}}),
            json!({"outcome": "passed", "status": 503, "headers": {"x-a": "b", "set-cookie": "<absent>"},
                "body": {"error": {"message": "busy"}}})
        ),
        recorded(
            json!({"body": "no JSON"}),
            json!({"status": 502, "body": {"error": {"message": "*no JSON*"}}})
        ),
    ]);
    let ran = run(cases, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn an_upstream_that_fails_comes_to_what_it_comes_to_in_serve() {
    let mut streamed = chat("hello");
    streamed["stream"] = true.into();
    let recorded = |request: &Value, response: Value, expect: Value| {
        let mut case = case("it", request.clone(), expect);
        case["response"] = response;
        case
    };
    let told = json!({"error": {"message": "busy"}});
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "a"}}]});
    let embeddings = json!({"path": "/v1/embeddings", "body": {"model": "m", "input": "a", "stream": true}});
    let cases = json!([
        recorded(&chat("hello"), told.clone(), json!({"status": 502, "body": told})),
        recorded(
            &streamed,
            told.clone(),
            json!({"status": 502, "body": told, "events": "<absent>"})
        ),
        recorded(
            &streamed,
            json!({"events": [chunk, "no JSON", chunk]}),
            json!({"text": "a", "events": [chunk, {"error": {"message": "*an event is no JSON*"}}]})
        ),
        recorded(
            &embeddings,
            json!({"data": []}),
            json!({"status": 200, "body": {"data": []}})
        ),
    ]);
    let ran = run(cases, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_request_that_serve_would_not_answer_fails_its_case() {
    let at = |path: &str, method: &str| json!({"path": path, "method": method, "body": chat("hello")});
    let with = |member: &str, value: &str| {
        let mut request = chat("hello");
        request[member] = value.into();
        request
    };
    let cases = [
        (at("/v1/chat/completion", "POST"), "status 404: There is nothing at"),
        (
            at("/v1/chat/completions", "GET"),
            "status 405: This path takes POST, not GET",
        ),
        (with("model", ""), "status 400: The member `model`"),
        (with("stream", "yes"), "status 400: The member `stream`"),
    ];
    let all: Value = cases
        .iter()
        .map(|(request, _)| case("it", request.clone(), json!({"outcome": "passed"})))
        .collect();
    let ran = run(all, &["--json"]);
    let report = ran.json();
    assert_eq!((ran.code, &report["failed"]), (1, &json!(cases.len())), "{report}");
    for (index, (_, words)) in cases.iter().enumerate() {
        let problems = report["cases"][index]["failure"]["problems"].to_string();
        assert!(problems.contains(words), "{problems}");
    }
}

#[test]
fn the_echo_is_not_shown_the_clients_credentials() {
    let mut body = chat("hello");
    body["model"] = "echo-headers".into();
    let request = json!({"headers": {"authorization": "Bearer secret", "x-a": "b"}, "body": body});
    let ran = run(json!([case("it", request, json!({"text": "{\"x-a\":*"}))]), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn what_only_the_host_takes_for_json_does_not_hide_what_a_client_gets() {
    let desk = Desk::with_examples();
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    let number = format!("1{}", "0".repeat(400));
    for more in [
        r#""half": "\ud83d""#,
        &format!("\"number\": {number}"),
        &format!("\"deep\": {deep}"),
    ] {
        let body = format!("{{\"choices\": [{{\"message\": {{\"content\": \"LEAKED\"}}}}], {more}}}");
        let mut leaks = case(
            "leaks",
            chat("hello"),
            json!({"text": "LEAKED", "body": {"choices": ["..."]}}),
        );
        leaks["response"] = json!({ "body": body });
        let mut hidden = leaks.clone();
        hidden["name"] = "hidden".into();
        hidden["expect"] = json!({"body": "<absent>"});
        desk.write("cases.json", json!([leaks, hidden]).to_string());
        let ran = desk.run(&["test", "guard.wasm", "cases.json"]);
        assert_eq!(ran.code, 1, "{more}: {ran:?}");
        assert!(
            ran.out.starts_with("ok      leaks (") && ran.out.contains("FAILED  hidden"),
            "{more}: {}",
            ran.out
        );
    }
}
