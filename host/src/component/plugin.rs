//! A typed plugin at work: its instances, and each hook of the pipeline as a call of the guest's.

use async_trait::async_trait;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::State;
use super::v0_1::{Description, Exports, Fault, Indices};
use crate::failure::{Cause, Failure};
use crate::json::Document;
use crate::limits::Limits;
use crate::model::{Context, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use crate::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Logged, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};
use crate::runtime::{
    Account, Deadline, Factory, HasTenant as _, Instances, Lease, Runtime, Stage, Tenant, begin_call, cause_of,
    end_call, instantiation_cause,
};

/// A guest in its Store.
pub(super) struct Guest {
    store: Store<State>,
    exports: Exports,
    /// Bytes of memory that it started with.
    fresh: usize,
}

impl Guest {
    /// What the engine's error means, said before the Store is gone.
    fn cause(&self, fault: Fault) -> Cause {
        match fault {
            Fault::Engine(error) => cause_of(error, &self.store.data().tenant),
            Fault::Cause(cause) => cause,
        }
    }

    fn begin(&mut self, hook: &'static str) {
        begin_call(&mut self.store, hook, Context::default(), Logged::default());
    }

    /// Its log lines bear the name that it has told.
    pub(super) fn rename(&mut self, account: &Account) {
        self.store.data_mut().tenant().rename(account);
    }

    /// `describe`, within what is left of the time to start.
    pub(super) async fn describe(&mut self, deadline: &Deadline) -> Result<Description, Cause> {
        self.begin("describe");
        let said = deadline.run(async {
            self.exports
                .describe(&mut self.store)
                .await
                .map_err(|fault| self.cause(fault))
        });
        let said = said.await;
        end_call(&mut self.store);
        said
    }

    /// `init`, within its time.
    pub(super) async fn init(&mut self, config: &String, deadline: &Deadline) -> Result<(), Cause> {
        self.begin("init");
        let done = deadline.run(async {
            self.exports
                .init(&mut self.store, config)
                .await
                .map_err(|fault| self.cause(fault))
        });
        let done = done.await;
        end_call(&mut self.store);
        done
    }
}

/// Makes and retires the instances of one plugin.
pub(super) struct Guests {
    pub runtime: Runtime,
    pub component: InstancePre<State>,
    pub indices: Indices,
    pub account: Account,
    /// JSON, `null` where there is none.
    pub config: String,
}

impl Guests {
    pub(super) fn limits(&self) -> &Limits {
        self.account.limits()
    }

    /// Counts the limit that a failure ran over.
    fn counted(&self, stage: Stage, cause: Cause) -> Cause {
        self.account.ran_over(&cause, stage);
        cause
    }

    /// Instantiates the component; start functions run.
    pub(super) async fn start(&self, deadline: &Deadline) -> Result<Guest, Cause> {
        let mut store = self.runtime.store(State::new(Tenant::new(&self.account)));
        // Twice what may be given: a value that is somewhat too large is an error for the guest, not its end.
        store.set_hostcall_fuel(self.limits().output.saturating_mul(2));
        begin_call(&mut store, "start", Context::default(), Logged::default());
        let started = deadline.run(async {
            let instance = self.component.instantiate_async(&mut store).await;
            instance.map_err(|error| instantiation_cause(error, &store.data().tenant))
        });
        let instance = started.await?;
        end_call(&mut store);
        let exports = self.indices.load(&mut store, &instance);
        let exports = exports.map_err(|error| Cause::AbiViolation(super::one_line(&error)))?;
        let fresh = store.data().tenant.memory_used();
        Ok(Guest { store, exports, fresh })
    }
}

#[async_trait]
impl Factory for Guests {
    type Instance = Guest;

    async fn create(&self) -> Result<Guest, Cause> {
        let deadline = Deadline::after(self.limits().start_timeout);
        let started = self.start(&deadline).await;
        let mut guest = started.map_err(|cause| self.counted(Stage::Start, cause))?;
        let deadline = Deadline::after(self.limits().init_timeout);
        match guest.init(&self.config, &deadline).await {
            Ok(()) => Ok(guest),
            // The hook that needs this instance returned nothing.
            Err(Cause::Returned(error)) => Err(Cause::Instantiate(format!("`init` returned an error: {error}"))),
            Err(cause) => Err(self.counted(Stage::Init, cause)),
        }
    }

    fn memory_used(&self, guest: &Guest) -> usize {
        guest.store.data().tenant.memory_used()
    }

    fn fresh_memory(&self, guest: &Guest) -> usize {
        guest.fresh
    }

    async fn retire(&self, mut guest: Guest) {
        guest.begin("cleanup");
        let deadline = Deadline::after(self.limits().cleanup_timeout);
        let done = deadline.run(async {
            guest
                .exports
                .cleanup(&mut guest.store)
                .await
                .map_err(|fault| guest.cause(fault))
        });
        if let Err(cause) = done.await {
            let cause = self.counted(Stage::Cleanup, cause);
            tracing::warn!(plugin = &**self.account.plugin(), %cause, "`cleanup` failed");
        }
    }
}

/// A loaded typed plugin.
pub(super) struct TypedPlugin {
    pub manifest: Manifest,
    pub hooks: HookSet,
    pub instances: Instances<Guests>,
}

/// One call: the guest that serves it, and until when.
struct Turn<'a> {
    hook: &'static str,
    guest: Lease<'a, Guests>,
    deadline: Deadline,
}

impl TypedPlugin {
    fn failure(&self, hook: &'static str, cause: Cause) -> Failure {
        let cause = self.instances.factory().counted(Stage::Hook, cause);
        Failure {
            plugin: self.manifest.name.clone(),
            file: self.manifest.file.clone(),
            hook,
            cause,
        }
    }

    /// Takes an instance and lends it the draft of the context. `size`: bytes of what the hook is about.
    async fn begin<'a>(&'a self, hook: &'static str, call: &'a mut Call<'_>, size: usize) -> Result<Turn<'a>, Failure> {
        let limits = self.instances.factory().limits();
        if size > limits.input {
            let limit = limits.input;
            return Err(self.failure(hook, Cause::InputTooLarge { size, limit }));
        }
        let deadline = Deadline::within(limits.hook_timeout, call.time);
        let logged = call.seat.logged;
        let lease = self.instances.lease(call.seat, &deadline).await;
        let mut guest = lease.map_err(|cause| self.failure(hook, cause))?;
        // Without a count of references: who calls keeps the context, and has no use for the draft of a hook that fails.
        begin_call(&mut guest.store, hook, std::mem::take(&mut call.context), logged);
        Ok(Turn { hook, guest, deadline })
    }

    /// Takes back what was lent. An instance whose guest did not return is dropped here.
    fn end<T>(&self, turn: Turn<'_>, result: Result<T, Cause>) -> (Result<(T, Context), Failure>, Logged) {
        let Turn { hook, mut guest, .. } = turn;
        let (context, logged) = end_call(&mut guest.store);
        let keeps_instance = result.as_ref().err().is_none_or(Cause::keeps_instance);
        if keeps_instance {
            guest.keep();
        }
        let ended = result.map(|value| (value, context));
        (ended.map_err(|cause| self.failure(hook, cause)), logged)
    }
}

/// One hook: begin, the call within its deadline, end. A macro, because each call borrows the guest and one more draft
/// across an await, which no closure's type can say and stay `Send`.
macro_rules! call_hook {
    ($plugin:ident, $hook:literal, $call:ident, $size:expr, |$exports:ident, $store:ident| $run:expr) => {{
        let mut turn = $plugin.begin($hook, $call, $size).await?;
        let deadline = turn.deadline;
        let guest = &mut *turn.guest;
        let result = deadline
            .run(async {
                let ($exports, $store) = (&guest.exports, &mut guest.store);
                $run.await.map_err(|fault| guest.cause(fault))
            })
            .await;
        let (ended, logged) = $plugin.end(turn, result);
        $call.seat.logged = logged;
        let (value, context) = ended?;
        $call.context = context;
        Ok(value)
    }};
}

/// Bytes of what an upstream said.
fn size_of(upstream: &Upstream) -> usize {
    match upstream {
        Upstream::Response(response) => response.size() as usize,
        Upstream::Error(error) => error.body.as_ref().map_or(error.message.len(), Document::len),
    }
}

#[async_trait]
impl Plugin for TypedPlugin {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn hooks(&self) -> HookSet {
        self.hooks
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        call_hook!(self, "on-request", call, request.body().len(), |exports, store| exports
            .on_request(store, request))
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        let request = call.http;
        call_hook!(self, "on-response", call, response.body().len(), |exports, store| {
            exports.on_response(store, request, response)
        })
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        call_hook!(self, "before-call", call, request.size() as usize, |exports, store| {
            exports.before_call(store, request)
        })
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        call_hook!(self, "after-call", call, size_of(upstream), |exports, store| exports
            .after_call(store, upstream))
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        call_hook!(self, "on-chunk", call, chunk.size() as usize, |exports, store| exports
            .on_chunk(store, chunk))
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        call_hook!(self, "on-end", call, 0, |exports, store| exports.on_end(store))
    }

    fn usage(&self) -> Usage {
        self.instances.usage()
    }

    async fn cleanup(&self) {
        self.instances.retire_all().await;
    }
}
