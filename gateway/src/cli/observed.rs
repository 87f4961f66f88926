//! A plugin whose calls are looked at: a decorator of the port.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use heimdall_host::failure::Failure;
use heimdall_host::json::Document;
use heimdall_host::loader::Loaded;
use heimdall_host::model::{HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};

/// What a hook that did not fail decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    GoOn,
    /// A reply to the client, before anything was routed.
    Respond,
    /// An answer in the model's place.
    Answer,
    Refuse,
}

/// Who looks at calls.
pub(super) trait Observer: Send + Sync + 'static {
    /// A call is over. `hook`: how the port calls it; of an answer as a whole the port does not tell whether it was
    /// streamed.
    fn called(&self, hook: HookSet, time: Duration, came: Result<Decision, &Failure>);
}

/// A plugin, and who looks at its calls.
pub(super) struct Observed<O> {
    plugin: Arc<dyn Plugin>,
    observer: O,
}

impl<O: Observer> Observed<O> {
    /// The same plugin, looked at.
    pub(super) fn wrap(loaded: &Loaded, observer: O) -> (Arc<Observed<O>>, Loaded) {
        let observed = Arc::new(Observed {
            plugin: loaded.plugin.clone(),
            observer,
        });
        let loaded = Loaded {
            plugin: observed.clone(),
            // Who made the plugin retires it.
            holders: Arc::default(),
            ..loaded.clone()
        };
        (observed, loaded)
    }

    pub(super) fn observer(&self) -> &O {
        &self.observer
    }

    async fn look<T: Decided>(
        &self,
        hook: HookSet,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let result = call.await;
        let time = started.elapsed();
        self.observer.called(hook, time, result.as_ref().map(Decided::decision));
        result
    }
}

/// What a hook returns.
trait Decided {
    fn decision(&self) -> Decision;
}

impl Decided for () {
    fn decision(&self) -> Decision {
        Decision::GoOn
    }
}

impl Decided for Vec<Document> {
    fn decision(&self) -> Decision {
        Decision::GoOn
    }
}

impl Decided for HttpOutcome {
    fn decision(&self) -> Decision {
        match self {
            HttpOutcome::Proceed => Decision::GoOn,
            HttpOutcome::Respond(_) => Decision::Respond,
        }
    }
}

impl Decided for PreOutcome {
    fn decision(&self) -> Decision {
        match self {
            PreOutcome::Proceed => Decision::GoOn,
            PreOutcome::Answer(_) => Decision::Answer,
            PreOutcome::Refuse(_) => Decision::Refuse,
        }
    }
}

impl Decided for PostOutcome {
    fn decision(&self) -> Decision {
        match self {
            PostOutcome::Proceed => Decision::GoOn,
            PostOutcome::Replace(_) => Decision::Answer,
            PostOutcome::Refuse(_) => Decision::Refuse,
        }
    }
}

impl Decided for ChunkOutcome {
    fn decision(&self) -> Decision {
        match self {
            ChunkOutcome::Proceed | ChunkOutcome::Drop | ChunkOutcome::Replace(_) => Decision::GoOn,
            ChunkOutcome::Abort(_) => Decision::Refuse,
        }
    }
}

#[async_trait]
impl<O: Observer> Plugin for Observed<O> {
    fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    fn hooks(&self) -> HookSet {
        self.plugin.hooks()
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        self.look(HookSet::HTTP_REQUEST, self.plugin.on_request(call, request))
            .await
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        self.look(HookSet::HTTP_RESPONSE, self.plugin.on_response(call, response))
            .await
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        self.look(HookSet::PRE_LLM, self.plugin.before_call(call, request))
            .await
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        self.look(HookSet::POST_LLM, self.plugin.after_call(call, upstream))
            .await
    }

    async fn after_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        self.look(HookSet::POST_LLM_CHUNK, self.plugin.after_chunk(call, chunk))
            .await
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        self.look(HookSet::CHUNK, self.plugin.on_chunk(call, chunk)).await
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        self.look(HookSet::END, self.plugin.on_end(call)).await
    }

    fn usage(&self) -> Usage {
        self.plugin.usage()
    }

    async fn cleanup(&self) {
        self.plugin.cleanup().await;
    }
}
