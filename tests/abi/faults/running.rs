//! What a call runs into.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{Callable, HostError, HostFunctions};
use heimdall_host::loader::PluginSettings;

use super::SOON;
use super::guests::{ABIS, Abi, Doing, KEEPING, run};

fn doing(body: &str) -> Doing<'_> {
    Doing {
        body,
        ..Doing::default()
    }
}

fn soon(settings: &mut PluginSettings) {
    settings.limits.hook_timeout = SOON;
}

#[tokio::test]
async fn a_module_starts_once_an_instance() {
    for abi in ABIS {
        let guest = Doing {
            items: "(global $starts (mut i32) (i32.const 0))
              (func $begin (global.set $starts (i32.add (global.get $starts) (i32.const 1)))) (start $begin)",
            body: "(if (i32.ne (global.get $starts) (i32.const 1)) (then unreachable))",
            ..Doing::default()
        };
        let plugin = guest.load(abi, |_| {}).await.unwrap();
        for _ in 0..2 {
            run(&plugin).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_never_ends_or_calls_the_host_or_sleeps_for_ever_is_ended() {
    let poll = r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))"#;
    for body in [
        "(loop $on (br $on))",
        "(loop $on (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 8))) (br $on))",
        // An hour of the monotonic clock.
        "(i32.store (i32.const 2064) (i32.const 1))
         (i64.store (i32.const 2072) (i64.const 3600000000000))
         (drop (call $poll (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 4096)))",
    ] {
        for abi in ABIS {
            let guest = Doing {
                imports: poll,
                ..doing(body)
            };
            let plugin = guest.load(abi, soon).await.unwrap();
            for _ in 0..2 {
                let late = run(&plugin).await.unwrap_err();
                assert!(matches!(late, Cause::Deadline(_)), "{abi:?}, {body}: {late}");
            }
        }
    }
}

#[tokio::test]
async fn deep_recursion_is_a_trap() {
    for abi in ABIS {
        let guest = Doing {
            items: "(func $deep (call $deep))",
            ..doing("(call $deep)")
        };
        let plugin = guest.load(abi, |_| {}).await.unwrap();
        let trapped = run(&plugin).await.unwrap_err();
        let is_stack = matches!(&trapped, Cause::Trap(what) if what.contains("stack"));
        assert!(is_stack, "{abi:?}: {trapped}");
    }
}

/// Calls its own plugin, of which there is one instance, and that waits for this call.
#[tokio::test]
async fn a_plugin_that_the_host_calls_while_it_calls_the_host_waits_in_vain() {
    for abi in KEEPING {
        let itself = Arc::new(OnceLock::<Callable>::new());
        let called = itself.clone();
        let again = move || {
            let plugin = called.get().cloned();
            async move {
                if let Some(plugin) = plugin {
                    plugin.call::<()>("run", ()).await?;
                }
                Ok::<(), HostError>(())
            }
        };
        let guest = Doing {
            imports: r#"(import "app" "again" (func $again))"#,
            ..doing("(call $again)")
        };
        let load = guest.load(abi, |settings| {
            soon(settings);
            settings.host_functions = HostFunctions::new().function("app", "again", again);
        });
        let plugin = load.await.unwrap();
        itself.set(plugin.clone()).ok().unwrap();
        let failed = run(&plugin).await;
        assert!(failed.is_err(), "{abi:?}");
        // It holds itself no more.
        plugin.remove().await;
    }
}

#[tokio::test]
async fn memory_and_tables_that_grow_without_end_are_denied_and_a_trap_after_that_is_no_memory() {
    let grow = "(loop $on (br_if $on (i32.ne (memory.grow 0 (i32.const 16)) (i32.const -1))))";
    let table =
        "(if (i32.ne (table.grow $table (ref.null func) (i32.const 200000)) (i32.const -1)) (then unreachable))";
    for abi in ABIS {
        for (body, fails) in [
            (grow.to_owned(), false),
            (format!("{grow} unreachable"), true),
            (table.to_owned(), false),
        ] {
            let guest = Doing {
                items: "(table $table 1 funcref)",
                ..doing(&body)
            };
            let small = |settings: &mut PluginSettings| settings.limits.memory = 8 << 20;
            let called = run(&guest.load(abi, small).await.unwrap()).await;
            match called {
                Ok(()) => assert!(!fails, "{abi:?}"),
                Err(cause) => assert!(fails && matches!(cause, Cause::OutOfMemory(_)), "{abi:?}: {cause}"),
            }
        }
    }
}

#[tokio::test]
async fn a_slow_leak_makes_way_for_a_fresh_instance_before_it_fails() {
    for abi in KEEPING {
        let guest = doing("(if (i32.eq (memory.grow 0 (i32.const 16)) (i32.const -1)) (then unreachable))");
        let small = |settings: &mut PluginSettings| settings.limits.memory = 16 << 20;
        let plugin = guest.load(abi, small).await.unwrap();
        for _ in 0..60 {
            run(&plugin).await.unwrap();
        }
        assert_eq!(plugin.usage().discarded, 0, "{abi:?}");
    }
}

#[tokio::test]
async fn a_call_that_finds_no_instance_and_no_place_to_wait_fails_at_once() {
    for abi in ABIS {
        let guest = doing("(loop $on (br $on))");
        let load = guest.load(abi, |settings| {
            settings.instances = Some(1);
            settings.limits.waiting = 0;
            settings.limits.hook_timeout = Duration::from_secs(60);
        });
        let plugin = load.await.unwrap();
        let busy = tokio::spawn({
            let plugin = plugin.clone();
            async move { run(&plugin).await }
        });
        while plugin.usage().busy == 0 {
            tokio::task::yield_now().await;
        }
        let refused = run(&plugin).await.unwrap_err();
        assert!(matches!(refused, Cause::Busy(_)), "{abi:?}: {refused}");
        busy.abort();
    }
}

#[tokio::test]
async fn a_panic_of_the_host_fails_the_call_alone() {
    for abi in KEEPING {
        let guest = Doing {
            imports: r#"(import "app" "panics" (func $panics))"#,
            items: "(global $calls (mut i32) (i32.const 0))",
            ..doing("(call $panics)")
        };
        let panics = async || -> Result<(), HostError> { panic!("out of order") };
        let load = guest.load(abi, |settings| {
            settings.host_functions = HostFunctions::new().function("app", "panics", panics);
        });
        let plugin = load.await.unwrap();
        for _ in 0..2 {
            let failed = run(&plugin).await.unwrap_err();
            assert!(matches!(failed, Cause::Panicked(_)), "{abi:?}: {failed}");
        }
    }
}

#[tokio::test]
async fn more_random_bytes_than_anybody_needs_are_refused() {
    for abi in ABIS {
        let guest = Doing {
            imports: r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#,
            ..doing("(if (i32.eqz (call $random (i32.const 8192) (i32.const 131072))) (then unreachable))")
        };
        let plugin = guest.load(abi, |_| {}).await.unwrap();
        run(&plugin).await.unwrap_or_else(|cause| panic!("{abi:?}: {cause}"));
    }
}

/// `$say` writes a line with a control character to the stream whose number it is given.
const SAY: &str = r#"(data (i32.const 4096) "one\1b[1m\n")
  (func $say (param $stream i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 8))
    (drop (call $fd_write (local.get $stream) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $flood (param $stream i32) (local $left i32)
    (local.set $left (i32.const 100))
    (loop $on
      (call $say (local.get $stream))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $on (local.get $left))))"#;

#[tokio::test]
async fn a_flood_of_what_is_printed_is_dropped_and_told_and_written_escaped() {
    for (abi, stream) in [
        (Abi::Extism, 1),
        (Abi::Extism, 2),
        (Abi::Wasp, 1),
        (Abi::Wasp, 2),
        (Abi::Stdio, 2),
    ] {
        let (lines, _collected) = crate::lines::Lines::collect();
        let body = format!("(call $flood (i32.const {stream}))");
        let guest = Doing {
            items: SAY,
            ..doing(&body)
        };
        let plugin = guest
            .load(abi, |settings| settings.limits.log_lines = 10)
            .await
            .unwrap();
        run(&plugin).await.unwrap();
        let logged = lines.of_plugins();
        assert_eq!(logged.len(), 11, "{abi:?}: {logged:?}");
        assert!(
            logged.iter().take(10).all(|line| line.contains(r"one\u{1b}[1m")),
            "{abi:?}: {logged:?}"
        );
        assert!(logged.last().unwrap().contains("lines dropped"), "{abi:?}: {logged:?}");
    }
}

#[tokio::test]
async fn a_flood_of_extisms_log_lines_is_dropped_and_told() {
    let (lines, _collected) = crate::lines::Lines::collect();
    let guest = Doing {
        imports: r#"(import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
          (import "extism:host/env" "log_warn" (func $log (param i64)))"#,
        items: r#"(func $flood (local $block i64) (local $left i32)
            (local.set $left (i32.const 100))
            (loop $on
              ;; The log takes it away.
              (local.set $block (call $alloc (i64.const 8)))
              (call $store (local.get $block) (i64.const 0x0a6f1b6f6e6f6e6f))
              (call $log (local.get $block))
              (local.set $left (i32.sub (local.get $left) (i32.const 1)))
              (br_if $on (local.get $left))))"#,
        body: "(call $flood)",
    };
    let plugin = guest
        .load(Abi::Extism, |settings| settings.limits.log_lines = 10)
        .await
        .unwrap();
    run(&plugin).await.unwrap();
    let logged = lines.of_plugins();
    assert_eq!(logged.len(), 11, "{logged:?}");
    assert!(
        logged.iter().take(10).all(|line| line.contains(r"ono\u{1b}o")),
        "{logged:?}"
    );
    assert!(!lines.text().contains('\u{1b}'));
}
