//! Functions of the embedder's.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, HostError, HostFunctions};
use heimdall_host::loader::LoadError;
use tokio::sync::Notify;

use super::{load_guest, returned};
use crate::support::{guest, load, wat};

/// Calls one function of the host's with its input, and gives what that gives.
fn caller(namespace: &str, after: &str) -> Bytes {
    wat(&format!(
        r#"(module
          (import "{namespace}" "work" (func $work (param i64) (result i64)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (import "extism:host/env" "error_set" (func $error_set (param i64)))
          (memory (export "memory") 1)
          (func (export "run") (result i32) (local $answer i64)
            (local.set $answer (call $work (call $input_offset)))
            {after}
            (call $output_set (local.get $answer) (call $length (local.get $answer)))
            (i32.const 0)))"#
    ))
}

#[tokio::test]
async fn a_closure_of_texts_is_a_function_in_any_namespace() {
    for namespace in ["extism:host/user", "my-namespace", "env"] {
        let functions = HostFunctions::new().function(namespace, "work", async |text: String| Ok(text.to_uppercase()));
        let plugin = load(caller(namespace, ""), |settings| settings.host_functions = functions)
            .await
            .unwrap();
        let output: String = plugin.call("run", "hello").await.unwrap();
        assert_eq!(output, "HELLO");
        let output: String = plugin.call("run", "").await.unwrap();
        assert_eq!(output, "");
    }
}

#[tokio::test]
async fn every_kit_that_has_host_functions_calls_them() {
    for path in ["extism/rust/plugin.wasm", "extism/go/plugin.wasm"] {
        let output: String = load_guest(path, |_| {}).await.call("host_greet", "Ada").await.unwrap();
        assert_eq!(output, "Hello, Ada!", "{path}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_by_namespace_and_name() {
    let error = load(guest("extism/rust/plugin.wasm"), |_| {}).await.err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, LoadError::UnknownImports { .. }), "{text}");
    assert!(text.contains("extism:host/user.greet(i64) -> i64"), "{text}");
}

#[tokio::test]
async fn a_function_of_other_types_is_told_at_load() {
    let functions = HostFunctions::new().function("extism:host/user", "work", async |_: i32| Ok(()));
    let loaded = load(caller("extism:host/user", ""), |settings| {
        settings.host_functions = functions
    })
    .await;
    let text = loaded.err().unwrap().to_string();
    assert!(text.contains("another type") && text.contains("work"), "{text}");
}

#[tokio::test]
async fn numbers_of_every_type_are_passed_as_they_are() {
    let functions = HostFunctions::new().function("env", "scale", async |a: i32, b: i64, c: f32, d: f64| {
        Ok(f64::from(a) + b as f64 + f64::from(c) + d)
    });
    let module = wat(r#"(module
      (import "env" "scale" (func $scale (param i32 i64 f32 f64) (result f64)))
      (import "extism:host/env" "input_length" (func (result i64)))
      (func (export "run") (result i32)
        (i32.trunc_f64_s (call $scale (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4)))))"#);
    let plugin = load(module, |settings| settings.host_functions = functions)
        .await
        .unwrap();
    let error = plugin.call::<()>("run", ()).await.unwrap_err();
    assert!(returned(&error).contains("returned 10,"), "{error}");
}

#[tokio::test]
async fn an_error_of_the_host_ends_the_guests_call_with_its_text() {
    let functions = HostFunctions::new().function("env", "work", async |_: String| {
        Err::<String, _>(HostError::fatal("the database is away"))
    });
    let plugin = load(caller("env", ""), |settings| settings.host_functions = functions)
        .await
        .unwrap();
    let error = plugin.call::<String>("run", "x").await.unwrap_err();
    assert!(matches!(error.cause, CallCause::Failed(Cause::Trap(_))), "{error}");
    assert!(
        error.to_string().contains("`env.work` failed: the database is away"),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_that_the_guest_may_recover_from_is_its_own_unless_it_takes_it_away() {
    let functions = || {
        HostFunctions::new().function("env", "work", async |_: String| {
            Err::<String, _>(HostError::recoverable("try later"))
        })
    };
    let unaware = load(caller("env", ""), |settings| settings.host_functions = functions())
        .await
        .unwrap();
    let error = unaware.call::<String>("run", "x").await.unwrap_err();
    assert_eq!(returned(&error), "try later");
    let recovers = "(call $error_set (i64.const 0)) (local.set $answer (call $input_offset))";
    let aware = load(caller("env", recovers), |settings| {
        settings.host_functions = functions()
    })
    .await
    .unwrap();
    let output: String = aware.call("run", "x").await.unwrap();
    assert_eq!(output, "x");
}

#[tokio::test]
async fn a_panic_of_the_host_fails_the_call_alone() {
    let functions = HostFunctions::new().function("env", "work", async |text: String| match text.as_str() {
        "panic" => panic!("out of order"),
        _ => Ok(text),
    });
    let plugin = load(caller("env", ""), |settings| settings.host_functions = functions)
        .await
        .unwrap();
    let error = plugin.call::<String>("run", "panic").await.unwrap_err();
    assert!(matches!(error.cause, CallCause::Failed(Cause::Panicked(_))), "{error}");
    let output: String = plugin.call("run", "on").await.unwrap();
    assert_eq!(output, "on");
}

#[tokio::test]
async fn what_is_no_text_and_what_is_no_handle_are_told() {
    let functions = || HostFunctions::new().function("env", "work", async |text: String| Ok(text));
    let plugin = load(caller("env", ""), |settings| settings.host_functions = functions())
        .await
        .unwrap();
    let error = plugin.call::<String>("run", vec![0xff_u8]).await.unwrap_err();
    assert!(error.to_string().contains("no UTF-8"), "{error}");
    let wrong = wat(r#"(module
      (import "env" "work" (func $work (param i64) (result i64)))
      (import "extism:host/env" "input_length" (func (result i64)))
      (func (export "run") (result i32) (i32.wrap_i64 (call $work (i64.const 12345)))))"#);
    let plugin = load(wrong, |settings| settings.host_functions = functions())
        .await
        .unwrap();
    let error = plugin.call::<String>("run", ()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("invalid handle offset for `env.work`: 12345"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_function_may_wait_while_other_calls_go_on() {
    let (started, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, waits) = (started.clone(), go.clone());
    let functions = HostFunctions::new().function("env", "work", move |text: String| {
        let (tells, waits) = (tells.clone(), waits.clone());
        async move {
            if text == "wait" {
                tells.notify_one();
                waits.notified().await;
            }
            Ok(text)
        }
    });
    let plugin = load(caller("env", ""), |settings| {
        settings.host_functions = functions;
        settings.instances = Some(2);
    })
    .await
    .unwrap();
    let slow = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.call::<String>("run", "wait").await }
    });
    started.notified().await;
    let quick: String = plugin.call("run", "quick").await.unwrap();
    assert_eq!(quick, "quick");
    go.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), "wait");
}
