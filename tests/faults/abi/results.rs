//! Where a guest says that its result lies.

use heimdall_host::counters::CauseKind;

use crate::guest::DATA;
use crate::guests::*;
use crate::world::*;

/// Where a typed guest's result lies that is an answer in the provider's shape, a text that lies elsewhere.
const ANSWER: usize = DATA + 512;

/// A typed guest whose second call answers with a text at this place.
fn answering(place: u32, length: u32) -> bytes::Bytes {
    typed(&format!("(return (i32.const {ANSWER}))"))
        .words(ANSWER, &[0, 1, 1, place, length])
        .build()
}

fn legacy_result(packed: u64) -> bytes::Bytes {
    faulty(Kind::Legacy, "", &format!("(return (i64.const {packed}))"))
}

/// Of the 32 pages that the guests have.
const END: u32 = 32 << 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_01_a_result_outside_of_the_memory() {
    surrounded(async |world| {
        for place in [END - 16, END, u32::MAX - 64] {
            let legacy = legacy_result(u64::from(place) << 32 | 32);
            world.fails(&legacy, CauseKind::AbiViolation).await;
            world.fails(&answering(place, 32), CauseKind::Trap).await;
        }
        let result = typed(&format!("(return (i32.const {END}))")).build();
        world.fails(&result, CauseKind::Trap).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_02_a_result_whose_end_overflows() {
    surrounded(async |world| {
        let legacy = legacy_result(u64::from(u32::MAX) << 32 | 2);
        world.fails(&legacy, CauseKind::AbiViolation).await;
        world.fails(&answering(u32::MAX, 2), CauseKind::Trap).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_03_a_result_without_length_is_none_and_address_0_is_an_address() {
    surrounded(async |world| {
        for packed in [0, 1024 << 32, u64::from(u32::MAX) << 32] {
            let pipeline = world.load(&legacy_result(packed), |_| {}).await;
            for count in [Some(1), None, Some(3)] {
                assert_eq!(world.count(&pipeline).await, count);
            }
        }
        let at_0 = "(memory.copy (i32.const 0) (i32.const 1024) (i32.const 19)) (return (i64.const 19))";
        world.goes_on(&faulty(Kind::Legacy, "", at_0), |_| {}).await;
        // Zeros are a result that goes on.
        world
            .goes_on(&faulty(Kind::Typed, "", "(return (i32.const 0))"), |_| {})
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_04_a_result_over_its_cap() {
    surrounded(async |world| {
        let failed = world
            .fails(&legacy_result(0x7fff_ffff), CauseKind::OutputTooLarge)
            .await;
        assert_eq!(failed.overruns, [("output", 1)]);
        let small = |settings: &mut heimdall_host::loader::PluginSettings| settings.limits.output = 4096;
        let failed = world.fails_with(&answering(0, 100_000), small, CauseKind::Trap).await;
        assert_eq!(failed.overruns, [("output", 1)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_05_a_result_that_overlaps_the_input_is_copied_before_it_is_freed() {
    surrounded(async |world| {
        let over_the_input = "(memory.copy (local.get $at) (i32.const 1024) (i32.const 19))
            (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.const 19))";
        let guest = Legacy {
            result: over_the_input,
            free: r#"(func (export "free") (param i32) (memory.fill (local.get 0) (i32.const 0) (i32.const 64)))"#,
            ..Legacy::default()
        };
        world.goes_on(&guest.build(), |_| {}).await;
    })
    .await;
}
