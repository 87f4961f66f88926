//! What one plugin does to others, to itself and to the next request: nothing that its settings don't allow.

use std::pin::pin;

use futures_util::future::{Either, join, join_all, select};
use futures_util::poll;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Isolation, PluginSettings};

use crate::counting::{KINDS, Kind, Trouble, before, both, counting};
use crate::lines::Lines;
use crate::support::*;

/// One instance, with this time for a hook, and with room for 34 pages and for answers of 4 KiB.
fn one_instance(hook_timeout: std::time::Duration) -> impl Fn(&mut PluginSettings) {
    move |settings| {
        settings.instances = Some(1);
        settings.limits = Limits {
            memory: 34 << 16,
            output: 4096,
            hook_timeout,
            ..Limits::default()
        };
    }
}

#[tokio::test]
async fn what_goes_wrong_ends_its_call_and_the_next_one_meets_what_is_left() {
    // What the error says, and the count of the call after it: 1 where a fresh instance takes over.
    let cases = [
        (
            Trouble::Trap,
            LATE,
            "it trapped: wasm `unreachable` instruction executed",
            1,
        ),
        (Trouble::DeepRecursion, LATE, "it trapped: call stack exhausted", 1),
        (Trouble::Endless, SOON, "it did not return within 500ms", 1),
        (
            Trouble::Memory,
            LATE,
            "it needed more than its 2228224 bytes of memory",
            1,
        ),
        (
            Trouble::TwoMemories,
            LATE,
            "it needed more than its 2228224 bytes of memory",
            1,
        ),
        (Trouble::LargeAnswer, LATE, "it returned 5000 bytes, 4", 1),
        (Trouble::Error, LATE, "it returned an error: no", 4),
    ];
    for (trouble, time, said, next) in cases {
        for kind in KINDS {
            let case = format!("{kind:?} {trouble:?}");
            let plugin = alone("unruly", counting(kind, trouble, 3), one_instance(time)).await;
            for count in [1, 2] {
                assert_eq!(before(&plugin).await.unwrap(), Some(count), "{case}");
            }
            let (lines, _guard) = Lines::collect();
            let error = before(&plugin).await.expect_err(&case);
            assert!(lines.text().contains(said), "{case}: {}", lines.text());
            assert!(
                error.message.contains("The plugin `unruly` failed in"),
                "{case}: {}",
                error.message
            );
            assert_eq!(before(&plugin).await.unwrap(), Some(next), "{case}");
        }
    }
}

#[tokio::test]
async fn beside_a_plugin_that_never_returns_another_one_answers() {
    for (unruly, other) in [(Kind::Typed, Kind::Legacy), (Kind::Legacy, Kind::Typed)] {
        let unruly = alone("unruly", counting(unruly, Trouble::Endless, 1), one_instance(LATE)).await;
        let other = alone("other", counting(other, Trouble::None, 0), |_| {}).await;
        let others = async {
            for _ in 0..5 {
                before(&other).await.unwrap();
            }
        };
        let (endless, others) = (pin!(before(&unruly)), pin!(others));
        assert!(matches!(select(endless, others).await, Either::Right(_)));
    }
}

#[tokio::test]
async fn a_plugin_whose_one_instance_does_not_come_back_fails_for_each_call_that_waited_for_it() {
    for kind in KINDS {
        let plugin = alone("unruly", counting(kind, Trouble::Endless, 1), one_instance(SOON)).await;
        let calls = join_all((0..5).map(|_| before(&plugin))).await;
        assert!(calls.iter().all(Result::is_err), "{kind:?}: {calls:?}");
        // As often in a row as the breaker allows at least.
        let [loaded] = plugin.plugins() else {
            panic!("{} plugins", plugin.plugins().len())
        };
        assert_eq!(loaded.breaker.trips(), 1, "{kind:?}: {:?}", loaded.breaker.state());
    }
}

#[tokio::test]
async fn a_plugin_that_others_keep_busy_does_not_fail_for_those_that_wait() {
    for kind in KINDS {
        let plugin = alone("busy", counting(kind, Trouble::None, 0), |settings| {
            one_instance(SOON)(settings);
            settings.isolation = Some(Isolation::Request);
        })
        .await;
        let mut holder = plugin.begin("r1", http_request("/v1/chat/completions"));
        proceed(&mut holder, chat("hello")).await;
        let calls = join_all((0..5).map(|_| before(&plugin))).await;
        assert!(calls.iter().all(Result::is_err), "{kind:?}: {calls:?}");
        assert_eq!(plugin.plugins().first().unwrap().breaker.trips(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn hooks_and_requests_meet_the_instances_that_the_isolation_says() {
    let (warm, request) = (Some(Isolation::Warm), Some(Isolation::Request));
    for kind in KINDS {
        for (isolation, second) in [(None, [3, 4]), (warm, [3, 4]), (request, [1, 2])] {
            let plugin = alone("counting", counting(kind, Trouble::None, 0), |settings| {
                settings.isolation = isolation;
            })
            .await;
            let counts = [both(&plugin).await, both(&plugin).await];
            assert_eq!(counts, [[1, 2], second], "{kind:?} {isolation:?}");
        }
    }
}

#[tokio::test]
async fn a_legacy_plugin_shows_all_requests_one_state() {
    let plugin = alone("counting", counting(Kind::Legacy, Trouble::Work, 1), |settings| {
        settings.limits.hook_timeout = LATE;
    })
    .await;
    let (first, second) = join(before(&plugin), before(&plugin)).await;
    assert_eq!([first.unwrap(), second.unwrap()], [Some(1), Some(2)]);
}

#[tokio::test]
async fn a_call_waits_for_the_one_instance_and_is_answered_within_its_deadline() {
    for kind in KINDS {
        let plugin = alone("busy", counting(kind, Trouble::Work, 1), one_instance(LATE)).await;
        let mut first = pin!(before(&plugin));
        assert!(poll!(&mut first).is_pending(), "{kind:?} gives way while it works");
        let mut second = pin!(before(&plugin));
        assert!(poll!(&mut second).is_pending(), "{kind:?} is busy");
        let (first, second) = join(first, second).await;
        assert_eq!([first.unwrap(), second.unwrap()], [Some(1), Some(2)], "{kind:?}");
    }
}

#[tokio::test]
async fn a_request_that_waits_beyond_its_deadline_is_told_that_all_is_busy() {
    for kind in KINDS {
        let plugin = alone("busy", counting(kind, Trouble::None, 0), |settings| {
            one_instance(SOON)(settings);
            settings.isolation = Some(Isolation::Request);
        })
        .await;
        let mut holder = plugin.begin("r1", http_request("/v1/chat/completions"));
        proceed(&mut holder, chat("hello")).await;
        let (lines, _guard) = Lines::collect();
        let error = before(&plugin).await.unwrap_err();
        assert!(
            lines.text().contains("all of its 1 instances are busy"),
            "{}",
            lines.text()
        );
        assert_eq!(
            (error.status, error.code.as_deref()),
            (Some(503), Some("plugin_unavailable"))
        );
        drop(holder);
        assert_eq!(before(&plugin).await.unwrap(), Some(1), "{kind:?}");
    }
}

#[tokio::test]
async fn calls_that_are_given_up_leave_the_pool_whole() {
    for kind in KINDS {
        let plugin = alone("unruly", counting(kind, Trouble::Endless, 2), one_instance(LATE)).await;
        for _ in 0..3 {
            assert_eq!(before(&plugin).await.unwrap(), Some(1), "{kind:?}");
            let mut busy = Box::pin(before(&plugin));
            assert!(poll!(&mut busy).is_pending(), "{kind:?}");
            let mut waiting = Box::pin(before(&plugin));
            assert!(poll!(&mut waiting).is_pending(), "{kind:?}");
            // Both clients leave: the one that is served, and the one that waits.
            drop(waiting);
            drop(busy);
        }
    }
}
