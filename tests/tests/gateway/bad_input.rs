//! What clients and operators get wrong: each has an answer in words, and nothing is lost.

use std::process::Command;
use std::sync::mpsc;
use std::time::Instant;

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

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_at_the_cap() {
    let gateway = Gateway::start("max_body_mib = 1");
    let pieces = (0..3).map(|_| Ok::<_, std::io::Error>(vec![b' '; 512 << 10]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = client().post(format!("{}/v1/chat/completions", gateway.url)).body(body);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.error().contains("1048576"), "{}", answer.error());
}

#[tokio::test]
async fn bodies_over_what_all_may_have_together_are_refused_until_another_request_is_over() {
    let replay = replay();
    let config = "max_body_mib = 1\nmax_bodies_mib = 1\n".to_owned()
        + &echo("well")
        + &upstream("slow", &replay.upstream("hang", "streams/chat.sse"), "");
    let gateway = Gateway::start(&config);
    let large = "x".repeat(600_000);
    let request = client().post(format!("{}/v1/chat/completions", gateway.url));
    let first = tokio::spawn(request.body(chat("slow/m", &large).to_string()).send());
    // Its body is read, and it waits for its upstream.
    eventually(&replay, "/open", "1").await;
    let refused = post(&gateway, "/v1/chat/completions", chat("well/m", &large)).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &"overloaded".into()),
        "{refused:?}"
    );
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let small = post(&gateway, "/v1/chat/completions", chat("well/m", "hi")).await;
    assert_eq!(small.status, 200, "{small:?}");
    first.abort();
    let started = Instant::now();
    loop {
        let answer = post(&gateway, "/v1/chat/completions", chat("well/m", &large)).await;
        if answer.status == 200 {
            return;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(started.elapsed() < PATIENCE, "{}", gateway.output());
    }
}

/// Opening a pipe waits for its other end, which nobody has here.
#[test]
fn a_key_in_a_pipe_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("key");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let key = format!("keys = [{{ file = {pipe:?} }}]");
    for config in [
        format!("[client_keys.a]\nfile = {pipe:?}\n"),
        upstream("mill", "http://127.0.0.1:1/v1", &key),
    ] {
        let (ended, end) = mpsc::sync_channel(1);
        let started = config.clone();
        std::thread::spawn(move || ended.send(Gateway::try_start(&started).map(drop)));
        let (status, output) = end.recv_timeout(PATIENCE).expect("it waits").unwrap_err();
        assert_eq!(status, 2, "{config}: {output}");
        assert!(output.contains("key` is no regular file"), "{config}: {output}");
    }
}

#[test]
fn a_configuration_with_a_mistake_is_refused_in_words() {
    let twice = format!("{}{}", plugin(TYPED_TAG, ""), plugin(TYPED_TAG, ""));
    let bad_plugin_config = plugin_named("wall", &TYPED_GUARD.path(), "config = { baned = [\"x\"] }");
    let two_that_fail = format!("{bad_plugin_config}\n[[plugins]]\npath = \"nowhere.wasm\"\n");
    // (configuration, exit code, words)
    let cases = [
        (
            "listn = \"127.0.0.1:1\"",
            2,
            vec!["`listn`", "`listen`", "heimdall.toml:2:1:"],
        ),
        (
            "max_body_mib = \"large\"",
            2,
            vec!["heimdall.toml:2:16:", "invalid type: a text", "whole number"],
        ),
        (
            "[[plugins]]\npaht = \"x.wasm\"",
            2,
            vec!["heimdall.toml:3:1:", "`plugins[0].paht`", "`path`"],
        ),
        (
            "[[plugins]]\npath = \"nowhere.wasm\"",
            1,
            vec![
                "nowhere.wasm` can't be loaded",
                "nowhere.wasm can't be read",
                "No such file",
            ],
        ),
        // Of several the first in order, however long each takes to fail.
        (
            &two_that_fail,
            1,
            vec!["the plugin `wall` can't be loaded", "'baned' was unexpected"],
        ),
        (
            &twice,
            2,
            vec![
                "heimdall.toml:7:1: a second plugin is called `heimdall-tag`",
                "heimdall.toml:3:1;",
            ],
        ),
        (
            &bad_plugin_config,
            1,
            vec!["the plugin `wall`", "'baned' was unexpected"],
        ),
        (
            "[upstreams.mill]\nbase_url = \"not a url\"",
            2,
            vec!["heimdall.toml:3:1:", "`upstreams.mill.base_url`", "no URL"],
        ),
    ];
    for (config, code, words) in cases {
        let (status, output) = Gateway::try_start(config).map(drop).unwrap_err();
        assert_eq!(status, code, "{config}: {output}");
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

struct BadFile {
    name: &'static str,
    bytes: Vec<u8>,
    /// Words of the message at a start.
    words: Vec<&'static str>,
    /// How `inspect` ends, which runs nothing, and words of what it prints.
    inspected: (i32, Vec<&'static str>),
}

/// A packed module with these items, and a hook with these parameters.
fn packed(imports: &str, items: &str, parameters: &str) -> Vec<u8> {
    ::wat::parse_str(format!(
        r#"(module {imports} (memory (export "memory") 1) {items}
            (func (export "malloc") (param i32) (result i32) i32.const 1024)
            (func (export "pre_hook") (param {parameters}) (result i64) i64.const 0))"#
    ))
    .unwrap()
}

fn bad_files() -> Vec<BadFile> {
    let same = |name, bytes, words: Vec<&'static str>| BadFile {
        name,
        bytes,
        words: words.clone(),
        inspected: (3, words),
    };
    let truncated = TYPED_GUARD.bytes()[..2000].to_vec();
    let failing = r#"(func (export "init") (param i32 i32) (result i32) i32.const 7)"#;
    vec![
        same("a.wasm", Vec::new(), vec!["is empty"]),
        same(
            "b.wasm",
            b"hello, this is prose".to_vec(),
            vec!["is a text file, not WebAssembly", "hello, this is prose"],
        ),
        same(
            "c.wasm",
            b"<!DOCTYPE html><html>".to_vec(),
            vec!["is an HTML page, not WebAssembly"],
        ),
        same("d.wasm", truncated, vec!["is truncated", "download it again"]),
        same(
            "e.wasm",
            packed("", "", "i32 i32 i32"),
            vec!["no kind of plugin", "pre_hook with 3 parameters"],
        ),
        same(
            "f.wasm",
            ::wat::parse_str("(module)").unwrap(),
            vec!["no kind of plugin", "it exports: nothing"],
        ),
        BadFile {
            name: "g.wasm",
            bytes: packed(r#"(import "env" "mystery" (func))"#, "", "i32 i32"),
            words: vec!["imports what this host does not offer: env.mystery()"],
            inspected: (3, vec!["env.mystery() (this host does not offer it)"]),
        },
        BadFile {
            name: "h.wasm",
            bytes: packed("", failing, "i32 i32"),
            words: vec!["`bad`", "failed in `init`", "`init` returned 7"],
            inspected: (0, vec!["packed ABI", "init(i32, i32) -> i32"]),
        },
    ]
}

#[tokio::test]
async fn a_file_that_is_no_plugin_is_refused_with_a_reason_and_under_open_the_others_serve() {
    for BadFile { name, bytes, words, .. } in bad_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let entry = |policy: &str| plugin_named("bad", &file, &format!("on_failure = {policy:?}"));
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
        assert!(ready.body.contains("\"bad\""), "{ready:?}");
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
    for BadFile {
        name, bytes, inspected, ..
    } in bad_files()
    {
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let (status, text, message) = run(&["inspect", file.to_str().unwrap()]);
        let (code, words) = inspected;
        let printed = text + &message;
        assert_eq!(status, code, "{name}: {printed}");
        for word in words {
            assert!(printed.contains(word), "{name}: {word:?} is not in\n{printed}");
        }
    }
}
