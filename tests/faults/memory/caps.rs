//! What a guest may take while it serves.

use heimdall_host::counters::CauseKind;
use heimdall_host::loader::PluginSettings;

use crate::guests::*;
use crate::world::*;

/// Two pages more than the guests have at first, and all of it to be used.
fn small(settings: &mut PluginSettings) {
    settings.limits.memory = 34 << 16;
    settings.recycle.memory_percent = 101;
}

/// Takes pages, one by one, until it gets none.
const GROW: &str = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_33_memory_that_grows_without_end() {
    surrounded(async |world| {
        for kind in KINDS {
            let told = faulty(kind, "", GROW);
            assert_eq!(world.goes_on(&told, small).await, [("memory", 1)]);
            let growth = |settings: &mut PluginSettings| settings.limits.memory_growth = 3 << 16;
            assert_eq!(world.goes_on(&told, growth).await, [("memory_growth", 1)]);
            let trapping = faulty(kind, "", &format!("{GROW} unreachable"));
            let failed = world.fails_with(&trapping, small, CauseKind::OutOfMemory).await;
            assert_eq!(failed.overruns, [("memory", 1)]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_34_a_table_that_grows_without_end() {
    surrounded(async |world| {
        let grow = "(loop $again (br_if $again
            (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))";
        for kind in KINDS {
            let guest = faulty(kind, "(table $table 1 funcref)", grow);
            let small = |settings: &mut PluginSettings| settings.limits.table_elements = 5000;
            for overruns in [world.goes_on(&guest, small).await, world.goes_on(&guest, |_| {}).await] {
                assert_eq!(overruns, [("table_elements", 1)]);
            }
        }
    })
    .await;
}

/// A legacy guest gets none but those of its standard output and error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_37_a_flood_of_handles() {
    surrounded(async |world| {
        let guest = typed("(loop $again (drop (call $stdout)) (br $again))")
            .package("package wasi:io@0.2.6; interface streams { resource output-stream; }")
            .package(
                "package wasi:cli@0.2.6; interface stdout {
                   use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }",
            )
            .world("import wasi:cli/stdout@0.2.6;")
            .import("wasi:cli/stdout@0.2.6", "get-stdout", "stdout", "(result i32)");
        let few = |settings: &mut PluginSettings| settings.limits.handles = 100;
        let failed = world.fails_with(&guest.build(), few, CauseKind::Trap).await;
        assert_eq!(failed.overruns, [("handles", 1)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_a_slow_leak() {
    surrounded(async |world| {
        for kind in KINDS {
            let guest = doing(
                kind,
                "",
                "(if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))",
            );
            let pipeline = world.load(&guest, |settings| settings.limits.memory = 64 << 16).await;
            // Four times what there is room for.
            assert_eq!(world.counts(&pipeline, 128).await.len(), 128);
            let plugin = pipeline.plugins().first().unwrap();
            let usage = plugin.plugin.usage();
            assert!(usage.recycled > 0 && usage.discarded == 0, "{usage:?}");
            assert!(usage.memory < 64 << 16, "{usage:?}");
            assert_eq!(overruns(&plugin.counters), []);
        }
    })
    .await;
}
