//! The kernel: blocks, registers, and the functions that move bytes.

use super::{KITS, by_hand, load_guest};
use crate::support::{load, wat};

/// Gives back what it is given, 8 bytes at a time and then one by one, as kits do.
const ECHO: &str = r#"(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "echo") (result i32) (local $at i64) (local $length i64) (local $block i64)
    (local.set $length (call $input_length))
    (local.set $block (call $alloc (local.get $length)))
    (block $words (loop $next
      (br_if $words (i64.gt_u (i64.add (local.get $at) (i64.const 8)) (local.get $length)))
      (call $store_u64 (i64.add (local.get $block) (local.get $at)) (call $input_load_u64 (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br $next)))
    (block $bytes (loop $next
      (br_if $bytes (i64.ge_u (local.get $at) (local.get $length)))
      (call $store_u8 (i64.add (local.get $block) (local.get $at)) (call $input_load_u8 (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br $next)))
    (call $output_set (local.get $block) (local.get $length))
    (i32.const 0)))"#;

#[tokio::test]
async fn what_goes_in_comes_out_whatever_its_length() {
    let plugin = load(wat(ECHO), |_| {}).await.unwrap();
    for length in [0, 1, 7, 8, 9, 1000, 64 << 10, 1 << 20] {
        let input: Vec<u8> = (0..length).map(|number: usize| (number % 251) as u8).collect();
        let output: Vec<u8> = plugin.call("echo", input.clone()).await.unwrap();
        assert_eq!(output, input, "{length} bytes");
    }
}

#[tokio::test]
async fn every_kit_moves_its_data() {
    for path in KITS {
        let plugin = load_guest(path, |_| {}).await;
        for length in [0, 1, 7, 8, 9, 4096] {
            let input: Vec<u8> = (0..length).map(|number: usize| (number % 251) as u8).collect();
            let output: Vec<u8> = plugin.call("echo", input.clone()).await.unwrap();
            assert_eq!(output, input, "{path}, {length} bytes");
        }
    }
}

#[tokio::test]
async fn blocks_and_registers_are_as_the_guest_expects() {
    let plugin = by_hand().await;
    for input in ["", "short", "an input of more than eight bytes"] {
        let told: String = plugin.call("host_memory", input).await.unwrap();
        assert!(!told.contains(" 0"), "{input:?}: {told}");
    }
}

#[tokio::test]
async fn a_part_of_a_block_may_be_the_output() {
    let output: String = by_hand().await.call("inner_output", "0123456789").await.unwrap();
    assert_eq!(output, "12345678");
}

#[tokio::test]
async fn an_output_of_nothing_changes_none() {
    let plugin = by_hand().await;
    let output: String = plugin.call("empty_after_output", ()).await.unwrap();
    assert_eq!(output, "the first");
    let output: String = plugin.call("no_output", ()).await.unwrap();
    assert_eq!(output, "");
}

#[tokio::test]
async fn the_guest_may_do_the_hosts_part() {
    let output: String = by_hand().await.call("host_side", "an input").await.unwrap();
    assert_eq!(output, "made up");
}

#[tokio::test]
async fn a_block_that_no_memory_holds_is_none() {
    let output: String = by_hand().await.call("allocate_too_much", ()).await.unwrap();
    assert_eq!(output, "0");
}

#[tokio::test]
async fn blocks_end_with_their_call_and_their_number_is_bounded_by_the_plugins_memory() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| settings.limits.memory = 8 << 20).await;
    for _ in 0..20 {
        let got: String = plugin.call("allocate", "5000").await.unwrap();
        assert_eq!(got, "5000");
    }
    let got: String = plugin.call("allocate", "20000").await.unwrap();
    let got: u32 = got.parse().unwrap();
    assert!((5000..18_000).contains(&got), "{got}");
}

/// One function for each load and store that a hostile guest would try, with what it gives.
const HOSTILE: &str = r#"(module
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (func $all (param $at i64) (result i32)
    (call $store_u8 (local.get $at) (i32.const 1))
    (call $store_u64 (local.get $at) (i64.const -1))
    (i32.wrap_i64 (i64.or
      (i64.or (call $load_u64 (local.get $at)) (i64.extend_i32_u (call $load_u8 (local.get $at))))
      (i64.or (call $input_load_u64 (local.get $at))
        (i64.or (i64.extend_i32_u (call $input_load_u8 (local.get $at))) (call $length (local.get $at)))))))
  (func (export "at_the_end") (result i32) (call $all (i64.const 0x10000)))
  (func (export "far") (result i32) (call $all (i64.const 0x100000000)))
  (func (export "negative") (result i32) (call $all (i64.const -1)))
  (func (export "nearly_negative") (result i32) (call $all (i64.const -8)))
  (func (export "across_the_end") (result i32)
    (call $store_u64 (i64.const 0xfffc) (i64.const -1))
    (i32.wrap_i64 (call $load_u64 (i64.const 0xfffc))))
  (func (export "output_out_of_bounds") (result i32)
    (call $output_set (i64.const 1) (i64.const -1))
    (call $output_set (i64.const -1) (i64.const 2))
    (call $output_set (i64.const 100) (i64.const 0x7fffffff))
    (i32.const 0))
  (func (export "error_of_no_block") (result i32) (call $error_set (i64.const -1)) (i32.const 0)))"#;

#[tokio::test]
async fn what_is_out_of_bounds_loads_as_0_and_is_not_stored() {
    let plugin = load(wat(HOSTILE), |_| {}).await.unwrap();
    for function in [
        "at_the_end",
        "far",
        "negative",
        "nearly_negative",
        "across_the_end",
        "output_out_of_bounds",
        "error_of_no_block",
    ] {
        for input in ["", "an input"] {
            let output: String = plugin.call(function, input).await.unwrap();
            assert_eq!(output, "", "{function}");
        }
    }
}
