//! Hooks that don't return.

use bytes::Bytes;
use heimdall_host::counters::CauseKind;

use crate::guest::DATA;
use crate::guests::*;
use crate::world::*;

#[tokio::test(start_paused = true)]
async fn fault_26_an_endless_loop_in_a_hook() {
    counting_ticks(async |world| {
        for kind in KINDS {
            world.killed(&faulty(kind, "", ENDLESS)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fault_27_a_free_without_end() {
    counting_ticks(async |world| {
        let free = format!("(if (i32.eq (global.get $calls) (i32.const 2)) (then {ENDLESS}))");
        let legacy = Legacy {
            free: &format!(r#"(func (export "free") (param i32) {free})"#),
            ..Legacy::default()
        };
        let pipeline = world.load(&legacy.build(), |_| {}).await;
        assert_eq!(world.count(&pipeline).await, Some(1));
        let called = world.call(&pipeline).await;
        assert_eq!(called.result.unwrap().count, Some(2), "what was copied out counts");
        assert_in_time(called.ticks);
        assert_eq!(world.count(&pipeline).await, Some(1));
        let counters = &pipeline.plugins().first().unwrap().counters;
        assert_eq!(overruns(counters), [("cleanup_timeout", 1)]);
        // A typed guest frees before its call is over.
        let free =
            format!(r#"(func (export "cabi_post_heimdall:plugin/pre-llm-hook@0.1.0#before-call") (param i32) {free})"#);
        world.killed(&typed("").item(&free).build()).await;
    })
    .await;
}

/// A legacy guest whose second call begins this, with what it needs for that.
fn legacy(imports: &str, items: &str, trouble: &str) -> Bytes {
    let guest = Legacy {
        imports,
        items,
        trouble,
        ..Legacy::default()
    };
    guest.build()
}

#[tokio::test(start_paused = true)]
async fn fault_28_an_endless_loop_of_cheap_calls_to_the_host() {
    counting_ticks(async |world| {
        let seed = legacy(
            r#"(import "env" "seed" (func $seed (result f64)))"#,
            "",
            "(loop $again (drop (call $seed)) (br $again))",
        );
        world.killed(&seed).await;
        let clock = legacy(
            r#"(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))"#,
            "",
            "(loop $again (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 4096))) (br $again))",
        );
        world.killed(&clock).await;
        let remove = format!("(loop $again (call $remove (i32.const {DATA}) (i32.const 1)) (br $again))");
        let typed = typed(&remove).calls("context", "remove", "remove", "(param i32 i32)");
        world.killed(&typed.build()).await;
    })
    .await;
}

/// An hour, in nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

#[tokio::test(start_paused = true)]
async fn fault_29_a_hook_that_sleeps() {
    counting_ticks(async |world| {
        // One subscription, to the monotonic clock, at 4096; what happened would be at 8192.
        let legacy = legacy(
            r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))"#,
            "",
            &format!(
                "(i32.store (i32.const 4112) (i32.const 1))
                 (i64.store (i32.const 4120) (i64.const {HOUR}))
                 (drop (call $poll (i32.const 4096) (i32.const 8192) (i32.const 1) (i32.const 8448)))"
            ),
        );
        world.killed(&legacy).await;
        let typed = typed(&format!("(call $block (call $subscribe (i64.const {HOUR})))"))
            .package("package wasi:io@0.2.6; interface poll { resource pollable { block: func(); } }")
            .package(
                "package wasi:clocks@0.2.6; interface monotonic-clock {
                   use wasi:io/poll@0.2.6.{pollable}; subscribe-duration: func(time: u64) -> pollable; }",
            )
            .world("import wasi:io/poll@0.2.6; import wasi:clocks/monotonic-clock@0.2.6;")
            .import("wasi:io/poll@0.2.6", "[method]pollable.block", "block", "(param i32)")
            .import(
                "wasi:clocks/monotonic-clock@0.2.6",
                "subscribe-duration",
                "subscribe",
                "(param i64) (result i32)",
            );
        world.killed(&typed.build()).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fault_30_giant_instructions_are_bounded_by_the_memory() {
    counting_ticks(async |world| {
        let all = "(i32.shl (memory.size) (i32.const 16))";
        let fill = format!(
            "(loop $again (memory.fill (i32.const 65536) (i32.const 0) (i32.sub {all} (i32.const 65536))) (br $again))"
        );
        let copy = format!("(loop $again (memory.copy (i32.const 0) (i32.const 0) {all}) (br $again))");
        for kind in KINDS {
            for giant in [&fill, &copy] {
                world.killed(&faulty(kind, "", giant)).await;
            }
            // What would go on for longer than there is memory does not begin.
            let beyond = faulty(kind, "", "(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))");
            world.fails(&beyond, CauseKind::Trap).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_31_deep_recursion() {
    surrounded(async |world| {
        for kind in KINDS {
            let guest = faulty(kind, "(func $deep (call $deep))", "(call $deep)");
            let failed = world.fails(&guest, CauseKind::Trap).await;
            assert_eq!(failed.overruns, [("stack", 1)]);
        }
    })
    .await;
}

/// The host asks a typed guest for room for what it gives back. Legacy guests are called by nothing that they call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_32_a_plugin_that_calls_the_host_while_the_host_calls_it() {
    surrounded(async |world| {
        const KEY: usize = DATA + 256;
        let get = format!(
            "(call $get (i32.const {KEY}) (i32.const 10) (i32.const {}))",
            DATA + 288
        );
        let guest = typed(&get)
            .calls("context", "get", "get", "(param i32 i32 i32)")
            .data(KEY, b"request_id")
            .realloc(&format!("(if (i32.eq (global.get $calls) (i32.const 2)) (then {get}))"));
        let failed = world.fails(&guest.build(), CauseKind::Trap).await;
        // It ends at the second call of the host, not at the end of the stack.
        assert_eq!(failed.overruns, []);
    })
    .await;
}
