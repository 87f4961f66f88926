//! Whether a plugin is called, for how long, and what is counted of it.

use super::*;
use crate::counters::{CauseKind, Hook, Limit, Outcome};
use crate::pipeline::{Breaker, BreakerSettings, BreakerState, HookDone, Observer};

const PAUSE: Duration = Duration::from_secs(1);

/// A pipeline of one plugin, which is left alone after two failures, and the plugin.
fn alone(acts: &[(&'static str, Act)], policy: FailurePolicy, time: Duration) -> (Arc<Pipeline>, Loaded, Log) {
    let log = Log::default();
    let breaker = Breaker::new(BreakerSettings {
        failures: 2,
        pause: PAUSE,
        max_pause: PAUSE,
    });
    let loaded = Loaded {
        breaker: Arc::new(breaker),
        ..native("a", HookSet::all(), acts, policy, &log)
    };
    let settings = PipelineSettings {
        time,
        ..PipelineSettings::default()
    };
    let pipeline = Pipeline::new(vec![loaded.clone()], settings).unwrap();
    (Arc::new(pipeline), loaded, log)
}

async fn pre_hook(pipeline: &Arc<Pipeline>) -> LlmStep {
    pipeline.begin("r", request()).before_call(chat()).await
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_keeps_failing_is_left_alone_while_its_policy_applies_and_then_tried() {
    for policy in [CLOSED, OPEN] {
        let (pipeline, loaded, log) = alone(&[("before-call", Act::MarkAndFail)], policy, PAUSE);
        for round in 1..=4 {
            match (pre_hook(&pipeline).await, policy) {
                (LlmStep::Proceed(request), FailurePolicy::Open) => {
                    assert!(!request.document().as_str().contains("a "))
                }
                (LlmStep::Refuse(error), FailurePolicy::Closed) => {
                    // Of its own failures the first two; then it is not there for a while.
                    let expected = if round <= 2 {
                        (Some(500), None)
                    } else {
                        (Some(503), Some(PAUSE))
                    };
                    assert_eq!((error.status, error.retry_after), expected, "{error:?}");
                }
                (step, policy) => panic!("{policy:?}: {step:?}"),
            }
        }
        assert_eq!(called(&log), "a.before-call a.before-call");
        assert_eq!(loaded.breaker.state(), BreakerState::Open { left: PAUSE });
        let counts = loaded.counters.hook(Hook::BeforeCall);
        assert_eq!(counts.failure(CauseKind::Trap), 2);
        assert_eq!(counts.failure(CauseKind::CircuitOpen), 2);
        tokio::time::advance(PAUSE).await;
        pre_hook(&pipeline).await;
        pre_hook(&pipeline).await;
        assert_eq!(called(&log), "a.before-call", "one call tries it");
    }
}

#[tokio::test]
async fn an_error_that_says_when_to_try_again_says_so_in_its_response() {
    let (pipeline, _, _) = alone(&[("on-request", Act::MarkAndFail)], CLOSED, PAUSE);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let HttpStep::Respond(response) = pipeline.begin("r", request()).on_request().await else {
            panic!("it went on")
        };
        let wait = response
            .headers()
            .get("retry-after")
            .map(|it| it.to_str().unwrap().to_owned());
        waits.push((response.status(), wait));
    }
    assert_eq!(waits, [(500, None), (500, None), (503, Some("1".to_owned()))]);
}

#[tokio::test]
async fn without_time_no_hook_is_called_and_that_is_no_failure_of_the_plugins() {
    let (pipeline, loaded, log) = alone(&[], CLOSED, Duration::ZERO);
    for _ in 0..3 {
        let LlmStep::Refuse(error) = pre_hook(&pipeline).await else {
            panic!("it went on")
        };
        assert_eq!(error.code.as_deref(), Some("plugin_timeout"));
    }
    assert_eq!(called(&log), "");
    assert_eq!(loaded.counters.overruns(Limit::RequestTimeout), 3);
    assert_eq!(loaded.breaker.state(), BreakerState::Closed { failures: 0 });
}

#[tokio::test]
async fn a_plugin_that_is_turned_off_is_passed_by_by_what_begins_then() {
    let (pipeline, loaded, log) = alone(&[], CLOSED, PAUSE);
    let mut before = pipeline.begin("r", request());
    loaded.switch.turn_off();
    let mut after = pipeline.begin("r", request());
    whole(&mut before, chat()).await;
    assert_eq!(called(&log), "a.before-call a.after-call");
    whole(&mut after, chat()).await;
    assert_eq!(called(&log), "");
    loaded.switch.turn_on();
    whole(&mut pipeline.begin("r", request()), chat()).await;
    assert_eq!(called(&log), "a.before-call a.after-call");
}

#[tokio::test]
async fn what_hooks_come_to_is_counted() {
    let cases: [(&'static str, Act, Hook, Outcome); 8] = [
        ("before-call", Act::Mark, Hook::BeforeCall, Outcome::Proceeded),
        ("before-call", Act::Refuse, Hook::BeforeCall, Outcome::Refused),
        ("before-call", Act::Answer("no"), Hook::BeforeCall, Outcome::Answered),
        ("before-call", Act::MarkAndFail, Hook::BeforeCall, Outcome::Failed),
        ("after-call", Act::Refuse, Hook::AfterCall, Outcome::Refused),
        ("on-request", Act::Respond(201), Hook::OnRequest, Outcome::Answered),
        ("on-chunk", Act::Drop, Hook::OnChunk, Outcome::Dropped),
        ("on-chunk", Act::Abort, Hook::OnChunk, Outcome::Aborted),
    ];
    for (name, act, hook, outcome) in cases {
        let (pipeline, loaded, _) = alone(&[(name, act)], OPEN, PAUSE);
        match hook {
            Hook::OnRequest => drop(pipeline.begin("r", request()).on_request().await),
            Hook::OnChunk => drop(stream_of(&pipeline).await.chunk(chunk("x")).await),
            _ => drop(whole(&mut pipeline.begin("r", request()), chat()).await),
        }
        let counts = loaded.counters.hook(hook);
        assert_eq!((counts.calls(), counts.outcome(outcome)), (1, 1), "{name}: {outcome:?}");
        assert_eq!(counts.time.count(), 1);
    }
}

/// Keeps what it is told.
#[derive(Default, Clone)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn hook_done(&mut self, done: HookDone<'_>) {
        let cause = done.cause.map_or("-", CauseKind::name);
        let told = [done.plugin, done.hook.name(), done.outcome.name(), cause].join(" ");
        self.0.lock().unwrap().push(told);
    }
}

#[tokio::test]
async fn an_observer_is_told_each_hook_whether_it_was_called_or_not() {
    let (pipeline, ..) = alone(&[("before-call", Act::MarkAndFail)], OPEN, PAUSE);
    let told = Told::default();
    let mut first = pipeline.begin("r", request());
    first.observe(told.clone());
    first.on_request().await;
    for _ in 0..3 {
        let mut exchange = pipeline.begin("r", request());
        exchange.observe(told.clone());
        exchange.before_call(chat()).await;
    }
    let expected = [
        "a on-request proceeded -",
        "a before-call failed trap",
        "a before-call failed trap",
        "a before-call failed circuit-open",
    ];
    assert_eq!(*told.0.lock().unwrap(), expected);
}
