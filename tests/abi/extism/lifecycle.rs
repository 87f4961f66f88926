//! How calls are ended, how many are served at once, and what is left of plugins that are gone.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::CallCause;

use super::{load_guest, returned};
use crate::support::{load, wat};

fn is_deadline(cause: &CallCause) -> bool {
    matches!(cause, CallCause::Failed(Cause::Deadline(_)))
}

#[tokio::test]
async fn a_call_that_never_ends_is_ended_and_the_next_is_served() {
    let plugin = load_guest("extism/rust/plugin.wasm", |settings| {
        settings.limits.hook_timeout = Duration::from_millis(30);
    })
    .await;
    for _ in 0..3 {
        let error = plugin.call::<()>("spin", ()).await.unwrap_err();
        assert!(is_deadline(&error.cause), "{error}");
    }
    let output: String = plugin.call("echo", "on").await.unwrap();
    assert_eq!(output, "on");
}

#[tokio::test]
async fn a_start_that_never_ends_is_ended() {
    for exports in [
        r#"(func $start (loop $on (br $on))) (start $start)"#,
        r#"(func (export "_initialize") (loop $on (br $on)))"#,
    ] {
        let module = wat(&format!(
            r#"(module (import "extism:host/env" "input_length" (func (result i64))) {exports}
              (func (export "run") (result i32) (i32.const 0)))"#
        ));
        let loaded = load(module, |settings| {
            settings.limits.start_timeout = Duration::from_millis(30)
        })
        .await;
        let error = loaded.err().unwrap().to_string();
        assert!(error.contains("did not return within 30ms"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_cancelled_from_another_thread_and_no_other_with_it() {
    let plugin = load_guest("extism/rust/plugin.wasm", |settings| {
        settings.limits.hook_timeout = Duration::from_secs(60);
        settings.instances = Some(2);
    })
    .await;
    let (one, other) = (plugin.apart(), plugin.apart());
    let spin =
        |plugin: heimdall_host::functions::Callable| tokio::spawn(async move { plugin.call::<()>("spin", ()).await });
    let (first, second) = (spin(one.clone()), spin(other.clone()));
    while plugin.usage().busy < 2 {
        tokio::task::yield_now().await;
    }
    let handle = one.cancel_handle();
    std::thread::spawn(move || handle.cancel()).join().unwrap();
    let error = first.await.unwrap().unwrap_err();
    assert!(matches!(error.cause, CallCause::Cancelled), "{error}");
    assert!(!second.is_finished());
    other.cancel_handle().cancel();
    assert!(second.await.unwrap().is_err());
    let output: String = one.call("echo", "on").await.unwrap();
    assert_eq!(output, "on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_plugin_serves_many_threads() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| settings.instances = Some(4)).await;
    let calls = (0..64).map(|number| {
        let plugin = plugin.clone();
        tokio::spawn(async move {
            let text = format!("call {number}");
            let output: String = plugin.call("echo", text.as_str()).await.unwrap();
            assert_eq!(output, text);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert!(plugin.usage().made <= 4);
}

#[tokio::test]
async fn memory_over_its_cap_is_told() {
    let plugin = load_guest("extism/rust/plugin.wasm", |settings| settings.limits.memory = 8 << 20).await;
    let error = plugin.call::<String>("grow", "100").await.unwrap_err();
    assert!(returned(&error).contains("memory allocation failed"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_was_removed_is_called_no_more() {
    let plugin = load_guest("extism/c/plugin.wasm", |_| {}).await;
    plugin.remove().await;
    let error = plugin.call::<String>("echo", "x").await.unwrap_err();
    assert!(matches!(error.cause, CallCause::Failed(Cause::Retired)), "{error}");
}

#[tokio::test]
async fn steps_over_the_plugins_fuel_end_the_call_and_the_next_has_as_many() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| settings.limits.fuel = Some(200_000)).await;
    let input = "a".repeat(100_000);
    for _ in 0..2 {
        let output: String = plugin.call("echo", "few steps").await.unwrap();
        assert_eq!(output, "few steps");
        let error = plugin.call::<String>("echo", input.as_str()).await.unwrap_err();
        let is_fuel = matches!(error.cause, CallCause::Failed(Cause::OutOfFuel(200_000)));
        assert!(is_fuel, "{error}");
    }
}

/// A list that a guest with garbage-collected types makes: as many elements as its input has bytes, or one more each time.
const COLLECTED: &str = r#"(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (type $list (sub (struct (field (ref null $list)) (field i64))))
  (func $same (param i32) (result i32) (local.get 0))
  (func $by_tail_call (param i32) (result i32) (return_call $same (local.get 0)))
  (func (export "run") (result i32) (local $list (ref null $list)) (local $left i64) (local $count i32)
    (local.set $left (call $input_length))
    (block $done (loop $next
      (br_if $done (i64.eqz (local.get $left)))
      (local.set $list (struct.new $list (local.get $list) (local.get $left)))
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br $next)))
    (block $done (loop $next
      (br_if $done (ref.is_null (local.get $list)))
      (local.set $list (struct.get $list 0 (local.get $list)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br $next)))
    (call $by_tail_call (i32.sub (local.get $count) (i32.wrap_i64 (call $input_length)))))
  (func (export "grow") (result i32) (local $list (ref null $list))
    (loop $on (local.set $list (struct.new $list (local.get $list) (i64.const 1))) (br $on))
    (unreachable)))"#;

#[tokio::test]
async fn garbage_collected_types_functions_references_and_tail_calls_are_there_and_count_as_memory() {
    let plugin = load(wat(COLLECTED), |settings| settings.limits.memory = 8 << 20)
        .await
        .unwrap();
    let output: String = plugin.call("run", vec![0; 1000]).await.unwrap();
    assert_eq!(output, "");
    let error = plugin.call::<()>("grow", ()).await.unwrap_err();
    let is_memory = matches!(error.cause, CallCause::Failed(Cause::OutOfMemory(_) | Cause::Trap(_)));
    assert!(is_memory, "{error}");
    let output: String = plugin.call("run", vec![0; 10]).await.unwrap();
    assert_eq!(output, "");
}
