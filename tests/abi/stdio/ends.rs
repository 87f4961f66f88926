//! How a plugin ends, with an answer and without one.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Callable, Json};
use serde_json::json;

use super::command::{ANSWER, command};
use super::{cause, kit};
use crate::support::load;

async fn by_hand(texts: &[(&str, u32, &str)], start: &str) -> Callable {
    load(command(texts, start), |settings| {
        settings.limits.hook_timeout = Duration::from_millis(200)
    })
    .await
    .unwrap()
}

async fn failure(texts: &[(&str, u32, &str)], start: &str) -> Cause {
    cause(by_hand(texts, start).await.call::<()>("any", ()).await.unwrap_err())
}

#[tokio::test]
async fn a_plugin_that_exits_without_an_answer_says_so_with_its_last_lines() {
    let plugin = kit(|_| {}).await;
    let error = plugin.call::<()>("exit", ()).await.unwrap_err();
    assert_eq!(
        cause(error).to_string(),
        r#"it exited without an answer; it said last: "about to exit""#
    );
    let error = plugin.call::<()>("exit", 3).await.unwrap_err();
    assert_eq!(
        cause(error).to_string(),
        r#"it exited with status 3 without an answer; it said last: "about to exit""#
    );
}

#[tokio::test]
async fn a_request_that_the_kit_cant_read_is_exited_without_an_answer() {
    let plugin = kit(|_| {}).await;
    let error = plugin.call::<()>("echo", r#""\ud800""#).await.unwrap_err();
    assert_eq!(cause(error).to_string(), "it exited without an answer");
}

#[tokio::test]
async fn a_start_that_returns_without_an_answer_has_exited() {
    let exited = |cause, wanted| matches!(cause, Cause::Unanswered { status, .. } if status == wanted);
    assert!(exited(failure(&[], "").await, 0));
    assert!(exited(failure(&[], "(call $proc_exit (i32.const 0))").await, 0));
    assert!(exited(failure(&[], "(call $proc_exit (i32.const 3))").await, 3));
    assert!(exited(
        failure(&[], "(drop (call $proc_raise (i32.const 6)))").await,
        134
    ));
    assert!(exited(
        failure(&[], "(drop (call $proc_raise (i32.const 17)))").await,
        0
    ));
}

#[tokio::test]
async fn a_panic_is_a_trap_with_what_it_said() {
    let plugin = kit(|_| {}).await;
    let error = plugin
        .call::<()>("panics", Json(json!("out of order")))
        .await
        .unwrap_err();
    let Cause::Trap(text) = cause(error) else {
        panic!("no trap")
    };
    assert!(text.contains("unreachable") && text.contains("out of order"), "{text}");
}

#[tokio::test]
async fn a_trap_after_the_request_was_read_is_a_trap() {
    let trapped = failure(&[], "(drop (call $read_line)) unreachable").await;
    assert!(matches!(trapped, Cause::Trap(_)), "{trapped:?}");
}

#[tokio::test]
async fn the_answer_counts_whatever_comes_after_it() {
    let texts = [ANSWER, ("garbage", 1, "garbage\n")];
    for after in [
        "",
        "unreachable",
        "(call $proc_exit (i32.const 3))",
        "(call $garbage)",
        "(loop $on (br $on))",
        "(drop (call $read_line)) (drop (call $read_line))",
    ] {
        let plugin = by_hand(&texts, &format!("(call $answer) {after}")).await;
        let Json(result): Json<bool> = plugin.call("any", ()).await.unwrap();
        assert!(result, "{after}");
    }
}

#[tokio::test]
async fn an_answer_without_the_end_of_its_line_counts_once_the_plugin_has_ended() {
    let text = ANSWER.2.trim_end();
    for end in ["", "(call $proc_exit (i32.const 1))"] {
        let plugin = by_hand(&[("answer", 1, text)], &format!("(call $answer) {end}")).await;
        plugin.call::<()>("any", ()).await.unwrap();
    }
    let cut = failure(&[("answer", 1, &text[..20])], "(call $answer)").await;
    assert!(matches!(cut, Cause::Unanswered { status: 0, .. }), "{cut:?}");
}

#[tokio::test]
async fn standard_input_has_no_end() {
    let waits = failure(&[], "(drop (call $read_line)) (drop (call $read_line)) unreachable").await;
    assert!(matches!(waits, Cause::Deadline(_)), "{waits:?}");
}

#[tokio::test]
async fn a_plugin_that_never_answers_meets_its_deadline() {
    let plugin = kit(|settings| settings.limits.hook_timeout = Duration::from_millis(200)).await;
    let error = plugin.call::<()>("spin", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::Deadline(_)));
    let endless = failure(&[], "(loop $on (br $on))").await;
    assert!(matches!(endless, Cause::Deadline(_)), "{endless:?}");
    let usage = plugin.usage();
    assert_eq!((usage.live, usage.discarded), (0, 1));
}

#[tokio::test]
async fn a_plugin_that_takes_too_many_steps_is_ended() {
    let plugin = kit(|settings| settings.limits.fuel = Some(10_000_000)).await;
    plugin.call::<()>("ping", ()).await.unwrap();
    let error = plugin.call::<()>("spin", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::OutOfFuel(10_000_000)));
}

#[tokio::test]
async fn a_call_can_be_cancelled() {
    let plugin = kit(|_| {}).await;
    let handle = plugin.cancel_handle();
    let (called, ()) = tokio::join!(plugin.call::<()>("spin", ()), async { handle.cancel() });
    assert!(matches!(called.unwrap_err().cause, CallCause::Cancelled));
    plugin.call::<()>("ping", ()).await.unwrap();
}
