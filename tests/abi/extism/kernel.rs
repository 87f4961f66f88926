//! The kernel: blocks, registers, and the functions that move bytes.

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
