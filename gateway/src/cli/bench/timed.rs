//! A plugin whose hooks are timed: a decorator of the port.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use heimdall_host::failure::Failure;
use heimdall_host::json::Document;
use heimdall_host::loader::Loaded;
use heimdall_host::model::{HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};

use crate::cli::hooks::{HOOKS, Part};
use crate::cli::times::Times;

/// What the calls of one hook came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Timing {
    pub(super) times: Times,
    pub(super) failures: u64,
}

/// A plugin, and what its calls came to by hook.
pub(super) struct Timed {
    plugin: Arc<dyn Plugin>,
    timings: [Mutex<Timing>; HOOKS.len()],
}

impl Timed {
    /// The same plugin, timed.
    pub(super) fn wrap(loaded: &Loaded) -> (Arc<Timed>, Loaded) {
        let timed = Arc::new(Timed {
            plugin: loaded.plugin.clone(),
            timings: Default::default(),
        });
        let loaded = Loaded {
            plugin: timed.clone(),
            ..loaded.clone()
        };
        (timed, loaded)
    }

    /// What each hook that was called came to.
    pub(super) fn timings(&self) -> Vec<(String, Timing)> {
        let timings = self.timings.iter().map(|timing| {
            let timing = timing.lock().unwrap_or_else(PoisonError::into_inner);
            timing.clone()
        });
        let called = HOOKS.iter().zip(timings);
        let called = called.filter(|(_, timing)| timing.times.count() > 0);
        let named = called.map(|(row, timing)| match row.part {
            Part::Chunk => (format!("{} (chunk)", row.name), timing),
            _ => (row.name.to_owned(), timing),
        });
        named.collect()
    }

    /// `hook`: how the port calls it; of an answer as a whole the port does not tell whether it was streamed.
    async fn time<T>(&self, hook: HookSet, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let started = Instant::now();
        let result = call.await;
        let time = started.elapsed();
        let place = HOOKS.iter().position(|row| row.set == hook);
        if let Some(timing) = place.and_then(|place| self.timings.get(place)) {
            let mut timing = timing.lock().unwrap_or_else(PoisonError::into_inner);
            timing.times.add(time);
            timing.failures += u64::from(result.is_err());
        }
        result
    }
}

#[async_trait]
impl Plugin for Timed {
    fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    fn hooks(&self) -> HookSet {
        self.plugin.hooks()
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        self.time(HookSet::HTTP_REQUEST, self.plugin.on_request(call, request))
            .await
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        self.time(HookSet::HTTP_RESPONSE, self.plugin.on_response(call, response))
            .await
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        self.time(HookSet::PRE_LLM, self.plugin.before_call(call, request))
            .await
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        self.time(HookSet::POST_LLM, self.plugin.after_call(call, upstream))
            .await
    }

    async fn after_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        self.time(HookSet::POST_LLM_CHUNK, self.plugin.after_chunk(call, chunk))
            .await
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        self.time(HookSet::CHUNK, self.plugin.on_chunk(call, chunk)).await
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        self.time(HookSet::END, self.plugin.on_end(call)).await
    }

    fn usage(&self) -> Usage {
        self.plugin.usage()
    }

    async fn cleanup(&self) {
        self.plugin.cleanup().await;
    }
}
