//! Methods of the host's that a plugin calls while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostError, HostFunctions, Json};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use super::command::{ANSWER, command};
use super::{cause, kit, kit_with, returned};
use crate::support::load;

/// A call of a host method by a hand-written guest.
const REQUEST: (&str, u32, &str) = (
    "request",
    1,
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"note\",\"params\":[1]}\n",
);

#[tokio::test]
async fn a_method_is_found_by_its_name_alone_and_gets_the_params() {
    let functions = HostFunctions::new()
        .function("any namespace", "whole", async |params: Json<Value>| Ok(params))
        .function("", "spread", async |a: i32, b: f64, text: String| {
            Ok(format!("{a} {b} {text}"))
        })
        .function("", "none", async || Ok(()));
    let plugin = kit_with(functions).await;
    let calls = json!([["whole", {"a": [1]}], ["spread", [1, 2.5, "x"]], ["none", null]]);
    let Json(results): Json<Value> = plugin.call("call_host_in_turn", Json(calls)).await.unwrap();
    assert_eq!(results, json!([{"a": [1]}, "1 2.5 x", null]));
}

#[tokio::test]
async fn methods_are_served_side_by_side_while_the_plugin_runs() {
    let (reached, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (waits, opens) = (gate.clone(), gate);
    let notified = reached.clone();
    // The first comes to its end only once the second is there, and the second once the first is.
    let functions = HostFunctions::new()
        .function("host", "first", move |_: Json<Value>| {
            let (waits, reached) = (waits.clone(), notified.clone());
            async move {
                reached.notify_one();
                let _open = waits.acquire().await?;
                Ok(1)
            }
        })
        .function("host", "second", move |_: Json<Value>| {
            let (opens, reached) = (opens.clone(), reached.clone());
            async move {
                reached.notified().await;
                opens.add_permits(1);
                Ok(2)
            }
        });
    let plugin = kit_with(functions).await;
    let Json(results): Json<Vec<i32>> = plugin.call("call_host", ()).await.unwrap();
    assert_eq!(results, [1, 2]);
}

#[tokio::test]
async fn a_hundred_methods_of_one_call_are_all_answered() {
    let (served, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (served.clone(), most.clone());
    let functions = HostFunctions::new().function("host", "slow", move |number: i32| {
        let (running, highest) = (running.clone(), highest.clone());
        async move {
            highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(number)
        }
    });
    let plugin = kit_with(functions).await;
    let calls: Vec<Value> = (0..100).map(|number| json!(["slow", number])).collect();
    let Json(results): Json<Vec<i32>> = plugin.call("call_host", Json(calls)).await.unwrap();
    assert_eq!(results, (0..100).collect::<Vec<_>>());
    assert!((2..=64).contains(&most.load(Ordering::SeqCst)), "{most:?} at once");
}

#[tokio::test]
async fn an_unknown_method_is_not_found() {
    let plugin = kit(|_| {}).await;
    let error = plugin.call::<()>("call_host", Json(json!([["nothing", null]]))).await;
    assert_eq!(returned(error.unwrap_err()), "Method not found (-32601)");
}

#[tokio::test]
async fn params_that_do_not_fit_are_told_as_such() {
    let functions = HostFunctions::new().function("host", "add", async |a: i32, b: i32| Ok(a + b));
    let plugin = kit_with(functions).await;
    let error = plugin.call::<()>("call_host", Json(json!([["add", [1]]]))).await;
    assert_eq!(returned(error.unwrap_err()), "Invalid params (-32602)");
}

#[tokio::test]
async fn an_error_of_a_method_is_told_with_its_message() {
    let functions = HostFunctions::new()
        .function("host", "fatal", async || Err::<(), _>(HostError::fatal("out of order")))
        .function("host", "recoverable", async || {
            Err::<(), _>(HostError::recoverable("try again"))
        });
    let plugin = kit_with(functions).await;
    for (method, text) in [("fatal", "out of order"), ("recoverable", "try again")] {
        let error = plugin.call::<()>("call_host", Json(json!([[method, null]]))).await;
        assert_eq!(returned(error.unwrap_err()), text);
    }
}

#[tokio::test]
async fn a_method_that_panics_fails_the_call_and_no_other() {
    async fn broken() -> Result<(), HostError> {
        panic!("out of order")
    }
    let plugin = kit_with(HostFunctions::new().function("host", "broken", broken)).await;
    let error = plugin.call::<()>("call_host", Json(json!([["broken", null]]))).await;
    assert!(matches!(cause(error.unwrap_err()), Cause::Panicked(text) if text == "out of order"));
    plugin.call::<()>("ping", ()).await.unwrap();
}

#[tokio::test]
async fn ids_that_a_plugin_uses_again_are_as_good_as_others() {
    let noted = Arc::new(AtomicUsize::new(0));
    let notes = noted.clone();
    let functions = HostFunctions::new().function("host", "note", move |number: i32| {
        notes.fetch_add(1, Ordering::SeqCst);
        async move { Ok(number) }
    });
    let start =
        "(drop (call $read_line)) (call $request) (call $request) (drop (call $read_line)) (drop (call $read_line))
        (call $request) (drop (call $read_line)) (call $answer)";
    let plugin = load(command(&[REQUEST, ANSWER], start), |settings| {
        settings.host_functions = functions
    });
    plugin.await.unwrap().call::<()>("any", ()).await.unwrap();
    assert_eq!(noted.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_flood_of_requests_waits_where_it_comes_from() {
    let noted = Arc::new(AtomicUsize::new(0));
    let notes = noted.clone();
    let functions = HostFunctions::new().function("host", "note", move |_: i32| {
        notes.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Result<(), HostError>>()
    });
    let plugin = load(command(&[REQUEST], "(loop $on (call $request) (br $on))"), |settings| {
        settings.host_functions = functions;
        settings.limits.hook_timeout = Duration::from_millis(200);
    });
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::Deadline(_)));
    assert_eq!(noted.load(Ordering::SeqCst), 64);
}

#[tokio::test]
async fn answers_that_are_never_read_hold_up_the_requests_for_them() {
    let functions = HostFunctions::new().function("host", "note", async |_: i32| Ok("1".repeat(1000)));
    let plugin = load(command(&[REQUEST], "(loop $on (call $request) (br $on))"), |settings| {
        settings.host_functions = functions;
        settings.limits.input = 64 << 10;
        settings.limits.hook_timeout = Duration::from_millis(200);
    });
    let error = plugin.await.unwrap().call::<()>("any", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::Deadline(_)));
}

/// The host takes no third request before an answer is read, and the guest waits with the fourth as soon as one is.
#[tokio::test]
async fn room_that_is_made_by_reading_is_used() {
    let functions = HostFunctions::new().function("host", "note", async |_: i32| Ok("1".repeat(1000)));
    let start = "(call $request) (call $request) (call $request)
        (drop (call $read_line)) (drop (call $read_line)) (call $request)
        (drop (call $read_line)) (drop (call $read_line)) (drop (call $read_line)) (call $answer)";
    let plugin = load(command(&[REQUEST, ANSWER], start), |settings| {
        settings.host_functions = functions;
        settings.limits.input = 2000;
        settings.limits.hook_timeout = Duration::from_secs(60);
    });
    plugin.await.unwrap().call::<()>("any", ()).await.unwrap();
}

/// The kit's calls notice that their answer has come only when they have read a line themselves. So one waits for ever whose
/// answer another one has read: with this order of answers always.
#[tokio::test]
async fn calls_whose_answers_others_have_read_come_to_their_end() {
    for count in [2, 3, 50] {
        let turn = Arc::new(AtomicUsize::new(0));
        let last = count - 1;
        let functions = HostFunctions::new().function("host", "backwards", move |number: u32| {
            let turn = turn.clone();
            let mine = last - usize::try_from(number).unwrap_or_default();
            async move {
                while turn.load(Ordering::SeqCst) != mine {
                    tokio::task::yield_now().await;
                }
                turn.fetch_add(1, Ordering::SeqCst);
                Ok(number)
            }
        });
        let plugin = kit_with(functions).await;
        let calls: Vec<Value> = (0..count).map(|number| json!(["backwards", number])).collect();
        let Json(results): Json<Vec<usize>> = plugin.call("call_host", Json(calls)).await.unwrap();
        assert_eq!(results, (0..count).collect::<Vec<_>>());
    }
}
