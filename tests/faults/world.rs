//! What holds always, whatever goes wrong: each fault happens in a world of its own, between healthy plugins, and what comes
//! of it is asserted here.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use heimdall_host::counters::{CauseKind, Counters, Hook, Limit};
use heimdall_host::loader::{FailurePolicy, Host, Loaded, PluginSettings};
use heimdall_host::model::LlmError;
use heimdall_host::pipeline::{LlmStep, Pipeline, PipelineSettings};
use heimdall_host::runtime::{RuntimeSettings, Ticks};

use crate::healthy::Healthy;
use crate::support::*;
use crate::ticks::{Epochs, TICK, count_ticks};

/// The name of the plugin that is at fault.
pub const FAULTY: &str = "faulty";

/// The deadline of a hook, in a world whose ticks are counted.
pub const DEADLINE_TICKS: u32 = 5;

const POLICIES: [FailurePolicy; 2] = [FailurePolicy::Open, FailurePolicy::Closed];

/// A host in which something goes wrong.
pub struct World {
    pub host: Host,
    ticks: Ticks,
    pipelines: Mutex<Vec<Arc<Pipeline>>>,
}

/// What one call came to.
pub struct Called {
    /// In a world whose ticks are counted: how many passed.
    pub ticks: u32,
    pub result: Result<Passed, LlmError>,
}

/// A request that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub document: String,
    pub model: String,
    /// The count of its instance's calls that the guest left in the context.
    pub count: Option<u32>,
}

/// Runs a fault's test between healthy plugins.
pub async fn surrounded(fault: impl AsyncFnOnce(&World)) {
    World::around(Ticks::Thread, fault).await;
}

/// As [`surrounded`]; time passes only where the test says so. For tests whose clock is paused.
pub async fn counting_ticks(fault: impl AsyncFnOnce(&World)) {
    World::around(Ticks::Manual, fault).await;
}

impl World {
    async fn around(ticks: Ticks, fault: impl AsyncFnOnce(&World)) {
        let host = host_of(RuntimeSettings {
            instances: 64,
            ticks,
            ..RuntimeSettings::default()
        });
        let unused = host.runtime().live();
        let healthy = Healthy::begin(&host).await;
        let world = World {
            host,
            ticks,
            pipelines: Mutex::default(),
        };
        let before = healthy.answered();
        fault(&world).await;
        world
            .until("each healthy caller was answered", || {
                healthy.answered().iter().zip(&before).all(|(now, before)| now > before)
            })
            .await;
        let pipelines = std::mem::take(&mut *world.pipelines.lock().unwrap());
        for pipeline in pipelines {
            world.run(pipeline.cleanup()).await;
        }
        healthy.end().await;
        world
            .until("nothing is in use any more", || world.host.runtime().live() == unused)
            .await;
    }

    /// As long as this is there, guests that other tasks call give way too.
    pub fn epochs(&self) -> Epochs {
        Epochs::begin(self.host.runtime())
    }

    /// Runs something to its end. In a world whose ticks are counted it says how many passed.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> (u32, T) {
        match self.ticks {
            Ticks::Thread => (0, work.await),
            Ticks::Manual => count_ticks(self.host.runtime(), work).await,
        }
    }

    /// Waits for what other tasks do.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let waiting = async {
            while !is_so() {
                match self.ticks {
                    Ticks::Thread => tokio::task::yield_now().await,
                    Ticks::Manual => tokio::time::advance(TICK).await,
                }
            }
        };
        let waited = tokio::time::timeout(LATE, waiting).await;
        assert!(waited.is_ok(), "{what}: not within {LATE:?}");
    }

    /// A pipeline of the plugin at fault alone. It is retired when the test is over.
    pub async fn load(&self, bytes: &Bytes, change: impl FnOnce(&mut PluginSettings)) -> Arc<Pipeline> {
        let mut settings = faulty_settings();
        if self.ticks == Ticks::Manual {
            settings.limits.hook_timeout = TICK * DEADLINE_TICKS;
            settings.limits.cleanup_timeout = TICK * DEADLINE_TICKS;
        }
        change(&mut settings);
        let loaded = self.host.load(bytes.clone(), settings).await;
        self.pipeline(loaded.unwrap_or_else(|error| panic!("{error}")))
    }

    /// A pipeline of this plugin alone.
    pub fn pipeline(&self, loaded: Loaded) -> Arc<Pipeline> {
        let settings = PipelineSettings {
            time: LATE,
            ..PipelineSettings::default()
        };
        let pipeline = Arc::new(Pipeline::new(vec![loaded], settings).unwrap());
        self.pipelines.lock().unwrap().push(pipeline.clone());
        pipeline
    }

    /// One request's `before-call`.
    pub async fn call(&self, pipeline: &Arc<Pipeline>) -> Called {
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        let (ticks, step) = self.run(exchange.before_call(chat("hello"))).await;
        let result = match step {
            LlmStep::Proceed(request) => Ok(Passed {
                document: request.document().as_str().to_owned(),
                model: request.model().to_owned(),
                count: exchange.context().get("n").map(|n| n.as_str().parse().unwrap()),
            }),
            LlmStep::Refuse(error) => Err(error),
            LlmStep::Answer(_) => panic!("it answered"),
        };
        Called { ticks, result }
    }

    /// One call that goes on: its count.
    pub async fn count(&self, pipeline: &Arc<Pipeline>) -> Option<u32> {
        self.call(pipeline).await.result.unwrap().count
    }

    /// One call that fails for this cause: under the policy `open` the request goes on byte for byte as it was, under `closed`
    /// the client gets an error that names the plugin. It is counted. The ticks that passed.
    pub async fn failing_call(&self, pipeline: &Arc<Pipeline>, cause: CauseKind) -> u32 {
        let plugin = pipeline.plugins().first().unwrap();
        let count = || plugin.counters.hook(Hook::BeforeCall).failure(cause);
        let before = count();
        let Called { ticks, result } = self.call(pipeline).await;
        match plugin.on_failure {
            FailurePolicy::Open => assert_eq!(result.unwrap(), untouched()),
            FailurePolicy::Closed => assert_names_the_plugin(&result.unwrap_err()),
        }
        assert_eq!(count(), before + 1, "{:?}", plugin.counters.hook(Hook::BeforeCall));
        ticks
    }

    /// As [`fails`](Self::fails), with these settings.
    pub async fn fails_with(&self, bytes: &Bytes, change: impl Fn(&mut PluginSettings), cause: CauseKind) -> Failed {
        let mut failed = Failed::default();
        for policy in POLICIES {
            let pipeline = self.load_under(policy, bytes, &change).await;
            assert_eq!(self.count(&pipeline).await, Some(1));
            failed.ticks.push(self.failing_call(&pipeline, cause).await);
            let next = if cause == CauseKind::Returned { 3 } else { 1 };
            assert_eq!(self.count(&pipeline).await, Some(next), "{policy:?}: the next call");
            let plugin = pipeline.plugins().first().unwrap();
            assert_eq!(plugin.plugin.usage().discarded, u64::from(next == 1), "{policy:?}");
            failed.overruns = overruns(&plugin.counters);
        }
        failed
    }

    /// As [`fails`](Self::fails), and so does every other call.
    pub async fn fails_always(&self, bytes: &Bytes, cause: CauseKind) {
        for policy in POLICIES {
            let pipeline = self.load_under(policy, bytes, |_| {}).await;
            for _ in 0..3 {
                self.failing_call(&pipeline, cause).await;
            }
        }
    }

    async fn load_under(
        &self,
        policy: FailurePolicy,
        bytes: &Bytes,
        change: impl Fn(&mut PluginSettings),
    ) -> Arc<Pipeline> {
        let change = |settings: &mut PluginSettings| {
            settings.on_failure = policy;
            change(settings);
        };
        self.load(bytes, change).await
    }

    /// The guest's second call fails for this cause: under the policy `open` the request goes on byte for byte as it was,
    /// under `closed` the client gets an error that names the plugin, and it is counted. The next call meets a fresh instance,
    /// unless the guest returned an error.
    pub async fn fails(&self, bytes: &Bytes, cause: CauseKind) -> Failed {
        self.fails_with(bytes, |_| {}, cause).await
    }

    /// The guest's second call is ended one tick after its deadline at most, and fails.
    pub async fn killed(&self, bytes: &Bytes) {
        let failed = self.fails(bytes, CauseKind::Deadline).await;
        failed.ticks.into_iter().for_each(assert_in_time);
        assert_eq!(failed.overruns, [("hook_timeout", 1)]);
    }

    /// Every call goes on, in one instance, whatever the guest does in its second one; the limits that it runs over.
    pub async fn goes_on(&self, bytes: &Bytes, change: impl FnOnce(&mut PluginSettings)) -> Vec<(&'static str, u64)> {
        let pipeline = self.load(bytes, change).await;
        assert_eq!(self.counts(&pipeline, 3).await, [1, 2, 3]);
        overruns(&pipeline.plugins().first().unwrap().counters)
    }

    /// The counts of so many calls that go on.
    pub async fn counts(&self, pipeline: &Arc<Pipeline>, calls: usize) -> Vec<u32> {
        let mut counts = Vec::with_capacity(calls);
        for _ in 0..calls {
            counts.push(self.count(pipeline).await.unwrap());
        }
        counts
    }

    /// Loading the guest is ended one tick after a deadline at most, and it is refused. The limit is counted.
    pub async fn killed_at_load(&self, bytes: &Bytes, limit: &str) {
        let mut settings = faulty_settings();
        settings.limits.start_timeout = TICK * DEADLINE_TICKS;
        settings.limits.init_timeout = TICK * DEADLINE_TICKS;
        let counters = settings.counters.clone();
        let prepared = self
            .host
            .prepare(&settings.file, bytes.clone(), &settings.limits)
            .await
            .unwrap();
        let (ticks, loaded) = self.run(prepared.load(settings)).await;
        let refusal = loaded.err().unwrap().to_string();
        let said = format!("plugin `{FAULTY}` (plugins/{FAULTY}.wasm) failed in `");
        assert!(refusal.starts_with(&said), "{refusal}");
        assert!(
            refusal.contains("it did not return within 50ms (raise `limits."),
            "{refusal}"
        );
        assert_in_time(ticks);
        assert_eq!(overruns(&counters), [(limit, 1)]);
    }

    /// Retires the plugin at fault before the test is over. The ticks that passed.
    pub async fn retire(&self, pipeline: Arc<Pipeline>) -> u32 {
        self.pipelines
            .lock()
            .unwrap()
            .retain(|other| !Arc::ptr_eq(other, &pipeline));
        self.run(pipeline.cleanup()).await.0
    }

    /// The file is refused; why.
    pub async fn refused(&self, bytes: &Bytes, change: impl FnOnce(&mut PluginSettings)) -> String {
        let mut settings = faulty_settings();
        change(&mut settings);
        match self.host.load(bytes.clone(), settings).await {
            Err(error) => error.to_string(),
            Ok(_) => panic!("it was loaded"),
        }
    }
}

/// A failure under each policy.
#[derive(Debug, Default)]
pub struct Failed {
    /// What passed in each of the failing calls.
    pub ticks: Vec<u32>,
    /// The limits that the guest ran over, with how often.
    pub overruns: Vec<(&'static str, u64)>,
}

fn faulty_settings() -> PluginSettings {
    let mut settings = PluginSettings::new(format!("plugins/{FAULTY}.wasm"));
    settings.name = Some(FAULTY.to_owned());
    settings
}

/// The limits that were run over, with how often.
pub fn overruns(counters: &Counters) -> Vec<(&'static str, u64)> {
    let all = Limit::ALL.iter().map(|limit| (limit.name(), counters.overruns(*limit)));
    all.filter(|(_, times)| *times > 0).collect()
}

/// The request as it came.
fn untouched() -> Passed {
    let request = chat("hello");
    Passed {
        document: request.document().as_str().to_owned(),
        model: request.model().to_owned(),
        count: None,
    }
}

/// What took so long was ended at its deadline, or one tick later. What the guest did before that (to be instantiated, a
/// hook, `malloc`) may have given way too, where the machine is busy.
pub fn assert_in_time(ticks: u32) {
    const BEFORE: u32 = 3;
    let at_most = DEADLINE_TICKS + 1 + BEFORE;
    assert!((DEADLINE_TICKS..=at_most).contains(&ticks), "{ticks} ticks");
}

/// In words that are the host's own: the plugin, but not its file.
fn assert_names_the_plugin(error: &LlmError) {
    let said = format!("The plugin `{FAULTY}` failed in `");
    assert!(error.message.starts_with(&said), "{}", error.message);
    assert!(!error.message.contains(".wasm"), "{}", error.message);
    assert_eq!(error.plugin.as_deref(), Some(FAULTY));
}
