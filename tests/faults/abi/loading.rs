//! Modules and components that are no plugins, or that want what there is not.

use bytes::Bytes;
use heimdall_host::loader::Isolation;

use crate::guest::{CONTRACT, Guest};
use crate::guests::*;
use crate::support::wat;
use crate::world::*;

/// Each of these is refused, in these words.
async fn are_refused(world: &World, cases: &[(Bytes, &[&str])]) {
    for (bytes, said) in cases {
        let refusal = world.refused(bytes, |_| {}).await;
        for words in said.iter().chain(&[FAULTY]) {
            assert!(refusal.contains(words), "{words:?} is not in: {refusal}");
        }
    }
}

fn with_memory(memory: &str) -> Bytes {
    let guest = Legacy {
        memory,
        ..Legacy::default()
    };
    guest.build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_15_no_hook_and_no_name() {
    surrounded(async |world| {
        let allocator = r#"(func (export "malloc") (param i32) (result i32) (i32.const 0))"#;
        let module = wat(&format!(r#"(module (memory (export "memory") 1) {allocator})"#));
        let cases: [(Bytes, &[&str]); 2] = [
            (
                module,
                &["it exports: memory (memory), malloc(i32) -> i32", "at least one hook"],
            ),
            (
                wat("(component)"),
                &[
                    "it exports: nothing",
                    "it is a component that exports nothing of heimdall:plugin",
                ],
            ),
        ];
        are_refused(world, &cases).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_16_an_export_of_another_type() {
    surrounded(async |world| {
        let legacy = |hook: &str| {
            wat(&format!(
                r#"(module (memory (export "memory") 1) {hook}
                     (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#
            ))
        };
        let altered = CONTRACT.replace("    summary: string,", "    summary: u32,");
        let cases: [(Bytes, &[&str]); 4] = [
            (
                legacy(r#"(func (export "pre_hook") (param i32 i32 i32) (result i64) (i64.const 0))"#),
                &["exports pre_hook with 3 parameters; generation 1 takes 4, generation 2 and 3 take 2"],
            ),
            (
                legacy(r#"(func (export "pre_hook") (param i32 i32) (result i32) (i32.const 0))"#),
                &["with another result"],
            ),
            (
                legacy(r#"(global (export "pre_hook") i32 (i32.const 0))"#),
                &["not as a function"],
            ),
            (
                Guest::new().against("0.1.0", altered).build(),
                &["does not fit", "build it"],
            ),
        ];
        are_refused(world, &cases).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_17_no_memory_or_a_global_in_its_place() {
    surrounded(async |world| {
        let cases: [(Bytes, &[&str]); 2] = [
            (with_memory("(memory 32)"), &["exports no `memory`"]),
            (
                with_memory(r#"(memory 32) (global (export "memory") i32 (i32.const 0))"#),
                &["exports `memory", "where a memory is expected"],
            ),
        ];
        are_refused(world, &cases).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_18_a_memory_of_64_bits() {
    surrounded(async |world| {
        let module = wat(r#"(module (memory (export "memory") i64 1))"#);
        let inside = wat("(component (core module (memory i64 1)))");
        let said: &[&str] = &["a 64-bit memory", "build it for wasm32"];
        are_refused(world, &[(module, said), (inside, said)]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_19_of_several_memories_the_one_called_memory_counts() {
    surrounded(async |world| {
        let beside = with_memory(r#"(memory (export "memory") 32) (memory (export "scratch") 1)"#);
        world.goes_on(&beside, |_| {}).await;
        world.goes_on(&typed("").item("(memory 1)").build(), |_| {}).await;
        let none = with_memory(r#"(memory (export "first") 32) (memory (export "second") 1)"#);
        are_refused(world, &[(none, &["exports no `memory`"])]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_20_a_shared_memory() {
    surrounded(async |world| {
        let shared = "(memory 1 1 shared)";
        let said: &[&str] = &["needs threads", "build it without threads"];
        let module = wat(&format!("(module {shared})"));
        let inside = wat(&format!("(component (core module {shared}))"));
        are_refused(world, &[(module, said), (inside, said)]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_21_imports_that_are_unknown() {
    surrounded(async |world| {
        let legacy = Legacy {
            imports: r#"(import "env" "http_get" (func (param i32))) (import "env" "seed" (func (result f64)))
                (import "wasi_snapshot_preview2" "fd_write" (func))"#,
            ..Legacy::default()
        };
        let typed = Guest::new()
            .package("package acme:billing@1.0.0; interface meter { count: func(); }")
            .world("import acme:billing/meter@1.0.0;")
            .import("acme:billing/meter@1.0.0", "count", "count", "");
        let cases: [(Bytes, &[&str]); 2] = [
            (
                legacy.build(),
                &[
                    "env.http_get(i32), wasi_snapshot_preview2.fd_write()",
                    "it offers wasi_snapshot_preview1",
                ],
            ),
            (
                typed.build(),
                &["acme:billing/meter@1.0.0", "it offers heimdall:plugin/", "wasi:cli@0.2"],
            ),
        ];
        are_refused(world, &cases).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_22_start_functions_run_once_per_instance() {
    surrounded(async |world| {
        let start = "(func $start (call $count)) (start $start)";
        let both = format!(r#"{start} (func (export "_initialize") (call $count))"#);
        // The trouble comes at a count of 2, so that there is none.
        for (guest, first) in [
            (faulty(Kind::Typed, start, ""), 2),
            (faulty(Kind::Legacy, &both, ""), 3),
        ] {
            let warm = world.load(&guest, |_| {}).await;
            assert_eq!(world.counts(&warm, 2).await, [first, first + 1]);
            let fresh = world
                .load(&guest, |settings| settings.isolation = Some(Isolation::Request))
                .await;
            assert_eq!(world.counts(&fresh, 2).await, [first, first]);
        }
    })
    .await;
}
