//! `heimdall call`.

use std::io::Write;
use std::process::Stdio;

use heimdall_tests::guests::{self, Guest};
use heimdall_tests::process::heimdall;
use serde_json::json;

use super::{Desk, Ran, chat, trapping};
use crate::wat::packed;

#[test]
fn call_shows_what_each_hook_changes() {
    let desk = Desk::with_examples();
    let legacy = guests::GEN3;
    let cases: [(Guest, &str, &[&str], &str, &str); 10] = [
        (guests::TYPED_GUARD, "on-request", &[], "proceed", "+x-guard-request"),
        (
            guests::TYPED_GUARD,
            "before-call",
            &[],
            "proceed",
            "+context guard/messages = 1",
        ),
        (
            guests::TYPED_GUARD,
            "after-call",
            &["--response", "response.json"],
            "proceed",
            "[redacted]",
        ),
        (guests::TYPED_GUARD, "on-response", &[], "proceed", "+x-guard"),
        (
            guests::TYPED_GUARD,
            "pre-llm-hook",
            &[],
            "proceed",
            "+      \"role\": \"system\"",
        ),
        (legacy, "http_pre_hook", &[], "proceed", "+x-legacy"),
        (legacy, "pre_hook", &[], "proceed", "\"role\": \"system\""),
        (legacy, "before-call", &[], "proceed", "\"role\": \"system\""),
        (
            legacy,
            "post_hook",
            &["--response", "response.json"],
            "proceed",
            "[gen3 redacted]",
        ),
        (legacy, "http_post_hook", &[], "proceed", "+x-legacy"),
    ];
    for (guest, hook, more, outcome, words) in cases {
        let file = guest.path().display().to_string();
        let arguments = [&["call", &file, hook, "--json"], more].concat();
        let ran = desk.run(&arguments);
        let report = ran.json();
        let diff = report["calls"][0]["diff"].as_str().unwrap();
        assert_eq!(
            (ran.code, &report["calls"][0]["outcome"]),
            (0, &json!(outcome)),
            "{hook}: {report}"
        );
        assert!(diff.contains(words), "{hook}: {diff}");
        assert!(report["memory_bytes"].as_u64().unwrap() >= 65_536, "{hook}: {report}");
        assert_eq!(report["instances"], 1, "{hook}");
    }
}

#[test]
fn call_gives_each_chunk_of_a_stream_and_the_end_to_a_plugin() {
    let desk = Desk::with_examples();
    let events = ["TOP-", "SECRET", " it is."].map(|text| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
        format!(
            "data: {}\n\n",
            json!({"object": "chat.completion.chunk", "choices": [choice]})
        )
    });
    desk.write("stream.sse", events.concat() + "data: [DONE]\n\n");
    let call = |file: &str, hook: &str| {
        let ran = desk.run(&["call", file, hook, "--stream", "--response", "stream.sse", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()["calls"].as_array().unwrap().clone()
    };
    let calls = call("guard.wasm", "on-chunk");
    assert_eq!(calls.len(), 3);
    assert!(calls[1]["diff"].to_string().contains("[redacted]"), "{calls:?}");
    let calls = call("guard.wasm", "on-end");
    assert_eq!((calls.len(), &calls[3]["outcome"]), (4, &json!("held_back")));
    assert_eq!(
        call("legacy.wasm", "post_hook").len(),
        3,
        "a legacy post hook sees each chunk"
    );
    assert_eq!(call("legacy.wasm", "http_stream_chunk_hook").len(), 3);
    assert_eq!(
        call("guard.wasm", "after-call").len(),
        1,
        "a typed plugin gets the stream put together"
    );
}

#[test]
fn a_refusal_is_an_outcome_and_a_failure_is_not() {
    let desk = Desk::with_examples();
    desk.write("config.json", r#"{"banned": ["internal-only"]}"#);
    desk.write("request.json", chat("this is internal-only").to_string());
    let ran = desk.run(&[
        "call",
        "guard.wasm",
        "before-call",
        "--request",
        "request.json",
        "--config",
        "@config.json",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("refused with status 403") && ran.out.contains("code banned_word"),
        "{}",
        ran.out
    );

    desk.write("trap.wasm", trapping());
    let ran = desk.run(&["call", "trap.wasm", "pre_hook", "--json"]);
    let report = ran.json();
    assert_eq!(
        (ran.code, &report["calls"][0]["outcome"]),
        (1, &json!("failed")),
        "{report}"
    );
    assert!(
        report["calls"][0]["detail"]["cause"].to_string().contains("trapped"),
        "{report}"
    );
    let ran = desk.run(&["call", "trap.wasm", "pre_hook"]);
    for words in [
        "trap.wasm",
        "`pre_hook`",
        "it trapped",
        "report it to the plugin's author",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn call_says_what_is_wrong_with_what_it_was_given() {
    let desk = Desk::with_examples();
    desk.write("models.json", r#"{"method": "GET", "path": "/v1/models"}"#);
    desk.write("number.json", "1");
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (
            &["guard.wasm", "bogus"],
            2,
            &["no hook `bogus`", "before-call", "pre-llm-hook"],
        ),
        (
            &["legacy.wasm", "on-end"],
            2,
            &["no hook `on-end`", "http_stream_chunk_hook"],
        ),
        (
            &["request.json", "before-call"],
            3,
            &["request.json", "not WebAssembly"],
        ),
        (&["nowhere.wasm", "before-call"], 2, &["nowhere.wasm"]),
        (
            &["guard.wasm", "before-call", "--request", "nowhere.json"],
            2,
            &["nowhere.json"],
        ),
        (
            &["guard.wasm", "before-call", "--request", "number.json"],
            2,
            &["number.json", "object"],
        ),
        (
            &["guard.wasm", "before-call", "--request", "models.json"],
            2,
            &["/v1/models", "no model is called"],
        ),
        (&["guard.wasm", "before-call", "--config", "{"], 2, &["--config"]),
        (
            &["guard.wasm", "before-call", "--config", r#"{"banned": 1}"#],
            2,
            &["banned"],
        ),
        (
            &["legacy.wasm", "pre_hook", "--option", "chunk_form=xml"],
            2,
            &["chunk_form", "xml"],
        ),
        (
            &["guard.wasm", "before-call", "--limit", "memory_mb=1"],
            2,
            &["--limit: there is no setting `limits.memory_mb`; did you mean `memory_mib`?"],
        ),
        (
            &["guard.wasm", "before-call", "--limit", "hook_timeout_ms=0"],
            2,
            &["--limit: `limits.hook_timeout_ms` has to be above 0"],
        ),
    ];
    for (arguments, code, words) in cases {
        let ran = desk.run(&[&["call"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(
            words.iter().all(|words| ran.error.contains(words)),
            "{arguments:?}: {}",
            ran.error
        );
        // A script that reads JSON is told where it reads.
        let ran = desk.run(&[&["call", "--json"], arguments].concat());
        let error = ran.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(
            words.iter().all(|words| error.contains(words)),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn call_takes_budgets_as_a_configuration_has_them() {
    let desk = Desk::with_examples();
    desk.write("endless.wasm", packed("(loop (br 0)) unreachable", ""));
    let ran = desk.run(&["call", "endless.wasm", "pre_hook", "--limit", "hook_timeout_ms=20"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("did not return within 20ms"), "{}", ran.out);
}

#[test]
fn call_hides_the_headers_that_serve_hides() {
    let desk = Desk::with_examples();
    let request = json!({"headers": {"Authorization": "Bearer sk-1", "x-a": "b"}, "body": chat("hello")});
    desk.write("request.json", request.to_string());
    let call = |more: &[&str]| {
        let arguments = [
            "call",
            "guard.wasm",
            "on-request",
            "--request",
            "request.json",
            "--json",
        ];
        let ran = desk.run(&[&arguments, more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let report = ran.json();
        (
            report["hidden_headers"].clone(),
            report["calls"][0]["diff"].to_string().contains("sk-1"),
        )
    };
    assert_eq!(call(&[]), (json!(["authorization"]), false));
    assert_eq!(call(&["--show-headers"]), (json!([]), true));
}

#[test]
fn call_prints_what_a_plugin_wrote_before_its_init_failed() {
    let desk = Desk::new();
    desk.write("failing.wasm", failing_init("no rules were found"));
    let ran = desk.run(&["call", "failing.wasm", "pre_hook"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.error.contains("no rules were found") && ran.error.contains("init"),
        "{}",
        ran.error
    );
    let ran = desk.run(&["call", "failing.wasm", "pre_hook", "--json"]);
    let report = ran.json();
    assert_eq!(report["log"][0]["message"], "no rules were found", "{report}");
    assert!(report["error"].to_string().contains("init"), "{report}");
}

/// A packed guest whose `init` writes this line and fails.
fn failing_init(line: &str) -> Vec<u8> {
    let length = line.len() + 1;
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 2048) "{line}\n") (data (i32.const 2040) "\00\08\00\00\{length:02x}\00\00\00")
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "init") (param i32 i32) (result i32)
                (drop (call $write (i32.const 1) (i32.const 2040) (i32.const 1) (i32.const 2000)))
                i32.const 1)
            (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#
    ))
    .unwrap()
}

#[test]
fn call_reads_a_request_from_standard_input_and_repeats_it() {
    let desk = Desk::with_examples();
    let mut command = heimdall(desk.path());
    command.args([
        "call",
        "guard.wasm",
        "before-call",
        "--request",
        "-",
        "--repeat",
        "20",
        "--json",
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let request = json!({"path": "/v1/embeddings", "body": {"model": "m", "input": "from standard input"}});
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.to_string().as_bytes())
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    let report = ran.json();
    assert_eq!((ran.code, &report["repeat"]["calls"]), (0, &json!(20)), "{report}");
    let time = |name: &str| report["repeat"]["time_us"][name].as_f64().unwrap();
    assert!(time("min") <= time("p50") && time("p50") <= time("p99") && time("p99") <= time("max"));
    assert_eq!(report["calls"].as_array().unwrap().len(), 1);
}
