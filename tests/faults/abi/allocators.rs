//! Allocators that fail, and that give what they should not.

use bytes::Bytes;
use heimdall_host::counters::CauseKind;

use crate::guest::DATA;
use crate::guests::*;
use crate::world::*;

/// An allocator that does this.
fn allocator(body: &str) -> String {
    format!(r#"(func (export "malloc") (param $size i32) (result i32) {body})"#)
}

/// Counts up in one page and then gives 0; nothing that is freed is used again.
const RISING: &str = r#"
    (global $next (mut i32) (i32.const 65536))
    (func (export "malloc") (param $size i32) (result i32) (local $at i32)
      (local.set $at (global.get $next))
      (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (i32.const 131072)) (then (return (i32.const 0))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at))"#;

fn legacy(malloc: &str, items: &str) -> Bytes {
    let guest = Legacy {
        malloc,
        items,
        ..Legacy::default()
    };
    guest.build()
}

/// An allocator that fails by this once in every call but an instance's first, and a `plugin_reset`.
fn failing_once(failure: &str) -> Bytes {
    let malloc = allocator(&format!(
        "(if (i32.ne (global.get $calls) (global.get $calls-seen)) (then
           (global.set $calls-seen (global.get $calls)) {failure}))
         (i32.const 131072)"
    ));
    let items = r#"(global $calls-seen (mut i32) (i32.const 0)) (func (export "plugin_reset"))"#;
    legacy(&malloc, items)
}

/// An allocator that fails by this in every instance's second call.
fn failing_later(failure: &str) -> Bytes {
    let malloc = format!("(if (global.get $calls) (then {failure})) (i32.const 131072)");
    legacy(&allocator(&malloc), "")
}

/// Without `plugin_reset` an instance whose allocator fails is renewed, and with it, it is reset. An allocator that fails
/// all the same fails the call.
async fn is_retried(world: &World, failure: &str, counts_after_reset: [u32; 3], cause: CauseKind) {
    let pipeline = world.load(&failing_later(failure), |_| {}).await;
    assert_eq!(world.counts(&pipeline, 3).await, [1, 1, 1]);
    let pipeline = world.load(&failing_once(failure), |_| {}).await;
    assert_eq!(world.counts(&pipeline, 3).await, counts_after_reset);
    world.fails_always(&legacy(&allocator(failure), ""), cause).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_06_malloc_gives_0() {
    surrounded(async |world| {
        is_retried(world, "(return (i32.const 0))", [1, 2, 3], CauseKind::AbiViolation).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_06_a_heap_may_begin_at_0() {
    surrounded(async |world| {
        let malloc = "(global.get $next) (global.set $next (i32.add (global.get $next) (local.get $size)))";
        let guest = legacy(&allocator(malloc), "(global $next (mut i32) (i32.const 0))");
        let pipeline = world.load(&guest, |_| {}).await;
        // A heap in its own data is good for one request.
        assert_eq!(world.counts(&pipeline, 3).await, [1, 1, 1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_07_malloc_gives_a_place_that_is_in_use() {
    surrounded(async |world| {
        // The same place for every input, which is what the guests here do.
        world
            .goes_on(&legacy(&allocator("(i32.const 131072)"), ""), |_| {})
            .await;
        // The place of its own answer.
        let malloc =
            "(if (i32.eq (global.get $calls) (i32.const 1)) (then (return (i32.const 1030)))) (i32.const 131072)";
        world
            .fails(&legacy(&allocator(malloc), ""), CauseKind::InvalidOutput)
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_08_malloc_gives_a_place_that_is_not_aligned() {
    surrounded(async |world| {
        world
            .goes_on(&legacy(&allocator("(i32.const 131073)"), ""), |_| {})
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_09_malloc_gives_a_place_outside_of_the_memory() {
    surrounded(async |world| {
        is_retried(world, "(return (i32.const -16))", [1, 2, 3], CauseKind::AbiViolation).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_10_malloc_traps() {
    surrounded(async |world| {
        is_retried(world, "(unreachable)", [1, 1, 1], CauseKind::Trap).await;
    })
    .await;
}

/// The host writes into a typed guest's memory only when its hook has asked for something, so that nothing is tried again.
async fn a_typed_allocator_fails(world: &World, failure: &str) {
    const KEY: usize = DATA + 256;
    const VALUE: usize = DATA + 288;
    let get = format!("(call $get (i32.const {KEY}) (i32.const 10) (i32.const {VALUE}))");
    let guest = typed(&get)
        .calls("context", "get", "get", "(param i32 i32 i32)")
        .data(KEY, b"request_id")
        .realloc(&format!(
            "(if (i32.eq (global.get $calls) (i32.const 2)) (then {failure}))"
        ));
    world.fails(&guest.build(), CauseKind::Trap).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_09_realloc_gives_a_place_outside_of_the_memory_of_a_typed_guest() {
    surrounded(async |world| a_typed_allocator_fails(world, "(return (i32.const -16))").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_10_realloc_traps_in_a_typed_guest() {
    surrounded(async |world| a_typed_allocator_fails(world, "unreachable").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_11_a_heap_that_only_rises_is_renewed_before_it_is_dry() {
    surrounded(async |world| {
        // Its answer lies in the heap too: a hook that finds too little room there would give garbage.
        let guest = Legacy {
            malloc: RISING,
            items: r#"(func $in-the-heap (result i64) (local $at i32)
                (local.set $at (global.get $next))
                (global.set $next (i32.add (local.get $at) (i32.const 2000)))
                (if (i32.gt_u (global.get $next) (i32.const 131072)) (then unreachable))
                (memory.copy (local.get $at) (i32.const 1024) (i32.const 19))
                (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.const 19)))"#,
            result: "(i32.store8 (i32.const 1040) (i32.const 49)) (call $in-the-heap)",
            ..Legacy::default()
        };
        let pipeline = world.load(&guest.build(), |_| {}).await;
        assert_eq!(world.counts(&pipeline, 300).await, [1; 300]);
        assert_eq!(pipeline.plugins().first().unwrap().plugin.usage().discarded, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_11_a_hook_that_has_started_is_not_tried_again() {
    surrounded(async |world| {
        for kind in KINDS {
            // A fresh instance would have counted 1, and gone on.
            world.fails(&faulty(kind, "", "unreachable"), CauseKind::Trap).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_12_plugin_reset_traps() {
    surrounded(async |world| {
        let guest = legacy(RISING, r#"(func (export "plugin_reset") unreachable)"#);
        world.fails(&guest, CauseKind::Trap).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_13_free_traps() {
    surrounded(async |world| {
        let trap = "(if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))";
        let legacy = Legacy {
            free: &format!(r#"(func (export "free") (param i32) {trap})"#),
            ..Legacy::default()
        };
        let pipeline = world.load(&legacy.build(), |_| {}).await;
        assert_eq!(world.counts(&pipeline, 3).await, [1, 2, 1]);
        assert_eq!(pipeline.plugins().first().unwrap().plugin.usage().discarded, 1);
        // A typed guest frees before its call is over.
        let free =
            format!(r#"(func (export "cabi_post_heimdall:plugin/pre-llm-hook@0.1.0#before-call") (param i32) {trap})"#);
        world.fails(&typed("").item(&free).build(), CauseKind::Trap).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_14_free_takes_the_size_or_does_not() {
    surrounded(async |world| {
        let malloc = allocator("(global.set $size (local.get $size)) (i32.const 131072)");
        let items = "(global $size (mut i32) (i32.const 0))";
        let is_input = "(if (i32.eq (local.get $at) (i32.const 131072)) (then";
        let freeing_nothing = "(if (i32.eqz (global.get $size)) (then unreachable)) (global.set $size (i32.const 0))";
        let sizeless = format!(r#"(func (export "free") (param $at i32) {is_input} {freeing_nothing})))"#);
        let sized = format!(
            r#"(func (export "free") (param $at i32) (param $size i32) {is_input}
                 (if (i32.ne (local.get $size) (global.get $size)) (then unreachable)) {freeing_nothing})))"#
        );
        for free in [&sizeless, &sized] {
            let guest = Legacy {
                malloc: &malloc,
                free,
                items,
                ..Legacy::default()
            };
            world.goes_on(&guest.build(), |_| {}).await;
        }
    })
    .await;
}
