//! Guests that take more time than they have.

use heimdall_host::counters::CauseKind;

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
