//! What a guest does to the process, by way of WASI and the log.

mod lines;
mod wasi;

use heimdall_host::counters::CauseKind;

use self::wasi::importing;
use crate::guests::*;
use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_41_an_exit_in_a_hook_with_0_and_with_1() {
    surrounded(async |world| {
        for (kind, code) in KINDS.into_iter().flat_map(|kind| [(kind, 0), (kind, 1)]) {
            let exit = format!("(call $proc_exit (i32.const {code}))");
            let guest = importing(kind, &[("proc_exit", "(param i32)")], "", &exit);
            world.fails(&guest, CauseKind::Exited).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_a_flood_of_random_bytes() {
    surrounded(async |world| {
        let random = [("random_get", "(param i32 i32) (result i32)")];
        for kind in KINDS {
            let get = |bytes: u32| format!("(drop (call $random_get (i32.const 262144) (i32.const {bytes})))");
            let enough = importing(kind, &random, "", &get(64 << 10));
            assert_eq!(world.goes_on(&enough, |_| {}).await, []);
            let flood = "(if (i32.eqz (call $random_get (i32.const 262144) (i32.const 1048576))) (then unreachable))";
            let flood = importing(kind, &random, "", flood);
            match kind {
                Kind::Typed => drop(world.fails(&flood, CauseKind::Trap).await),
                Kind::Legacy => assert_eq!(world.goes_on(&flood, |_| {}).await, []),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_47_nothing_of_the_hosts_environment_and_arguments() {
    let sizes = "(param i32 i32) (result i32)";
    let functions = [("environ_sizes_get", sizes), ("args_sizes_get", sizes)];
    let read = |function: &str| {
        format!(
            "(if (i32.or (call ${function} (i32.const 4096) (i32.const 4100)) (i32.load (i32.const 4096)))
                (then unreachable))"
        )
    };
    surrounded(async |world| {
        for kind in KINDS {
            let read = functions.map(|(function, _)| read(function)).concat();
            let guest = importing(kind, &functions, "", &read);
            assert_eq!(world.goes_on(&guest, |_| {}).await, []);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_48_threads() {
    let shared = r#"(memory $shared 1 1 shared)"#;
    let atomic = "(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))";
    surrounded(async |world| {
        for kind in KINDS {
            for guest in [faulty(kind, shared, ""), faulty(kind, "", atomic)] {
                let said = world.refused(&guest, |_| {}).await;
                assert!(said.contains("threads"), "{kind:?}: {said}");
            }
        }
        let spawns = Legacy {
            imports: r#"(import "wasi" "thread-spawn" (func (param i32) (result i32)))"#,
            ..Legacy::default()
        };
        let said = world.refused(&spawns.build(), |_| {}).await;
        assert!(said.contains("thread-spawn"), "{said}");
    })
    .await;
}
