//! Files that are no WebAssembly, that break off, or that need more than there is.

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;

use super::*;

#[tokio::test]
async fn what_is_no_webassembly() {
    let page = page([
        ("an empty file", Bytes::new()),
        ("text", "name = \"guard\"\nversion = \"1\"\n".into()),
        (
            "an HTML page",
            "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n".into(),
        ),
        ("WebAssembly as text", "(module\n  (memory 1))\n".into()),
        (
            "a native library",
            Bytes::from_static(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"),
        ),
        ("a gzip archive", Bytes::from_static(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")),
    ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn what_breaks_off() {
    let module = legacy(&[MEMORY, MALLOC, HOOK]);
    let component = wat(r#"(component
        (core module $inner (memory (export "memory") 3) (func (export "inner")))
        (core instance $started (instantiate $inner))
        (func $outer (canon lift (core func $started "inner")))
        (export "outer" (func $outer)))"#);
    let cut = |whole: &Bytes, at: usize| whole.slice(..at);
    let page = page([
        ("a module: in its first bytes", cut(&module, 3)),
        ("a module: after its magic", cut(&module, 4)),
        ("a module: after its header", cut(&module, 8)),
        ("a module: in its first section", cut(&module, 20)),
        ("a module: before its code", cut(&module, module.len() - 15)),
        ("a module: in its code", cut(&module, module.len() - 8)),
        ("a module: at its last byte", cut(&module, module.len() - 1)),
        ("a component: in its header", cut(&component, 6)),
        ("a component: after its header", cut(&component, 8)),
        ("a component: in the module inside", cut(&component, 30)),
        ("a component: at its last byte", cut(&component, component.len() - 1)),
    ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn what_needs_more_than_there_is() {
    let with = |memory: &str| legacy(&[memory, MALLOC, HOOK]);
    let page = page([
        ("a 64-bit memory", with(r#"(memory (export "memory") i64 2)"#)),
        ("a shared memory", with(r#"(memory (export "memory") 2 2 shared)"#)),
        (
            "an imported shared memory",
            with(r#"(import "env" "memory" (memory 2 2 shared)) (export "memory" (memory 0))"#),
        ),
        (
            "garbage collection",
            legacy(&[MEMORY, MALLOC, HOOK, "(type (struct (field i32)))"]),
        ),
        ("exceptions", legacy(&[MEMORY, MALLOC, HOOK, "(tag)"])),
        (
            "five memories",
            legacy(&[MEMORY, MALLOC, HOOK, "(memory 1) (memory 1) (memory 1) (memory 1)"]),
        ),
        ("a memory over the limit", with(r#"(memory (export "memory") 5000)"#)),
        (
            "a table over the limit",
            legacy(&[MEMORY, MALLOC, HOOK, "(table 200000 funcref)"]),
        ),
    ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn several_memories_are_no_reason_to_refuse_a_module() {
    let module = legacy(&[MEMORY, MALLOC, HOOK, "(memory 1)"]);
    assert!(host().load(module, PluginSettings::new("a.wasm")).await.is_ok());
}
