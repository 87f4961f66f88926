//! Modules as AssemblyScript's compiler makes them, whose runtime imports `env.abort`, `env.seed` and `env.trace`.

use std::fmt::Write as _;

use bytes::Bytes;
use heimdall_host::loader::{Isolation, PluginSettings};

use crate::counting::before;
use crate::lines::Lines;
use crate::support::*;

/// Where the string "oh no" lies.
const TEXT: u32 = 2048;

/// Counts up from here and frees nothing.
fn malloc(from: u32) -> String {
    format!(
        r#"(global $next (mut i32) (i32.const {from}))
           (func (export "malloc") (param $size i32) (result i32)
             (global.get $next)
             (global.set $next (i32.add (global.get $next) (local.get $size))))"#
    )
}

/// A module whose pre hook does this.
fn module(malloc: &str, hook: &str, more: &str) -> Bytes {
    let text = "oh no".encode_utf16().fold(String::new(), |mut text, unit| {
        let [low, high] = unit.to_le_bytes();
        write!(text, "\\{low:02x}\\{high:02x}").unwrap();
        text
    });
    wat(&format!(
        r#"(module
             (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
             (import "env" "seed" (func $seed (result f64)))
             (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))
             (memory (export "memory") 4)
             (global $calls (mut i32) (i32.const 0))
             {malloc}
             (data (i32.const {}) "\0a\00\00\00{text}")
             (data (i32.const 1024) "{{\22context\22:{{\22n\22:0}}}}")
             (func (export "pre_hook") (param i32 i32) (result i64)
               {hook}
               (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
               (i32.store8 (i32.const 1040) (i32.add (i32.const 48) (global.get $calls)))
               (i64.const 0x0000_0400_0000_0013))
             {more})"#,
        TEXT - 4,
    ))
}

#[tokio::test]
async fn the_message_of_an_abort_is_in_the_error() {
    for (message, file, said) in [
        (TEXT, TEXT, "it trapped: oh no, at oh no:3:4"),
        (TEXT, 0, "it trapped: oh no, at unknown file:3:4"),
        (0, 0, "it trapped: abort, at unknown file:3:4"),
        (u32::MAX, 300_000, "it trapped: abort, at unknown file:3:4"),
    ] {
        let abort = format!(
            "(call $abort (i32.const {}) (i32.const {}) (i32.const 3) (i32.const 4))",
            message.cast_signed(),
            file.cast_signed()
        );
        let plugin = alone("script", module(&malloc(65536), &abort, ""), |_| {}).await;
        let (lines, _guard) = Lines::collect();
        before(&plugin).await.unwrap_err();
        let said = format!("cause=\"{said}\"");
        assert!(lines.text().contains(&said), "{said}: {}", lines.text());
    }
}

#[tokio::test]
async fn an_abort_in_init_says_why_the_plugin_is_not_loaded() {
    let init = format!(
        r#"(func (export "init") (param i32 i32) (result i32)
             (call $abort (i32.const {TEXT}) (i32.const {TEXT}) (i32.const 3) (i32.const 4)) (i32.const 0))"#
    );
    let bytes = module(&malloc(65536), "", &init);
    let error = host()
        .load(bytes, PluginSettings::new("script.wasm"))
        .await
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("failed in `init`: it trapped: oh no, at oh no:3:4"),
        "{error}"
    );
}

#[tokio::test]
async fn a_trace_is_a_log_line_with_its_numbers() {
    let numbers = "(f64.const 1.5) (f64.const -2) (f64.const nan) (f64.const inf) (f64.const 9007199254740993)";
    for (count, fields) in [
        (0, ""),
        (2, " fields={arg1=1.5 arg2=-2}"),
        (9, " fields={arg1=1.5 arg2=-2 arg3=NaN arg4=inf arg5=9007199254740992}"),
    ] {
        let trace = format!("(call $trace (i32.const {TEXT}) (i32.const {count}) {numbers})");
        let plugin = alone("script", module(&malloc(65536), &trace, ""), |_| {}).await;
        let (lines, _guard) = Lines::collect();
        before(&plugin).await.unwrap();
        assert_eq!(
            lines.of_plugins(),
            [format!(
                r#"INFO oh no plugin="script" hook="pre_hook" request_id="r"{fields}"#
            )]
        );
    }
}

#[tokio::test]
async fn a_seed_is_a_number() {
    let seed = "(local $seed f64) (local.set $seed (call $seed))
        (if (f64.ne (local.get $seed) (local.get $seed)) (then unreachable))
        (if (f64.le (local.get $seed) (f64.const 0)) (then unreachable))";
    let plugin = alone("script", module(&malloc(65536), seed, ""), |_| {}).await;
    assert_eq!(before(&plugin).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_heap_from_address_0_gets_a_fresh_instance_per_request_unless_the_operator_says_otherwise() {
    let fresh = "its allocator starts at address 0, in its own stack and data: each request gets a fresh instance";
    let warm = "its allocator starts at address 0, in its own stack and data, which warm instances will overwrite";
    for (isolation, note, counts) in [
        (None, fresh, [1, 1, 1]),
        (Some(Isolation::Request), fresh, [1, 1, 1]),
        // What the first requests left in its heap has not reached its data yet.
        (Some(Isolation::Warm), warm, [1, 2, 3]),
    ] {
        let plugin = alone("script", module(&malloc(0), "", ""), |settings| {
            settings.isolation = isolation
        })
        .await;
        assert_eq!(plugin.plugins()[0].plugin.manifest().notes, [note]);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(before(&plugin).await.unwrap().unwrap());
        }
        assert_eq!(seen, counts);
    }
}
