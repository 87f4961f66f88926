//! What clients and operators get wrong: each has an answer in words, and nothing is lost.

use heimdall_tests::guests::{TYPED_GUARD, TYPED_TAG};
use heimdall_tests::process::{Gateway, run};

use crate::support::*;

#[tokio::test]
async fn bad_requests_are_answered_in_openais_shape() {
    let gateway = Gateway::start(&format!("max_body_mib = 1\n{}", plugin(TYPED_GUARD, "")));
    let large = chat("echo", &"x".repeat(1 << 20)).to_string();
    // (path, body, status, words)
    let cases = [
        ("/v1/chat/completions", "this is no JSON", 400, "body"),
        ("/v1/chat/completions", "", 400, "body"),
        ("/v1/chat/completions", "[]", 400, "object"),
        ("/v1/chat/completions", r#"{"messages":[]}"#, 400, "model"),
        ("/v1/chat/completions", r#"{"model":7}"#, 400, "model"),
        ("/v1/chat/completions", r#"{"model":"a","stream":"yes"}"#, 400, "stream"),
        ("/v1/chat/completions", r#"{"model":"a","model":"b"}"#, 400, "model"),
        ("/v1/chat/completions", &large, 413, "1048576"),
        ("/v1/audio/speech", "{}", 404, "/v1/audio/speech"),
        ("/nowhere", "{}", 404, "/nowhere"),
        ("/v1/models", "{}", 405, "GET"),
    ];
    for (path, body, status, words) in cases {
        let answer = post(&gateway, path, body).await;
        assert_eq!(
            answer.status,
            status,
            "{path} {}: {answer:?}",
            &body[..body.len().min(50)]
        );
        assert!(answer.error().contains(words), "{path}: {}", answer.error());
    }
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "still here")).await;
    assert_eq!(answer.status, 200);
}

#[test]
fn a_configuration_with_a_mistake_is_refused_in_words() {
    // (configuration, words)
    let missing = "[[plugins]]\npath = \"nowhere.wasm\"\n";
    let twice = format!("{}{}", plugin(TYPED_TAG, ""), plugin(TYPED_TAG, ""));
    let bad_plugin_config = plugin(TYPED_GUARD, "config = { baned = [\"x\"] }");
    let cases = [
        ("listn = \"127.0.0.1:1\"", vec!["listn", "listen", "heimdall.toml:2"]),
        ("max_body_mib = \"large\"", vec!["heimdall.toml:2:16", "whole number"]),
        ("[[plugins]]\npaht = \"x.wasm\"", vec!["paht", "path"]),
        (missing, vec!["nowhere.wasm", "can't be read"]),
        (&twice, vec!["heimdall-tag"]),
        (&bad_plugin_config, vec!["baned", "heimdall-guard"]),
        ("[upstreams.a]\nbase_url = \"not a url\"", vec!["base_url", "a"]),
    ];
    for (config, words) in cases {
        let (status, output) = Gateway::try_start(config).map(drop).unwrap_err();
        assert!(status == 1 || status == 2, "{config}: {status}");
        for word in words {
            assert!(output.contains(word), "{config}: {word:?} is not in\n{output}");
        }
    }
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_the_configuration_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("heimdall.toml");
    std::fs::write(&file, "listen = \"0.0.0.0:0\"\n").unwrap();
    let (status, _, message) = run(&["serve", "--config", file.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(message.contains("0.0.0.0") && message.contains("auth"), "{message}");
}

/// (file name, bytes, words of the message)
fn bad_files() -> Vec<(&'static str, Vec<u8>, Vec<&'static str>)> {
    let truncated = TYPED_GUARD.bytes()[..2000].to_vec();
    let unknown_import = wat::parse_str(
        r#"(module (import "env" "mystery" (func)) (memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) i32.const 8)
            (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#,
    )
    .unwrap();
    let near_miss = wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) i32.const 8)
            (func (export "pre_hook") (param i32 i32 i32) (result i64) i64.const 0))"#,
    )
    .unwrap();
    let nothing = wat::parse_str("(module)").unwrap();
    let failing = wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) i32.const 1024)
            (func (export "init") (param i32 i32) (result i32) i32.const 7)
            (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#,
    )
    .unwrap();
    vec![
        ("empty.wasm", Vec::new(), vec!["empty"]),
        ("text.wasm", b"hello, this is a text".to_vec(), vec!["text", "hello"]),
        ("page.wasm", b"<!DOCTYPE html><html>".to_vec(), vec!["HTML"]),
        ("cut.wasm", truncated, vec!["cut.wasm"]),
        ("import.wasm", unknown_import, vec!["env", "mystery"]),
        ("near.wasm", near_miss, vec!["pre_hook", "3 parameters"]),
        ("nothing.wasm", nothing, vec!["nothing"]),
        ("failing.wasm", failing, vec!["init", "7"]),
    ]
}

#[tokio::test]
async fn a_file_that_is_no_plugin_is_refused_with_a_reason_and_under_open_the_others_serve() {
    for (name, bytes, words) in bad_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let entry = |policy: &str| format!("[[plugins]]\nname = \"bad\"\npath = {file:?}\non_failure = {policy:?}\n");
        let (status, output) = Gateway::try_start(&entry("closed")).map(drop).unwrap_err();
        assert_eq!(status, 1, "{name}: {output}");
        for word in words.iter().chain([&name]) {
            assert!(output.contains(word), "{name}: {word:?} is not in\n{output}");
        }
        let gateway = Gateway::start(&format!("{}{}", entry("open"), plugin(TYPED_TAG, "")));
        let answer = post(&gateway, "/v1/chat/completions", chat("echo", "hi")).await;
        assert_eq!(
            answer.json()["choices"][0]["message"]["content"],
            "echo: hi [tag:tagged]"
        );
        let ready = get(&gateway, "/readyz").await;
        assert!(ready.body.contains("bad"), "{ready:?}");
    }
}

#[test]
fn inspect_tells_what_a_file_is_or_why_it_is_no_plugin() {
    let guard = TYPED_GUARD.path();
    let (status, text, _) = run(&["inspect", guard.to_str().unwrap()]);
    assert_eq!(status, 0);
    for word in ["typed component", "0.1.0", "pre-llm-hook", "heimdall:plugin/llm-types"] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    let (status, text, _) = run(&["inspect", "--json", guard.to_str().unwrap()]);
    assert_eq!(status, 0);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["kind"],
        "typed component"
    );
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes, words) in bad_files()
        .into_iter()
        .filter(|(name, ..)| *name != "failing.wasm" && *name != "import.wasm")
    {
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let (status, out, message) = run(&["inspect", file.to_str().unwrap()]);
        assert_eq!(status, 3, "{name}: {out}{message}");
        for word in words {
            assert!(message.contains(word), "{name}: {word:?} is not in\n{message}");
        }
    }
}
