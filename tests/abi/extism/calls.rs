//! What a call comes to: results, codes, errors and traps, and which of them counts.

use heimdall_host::failure::Cause;
use heimdall_host::functions::CallCause;

use super::{KITS, by_hand, load_guest, returned};
use crate::support::{load, wat};

#[tokio::test]
async fn a_code_other_than_0_without_an_error_is_an_error_that_names_it() {
    let plugin = by_hand().await;
    let nothing: String = plugin.call("code", "0").await.unwrap();
    assert_eq!(nothing, "");
    for code in ["1", "7", "-1", "126", "2147483647"] {
        let error = plugin.call::<String>("code", code).await.unwrap_err();
        assert!(returned(&error).contains(&format!("returned {code}")), "{error}");
    }
    let error = plugin.call::<String>("output_and_code", ()).await.unwrap_err();
    assert!(returned(&error).contains("returned 7"), "{error}");
}

#[tokio::test]
async fn the_guests_error_counts_more_than_its_code_and_than_a_trap() {
    let plugin = by_hand().await;
    for (function, expected) in [
        ("error_and_no_code", "an error with code 0"),
        ("error_and_trap", "an error before a trap"),
        ("fail", "as it was given"),
    ] {
        let error = plugin.call::<String>(function, "as it was given").await.unwrap_err();
        assert_eq!(returned(&error), expected, "{function}");
    }
}

#[tokio::test]
async fn an_error_of_0_or_of_no_block_is_none() {
    let plugin = by_hand().await;
    for function in ["error_taken_back", "error_of_no_block"] {
        let output: String = plugin.call(function, ()).await.unwrap();
        assert_eq!(output, "no error");
    }
}

#[tokio::test]
async fn every_kits_error_is_told() {
    for path in KITS {
        let plugin = load_guest(path, |_| {}).await;
        let error = plugin.call::<String>("fail", "it did not work").await.unwrap_err();
        assert_eq!(returned(&error), "it did not work", "{path}");
        let text = error.to_string();
        assert!(text.contains("(guest.wasm) failed in `fail`"), "{text}");
    }
}

#[tokio::test]
async fn a_guest_that_returned_an_error_keeps_its_instance_and_one_that_trapped_does_not() {
    let plugin = by_hand().await;
    let calls = [("fail", 1), ("code", 1), ("trap", 2), ("error_and_trap", 3)];
    for (function, made) in calls {
        assert!(plugin.call::<String>(function, "1").await.is_err());
        let _output: String = plugin.call("echo", "on").await.unwrap();
        assert_eq!(plugin.usage().made, made, "{function}");
    }
}

#[tokio::test]
async fn a_trap_says_what_and_where() {
    let error = by_hand().await.call::<String>("trap", ()).await.unwrap_err();
    assert!(matches!(error.cause, CallCause::Failed(Cause::Trap(_))), "{error}");
    assert!(error.to_string().contains("unreachable"), "{error}");
}

#[tokio::test]
async fn only_functions_without_parameters_that_give_nothing_or_a_code_can_be_called() {
    let plugin = by_hand().await;
    let output: String = plugin.call("no_result", ()).await.unwrap();
    assert_eq!(output, "no result");
    for other in ["long_result", "takes_one", "no_such_function", "memory"] {
        assert!(!plugin.has(other));
        let error = plugin.call::<String>(other, ()).await.unwrap_err();
        assert!(matches!(error.cause, CallCause::NoSuchFunction { .. }), "{error}");
        assert!(error.to_string().contains("`echo`"), "{error}");
    }
}

#[tokio::test]
async fn functions_are_listed_with_their_types() {
    let plugin = by_hand().await;
    let listed: Vec<String> = plugin.functions().iter().map(ToString::to_string).collect();
    assert!(listed.contains(&"echo(bytes) -> bytes".to_owned()), "{listed:?}");
}

#[tokio::test]
async fn a_process_exit_of_0_is_a_success_with_what_was_put_out_and_any_other_an_error() {
    let plugin = load_guest("extism/rust/wasi.wasm", |_| {}).await;
    let output: String = plugin.call("exit_with", "0").await.unwrap();
    assert_eq!(output, "left behind");
    for code in [1, 125, 126, 255, -1, i32::MAX] {
        let error = plugin.call::<String>("exit_with", code.to_string()).await.unwrap_err();
        let expected = |cause: &CallCause| matches!(cause, CallCause::Failed(Cause::Exited(told)) if *told == code);
        assert!(expected(&error.cause), "{error}");
    }
}

#[tokio::test]
async fn what_is_given_is_told_to_be_too_much_before_the_guest_is_called() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| settings.limits.input = 10).await;
    let error = plugin.call::<String>("echo", "eleven bytes").await.unwrap_err();
    assert!(
        matches!(
            error.cause,
            CallCause::Failed(Cause::InputTooLarge { size: 12, limit: 10 })
        ),
        "{error}"
    );
    let error = plugin.call::<String>("echo", ("one", "two")).await.unwrap_err();
    assert!(matches!(error.cause, CallCause::Arguments(_)), "{error}");
}

#[tokio::test]
async fn an_output_over_its_cap_is_refused_before_it_is_copied() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| settings.limits.output = 10).await;
    let error = plugin.call::<String>("echo", "eleven bytes").await.unwrap_err();
    assert!(
        matches!(
            error.cause,
            CallCause::Failed(Cause::OutputTooLarge { size: 12, limit: 10 })
        ),
        "{error}"
    );
}

/// Counts in a global what its toolchain wants to be called, and gives the count as its code.
fn toolchain(exports: &str) -> String {
    format!(
        r#"(module
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (memory (export "memory") 1)
          (global $seen (mut i32) (i32.const 0))
          (func $saw (param i32) (global.set $seen (i32.add (i32.mul (global.get $seen) (i32.const 10)) (local.get 0))))
          {exports}
          (func (export "seen") (result i32) (global.get $seen)))"#
    )
}

#[tokio::test]
async fn each_toolchain_is_started_as_it_wants_once_an_instance() {
    let constructors = r#"(func (export "__wasm_call_ctors") (call $saw (i32.const 1)))"#;
    let reactor = r#"(func (export "_initialize") (call $saw (i32.const 2)))"#;
    let haskell = r#"(func (export "hs_init") (param i32 i32) (call $saw (i32.const 3)))"#;
    let command = r#"(func (export "_start") (call $saw (i32.const 4)))"#;
    for (exports, seen) in [
        (constructors.to_owned(), 1),
        (reactor.to_owned(), 2),
        (format!("{constructors}{reactor}"), 1),
        (format!("{haskell}{reactor}"), 23),
        (haskell.to_owned(), 3),
        (command.to_owned(), 0),
    ] {
        let plugin = load(wat(&toolchain(&exports)), |_| {}).await.unwrap();
        for _ in 0..2 {
            let called = plugin.call::<String>("seen", ()).await;
            match seen {
                0 => assert_eq!(called.unwrap(), ""),
                seen => assert!(returned(&called.unwrap_err()).contains(&format!("returned {seen},"))),
            }
        }
    }
}

#[tokio::test]
async fn a_command_runs_when_its_start_is_called_and_each_time_in_a_fresh_instance() {
    let exports = r#"(func (export "_start") (call $saw (i32.const 4)))"#;
    let plugin = load(wat(&toolchain(exports)), |_| {}).await.unwrap();
    for made in 1..4 {
        let (): () = plugin.call("_start", ()).await.unwrap();
        assert_eq!(plugin.usage().made, made);
    }
    let seen: String = plugin.call("seen", ()).await.unwrap();
    assert_eq!(seen, "");
}
