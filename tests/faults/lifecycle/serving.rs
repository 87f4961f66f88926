//! Plugins that keep failing, clients that leave, and the end.

use std::time::Duration;

use futures_util::poll;
use heimdall_host::counters::{CauseKind, Hook};
use heimdall_host::loader::FailurePolicy;

use crate::guest::{Guest, OK};
use crate::guests::*;
use crate::lines::Lines;
use crate::requests::{chat, client, plugin_named, printed};
use crate::served::*;
use crate::support::{LATE, http_request};
use crate::world::*;

#[tokio::test(start_paused = true)]
async fn fault_81_a_plugin_that_keeps_failing() {
    const PAUSE: Duration = Duration::from_secs(100);
    let guests = [
        Guest::new().before_call("unreachable").build(),
        Legacy {
            result: "unreachable",
            ..Legacy::default()
        }
        .build(),
    ];
    counting_ticks(async |world| {
        for (guest, policy) in guests
            .iter()
            .flat_map(|guest| [FailurePolicy::Open, FailurePolicy::Closed].map(|policy| (guest, policy)))
        {
            let pipeline = world
                .load(guest, |settings| {
                    settings.on_failure = policy;
                    settings.breaker.failures = 3;
                    settings.breaker.pause = PAUSE;
                    settings.breaker.max_pause = PAUSE * 10;
                })
                .await;
            let counters = pipeline.plugins().first().unwrap().counters.clone();
            let failures = || {
                let hook = counters.hook(Hook::BeforeCall);
                (hook.failure(CauseKind::Trap), hook.failure(CauseKind::CircuitOpen))
            };
            let call = async || match (policy, world.call(&pipeline).await.result) {
                (FailurePolicy::Open, Ok(_)) | (FailurePolicy::Closed, Err(_)) => {}
                (_, result) => panic!("{policy:?}: {result:?}"),
            };
            for _ in 0..5 {
                call().await;
            }
            assert_eq!(failures(), (3, 2), "it is left alone");
            // One call tries it; then it is left alone for twice as long.
            for (tried, refused) in [(4, 3), (4, 5)] {
                tokio::time::advance(PAUSE).await;
                call().await;
                call().await;
                assert_eq!(failures(), (tried, refused));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn fault_82_two_plugins_of_one_name() {
    let one = configuration(UNWATCHED, &entry("v", "v.wasm", ""));
    let typed = Guest::new().before_call(&format!("i32.const {OK}")).build();
    let files: [(&str, &[u8]); 2] = [("v.wasm", &versioned("one")), ("typed.wasm", &typed)];
    served(&one, &files, async |gateway| {
        for other in ["v.wasm", "typed.wasm"] {
            gateway.reconfigure(&(one.clone() + &entry("v", other, "")));
            let said = refused(gateway).await;
            assert!(said.contains("`v`") && said.contains("another `name`"), "{said}");
            assert_eq!(version(gateway).await, "one");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_84_a_client_that_leaves_in_the_middle_of_a_hook() {
    surrounded(async |world| {
        for kind in KINDS {
            let guest = faulty(kind, "", ENDLESS);
            let pipeline = world.load(&guest, |settings| settings.limits.hook_timeout = LATE).await;
            let plugin = pipeline.plugins().first().unwrap().plugin.clone();
            for left in 1..=3 {
                assert_eq!(world.count(&pipeline).await, Some(1));
                let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
                let mut hook = Box::pin(exchange.before_call(crate::support::chat("hello")));
                assert!(poll!(&mut hook).is_pending(), "{kind:?} gives way");
                assert_eq!(plugin.usage().busy, 1);
                drop(hook);
                let usage = plugin.usage();
                assert_eq!((usage.busy, usage.discarded), (0, left), "{kind:?}");
            }
            assert_eq!(world.count(&pipeline).await, Some(1));
        }
    })
    .await;
}

/// A legacy guest that says so and never returns where a request holds `STUCK-84`.
fn stuck_at_a_word() -> Vec<u8> {
    let word = u64::from_le_bytes(*b"STUCK-84");
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 4)
            (data (i32.const 1024) "\10\04\00\00\0c\00\00\00") (data (i32.const 1040) "it is stuck\0a")
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "pre_hook") (param $at i32) (param $length i32) (result i64)
                (local.set $length (i32.add (local.get $at) (i32.sub (local.get $length) (i32.const 8))))
                (loop $next
                    (if (i64.eq (i64.load align=1 (local.get $at)) (i64.const {word})) (then
                        (drop (call $write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1032)))
                        {ENDLESS}))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $next (i32.le_s (local.get $at) (local.get $length))))
                i64.const 0))"#,
    ))
    .unwrap()
}

#[tokio::test]
async fn fault_84_a_client_that_leaves_the_gateway_in_the_middle_of_a_hook() {
    let file = std::path::Path::new("stuck.wasm");
    let stuck = plugin_named("stuck", file, "instances = 2\nlimits.hook_timeout_ms = 3600000");
    let keys = format!("plugins_timeout_ms = 3600000\n{UNWATCHED}");
    let files: [(&str, &[u8]); 1] = [("stuck.wasm", &stuck_at_a_word())];
    served(&configuration(&keys, &stuck), &files, async |gateway| {
        let url = format!("{}/v1/chat/completions", gateway.url);
        let body = chat("echo", "STUCK-84").to_string();
        let asking = tokio::spawn(client().post(url).body(body).send());
        printed(gateway, "it is stuck").await;
        asking.abort();
        until("its instance is thrown away", async || {
            admin(gateway, "/plugins/stuck").await["instances"]["discarded"] == 1
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn fault_85_state_that_is_lost_with_an_instance() {
    surrounded(async |world| {
        for kind in KINDS {
            let (lines, _guard) = Lines::collect();
            let pipeline = world
                .load(&faulty(kind, "", ""), |settings| settings.recycle.calls = Some(3))
                .await;
            let usage = || pipeline.plugins().first().unwrap().plugin.usage();
            let mut counts = Vec::new();
            while usage().recycled == 0 {
                counts.extend(world.count(&pipeline).await);
                tokio::task::yield_now().await;
            }
            counts.extend(world.count(&pipeline).await);
            // It served on until there was a fresh one.
            assert!(counts.len() > 3 && counts.starts_with(&[1, 2, 3]), "{counts:?}");
            assert_eq!(counts.last(), Some(&1), "{counts:?}");
            let said = "what it kept in memory is lost: ";
            let text = lines.text();
            let told = text.lines().any(|line| line.contains(said) && line.contains(FAULTY));
            assert!(told, "{text}");
        }
    })
    .await;
    assert!(include_str!("../../../docs/limits.md").contains("what the old one kept in its memory is lost"));
}

/// A guest of each kind that never returns from `cleanup`.
fn stuck_at_the_end() -> [Vec<u8>; 2] {
    let typed = Guest::new().before_call(&format!("i32.const {OK}")).cleanup(ENDLESS);
    let legacy = Legacy {
        items: &format!(r#"(func (export "cleanup") (result i32) {ENDLESS} unreachable)"#),
        ..Legacy::default()
    };
    [typed.build(), legacy.build()].map(|bytes| bytes.to_vec())
}

#[tokio::test]
async fn fault_86_a_cleanup_without_end_when_the_gateway_ends() {
    for stuck in stuck_at_the_end() {
        // By its own limit it may go on for an hour.
        let entry = entry("stuck", "stuck.wasm", "limits.cleanup_timeout_ms = 3600000");
        let gateway = start(&configuration(UNWATCHED, &entry), &[("stuck.wasm", &stuck)]);
        gateway.terminate();
        let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
        assert_eq!(status, 0, "{output}");
        assert!(output.contains("plugins are left as they are"), "{output}");
    }
}

#[tokio::test]
async fn fault_86_a_hook_without_end_when_the_gateway_ends() {
    for kind in KINDS {
        let keys = format!("shutdown_timeout_ms = 100\nplugins_timeout_ms = 3600000\n{UNWATCHED}");
        let entry = entry("stuck", "stuck.wasm", "");
        let entry = entry.replace("hook_timeout_ms = 60000", "hook_timeout_ms = 3600000");
        let stuck = faulty(kind, "", ENDLESS);
        let gateway = start(&configuration(&keys, &entry), &[("stuck.wasm", &stuck)]);
        let url = format!("{}/v1/chat/completions", gateway.url);
        let ask = || client().post(&url).body(chat("echo", "hello").to_string()).send();
        assert_eq!(ask().await.unwrap().status(), 200);
        let stuck = tokio::spawn(ask());
        until("the hook runs", async || {
            admin(&gateway, "/plugins/stuck").await["instances"]["busy"] == 1
        })
        .await;
        gateway.terminate();
        let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
        assert_eq!(status, 0, "{output}");
        assert!(output.contains("cut off"), "{output}");
        assert_eq!(stuck.await.unwrap().unwrap().status(), 503, "{kind:?}");
    }
}
