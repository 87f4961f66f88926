//! What a plugin writes, and how much of it; its memory.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::Json;
use serde_json::{Value, json};

use super::command::{ANSWER, command, command_with};
use super::{cause, kit, returned};
use crate::support::load;

#[tokio::test]
async fn output_without_the_end_of_a_line_is_too_large_at_the_limit() {
    let plugin = kit(|settings| settings.limits.output = 100_000).await;
    let error = plugin.call::<()>("flood", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::OutputTooLarge { limit: 100_000, .. }));
    let long = "x".repeat(100_000);
    let error = plugin.call::<()>("echo", Json(&long)).await.unwrap_err();
    assert!(matches!(cause(error), Cause::OutputTooLarge { .. }));
}

#[tokio::test]
async fn a_line_that_is_no_message_can_not_be_used() {
    let plugin = kit(|_| {}).await;
    let error = plugin.call::<()>("stdout", ()).await.unwrap_err();
    let Cause::InvalidOutput(text) = cause(error) else {
        panic!("usable")
    };
    assert!(
        text.contains("no JSON-RPC message") && text.ends_with(": no message"),
        "{text}"
    );
    for line in [
        "\n",
        "{}\n",
        "[]\n",
        "\u{1b}[1m{\n",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1\n",
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1} {}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":NaN}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1,\"result\":2}\n",
        &format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}1{}}}\n",
            "[".repeat(200),
            "]".repeat(200)
        ),
    ] {
        let plugin = load(command(&[("say", 1, line)], "(call $say)"), |_| {}).await.unwrap();
        let error = plugin.call::<()>("any", ()).await.unwrap_err();
        assert!(
            matches!(cause(error), Cause::InvalidOutput(text) if !text.contains('\u{1b}')),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_line_that_is_no_utf_8_can_not_be_used() {
    let line = r#"(data (i32.const 20000) "\ff\0a")"#;
    let start = "(call $write (i32.const 1) (i32.const 20000) (i32.const 2))";
    let plugin = load(command_with(line, &[], start), |_| {}).await.unwrap();
    let error = plugin.call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::InvalidOutput(_)));
}

#[tokio::test]
async fn a_response_to_another_id_is_passed_over_and_many_are_not() {
    let other = (
        "other",
        1,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}\n",
    );
    let plugin = load(
        command(&[other, ANSWER], "(call $other) (call $other) (call $answer)"),
        |_| {},
    );
    plugin.await.unwrap().call::<()>("any", ()).await.unwrap();
    let plugin = load(command(&[other], "(loop $on (call $other) (br $on))"), |_| {});
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::AbiViolation(_)));
}

#[tokio::test]
async fn members_that_nobody_knows_are_passed_over() {
    let answer = "  {\"id\":0,\"more\":{},\"result\":7,\"jsonrpc\":\"1\"}\r\n";
    let plugin = load(command(&[("answer", 1, answer)], "(call $answer)"), |_| {})
        .await
        .unwrap();
    assert_eq!(plugin.call::<i32>("any", ()).await.unwrap(), 7);
}

#[tokio::test]
async fn its_memory_is_limited() {
    let plugin = kit(|settings| settings.limits.memory = 16 << 20).await;
    assert_eq!(plugin.call::<i32>("grow", 4).await.unwrap(), 4);
    let error = plugin.call::<()>("grow", 100).await.unwrap_err();
    assert!(returned(error).starts_with("out of memory at "));
    // Who does not care about what it is denied traps, and is told why.
    let start = "(drop (memory.grow (i32.const 1000))) unreachable";
    let greedy = load(command(&[], start), |settings| settings.limits.memory = 16 << 20);
    let error = greedy.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::OutOfMemory(_)));
}

#[tokio::test]
async fn params_are_limited() {
    let plugin = kit(|settings| settings.limits.input = 1000).await;
    let error = plugin.call::<()>("echo", Json("x".repeat(1000))).await.unwrap_err();
    assert!(matches!(
        cause(error),
        Cause::InputTooLarge {
            size: 1002,
            limit: 1000
        }
    ));
}

#[tokio::test]
async fn large_params_and_results_pass() {
    let plugin = kit(|_| {}).await;
    let large: Vec<Value> = (0..50_000)
        .map(|number| json!({ "number": number, "text": "é\"\n" }))
        .collect();
    let Json(result): Json<Vec<Value>> = plugin.call("echo", Json(&large)).await.unwrap();
    assert_eq!(result, large);
}

/// Vectors of one write are of the same memory over and over: what they come to is not in any memory.
#[tokio::test]
async fn a_write_of_many_vectors_keeps_the_deadline() {
    for stream in [1, 2] {
        let start = format!(
            "(local $at i32)
            (loop $on
              (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 1000000))
              (local.set $at (i32.add (local.get $at) (i32.const 8)))
              (br_if $on (i32.lt_u (local.get $at) (i32.const 8192))))
            (loop $on
              (drop (call $fd_write (i32.const {stream}) (i32.const 0) (i32.const 1024) (i32.const 9000)))
              (br $on))"
        );
        let plugin = load(command(&[], &start), |settings| {
            settings.limits.hook_timeout = Duration::from_millis(100);
        });
        let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
        let cause = cause(error);
        assert!(
            matches!(cause, Cause::Deadline(_) | Cause::OutputTooLarge { .. }),
            "{cause:?}"
        );
    }
}

#[tokio::test]
async fn requests_without_end_are_over_at_the_deadline() {
    let request = (
        "request",
        1,
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"nobody\",\"params\":null}\n",
    );
    // Whenever it waits, the host has a request of its to serve.
    let start =
        "(drop (call $read_line)) (call $request) (loop $again (call $request) (drop (call $read_line)) (br $again))";
    let plugin = load(command(&[request], start), |settings| {
        settings.limits.hook_timeout = Duration::from_millis(100);
    });
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::Deadline(_)));
}
