//! Every call, through plugins of both kinds, with the built-in echo as the model.

use heimdall_tests::guests::{GEN3, TINYGO, TYPED_GUARD};
use heimdall_tests::process::Gateway;
use serde_json::json;

use crate::support::*;

const TYPED: &str = "Rule of the typed Rust guard: be kind.";
const LEGACY: &str = "Rule of gen3: be kind.";

fn both() -> Gateway {
    Gateway::start(&format!("{}{}", plugin(TYPED_GUARD, ""), plugin(GEN3, "")))
}

#[tokio::test]
async fn a_chat_passes_both_plugins_and_comes_back() {
    let gateway = both();
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "hello TOP-SECRET")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"],
        "echo: hello [gen3 redacted]"
    );
    assert_eq!(answer.header("x-guard"), Some("rust"));
    assert_eq!(answer.header("x-legacy"), Some("gen3"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-request-id").is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn the_upstream_gets_what_the_plugins_made_of_the_request_and_every_other_byte_as_it_was() {
    let gateway = both();
    let body =
        r#"{ "model":"echo-request","messages":[{"role":"user","content":"\u0068i","n":9007199254740993}],"x":1.10 }"#;
    let answer = post(&gateway, "/v1/chat/completions", body).await;
    let seen = answer.json()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent: serde_json::Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        sent["messages"][0]["content"], LEGACY,
        "the second plugin inserts before the first one's message"
    );
    assert_eq!(sent["messages"][1]["content"], TYPED);
    assert!(seen.starts_with(r#"{ "model":"echo-request","messages":[{"#), "{seen}");
    assert!(
        seen.ends_with(r#"{"role":"user","content":"\u0068i","n":9007199254740993}],"x":1.10 }"#),
        "{seen}"
    );
}

#[tokio::test]
async fn headers_that_plugins_add_reach_the_upstream_and_the_clients_secrets_do_not() {
    let gateway = both();
    let request = client().post(format!("{}/v1/chat/completions", gateway.url));
    let request = request
        .header("authorization", "Bearer client-key")
        .header("cookie", "a=b")
        .header("x-team", "red");
    let answer = Answer::of(
        request
            .body(chat("echo-headers", "hi").to_string())
            .send()
            .await
            .unwrap(),
    )
    .await;
    let seen = answer.json()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["x-guard-request"], "rust");
    assert_eq!(seen["x-legacy-request"], "gen3");
    assert_eq!(seen["x-team"], "red");
    assert!(
        !seen.to_string().contains("client-key") && seen.get("cookie").is_none(),
        "{seen}"
    );
}

#[tokio::test]
async fn several_choices_are_each_redacted() {
    let gateway = both();
    let mut body = chat("echo", "TOP-SECRET");
    body["n"] = 2.into();
    let answer = post(&gateway, "/v1/chat/completions", &body).await.json();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2);
    for choice in answer["choices"].as_array().unwrap() {
        assert_eq!(choice["message"]["content"], "echo: [gen3 redacted]");
    }
    body["stream"] = true.into();
    let streamed = post(&gateway, "/v1/chat/completions", &body).await;
    assert_eq!(texts(&streamed).len(), 2);
    assert!(
        texts(&streamed)
            .iter()
            .all(|text| text.contains("redacted]") && !text.contains("SECRET")),
        "{streamed:?}"
    );
}

#[tokio::test]
async fn a_streamed_chat_passes_the_chunk_hooks_and_ends_with_done() {
    let gateway = Gateway::start(&plugin(TYPED_GUARD, ""));
    let answer = post(
        &gateway,
        "/v1/chat/completions",
        streamed("echo-split-3", "it is TOP-SECRET, shh"),
    )
    .await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(texts(&answer), ["echo: it is [redacted], shh"]);
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
}

#[tokio::test]
async fn text_completions_embeddings_and_responses_pass_too() {
    let gateway = both();
    let answer = post(
        &gateway,
        "/v1/completions",
        json!({"model": "echo", "prompt": "a TOP-SECRET"}),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.json()["choices"][0]["text"]
            .as_str()
            .unwrap()
            .contains("redacted]"),
        "{answer:?}"
    );

    let answer = post(
        &gateway,
        "/v1/embeddings",
        json!({"model": "echo", "input": ["a", "b"]}),
    )
    .await;
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 2, "{answer:?}");

    let answer = post(
        &gateway,
        "/v1/responses",
        json!({"model": "echo", "input": "a TOP-SECRET"}),
    )
    .await;
    let output = answer.json()["output"].to_string();
    assert!(
        output.contains("redacted]") && !output.contains("TOP-SECRET"),
        "{output}"
    );
}

#[tokio::test]
async fn a_streamed_response_says_the_same_in_its_deltas_and_in_its_repeats() {
    let gateway = Gateway::start(&plugin(TYPED_GUARD, ""));
    let body = json!({"model": "echo-split-3", "input": "it is TOP-SECRET, shh", "stream": true});
    let answer = post(&gateway, "/v1/responses", body).await;
    let events: Vec<serde_json::Value> = answer
        .events()
        .iter()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let of = |kind: &str| {
        events
            .iter()
            .filter(|it| it["type"] == kind)
            .cloned()
            .collect::<Vec<_>>()
    };
    let deltas: String = of("response.output_text.delta")
        .iter()
        .map(|it| it["delta"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(deltas, "echo: it is [redacted], shh");
    assert_eq!(of("response.output_text.done")[0]["text"], deltas.as_str());
    assert_eq!(
        of("response.completed")[0]["response"]["output"][0]["content"][0]["text"],
        deltas.as_str()
    );
    assert!(!answer.body.contains("SECRET"), "{}", answer.body);
}

#[tokio::test]
async fn a_refusal_is_an_error_in_openais_shape_that_names_the_plugin() {
    let gateway = both();
    for body in [chat("echo", "forbidden-word"), streamed("echo", "forbidden-word")] {
        let answer = post(&gateway, "/v1/chat/completions", body).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.error(), "heimdall-guard: the request holds a banned word");
        assert_eq!(answer.json()["error"]["code"], "banned_word");
    }
}

#[tokio::test]
async fn a_legacy_plugins_refusal_looks_the_same() {
    let gateway = Gateway::start(&plugin(TINYGO, ""));
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "forbidden-word")).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (403, "tinygo: the request holds a banned word")
    );
}

#[tokio::test]
async fn an_http_hook_closes_a_path_before_the_body_is_looked_at() {
    let gateway = Gateway::start(&plugin(TYPED_GUARD, "config = { closed_paths = [\"/v1/embeddings\"] }"));
    let answer = post(&gateway, "/v1/embeddings", "this is no JSON").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (403, "heimdall-guard: this path is closed")
    );
}

#[tokio::test]
async fn an_upstreams_error_reaches_the_client_as_it_came() {
    let gateway = both();
    let answer = post(&gateway, "/v1/chat/completions", chat("echo-error-429", "hi")).await;
    assert_eq!(answer.status, 429);
    assert!(answer.error().contains("429"), "{answer:?}");
}

#[tokio::test]
async fn models_health_and_readiness_answer() {
    let gateway = both();
    let models = get(&gateway, "/v1/models").await;
    assert_eq!(models.json()["object"], "list");
    assert!(models.body.contains("\"echo\""), "{models:?}");
    assert_eq!(get(&gateway, "/healthz").await.status, 200);
    let ready = get(&gateway, "/readyz").await;
    assert!(
        ready.body.contains("heimdall-guard") && ready.body.contains("legacy-gen3"),
        "{ready:?}"
    );
}

#[tokio::test]
async fn a_clients_request_id_is_kept_and_a_bad_one_replaced() {
    let gateway = Gateway::start("");
    for (sent, kept) in [("abc-123", true), ("two words", false)] {
        let request = client()
            .get(format!("{}/v1/models", gateway.url))
            .header("x-request-id", sent);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.header("x-request-id") == Some(sent), kept, "{sent}");
    }
}
