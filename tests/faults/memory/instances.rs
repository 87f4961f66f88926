//! Instances: how many there are, and what of one the next one sees.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::poll;
use heimdall_host::counters::{CauseKind, Hook};
use heimdall_host::loader::{FailurePolicy, Isolation, PluginSettings};
use heimdall_host::pipeline::LlmStep;
use heimdall_host::runtime::RuntimeSettings;

use crate::guests::*;
use crate::support::*;
use crate::world::*;

/// One instance, which a request holds to its end, and nobody may wait for it.
fn single(policy: FailurePolicy) -> impl FnOnce(&mut PluginSettings) {
    move |settings| {
        settings.isolation = Some(Isolation::Request);
        settings.instances = Some(1);
        settings.limits.waiting = 0;
        settings.on_failure = policy;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_38_all_instances_are_busy() {
    surrounded(async |world| {
        for kind in KINDS {
            for policy in [FailurePolicy::Open, FailurePolicy::Closed] {
                let pipeline = world.load(&faulty(kind, "", ""), single(policy)).await;
                let mut holder = pipeline.begin("r1", http_request("/v1/chat/completions"));
                proceed(&mut holder, chat("hello")).await;
                let mut second = pipeline.begin("r2", http_request("/v1/chat/completions"));
                let step = {
                    let mut call = pin!(second.before_call(chat("hello")));
                    poll!(&mut call)
                };
                match (policy, step) {
                    (FailurePolicy::Open, Poll::Ready(LlmStep::Proceed(request))) => {
                        assert_eq!(request.document().as_str(), chat("hello").document().as_str());
                    }
                    (FailurePolicy::Closed, Poll::Ready(LlmStep::Refuse(error))) => {
                        assert_eq!(error.status, Some(503));
                        assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
                        assert!(error.message.contains(FAULTY), "{}", error.message);
                    }
                    (_, step) => panic!("it should be answered without waiting: {step:?}"),
                }
                let counters = &pipeline.plugins().first().unwrap().counters;
                assert_eq!(counters.hook(Hook::BeforeCall).failure(CauseKind::Busy), 1);
                assert_eq!(overruns(counters), [("waiting", 1)]);
                // The instance comes back when its request is over.
                drop(holder);
                let usage = || pipeline.plugins().first().unwrap().plugin.usage();
                world.until("the instance came back", || usage().busy == 0).await;
                assert_eq!(world.count(&pipeline).await, Some(1));
            }
        }
    })
    .await;
}

/// Requests that each hold an instance, until the engine has no room for one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_38_the_host_has_no_room_for_one_more_instance() {
    const MOST: usize = 100;
    surrounded(async |world| {
        let small = host_of(RuntimeSettings {
            instances: 2,
            ..RuntimeSettings::default()
        });
        for kind in KINDS {
            let mut settings = PluginSettings::new("faulty.wasm");
            settings.name = Some(FAULTY.to_owned());
            settings.isolation = Some(Isolation::Request);
            settings.instances = Some(MOST);
            settings.limits.hook_timeout = LATE;
            let loaded = small.load(faulty(kind, "", ""), settings).await.unwrap();
            let pipeline = world.pipeline(loaded);
            let mut holders = Vec::new();
            let error = loop {
                assert!(holders.len() < MOST, "there is room for all of them");
                let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
                match exchange.before_call(chat("hello")).await {
                    LlmStep::Refuse(error) => break error,
                    _ => holders.push(exchange),
                }
            };
            assert_eq!(
                (error.status, error.retry_after),
                (Some(503), Some(Duration::from_secs(1))),
                "{error:?}"
            );
            let plugin = pipeline.plugins().first().unwrap();
            assert_eq!(plugin.counters.hook(Hook::BeforeCall).failure(CauseKind::Exhausted), 1);
            assert_eq!(overruns(&plugin.counters), [("instances", 1)]);
            drop(holders);
            world.until("they came back", || plugin.plugin.usage().busy == 0).await;
            assert_eq!(world.count(&pipeline).await, Some(1));
            world.retire(pipeline).await;
        }
    })
    .await;
}

/// Takes ten pages more, traps unless all of them are zero, and fills them with ones.
const LOOK: &str = "
    (local.set $at (i32.shl (memory.grow (i32.const 10)) (i32.const 16)))
    (local.set $end (i32.shl (memory.size) (i32.const 16)))
    (loop $again
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
      (i64.store (local.get $at) (i64.const -1))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))";

/// A guest that traps if it finds anything in memory that nobody has given to it, and leaves something in all of it.
fn looking(kind: Kind) -> Bytes {
    // From here on it has nothing in its first pages.
    let first = "(local.set $at (i32.const 1048576))
        (loop $first
          (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
          (i64.store (local.get $at) (i64.const -1))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $first (i32.lt_u (local.get $at) (i32.const 1114112))))";
    let items = format!("(func $look (local $at i32) (local $end i32) {first} {LOOK})");
    doing(kind, &items, "(call $look)")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_the_memory_of_another_request_reads_zero() {
    surrounded(async |world| {
        for kind in KINDS {
            let fresh = |settings: &mut PluginSettings| settings.isolation = Some(Isolation::Request);
            let pipeline = world.load(&looking(kind), fresh).await;
            assert_eq!(world.counts(&pipeline, 20).await, [1; 20]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_the_memory_of_another_plugin_reads_zero() {
    surrounded(async |world| {
        for kind in KINDS.repeat(5) {
            let pipeline = world.load(&looking(kind), |_| {}).await;
            assert_eq!(world.count(&pipeline).await, Some(1));
            // Its place in the engine's pool is free for the next one.
            world.retire(pipeline).await;
        }
    })
    .await;
}
