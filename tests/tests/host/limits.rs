//! Who runs over a limit is counted by its name, once, whether or not the guest lives on.

use std::time::Duration;

use bytes::Bytes;
use heimdall_host::counters::{Counters, Limit};
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Loaded, PluginSettings};
use heimdall_host::pipeline::{Pipeline, PipelineSettings};

use crate::counting::{KINDS, Kind, Trouble, before, counting};
use crate::guest::{Guest, OK};
use crate::legacy::answering;
use crate::support::*;
use crate::typed::before_call;

/// The limits that were run over, with how often.
fn overruns(counters: &Counters) -> Vec<(&'static str, u64)> {
    let all = Limit::ALL.iter().map(|limit| (limit.name(), counters.overruns(*limit)));
    all.filter(|(_, times)| *times > 0).collect()
}

/// What one call of this plugin runs over.
async fn overruns_of(plugin: Loaded, time: Duration) -> Vec<(&'static str, u64)> {
    let counters = plugin.counters.clone();
    let settings = PipelineSettings {
        time,
        ..PipelineSettings::default()
    };
    let _answer = before(&Pipeline::new(vec![plugin], settings).unwrap().into()).await;
    overruns(&counters)
}

/// What the guest does, under which limits, and what a typed and a legacy guest then run over.
type Case<'a> = (Trouble, &'a dyn Fn(&mut Limits), [&'a str; 2]);

#[tokio::test]
async fn what_a_call_runs_over_is_counted_by_its_name() {
    let memory = |limits: &mut Limits| limits.memory = 34 << 16;
    let growth = |limits: &mut Limits| limits.memory_growth = 1 << 16;
    let output = |limits: &mut Limits| limits.output = 4096;
    let input = |limits: &mut Limits| limits.input = 1;
    let times = |limits: &mut Limits| limits.hook_timeout = SOON;
    let fuel = |limits: &mut Limits| limits.fuel = Some(1_000_000);
    let nothing = |_: &mut Limits| {};
    let cases: [Case; 8] = [
        (Trouble::Memory, &memory, ["memory"; 2]),
        (Trouble::Memory, &growth, ["memory_growth"; 2]),
        (Trouble::Table, &nothing, ["table_elements"; 2]),
        (Trouble::DeepRecursion, &nothing, ["stack"; 2]),
        (Trouble::Endless, &fuel, ["fuel"; 2]),
        (Trouble::Endless, &times, ["hook_timeout"; 2]),
        (Trouble::LargeAnswer, &output, ["output"; 2]),
        (Trouble::None, &input, ["input"; 2]),
    ];
    for (trouble, change, limits) in cases {
        for (kind, limit) in KINDS.into_iter().zip(limits) {
            let change = |settings: &mut PluginSettings| change(&mut settings.limits);
            let plugin = load("unruly", counting(kind, trouble, 1), change).await;
            assert_eq!(overruns_of(plugin, LATE).await, [(limit, 1)], "{kind:?} {trouble:?}");
        }
    }
}

#[tokio::test]
async fn what_ends_at_the_time_of_the_whole_request_is_not_counted_as_the_hooks() {
    for kind in KINDS {
        let plugin = load("slow", counting(kind, Trouble::Endless, 1), |settings| {
            settings.limits.hook_timeout = LATE;
        });
        assert_eq!(
            overruns_of(plugin.await, SOON).await,
            [("request_timeout", 1)],
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_value_larger_than_the_host_copies_is_counted_as_output() {
    let large = "(call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 100000) (i32.const 512))";
    let guest = Guest::new().calls("context", "set", "set", "(param i32 i32 i32 i32 i32)");
    let guest = before_call(guest, large, &format!("i32.const {OK}")).build();
    let plugin = load("flood", guest, |settings| settings.limits.output = 4096);
    assert_eq!(overruns_of(plugin.await, LATE).await, [("output", 1)]);
}

#[tokio::test]
async fn a_value_that_the_guest_is_told_to_be_too_large_is_counted_as_output() {
    // One more than what may be given, and less than what the host would not copy.
    let large = "(call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4097) (i32.const 512))";
    let guest = Guest::new().calls("context", "set", "set", "(param i32 i32 i32 i32 i32)");
    let guest = before_call(guest, large, &format!("i32.const {OK}")).build();
    let plugin = load("flood", guest, |settings| settings.limits.output = 4096);
    assert_eq!(overruns_of(plugin.await, LATE).await, [("output", 1)]);
}

/// What loading it runs over; it is refused for that.
async fn refused(bytes: Bytes, change: impl FnOnce(&mut Limits)) -> (String, Vec<(&'static str, u64)>) {
    let mut settings = PluginSettings::new("slow.wasm");
    change(&mut settings.limits);
    let counters = settings.counters.clone();
    let error = host().load(bytes, settings).await.map(|_| ()).unwrap_err();
    (error.to_string(), overruns(&counters))
}

#[tokio::test]
async fn starting_and_configuring_have_times_of_their_own() {
    const ENDLESS: &str = "(loop $again (br $again)) unreachable";
    let legacy = |start: &str, init: &str| {
        wat(&format!(
            r#"(module (memory (export "memory") 2)
                 (func (export "_initialize") {start})
                 (func (export "init") (param i32 i32) (result i32) {init})
                 (func (export "malloc") (param i32) (result i32) (i32.const 65536))
                 (func (export "pre_hook") (param i32 i32) (result i64) (i64.const 0)))"#
        ))
    };
    let starting = [
        Guest::new()
            .item(&format!("(func $start {ENDLESS}) (start $start)"))
            .build(),
        Guest::new().describe(ENDLESS).build(),
        legacy(ENDLESS, "(i32.const 0)"),
    ];
    let configuring = [Guest::new().init(ENDLESS).build(), legacy("", ENDLESS)];
    for guest in starting {
        let (error, counted) = refused(guest, |limits| limits.start_timeout = SOON).await;
        assert_eq!(counted, [("start_timeout", 1)], "{error}");
        assert!(error.contains("raise `limits.start_timeout_ms`"), "{error}");
    }
    for guest in configuring {
        let (error, counted) = refused(guest, |limits| limits.init_timeout = SOON).await;
        assert_eq!(counted, [("init_timeout", 1)], "{error}");
        assert!(error.contains("raise `limits.init_timeout_ms`"), "{error}");
    }
}

#[tokio::test]
async fn a_guest_that_stays_within_its_limits_is_not_counted() {
    let legacy = answering(&[("pre_hook", "{}")]);
    for bytes in [legacy, counting(Kind::Typed, Trouble::None, 0)] {
        assert_eq!(overruns_of(load("calm", bytes, |_| {}).await, LATE).await, []);
    }
}
