use super::*;
use wasmparser::{Validator, WasmFeatures};

/// Everything that has a number in it, around functions that move bytes and others.
const MODULE: &str = r#"(module
  (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
  (import "m" "memory" (memory 1))
  (import "m" "global" (global $imported i32))
  (import "env" "extism_store_u8" (func $store (param i64 i32)))
  (import "m" "f" (func $f))
  (import "extism:host/env" "store_u64" (func $other_type (param i64)))
  (memory 1)
  (global $own (mut i32) (global.get $imported))
  (table 3 funcref)
  (elem (i32.const 0) $load $f $own_function)
  (elem declare func $store)
  (data (memory 1) (i32.const 0) "abc")
  (func $start (drop (ref.func $store)) (memory.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 1)))
  (func $own_function (global.set $own (call $load (i64.const 1))) (call $other_type (i64.const 1)))
  (start $start)
  (export "load" (func $load))
  (export "table" (table 0)))"#;

fn is_valid(module: &[u8]) -> bool {
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(module)
        .is_ok()
}

fn imports(module: &[u8]) -> Vec<String> {
    let sections = Parser::new(0).parse_all(module).map(Result::unwrap);
    let imports = sections.filter_map(|payload| match payload {
        Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    imports
        .flat_map(|section| section.into_imports().map(Result::unwrap))
        .map(|import| import.name.to_owned())
        .collect()
}

#[test]
fn a_rewritten_module_is_valid_and_imports_nothing_that_moves_bytes() {
    let module = wat::parse_str(MODULE).unwrap();
    assert!(is_valid(&module));
    let alone = with_kernel(&module, false).unwrap();
    assert!(is_valid(&alone));
    assert_eq!(imports(&alone), ["memory", "global", "f", "store_u64"]);
    let linked = with_kernel(&module, true).unwrap();
    assert!(is_valid(&linked));
    let kernel = [MEMORY, INPUT_OFFSET, INPUT_LENGTH].map(str::to_owned);
    assert_eq!(imports(&linked)[4..], kernel);
}

/// How many calls of functions there are in a module's code.
fn calls(module: &[u8]) -> usize {
    let sections = Parser::new(0).parse_all(module).map(Result::unwrap);
    let bodies = sections.filter_map(|payload| match payload {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    bodies
        .flat_map(|body| body.get_operators_reader().unwrap().into_iter().map(Result::unwrap))
        .filter(|operator| matches!(operator, wasmparser::Operator::Call { .. }))
        .count()
}

/// A module that loads and stores so often, in a function with so many locals.
fn moving(times: usize, locals: usize) -> Vec<u8> {
    let (locals, moves) = (
        "i32 ".repeat(locals),
        "(call $store (i64.const 1) (call $load (i64.const 2)))".repeat(times),
    );
    wat::parse_str(format!(
        r#"(module (import "extism:host/env" "input_load_u64" (func $load (param i64) (result i64)))
          (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
          (func (param i32) (local {locals}) {moves}))"#
    ))
    .unwrap()
}

#[test]
fn calls_of_what_moves_bytes_are_replaced_by_what_it_does() {
    // (how often it loads and stores, locals, calls that are left)
    let cases = [(1, 0, 0), (100, 7, 0), (1, 49_996, 0), (1, 49_997, 2), (5_001, 0, 2)];
    for (times, locals, left) in cases {
        let module = moving(times, locals);
        for is_linked in [false, true] {
            let rewritten = with_kernel(&module, is_linked).unwrap();
            assert!(is_valid(&rewritten));
            assert_eq!(calls(&rewritten), left, "{times}, {locals}");
        }
    }
}

#[test]
fn modules_without_one_section_or_the_other_are_rewritten() {
    for module in [
        "(module)",
        r#"(module (memory (export "memory") 1))"#,
        r#"(module (import "extism:host/env" "input_length" (func (result i64))) (export "f" (func 0)))"#,
        "(module (func))",
        "(module (tag))",
    ] {
        let module = wat::parse_str(module).unwrap();
        for is_linked in [false, true] {
            assert!(is_valid(&with_kernel(&module, is_linked).unwrap()));
        }
    }
    assert!(is_valid(&kernel_module()));
}

#[test]
fn what_is_no_module_is_told() {
    assert!(with_kernel(b"\0asm\x01\0\0\0\x01\xff", false).is_err());
}
