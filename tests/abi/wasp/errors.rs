//! `env.raise_error`.

use heimdall_host::failure::Cause;

use super::support::{Wat, cause, freed, kit, told};

/// `fail(text)` raises it, and gives an address that is none.
fn raising(functions: &'static str) -> Wat {
    Wat {
        imports: r#"(import "env" "raise_error" (func $raise_error (param i32)))"#,
        functions,
        ..Wat::default()
    }
}

#[tokio::test]
async fn the_result_of_a_call_that_raised_an_error_is_not_decoded() {
    let guest = raising(
        r#"(func (export "fail") (param i32) (result i32)
          (call $raise_error (local.get 0))
          (i32.const -1))"#,
    );
    let plugin = guest.load(|_| {}).await;
    assert_eq!(told(plugin.call::<String>("fail", "why").await.unwrap_err()), "why");
    assert_eq!(told(plugin.call::<Vec<u8>>("fail", "why").await.unwrap_err()), "why");
    assert_eq!(told(plugin.call::<i32>("fail", "why").await.unwrap_err()), "why");
    assert_eq!(told(plugin.call::<()>("fail", "why").await.unwrap_err()), "why");
    assert_eq!(plugin.usage().made, 1);
}

#[tokio::test]
async fn a_call_that_raises_none_succeeds_after_one_that_did() {
    let plugin = kit("rust/plugin.wasm", |_| {}).await;
    assert_eq!(told(plugin.call::<()>("fail", "why").await.unwrap_err()), "why");
    assert_eq!(plugin.call::<String>("greet", "Ada").await.unwrap(), "Hello, Ada!");
}

#[tokio::test]
async fn the_first_of_several_errors_counts() {
    let guest = raising(
        r#"(data (i32.const 64) "first\00second\00")
          (func (export "fail") (call $raise_error (i32.const 64)) (call $raise_error (i32.const 70)))"#,
    );
    let plugin = guest.load(|_| {}).await;
    assert_eq!(told(plugin.call::<()>("fail", ()).await.unwrap_err()), "first");
    assert_eq!(freed(&plugin).await, [(70, 6), (64, 5)]);
}

#[tokio::test]
async fn an_error_that_was_raised_before_a_trap_is_what_is_told() {
    let guest = raising(
        r#"(func (export "fail") (param i32) (call $raise_error (local.get 0)) unreachable)
          (global $count (mut i32) (i32.const 0))
          (func (export "count") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (global.get $count))"#,
    );
    let plugin = guest.load(|_| {}).await;
    assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1);
    assert_eq!(told(plugin.call::<()>("fail", "why").await.unwrap_err()), "why");
    // The instance is gone all the same.
    assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1);
}

#[tokio::test]
async fn an_error_without_a_text_is_one() {
    let guest = raising(r#"(func (export "fail") (param i32) (call $raise_error (local.get 0)))"#);
    let plugin = guest.load(|_| {}).await;
    for empty in [plugin.call::<()>("fail", 0).await, plugin.call::<()>("fail", "").await] {
        assert_eq!(told(empty.unwrap_err()), "it raised an error without a text");
    }
}

#[tokio::test]
async fn an_error_that_is_no_utf_8_is_told_as_well_as_it_can_be() {
    let guest = raising(
        r#"(data (i32.const 64) "a\ffb\00")
          (func (export "fail") (call $raise_error (i32.const 64)))"#,
    );
    let plugin = guest.load(|_| {}).await;
    assert_eq!(told(plugin.call::<()>("fail", ()).await.unwrap_err()), "a\u{fffd}b");
}

#[tokio::test]
async fn an_error_at_a_bad_address_breaks_the_abi() {
    let guest = Wat {
        get_string_size: r#"(func (export "get_string_size") (param i32) (result i32) (i32.const 8))"#,
        ..raising(r#"(func (export "fail") (param i32) (call $raise_error (local.get 0)))"#)
    };
    let plugin = guest.load(|_| {}).await;
    for bad in [-1, -8, 131_072, 131_065] {
        let broken = cause(plugin.call::<()>("fail", bad).await.unwrap_err());
        assert!(
            matches!(&broken, Cause::AbiViolation(what) if what.contains("outside of its memory")),
            "{bad}: {broken}"
        );
    }
    assert_eq!(
        told(plugin.call::<()>("fail", 131_064).await.unwrap_err()),
        "\0".repeat(7)
    );
}

#[tokio::test]
async fn an_exit_is_no_answer() {
    let plugin = kit("c/plugin.wasm", |_| {}).await;
    for code in [0, 3] {
        let exited = cause(plugin.call::<()>("exit_with", code).await.unwrap_err());
        assert!(matches!(exited, Cause::Exited(told) if told == code), "{exited}");
    }
    assert_eq!(plugin.usage().discarded, 2);
}
