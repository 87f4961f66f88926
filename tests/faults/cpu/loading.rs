//! Guests that don't come to their first request, or not to their end.

use bytes::Bytes;
use heimdall_host::counters::Limit;

use crate::guest::Guest;
use crate::guests::*;
use crate::world::*;

fn legacy(items: &str) -> Bytes {
    faulty(Kind::Legacy, items, "")
}

#[tokio::test(start_paused = true)]
async fn fault_23_a_start_function_without_end() {
    counting_ticks(async |world| {
        let start = format!("(func $start {ENDLESS}) (start $start)");
        for kind in KINDS {
            world.killed_at_load(&faulty(kind, &start, ""), "start_timeout").await;
        }
        for name in ["_initialize", "_start"] {
            let guest = legacy(&format!(r#"(func (export "{name}") {ENDLESS})"#));
            world.killed_at_load(&guest, "start_timeout").await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fault_24_an_init_without_end() {
    counting_ticks(async |world| {
        let init = format!(r#"(func (export "init") (param i32 i32) (result i32) {ENDLESS} unreachable)"#);
        world.killed_at_load(&legacy(&init), "init_timeout").await;
        let typed = Guest::new().init(&format!("{ENDLESS} unreachable"));
        world.killed_at_load(&typed.build(), "init_timeout").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fault_25_a_call_for_the_name_without_end() {
    counting_ticks(async |world| {
        let name = format!(r#"(func (export "get_name") (result i64) {ENDLESS} unreachable)"#);
        world.killed_at_load(&legacy(&name), "start_timeout").await;
        let typed = Guest::new().describe(&format!("{ENDLESS} unreachable"));
        world.killed_at_load(&typed.build(), "start_timeout").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fault_27_a_cleanup_without_end() {
    counting_ticks(async |world| {
        let cleanup = format!(r#"(func (export "cleanup") (result i32) {ENDLESS} unreachable)"#);
        for guest in [legacy(&cleanup), typed("").cleanup(ENDLESS).build()] {
            let pipeline = world.load(&guest, |_| {}).await;
            assert_eq!(world.counts(&pipeline, 2).await, [1, 2]);
            let counters = pipeline.plugins().first().unwrap().counters.clone();
            assert_in_time(world.retire(pipeline).await);
            assert_eq!(overruns(&counters), [("cleanup_timeout", 1)]);
        }
    })
    .await;
}

/// Its end comes in a task of its own, while the fresh one serves.
#[tokio::test(start_paused = true)]
async fn fault_27_a_cleanup_without_end_of_an_instance_that_made_way() {
    counting_ticks(async |world| {
        let cleanup = format!(r#"(func (export "cleanup") (result i32) {ENDLESS} unreachable)"#);
        for guest in [legacy(&cleanup), typed("").cleanup(ENDLESS).build()] {
            let pipeline = world.load(&guest, |settings| settings.recycle.calls = Some(1)).await;
            let plugin = pipeline.plugins().first().unwrap();
            let _epochs = world.epochs();
            assert_eq!(world.count(&pipeline).await, Some(1));
            world.until("it made way", || plugin.plugin.usage().recycled == 1).await;
            assert_eq!(world.count(&pipeline).await, Some(1), "a fresh one serves");
            // That one makes way as well, and without epochs nothing would end it.
            let are_over = || plugin.counters.overruns(Limit::CleanupTimeout) == 2;
            world.until("their cleanups were ended", are_over).await;
        }
    })
    .await;
}
