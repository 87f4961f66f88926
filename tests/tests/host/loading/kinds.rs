//! Modules and components of no kind, and those that come close.

use bytes::Bytes;

use super::*;
use crate::guest::{CONTRACT, Guest, OK};

#[tokio::test]
async fn modules_that_are_nearly_legacy_plugins() {
    let hook = |signature: &str| legacy(&[MEMORY, MALLOC, signature]);
    let function = |name: &str, parameters: usize, result: &str| {
        let result = if result.is_empty() {
            String::new()
        } else {
            format!("(result {result}) ({result}.const 0)")
        };
        hook(&format!(
            r#"(func (export "{name}") (param {}) {result})"#,
            "i32 ".repeat(parameters)
        ))
    };
    let page = page([
        ("no memory", legacy(&[MALLOC, HOOK])),
        (
            "a memory of another name",
            legacy(&[r#"(memory (export "mem") 2)"#, MALLOC, HOOK]),
        ),
        (
            "a function named memory",
            legacy(&[r#"(memory 2) (func (export "memory"))"#, MALLOC, HOOK]),
        ),
        ("no malloc", legacy(&[MEMORY, HOOK])),
        (
            "a malloc of two parameters",
            legacy(&[
                MEMORY,
                HOOK,
                r#"(func (export "malloc") (param i32 i32) (result i32) (i32.const 0))"#,
            ]),
        ),
        (
            "a free that gives something",
            legacy(&[
                MEMORY,
                MALLOC,
                HOOK,
                r#"(func (export "free") (param i32) (result i32) (i32.const 0))"#,
            ]),
        ),
        (
            "http_transport_intercept: 2 parameters",
            function("http_transport_intercept", 2, "i64"),
        ),
        ("http_intercept: 4 parameters", function("http_intercept", 4, "i64")),
        ("http_pre_hook: 4 parameters", function("http_pre_hook", 4, "i64")),
        ("http_post_hook: 3 parameters", function("http_post_hook", 3, "i64")),
        (
            "http_stream_chunk_hook: 1 parameter",
            function("http_stream_chunk_hook", 1, "i64"),
        ),
        ("pre_hook: 3 parameters", function("pre_hook", 3, "i64")),
        (
            "pre_hook: none",
            hook(r#"(func (export "pre_hook") (result i64) (i64.const 0))"#),
        ),
        ("post_hook: 4 parameters", function("post_hook", 4, "i64")),
        ("a hook that gives an i32", function("pre_hook", 2, "i32")),
        ("a hook that gives nothing", function("pre_hook", 2, "")),
        (
            "a hook that takes i64",
            hook(r#"(func (export "pre_hook") (param i64 i64) (result i64) (i64.const 0))"#),
        ),
        (
            "a hook that is a global",
            hook(r#"(global (export "pre_hook") i32 (i32.const 0))"#),
        ),
        (
            "an init without parameters",
            legacy(&[
                MEMORY,
                MALLOC,
                HOOK,
                r#"(func (export "init") (result i32) (i32.const 0))"#,
            ]),
        ),
        (
            "a get_name that gives an i32",
            legacy(&[
                MEMORY,
                MALLOC,
                HOOK,
                r#"(func (export "get_name") (result i32) (i32.const 0))"#,
            ]),
        ),
        (
            "several mistakes",
            legacy(&[r#"(func (export "pre_hook") (param i32)) (func (export "cleanup"))"#]),
        ),
    ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn modules_that_are_something_else() {
    let many: String = (0..40).map(|n| format!(r#"(func (export "function{n}"))"#)).collect();
    let page = page([
        ("nothing in it", legacy(&[])),
        ("an allocator and no hook", legacy(&[MEMORY, MALLOC])),
        (
            "a program",
            legacy(&[
                r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#,
                MEMORY,
                r#"(func (export "_start"))"#,
            ]),
        ),
        (
            "a misspelt hook",
            legacy(&[
                MEMORY,
                MALLOC,
                r#"(func (export "prehook") (param i32 i32) (result i64) (i64.const 0))"#,
            ]),
        ),
        (
            "a hook in camel case",
            legacy(&[
                MEMORY,
                MALLOC,
                r#"(func (export "httpPreHook") (param i32 i32) (result i64) (i64.const 0))"#,
            ]),
        ),
        ("many exports", legacy(&[&many])),
    ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn components_of_another_world() {
    let altered = CONTRACT.replace("    summary: string,", "    summary: u32,");
    let renamed = CONTRACT.replace(
        "proceed,\n    /// Short circuit: no",
        "go-on,\n    /// Short circuit: no",
    );
    let asking = CONTRACT.replace("  request-id: func() -> string;", "  request-id: func() -> u64;");
    let page = page([
        ("nothing of the contract", wat("(component)")),
        (
            "an HTTP proxy",
            wat(r#"(component
                    (core module $m (func (export "run") (result i32) (i32.const 0)))
                    (core instance $i (instantiate $m))
                    (func $run (result u32) (canon lift (core func $i "run")))
                    (instance $exports (export "run" (func $run)))
                    (export "wasi:http/incoming-handler@0.2.0" (instance $exports)))"#),
        ),
        (
            "another track",
            Guest::new().against("0.2.0", CONTRACT.to_owned()).build(),
        ),
        (
            "hooks without lifecycle",
            wat(r#"(component
                (instance $hook)
                (export "heimdall:plugin/pre-llm-hook@0.1.0" (instance $hook)))"#),
        ),
        (
            "a lifecycle that lacks everything",
            wat(r#"(component
                (instance $cycle)
                (export "heimdall:plugin/lifecycle@0.1.0" (instance $cycle)))"#),
        ),
        (
            "a lifecycle of other types",
            Guest::new().against("0.1.0", altered).build(),
        ),
        (
            "a hook of other types",
            Guest::new()
                .against("0.1.0", renamed)
                .before_call(&format!("i32.const {OK}"))
                .build(),
        ),
        (
            "an import of other types",
            Guest::new()
                .against("0.1.0", asking)
                .calls("context", "request-id", "request-id", "(result i64)")
                .build(),
        ),
        (
            "damaged component types",
            wat(r#"(module (@custom "component-type:guest" "nonsense"))"#),
        ),
        ("component types without what they promise", promises()),
    ])
    .await;
    insta::assert_snapshot!(page);
}

/// The section that says which component it is, in a module that has nothing of it.
fn promises() -> Bytes {
    let whole = Guest::new().build();
    let mut bytes = wat::parse_str("(module)").unwrap();
    let types = wasm_sections(&whole);
    bytes.extend_from_slice(types);
    bytes.into()
}

/// From the last custom section on: where the component types stand.
fn wasm_sections(module: &Bytes) -> &[u8] {
    let name = b"component-type";
    let at = module.windows(name.len()).position(|window| window == name).unwrap();
    // In front of the name: its length, the section's size in LEB128 and its id 0.
    let start = module.get(..at).unwrap().iter().rposition(|byte| *byte == 0).unwrap();
    module.get(start..).unwrap()
}
