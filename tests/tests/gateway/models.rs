//! `GET /v1/models`: the models of all upstreams, however each of them does.

use heimdall_tests::process::{Gateway, Replay};
use serde_json::{Value, json};

use crate::servers::{json as answer, scripted};
use crate::support::*;

const LIST: &str = "streams/models.json";

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.json();
    assert_eq!(list["object"], "list");
    let ids = list["data"].as_array().unwrap().iter();
    ids.map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

fn lists(replay: &Replay, name: &str, behaviour: &str) -> String {
    upstream(name, &replay.upstream(behaviour, LIST), "")
}

/// The ids of the recorded list.
fn recorded() -> Vec<String> {
    let list: Value = serde_json::from_str(&fixture(LIST)).unwrap();
    let models = list["data"].as_array().unwrap().iter();
    models.map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn models_are_listed_by_the_names_that_lead_to_them_and_aliases_with_them() {
    let replay = replay();
    let rules = "default_upstream = \"e\"\naliases = { smart = \"mill/x\" }\n\
                 [[routes]]\nmodels = [\"*-0\"]\nupstream = \"mill\"\n[upstreams.e]\nkind = \"echo\"\n";
    let gateway = Gateway::start(&(rules.to_owned() + &lists(&replay, "mill", "whole")));
    let listed = ids(&get(&gateway, "/v1/models").await);
    for id in recorded() {
        let name = if id.ends_with("-0") { id } else { format!("mill/{id}") };
        assert!(listed.contains(&name), "{name}: {listed:?}");
        let one = get(&gateway, &format!("/v1/models/{name}")).await;
        assert_eq!((one.status, &one.json()["id"]), (200, &json!(name)), "{one:?}");
    }
    assert!(
        listed.contains(&"echo".to_owned()) && listed.contains(&"smart".to_owned()),
        "{listed:?}"
    );
    let alias = get(&gateway, "/v1/models/smart").await.json();
    assert_eq!(
        alias,
        json!({"id": "smart", "object": "model", "created": 0, "owned_by": "mill"})
    );
    let encoded = format!("/v1/models/mill%2F{}", recorded()[0]);
    assert_eq!(get(&gateway, &encoded).await.status, 200);
}

#[tokio::test]
async fn a_model_that_is_not_there_is_not_found_in_openais_shape() {
    let gateway = Gateway::start("");
    let answer = get(&gateway, "/v1/models/gpt-none").await;
    let expected = json!({"error": {"message": "The model 'gpt-none' does not exist.", "type": "invalid_request_error",
        "param": "model", "code": "model_not_found"}});
    assert_eq!((answer.status, answer.json()), (404, expected));
    let deleted = client()
        .delete(format!("{}/v1/models/echo", gateway.url))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status().as_u16(), 405);
}

#[tokio::test]
async fn a_list_is_remembered_unless_it_is_not_to_be() {
    for (more, asked_again) in [("models_cache_ms = 3600000\n", false), ("models_cache_ms = 0\n", true)] {
        let replay = replay();
        let gateway = Gateway::start(&(more.to_owned() + &lists(&replay, "mill", "whole")));
        assert_eq!(ids(&get(&gateway, "/v1/models").await), recorded());
        // Another request takes its place as the last one that was seen.
        told(&replay, "/whole/streams/models.json/v1/other").await;
        assert_eq!(ids(&get(&gateway, "/v1/models").await), recorded());
        let seen = told(&replay, "/seen").await;
        assert_eq!(seen.contains("/v1/models HTTP"), asked_again, "{more}: {seen}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_slow_or_fails_does_not_hold_up_the_rest() {
    let replay = replay();
    for behaviour in ["hang", "status-500", "close"] {
        let config = "[upstreams.e]\nkind = \"echo\"\n".to_owned() + &lists(&replay, "mill", behaviour);
        let gateway = Gateway::start(&config);
        let listed = ids(&get(&gateway, "/v1/models").await);
        assert!(
            listed.iter().all(|id| id.starts_with("e/")) && !listed.is_empty(),
            "{behaviour}: {listed:?}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_is_alone_and_fails_is_told_of() {
    let replay = replay();
    let gateway = Gateway::start(&lists(&replay, "mill", "status-500"));
    let answer = get(&gateway, "/v1/models").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(
        answer.error().contains("`mill` answered with status 500"),
        "{}",
        answer.error()
    );
}

#[tokio::test]
async fn an_upstreams_words_forge_no_line_of_the_log() {
    let words = r#"{"error":{"message":"no\nforged line\u001b[31m"}}"#;
    let server = scripted(move |_| answer(500, words)).await;
    let gateway = Gateway::start(&upstream("mill", &server.url(), ""));
    assert_eq!(get(&gateway, "/v1/models").await.status, 502);
    printed(&gateway, "the upstream gave no list of its models").await;
    let output = gateway.output();
    assert!(output.contains(r"status 500: no\nforged line"), "{output}");
    assert!(
        !output.contains("\nforged line") && !output.contains("\u{1b}[31m"),
        "{output}"
    );
}
